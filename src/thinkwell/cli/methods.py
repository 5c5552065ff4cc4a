"""`thinkwell methods`: what there is, and the knobs of one."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkwell.cli.failure import exits
from thinkwell.cli.options import AsJson
from thinkwell.cli.show import console, print_json, print_table

if TYPE_CHECKING:
    from thinkwell.core.method import Method


@exits
def methods(
    name: Annotated[str | None, typer.Argument(help="Show one method with its knobs.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods, or show one with its paper and knobs."""
    from thinkwell.core.method import METHODS

    kinds = [METHODS.get(name)] if name else [kind for _, kind in METHODS.items()]
    if as_json:
        print_json([describe(kind) for kind in kinds])
    elif name:
        _show(kinds[0])
    else:
        print_table(("method", "family", "what it does"), [(kind.name, kind.about.family, kind.about.summary) for kind in kinds], left=3)
        print("\nOne method with its knobs: thinkwell methods NAME")


def describe(kind: type[Method]) -> dict[str, Any]:
    """The facts of a method, as `thinkwell methods --json` prints them."""
    return {
        "name": kind.name,
        "paper": kind.about.paper,
        "arxiv": kind.about.arxiv,
        "family": kind.about.family,
        "needs": sorted(need.value for need in kind.needs),
        "config": kind.Config.describe(),
        "summary": kind.about.summary,
        "scorers": list(kind.scorers),
    }


def _show(kind: type[Method]) -> None:
    facts = describe(kind)
    out = console()
    out.print(f"[bold]{kind.name}[/bold]  {kind.about.family}")
    source = inspect.getdoc(sys.modules[kind.__module__]) or kind.about.summary
    out.print(source, markup=False)
    paper = kind.about.paper + (f", arXiv {kind.about.arxiv}" if kind.about.arxiv else "")
    out.print(f"\npaper    {paper}", markup=False)
    out.print(f"needs    {', '.join(facts['needs']) or 'any engine'}", markup=False)
    out.print(f"scorers  {', '.join(kind.scorers) or 'none'}\n", markup=False)
    rows = [(knob["name"], str(knob["default"]), knob["doc"]) for knob in facts["config"]]
    if rows:
        print_table(("knob", "default", "meaning"), rows, left=3)
        print(f"\nSet one with --set {kind.name}.{rows[0][0]}={rows[0][1]}")
    else:
        out.print("no knobs")
