import json
import math
from typing import Any

import pytest

from app.documents.vocabulary import CommunicationType
from app.errors import ErrorCode, FieldError, InvalidInputError
from app.services.inputs import parse, parse_subject
from app.services.sending import SendCommunication

CONTROL = "must not contain line breaks or other control characters"
SURROGATE = "must be valid Unicode, without lone surrogates"
TYPES = (
    "must be one of OFFERTE, FACTUUR, HERINNERING, CONTRACT, AFSPRAAK, NIEUWSBRIEF, SUPPORT "
    "or ALGEMEEN"
)
TEXT_FIELDS = (
    "replyTo", "senderEmail", "senderName", "relatedEntityType", "relatedEntityId",
    "recipientListId", "templateId", "conversationId",
)  # fmt: skip
LINE_FIELDS = ("subject", "senderName", "relatedEntityType", "relatedEntityId", "conversationId")


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"subject": None}, [("subject", "must be a string")]),
        ({"subject": 1}, [("subject", "must be a string")]),
        ({"subject": ""}, [("subject", "must not be blank")]),
        ({"subject": " \u00a0 "}, [("subject", "must not be blank")]),
        ({"subject": "x" * 901}, [("subject", "must have at most 900 characters")]),
        ({"body": None}, [("body", "must be a string")]),
        ({"body": " \r\n\t"}, [("body", "must not be blank")]),
        ({"body": "a\0b"}, [("body", "must not contain NUL characters")]),
        ({"body": "a\ud800b"}, [("body", SURROGATE)]),
        ({"recipients": None}, [("recipients", "must be a list")]),
        ({"recipients": "jan@b.test"}, [("recipients", "must be a list")]),
        ({"recipients": []}, [("recipients", "must have at least 1")]),
        ({"recipients": {"0": "jan@b.test"}}, [("recipients", "must be a list")]),
        (
            {"recipients": ["jan@b.test", "nobody", None, "a@b", ""]},
            [
                ("recipients[1]", "The address has no @-sign."),
                ("recipients[2]", "must be a string"),
                ("recipients[3]", "The part after the @-sign has no dot."),
                ("recipients[4]", "The address is empty."),
            ],
        ),
        ({"recipients": ["a@b.test"] * 1001}, [("recipients", "must have at most 1000 entries")]),
        ({"cc": ["@b.test"]}, [("cc[0]", "There is nothing before the @-sign.")]),
        ({"bcc": ["a@"]}, [("bcc[0]", "There is nothing after the @-sign.")]),
        ({"cc": [["a@b.test"]]}, [("cc[0]", "must be a string")]),
        ({"replyTo": "nobody"}, [("replyTo", "The address has no @-sign.")]),
        (
            {"replyTo": "a@b.test, c@d.test"},
            [("replyTo", "The part before the @-sign is not valid.")],
        ),
        ({"senderEmail": "nobody"}, [("senderEmail", "The address has no @-sign.")]),
        ({"senderName": 1}, [("senderName", "must be a string")]),
        ({"senderName": "x" * 321}, [("senderName", "must have at most 320 characters")]),
        ({"type": "OFFER"}, [("type", TYPES)]),
        ({"type": "offerte"}, [("type", TYPES)]),
        ({"providerType": "POST"}, [("providerType", "must be one of RESEND, GRAPH or SMTP")]),
        ({"trackingEnabled": "true"}, [("trackingEnabled", "must be true or false")]),
        ({"linkTrackingEnabled": 1}, [("linkTrackingEnabled", "must be true or false")]),
        ({"variables": []}, [("variables", "must be an object")]),
        ({"variables": "{}"}, [("variables", "must be an object")]),
    ],
)
def test_a_wrong_field_is_named(
    mail: dict[str, Any], changes: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, {**mail, **changes})

    assert refused.value.fields == tuple(FieldError(*fault) for fault in faults)
    assert refused.value.code == ErrorCode.BAD_USER_INPUT
    assert refused.value.status == 400
    assert refused.value.detail == "; ".join(f"{path}: {words}" for path, words in faults)


def test_every_missing_field_is_named() -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, {})

    assert sorted(refused.value.fields, key=lambda field: field.path) == [
        FieldError("body", "is required"),
        FieldError("recipients", "is required"),
        FieldError("subject", "is required"),
    ]


@pytest.mark.parametrize("data", [None, [], "text", 1, [{"subject": "x"}]])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, data)

    assert refused.value.fields == (FieldError("request", "must be a JSON object"),)


