"""Blocks of Markdown files that are filled from findings, so that no number in a document is written by hand.

A block stands between two lines of its own, `<!-- claims:leap -->` and `<!-- /claims:leap -->`: the claims of that paper. The block `all` is the table of all
test-time systems, `training` that of the recipes, in which those that were not measured now keep their rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from thinkwell.claims.claim import CLAIMS
from thinkwell.claims.measure import Finding
from thinkwell.claims.page import HEADING, names, paper, system_rows, systems, unmeasured_row
from thinkwell.claims.trained import TRAINED
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.files.whole import write_whole

ALL, TRAINING = "all", "training"
MARK = re.compile(r"^<!-- (/?)claims:([\w-]+) -->[ \t]*$", re.MULTILINE)


def read_findings(file: Path) -> list[Finding]:
    """What `thinkwell reproduce --json` wrote. Raises `DataError` for any other file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return [Finding.from_dict(values) for values in found["claims"]]
    except OSError as error:
        raise DataError(
            f"cannot read {file}: {error.strerror or error}; expected a file of `thinkwell reproduce --json`. Give its path."
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{file} holds no findings ({type(error).__name__}: {error}); expected a file of `thinkwell reproduce --json`. Write it anew."
        ) from None


def files_with_blocks(places: Sequence[Path]) -> list[Path]:
    """The files to fill: each place that is a file, and the Markdown files with blocks in each that is a folder.

    Raises `ConfigError` for a place without a block and for blocks that do not close, so that nothing is measured in vain.
    """
    files: list[Path] = []
    for place in places:
        found = [file for file in sorted(place.glob("*.md")) if blocks(file)] if place.is_dir() else [place]
        if not found or not all(blocks(file) for file in found):
            raise ConfigError(
                f"{place} has no block to fill; expected the lines <!-- claims:NAME --> and <!-- /claims:NAME -->, NAME a paper or {ALL}. Write them where the table shall stand."
            )
        files += [file for file in found if file not in files]
    return files


def blocks(file: Path) -> list[str]:
    """The names of a file's blocks, in order. Raises `ConfigError` if one is unknown, does not close, or holds another."""
    open_: str | None = None
    found = []
    for mark in MARK.finditer(_text(file)):
        closes, name = bool(mark[1]), mark[2]
        if name not in (ALL, TRAINING) and name not in TRAINED.names():
            CLAIMS.get(name)
        if closes != (open_ is not None) or (closes and name != open_):
            expected = f"<!-- /claims:{open_} -->" if open_ else "<!-- claims:NAME --> first"
            raise ConfigError(f"{file}: found {mark[0].strip()} where a block begins or ends; expected {expected}. Mend the marks by hand.")
        open_ = None if closes else name
        found += [] if closes else [name]
    if open_:
        raise ConfigError(
            f"{file}: the block claims:{open_} does not end; expected the line <!-- /claims:{open_} -->. Write it below the table."
        )
    return found


def fill(files: Sequence[Path], findings: Sequence[Finding]) -> list[Path]:
    """Write the findings into the blocks of the files; a block whose paper was not measured stays as it is. Returns the files that changed.

    Raises `ConfigError`, before any file is touched, if no file has any of the papers measured, or one shows all systems and some are missing.
    """
    have = names(findings)
    kinds = {ALL: CLAIMS.names(), TRAINING: TRAINED.names()}
    wanted = dict.fromkeys(name for file in files for name in blocks(file))
    if files and not any(name in have or set(kinds.get(name, ())) & set(have) for name in wanted):
        raise ConfigError(
            f"{', '.join(map(str, files))} has blocks of {', '.join(wanted)}; expected one of what was measured: {', '.join(have)}. Name those papers."
        )
    texts = {file: _filled(file, findings, have) for file in files}
    changed = [file for file, text in texts.items() if text != _text(file)]
    for file in changed:
        write_whole(file, texts[file])
    return changed


def _filled(file: Path, findings: Sequence[Finding], have: Sequence[str]) -> str:
    wanted = blocks(file)
    missing = [name for name in CLAIMS.names() if name not in have]
    if ALL in wanted and missing and len(missing) < len(CLAIMS.names()):
        raise ConfigError(
            f"{file} shows all systems, but {', '.join(missing)} was not measured; expected all of them. Run `thinkwell reproduce all`."
        )
    of = {ALL: [f for f in findings if f.name in CLAIMS.names()], TRAINING: [f for f in findings if f.name in TRAINED.names()]}
    every = dict.fromkeys((*have, *TRAINED.names()))
    pages = {name: f"docs/{'training' if name in TRAINED.names() else 'methods'}/{name}.md" for name in every}
    links = {name: page for name, page in pages.items() if (file.parent / page).exists()}
    parts, done, text = [], 0, _text(file)
    marks = list(MARK.finditer(text))
    for begin, end in zip(marks[::2], marks[1::2], strict=True):
        name = begin[2]
        if of.get(name) or name in have:
            table = _table(name, findings, of, links, text[begin.end() : end.start()])
            parts += [text[done : begin.end()], "\n\n", table, "\n\n"]
            done = end.start()
    return "".join([*parts, text[done:]])


def _table(name: str, findings: Sequence[Finding], of: dict[str, list[Finding]], links: dict[str, str], before: str) -> str:
    if name == ALL:
        return systems(of[ALL], links)
    return _recipes(of[TRAINING], links, before) if name == TRAINING else paper(findings, name)


def _recipes(findings: Sequence[Finding], links: dict[str, str], before: str) -> str:
    """A row a recipe with claims: as measured now, as it stood, or as not measured yet."""
    rows = system_rows(findings, links)
    stood = {name: line for line in before.splitlines() for name in TRAINED.names() if re.match(rf"\| \[?`{re.escape(name)}`", line)}
    return "\n".join((*HEADING, *(rows.get(name) or stood.get(name) or unmeasured_row(name, links) for name in TRAINED.names())))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot read {file}: {error.strerror or error}; expected a Markdown file with a block of claims. Give its path."
        ) from None
