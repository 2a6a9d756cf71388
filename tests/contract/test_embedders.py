import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from groundtune.errors import ModelFailed, NotInstalled, SettingsError
from groundtune.http import Backoff
from groundtune.knowledge.embedding import embedded_text, embedder
from groundtune.knowledge.embedding._bedrock import BedrockEmbedder
from groundtune.knowledge.embedding.openai_ import OpenAIEmbedder
from groundtune.protocols import Embedder
from groundtune.settings import EmbeddingSettings
from groundtune.testing.bedrock import refused
from groundtune.testing.embedders import EmbedderContract, HashingEmbedder
from groundtune.testing.endpoint import LocalEndpoint, Request, Response
from groundtune.values import Chunk, Place


class TestHashing(EmbedderContract):
    def make(self) -> Embedder:
        return HashingEmbedder()


@pytest.mark.models
class TestBuiltin(EmbedderContract):
    made: Embedder | None = None

    def make(self) -> Embedder:
        type(self).made = type(self).made or embedder(EmbeddingSettings())
        return self.made

    def test_dimension_needs_no_model(self) -> None:
        fresh = embedder(EmbeddingSettings())
        assert fresh.dimension == 384
        assert "_model" not in vars(fresh)
        assert fresh.signature == self.make().signature

    def test_words_beyond_the_shipped_limit_count(self) -> None:
        start = "word " * 300
        vectors = self.make().embed([start + "roaming in Switzerland", start + "a broken router"], "document")
        assert float(vectors[0] @ vectors[1]) < 0.9999

    def test_meaning(self) -> None:
        made = self.make()
        question = made.embed(["How do I get my money back?"], "query")[0]
        refund, router = made.embed(["Refunds are paid within a week.", "Restart the router first."], "document")
        assert question @ refund > question @ router + 0.1

    def test_a_word_is_nearer_to_its_kin(self) -> None:
        sea, ocean, stapler = self.make().embed(["sea", "ocean", "stapler"], "document")
        assert sea @ ocean > sea @ stapler + 0.1

    def test_a_copy_in_a_folder_gives_the_same_vectors(self) -> None:
        from groundtune.knowledge.embedding.local import builtin_folder

        copy = embedder(EmbeddingSettings(name=f"path:{builtin_folder()}"))
        np.testing.assert_allclose(copy.embed(["roaming"], "query"), self.make().embed(["roaming"], "query"), atol=1e-5)


class Server:
    """Answers as the API does, with the vectors of HashingEmbedder times three, in another order."""

    def __init__(self, troubles: list[httpx.Response | Exception] | None = None) -> None:
        self.troubles = troubles or []
        self.batches: list[int] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        body = json.loads(request.content)
        assert request.url == "http://server/v1/embeddings"
        assert body["model"] == "m"
        self.batches.append(len(body["input"]))
        vectors = 3 * HashingEmbedder().embed(body["input"], "query")
        rows = [{"index": number, "embedding": vector.tolist()} for number, vector in enumerate(vectors)]
        return httpx.Response(200, json={"data": rows[::-1]})

    def embedder(self, batch_size: int = 2) -> OpenAIEmbedder:
        client = httpx.Client(transport=httpx.MockTransport(self))
        return OpenAIEmbedder("m", "http://server/v1/", batch_size, client, self.pauses.append)