@pytest.mark.parametrize("field", LINE_FIELDS)
@pytest.mark.parametrize("character", ["\r", "\n", "\r\n", "\0", "\t", "\x1f", "\x7f"])
@pytest.mark.parametrize("text", ["a{}b", "a{}", "{}a"])
def test_a_control_character_in_a_line_is_refused(
    mail: dict[str, Any], field: str, character: str, text: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, {**mail, field: text.format(character)})

    assert refused.value.fields == (FieldError(field, CONTROL),)


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("recipients", "recipients[0]"),
        ("cc", "cc[0]"),
        ("bcc", "bcc[0]"),
        ("replyTo", "replyTo"),
        ("senderEmail", "senderEmail"),
    ],
)
@pytest.mark.parametrize(
    "address",
    [
        "a@b.test\r\nBcc: eve@evil.test",
        "Jan\r\nBcc: eve@evil.test <a@b.test>",
        "a@b.test\n",
        "\0a@b.test",
        "Jan\t<a@b.test>",
    ],
)
def test_a_control_character_in_an_address_is_refused(
    mail: dict[str, Any], field: str, path: str, address: str
) -> None:
    value = [address] if path.endswith("]") else address

    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, {**mail, field: value})

    assert refused.value.fields == (FieldError(path, CONTROL),)


@pytest.mark.parametrize("field", LINE_FIELDS)
def test_half_a_character_in_a_line_is_refused(mail: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, {**mail, field: "a\udfff"})

    assert refused.value.fields == (FieldError(field, SURROGATE),)


def test_unknown_fields_are_ignored(mail: dict[str, Any]) -> None:
    command = parse(SendCommunication, {**mail, "unknown": 1, "tenant_id": "evil", "id": "x"})

    assert command == parse(SendCommunication, mail)


@pytest.mark.parametrize("value", [None, "", "   "])
@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_an_empty_form_field_is_absent(mail: dict[str, Any], field: str, value: str | None) -> None:
    assert parse(SendCommunication, {**mail, field: value}) == parse(SendCommunication, mail)


@pytest.mark.parametrize(
    ("field", "attribute", "expected"),
    [
        ("cc", "cc", []),
        ("bcc", "bcc", []),
        ("type", "type", None),
        ("providerType", "provider_type", None),
        ("variables", "variables", None),
        ("trackingEnabled", "tracking_enabled", None),
        ("linkTrackingEnabled", "link_tracking_enabled", None),
    ],
)
def test_null_is_absent(mail: dict[str, Any], field: str, attribute: str, expected: object) -> None:
    command = parse(SendCommunication, {**mail, field: None})

    assert getattr(command, attribute) == expected


def test_what_fits_is_read(mail: dict[str, Any]) -> None:
    command = parse(
        SendCommunication,
        {**mail, "subject": "  x" + "é" * 899, "senderName": "x" * 320, "type": "FACTUUR"},
    )

    assert command.subject == "x" + "é" * 899
    assert command.sender_name == "x" * 320
    assert command.type is CommunicationType.FACTUUR


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"a": None, "b": True, "c": 1.5, "d": "x", "e": [1, [2]], "f": {"g": {}}},
        {"n": [2**63 - 1, -(2**63)]},
        {"a": "x" * (256 * 1024 - len('{"a":""}'))},
        {"a.b": 1, "": 2, "price$": 3},
        json.loads('{"a":' * 20 + "1" + "}" * 20),
        json.loads('{"a":' * 19 + "[1]" + "}" * 19),
    ],
)
def test_variables_that_fit(mail: dict[str, Any], variables: dict[str, Any]) -> None:
    assert parse(SendCommunication, {**mail, "variables": variables}).variables == variables


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"a": 2**63}, "must hold numbers of at most 64 bits"),
        ({"a": [{"b": -(2**63) - 1}]}, "must hold numbers of at most 64 bits"),
        ({"a": math.nan}, "must hold finite numbers"),
        ({"a": -math.inf}, "must hold finite numbers"),
        ({"a": "\0"}, "must not contain NUL characters"),
        ({"a\0": 1}, "must not contain NUL characters"),
        ({"a": ["\ud800"]}, SURROGATE),
        ({"\ud800": 1}, SURROGATE),
        (json.loads('{"a":' * 21 + "1" + "}" * 21), "must be nested at most 20 deep"),
        (json.loads('{"a":' * 20 + "[]" + "}" * 20), "must be nested at most 20 deep"),
        ({"a": "x" * (256 * 1024 - len('{"a":""}') + 1)}, "must be at most 262144 octets of JSON"),
        ({"a": {"$ref": "users", "$id": 1}}, "must not have names that begin with $"),
        ({"$ref": "users", "$id": 1}, "must not have names that begin with $"),
    ],
)
def test_variables_that_cannot_be_kept_are_refused(
    mail: dict[str, Any], variables: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(SendCommunication, {**mail, "variables": variables})

    assert refused.value.fields == (FieldError("variables", words),)


def test_a_subject_that_was_filled_in() -> None:
    assert parse_subject(" Offer 12 ") == "Offer 12"

    with pytest.raises(InvalidInputError) as refused:
        parse_subject("Offer\r\nBcc: eve@evil.test")

    assert refused.value.fields == (FieldError("subject", CONTROL),)
