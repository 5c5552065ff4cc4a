"""`thinkwell tasks`: what there is, one of them with an example, and the proof that graders and data fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from thinkwell.cli.failure import FAILED, exits
from thinkwell.cli.options import AsJson, Seed
from thinkwell.cli.show import console, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Benchmarks: list, show, validate.")


@app.command("list")
@exits
def list_tasks(as_json: AsJson = False) -> None:
    """List the tasks."""
    from thinkwell.tasks import TASKS

    tasks = [task for _, task in TASKS.items()]
    if as_json:
        print_json([_describe(task) for task in tasks])
        return
    rows = [(task.name, task.kind.value, "generated" if task.generate else task.hub_id or "file only", task.summary) for task in tasks]
    print_table(("task", "answer", "source", "what it is"), rows, left=4)


@app.command("show")
@exits
def show(
    name: Annotated[str, typer.Argument(help="The task.")],
    data: Annotated[str | None, typer.Option("--data", metavar="FILE", help="Local copy of the task's data.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Number of problems.")] = 1,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Show a task's facts and its first problems as they are put to a model."""
    from thinkwell.tasks import TASKS
    from thinkwell.tasks.presets import preset

    task = TASKS.get(name)
    problems = task.load(data, seed=seed, limit=limit)
    form = preset(task.preset)
    if as_json:
        shown = [{"id": p.id, "messages": form.messages(p), "reference": p.reference, "meta": dict(p.meta)} for p in problems]
        print_json({**_describe(task), "problems": shown})
        return
    out = console()
    out.print(f"{task.name}: {task.summary}\nanswer {task.kind.value}, preset {form.full_name}", markup=False)
    for problem in problems:
        facts = ", ".join(f"{key} {value}" for key, value in problem.meta.items())
        out.print(f"\n{problem.id}{f'  ({facts})' if facts else ''}", markup=False, style="bold")
        for message in form.messages(problem):
            out.print(f"{message['role']}: {message['content']}", markup=False)
        out.print(f"reference: {problem.reference}", markup=False)


@app.command("validate")
@exits
def validate(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with data files, searched to the bottom.")],
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Prove that gold answers score 1 and junk scores 0 on every data file of a folder; exit code 1 if one does not."""
    from thinkwell.tasks.validate import passed
    from thinkwell.tasks.validate import validate as validate_folder

    reports = validate_folder(data, seed)
    if as_json:
        print_json(reports)
    else:
        rows = [
            (
                r["file"],
                r["task"] or "not recognised",
                str(r["items"]),
                f"{100 * r['gold_rate']:.1f}%",
                f"{100 * r['junk_rate']:.1f}%",
                str(len(r["failures"])),
            )
            for r in reports
        ]
        print_table(("file", "task", "problems", "gold right", "junk right", "failures"), rows, left=2)
        for report in reports:
            for failure in report["failures"]:
                print(f"{report['file']}: {failure}")
    if not passed(reports):
        raise typer.Exit(FAILED)


def _describe(task: Any) -> dict[str, Any]:
    return {
        "name": task.name,
        "kind": task.kind.value,
        "summary": task.summary,
        "preset": task.preset,
        "hub": task.hub_id,
        "generated": task.generate is not None,
        "config": task.Config.describe(),
    }
