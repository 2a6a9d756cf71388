"""The page that raters get, in a real browser: what they enter survives a reload and comes back whole."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from groundtune.evaluation.human.assign import AssignmentPlan, RatedCase, assign
from groundtune.evaluation.human.returned import take
from groundtune.evaluation.human.sheets import page, view
from groundtune.evaluation.human.study import Study
from groundtune.values import Case

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
# Fills in everything but the first question and presses the button; what the browser would save lands in the page.
FILL = """
<script>
URL.createObjectURL = (blob) => { blob.text().then((text) => {
  const shown = document.createElement("pre");
  shown.id = "saved"; shown.textContent = text; document.body.append(shown);
}); return "#"; };
const first = document.querySelector("section.item").id;
for (const input of document.querySelectorAll("input[value='4'], input[value='equal']")) {
  if (!input.name.startsWith(first)) input.click();
}
const field = document.querySelector("textarea");
field.value = "<b>héllo</b>"; field.dispatchEvent(new Event("input", { bubbles: true }));
document.getElementById("save").click();
</script>
"""
READ = re.sub(r"const first.*?(?=document\.getElementById)", "", FILL, flags=re.DOTALL)  # presses the button only


def dump(path, profile):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=4000", "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True).stdout


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_what_is_entered_survives_a_reload_and_comes_back(tmp_path):
    materials = [
        RatedCase(
            Case(f"c{n}", f"Question {n}?", f"Ideal {n}.", (), True, f"g{n}", "test", (), ("unexpected",) * (n % 2)),
            {"base": "<i>one</i> [1]", "rag": "two"},
        )
        for n in range(6)
    ]
    sheets = assign("gtest", materials, [], AssignmentPlan(("ana",), ("base", "rag"), 2), np.random.default_rng(1))
    study = Study("gtest", "Shop", "", 1, "", {"base": "", "rag": ""}, sheets)
    text = page(view(study, sheets[0], {one.case.id: one for one in materials}))
    path = tmp_path / "ana.html"
    path.write_text(text.replace("</body>", f"{FILL}</body>"), encoding="utf-8")
    dump(path, tmp_path / "profile")
    path.write_text(text.replace("</body>", f"{READ}</body>"), encoding="utf-8")  # the same address, opened anew
    seen = dump(path, tmp_path / "profile")
    items = len(sheets[0].items)
    assert f"{items - 1} of {items} questions done" in seen
    assert "&lt;i&gt;one&lt;/i&gt; [1]" in seen
    found = re.search(r'<pre id="saved">(.*?)</pre>', seen, re.DOTALL)
    assert found, seen[-2000:]
    saved = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert json.loads(saved)["study"] == "gtest"
    (tmp_path / "ratings.json").write_text(saved, encoding="utf-8")
    replies, (taken,), problems = take([tmp_path / "ratings.json"], study, [])
    assert problems == []
    assert taken.rater == "ana"
    ratings = [one for one in replies if one.column in ("intuitive", "appropriate", "unexpected")]
    asked = sum(len(item.shown) * (2 + item.unexpected) for item in sheets[0].items[1:])
    assert len(ratings) == asked
    assert {one.value for one in ratings} == {"4"}
    assert sum(one.column == "best" for one in replies) == items - 1
    assert [one.value for one in replies if one.column == "comment"] == ["<b>héllo</b>"]
