import pytest

from app.services.templates.locales import canonical, chosen


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("nl", "nl"),
        ("NL-be", "nl-BE"),
        (" en_us ", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("de-ch-1996", "de-CH-1996"),
        ("en-x-US", "en-x-us"),
        ("", None),
        ("n", None),
        ("nl-", None),
        ("nl--BE", None),
        ("nederlands1", None),
        ("né", None),
        ("en-" + "a" * 40, None),
        ("{{ locale }}", None),
    ],
)
def test_tags_are_written_as_is_usual(written: str, tag: str | None) -> None:
    assert canonical(written) == tag


@pytest.mark.parametrize(
    ("wanted", "at_hand", "tag"),
    [
        ("nl-BE", {"nl-BE", "nl"}, "nl-BE"),
        ("nl-be", {"nl", "en"}, "nl"),
        ("nl", {"nl-BE", "en"}, None),
        ("zh-Hant-TW", {"zh", "zh-Hant"}, "zh-Hant"),
        ("en-a-bbb-ccc", {"en-a", "en"}, "en"),
        ("fr", {"nl"}, None),
        ("no tag at all", {"nl"}, None),
        (None, {"nl"}, None),
    ],
)
def test_a_reader_is_served_by_what_is_nearest(
    wanted: str | None, at_hand: set[str], tag: str | None
) -> None:
    assert chosen(wanted, at_hand) == tag
