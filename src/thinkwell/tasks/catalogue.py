"""What puzzles and games there are: facts of each, and the table of the documents. `python -m thinkwell.tasks.catalogue FILE` renews the table inside a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from thinkwell.core.rules import RULES
from thinkwell.tasks.puzzle import CATEGORIES, LEVEL_NAMES, puzzle_of

START, END = "<!-- table of puzzles: made by python -m thinkwell.tasks.catalogue -->", "<!-- end of the table -->"


def facts() -> list[dict[str, Any]]:
    """Name, category, levels with their knobs, summary of every puzzle and game, in order of category and name."""
    puzzles = sorted((puzzle_of(name) for name in RULES.names()), key=lambda puzzle: (CATEGORIES.index(puzzle.category), puzzle.name))
    return [
        {
            "name": puzzle.name,
            "category": puzzle.category,
            "summary": puzzle.summary,
            "levels": {level: dict(puzzle.levels[level]) for level in LEVEL_NAMES},
            "paper_rule": puzzle.verify_paper is not None,
        }
        for puzzle in puzzles
    ]


def table() -> str:
    """A line a puzzle, as Markdown."""
    rows = ["| puzzle | category | what is asked | easy / medium / hard | paper rule differs |", "|---|---|---|---|---|"]
    for fact in facts():
        knobs = "; ".join(
            f"{knob} {' / '.join(str(fact['levels'][level].get(knob, '')) for level in LEVEL_NAMES)}"
            for knob in dict.fromkeys(knob for level in LEVEL_NAMES for knob in fact["levels"][level])
        )
        summary = str(fact["summary"]).replace("|", "\\|")
        rows.append(
            f"| `{fact['name']}` | {fact['category']} | {summary} | {knobs.replace('|', ' ')} | {'yes' if fact['paper_rule'] else ''} |"
        )
    return "\n".join(rows)


def renew(page: str) -> str:
    """The page with its table made anew. Raises ValueError if it has no place for one."""
    head, start, rest = page.partition(START)
    _, end, tail = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the page has no lines {START!r} and {END!r}")
    return f"{head}{START}\n\n{table()}\n\n{END}{tail}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        file.write_text(renew(file.read_text(encoding="utf-8")), encoding="utf-8")
