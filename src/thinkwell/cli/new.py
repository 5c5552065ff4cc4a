"""`thinkwell new method NAME`: the file, its test and its docs page, in the shape that every method has."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from thinkwell.cli.failure import exits
from thinkwell.cli.options import AsJson
from thinkwell.cli.show import print_json
from thinkwell.core.errors import ConfigError, RunFolderError

app = typer.Typer(no_args_is_help=True, help="Begin something new, in the right shape.")


@app.callback()
def new() -> None:
    """Begin something new, in the right shape."""


@app.command("method")
@exits
def method(
    name: Annotated[str, typer.Argument(help="snake_case name of the method.")],
    paper: Annotated[str, typer.Option("--paper", help="Title, authors, year.")] = "unpublished",
    arxiv: Annotated[str, typer.Option("--arxiv", help="arXiv number.")] = "",
    root: Annotated[
        Path | None, typer.Option("--root", metavar="DIR", help="The checkout; default: the one around the present folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write src/thinkwell/methods/NAME.py, tests/methods/test_NAME.py and docs/methods/NAME.md; the test passes at once."""
    from thinkwell.core.method import METHODS

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(
            f"method name {name!r} is no module name; expected lower-case letters, digits and underscores. Write for example my_method."
        )
    if name in METHODS.names():
        raise ConfigError(f"method {name!r} exists already; expected a new name. See `thinkwell methods`.")
    house = checkout(root or Path.cwd()) if root is None else root
    words = {
        "NAME": name,
        "CLASS": "".join(part.capitalize() for part in name.split("_")),
        "PAPER": paper.replace('"', "'"),
        "ARXIV": arxiv,
    }
    files = {
        house / "src" / "thinkwell" / "methods" / f"{name}.py": METHOD,
        house / "tests" / "methods" / f"test_{name}.py": TEST,
        house / "docs" / "methods" / f"{name}.md": PAGE,
    }
    for file in files:
        if not file.parent.is_dir():
            raise ConfigError(f"{file.parent} is no folder; expected a checkout of thinkwell. Run this inside one or give --root DIR.")
        if file.exists():
            raise ConfigError(f"{file} exists already; expected none. Give another name or remove it.")
    for file, template in files.items():
        text = re.sub(r"@(NAME|CLASS|PAPER|ARXIV)@", lambda found: words[found.group(1)], template)
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunFolderError(
                f"cannot write {file}: {error.strerror or error}; expected a folder that can be written. Mend its rights."
            ) from None
    if as_json:
        print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        print(file)
    print(
        f"\nNext: write `solve` and its docstring, then `pytest {list(files)[1]}` and `thinkwell compare --task lab/arithmetic --methods single {name} --limit 20`."
    )


def checkout(start: Path) -> Path:
    """The nearest folder above `start` that holds this project. Raises `ConfigError` if there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "src" / "thinkwell" / "methods").is_dir():
            return folder
    raise ConfigError(
        f"{start} is not inside a checkout of thinkwell; expected src/thinkwell/methods above it. Go there or give --root DIR."
    )


METHOD = '''"""@CLASS@: what it does, in two sentences. Here: paths are sampled until one carries an answer, and that one is taken.

    repeat n_tries times:  path = open(1), extended to its end
                           answer of path, if it has one

Chosen differently: say what is left out or changed against the paper, and why.
Cost per problem: at most n_tries paths.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.path import Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.session import Session


class Config(Knobs):
    n_tries: int = Field(default=4, ge=1)
    """Paths to try; sized to a token budget unless set."""


class @CLASS@:
    name: ClassVar[str] = "@NAME@"
    about: ClassVar[About] = About("the answer of the first path that has one", "@PAPER@", "@ARXIV@", family="new")
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        return type(self)(self.config.resized(n_tries=max(1, budget.tokens // preset.typical_tokens)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        paths: list[Path] = []
        while len(paths) < self.config.n_tries and not session.exhausted:
            paths += await session.extend(await session.open())
            answer = session.answer(paths[-1])
            if answer is not None:
                return Outcome(answer, tuple(paths), paths[-1])
        return Outcome(None, tuple(paths))


METHODS.add(@CLASS@.name)(@CLASS@)
'''

TEST = '''"""@CLASS@: small worlds built by hand, numbers worked out independently."""

from thinkwell.core.budget import Budget

SCRIPT = {"*": ["no answer here", "so \\\\boxed{7}", "so \\\\boxed{8}"]}


def test_@NAME@_takes_the_first_path_that_has_an_answer(play):
    run = play("@NAME@", SCRIPT, n_tries=3)
    assert run.answer == "7"
    assert run.outcome.chosen.id == "1"
    assert len(run.outcome.paths) == 2


def test_@NAME@_answers_nothing_when_no_path_has_an_answer(play):
    run = play("@NAME@", {"*": "no answer here"}, n_tries=3)
    assert run.answer is None
    assert len(run.outcome.paths) == 3


def test_@NAME@_stays_within_its_budget(play):
    run = play("@NAME@", {"*": "no answer here"}, budget=Budget(tokens=5), n_tries=100)
    assert run.usage.generated_tokens == 5
'''

PAGE = """# @NAME@

What it does, in two sentences.

- Paper: @PAPER@ @ARXIV@
- Needs: any engine
- Cost per problem: at most `n_tries` paths

## The loop

    repeat n_tries times:  path = open(1), extended to its end
                           answer of path, if it has one

## Knobs

`thinkwell methods @NAME@` lists them. `n_tries` is sized to a token budget unless set.

## Chosen differently

What is left out or changed against the paper, and why.

## Try it

    thinkwell compare --task lab/arithmetic --methods single @NAME@ --limit 100 --budget tokens=1024
"""
