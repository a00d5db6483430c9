from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.reports import MAX_FINDINGS, MAX_IDS, MAX_WORDS, Fate, Finding, Report, read_report
from tests.fakes import reports
from tests.fakes.messages import message

JAN = "jan@customer.test"
OURS = "<0123456789abcdef@acme.test>"
RETURNED, NOT_TAKEN = Fate.RETURNED, Fate.NOT_TAKEN


@pytest.mark.parametrize(
    ("written_by", "words"),
    [
        (
            reports.postfix,
            "550 5.1.1 <jan@customer.test>: Recipient address rejected: User unknown",
        ),
        (
            reports.office365,
            (
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; "
                "Recipient jan@customer.test not found by SMTP address lookup"
            ),
        ),
        (
            reports.gmail,
            (
                "550-5.1.1 The email account that you tried to reach does not exist. "
                "550-5.1.1 Please try double-checking the recipient's email address "
                "550 5.1.1 for typos"
            ),
        ),
        (reports.exim, "550 5.1.1 User unknown"),
        (reports.old_exim, "host mx.customer.test [192.0.2.7]: 550 No such user here"),
    ],
    ids=["Postfix", "Office 365", "Gmail", "Exim", "Exim in words"],
)
def test_an_unknown_user_as_servers_tell_it(written_by: Callable[[str], bytes], words: str) -> None:
    assert read_report(written_by(OURS)) == Report((OURS,), (Finding(JAN, RETURNED, words),))


@pytest.mark.parametrize(
    ("status", "diagnosis", "fate"),
    [
        ("5.1.1", "550 5.1.1 unknown", RETURNED),
        ("5.1.2", "550 5.1.2 bad domain", RETURNED),
        ("5.1.10", "550 5.1.10 RecipientNotFound", RETURNED),
        ("5.4.310", "550 5.4.310 DNS domain does not exist", RETURNED),
        ("5.4.4", "Host or domain name not found", RETURNED),
        ("5.0.0", "550 5.1.1 unknown", RETURNED),
        ("5.0.0", "550 No such user", RETURNED),
        ("5.0.0", "550 User unknown", RETURNED),
        ("", "550-5.1.1 unknown", RETURNED),
        # About the sender, a full mailbox, a size, a policy, time run out: not the address's fault.
        ("5.1.7", "550 5.1.7 bad sender", NOT_TAKEN),
        ("5.1.8", "550 5.1.8 bad outbound sender", NOT_TAKEN),
        ("5.2.2", "552 5.2.2 mailbox full", NOT_TAKEN),
        ("5.2.3", "552 5.2.3 too large", NOT_TAKEN),
        ("5.3.4", "552 5.3.4 too large", NOT_TAKEN),
        ("5.7.1", "550 5.7.1 spam, no such user", NOT_TAKEN),
        ("5.7.26", "550-5.7.26 unauthenticated", NOT_TAKEN),
        ("5.7.515", "550 5.7.515 Access denied", NOT_TAKEN),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", NOT_TAKEN),
        ("4.4.7", "delivery time expired", NOT_TAKEN),
        ("4.1.1", "450 4.1.1 User unknown", NOT_TAKEN),
        ("5.0.0", "550 rejected", NOT_TAKEN),
        ("5.0.0", "450 user unknown", NOT_TAKEN),
        ("", "192.5.1.1 is listed", NOT_TAKEN),
        ("nonsense", "", NOT_TAKEN),
    ],
)
def test_whose_fault_it_is(status: str, diagnosis: str, fate: Fate) -> None:
    report = read_report(reports.postfix(OURS, status=status, diagnosis=diagnosis))

    assert report is not None
    assert [finding.fate for finding in report.findings] == [fate]


def test_a_delay_is_no_failure() -> None:
    report = read_report(
        reports.postfix(OURS, action="delayed", status="4.4.1", diagnosis="timed out")
    )

    assert report == Report((OURS,), (Finding(JAN, Fate.DELAYED, "timed out"),))


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "", "nonsense"])
def test_what_went_well_is_a_report_of_nothing(action: str) -> None:
    assert read_report(reports.postfix(OURS, action=action)) == Report((OURS,), ())


@pytest.mark.parametrize("action", ["Failed", " FAILED ", "failed (bad destination)"])
def test_an_action_in_any_spelling(action: str) -> None:
    report = read_report(reports.postfix(OURS, action=action))

    assert report is not None
    assert len(report.findings) == 1


@pytest.mark.parametrize("kind", ["abuse", "Fraud", ""])
def test_a_complaint(kind: str) -> None:
    report = read_report(reports.complaint(OURS, kind=kind))

    words = f"feedback report: {kind.lower() or 'abuse'}"
    assert report == Report((OURS,), (Finding(None, Fate.COMPLAINED, words),))


def test_a_complaint_that_names_who_complains() -> None:
    report = read_report(reports.complaint(OURS, to=f"<{JAN}>"))

    assert report is not None
    assert [finding.address for finding in report.findings] == [JAN]


@pytest.mark.parametrize("kind", ["virus", "other", "not-spam", "auth-failure"])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    assert read_report(reports.complaint(OURS, kind=kind)) == Report((OURS,), ())


