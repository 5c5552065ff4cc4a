"""Puzzles: how long an item takes to make at each level, and how many answers a second are judged; where reasoning-gym has the same task, beside it.

Generation: the median over items 1, 2, ... of one stream, each made as `load(...).item(seed, i)` makes it, proof of uniqueness, gold answer and prompt included; item 0 is left
out, since it pays for imports and tables. Verification: whole outputs with a fenced gold answer through `verify`, extraction included; the slowest level counts. Both are timed in
seconds of this process, so that other work on the machine does not count.

Peer: reasoning-gym (pip install reasoning-gym), `dataset[i]` at the same size and knobs as near as it has them, and `score_answer` on its own gold answer, which is not
extracted from an output. Without it the rows say NOT INSTALLED and hold our numbers only.

    python benchmarks/puzzles.py --seconds 0.1 --names puzzles/sudoku puzzles/game24
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

SECONDS = 0.4
MOST_ITEMS = 200
MOST_MS = {"easy": 5.0, "medium": 50.0, "hard": 300.0}
LEAST_RATE = 2_000.0
COMMAND = "python benchmarks/puzzles.py"
MISSING = "reasoning-gym NOT INSTALLED: pip install reasoning-gym"


@dataclass(frozen=True)
class Pair:
    """A task that both have, at settings as near as they come. ours: knobs besides the level's; peer: the data set's knobs."""

    name: str
    level: str
    dataset: str
    peer: dict[str, Any]
    ours: dict[str, Any] = field(default_factory=dict)


PAIRS = (
    *(
        Pair("puzzles/sudoku", level, "sudoku", {"min_empty": low, "max_empty": high})
        for level, low, high in (("easy", 10, 20), ("medium", 21, 35), ("hard", 36, 50))
    ),
    *(
        Pair("puzzles/sudoku2", level, "mini_sudoku", {"min_empty": low, "max_empty": high})
        for level, low, high in (("easy", 4, 5), ("medium", 6, 7), ("hard", 8, 9))
    ),
    *(
        Pair(
            "puzzles/countdown",
            level,
            "countdown",
            {"min_numbers": count, "max_numbers": count, "max_value": largest, "min_target": low, "max_target": high},
        )
        for level, count, largest, low, high in (("easy", 5, 15, 30, 100), ("medium", 6, 20, 50, 200), ("hard", 7, 25, 100, 500))
    ),
    Pair("puzzles/game24", "easy", "puzzle24", {"max_value": 10}, {"largest": 10, "cannot": False}),
    *(
        Pair("puzzles/kakurasu", level, "kakurasu", {"min_rows": low, "max_rows": high, "min_cols": low, "max_cols": high, "p_ones": share})
        for level, low, high, share in (("easy", 4, 5, 0.22), ("medium", 5, 6, 0.25), ("hard", 5, 6, 0.35))
    ),
    *(
        Pair("puzzles/zebra_logic", level, "zebra_puzzles", {"num_people": people, "num_characteristics": 4})
        for level, people in (("easy", 3), ("medium", 4), ("hard", 5))
    ),
    *(
        Pair("puzzles/knights_and_knaves", level, "knights_knaves", {"n_people": people}, {"min_people": people, "max_people": people})
        for level, people in (("easy", 4), ("medium", 6), ("hard", 8))
    ),
)


def milliseconds(make: Callable[[int], object], seconds: float) -> tuple[list[Any], float]:
    """(items 1, 2, ... made in so many seconds of computing or few more, at least three; the median time of one). Item 0 is made before."""
    make(0)
    items: list[Any] = []
    times: list[float] = []
    end = time.process_time() + seconds
    while len(items) < MOST_ITEMS and (len(items) < 3 or time.process_time() < end):
        start = time.process_time()
        item = make(len(times) + 1)
        times.append(time.process_time() - start)
        if item is not None:
            items.append(item)
        if len(times) > 3 * MOST_ITEMS:
            break
    return items, 1_000 * statistics.median(times)


def rate(judge: Callable[[Any], float], cases: Sequence[Any], seconds: float) -> float:
    """Cases judged a second of computing. Raises RuntimeError if a right answer does not score 1: then the speed is of no use."""
    start, judged = time.process_time(), 0
    while not judged or time.process_time() < start + seconds:
        for case in cases:
            if judge(case) != 1.0:
                raise RuntimeError(f"a gold answer does not score 1: {str(case)[:200]}; mend the verifier before timing it.")
        judged += len(cases)
    return judged / (time.process_time() - start)


def measured(name: str, level: str, seconds: float, **knobs: Any) -> tuple[float, float]:
    """(median milliseconds an item, gold answers judged a second) of one of our puzzles."""
    from thinkwell.tasks import load

    task = load(name, level, **knobs)
    items, median = milliseconds(lambda i: task.item(0, i), seconds)
    cases = [(f"Here it is:\n```\n{item.answer}\n```", item) for item in items]
    return median, rate(lambda case: task.verify(*case).value, cases, seconds / 2)


def peers(pair: Pair, seconds: float) -> tuple[float, float]:
    """The same of reasoning-gym. A draw that it gives up on counts with its time."""
    import reasoning_gym

    data = reasoning_gym.create_dataset(pair.dataset, seed=0, size=10 * MOST_ITEMS, **pair.peer)

    def make(i: int) -> Any:
        try:
            return data[i]
        except ValueError:
            return None

    items, median = milliseconds(make, seconds)
    return median, rate(lambda item: data.score_answer(item["answer"], item), items, seconds / 2)


def rows(seconds: float = SECONDS, names: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Three rows of generation and one of verification a puzzle, then two a pair. Raises UnknownName for a name that is no puzzle."""
    from thinkwell.core.rules import RULES

    wanted = list(names) or RULES.names()
    found = []
    for name in wanted:
        rates = []
        for level, most in MOST_MS.items():
            median, judged = measured(name, level, seconds)
            rates.append(judged)
            found.append(_row(f"generation: {name}, {level}", median, None, "ms", most, lower=True))
        found.append(_row(f"verification: {name}, slowest level", min(rates), None, "answers/s", LEAST_RATE))
    for pair in PAIRS:
        if pair.name in wanted:
            found += _beside(pair, seconds)
    return found


