"""Bounces and complaints as real mail servers write them, about one of our mails."""

TO = "jan@customer.test"


def _lines(text: str) -> bytes:
    return text.strip("\n").replace("\n", "\r\n").encode()


def postfix(
    message_id: str,
    *,
    to: str = TO,
    action: str = "failed",
    status: str = "5.1.1",
    diagnosis: str = "550 5.1.1 <jan@customer.test>: Recipient address rejected: User unknown",
    id_: str = "<20261124093100.4BCDE1234@mail.acme.test>",
) -> bytes:
    """Postfix 3.8; the diagnosis is folded as it folds it."""
    return _lines(f"""
Return-Path: <>
Received: by mail.acme.test (Postfix)
\tid 4BCDE1234; Tue, 24 Nov 2026 10:31:00 +0100 (CET)
Date: Tue, 24 Nov 2026 10:31:00 +0100 (CET)
From: Mail Delivery System <MAILER-DAEMON@mail.acme.test>
Subject: Undelivered Mail Returned to Sender
To: crm@acme.test
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4BCDE1233.1763976660/mail.acme.test"
Content-Transfer-Encoding: 8bit
Message-Id: {id_}

This is a MIME-encapsulated message.

--4BCDE1233.1763976660/mail.acme.test
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

This is the mail system at host mail.acme.test.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<{to}>: host mx.customer.test[192.0.2.7] said: {diagnosis} (in reply
    to RCPT TO command)

--4BCDE1233.1763976660/mail.acme.test
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.acme.test
X-Postfix-Queue-ID: 4BCDE1233
X-Postfix-Sender: rfc822; crm@acme.test
Arrival-Date: Tue, 24 Nov 2026 10:30:58 +0100 (CET)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.customer.test
Diagnostic-Code: smtp;
    {diagnosis}

--4BCDE1233.1763976660/mail.acme.test
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Return-Path: <crm@acme.test>
From: Acme <crm@acme.test>
To: {to}
Subject: Your offer
Message-ID: {message_id}
MIME-Version: 1.0
Content-Type: text/plain

Dear Jan, your offer is ready.

--4BCDE1233.1763976660/mail.acme.test--
""")


def office365(message_id: str, *, to: str = TO) -> bytes:
    """Exchange Online: the reason in HTML for people, the original as message/rfc822."""
    return _lines(f"""
Received: from AM0PR04MB0001.eurprd04.prod.outlook.com by
 AM0PR04MB0002.eurprd04.prod.outlook.com; Tue, 24 Nov 2026 09:31:02 +0000
MIME-Version: 1.0
From: <postmaster@acme.onmicrosoft.test>
To: <crm@acme.test>
Date: Tue, 24 Nov 2026 09:31:02 +0000
Content-Type: multipart/report; report-type=delivery-status;
 boundary="c3a1f7f6-2c5b-4b6e-9a3f-8f0f5f1a7b11"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Message-ID: <b1d2c3e4-0000-4a5b-8c6d-7e8f90a1b2c3@AM0PR04MB0001.eurprd04.prod.outlook.com>
In-Reply-To: {message_id}
References: {message_id}
Subject: Undeliverable: Your offer
Auto-Submitted: auto-replied

--c3a1f7f6-2c5b-4b6e-9a3f-8f0f5f1a7b11
Content-Type: multipart/alternative; differences=Content-Type;
 boundary="a7c9b9c1-3c58-4a3f-9f0e-2f0b6f4f7e22"

--a7c9b9c1-3c58-4a3f-9f0e-2f0b6f4f7e22
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

{to}<mailto:{to}>
The email address you entered couldn't be found.

--a7c9b9c1-3c58-4a3f-9f0e-2f0b6f4f7e22
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><body><p>Your message to {to} couldn't be delivered.</p></body></html>

--a7c9b9c1-3c58-4a3f-9f0e-2f0b6f4f7e22--

--c3a1f7f6-2c5b-4b6e-9a3f-8f0f5f1a7b11
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR04MB0001.eurprd04.prod.outlook.com
Received-From-MTA: dns;AM0PR04MB0002.eurprd04.prod.outlook.com
Arrival-Date: Tue, 24 Nov 2026 09:31:01 +0000

Final-Recipient: rfc822;{to}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {to} not found by SMTP address lookup

--c3a1f7f6-2c5b-4b6e-9a3f-8f0f5f1a7b11
Content-Type: message/rfc822

Received: from AM0PR04MB0002.eurprd04.prod.outlook.com; Tue, 24 Nov 2026 09:31:01 +0000
From: Acme <crm@acme.test>
To: "{to}" <{to}>
Subject: Your offer
Thread-Index: AQHb
Message-ID: {message_id}
Content-Type: text/html

<p>Dear Jan</p>

--c3a1f7f6-2c5b-4b6e-9a3f-8f0f5f1a7b11--
""")  # noqa: E501 - Exchange does not fold this one


