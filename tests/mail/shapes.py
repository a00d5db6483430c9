"""Messages in the shape of MIME, well-made and broken, for tests that try any of them."""

from hypothesis import strategies as st

from tests.mail.samples import SAMPLES

_BOUNDARIES = st.sampled_from([b"b", b"bb", b"--b", b"=_b", b"a b", b"b--"])
_LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
_CHARSETS = st.sampled_from(
    [b"utf-8", b"us-ascii", b"iso-8859-1", b"utf-16", b"utf-7", b"gb2312", b"iso-2022-jp", b"hz",
     b"idna", b"rot13", b"x-none", b"", b"unicode_escape", b"\xff"]
)  # fmt: skip
_TYPES = st.sampled_from(
    [b"text/plain", b"text/html", b"text/plain; format=flowed", b"text/calendar; method=REPLY",
     b"message/rfc822", b"message/delivery-status", b"message/feedback-report", b"application/pdf",
     b"message/disposition-notification", b"application/ms-tnef; name=winmail.dat", b"image/png",
     b"text/rfc822-headers", b"nonsense", b""]
)  # fmt: skip
_ENCODINGS = st.sampled_from([b"7bit", b"base64", b"quoted-printable", b"x-uuencode", b"", b"8bit"])
_WORDS = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [b"<p>Dear \xc3\xab</p>", b"Q\xfcJD=\n", b"=C3=AB=\n", b"On Monday Jan wrote:\n> x\n",
         b"BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nDTSTART:20261301T990000\nEND:VEVENT\n",
         b"Final-Recipient: rfc822; a@b.test\nAction: failed\nStatus: 5.1.1\n", b"<blockquote>",
         b"\x78\x9f\x3e\x22\x01\x00", b"--b\n", b"\n--b--\n", b"begin 644 x\n", b"\xff\xfe\0\xd8"]
    ),
)  # fmt: skip
_VALUES = st.one_of(
    _WORDS,
    st.sampled_from(
        [b"Jan <jan@b.test>", b'a@b.test, "c, d" <e@f.test>;', b"=?utf-8?q?=C3?= =?utf-8?q?=AB?=",
         b"=?gb2312?B?w/s=?=", b"<a@b.test>\n <c@d.test>", b"Tue, 24 Nov 2026 10:00:00 +0100",
         b"x; a*0*=utf-8''%C3; a*1*=%AB", b'attachment; filename="=?utf-8?q?a?=/../b"', b"(((("]
    ),
)  # fmt: skip
_NAMES = st.sampled_from(
    [b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References",
     b"Received", b"Return-Path", b"Auto-Submitted", b"Precedence", b"Content-Disposition",
     b"Content-ID", b"Delivered-To", b"X-Failed-Recipients", b"Reply-To", b"List-Id"]
)  # fmt: skip


@st.composite
def _heads(draw: st.DrawFn) -> bytes:
    fields = draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=5))
    return b"".join(b"%b: %b\n" % field for field in fields)


@st.composite
def _leaves(draw: st.DrawFn) -> bytes:
    kind, charset, encoding = draw(_TYPES), draw(_CHARSETS), draw(_ENCODINGS)
    told = b"Content-Type: %b; charset=%b\nContent-Transfer-Encoding: %b\n" % (
        kind, charset, encoding
    )  # fmt: skip
    words = b"".join(draw(st.lists(_WORDS, max_size=4)))
    return draw(_heads()) + told + draw(st.sampled_from([b"\n", b"", b"\n\n"])) + words


@st.composite
def _multiparts(draw: st.DrawFn, inner: st.SearchStrategy[bytes]) -> bytes:
    kind = draw(st.sampled_from([b"mixed", b"alternative", b"related", b"report", b"digest", b""]))
    boundary, used = draw(_BOUNDARIES), draw(_BOUNDARIES)
    told = b'Content-Type: multipart/%b; boundary="%b"\n\n' % (kind, boundary)
    parts = [b"\n--%b\n%b" % (used, part) for part in draw(st.lists(inner, max_size=4))]
    end = draw(st.sampled_from([b"\n--%b--\n" % used, b"", b"\n--%b" % used]))
    return draw(_heads()) + told + b"".join(parts) + end


@st.composite
def _broken_samples(draw: st.DrawFn) -> bytes:
    """A sample of which pieces are lost, doubled, or others."""
    raw = draw(st.sampled_from(SAMPLES)).raw
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 200)))
        raw = (
            raw[:start] + draw(st.sampled_from([b"", raw[start:end] * 2, b"\0", b"\r"])) + raw[end:]
        )
    return raw


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    made = st.recursive(_leaves(), _multiparts, max_leaves=8)
    raw = draw(st.one_of(made, _broken_samples(), st.binary(max_size=300)))
    return raw.replace(b"\n", draw(_LINE_ENDS))
