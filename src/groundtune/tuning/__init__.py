"""From training conversations to adapters."""
