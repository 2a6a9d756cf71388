"""What people have filled in or written onto a PDF's pages: form fields and annotations, by pdfium.

Knows nothing of lines. What it has taken it removes from the page in memory, and makes what is left over of
annotations with an appearance (stamps, captions of buttons) part of the page, where it is read with the other text.
"""

from __future__ import annotations

from ctypes import byref, c_ushort
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as raw

_COMMENTS = (
    raw.FPDF_ANNOT_TEXT,
    raw.FPDF_ANNOT_HIGHLIGHT,
    raw.FPDF_ANNOT_UNDERLINE,
    raw.FPDF_ANNOT_SQUIGGLY,
    raw.FPDF_ANNOT_STRIKEOUT,
    raw.FPDF_ANNOT_CARET,
    raw.FPDF_ANNOT_INK,
)
_UNSEEN = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
_WRITTEN = (raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX)
_MARKED = (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON)
CHECKED, UNCHECKED = "[x]", "[ ]"


@dataclass(frozen=True, slots=True)
class Filled:
    """Text in a box on a page."""

    text: str
    left: float
    bottom: float
    right: float
    top: float


def filled_in(page: Any, forms: Any) -> tuple[list[Filled], int]:  # noqa: ANN401 -- pdfium's page and form environment
    """Return what is filled in on a page, and how many comments there are."""
    filled: list[Filled] = []
    comments, left_over = 0, False
    for index in reversed(range(raw.FPDFPage_GetAnnotCount(page.raw))):
        annotation = raw.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            text = _visible(annotation, kind, forms)
            comments += kind in _COMMENTS and bool(_string(annotation, b"Contents").strip())
            if text:
                filled.append(_placed(annotation, text))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
        if text is not None or kind in (*_COMMENTS, raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_LINK):
            raw.FPDFPage_RemoveAnnot(page.raw, index)
        else:
            left_over = True
    if left_over:
        raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY)
    return filled[::-1], comments


def _visible(annotation: Any, kind: int, forms: Any) -> str | None:  # noqa: ANN401
    """Return the text that an annotation shows; None if only its appearance says that."""
    if raw.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
        return ""
    if kind == raw.FPDF_ANNOT_FREETEXT:
        return _string(annotation, b"Contents") or None
    if kind != raw.FPDF_ANNOT_WIDGET or forms is None:
        return None
    field = raw.FPDFAnnot_GetFormFieldType(forms.raw, annotation)
    if field in _MARKED:
        return CHECKED if raw.FPDFAnnot_IsChecked(forms.raw, annotation) else UNCHECKED
    if field == raw.FPDF_FORMFIELD_LISTBOX:
        return "\n".join(_options(annotation, forms)) or None
    if field in _WRITTEN:
        if raw.FPDFAnnot_GetFormFieldFlags(forms.raw, annotation) & raw.FPDF_FORMFLAG_TEXT_PASSWORD:
            return ""
        chosen = _options(annotation, forms) if field == raw.FPDF_FORMFIELD_COMBOBOX else []
        return "\n".join(chosen) or _value(annotation, forms) or None
    return None


def _options(annotation: Any, forms: Any) -> list[str]:  # noqa: ANN401
    """Return what is chosen of a list."""
    count = raw.FPDFAnnot_GetOptionCount(forms.raw, annotation)
    chosen = [i for i in range(max(0, count)) if raw.FPDFAnnot_IsOptionSelected(forms.raw, annotation, i)]
    return [_told(raw.FPDFAnnot_GetOptionLabel, forms.raw, annotation, index) for index in chosen]


def _value(annotation: Any, forms: Any) -> str:  # noqa: ANN401
    return _told(raw.FPDFAnnot_GetFormFieldValue, forms.raw, annotation)


def _string(annotation: Any, key: bytes) -> str:  # noqa: ANN401
    return _told(raw.FPDFAnnot_GetStringValue, annotation, key)


def _told(function: Any, *arguments: Any) -> str:  # noqa: ANN401 -- pdfium's functions write UTF-16 into a buffer
    length = function(*arguments, None, 0)
    if length <= 2:
        return ""
    buffer = (c_ushort * (length // 2 + 1))()
    function(*arguments, buffer, length)
    return bytes(buffer)[: length - 2].decode("utf-16-le", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _placed(annotation: Any, text: str) -> Filled:  # noqa: ANN401
    box = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, byref(box))
    return Filled(text, box.left, min(box.bottom, box.top), box.right, max(box.bottom, box.top))
