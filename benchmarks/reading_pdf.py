"""Readers of PDFs side by side: words read, and pages a second.

    python benchmarks/reading_pdf.py FOLDER...

Compares groundtune with pypdf, pypdfium2, pdfplumber and pdfminer.six, as far as they are installed, on all PDFs in the
folders. Recall is the share of the words that poppler's `pdftotext -layout` finds, as a multiset, which stand in what
a reader returns; files in which it finds fewer than five words do not count. A refused file counts 0.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path


def words(text: str) -> Counter[str]:
    """Return the words of a text: of two letters or more, and numbers."""
    folded = re.sub(
        "[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]", "", unicodedata.normalize("NFKC", text).casefold()
    )
    return Counter(word for word in re.findall(r"[^\W_]+", folded) if len(word) > 1 or word.isdigit())


def groundtune(path: Path) -> str:
    """Read with groundtune."""
    from groundtune.knowledge import readers

    return readers.read(path).text


def pypdf(path: Path) -> str:
    """Read with pypdf."""
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def pdfium(path: Path) -> str:
    """Read with pypdfium2, in the order of the file."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as pdf:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)


def pdfplumber(path: Path) -> str:
    """Read with pdfplumber."""
    import pdfplumber

    with pdfplumber.open(path) as pdf:
        return "\n".join(page.extract_text() for page in pdf.pages)


def pdfminer(path: Path) -> str:
    """Read with pdfminer.six."""
    from pdfminer.high_level import extract_text

    return extract_text(str(path))


READERS: tuple[Callable[[Path], str], ...] = (groundtune, pypdf, pdfium, pdfplumber, pdfminer)


def main(folders: list[str]) -> None:
    """Print a line for each reader."""
    from pypdfium2 import PdfDocument, PdfiumError

    references: dict[Path, Counter[str]] = {}
    pages = 0
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.pdf")):
        said = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, check=False).stdout
        reference = words(said.decode("utf-8", "replace"))
        if reference.total() >= 5:
            references[path] = reference
            try:
                with PdfDocument(path) as pdf:
                    pages += len(pdf)
            except PdfiumError:
                pass
    for reader in READERS:
        recalls, refused, seconds = [], 0, 0.0
        for path, reference in references.items():
            start = time.perf_counter()
            try:
                text = reader(path)
            except ImportError:
                print(f"{reader.__name__:12} is not installed")
                break
            except Exception:  # each library has its own
                text, refused = "", refused + 1
            seconds += time.perf_counter() - start
            recalls.append((reference & words(text)).total() / reference.total())
        else:
            mean = sum(recalls) / max(1, len(recalls))
            low = sum(recall < 0.95 for recall in recalls)
            print(
                f"{reader.__name__:12} recall {mean:.3f}  below .95: {low}  refused {refused}  "
                f"of {len(recalls)} files, {pages / max(seconds, 1e-9):.0f} pages a second"
            )


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit(__doc__))
