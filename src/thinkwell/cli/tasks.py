"""`thinkwell tasks`: what there is, one of them with an example, items of many in a file, and the proof that graders and data fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from thinkwell.cli.arguments import knobs_of
from thinkwell.cli.failure import FAILED, exits
from thinkwell.cli.options import AsJson, Seed
from thinkwell.cli.show import check_writable, console, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Benchmarks, puzzles and games: list, show, sample, validate, leak-check, eval, gallery.")


@app.command("list")
@exits
def list_tasks(as_json: AsJson = False) -> None:
    """List the tasks."""
    from thinkwell.tasks import TASKS

    tasks = [task for _, task in TASKS.items()]
    if as_json:
        print_json([_describe(task) for task in tasks])
        return
    rows = [(task.name, _category(task.name), task.kind.value, _source(task), task.summary) for task in tasks]
    print_table(("task", "category", "answer", "source", "what it is"), rows, left=5)


@app.command("show")
@exits
def show(
    name: Annotated[str, typer.Argument(help="The task.")],
    data: Annotated[str | None, typer.Option("--data", metavar="FILE", help="Local copy of the task's data.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Number of problems.")] = 1,
    seed: Seed = 0,
    level: Annotated[str | None, typer.Option("--level", help="easy, medium or hard: of puzzles and games.")] = None,
    knobs: Annotated[
        list[str] | None, typer.Option("--task-set", metavar="KNOB=VALUE", help="A knob of the task, such as holes=4.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a task's facts and its first problems as they are put to a model."""
    from thinkwell.tasks import TASKS
    from thinkwell.tasks.presets import preset

    task = TASKS.get(name)
    options = knobs_of([f"task.{item}" for item in knobs])["task"] if knobs else {}
    if level is not None:
        options["level"] = level
    problems = task.load(data, seed=seed, limit=limit, knobs=options)
    form = preset(task.preset)
    if as_json:
        shown = [{"id": p.id, "messages": form.messages(p), "reference": p.gold, "meta": dict(p.meta)} for p in problems]
        print_json({**_describe(task), "problems": shown})
        return
    out = console()
    out.print(f"{task.name}: {task.summary}\nanswer {task.kind.value}, preset {form.full_name}", markup=False)
    for problem in problems:
        facts = ", ".join(f"{key} {value}" for key, value in problem.meta.items())
        out.print(f"\n{problem.id}{f'  ({facts})' if facts else ''}", markup=False, style="bold")
        for message in form.messages(problem):
            out.print(f"{message['role']}: {message['content']}", markup=False)
        out.print(f"reference: {problem.gold}", markup=False)


@app.command("sample")
@exits
def sample(
    n: Annotated[int, typer.Option("--n", help="Number of items.", min=1)] = 10,
    mix: Annotated[
        str | None,
        typer.Option(
            "--mix", metavar="NAME=WEIGHT,...", help="Categories and puzzles with their shares: grid=2,logic=1. Default: all, evenly."
        ),
    ] = None,
    levels: Annotated[str, typer.Option("--levels", metavar="E:M:H", help="Shares of easy, medium and hard.")] = "1:1:1",
    split: Annotated[str, typer.Option("--split", metavar="train|test|all", help="Which part; test items never occur in train.")] = "train",
    seed: Seed = 0,
    workers: Annotated[int, typer.Option("--workers", help="Processes; the items are the same for any number.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write .jsonl or .parquet; default: lines on stdout.")] = None,
) -> None:
    """Draw items of puzzles and games, one a line: prompt, answer, meta, task, category, level, id, canonical."""
    import json

    from thinkwell.tasks.mix import Mix, numbers_of, weights_of, write_items

    check_writable(out, "--out")
    items = Mix(weights_of(mix), numbers_of(levels), split).items(seed, n, workers)  # type: ignore[arg-type]
    if out is None:
        for item in items:
            print(json.dumps(item.as_dict(), ensure_ascii=False))
        return
    print(f"{write_items(items, out)} items in {out}")


