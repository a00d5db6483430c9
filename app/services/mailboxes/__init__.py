"""Receiving the mail of Microsoft 365 mailboxes: told by Graph, and looked for all the same."""
