"""`thinkwell train`: one recipe on one model, in one folder."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkwell.cli.failure import Interrupted, exits
from thinkwell.cli.show import check_writable, console, print_table, write_json
from thinkwell.core.errors import ConfigError, DataError, RunFolderError, ThinkwellError, UsageError

if TYPE_CHECKING:
    from thinkwell.training.recipe import Recipe
    from thinkwell.training.run_folder import Asked

ON_ERROR = ("stop", "count")


@exits
def train(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A recipe; `thinkwell train --list` names them.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="lab|DIR|ID", help="What to start from; default: the bundled model that the recipe wants."),
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Steps of reinforcement; with --resume more of them prolong a run.")] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of every random choice, default 0; the same seed gives the same run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of the run: model, record, curves.html. Default: runs/NAME-SEED.")
    ] = None,
    items: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KNOB=VALUE", help="A knob of the recipe, as `thinkwell train NAME --knobs` lists them."),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="Train on the problems of a task in place of the lab's.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE", help="Local copy of the task's data.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out from its last checkpoint.")] = False,
    eval_every: Annotated[
        int | None,
        typer.Option("--eval-every", metavar="N", help="Steps between evaluations on held-out problems, default 10; 0: at the ends only."),
    ] = None,
    eval_problems: Annotated[
        int | None, typer.Option("--eval-problems", metavar="N", help="Held-out problems, default 64; 0: none.")
    ] = None,
    on_reward_error: Annotated[
        str | None,
        typer.Option(
            "--on-reward-error", metavar="stop|count", help="A reward that fails stops the run (default), or is counted and left out."
        ),
    ] = None,
    track: Annotated[
        list[str] | None, typer.Option("--track", metavar="wandb|tensorboard", help="Copy the numbers there too; repeatable.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the run as JSON; `-` for stdout.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Name the recipes and leave.")] = False,
    knobs_shown: Annotated[bool, typer.Option("--knobs", help="Show the knobs of a recipe and leave.")] = False,
) -> None:
    """Train a model with a published recipe; a run that was stopped goes on with --resume."""
    from thinkwell.training.recipe import RECIPES

    if listed:
        return _list(json_file)
    if name is None:
        raise ConfigError("no recipe is named; expected `thinkwell train NAME`. `thinkwell train --list` names them.")
    recipe = RECIPES.get(name)
    if knobs_shown:
        return _knobs(recipe, json_file)
    if on_reward_error not in (None, *ON_ERROR):
        raise ConfigError(f"--on-reward-error {on_reward_error} is unknown; expected stop or count. Choose one of them.")
    given = {
        "model": _place(model),
        "seed": seed,
        "task": task,
        "data": None if data is None else str(data.resolve()),
        "on_reward_error": on_reward_error,
        "eval_every": eval_every,
        "eval_problems": eval_problems,
    }
    knobs = knobs_of(recipe, items or [], steps)
    folder = out or Path("runs") / f"{name}-{seed or 0}"
    check_writable(json_file)
    _check_trackers(track or [])
    if resume:
        _check_resumed(folder, name, given, knobs)
    _run(recipe, knobs, folder, given, resume, track or [], json_file)


def knobs_of(recipe: Recipe, items: Sequence[str], steps: int | None = None) -> dict[str, Any]:
    """The knobs given, checked: `knob=value` texts (values are YAML), and --steps, which wins. Raises `ConfigError` and `UnknownName`."""
    import yaml

    knobs: dict[str, Any] = {}
    for item in items:
        knob, sign, value = item.partition("=")
        if not (sign and knob.strip()):
            raise ConfigError(f"--set {item!r} is no knob; expected KNOB=VALUE, write for example --set group_size=16.")
        try:
            knobs[knob.strip().removeprefix(f"{recipe.name}.")] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(
                f"--set {item!r}: the value is not YAML; expected a number, true, false, a word or a [list]. Quote it."
            ) from None
    knobs |= {} if steps is None else {"steps": steps}
    try:
        config = recipe.Config.parse(knobs, recipe.name)
    except ConfigError as error:  # the sentence of all knobs, with the command that shows these
        raise ConfigError(str(error).replace(f"thinkwell methods {recipe.name}", f"thinkwell train {recipe.name} --knobs")) from None
    if recipe.group and config.group_size < 2:
        raise ConfigError(
            f"{recipe.name}.group_size={config.group_size}: this recipe compares samples of one prompt, so a group of one teaches nothing; "
            "expected at least 2. Raise it with --set group_size=8."
        )
    return knobs


def _run(
    recipe: Recipe,
    knobs: Mapping[str, Any],
    folder: Path,
    given: Mapping[str, Any],
    resume: bool,
    track: Sequence[str],
    json_file: Path | None,
) -> None:
    from thinkwell.cli.watch import Watch
    from thinkwell.training.trainer import train as run

    asked = {key: value for key, value in given.items() if value is not None}
    if "data" in asked:
        asked["data"] = Path(asked["data"])
    watch = Watch(recipe, folder, track, quiet=str(json_file) == "-")
    begun = folder.exists()
    try:
        with _silent_loading(), watch:
            report = run(recipe.name, out=folder, knobs=knobs, resume=resume, listener=watch, **asked)
    except KeyboardInterrupt:
        _stopped(folder)
        raise Interrupted(_how_to_go_on(recipe.name, folder)) from None
    except ThinkwellError as error:
        if isinstance(error, UsageError) and not resume:
            _forget(folder, begun)
        _stopped(folder)
        raise
    write_json({"recipe": report.recipe, "seed": report.seed, "steps": report.steps, "final": report.final}, json_file)
    if not watch.quiet:
        _say_result(report.final, folder)


def _say_result(final: Mapping[str, Any], folder: Path) -> None:
    from thinkwell.cli.watch import share, whole

    if final.get("accuracy") is not None and final.get("start_accuracy") is not None:
        print(
            f"held-out accuracy {share(final['start_accuracy'])} -> {share(final['accuracy'])}, "
            f"tokens {whole(final['start_tokens'])} -> {whole(final['tokens'])} ({final['problems']} problems)"
        )
    print(f"model:  {folder}\ncurves: {folder / 'curves.html'}")


def _check_trackers(kinds: Sequence[str]) -> None:
    if kinds:
        from thinkwell.training import trackers

        for kind in kinds:
            trackers.check(kind)


def _check_resumed(folder: Path, name: str, given: Mapping[str, Any], knobs: Mapping[str, Any]) -> None:
    """A run goes on as it was begun: whatever is named again must be the same, but for more steps. Raises `RunFolderError`."""
    from thinkwell.training import run_folder
    from thinkwell.training.record import Record

    if not (folder / run_folder.FILE).exists():
        raise RunFolderError(
            f"{folder} holds no training run to go on with; expected the folder of one with --out. Give it, or leave --resume out to begin one."
        )
    held: Asked = run_folder.read(folder)
    if held.recipe != name:
        raise RunFolderError(
            f"{folder} holds a run of {held.recipe!r}, not of {name!r}; expected the same recipe. Name that one, or give another --out."
        )
    for key, value in given.items():
        if value is not None and value != getattr(held, key):
            raise RunFolderError(
                f"{folder} holds a run with {key}={getattr(held, key)!r}, not {value!r}; a run goes on as it was begun. "
                f"Leave --{key.replace('_', '-')} out, or give another --out."
            )
    done = sum(row.get("kind") == "rl" for row in Record(folder).read().steps)
    if "steps" in knobs and knobs["steps"] < done:
        raise RunFolderError(
            f"{folder} holds {done} steps already, more than --steps {knobs['steps']}; expected at least as many. Give more, or another --out."
        )


def _place(model: str | None) -> str | None:
    """A folder by its full path, for the run may go on from elsewhere; a name as it is."""
    return str(Path(model).resolve()) if model is not None and Path(model).is_dir() else model


def _how_to_go_on(name: str, folder: Path) -> str:
    from thinkwell.training import checkpoint

    last = checkpoint.latest(folder)
    command = shlex.join(["thinkwell", "train", name, "--out", str(folder), "--resume"])
    kept = "No checkpoint was written yet" if last is None else f"The last checkpoint is {last}"
    return f"{kept}; go on with: {command}"


def _stopped(folder: Path) -> None:
    """The curve page must not wait for a run that is over. That it cannot be written must not hide why the run ended."""
    from thinkwell.training.curves import total_of, write_curves
    from thinkwell.training.record import STEPS

    if (folder / STEPS).exists():
        with contextlib.suppress(OSError, DataError):
            write_curves(folder, stopped=True, total=total_of(folder))


def _forget(folder: Path, existed: bool) -> None:
    """A run that was refused before its first row leaves no folder behind that would refuse the mended command."""
    from thinkwell.training.record import EVALUATIONS, STEPS
    from thinkwell.training.run_folder import FILE

    if any((folder / name).exists() for name in (STEPS, EVALUATIONS)) or (folder / "checkpoints").exists():
        return
    with contextlib.suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)
        if not existed:
            folder.rmdir()


@contextlib.contextmanager
def _silent_loading() -> Iterator[None]:
    """The model library's own progress bars would run through ours at every checkpoint."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _list(json_file: Path | None) -> None:
    from thinkwell.training.recipe import RECIPES

    facts = [{"name": name, "paper": recipe.paper, "summary": recipe.summary} for name, recipe in RECIPES.items()]
    write_json(facts, json_file)
    if str(json_file) != "-":
        print_table(("recipe", "what it does", "paper"), [(fact["name"], fact["summary"], fact["paper"]) for fact in facts], left=3)
        print("\nKnobs of one: thinkwell train NAME --knobs")


def _knobs(recipe: Recipe, json_file: Path | None) -> None:
    knobs = recipe.Config.describe()
    write_json(knobs, json_file)
    if str(json_file) == "-":
        return
    out = console()
    out.print(f"[bold]{recipe.name}[/bold]  {recipe.summary}", markup=True)
    out.print((sys.modules[recipe.stages.__module__].__doc__ or "").strip(), markup=False)
    out.print(f"\npaper  {recipe.paper}\n", markup=False)
    rows = [(knob["name"], _type(knob["type"]), str(knob["default"]), " ".join(knob["doc"].split())) for knob in knobs]
    print_table(("knob", "type", "default", "meaning"), rows, left=4)
    print("\nSet one with --set KNOB=VALUE")


def _type(annotation: str) -> str:
    """`typing.Literal['a', 'b']` as people write it: a|b."""
    if annotation.startswith("typing.Literal["):
        return "|".join(word.strip(" '\"") for word in annotation.removeprefix("typing.Literal[").removesuffix("]").split(","))
    return annotation.replace("typing.", "")