def _beside(pair: Pair, seconds: float) -> list[dict[str, Any]]:
    what = f"{pair.name}, {pair.level}"
    median, judged = measured(pair.name, pair.level, seconds, **pair.ours)
    theirs: tuple[float, float] | tuple[None, None] = None, None
    try:
        import reasoning_gym  # noqa: F401
    except ModuleNotFoundError as error:
        said = (
            MISSING if error.name == "reasoning_gym" else f"reasoning-gym NOT COMPLETE, {error.name} is missing: pip install reasoning-gym"
        )
        print(f"{what}: {said}", file=sys.stderr)
    else:
        said = f"reasoning-gym {pair.dataset}"
        theirs = peers(pair, seconds)
    return [
        _row(f"generation: {what}; {said}", 1_000 / median, theirs[0] and 1_000 / theirs[0], "items/s"),
        _row(f"verification: {what}; {said}", judged, theirs[1], "answers/s"),
    ]


def _row(name: str, ours: float, peer: float | None, unit: str, target: float | None = None, *, lower: bool = False) -> dict[str, Any]:
    row = {"name": name, "ours": _rounded(ours), "peer": peer and _rounded(peer), "ratio": peer and _rounded(ours / peer)}
    return {**row, "target": target, "unit": unit, "command": COMMAND} | ({"better": "lower"} if lower else {})


def _rounded(value: float) -> float:
    """To four digits."""
    return float(f"{value:.4g}")


if __name__ == "__main__":
    from run import table

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of computing a cell")
    parser.add_argument("--names", nargs="+", default=[], help="these puzzles only")
    wanted = parser.parse_args()
    print(table(rows(wanted.seconds, wanted.names)))
