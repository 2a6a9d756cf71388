"""Pictures (.png, .jpg, .webp, .tif, .gif, .bmp): the text that stands in them, by OCR. All frames of a TIFF are pages.

A picture is turned as its camera says (EXIF), and what is transparent is white. Decoding is Pillow's.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtune.errors import UnreadableDocument
from groundtune.extras import not_installed
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._scans import Scans, write_scan
from groundtune.knowledge.recognition import current
from groundtune.values import MediaKind, PlainText

if TYPE_CHECKING:
    from PIL.Image import Image

    from groundtune.knowledge.recognition.ocr import Pixels

_LONGEST = 5000  # pixels of a side; larger pictures are made smaller
_SMALL, _LARGER = 1600, 3  # pixels of the longer side below which a picture is enlarged, at most so many times
_PAGES = (".tif", ".tiff")


class PictureReader:
    """Reads pictures."""

    suffixes = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp")
    recognises = ("ocr",)
    media: MediaKind = "image"

    def read(self, path: Path) -> PlainText:
        """Return the text in a picture; the title is made of the file's name.

        Where pictures are embedded, one without words has that title as its text. Raises `UnreadableDocument` if it is
        damaged, has too many pixels or no text, or nothing is there to read it.
        """
        recognition = current()
        embedded = self.media in recognition.media
        if recognition.ocr is None and not embedded:
            raise recognition.not_seen(path, "is a picture")
        builder = TextBuilder()
        scans = Scans(recognition, builder)
        with _opened(path) as picture:
            frames = getattr(picture, "n_frames", 1)
            number = frames if path.suffix.lower() in _PAGES else 1
            builder.left_out.add("image", frames - number, "only the first picture of an animation is read")
            for page in range(number):
                if recognition.ocr is None:
                    _shown(picture, page, path)  # it may be damaged
                    continue
                text = scans.read(partial(_pixels, picture, page, path), page + 1, number)
                if text is not None:
                    write_scan(text, page + 1 if number > 1 else None, builder)
        notes = scans.notes()
        if embedded and not notes:
            builder.add(name_of(path))
            notes = ("No words were read in it: its name is its text, and it is found by what it shows.",)
        return builder.plain(title=name_of(path), notes=notes)


def shown(path: Path) -> Image:
    """Return a picture as it is meant to be seen, in red, green and blue; the first one of several.

    Raises `UnreadableDocument`.
    """
    with _opened(path) as picture:
        return _shown(picture, 0, path)


def _opened(path: Path) -> Image:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise not_installed("ocr", "reading pictures", error) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `_pixels` looks at every page itself
        try:
            return Image.open(path)
        except Image.DecompressionBombError as error:
            raise _too_large(path, str(error)) from None
        except (OSError, SyntaxError, ValueError) as error:
            said = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
            raise UnreadableDocument(
                f"is damaged, or no picture{said}.", place=path, remedy="Save it again in a program for pictures."
            ) from error


def _pixels(picture: Image, page: int, path: Path) -> Pixels:
    """Return a frame as it is meant to be seen, in a size that can be read."""
    from PIL import Image

    seen = _shown(picture, page, path)
    longest = max(seen.size)
    by = min(_LONGEST / longest, 1.0) if longest > _SMALL else min(_SMALL / longest, _LARGER)
    if by != 1.0:
        size = (max(1, round(seen.width * by)), max(1, round(seen.height * by)))
        seen = seen.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(seen)


def _shown(picture: Image, page: int, path: Path) -> Image:
    from PIL import Image, ImageOps

    try:
        picture.seek(page)
        if picture.width * picture.height > (Image.MAX_IMAGE_PIXELS or 0):
            raise _too_large(path, f"{picture.width} × {picture.height} pixels")
        upright = ImageOps.exif_transpose(_in_eight_bits(picture)).convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableDocument(
            f"is damaged ({error}).", place=path, remedy="Save it again in a program for pictures."
        ) from error
    return Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")


def _in_eight_bits(picture: Image) -> Image:
    """Return a picture whose shades are numbers from 0 to 255, which Pillow would cut off and not scale."""
    from PIL import Image

    if picture.mode[0] not in "IF":
        return picture
    shades: Any = np.asarray(picture, dtype=np.float32)
    low, high = float(shades.min()), float(shades.max())
    return Image.fromarray(((shades - low) * (255 / ((high - low) or 1))).astype(np.uint8))


def _too_large(path: Path, how: str) -> UnreadableDocument:
    return UnreadableDocument(f"is a picture that is too large ({how}).", place=path, remedy="Make it smaller.")


def groundtune_reader() -> PictureReader:
    """Hook of `readers`."""
    return PictureReader()
