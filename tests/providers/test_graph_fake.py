"""The fake Graph as a process of its own, told over HTTP what to do."""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from app.embedded.ports import is_open
from app.providers.base import OutgoingMessage, TransientError
from app.providers.graph import GraphProvider
from tests.fakes.graph import MAILBOX


async def test_a_process_is_told_what_to_do(
    open_graph: Callable[..., GraphProvider],
    outgoing: Callable[..., OutgoingMessage],
    closed_port: int,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.graph", "--port", str(closed_port))
    )
    url = f"http://127.0.0.1:{closed_port}"
    provider = open_graph(graph_url=f"{url}/v1.0", login_url=url, timeout=timedelta(seconds=5))
    try:
        async with asyncio.timeout(20), httpx2.AsyncClient(base_url=url) as control:
            while not is_open(closed_port):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            lost = {"takes": True, "end": "drop", "on": "/send"}
            told = {"faults": [lost], "at_once": 4, "mailbox": {"sent_delay": 0.1}}
            await control.post("/_fake", json=told)
            message = outgoing()
            with pytest.raises(TransientError):
                await provider.send(message)
            await control.post("/_fake", json={"always": {"status": 503, "on": "/mailFolders"}})
            with pytest.raises(TransientError):
                await provider.verify()

            shown = (await control.get("/_fake")).json()

            (mail,) = shown["mails"]
            assert mail["mailbox"] == MAILBOX
            assert mail["recipients"] == ["jan@b.test"]
            assert mail["message_id"] == message.message.message_id
            assert shown["requests"][-1].startswith("GET /v1.0/users/")
            await control.delete("/_fake")
            assert (await control.get("/_fake")).json() == {"mails": [], "requests": []}
            await provider.verify()
    finally:
        process.terminate()
        await process.wait()
