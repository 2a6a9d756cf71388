"""Chat models: on this machine and behind endpoints."""
