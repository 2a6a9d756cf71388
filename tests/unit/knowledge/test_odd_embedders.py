"""Embedding endpoints differ too: what they share with chat endpoints, and forms of their own."""

import base64
import gzip
import json
import struct

import httpx
import numpy as np
import pytest

from groundtune.errors import ModelFailed
from groundtune.knowledge.embedding.openai_ import OpenAIEmbedder
from groundtune.testing.endpoint import LocalEndpoint, Response, error, in_turn

ROWS = [{"index": 0, "embedding": [3.0, 4.0]}, {"index": 1, "embedding": [0.0, 2.0]}]
GOOD = json.dumps({"data": ROWS}).encode()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def embedded(*responses):
    with LocalEndpoint(in_turn(*responses)) as endpoint, httpx.Client() as client:
        vectors = OpenAIEmbedder("m", endpoint.url, 8, client, lambda _: None).embed(["a", "b"], "query")
    return vectors, endpoint.requests


def packed(*values):
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


@pytest.mark.parametrize(
    "response",
    [
        Response([b"\xef\xbb\xbf" + GOOD + b"\r\n \n"]),
        Response([GOOD], headers={"Content-Encoding": "gzip"}),
        Response([gzip.compress(GOOD)]),
        Response([json.dumps({"data": ROWS[::-1], "usage": None, "error": None}).encode()]),
        Response([json.dumps({"data": [{"embedding": row["embedding"]} for row in ROWS]}).encode()]),
        Response([json.dumps({"data": [{"embedding": [row["embedding"]], "index": None} for row in ROWS]}).encode()]),
        Response([json.dumps({"data": [{"embedding": packed(3, 4)}, {"embedding": packed(0, 2)}]}).encode()]),
    ],
)
def test_good_vectors_are_never_lost(response):
    np.testing.assert_allclose(embedded(response)[0], [[0.6, 0.8], [0.0, 1.0]], atol=1e-6)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"error": {"message": "worker died"}}, "worker died"),
        ({"detail": "worker died"}, "worker died"),
        ({"data": [{"embedding": "no base64!"}] * 2}, "does not follow the API"),
        ({"data": [None, None]}, "does not follow the API"),
        ({"data": "none"}, "does not follow the API"),
        ([], "does not follow the API"),
    ],
)
def test_what_is_no_vector_is_an_error_with_its_reason(data, reason):
    with pytest.raises(ModelFailed, match=reason):
        embedded(Response([json.dumps(data).encode()]))


@pytest.mark.parametrize("status", [400, 422, 500])
def test_the_format_is_left_out_where_it_is_refused(status):
    refusal = error(status, "Extra inputs are not permitted: encoding_format")
    _, requests = embedded(refusal, Response([GOOD]))
    assert ["encoding_format" in request.body for request in requests] == [True, False]


@pytest.mark.parametrize("status", [520, 524, 529])
def test_statuses_that_pass_are_asked_again(status):
    assert len(embedded(Response([b"<html>down</html>"], status), Response([GOOD]))[1]) == 2
