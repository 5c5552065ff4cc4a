"""Fuzz the verifiers: mutated and random answers, whose verdicts an independent judge checks. No crash, no hang, no false accept.

    python -m tests.tasks.fuzz --answers 100000 --workers 2
    python -m tests.tasks.fuzz --answers 5000 --names puzzles/hitori games/ottt

Two sources. The mutation fuzzer edits gold answers as a careless model would: tokens, lines and characters swapped, dropped, doubled and replaced; grids transposed and mirrored;
the gold answer of another item; the tokens of the answer drawn anew. Hypothesis makes texts of the answer's own alphabet and of any characters at all, one answer in twenty.
Counted for each task: crashes, answers that took more than `MOST_SECONDS` of computing, false accepts (full score where the judge, `tests/tasks/checks/NAME.py`, says no), and, for
information, answers other than the gold one that are right, and answers that the judge takes and the verifier does not.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from thinkwell.core.rules import RULES
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import LEVEL_NAMES, Item, PuzzleTask

MOST_SECONDS = 1.0
ANSWERS_AN_ITEM = 250
MADE_BY_HYPOTHESIS = 20  # one answer in so many
SHOWN = 5  # findings kept of each kind
SEPARATORS = ("", "", " ", "\n", ",")
ODD = "\0 \n\t,;|[](){}<>-+*/=^_\\`'\"0123456789abcXYZ\u0663\u00b2\u2212\u2192\u202e\ud800\U0001f600"


@dataclass
class Findings:
    """What came of the answers of one task."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=dict)
    slowest: float = 0.0

    def note(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        if len(kept := self.shown.setdefault(kind, [])) < SHOWN:
            kept.append(what)

    @property
    def bad(self) -> int:
        return self.counts["crash"] + self.counts["slow"] + self.counts["false accept"]


def mutant(answer: str, rng: random.Random) -> str:
    """One to three edits: a character, word, line or item of a list swapped, replaced by another, dropped, doubled or set to a small number."""
    for _ in range(rng.randint(1, 3)):
        separator = rng.choice(SEPARATORS)
        parts = answer.split(separator) if separator else list(answer)
        if not parts:
            return "0"
        i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
        edit = rng.randrange(5)
        if edit == 0:
            parts[i], parts[j] = parts[j], parts[i]
        elif edit == 1:
            parts[i] = parts[j]
        elif edit == 2:
            del parts[i]
        elif edit == 3:
            parts.insert(i, parts[j])
        else:
            parts[i] = str(rng.randrange(12))
        answer = separator.join(parts)
    return answer


def turned(answer: str, rng: random.Random) -> str:
    """The whole answer turned: lines or characters reversed, a grid transposed, words shuffled, or its tokens drawn anew in the same layout."""
    lines = answer.split("\n")
    way = rng.randrange(5)
    if way == 0:
        return "\n".join(reversed(lines))
    if way == 1:
        return "\n".join(line[::-1] for line in lines)
    if way == 2:
        cells = [line.split() if " " in line else list(line) for line in lines]
        joint = " " if " " in answer else ""
        return "\n".join(joint.join(column) for column in zip(*cells, strict=False))
    words = answer.split()
    if way == 3:
        return " ".join(rng.sample(words, len(words)))
    alphabet = [char for char in answer if char.isalnum()] or ["0"]
    return "".join(rng.choice(alphabet) if char.isalnum() else char for char in answer)


def mutated(item: Item, other: Item, rng: random.Random, n: int) -> Iterator[str]:
    for _ in range(n):
        way = rng.random()
        if way < 0.7:
            yield mutant(item.answer, rng)
        elif way < 0.9:
            yield turned(item.answer, rng)
        elif way < 0.95:
            yield mutant(turned(item.answer, rng), rng)
        else:
            yield other.answer if rng.random() < 0.5 else mutant(other.answer, rng)


def drawn(item: Item, use: Callable[[str], None], key: int, n: int) -> None:
    """Hypothesis's texts: of the answer's own characters, of layout and digits, of anything."""
    own = st.text(st.sampled_from(sorted(set(item.answer)) or ["0"]), max_size=2 * len(item.answer) + 4)
    words = st.lists(st.sampled_from(sorted(set(item.answer.split())) or ["0"]), max_size=60).map(" ".join)
    texts = st.one_of(own, words, st.text(st.sampled_from(ODD), max_size=80), st.text(max_size=60))

    @seed(key)
    @settings(max_examples=n, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(texts)
    def run(answer: str) -> None:
        use(answer)

    run()


def fuzz(name: str, answers: int, key: int = 0) -> Findings:
    """So many answers of one task, over all its levels."""
    judge = importlib.import_module(f"tests.tasks.checks.{name.rpartition('/')[2]}")
    found = Findings(name)
    rng = random.Random(f"{name}/{key}")
    tasks = [load(name, level, split="all") for level in LEVEL_NAMES]
    number = 0
    while found.counts["answers"] < answers:
        task = tasks[number % len(tasks)]
        item, other = task.item(key, number), task.item(key, number + 1)
        n = min(ANSWERS_AN_ITEM, answers - found.counts["answers"])
        use = _user(task, item, judge.check, found)
        by_hypothesis = n // MADE_BY_HYPOTHESIS
        for answer in mutated(item, other, rng, n - by_hypothesis):
            use(answer)
        if by_hypothesis:
            drawn(item, use, number, by_hypothesis)
        number += 1
    found.counts["items"] = number
    return found


def _user(task: PuzzleTask, item: Item, check: Callable[[str, Item], bool], found: Findings) -> Callable[[str], None]:
    def use(answer: str) -> None:
        found.counts["answers"] += 1
        started = time.process_time()
        try:
            score = task.puzzle.score(answer, item)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for: counted and shown
            found.note("crash", f"{item.level} {item.id} {answer!r}\n{traceback.format_exc(limit=-3)}")
            return
        taken = time.process_time() - started
        found.slowest = max(found.slowest, taken)
        if taken > MOST_SECONDS:
            found.note("slow", f"{item.level} {item.id} {taken:.2f} s {answer[:200]!r}")
        if score.value == 1.0:
            if not judged(check, answer, item):
                found.note("false accept", f"{item.level} {item.id} {answer!r}; gold {item.answer!r}")
            elif answer != item.answer:
                found.counts["other right answers"] += 1
        elif score.value == 0.0 and judged(check, answer, item):
            found.note("only the judge takes it", f"{item.level} {item.id} {answer!r}: {score.reason}; gold {item.answer!r}")

    return use


def judged(check: Callable[[str, Item], bool], answer: str, item: Item) -> bool:
    """The judge's word. Judges read plainly: one that cannot read an answer says no by raising one of these."""
    try:
        return check(answer, item)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return False


def _one(job: tuple[str, int, int]) -> Findings:
    return fuzz(*job)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=2_000, help="answers a task")
    parser.add_argument("--names", nargs="*", default=RULES.names())
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="also show answers that only the judge takes (most are matters of layout)")
    given_ = parser.parse_args(arguments)
    bad = 0
    print(
        f"{'task':<34}{'answers':>9}{'items':>7}{'other right':>13}{'judge only':>12}{'slowest ms':>12}{'crash':>7}{'slow':>6}{'false':>7}"
    )
    with multiprocessing.get_context("spawn").Pool(given_.workers) as pool:
        for found in pool.imap(_one, [(name, given_.answers, given_.seed) for name in given_.names]):
            c = found.counts
            print(
                f"{found.name:<34}{c['answers']:>9}{c['items']:>7}{c['other right answers']:>13}{c['only the judge takes it']:>12}"
                f"{1_000 * found.slowest:>12.1f}{c['crash']:>7}{c['slow']:>6}{c['false accept']:>7}",
                flush=True,
            )
            bad += found.bad
            for kind, cases in found.shown.items():
                for case in cases if given_.all or kind != "only the judge takes it" else ():
                    print(f"    {kind}: {case}", flush=True)
    print("nothing found" if not bad else f"{bad} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
