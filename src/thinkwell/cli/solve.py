"""`thinkwell solve`: one question, the path shown while it is written."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from thinkwell.cli.arguments import knobs_of
from thinkwell.cli.failure import Interrupted, exits
from thinkwell.cli.options import (
    AsJson,
    BaseUrls,
    BudgetItems,
    EngineKnobs,
    EngineName,
    EnginesFor,
    KnobItems,
    ModelName,
    PresetName,
    RewardModel,
    Seed,
    Temperature,
    TopP,
    engine_options,
)
from thinkwell.cli.show import console, print_json
from thinkwell.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from thinkwell.ask import Solution
    from thinkwell.cli.live import LivePaths


@exits
def solve(
    text: Annotated[str, typer.Argument(help="The question; `-` reads it from stdin.")],
    method: Annotated[str, typer.Option("--method", help="See `thinkwell methods`.")] = "self_consistency",
    engine: EngineName = "local",
    model: ModelName = None,
    base_url: BaseUrls = None,
    engine_knobs: EngineKnobs = None,
    other_engines: EnginesFor = None,
    prm: RewardModel = None,
    preset: PresetName = None,
    seed: Seed = 0,
    budget: BudgetItems = None,
    knobs: KnobItems = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="The right answer, to have the solution graded; no method sees it.")
    ] = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="Also what the method counted, target calls and accepted drafts for example.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Solve one question with one method; live on a terminal."""
    from thinkwell.ask import solve as ask
    from thinkwell.ask import with_sampling
    from thinkwell.core.budget import Budget
    from thinkwell.core.method import METHODS
    from thinkwell.core.problem import Problem
    from thinkwell.runs.seats import engines_of
    from thinkwell.runs.spec import parse_method

    name, named = parse_method(method)
    kind = METHODS.get(name)
    given = knobs_of(knobs or [])
    for other in given:
        if other != name:
            raise UnknownName("method in --set", other, [name], hint=f"This command runs {name!r} only.")
    solver = kind(kind.Config.parse({**named, **given.get(name, {})}, name))  # made here, as knobs may be named like options of `ask`
    if engine == "replay":
        raise ConfigError(
            "engine 'replay' has recorded samples and cannot answer a new question; expected local or openai. Use `thinkwell compare` with replay."
        )
    question = sys.stdin.read().strip() if text == "-" else text
    problem = dataclasses.replace(Problem.ask(question), reference=reference)
    live = None
    if not as_json and sys.stdout.isatty():
        from thinkwell.cli.live import LivePaths

        live = LivePaths()
    try:
        with _display(live):
            solution = ask(
                problem,
                solver,
                "lab" if engine == "local" and model is None else engine,
                seed,
                budget=Budget.parse(budget or []),
                model=model,
                preset=preset,
                prm=prm,
                live=live,
                sampling=with_sampling(temperature, top_p),
                engine_options=engine_options(engine, base_url, engine_knobs),
                engines_for=engines_of(other_engines or []),
            )
    except KeyboardInterrupt:
        raise Interrupted("Nothing was kept; the same command with the same seed writes the same tokens again.") from None
    if as_json:
        print_json(solution.as_dict(stats=stats))
        for note in solution.notes:
            print(note, file=sys.stderr)
    else:
        _show(solution)
        if stats:
            for name, value in solution.outcome.facts.items():
                console().print(f"[dim]{name}[/dim] {value}", highlight=False)


def _display(live: LivePaths | None) -> AbstractContextManager[object]:
    if live is None:
        return nullcontext()
    from rich.live import Live

    return Live(get_renderable=live.__rich__, console=console(), refresh_per_second=12, transient=True, vertical_overflow="visible")


def _show(solution: Solution) -> None:
    from thinkwell.cli.live import coloured

    out = console()
    if solution.outcome.chosen is not None:
        out.print(coloured(solution.outcome.chosen), end="\n\n", soft_wrap=True)
    usage, paths = solution.usage, len(solution.outcome.paths)
    out.print(f"[bold]answer[/bold]  {'none' if solution.answer is None else solution.answer}")
    if solution.verdict is not None:
        out.print(f"[bold]verdict[/bold] {solution.verdict.value}")
    scored = f", {usage.scorer_calls} scorer calls" if usage.scorer_calls else ""
    out.print(
        f"[dim]{solution.method}: {paths} path{'s' * (paths != 1)}, {usage.generated_tokens} tokens{scored}, {usage.seconds:.1f} s[/dim]"
    )
    for note in solution.notes:
        out.print(note, style="yellow", markup=False, highlight=False)
