"""What the reader of e-mail knows: headers, bodies, quotes, mailboxes, invitations and signed messages."""
