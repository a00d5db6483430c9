"""Mail with files in the shapes in which the big mail clients write it, made up for these tests."""

import base64

PNG = b"\x89PNG\r\n\x1a\n\0"
PDF = b"%PDF-1.7 bill\n"
_PNG64, _PDF64 = base64.b64encode(PNG).decode(), base64.b64encode(PDF).decode()

OUTLOOK = f"""\
From: Jan <jan@customer.test>
To: Acme Sales <crm@acme.test>
Subject: RE: Your offer
Message-ID: <AM0PR01MB1234@customer.test>
X-MS-Has-Attach: yes
Content-Type: multipart/mixed;
\tboundary="_005_AM0PR01_"
MIME-Version: 1.0

--_005_AM0PR01_
Content-Type: multipart/related;
\tboundary="_004_AM0PR01_";
\ttype="multipart/alternative"

--_004_AM0PR01_
Content-Type: multipart/alternative;
\tboundary="_000_AM0PR01_"

--_000_AM0PR01_
Content-Type: text/plain; charset="us-ascii"

Signed.

--_000_AM0PR01_
Content-Type: text/html; charset="us-ascii"

<p>Signed.</p><img width="96" src="cid:image001.png@01DB3E4D.C5F4A3D0">

--_000_AM0PR01_--

--_004_AM0PR01_
Content-Type: image/png; name="image001.png"
Content-Description: image001.png
Content-Disposition: inline; filename="image001.png"; size=9;
\tcreation-date="Tue, 24 Nov 2026 09:05:01 GMT"
Content-ID: <image001.png@01DB3E4D.C5F4A3D0>
Content-Transfer-Encoding: base64

{_PNG64}

--_004_AM0PR01_--

--_005_AM0PR01_
Content-Type: application/octet-stream; name="=?Windows-1252?Q?Offerte_=C9=E9n.pdf?="
Content-Description: =?Windows-1252?Q?Offerte_=C9=E9n.pdf?=
Content-Disposition: attachment;
\tfilename="=?Windows-1252?Q?Offerte_=C9=E9n.pdf?="; size=14
Content-ID: <F1E2D3C4B5A6@eurprd01.prod.exchangelabs.test>
Content-Transfer-Encoding: base64

{_PDF64}

--_005_AM0PR01_--
""".replace("\n", "\r\n").encode()

GMAIL = f"""\
From: Jan <jan@customer.test>
To: crm@acme.test
Subject: Fwd: Your offer
Message-ID: <CAFx+1@mail.gmail.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="000000000000d4"

--000000000000d4
Content-Type: text/plain; charset="UTF-8"

See both.

--000000000000d4
Content-Type: application/pdf; name="Offerte voor de verbouwing van de keuken, versie 2.pdf"
Content-Disposition: attachment;
 filename*0="Offerte voor de verbouwing van de keuken, versie 2";
 filename*1=".pdf"
Content-Transfer-Encoding: base64
Content-ID: <f_m3vq8x1a0>
X-Attachment-Id: f_m3vq8x1a0

{_PDF64}
--000000000000d4
Content-Type: image/png; name="foto.png"
Content-Disposition: attachment; filename="foto.png"
Content-Transfer-Encoding: base64

{_PNG64}
--000000000000d4--
""".encode()

THUNDERBIRD_FORWARD = b"""\
From: Jan <jan@customer.test>
To: crm@acme.test
Subject: Fwd: Bill
Message-ID: <f00dfeed-2@customer.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="------------b5"

--------------b5
Content-Type: text/plain; charset=UTF-8; format=flowed

See below.

--------------b5
Content-Type: message/rfc822; charset=UTF-8

From: Piet <piet@customer.test>
Subject: =?UTF-8?Q?Factuur_12/2026_=E2=82=AC?=
Content-Type: multipart/mixed; boundary="inner"

--inner
Content-Type: application/pdf; name="inner.pdf"

PDF
--inner--

--------------b5--
"""
