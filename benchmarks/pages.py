"""Fills the tables of benchmark `methods` in the pages of methods, from results.json and nothing else.

A table stands between two lines of its own, `<!-- methods: single mcts -->` and `<!-- /methods -->`; the first names its rows.

    python benchmarks/pages.py           # after `python benchmarks/run.py methods`
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
PAGES = ROOT / "docs" / "methods"
BLOCK = re.compile(r"^<!-- methods: ([\w ]+) -->\n.*?^<!-- /methods -->$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"time of (\w+): ([\d,]+) problems, ([\d,]+) tokens each")


def filled(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The page with its tables as `rows` have them. Raises `ValueError` for a method that was not measured."""
    return BLOCK.sub(lambda block: f"<!-- methods: {block[1]} -->\n\n{table(block[1].split(), rows)}\n\n<!-- /methods -->", text)


def table(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table of these methods, and what was run."""
    measured = {found[1]: (found, row) for row in rows if row["benchmark"] == "methods" and (found := NAME.match(row["name"]))}
    missing = [name for name in names if name not in measured]
    if missing:
        raise ValueError(
            f"results.json has no time of {', '.join(missing)}; expected every method named. Run `python benchmarks/run.py methods`."
        )
    settings = {measured[name][0].groups()[1:] for name in names}
    if len(settings) > 1:
        raise ValueError(
            f"{', '.join(names)} were measured on different problems or budgets; expected one. Run `python benchmarks/run.py methods`."
        )
    ((problems, tokens),) = settings
    command, machine = measured[names[0]][1]["command"], measured[names[0]][1]["machine"]
    lines = [
        f"`{command}`: {problems} problems of `lab/arithmetic` on the engine `lab`, {tokens} tokens each, default knobs, seed 0; {machine}.",
        "",
        "| method | right, % [95 %] | tokens | scorer calls | seconds, all problems |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        row = measured[name][1]
        low, high = (f"{100 * end:.1f}" for end in row["ci95"])
        errors = f" ({row['errors']} errors)" if row["errors"] else ""
        right = f"{100 * row['accuracy']:.1f} [{low}, {high}]{errors}"
        lines.append(f"| `{name}` | {right} | {row['generated_tokens']:,.0f} | {row['scorer_calls']:.1f} | {row['ours']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Fill every page that has such a table."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := filled(text, rows)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"filled {page.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
