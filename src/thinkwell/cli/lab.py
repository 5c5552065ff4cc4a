"""`thinkwell lab`: the bundled model's card, a look at its world, and the build that remakes it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from thinkwell.cli.failure import Interrupted, exits, say
from thinkwell.cli.options import AsJson, Seed
from thinkwell.cli.show import print_json
from thinkwell.core.errors import ConfigError, MissingExtra, ModelError, RunFolderError


class Split(StrEnum):
    """The two disjoint halves of the world."""

    TRAIN = "train"
    TEST = "test"


app = typer.Typer(no_args_is_help=True, help="The bundled model and its world: card, sample, build.")


@app.command("card")
@exits
def card(as_json: AsJson = False) -> None:
    """Print the model card: what the bundled model can do, measured."""
    from thinkwell.lab.card import load_card, render_card

    try:
        facts = load_card()
    except FileNotFoundError as error:
        raise ModelError(f"{error}.") from None
    if as_json:
        print_json(facts)
    else:
        print(render_card(facts))


@app.command("sample")
@exits
def sample(
    n: Annotated[int, typer.Option("--limit", help="Number of problems.")] = 3,
    level: Annotated[int | None, typer.Option("--level", help="1 to 10; default: the test mix.")] = None,
    seed: Seed = 0,
    split: Annotated[Split, typer.Option("--split", help="train or test; disjoint by construction.")] = Split.TEST,
    as_json: AsJson = False,
) -> None:
    """Print problems of the lab's world with their exact solutions."""
    from thinkwell.lab import world
    from thinkwell.lab.trace import gold_trace

    if n < 1 or (level is not None and not 1 <= level <= 10):
        raise ConfigError(f"--limit {n} --level {level} is out of range; expected at least 1, and 1 to 10. Mend the option.")
    drawn = [world.generate(seed * 1_000_003 + i, level, split.value) for i in range(n)] if level else world.default_mix(n, seed)
    if as_json:
        print_json([{"level": p.level, "question": p.question, "answer": p.answer, "trace": gold_trace(p).text} for p in drawn])
        return
    for problem in drawn:
        print(f"level {problem.level}\n{problem.question}\n\n{gold_trace(problem).text}\n")


@app.command("tune-tree")
@exits
def tune_tree(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the tree goes; give it to `--set stand.tree=FILE`.")],
    limit: Annotated[int, typer.Option("--limit", help="Problems to write, of the training half.")] = 30,
    paths: Annotated[int, typer.Option("--paths", help="Paths a problem, one after the other.")] = 4,
    nodes: Annotated[int, typer.Option("--nodes", help="Nodes to keep, of 625.")] = 79,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Fit the draft tree of `stand` to the bundled model: keep the nodes of a large tree that are accepted most."""
    from thinkwell.decoding.draft_tree import START_NODES, save_tree

    if limit < 1 or paths < 1 or not 1 <= nodes <= START_NODES:
        raise ConfigError(
            f"--limit {limit} --paths {paths} --nodes {nodes} is out of range; expected at least 1, and nodes of 1 to {START_NODES}. Mend the option."
        )
    if not out.parent.is_dir():
        raise RunFolderError(f"cannot write {out}: {out.parent} is no folder; expected one that exists. Give another --out FILE.")
    try:
        from thinkwell.lab.tune import tune

        found, model = tune(nodes, limit, paths, seed, say)
    except ImportError:
        raise MissingExtra("torch or transformers, needed to run the lab's model,", "local") from None
    except KeyboardInterrupt:
        raise Interrupted("Nothing was kept; the same command with the same seed finds the same tree again.") from None
    try:
        save_tree(found.tree, out, found.about(model, seed))
    except OSError as error:
        raise RunFolderError(
            f"cannot write {out}: {error.strerror or error}; expected a file that can be written. Give another --out FILE."
        ) from None
    if as_json:
        print_json({"file": str(out), "widths": found.tree.widths(), **found.about(model, seed)})
    else:
        print(
            f"{out}: {len(found.tree)} nodes, by depth {found.tree.widths()}; {found.mean_accepted_tokens:.2f} tokens a target call with the large tree"
        )


@app.command("build")
@exits
def build(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for models, card and checkpoints; default: the package's own.")
    ] = None,
    scale: Annotated[str, typer.Option("--scale", help="full (an hour or two on two cores) or mini (minutes, for tests).")] = "full",
    seed: Seed = 0,
    until: Annotated[str | None, typer.Option("--until", help="Stop after this stage.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away what an earlier build left in DIR.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remake the lab from a seed; a build that was stopped goes on where it was."""
    try:
        from thinkwell.lab.artifacts import FOLDER
        from thinkwell.lab.build import SCALES, STAGES
        from thinkwell.lab.build import build as build_lab
    except ImportError:
        raise MissingExtra("torch or transformers, needed to build the lab,", "local") from None
    out = out or FOLDER
    if scale not in SCALES or (until or STAGES[-1]) not in STAGES:
        raise ConfigError(
            f"--scale {scale} --until {until} is unknown; expected a scale of {', '.join(SCALES)} and a stage of {', '.join(STAGES)}. Mend the option."
        )
    try:
        folder = build_lab(out, scale, seed, not fresh, until=until or STAGES[-1], log=say)  # type: ignore[arg-type]  # scale is checked above
    except ValueError as error:
        raise RunFolderError(str(error)) from None
    except OSError as error:
        raise RunFolderError(
            f"cannot write {out}: {error.strerror or error}; expected a folder that can be written. Give another --out DIR."
        ) from None
    except KeyboardInterrupt:
        raise Interrupted(f"Checkpoints are in {out}; run the same command again to go on.") from None
    if as_json:
        print_json({"folder": str(folder)})
    else:
        print(folder)