@pytest.mark.parametrize(
    "raw",
    [
        message(),
        message(text=reports.postfix(OURS).decode()),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n"
        b"\r\n" + reports.postfix(OURS) + b"\r\n--b--\r\n",
        (
            b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n"
            b"\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
            b"Disposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n"
        ),
        b"",
    ],
    ids=[
        "a reply",
        "a bounce that is quoted",
        "a bounce that is forwarded",
        "a receipt",
        "nothing",
    ],
)
def test_what_is_no_report(raw: bytes) -> None:
    assert read_report(raw) is None


def test_a_report_for_several_addresses() -> None:
    blocks = "".join(
        f"Final-Recipient: rfc822;{number}@c.test\nAction: failed\nStatus: 5.1.1\n\n"
        for number in range(3)
    )
    raw = reports.postfix(OURS).replace(b"Final-Recipient", f"{blocks}Final-Recipient".encode())

    report = read_report(raw)

    assert report is not None
    assert [(f.address, f.words) for f in report.findings[:3]] == [
        (f"{number}@c.test", "5.1.1") for number in range(3)
    ]


def test_the_original_recipient_is_the_one_we_wrote_to() -> None:
    raw = reports.postfix(OURS).replace(
        b"Final-Recipient: rfc822; jan@", b"Final-Recipient: rfc822; forwarded@"
    )

    report = read_report(raw)

    assert report is not None
    assert report.findings[0].address == JAN


def test_ids_in_fields_of_providers_count_too() -> None:
    raw = reports.postfix(OURS).replace(
        b"Message-ID: " + OURS.encode(),
        b"Message-ID: <other@x.test>\r\nX-Acme-Original-Message-ID: " + OURS.encode(),
    )

    report = read_report(raw)

    assert report is not None
    assert report.message_ids == ("<other@x.test>", OURS)


def test_what_is_endless_is_cut() -> None:
    blocks = "Final-Recipient: rfc822;a@c.test\r\nAction: failed\r\nDiagnostic-Code: " + "x" * 5000
    head = b"References: " + b" ".join(b"<%d@x.test>" % number for number in range(500))
    raw = head + (
        b"\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n"
    )
    raw += b"\r\n\r\n".join([blocks.encode()] * 500) + b"\r\n--b--\r\n"

    report = read_report(raw)

    assert report is not None
    assert len(report.message_ids) == MAX_IDS
    assert 0 < len(report.findings) <= MAX_FINDINGS
    assert {len(finding.words or "") for finding in report.findings[:10]} == {MAX_WORDS}


def _part(kind: str, content: bytes) -> bytes:
    return b"--b\r\nContent-Type: message/" + kind.encode() + b"\r\n\r\n" + content + b"\r\n"


HEAD = b"Content-Type: multipart/report; boundary=b\r\n"
HOSTILE = {
    "an endless word": HEAD + b"\r\n" + _part(
        "delivery-status", b"Action: failed\r\nStatus: " + b"5" * 250_000
        + b"\r\nDiagnostic-Code: x;" + b"9" * 250_000),
    "an endless address": HEAD + b"\r\n" + _part(
        "delivery-status", b"Action: failed\r\nFinal-Recipient: " + b"a" * 250_000),
    "many parts": HEAD + b"\r\n" + _part(
        "delivery-status", b"Action: failed\r\nFinal-Recipient: " + b"a" * 100_000) * 100,
    "endless recipients": b"X-Failed-Recipients: " + b"a" * 250_000 + b"\r\n\r\n",
    "many recipients": b"X-Failed-Recipients: " + b"a@b.test," * 25_000 + b"\r\n\r\n",
    "dashes": b"X-Failed-Recipients: a@b.test\r\n\r\n- This is a copy of " + b"-" * 250_000 + b"x",
    "blank lines": HEAD + b"\r\n" + _part("delivery-status", b"\r\n \t" * 60_000 + b"x"),
    "blanks": HEAD + b"\r\n" + _part("delivery-status", (b"\n" + b" " * 5_000) * 50 + b"x"),
    "brackets": HEAD + b"References: " + b"<" * 250_000 + b"\r\n\r\n" + _part(
        "feedback-report", b"Feedback-Type: abuse"),
    "many returned mails": HEAD + b"\r\n" + _part("feedback-report", b"") + _part(
        "rfc822", b"Message-ID: <" + b"x" * 100_000) * 100,
}  # fmt: skip


@pytest.mark.timeout(40)
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_reports_take_no_time(raw: bytes) -> None:
    report = read_report(raw)

    assert report is not None
    assert len(report.findings) <= MAX_FINDINGS


SAMPLES = [
    reports.postfix(OURS),
    reports.office365(OURS),
    reports.gmail(OURS),
    reports.exim(OURS),
    reports.old_exim(OURS),
    reports.complaint(OURS, to=JAN),
]


@given(st.binary(max_size=2000))
def test_any_octets_are_read(raw: bytes) -> None:
    read_report(raw)


@given(st.sampled_from(SAMPLES), st.data())
def test_broken_reports_are_read(sample: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, min(len(sample), start + 300)))
    junk = data.draw(st.binary(max_size=50))

    report = read_report(sample[:start] + junk + sample[end:])

    if report is not None:
        for finding in report.findings:
            assert finding.address is None or "@" in finding.address
            assert len(finding.words or "") <= MAX_WORDS
