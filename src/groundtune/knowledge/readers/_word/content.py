"""What of the XML is content: containers are looked through, of alternatives one is taken, deleted text is none.

Knows no styles and writes no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.content import chosen, has_text
from groundtune.knowledge.readers._ooxml import Element, child, children, is_on, name, value
from groundtune.knowledge.readers._word.styles import Styles

DELETED = frozenset(("w:del", "w:moveFrom"))
PROPERTIES = frozenset(
    "w:pPr w:rPr w:tblPr w:tblGrid w:trPr w:tcPr w:sectPr w:sdtPr w:sdtEndPr w:smartTagPr w:customXmlPr w:rubyPr "
    "w:tblPrEx w:instrText w:delInstrText w:fldData m:oMathParaPr".split()
)
_STANDARD_PROMPT = "DefaultPlaceholder"  # Word's own, in any language


def controlled(control: Element, styles: Styles, left_out: Omissions) -> list[Element]:
    """Return what stands in a content control; nothing if it is only "Click here to enter text".

    A prompt that somebody wrote for this form ("Name of the patient") is text.
    """
    properties = child(control, "w:sdtPr")
    content = [each for each in control if name(each) not in PROPERTIES]
    for choice in ("w:dropDownList", "w:comboBox"):
        if children(child(properties, choice), "w:listItem"):
            left_out.add("form control")
    prompt = value(child(properties, "w:placeholder", "w:docPart")) or ""
    if is_on(child(properties, "w:showingPlcHdr")) and prompt.startswith(_STANDARD_PROMPT):
        runs = [run for part in content for run in part.iter() if name(run) == "w:r" and has_text(run)]
        # Programs that fill in forms leave the switch as it is: only text that looks like a placeholder is one.
        if runs and all(styles.is_placeholder(child(run, "w:rPr")) for run in runs):
            left_out.add("form control")
            return []
    return content


def opened(
    elements: Iterable[Element], wanted: frozenset[str], styles: Styles, left_out: Omissions
) -> Iterator[Element]:
    """Yield the elements of the `wanted` names that are content, in order, from within whatever contains them.

    Does not look into those that it yields. Deleted ones are counted.
    """
    stack = list(elements)[::-1]
    while stack:
        element = stack.pop()
        kind = name(element)
        if kind in wanted:
            yield element
        elif kind in DELETED:
            if has_text(element):
                left_out.add("deleted text")
        elif kind == "mc:AlternateContent":
            branch = chosen(element)
            stack += [] if branch is None else [branch]
        elif kind == "w:sdt":
            stack += controlled(element, styles, left_out)[::-1]
        elif kind not in PROPERTIES:
            stack += list(element)[::-1]
