"""The documents say nothing that is not so: links lead somewhere, commands exist with the options, methods and knobs that are shown, files that are named are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from thinkwell.claims.claim import CLAIMS
from thinkwell.claims.trained import TRAINED
from thinkwell.core.method import METHODS
from thinkwell.runs.spec import parse_method
from thinkwell.tasks import TASKS
from thinkwell.training.recipe import RECIPES

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(file for room in ("docs", "src", "benchmarks", "tests") for file in (ROOT / room).rglob("*.md"))])
INVENTED = {"my_method", "A", "B"}  # names that stand for the reader's own


def rel(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def anchors(file: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", DOCUMENTS, ids=rel)
def test_every_link_between_documents_leads_somewhere(file: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)", file.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        page = file.parent / target if target else file
        if not page.exists() or (anchor and anchor not in anchors(page)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_readme() -> None:
    reached: set[Path] = set()
    open_ = [ROOT / "README.md"]
    while open_:
        page = open_.pop().resolve()
        if page in reached:
            continue
        reached.add(page)
        found = [page.parent / link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)", page.read_text(encoding="utf-8"))]
        for other in found:
            open_ += sorted(other.glob("*.md")) if other.is_dir() else [other] * (other.suffix == ".md" and other.exists())
    assert [rel(file) for file in DOCUMENTS if file not in reached and ROOT / "docs" in file.parents] == []


def commands(file: Path) -> list[str]:
    """Every command line that a document shows, in code blocks and in code within a sentence."""
    text = re.sub(r"\\\n\s*", " ", file.read_text(encoding="utf-8"))
    return [found.split("  #")[0].strip() for found in re.findall(r"(?:^\s*|`)thinkwell ([a-z][^`\n]*)", text, re.M)]


def options_of(words: list[str]) -> set[str]:
    """The options of the command that a line begins with. Raises `AssertionError` if there is none."""
    from thinkwell.cli.app import app

    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word.startswith("-"):
            break
        assert word in command.commands, f"there is no command {word!r}"
        command = command.commands[word]
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


def test_every_command_and_option_is_on_the_page_of_the_command_line() -> None:
    from thinkwell.cli.app import app

    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    silent: list[str] = []
    open_: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while open_:
        name, command = open_.pop()
        open_ += [(f"{name} {word}".strip(), child) for word, child in getattr(command, "commands", {}).items()]
        if name and not hasattr(command, "commands"):
            silent += [name] * (not re.search(rf"(thinkwell |^## ){name}\b", page, re.M))
            longest = [max(parameter.opts, key=len) for parameter in command.params if parameter.opts[0].startswith("-")]
            silent += [f"{name} {option}" for option in longest if option not in page]
    assert silent == []


def after(line: str, option: str) -> list[str]:
    """The words that follow an option, up to the next one."""
    found = re.search(rf"{option} ((?:(?!--).)*)", line)
    return shlex.split(found[1]) if found else []


@pytest.mark.parametrize("file", [file for file in DOCUMENTS if commands(file)], ids=rel)
def test_every_command_that_is_shown_exists_with_its_options(file: Path) -> None:
    for line in commands(file):
        have = options_of(re.sub(r"[\[\],]", " ", line).split())
        assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", line)) <= have, line


@pytest.mark.parametrize("file", [file for file in DOCUMENTS if commands(file)], ids=rel)
def test_every_method_knob_task_and_claim_in_a_command_exists(file: Path) -> None:
    for line in commands(file):
        for label in (*after(line, "--methods"), *after(line, "--method")[:1]):
            name, knobs = parse_method(label)
            if name in INVENTED or name.isupper() or not re.fullmatch(r"\w+", name):
                continue
            METHODS.get(name).Config.parse(knobs, name)
        for task in after(line, "--task")[:1]:
            assert task.isupper() or task in TASKS.names(), line
        if line.startswith("reproduce "):
            shown = re.split(r" (?:\[|--|\|)", line.removeprefix("reproduce "))[0].split()
            assert {name for name in shown if not name.startswith("NAME")} <= {*CLAIMS.names(), *TRAINED.names(), "all", "training"}, line
        if line.startswith("train "):
            shown = line.removeprefix("train ").split()[0]
            assert shown.startswith("-") or shown.isupper() or shown in RECIPES.names(), line
            for item in after(line, "--set") if shown in RECIPES.names() else []:
                RECIPES.get(shown).Config.parse({item.partition("=")[0]: yaml.safe_load(item.partition("=")[2])}, shown)


@pytest.mark.parametrize("file", DOCUMENTS, ids=rel)
def test_every_file_of_the_project_that_is_named_is_there(file: Path) -> None:
    named = re.findall(
        r"(?<![\w/.])((?:src/thinkwell|benchmarks|docs|tests)/[\w/.]*\w\.(?:py|md|json|c))\b", file.read_text(encoding="utf-8")
    )
    gone = [name for name in named if not (ROOT / name).exists() and not re.search(r"my_method|NAME", name)]
    assert gone == []
