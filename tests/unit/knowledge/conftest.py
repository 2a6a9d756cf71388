"""What tests of readers share."""

import pytest

from groundtune.knowledge.recognition import Recognition, using
from groundtune.settings import KnowledgeSettings


@pytest.fixture(autouse=True)
def without_recognition():
    """Nothing reads pictures and recordings unless a test says so: OCR takes seconds a page."""
    with using(Recognition(KnowledgeSettings(ocr="off", transcription="off"))):
        yield
