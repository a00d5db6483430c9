"""`letterbox inbound`: where mail servers hand mail over, by SMTP (RFC 5321) or LMTP (RFC 2033)."""