def gmail(message_id: str, *, to: str = TO) -> bytes:
    """Google's mailer-daemon: a reply with several lines, and the head of the mail only."""
    return _lines(f"""
Return-Path: <>
Received: by 2002:a05:6402:1234:b0:5cf:0001:0002 with SMTP id a1csp1; Tue, 24 Nov 2026 01:31:05 -0800
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: crm@acme.test
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {message_id}
In-Reply-To: {message_id}
X-Failed-Recipients: {to}
Message-ID: <6743f1c9.050a0220.1.0001.GMR@mx.google.com>
Date: Tue, 24 Nov 2026 01:31:05 -0800 (PST)
Content-Type: multipart/report; boundary="000000000000a1b2c3"; report-type=delivery-status

--000000000000a1b2c3
Content-Type: multipart/related; boundary="000000000000d4e5f6"

--000000000000d4e5f6
Content-Type: text/plain; charset="UTF-8"

** Address not found **

Your message wasn't delivered to {to} because the address couldn't be found.

--000000000000d4e5f6--
--000000000000a1b2c3
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: Tue, 24 Nov 2026 01:31:04 -0800 (PST)
X-Original-Message-ID: {message_id}

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.customer.test. (192.0.2.7, the server for the domain customer.test.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
 550-5.1.1 Please try double-checking the recipient's email address
 550 5.1.1 for typos
Last-Attempt-Date: Tue, 24 Nov 2026 01:31:05 -0800 (PST)

--000000000000a1b2c3
Content-Type: text/rfc822-headers

From: Acme <crm@acme.test>
To: {to}
Subject: Your offer
Message-ID: {message_id}

--000000000000a1b2c3--
""")  # noqa: E501 - as it comes


def exim(message_id: str, *, to: str = TO) -> bytes:
    """Exim 4.96: it always says 5.0.0, and what the server said stands behind it."""
    return _lines(f"""
Return-path: <>
Received: from Debian-exim by mail.acme.test with local (Exim 4.96)
\tid 1tF0AB-0001Cd-2E; Tue, 24 Nov 2026 10:31:03 +0100
X-Failed-Recipients: {to}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.acme.test>
To: crm@acme.test
References: {message_id}
Content-Type: multipart/report; report-type=delivery-status; boundary=1763976663-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1tF0AB-0001Cd-2E@mail.acme.test>
Date: Tue, 24 Nov 2026 10:31:03 +0100

--1763976663-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

  {to}
    host mx.customer.test [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<{to}>:
    550 5.1.1 User unknown

--1763976663-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; mail.acme.test

Action: failed
Final-Recipient: rfc822;{to}
Status: 5.0.0
Remote-MTA: dns; mx.customer.test
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--1763976663-eximdsn-1804289383
Content-type: message/rfc822

Return-path: <crm@acme.test>
Message-ID: {message_id}
From: Acme <crm@acme.test>
To: {to}
Subject: Your offer

Dear Jan
--1763976663-eximdsn-1804289383--
""")


def old_exim(message_id: str, *, to: str = TO, reason: str = "550 No such user here") -> bytes:
    """Exim before 4.80: words only, and the mail copied below them."""
    return _lines(f"""
Return-path: <>
X-Failed-Recipients: {to}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.acme.test>
To: crm@acme.test
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1tF0AB-0001Ce-3F@mail.acme.test>
Date: Tue, 24 Nov 2026 10:31:03 +0100

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {to}
    SMTP error from remote mail server after RCPT TO:<{to}>:
    host mx.customer.test [192.0.2.7]: {reason}

------ This is a copy of the message, including all the headers. ------

Return-path: <crm@acme.test>
From: Acme <crm@acme.test>
To: {to}
Subject: Your offer
Message-ID: {message_id}

Dear Jan
""")


def complaint(
    message_id: str, *, kind: str = "abuse", to: str | None = None, id_: str = "<c1@fbl.isp.test>"
) -> bytes:
    """A feedback report of a mailbox provider (RFC 5965); most keep the recipient to themselves."""
    original = "" if to is None else f"Original-Rcpt-To: {to}\n"
    return _lines(f"""
From: <feedback@fbl.isp.test>
To: <crm@acme.test>
Date: Tue, 24 Nov 2026 10:40:00 +0100
Subject: FW: Your offer
Message-ID: {id_}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for an email message received from IP
192.0.2.1 on Tue, 24 Nov 2026 10:31:00 +0100.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <crm@acme.test>
{original}Arrival-Date: Tue, 24 Nov 2026 10:31:00 +0100
Source-IP: 192.0.2.1
Reported-Domain: acme.test

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

From: Acme <crm@acme.test>
To: <redacted@isp.test>
Subject: Your offer
Message-ID: {message_id}

Dear Jan

--part1_13d.2e68ed54_boundary--
""")
