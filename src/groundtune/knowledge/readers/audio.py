"""Recordings (.wav, .mp3, .m4a, .flac, .ogg, .opus, .webm): what is said, with seconds, as Whisper understood it.

    Roaming in Switzerland costs five euros a day.     at second 0, confidence .87

Silence, music and noise give no text. Who speaks is not told.
"""

from __future__ import annotations

from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._cues import Cue
from groundtune.knowledge.readers._spoken import write_spoken
from groundtune.knowledge.recognition import current
from groundtune.knowledge.recognition.whisper import Transcript
from groundtune.values import MediaKind, Place, PlainText


class RecordingReader:
    """Reads recordings."""

    suffixes = (".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".webm")
    recognises = ("speech",)
    media: MediaKind = "sound"

    def read(self, path: Path) -> PlainText:
        """Return what is said; the title is made of the file's name.

        Where recordings are embedded, one without speech has that title as its text. Raises `UnreadableDocument` if the
        file is damaged or nobody speaks, or nothing is there to transcribe it.
        """
        recognition = current()
        transcriber = recognition.speech
        embedded = self.media in recognition.media
        if transcriber is None:
            if embedded:
                return _unspoken(path, f"It was not transcribed. {recognition.without_speech}")
            raise recognition.not_heard(path)
        heard = transcriber.transcribe(path, recognition.step)
        if not heard.parts and embedded:
            return _unspoken(path, f"It {_nothing(heard)}")
        if not heard.parts:
            raise UnreadableDocument(_nothing(heard), place=path, remedy="Write down what it says, or remove it.")
        builder = TextBuilder()
        for start, _ in heard.unclear:
            at = Place(0, 1, seconds=start).label
            builder.left_out.add("unreadable part", detail=f"speech at {at} that was not understood")
        write_spoken([Cue(part.start, part.end, (("", part.text),), part.confidence) for part in heard.parts], builder)
        note = f"Transcribed by {transcriber.signature}: speech in {heard.speech:.0f} of {heard.seconds:.0f} s."
        return builder.plain(
            title=name_of(path), metadata={"language": heard.language} if heard.language else {}, notes=(note,)
        )


def _unspoken(path: Path, why: str) -> PlainText:
    name = name_of(path)
    return PlainText(name, name, notes=(f"{why} Its name is its text, and it is found by its sound.",))


def _nothing(heard: Transcript) -> str:
    why = "nobody speaks in it" if not heard.speech else "what is said was not understood"
    return f"contains no speech ({heard.seconds:.0f} s; {why})."


def groundtune_reader() -> RecordingReader:
    """Hook of `readers`."""
    return RecordingReader()
