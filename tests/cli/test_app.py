"""The command tree: what is in it, what each command says of itself, and words that it does not know."""

from __future__ import annotations

from importlib.metadata import version

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from thinkwell.cli.app import app


def commands(group: TyperGroup, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], TyperCommand]:
    """Every command by the words that call it."""
    found: dict[tuple[str, ...], TyperCommand] = {}
    for name, command in group.commands.items():
        found |= commands(command, (*above, name)) if isinstance(command, TyperGroup) else {(*above, name): command}
    return found


ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)
COMMANDS = commands(ROOT)


def test_the_tree_has_the_commands_that_the_page_describes() -> None:
    assert {words[0] for words in COMMANDS} == {
        "solve",
        "compare",
        "methods",
        "tasks",
        "lab",
        "report",
        "reproduce",
        "doctor",
        "new",
        "train",
    }
    assert {words for words in COMMANDS if words[0] == "tasks"} == {
        ("tasks", name) for name in ("list", "show", "sample", "leak-check", "validate", "eval-set", "eval", "gallery")
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_each_of_its_options(cli, words):
    shown = cli(*words, "--help")
    assert shown.code == 0
    assert cli(*words, "-h").out == shown.out
    command = COMMANDS[words]
    assert command.help
    for option in command.params:
        assert getattr(option, "help", None), f"{' '.join(words)}: {option.name} has no help"


def test_without_a_command_the_help_is_shown(cli):
    shown = cli()
    assert all(name in shown.out + shown.err for name in ("compare", "solve", "--version"))


def test_the_version_is_that_of_the_package(cli):
    assert cli("--version").out == f"thinkwell {version('thinkwell')}\n"


@pytest.mark.parametrize(
    "words", [("bogus",), ("methods", "--jsn"), ("compare", "--task", "toy", "--methods", "single", "--sed", "1"), ("tasks", "lst")]
)
def test_what_is_not_in_the_tree_leaves_with_2(cli, words):
    done = cli(*words)
    assert done.code == 2
    assert "Traceback" not in done.err