class TestOpenAI(EmbedderContract):
    def make(self) -> Embedder:
        return Server().embedder()

    def test_batches(self) -> None:
        server = Server()
        server.embedder().embed(list("abcde"), "document")
        assert server.batches == [2, 2, 1]

    def test_a_busy_server_is_asked_again(self) -> None:
        busy = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(503), httpx.ConnectError("gone")]
        server = Server(list(busy))
        assert server.embedder().embed(["a"], "query").shape == (1, 256)
        assert server.pauses == [7.0, 2.0, 4.0]

    def test_a_server_that_stays_busy(self) -> None:
        server = Server([httpx.Response(500, text="overloaded") for _ in range(9)])
        with pytest.raises(ModelFailed, match=r"500: overloaded.*OPENAI_API_KEY"):
            server.embedder().embed(["a"], "query")
        assert len(server.pauses) == 4

    def test_a_refusal_is_final(self) -> None:
        server = Server([httpx.Response(401, text="bad key")])
        with pytest.raises(ModelFailed, match="401: bad key"):
            server.embedder().embed(["a"], "query")
        assert server.pauses == []

    def test_an_exhausted_quota_is_final(self) -> None:
        body = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
        server = Server([httpx.Response(429, json=body)])
        with pytest.raises(ModelFailed, match="exceeded your quota"):
            server.embedder().embed(["a"], "query")
        assert server.pauses == []

    def test_errors_say_where_and_what_and_never_the_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        server = Server([httpx.Response(401, text="Incorrect key: sk-very-secret")])
        with pytest.raises(ModelFailed, match="no embeddings from `m`: it answered 401") as raised:
            server.embedder().embed(["a"], "query")
        assert raised.value.place == "http://server/v1/embeddings"
        assert "OPENAI_API_KEY holds a key that was rejected" in raised.value.remedy
        assert "sk-very-secret" not in str(raised.value)

    @pytest.mark.parametrize(
        "reply",
        [
            httpx.Response(200, text="<html>"),
            httpx.Response(200, json={"data": []}),
            httpx.Response(200, json={"data": [{"index": 0, "embedding": [0.0, 0.0]}]}),
            httpx.Response(200, json={"error": "x"}),
        ],
    )
    def test_a_useless_reply(self, reply: httpx.Response) -> None:
        with pytest.raises(ModelFailed, match="no embeddings"):
            Server([reply]).embedder().embed(["a"], "query")

    def test_the_key_is_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "k3y")
        seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers["Authorization"])
            return httpx.Response(200, json={"data": [{"index": 0, "embedding": [1.0, 0.0]}]})

        client = httpx.Client(transport=httpx.MockTransport(handler))
        OpenAIEmbedder("m", "http://server", 2, client).embed(["a"], "query")
        assert seen == ["Bearer k3y"]


@pytest.mark.parametrize("name", ["openai:m", "openai:@http://x", "nonsense", "path:/no/such/folder"])
def test_a_name_that_leads_nowhere(name: str) -> None:
    with pytest.raises(SettingsError, match=r"`(embedding\.name|nonsense)`"):
        embedder(EmbeddingSettings(name=name))


@pytest.mark.parametrize(
    "name",
    [
        "openai:m@https://ana:hunter2@host/v1",
        "openai:m@ana:hunter2@host",
        "openai:m@https://ana:hunter2x@host:not-a-port",
        "openai:m@https://host/v1?api_key=hunter2",
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(name: str) -> None:
    with pytest.raises(SettingsError, match=r"`embedding\.name`") as raised:
        embedder(EmbeddingSettings(name=name))
    assert "hunter2" not in f"{raised.value!s} {raised.value!r}"


def test_the_name_chooses(tmp_path: Path) -> None:
    assert embedder(EmbeddingSettings(name="openai:m@http://server")).signature == "openai:m@http://server"


@pytest.mark.models
def test_a_model_that_is_not_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(NotInstalled, match=r"hf:nobody/nothing.*path:DIR"):
        embedder(EmbeddingSettings(name="hf:nobody/nothing"))


def test_headings_are_embedded_with_the_text() -> None:
    assert embedded_text(Chunk("a", Place(0, 1), "x", "Plans", ())) == "Plans\nx"
    assert embedded_text(Chunk("a", Place(0, 1), "x", "", ())) == "x"


class OnBedrock:
    """Stands in for `InvokeModel` of one kind of models as documented, with vectors of HashingEmbedder times three.

    Refuses texts of more than `words` words, as the service refuses too many tokens.
    """

    def __init__(self, kind: str, words: int = 8192, troubles: Sequence[Response] = ()) -> None:
        self.kind, self.words, self.troubles = kind, words, list(troubles)
        self.asked: list[Mapping[str, object]] = []

    def __call__(self, request: Request) -> Response:
        assert re.fullmatch(r"/model/[^/]+/invoke", request.path)
        body: Any = request.body
        self.asked.append(body)
        if self.troubles:
            return self.troubles.pop(0)
        texts = body["texts"] if self.kind == "cohere" else [body["inputText"]]
        assert 0 < len(texts) <= 96
        if any(not text or len(text) > (2048 if self.kind == "cohere" else 50_000) for text in texts):
            return refused(400, "ValidationException", "Malformed input request: string length.")
        if any(len(text.split()) > self.words for text in texts):
            return refused(400, "ValidationException", f"Too many input tokens. Max input tokens: {self.words}.")
        vectors = (3 * HashingEmbedder().embed(texts, "query")).tolist()
        if self.kind == "cohere":
            assert body["input_type"] in ("search_document", "search_query")
            assert set(body) == {"texts", "input_type", "truncate", "embedding_types"}
            return replied({"embeddings": {"float": vectors}, "response_type": "embeddings_by_type"})
        assert set(body) == {"inputText"}
        return replied({"embedding": vectors[0], "inputTextTokenCount": len(texts[0].split())})


def replied(reply: object) -> Response:
    return Response([json.dumps(reply).encode()], headers={"Content-Type": "application/json"})


MODELS = {
    "titan": "amazon.titan-embed-text-v2:0",
    "multimodal": "amazon.titan-embed-image-v1",
    "cohere": "eu.cohere.embed-multilingual-v3",
}


@pytest.fixture
def on_bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[BedrockEmbedder, OnBedrock]]]:
    with ExitStack() as stack:

        def make(kind: str, *given: Any, batch_size: int = 32) -> tuple[BedrockEmbedder, OnBedrock]:
            service = OnBedrock(kind, *given)
            endpoint = stack.enter_context(LocalEndpoint(service))
            monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.setenv(name, "fake")
            settings = EmbeddingSettings(name=f"bedrock:{MODELS[kind]}@eu-west-1", batch_size=batch_size)
            return BedrockEmbedder(settings, Backoff(sleep=lambda _: None)), service

        yield make


