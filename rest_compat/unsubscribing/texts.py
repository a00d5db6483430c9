"""What the pages for recipients say, in each language that they speak.

`{sender}` is who sent the mail, `{address}` whose it is, masked, and `{topic}` what it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.services.templates.locales import chosen

FALLBACK = "en"
# No browser tells more; what comes behind is not read.
_ACCEPTED_LIMIT = 20


@dataclass(frozen=True)
class Texts:
    ask_title: str
    ask_topic: str
    ask_all: str
    leave: str
    left_title: str
    left_topic: str
    left_all: str
    personal: str
    to_preferences: str
    choose_title: str
    choose: str
    topics: str
    no_topics: str
    save: str
    saved: str
    none_title: str
    leave_all: str
    none_now: str
    again: str
    unknown_title: str
    unknown: str


TEXTS: Mapping[str, Texts] = {
    "en": Texts(
        ask_title="Unsubscribe",
        ask_topic="Shall {sender} send no more mail about “{topic}” to {address}?",
        ask_all="Shall {sender} send no more mailings to {address}?",
        leave="Unsubscribe",
        left_title="You are unsubscribed",
        left_topic="{sender} sends no more mail about “{topic}” to {address}.",
        left_all="{sender} sends no more mailings to {address}.",
        personal="Mail that is meant for you alone, such as an answer or an invoice, still comes.",
        to_preferences="Choose what you want to receive",
        choose_title="What do you want to receive?",
        choose="{sender} sends mail to {address} about what is ticked here.",
        topics="Topics",
        no_topics="There are no topics to choose from.",
        save="Save",
        saved="Your choice is saved.",
        none_title="None of it at all",
        leave_all="Unsubscribe from everything",
        none_now="You are unsubscribed from everything.",
        again="Receive mailings again",
        unknown_title="This link does not work",
        unknown=(
            "The address of this page is not complete, or not right. Please open the link in the "
            "mail once more. If that does not help, answer the mail and ask to get no more of it."
        ),
    ),
    "nl": Texts(
        ask_title="Afmelden",
        ask_topic="Wilt u dat {sender} geen mail over “{topic}” meer stuurt naar {address}?",
        ask_all="Wilt u dat {sender} geen mailings meer stuurt naar {address}?",
        leave="Afmelden",
        left_title="U bent afgemeld",
        left_topic="{sender} stuurt geen mail over “{topic}” meer naar {address}.",
        left_all="{sender} stuurt geen mailings meer naar {address}.",
        personal="Mail die alleen voor u is, zoals een antwoord of een factuur, blijft komen.",
        to_preferences="Kies wat u wilt ontvangen",
        choose_title="Wat wilt u ontvangen?",
        choose="{sender} stuurt mail naar {address} over wat hier is aangevinkt.",
        topics="Onderwerpen",
        no_topics="Er zijn geen onderwerpen om uit te kiezen.",
        save="Opslaan",
        saved="Uw keuze is opgeslagen.",
        none_title="Helemaal niets",
        leave_all="Voor alles afmelden",
        none_now="U bent voor alles afgemeld.",
        again="Weer mailings ontvangen",
        unknown_title="Deze link werkt niet",
        unknown=(
            "Het adres van deze pagina is niet volledig of niet juist. Open de link in de mail nog "
            "eens. Helpt dat niet, beantwoord dan de mail en vraag om er geen meer te krijgen."
        ),
    ),
    "de": Texts(
        ask_title="Abmelden",
        ask_topic="Soll {sender} keine Mails zu „{topic}“ mehr an {address} schicken?",
        ask_all="Soll {sender} keine Mailings mehr an {address} schicken?",
        leave="Abmelden",
        left_title="Sie sind abgemeldet",
        left_topic="{sender} schickt keine Mails zu „{topic}“ mehr an {address}.",
        left_all="{sender} schickt keine Mailings mehr an {address}.",
        personal="Was nur an Sie geht, etwa eine Antwort oder eine Rechnung, kommt weiterhin an.",
        to_preferences="Wählen, was Sie erhalten möchten",
        choose_title="Was möchten Sie erhalten?",
        choose="{sender} schickt Mails an {address} zu allem, was hier angekreuzt ist.",
        topics="Themen",
        no_topics="Es gibt keine Themen zur Auswahl.",
        save="Speichern",
        saved="Ihre Auswahl ist gespeichert.",
        none_title="Gar nichts davon",
        leave_all="Von allem abmelden",
        none_now="Sie sind von allem abgemeldet.",
        again="Wieder Mailings erhalten",
        unknown_title="Dieser Link funktioniert nicht",
        unknown=(
            "Die Adresse dieser Seite ist unvollständig oder falsch. Bitte öffnen Sie den Link in "
            "der Mail noch einmal. Hilft das nicht, antworten Sie auf die Mail und bitten Sie "
            "darum, keine mehr zu bekommen."
        ),
    ),
    "fr": Texts(
        ask_title="Se désabonner",
        ask_topic="{sender} ne doit-il plus envoyer de courriel sur « {topic} » à {address} ?",
        ask_all="{sender} ne doit-il plus envoyer de courriel groupé à {address} ?",
        leave="Se désabonner",
        left_title="Vous êtes désabonné",
        left_topic="{sender} n'envoie plus de courriel sur « {topic} » à {address}.",
        left_all="{sender} n'envoie plus de courriel groupé à {address}.",
        personal=(
            "Les courriels qui vous sont personnels, comme une réponse ou une facture, arrivent "
            "toujours."
        ),
        to_preferences="Choisir ce que vous voulez recevoir",
        choose_title="Que voulez-vous recevoir ?",
        choose="{sender} envoie à {address} des courriels sur ce qui est coché ici.",
        topics="Sujets",
        no_topics="Il n'y a pas de sujet à choisir.",
        save="Enregistrer",
        saved="Votre choix est enregistré.",
        none_title="Rien du tout",
        leave_all="Se désabonner de tout",
        none_now="Vous êtes désabonné de tout.",
        again="Recevoir de nouveau les courriels",
        unknown_title="Ce lien ne fonctionne pas",
        unknown=(
            "L'adresse de cette page est incomplète ou incorrecte. Veuillez ouvrir encore une fois "
            "le lien du courriel. Si cela n'aide pas, répondez au courriel et demandez à ne plus "
            "en recevoir."
        ),
    ),
    "es": Texts(
        ask_title="Darse de baja",
        ask_topic="¿Quiere que {sender} no envíe más correos sobre «{topic}» a {address}?",
        ask_all="¿Quiere que {sender} no envíe más correos masivos a {address}?",
        leave="Darse de baja",
        left_title="Se ha dado de baja",
        left_topic="{sender} no envía más correos sobre «{topic}» a {address}.",
        left_all="{sender} no envía más correos masivos a {address}.",
        personal=(
            "Los correos que son solo para usted, como una respuesta o una factura, siguen "
            "llegando."
        ),
        to_preferences="Elegir lo que quiere recibir",
        choose_title="¿Qué quiere recibir?",
        choose="{sender} envía a {address} correos sobre lo que está marcado aquí.",
        topics="Temas",
        no_topics="No hay temas que elegir.",
        save="Guardar",
        saved="Su elección está guardada.",
        none_title="Nada de nada",
        leave_all="Darse de baja de todo",
        none_now="Se ha dado de baja de todo.",
        again="Volver a recibir correos",
        unknown_title="Este enlace no funciona",
        unknown=(
            "La dirección de esta página está incompleta o no es correcta. Abra otra vez el enlace "
            "del correo. Si no ayuda, responda al correo y pida no recibir más."
        ),
    ),
}


def language_of(accepted: str | None) -> str:
    """Choose the language of a page by an Accept-Language field (RFC 9110, section 12.5.4)."""
    wanted = [_weighed(part) for part in (accepted or "").split(",")[:_ACCEPTED_LIMIT]]
    for _, tag in sorted(wanted, key=lambda one: -one[0]):
        found = chosen(tag, TEXTS)
        if found is not None:
            return found
    return FALLBACK


def _weighed(part: str) -> tuple[float, str]:
    """Read `nl-BE;q=0.8`; what is not wanted, or not readable, is no language."""
    tag, _, weight = part.partition(";")
    name, _, number = weight.strip().partition("=")
    try:
        quality = float(number) if name.strip().lower() == "q" else 1.0
    except ValueError:
        quality = 0.0
    return (quality, tag) if 0 < quality <= 1 else (0.0, "")
