"""Plants faults in the statistics, the advice and the gate, one at a time, and checks that a test fails for each.

    python tests/mutations.py [WORD ...]

WORD limits the run to mutations whose file or text contains it. Each mutation changes one sign, comparison, bound,
correction or rule, in a copy of the sources; the tests listed in TESTS run against the copy. Prints what survives, and
exits 1 if anything does, or if a text to change is not found exactly once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = (
    "tests/unit/comparison/test_recommend.py",
    "tests/unit/statistics/test_exact_statistics.py",
    "tests/unit/comparison/test_advice.py",
    "tests/unit/statistics/test_statistics.py",
    "tests/unit/comparison/test_gate.py",
)


@dataclass(frozen=True)
class Mutation:
    """In `file`, `before` becomes `after`."""

    file: str
    before: str
    after: str

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path("src/groundtune") / self.file


VERDICTS, COMPARING = "statistics/verdicts.py", "statistics/comparing.py"
FLIPS, INTERVALS = "statistics/flips.py", "statistics/intervals.py"
SAMPLE, SIZE = "statistics/sample.py", "statistics/size.py"
STANDINGS, RECOMMEND = "comparison/standings.py", "comparison/recommend.py"
REASONS, SUMMARY, GATE = "comparison/reasons.py", "comparison/summary.py", "comparison/gate.py"

MUTATIONS = (
    # verdicts: α, corrections, margins
    Mutation(VERDICTS, "difference.p_value <= method.alpha", "difference.p_value <= 2 * method.alpha"),
    Mutation(VERDICTS, "difference.p_value <= method.alpha", "difference.p_value <= method.alpha / 2"),
    Mutation(VERDICTS, "min(1.0, p_value * len(p_values))", "min(1.0, p_value)"),
    Mutation(VERDICTS, "min(1.0, p_value * len(p_values))", "min(1.0, p_value * (len(p_values) - 1 or 1))"),
    Mutation(VERDICTS, "reach >= method.margin", "reach >= 0"),
    Mutation(VERDICTS, "reach > floor", "reach > -1"),
    Mutation(VERDICTS, '"better" if mean > 0 else "worse"', '"better" if mean < 0 else "worse"'),
    Mutation(VERDICTS, "-method.margin <= low and high", "-method.margin <= low or high"),
    Mutation(VERDICTS, "return mean if difference.most is None else difference.most", "return mean"),
    Mutation(VERDICTS, "method.alpha / family", "method.alpha"),
    # differences and their bounds
    Mutation(COMPARING, "(baseline, challenger, (high, low))", "(baseline, challenger, (low, low))"),
    Mutation(COMPARING, "(baseline, challenger, (low, high))", "(baseline, challenger, (high, high))"),
    Mutation(COMPARING, "against = at_least if sample.mean > 0 else -at_most", "against = -at_most"),
    Mutation(COMPARING, "if np.nanmean(against) > 0 else 1.0", "if True else 1.0"),
    Mutation(COMPARING, "worst = flipped(against)", "worst = flipped(seen)"),
    Mutation(COMPARING, "p_value <= method.alpha for p_value in corrected", "p_value <= 1 for p_value in corrected"),
    Mutation(COMPARING, "low=max(0.0, difference.low)", "low=min(0.0, difference.low)"),
    Mutation(SAMPLE, "applies = failed | ~np.isnan(first)", "applies = ~np.isnan(first)"),
    Mutation(SAMPLE, "margin=self.margin * (high - low)", "margin=self.margin"),
    # tests and intervals
    Mutation(FLIPS, "observed if one_sided else abs(observed)", "abs(observed)"),
    Mutation(FLIPS, "np.count_nonzero(flipped >= least) + 1", "np.count_nonzero(flipped > least)"),
    Mutation(FLIPS, "chance[size:] + chance[:-size]) / 2", "chance[size:] + chance[:-size])"),
    Mutation(INTERVALS, "1 - alpha / 2))  # Student's t", "1 - alpha))  # Student's t"),
    Mutation(INTERVALS, "- 2 * correlation * first * second", "+ 2 * correlation * first * second"),
    Mutation(INTERVALS, "(alpha / 2) ** (1 / groups)", "alpha ** (1 / groups)"),
    Mutation(SIZE, "method.alpha / len(pairs)", "method.alpha"),
    Mutation(SIZE, "if sample.unanimous:", "if False:"),
    # where candidates stand
    Mutation(STANDINGS, "contender.score.scored >= enough", "contender.score.scored >= 0"),
    Mutation(STANDINGS, "in self.contenders if self.verdict(", "in self.measured if self.verdict("),
    Mutation(STANDINGS, "if not self.beaten_by(contender)]", "]"),
    Mutation(STANDINGS, "== name.name) == self.ground.higher_is_better", "== name.name)"),
    Mutation(
        STANDINGS, "low if self.ground.higher_is_better else high", "high if self.ground.higher_is_better else low"
    ),
    Mutation(STANDINGS, "-mean if self.ground.higher_is_better else mean", "-mean"),
    Mutation(STANDINGS, "not any(self._robust(contender, other)", "any(self._robust(contender, other)"),
    Mutation(STANDINGS, '== "equivalent" and difference.robust', '== "equivalent"'),
    Mutation(STANDINGS, "FEWEST_GROUPS = 6", "FEWEST_GROUPS = 5"),
    # what is recommended
    Mutation(RECOMMEND, "ground.groups < FEWEST_GROUPS", "ground.groups <= FEWEST_GROUPS"),
    Mutation(RECOMMEND, "standings.ground.flat or ", ""),
    Mutation(RECOMMEND, "len(standings.contenders) < 2 or ", ""),
    Mutation(RECOMMEND, "len(standings.measured) < len(standings.contenders)", "False"),
    Mutation(RECOMMEND, "return not standings.in_doubt and all(", "return all("),
    Mutation(RECOMMEND, "None if sure or ground.flat else", "None if sure else"),
    Mutation(RECOMMEND, "_none(doubted, [*say.all_beaten()", "_none((), [*say.all_beaten()"),
    Mutation(REASONS, "alike = abs(seen) < self._ground.margin", "alike = False"),
    Mutation(REASONS, "sign = -1 if self._ground.higher_is_better else 1", "sign = -1"),
    Mutation(REASONS, "return least if self._ground.higher_is_better else most", "return most"),
    Mutation(SUMMARY, "pair if scorer.higher_is_better else", "pair if True else"),
    Mutation(SUMMARY, "score.value is not None or score.failed for score in row", "True for score in row"),
    # the gate
    Mutation(GATE, "max(lost.values()) <= 0 or p_value", "p_value"),
    Mutation(GATE, "p_value <= test.error)", "p_value <= 2 * test.error)"),
    Mutation(GATE, "(new, old) if lower else (old, new)", "(old, new)"),
    Mutation(GATE, "len(missing) > most * len(expected)", "len(missing) >= most * len(expected) + 1"),
    Mutation(COMPARING, "paired_off(before, now) + allowed", "paired_off(before, now) - allowed"),
)


def killed(mutation: Mutation, sources: Path) -> bool:
    """Whether a test fails with the mutation; the sources are put back afterwards."""
    path = sources / mutation.path
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutation.before, mutation.after), encoding="utf-8")
    try:
        tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
        paths = {"PYTHONPATH": str(sources / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(tests, cwd=ROOT, env={**os.environ, **paths}, capture_output=True, check=False)
    finally:
        path.write_text(text, encoding="utf-8")
    if run.returncode not in (0, 1):
        raise RuntimeError(f"the tests did not run:\n{run.stdout.decode()}\n{run.stderr.decode()}")
    return run.returncode == 1


def misplaced() -> list[Mutation]:
    """Return the mutations whose text does not stand exactly once in its file."""
    return [one for one in MUTATIONS if (ROOT / one.path).read_text(encoding="utf-8").count(one.before) != 1]


def main(words: list[str]) -> int:
    """Run all mutations, or those with one of `words` in them."""
    for mutation in misplaced():
        print(f"not found exactly once in {mutation.path}: {mutation.before}")
    chosen = [one for one in MUTATIONS if not words or any(word in f"{one.path} {one.before}" for word in words)]
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        shutil.copytree(ROOT / "src", sources / "src", ignore=shutil.ignore_patterns("__pycache__"))
        for mutation in chosen:
            dead = killed(mutation, sources)
            print(
                f"{'killed' if dead else 'SURVIVED'}  {mutation.path}: {mutation.before}  ->  {mutation.after}",
                flush=True,
            )
            survivors += [] if dead else [mutation]
    print(f"{len(chosen)} mutations, {len(survivors)} survived")
    return 1 if survivors or misplaced() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
