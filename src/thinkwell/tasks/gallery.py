"""The gallery: one example of every puzzle and game on one page, drawn where the puzzle draws, else its board as text.

An .html page stands alone. Beside an .md page the pictures lie in a folder of its name, so that a code host shows them.
"""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from thinkwell.core.errors import DataError
from thinkwell.core.rules import RULES
from thinkwell.tasks.puzzle import CATEGORIES, Item, Puzzle, load

WIDE = 380  # units of a picture
MOST_TEXT = 600  # characters of a board without a picture
TITLE = "Gallery of puzzles and games"


@dataclass(frozen=True)
class Example:
    """picture: SVG, or None where the puzzle draws none. board: what the prompt shows of it, as text."""

    puzzle: Puzzle
    item: Item
    picture: str | None
    board: str


def examples(level: str = "easy", seed: int = 0) -> list[Example]:
    """The first item of the stream `seed` of every puzzle, in order of category and name."""
    found = []
    for name in RULES.names():
        task = load(name, level)
        item = task.item(seed, 0)
        found.append(Example(task.puzzle, item, task.puzzle.draw(item) if task.puzzle.draw else None, board_of(task.puzzle, item)))
    return sorted(found, key=lambda example: (CATEGORIES.index(example.puzzle.category), example.puzzle.name))


def board_of(puzzle: Puzzle, item: Item) -> str:
    """The prompt without its opening, its rules and its answer format; the last paragraphs where the rules are not always the same."""
    asked = item.prompt.partition("\n\nAnswer format:")[0]
    rules = str(getattr(sys.modules[puzzle.generate.__module__], "RULES", ""))
    if rules and rules in asked:
        return asked.partition(rules)[2].strip("\n")
    shown, *before = reversed(asked.partition("\n\n")[2].split("\n\n"))
    for paragraph in before:
        if len(shown) + len(paragraph) > MOST_TEXT:
            break
        shown = f"{paragraph}\n\n{shown}"
    return shown


def write(file: Path, level: str = "easy", seed: int = 0) -> int:
    """Write the page (and an .md page's pictures). Returns how many examples it shows. Raises `DataError` for another suffix or a place that cannot be written."""
    if file.suffix not in (".html", ".md"):
        raise DataError(f"{file} has no suffix that says how to write it; expected .html or .md. Rename it.")
    shown = examples(level, seed)
    try:
        if file.suffix == ".html":
            file.write_text(page(shown), encoding="utf-8")
        else:
            folder = file.with_suffix("")
            folder.mkdir(exist_ok=True)
            for example in shown:
                if example.picture is not None:
                    (folder / f"{_stem(example)}.svg").write_text(_sized(example.picture) + "\n", encoding="utf-8")
            file.write_text(markdown(shown, folder.name), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}. Give another file.") from None
    return len(shown)


def page(shown: list[Example]) -> str:
    """The page as HTML that needs nothing else."""
    parts = [HEAD]
    for category in _categories(shown):
        parts.append(f'<h2>{html.escape(category)}</h2>\n<div class="cards">')
        parts += [_card(example) for example in shown if example.puzzle.category == category]
        parts.append("</div>")
    return "\n".join([*parts, "</body></html>\n"])


def markdown(shown: list[Example], folder: str) -> str:
    """The page as Markdown, pictures in `folder`."""
    parts = [
        f"# {TITLE}\n\nOne example of each, at level {shown[0].item.level}. Made by `thinkwell tasks gallery`; the answers are below the boards."
    ]
    for category in _categories(shown):
        parts.append(f"## {category.capitalize()}")
        for example in (one for one in shown if one.puzzle.category == category):
            parts.append(f"### `{example.puzzle.name}`\n\n{example.puzzle.summary}")
            stem = _stem(example)
            parts.append(
                f'<img src="{folder}/{stem}.svg" alt="{stem}" width="{600 if _wide(example) else 300}">'
                if example.picture
                else f"```text\n{example.board}\n```"
            )
            parts.append(f"<details><summary>answer</summary>\n\n```text\n{_short(example.item.answer)}\n```\n\n</details>")
    return "\n\n".join(parts) + "\n"


def _card(example: Example) -> str:
    shown = f'<div class="picture">{example.picture}</div>' if example.picture else f"<pre>{html.escape(example.board)}</pre>"
    kind = "wide" if _wide(example) else "narrow"
    return (
        f'<section class="{kind}">'
        f"<h3>{html.escape(example.puzzle.name)}</h3><p>{html.escape(example.puzzle.summary)}</p>{shown}"
        f"<details><summary>prompt</summary><pre>{html.escape(example.item.prompt)}</pre></details>"
        f"<details><summary>answer</summary><pre>{html.escape(example.item.answer)}</pre></details></section>"
    )


def _categories(shown: list[Example]) -> list[str]:
    return [name for name in CATEGORIES if any(example.puzzle.category == name for example in shown)]


def _stem(example: Example) -> str:
    return example.puzzle.name.rpartition("/")[2]


def _wide(example: Example) -> bool:
    """Would the picture's letters be too small to read in one column?"""
    box = re.search(r'viewBox="[-0-9.]+ [-0-9.]+ ([0-9.]+) ([0-9.]+)"', example.picture or "")
    return box is not None and float(box[1]) > WIDE and float(box[1]) > 1.3 * float(box[2])


def _sized(picture: str) -> str:
    """An image element shows an SVG without a size of its own in whatever size it likes."""
    return picture if " width=" in picture.partition(">")[0] else picture.replace("<svg ", '<svg width="300" ', 1)


def _short(answer: str, most: int = 1_500) -> str:
    return answer if len(answer) <= most else answer[:most] + " ..."


HEAD = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{TITLE}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1240px; padding: 0 1rem; }}
h2 {{ border-bottom: 1px solid #8888; padding-bottom: .2rem; text-transform: capitalize; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 1rem; grid-auto-flow: dense; align-items: start; }}
section.wide {{ grid-column: span 2; }}
@media (max-width: 640px) {{ section.wide {{ grid-column: auto; }} }}
section {{ border: 1px solid #8888; border-radius: 8px; padding: .8rem 1rem; min-width: 0; }}
h3 {{ font: 600 15px ui-monospace, monospace; margin: 0; }}
p {{ margin: .2rem 0 .7rem; color: GrayText; }}
.picture {{ background: white; border-radius: 4px; padding: 6px; text-align: center; }}
.picture svg {{ width: 100%; max-height: 300px; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12.5px; max-height: 320px; overflow: auto; margin: .3rem 0; }}
</style></head><body><h1>{TITLE}</h1>
<p>One example of every puzzle and game. Each is one of endlessly many, and is judged by its rules.</p>"""