class BedrockContract(EmbedderContract):
    kind = ""
    most_words = 8192

    @pytest.fixture(autouse=True)
    def service(self, on_bedrock: Callable[..., tuple[BedrockEmbedder, OnBedrock]]) -> None:
        self.made, self.stand_in = on_bedrock(self.kind, self.most_words)

    def make(self) -> Embedder:
        return self.made

    def test_what_is_cut_is_counted_and_its_beginning_is_embedded(self) -> None:
        long = "roaming in Switzerland " * 5000
        vectors = self.make().embed(["short", long], "document")
        assert self.made.cut(["short", long]) == 1
        beginning = self.make().embed(["roaming in Switzerland " * 10], "document")[0]
        assert float(vectors[1] @ beginning) > 0.99


class TestTitan(BedrockContract):
    kind = "titan"


class TestTitanMultimodal(BedrockContract):
    kind, most_words = "multimodal", 256


class TestCohere(BedrockContract):
    kind, most_words = "cohere", 512

    def test_questions_and_documents_are_asked_differently(self) -> None:
        self.made.embed(["a"], "query")
        self.made.embed(["a"], "document")
        assert [body["input_type"] for body in self.stand_in.asked] == ["search_query", "search_document"]

    def test_batches(self) -> None:
        self.made.embed([f"text {number}" for number in range(70)], "document")
        assert sorted(len(body["texts"]) for body in self.stand_in.asked) == [6, 32, 32]  # type: ignore[arg-type]


def test_a_busy_bedrock_is_asked_again_and_a_refusal_is_final(on_bedrock: Any) -> None:
    busy = refused(429, "ThrottlingException", "Too many requests.")
    made, service = on_bedrock("titan", 8192, [busy, busy])
    assert made.embed(["a"], "query").shape == (1, 256)
    assert len(service.asked) == 3
    made, service = on_bedrock("titan", 8192, [refused(403, "AccessDeniedException", "no")])
    with pytest.raises(ModelFailed, match="AccessDenied") as raised:
        made.embed(["a"], "query")
    assert "bedrock:InvokeModel" in raised.value.remedy
    made, service = on_bedrock("cohere", 8192, [refused(400, "ValidationException", "no such model")] * 99)
    with pytest.raises(ModelFailed, match="no such model"):
        made.embed(["word " * 90, "b"], "query")
    assert len(service.asked) < 9


@pytest.mark.parametrize(
    "reply", [{}, [], {"embedding": "x"}, {"embedding": [0.0, 0.0]}, {"embedding": []}, {"embedding": [[1.0], [2.0]]}]
)
def test_a_useless_reply_of_bedrock(on_bedrock: Any, reply: object) -> None:
    made, _ = on_bedrock("titan", 8192, [replied(reply)])
    with pytest.raises(ModelFailed, match=r"reply that does not follow|vector"):
        made.embed(["a"], "query")


@pytest.mark.parametrize(
    ("name", "message"),
    [("bedrock:amazon.titan-embed-text-v2:0", "`embedding.name`"), ("bedrock:meta.llama@eu-west-1", "not known how")],
)
def test_a_name_on_bedrock_that_leads_nowhere(name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        embedder(EmbeddingSettings(name=name))
    assert raised.value.remedy
