"""`thinkwell compare`: methods on one task at equal cost."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkwell.cli.arguments import knobs_of
from thinkwell.cli.failure import FAILED, Interrupted, exits
from thinkwell.cli.options import (
    BaseUrls,
    BudgetItems,
    EngineKnobs,
    EngineName,
    EnginesFor,
    KnobItems,
    ModelName,
    PresetName,
    RewardModel,
    RunFolder,
    Seed,
    Temperature,
    TopP,
    engine_options,
)
from thinkwell.cli.show import check_writable, console, write_json
from thinkwell.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from thinkwell.core.sampling import Sampling
    from thinkwell.runs.compare import Progress
    from thinkwell.runs.comparison import Comparison
    from thinkwell.runs.spec import CompareSpec


@exits
def compare(
    task: Annotated[
        str,
        typer.Option(
            "--task", help="See `thinkwell tasks list`; with --engine replay a benchmark of the file, or `recorded` for all of it."
        ),
    ],
    methods: Annotated[
        list[str],
        typer.Option(
            "--methods",
            metavar="NAME[:KNOB=VALUE,...]",
            help="Methods, several after one --methods; differences are against `single`, or the first where it takes no part.",
        ),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="FILE", help="Local copy of the task's data; with --engine replay the recorded samples."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Number of problems; default: all (100 where they are generated).")] = None,
    seed: Seed = 0,
    budget: BudgetItems = None,
    samples: Annotated[int, typer.Option("--samples", help="Repetitions of every problem.")] = 1,
    engine: EngineName = "local",
    model: ModelName = None,
    base_url: BaseUrls = None,
    engine_knobs: EngineKnobs = None,
    other_engines: EnginesFor = None,
    prm: RewardModel = None,
    pool: Annotated[bool, typer.Option("--pool", help="Replay: pool the samples of all models in the file.")] = False,
    preset: PresetName = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    knobs: KnobItems = None,
    task_knobs: Annotated[
        list[str] | None, typer.Option("--task-set", metavar="KNOB=VALUE", help="A knob of the task, such as levels=4.")
    ] = None,
    out: RunFolder = None,
    grow: Annotated[
        bool, typer.Option("--grow", help="Let a run folder take more methods, problems or samples than it was begun with.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the table as JSON; `-` for stdout.")] = None,
    in_flight: Annotated[int | None, typer.Option("--in-flight", help="Problems solved at a time.")] = None,
    order: Annotated[
        str, typer.Option("--order", metavar="method|mixed", help="One method after the other (exact seconds), or mixed (a little faster).")
    ] = "method",
) -> None:
    """Compare methods on the same problems with the same budget; with --out, a killed run goes on where it stopped."""
    import asyncio

    from thinkwell.core.budget import Budget
    from thinkwell.runs.compare import command_line
    from thinkwell.runs.seats import engines_of
    from thinkwell.runs.spec import IN_FLIGHT, CompareSpec
    from thinkwell.runs.table import print_table

    spec = CompareSpec(
        task=task,
        methods=tuple(methods),
        knobs=knobs_of(knobs or []),
        data=data[0] if data else None,
        limit=limit,
        seed=seed,
        budget=Budget.parse(budget or []),
        engine="lab" if engine == "local" and model is None else engine,
        model=model,
        engine_options=engine_options(engine, base_url, engine_knobs),
        engines_for=engines_of(other_engines or []),
        task_options=knobs_of([f"task.{item}" for item in task_knobs])["task"] if task_knobs else {},
        preset=preset,
        sampling=sampling_of(task, preset, temperature, top_p),
        samples=samples,
        in_flight=IN_FLIGHT if in_flight is None else in_flight,
        order=order,  # type: ignore[arg-type]  # checked by CompareSpec
        out=out,
        grow=grow,
        command=command_line(),
    )
    _refuse_data(engine, data, pool, prm)
    check_writable(json_file)
    quiet = str(json_file) == "-"
    try:
        comparison = asyncio.run(_run(spec, data or [], pool, prm, quiet))
    except KeyboardInterrupt:
        kept = (
            f"What was finished is kept in {out}; run the same command again to go on."
            if out
            else "Nothing was kept; give --out DIR to be able to go on."
        )
        raise Interrupted(kept) from None
    write_json(comparison.as_dict(), json_file)
    if quiet:
        for note in comparison.notes:
            print(note, file=sys.stderr)
    else:
        print_table(comparison, console())
    if out is not None:
        from thinkwell.runs.report import write_report

        page = write_report(out)
        if not quiet:
            print(f"\nreport: {page}")
    if any(row.errors == comparison.problems * comparison.samples for row in comparison.rows):
        raise typer.Exit(FAILED)


def _refuse_data(engine: str, data: list[str] | None, pool: bool, prm: str | None) -> None:
    if engine == "replay" and not data:
        raise ConfigError("--engine replay has nothing to replay; expected recorded samples. Give them with --data FILE.")
    if engine == "replay" and prm is not None:
        raise ConfigError(
            "--prm loads a reward model, but recorded samples have the judgements that were recorded with them. Leave --prm out."
        )
    if engine != "replay" and (pool or len(data or []) > 1):
        raise ConfigError(
            "--pool and several --data are for recorded samples; expected --engine replay with them. Add that or leave them out."
        )


async def _run(spec: CompareSpec, data: list[str], pool: bool, prm: str | None, quiet: bool) -> Comparison:
    from thinkwell.runs.compare import compare_async

    async with AsyncExitStack() as stack:
        given: dict[str, Any] = {}
        if spec.engine == "replay":
            from thinkwell.runs.recorded import open_recorded

            recorded = open_recorded(spec, data, pool)
            given = {"engine": recorded.engine, "problems": recorded.problems, "preset": recorded.preset}
        elif prm is not None:
            from thinkwell.engines.registry import load_engine
            from thinkwell.scorers.registry import load_scorer

            engine = load_engine(spec.engine, model=spec.model, **spec.engine_options)
            stack.push_async_callback(engine.aclose)
            scorer = load_scorer("prm", engine=engine, model=prm)
            stack.push_async_callback(scorer.aclose)
            given = {"engine": engine, "scorers": {"prm": scorer}}
        if quiet or not sys.stdout.isatty():
            return await compare_async(spec, **given)
        bar = stack.enter_context(_bar())
        job = bar.add_task(spec.task, total=None)

        def advance(progress: Progress) -> None:
            bar.update(
                job, completed=progress.done, total=progress.total, description=progress.record.method if progress.record else spec.task
            )

        return await compare_async(spec, progress=advance, **given)


def _bar() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), transient=True
    )


def sampling_of(task: str, preset: str | None, temperature: float | None, top_p: float | None) -> Sampling | None:
    """The preset's sampling with what is given changed; None where nothing is."""
    if temperature is None and top_p is None:
        return None
    from thinkwell.ask import with_sampling
    from thinkwell.tasks import TASKS
    from thinkwell.tasks.presets import preset as named_preset

    change = with_sampling(temperature, top_p)
    return change(named_preset(preset or TASKS.get(task).preset)) if change else None
