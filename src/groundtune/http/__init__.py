"""Requests to models behind an endpoint: retries, what replies say whoever sent them, and which endpoints are down."""

from groundtune.http.endpoint import (
    CONNECT_SECONDS,
    MOST_TIMEOUTS,
    ApiKey,
    Backoff,
    Endpoint,
    Guidance,
    Passing,
    RequestRefused,
    named_address,
)
from groundtune.http.headers import retry_after

__all__ = [
    "CONNECT_SECONDS",
    "MOST_TIMEOUTS",
    "ApiKey",
    "Backoff",
    "Endpoint",
    "Guidance",
    "Passing",
    "RequestRefused",
    "named_address",
    "retry_after",
]
