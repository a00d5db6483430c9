from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from app.context import Caller, Deps
from app.documents.provider_accounts import ProviderAccount
from app.encryption import SealError
from app.errors import ConflictError
from app.services.account_secrets import reseal, secret_of

Account = Callable[..., Awaitable[ProviderAccount]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

NEW = "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


async def found(account: ProviderAccount) -> ProviderAccount:
    stored = await ProviderAccount.by_id(account.id)
    assert stored is not None
    return stored


async def test_secrets_move_to_the_first_key(
    deps: Deps, adjusted: Callable[..., Deps], account: Account, other_tenant: Caller
) -> None:
    first = await account("A", resend={"apiKey": "re_1", "webhookSecret": "whsec_1"})
    second = await account("B", by=other_tenant, resend={"apiKey": "re_2"})
    await account("No secrets")
    assert deps.settings.secret_keys is not None
    both = SecretStr(f"{NEW},{deps.settings.secret_keys.get_secret_value()}")
    old, new = deps.settings, adjusted(secret_keys=SecretStr(NEW)).settings

    done = await reseal(adjusted(secret_keys=both).settings)

    assert (done.changed, done.lost) == (2, [])
    assert secret_of(new, await found(first), "api_key") == "re_1"
    assert secret_of(new, await found(first), "webhook_secret") == "whsec_1"
    assert secret_of(new, await found(second), "api_key") == "re_2"
    with pytest.raises(SealError):
        secret_of(old, await found(first), "api_key")
    assert (await reseal(adjusted(secret_keys=both).settings)).changed == 0


async def test_what_cannot_be_opened_is_named_and_left(
    adjusted: Callable[..., Deps], account: Account, footprint: Footprint
) -> None:
    lost = await account("A", resend={"apiKey": "re_1"})
    before = await footprint()

    done = await reseal(adjusted(secret_keys=SecretStr(NEW)).settings)

    assert (done.changed, done.lost) == (0, [str(lost.id)])
    assert await footprint() == before


async def test_without_keys_nothing_is_done(
    adjusted: Callable[..., Deps], account: Account, footprint: Footprint
) -> None:
    await account("A", resend={"apiKey": "re_1"})
    before = await footprint()

    with pytest.raises(ConflictError, match="LETTERBOX_SECRET_KEYS is not set"):
        await reseal(adjusted(secret_keys=None).settings)

    assert await footprint() == before
