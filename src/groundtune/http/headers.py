"""What the headers of a reply say: how long to wait, and by which id the operator of an endpoint finds the request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# OpenAI and most others; Anthropic; Azure; Amazon
_REQUEST_ID = ("x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "x-amzn-requestid")
_ID = re.compile(r"[\w.:/+=-]{1,200}", re.ASCII)


def request_id(headers: Mapping[str, str]) -> str:
    """Return the id of the request as it stands in an error, "" if the headers have none. Their names are small.

    >>> request_id({"x-request-id": "req_7f3a"})
    ' (request req_7f3a)'
    """
    named = (headers.get(name, "") for name in _REQUEST_ID)
    return next((f" (request {value})" for value in named if _ID.fullmatch(value)), "")


def retry_after(value: str) -> float | None:
    """Return the seconds of a Retry-After header: a number or a date (RFC 9110 §10.2.3); None if it is neither."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
