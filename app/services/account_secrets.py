"""The secrets of provider accounts: sealed where they are stored, opened where they are used."""

from collections.abc import Mapping
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.documents.provider_accounts import ProviderAccount
from app.encryption import SealError, is_current, seal, unseal
from app.errors import ConflictError
from app.settings import Settings


def sealed(
    settings: Settings, tenant: str, account_id: PydanticObjectId, secrets: Mapping[str, str]
) -> dict[str, str]:
    """Seal secrets, each for its name in this account.

    Raises ConflictError where the service has no keys.
    """
    keys = _keys(settings)
    return {
        name: seal(keys, secret, place=_place(tenant, account_id, name))
        for name, secret in secrets.items()
    }


def secret_of(settings: Settings, account: ProviderAccount, name: str) -> str | None:
    """Open one secret of an account; None where it has none of this name.

    Raises app.encryption.SealError where it cannot be opened.
    """
    kept = account.secrets.get(name)
    if kept is None:
        return None
    place = _place(account.tenant_id, account.id, name)
    return unseal(settings.encryption_keys, kept, place=place)


@dataclass(frozen=True)
class Resealed:
    """How many accounts were sealed anew, and the ids of those whose key is gone."""

    changed: int
    lost: list[str]


async def reseal(settings: Settings) -> Resealed:
    """Seal the secrets of all tenants under the key that seals now; those that are stay.

    Raises ConflictError where the service has no keys.
    """
    keys, changed, lost = _keys(settings), 0, []
    async for account in ProviderAccount.with_secrets():
        if all(is_current(keys, one) for one in account.secrets.values()):
            continue
        try:
            secrets = {name: secret_of(settings, account, name) or "" for name in account.secrets}
        except SealError:
            lost.append(str(account.id))
            continue
        anew = sealed(settings, account.tenant_id, account.id, secrets)
        # Whoever changed them meanwhile sealed them under the new key.
        changed += await account.replace_secrets(anew)
    return Resealed(changed, lost)


def _keys(settings: Settings) -> tuple[bytes, ...]:
    if not settings.encryption_keys:
        raise ConflictError(
            "This service can keep no provider accounts: LETTERBOX_SECRET_KEYS is not set."
        )
    return settings.encryption_keys


def _place(tenant: str, account_id: PydanticObjectId, name: str) -> str:
    return f"{account_id}/{name}/{tenant}"
