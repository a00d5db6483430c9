from collections.abc import AsyncGenerator

import pytest

from app.documents import volume
from app.documents.volume import Volume, count, counted
from app.errors import PayloadTooLargeError

MEGABYTE = 1024 * 1024
TEXT = "x" * (MEGABYTE // 2)


async def reading(*texts: str) -> AsyncGenerator[str, None]:
    for text in texts:
        yield counted({"body": text})["body"]


def test_nothing_is_counted_without_a_bound() -> None:
    assert counted({"body": TEXT * 100, "n": 1})["n"] == 1
    count(100 * MEGABYTE)


def test_texts_count_together_up_to_the_limit() -> None:
    with volume.bounded(MEGABYTE):
        counted({"body": TEXT, "originalBody": TEXT, "openCount": 3, "events": []})
        with pytest.raises(PayloadTooLargeError, match="more than 1 MB"):
            counted({"body": "x"})
    count(MEGABYTE + 1)


def test_a_block_within_another_shares_its_bound() -> None:
    with volume.bounded(MEGABYTE):
        with volume.bounded(100 * MEGABYTE):
            count(MEGABYTE)
        with pytest.raises(PayloadTooLargeError):
            count(1)


def test_what_was_read_in_vain_does_not_count() -> None:
    with volume.bounded(MEGABYTE):
        count(1)
        with pytest.raises(PayloadTooLargeError), volume.tried():
            count(MEGABYTE)
        with volume.tried():
            count(MEGABYTE - 1)
        with pytest.raises(PayloadTooLargeError):
            count(1)
    with pytest.raises(ValueError, match="in vain"), volume.tried():
        raise ValueError("in vain")


async def test_what_is_read_later_counts_into_the_volume_of_the_block() -> None:
    with volume.bounded(MEGABYTE):
        later = volume.under(reading(TEXT, TEXT, TEXT), volume.shared())

    assert [await anext(later), await anext(later)] == [TEXT, TEXT]
    with pytest.raises(PayloadTooLargeError):
        await anext(later)


async def test_each_item_may_have_a_volume_of_its_own() -> None:
    items = volume.under(reading(TEXT, TEXT, TEXT), lambda: Volume(MEGABYTE))

    assert [item async for item in items] == [TEXT] * 3
    count(100 * MEGABYTE)
