"""The secrets of provider accounts: sealed where they are stored, opened where they are used."""

from collections.abc import Mapping

from beanie import PydanticObjectId

from app.documents.provider_accounts import ProviderAccount
from app.encryption import seal, unseal
from app.errors import ConflictError
from app.settings import Settings


def sealed(
    settings: Settings, tenant: str, account_id: PydanticObjectId, secrets: Mapping[str, str]
) -> dict[str, str]:
    """Seal secrets, each for its name in this account.

    Raises ConflictError where the service has no keys.
    """
    keys = settings.encryption_keys
    if not keys:
        raise ConflictError(
            "This service can keep no provider accounts: LETTERBOX_SECRET_KEYS is not set."
        )
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


def _place(tenant: str, account_id: PydanticObjectId, name: str) -> str:
    return f"{account_id}/{name}/{tenant}"
