"""Replies in the shapes in which the big mail clients write them, made up for these tests."""

OUTLOOK = """\
Received: from EX01.customer.test (10.0.0.1) by mail.acme.test with ESMTPS id 4Zx;
 Tue, 24 Nov 2026 10:05:02 +0100
From: "Vries, Jan de" <jan@customer.test>
To: Acme Sales <crm@acme.test>
CC: Piet <piet@customer.test>
Subject: RE: Your offer
Thread-Topic: Your offer
Thread-Index: AQHbPk3Fd0X1Jw==
Date: Tue, 24 Nov 2026 09:05:01 +0000
Message-ID:
 <AM0PR01MB12345678901234567890ABCDEF0123456789@AM0PR01MB1234.eurprd01.prod.exchangelabs.test>
References: <first@acme.test>
In-Reply-To: <first@acme.test>
Accept-Language: nl-NL, en-US
Content-Language: nl-NL
Content-Type: multipart/alternative;
\tboundary="_000_AM0PR01MB1234567890_"
MIME-Version: 1.0

--_000_AM0PR01MB1234567890_
Content-Type: text/plain; charset="iso-8859-1"
Content-Transfer-Encoding: quoted-printable

Prima, =80 100 is goed.

Gr=FC=DFe

--_000_AM0PR01MB1234567890_
Content-Type: text/html; charset="iso-8859-1"
Content-Transfer-Encoding: quoted-printable

<html><body><p>Prima, =80 100 is goed.</p></body></html>

--_000_AM0PR01MB1234567890_--
""".replace("\n", "\r\n").encode()

GMAIL = b"""\
MIME-Version: 1.0
References: <first@acme.test> <second@acme.test>
In-Reply-To: <second@acme.test>
From: =?UTF-8?Q?Zo=C3=AB_de_Boer?= <zoe@customer.test>
Date: Tue, 24 Nov 2026 10:30:00 +0100
Message-ID: <CAFx+Kq=abc_1@mail.gmail.test>
Subject: =?UTF-8?B?UmU6IE9mZmVydGUg8J+mpA==?=
To: Acme <crm@acme.test>, "Cees, boekhouding" <cees@acme.test>
Content-Type: multipart/alternative; boundary="000000000000a1b2c3"

--000000000000a1b2c3
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: base64

SGkgdGhlcmUsIFpvw6sK

--000000000000a1b2c3
Content-Type: text/html; charset="UTF-8"
Content-Transfer-Encoding: base64

PGRpdj5IaSB0aGVyZSwgWm/DqzwvZGl2Pgo=

--000000000000a1b2c3--
"""

APPLE = b"""\
From: Jan <jan@customer.test>
Content-Type: multipart/alternative;
 boundary="Apple-Mail=_1"
Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3731\\))
Subject: Re: Your offer
Date: Tue, 24 Nov 2026 10:31:00 +0100
In-Reply-To: <first@acme.test>
To: crm@acme.test
References: <first@acme.test>
Message-Id: <11111111-2222-3333-4444-555555555555@customer.test>

--Apple-Mail=_1
Content-Transfer-Encoding: 7bit
Content-Type: text/plain;
\tcharset=us-ascii

See this:


and this.
--Apple-Mail=_1
Content-Type: multipart/mixed;
 boundary="Apple-Mail=_2"

--Apple-Mail=_2
Content-Transfer-Encoding: 7bit
Content-Type: text/html;
\tcharset=us-ascii

<html><body>See this:</body></html>
--Apple-Mail=_2
Content-Disposition: inline;
\tfilename=plan.pdf
Content-Type: application/pdf;
\tname="plan.pdf"
Content-Transfer-Encoding: base64

JVBERi0=
--Apple-Mail=_2
Content-Transfer-Encoding: 7bit
Content-Type: text/html;
\tcharset=us-ascii

<html><body>and this.</body></html>
--Apple-Mail=_2--

--Apple-Mail=_1--
"""

THUNDERBIRD = """\
Message-ID: <f00dfeed-1@customer.test>
Date: Tue, 24 Nov 2026 10:32:00 +0100
MIME-Version: 1.0
User-Agent: Mozilla Thunderbird
Subject: Re: Your offer
Content-Language: nl
To: crm@acme.test
References: <first@acme.test>
From: Jan <jan@customer.test>
In-Reply-To: <first@acme.test>
Content-Type: text/plain; charset=UTF-8; format=flowed
Content-Transfer-Encoding: 8bit

Geachte Zoë,

Op 24-11-2026 schreef Acme:
> Your offer
""".encode()

BOUNCE = b"""\
Return-Path: <>
From: MAILER-DAEMON@mx.customer.test (Mail Delivery System)
To: crm@acme.test
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Date: Tue, 24 Nov 2026 10:33:00 +0100 (CET)
Message-Id: <bounce-1@mx.customer.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="B1/mx.customer.test"

--B1/mx.customer.test
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

Your message could not be delivered.

--B1/mx.customer.test
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.test

Final-Recipient: rfc822; nobody@customer.test
Action: failed
Status: 5.1.1

--B1/mx.customer.test
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: crm@acme.test
Subject: Your offer
Message-ID: <first@acme.test>

The original text.

--B1/mx.customer.test--
"""
