"""Templates compiled in a process of their own: hostile ones die there, and only they."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil
import pytest

from app.compiler import client
from app.mail.templates.compiling import check
from app.mail.templates.sources import Format, Source, TemplateFault
from app.patience import MOST, SECONDS, Patience

compiled_apart = partial(client.compiled_apart, patience=Patience())
STYLE = "<style>p{color:red}</style>"
TOO_MUCH = [
    TemplateFault("body", 1, 1, "takes more time or memory to compile than a mail can need")
]
SOURCES = [
    Source("{{ a }}", "<p>{{ b }}"),
    Source("é\ud800", f"{STYLE}<p>{{{{ b|default('') }}}}é", text="{{ c }}"),
    Source("s", "<mjml><mj-body><mj-x/>{% include 'p' %}</mj-body></mjml>", Format.MJML),
    Source("s", "<mj-raw>x</mj-raw>", Format.MJML,
        layout="<mjml><mj-body>{{ content }}</mj-body></mjml>", partials={"p": "x"}),
    Source("s", "{{ content }}", layout="<STYLE>p{}</STYLE><img>{{ content }}"),
]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=range(len(SOURCES)))
def test_it_is_as_if_it_were_compiled_here(source: Source) -> None:
    assert compiled_apart(source) == check(source)


@pytest.mark.parametrize(
    "body",
    [
        # Each of the paragraphs opens all of the bold parts again.
        f"{STYLE}<p>{''.join(f'<b title={n}>' for n in range(5000))}{'<p>x' * 9000}",
        # Each of the rules is written into each of the paragraphs.
        f"<style>{''.join(f'p{{a{n}:b}}' for n in range(5000))}</style>{'<p>x</p>' * 5000}",
    ],
    ids=["memory", "time"],
)
def test_what_takes_too_much_is_a_fault(body: str) -> None:
    patience = Patience()

    assert client.compiled_apart(Source("s", body), patience).faults == TOO_MUCH
    assert patience.losses == 1
    # The next one finds a process that lives.
    assert compiled_apart(SOURCES[1]) == check(SOURCES[1])


def test_several_are_compiled_at_a_time() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(compiled_apart, SOURCES * 4))

    assert made == [check(source) for source in SOURCES * 4]


def test_secrets_of_this_process_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERBOX_SIGNING_SECRET", "s3cret")
    compiled_apart(SOURCES[1])

    children = [child.environ() for child in psutil.Process(os.getpid()).children()]

    assert children
    assert all("LETTERBOX_SIGNING_SECRET" not in environ for environ in children)


def test_after_much_endless_work_of_a_tenant_the_next_is_not_tried() -> None:
    moments = [0.0]
    patience, others = Patience(lambda: moments[-1]), Patience(lambda: moments[-1])
    for _ in range(MOST):
        patience.lose()

    refused = client.compiled_apart(SOURCES[1], patience)
    plain = client.compiled_apart(SOURCES[0], patience)
    theirs = client.compiled_apart(SOURCES[1], others)
    moments.append(SECONDS)
    later = client.compiled_apart(SOURCES[1], patience)

    reason = "is not looked at for half a minute: several took too much time or memory"
    assert refused.faults == [TemplateFault("body", 1, 1, reason)]
    # What needs no engine is never endless.
    assert plain == check(SOURCES[0])
    assert theirs == later == check(SOURCES[1])