@app.command("leak-check")
@exits
def leak_check(
    first: Annotated[Path, typer.Argument(metavar="A", help="File of items, for example the training part.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="File of items that must share none with A.")],
    as_json: AsJson = False,
) -> None:
    """Look for items of B that are in A, whatever their wording; exit code 1 if there are any."""
    from thinkwell.tasks.mix import leaks

    found = leaks(first, second)
    if as_json:
        print_json(found)
    else:
        for leak in found:
            print(f"{leak['place']} ({leak['id']}) is the same item as {leak['first']}")
        print(f"{len(found)} items of {second} are in {first} too")
    if found:
        raise typer.Exit(FAILED)


@app.command("validate")
@exits
def validate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Puzzles and games; default: all of them.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Validate the data files below this folder instead.")] = None,
    n: Annotated[int, typer.Option("--n", help="Items of each puzzle and level.", min=1)] = 8,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Prove that gold and solvers' answers score 1 and junk scores 0, on every puzzle and level or on every data file of a folder; exit code 1 if one does not."""
    from thinkwell.core.errors import ConfigError
    from thinkwell.tasks.validate import passed, validate_puzzles
    from thinkwell.tasks.validate import validate as validate_folder

    if names and data is not None:
        raise ConfigError("names of puzzles and --data were both given; expected one of them. Leave one out.")
    reports = validate_puzzles(names or (), seed, n) if data is None else validate_folder(data, seed)
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


@app.command("eval-set")
@exits
def eval_set(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the items there, one a line.")],
    n: Annotated[int, typer.Option("--n", help="Items of each task and level; the fixed set has 50.", min=1)] = 50,
    names: Annotated[list[str] | None, typer.Option("--puzzle", metavar="NAME", help="Of these only; repeatable. Default: all.")] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes; the items are the same for any number.", min=1)] = 1,
) -> None:
    """Make thinkwell-Eval: fixed items of the test part of every puzzle and game at every level."""
    from thinkwell.tasks import suite

    check_writable(out, "--out")
    items = list(suite.make(n, names or (), workers))
    print(f"{suite.write(items, out)} items of {suite.VERSION} in {out}, digest {suite.digest(items)}")


@app.command("eval")
@exits
def evaluate(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="The set, as `thinkwell tasks eval-set` wrote it.")],
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Outputs of a model: rows with `id` and `output`; several of one id are averaged."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="DIR", help="Run folder of `thinkwell compare --task thinkwell_eval --data FILE`.")
    ] = None,
    players: Annotated[
        str | None,
        typer.Option("--players", metavar="NAME,...", help="Reference rows: random, greedy, solver. Default: all, or none beside answers."),
    ] = None,
    thinking: Annotated[bool, typer.Option("--thinking", help="The prompts had opened the thinking.")] = False,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option("--workers", help="Processes of the solver.", min=1)] = 1,
    as_json: AsJson = False,
) -> None:
    """Averages on thinkwell-Eval, of a model's outputs, of a run, and of the reference players."""
    from thinkwell.core.errors import ConfigError
    from thinkwell.tasks import suite

    items = suite.read(data)
    wanted = players if players is not None else "" if answers or run else ",".join(suite.PLAYERS)
    rows = [suite.Play(items, seed, workers).row(player) for player in wanted.replace(",", " ").split()]
    rows += [suite.averages(answers.stem, items, suite.answered(items, answers, thinking=thinking))] if answers else []
    rows += [suite.averages(method, items, scores) for method, scores in _of_run(run, {item.id for item in items})] if run else []
    if not rows:
        raise ConfigError("there is nobody to average; expected --answers, --run or --players. Name one.")
    if as_json:
        print_json({"version": suite.VERSION, "digest": suite.digest(items), "items": len(items), "rows": rows})
        return
    print(f"{suite.VERSION}, {len(items)} items, digest {suite.digest(items)}; per cent, micro with its standard error")
    parts = [*(("categories", name) for name in rows[0]["categories"]), *(("levels", name) for name in rows[0]["levels"])]
    columns = ("who", "micro", "macro", *(name for _, name in parts), "missing")
    print_table(columns, [_averages(row, parts) for row in rows])


@app.command("gallery")
@exits
def gallery(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write .html, or .md with its pictures in a folder beside it.")],
    level: Annotated[str, typer.Option("--level", help="easy, medium or hard.")] = "easy",
    seed: Seed = 0,
) -> None:
    """Draw one example of every puzzle and game on a page."""
    from thinkwell.tasks.gallery import write

    print(f"{write(out, level, seed)} examples in {out}")


def _of_run(folder: Path, wanted: set[str]) -> list[tuple[str, dict[str, float]]]:
    """Methods of a run with their scores. Raises `DataError` if none of them answered any of the wanted items."""
    from thinkwell.core.errors import DataError
    from thinkwell.runs.scores import scores_by_method

    found = scores_by_method(folder)
    if not any(problem in wanted for scores in found.values() for problem in scores):
        raise DataError(
            f"{folder} holds no answer to an item of this set; expected a run of `thinkwell compare --task thinkwell_eval --data FILE` on it. Give its folder."
        )
    return sorted(found.items())


def _averages(row: Any, parts: list[tuple[str, str]]) -> list[str]:
    def share(value: float) -> str:
        return f"{100 * value:.1f}"

    overall = row["overall"]
    means = [share(row[kind][name]["macro"]) for kind, name in parts]
    return [row["player"], f"{share(overall['micro'])} ± {share(overall['se'])}", share(overall["macro"]), *means, str(row["missing"])]


def _describe(task: Any) -> dict[str, Any]:
    from thinkwell.core.rules import RULES
    from thinkwell.tasks.puzzle import LEVEL_NAMES

    ruled = task.name in RULES.names()
    return {
        "name": task.name,
        "category": _category(task.name),
        "levels": list(LEVEL_NAMES) if ruled else [],
        "kind": task.kind.value,
        "summary": task.summary,
        "preset": task.preset,
        "hub": task.hub_id,
        "generated": task.generate is not None,
        "config": task.Config.describe(),
    }


def _category(name: str) -> str:
    from thinkwell.core.rules import RULES
    from thinkwell.tasks.mix import category_of

    return category_of(name) if name in RULES.names() else name.partition("/")[0] if "/" in name else "benchmark"


def _source(task: Any) -> str:
    return "generated" if task.generate else task.hub_id or "file only"
