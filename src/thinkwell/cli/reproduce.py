"""`thinkwell reproduce`: measure the claims of papers on the lab."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkwell.cli.failure import exits
from thinkwell.cli.options import Seed
from thinkwell.cli.show import check_writable, console, write_json
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.files.whole import write_whole

if TYPE_CHECKING:
    from thinkwell.claims.claim import Paper
    from thinkwell.claims.measure import Finding
    from thinkwell.claims.trained import Training

SCALES = ("fast", "full")


@exits
def reproduce(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME... | all | training",
            help="Papers by the name of their method or recipe; `all` for every test-time method, `training` for every recipe.",
        ),
    ],
    budget: Annotated[str, typer.Option("--budget", metavar="fast|full", help="How many problems: fast is minutes a paper.")] = "fast",
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the runs: killed, the same command goes on.")] = None,
    jobs: Annotated[
        int,
        typer.Option("--jobs", metavar="N", help="Training runs at a time, each in a process of its own; 0: as many as there are cores."),
    ] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the findings as JSON; `-` for stdout.")] = None,
    page: Annotated[Path | None, typer.Option("--write", metavar="FILE", help="Write the findings as a Markdown page.")] = None,
    places: Annotated[
        list[Path] | None,
        typer.Option(
            "--fill", metavar="PATH", help="A Markdown file, or a folder of them, whose blocks <!-- claims:NAME --> are filled; repeatable."
        ),
    ] = None,
    source: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Take the findings from what --json wrote; nothing is measured; repeatable, the last file that holds a paper counts.",
        ),
    ] = None,
) -> None:
    """Measure what papers claim on the bundled model: effect, interval, verdict."""
    from thinkwell.claims.blocks import files_with_blocks, fill
    from thinkwell.claims.claim import CLAIMS
    from thinkwell.claims.page import markdown
    from thinkwell.claims.processes import cores
    from thinkwell.claims.trained import TRAINED

    if budget not in SCALES:
        raise ConfigError(f"--budget {budget} is unknown; expected fast or full. Choose one of them.")
    if jobs < 0:
        raise ConfigError(f"--jobs {jobs} is out of range; expected 0 or more. Leave it out for as many as there are cores.")
    trained = TRAINED.names()
    if "all" in names and any(name in CLAIMS.names() for name in names):
        raise ConfigError("`all` stands for every test-time method; of these, expected it alone. Leave the other names out.")
    if "training" in names and any(name in trained for name in names):
        raise ConfigError("`training` stands for every recipe; of these, expected it alone. Leave the other names out.")
    every = {"all": CLAIMS.names(), "training": trained}
    wanted = list(dict.fromkeys(each for name in names for each in every.get(name, [name])))
    unknown = next((name for name in wanted if name not in trained and name not in CLAIMS.names()), None)
    if unknown is not None:
        raise UnknownName("claim", unknown, [*CLAIMS.names(), *trained, *every])
    papers = [TRAINED.get(name) if name in trained else CLAIMS.get(name) for name in wanted]
    check_writable(json_file)
    check_writable(page)
    files = files_with_blocks(places or [])
    quiet = str(json_file) == "-"
    findings = _measured(papers, budget, seed, out, jobs or cores(), quiet) if not source else _read(source, wanted, quiet)
    write_json({"claims": [finding.as_dict() for finding in findings]}, json_file)
    if page is not None:
        write_whole(page, markdown(findings))
    for file in fill(files, findings):
        print(f"filled {file}", file=sys.stderr)


def _measured(papers: Sequence[Paper | Training], budget: str, seed: int, out: Path | None, jobs: int, quiet: bool) -> list[Finding]:
    """The findings of every paper, one after the other, shown as they come."""
    import asyncio

    from thinkwell.claims.measure import measure
    from thinkwell.claims.trained import Training, measure_training

    def told(arm: str, number: int, row: dict[str, Any]) -> None:
        if jobs > 1 or row["step"] % 10 == 0:
            print(f"{arm}, seed {number}: step {row['step']}, reward {row['reward']}, tokens {row['tokens']}", file=sys.stderr, flush=True)

    findings: list[Finding] = []
    for paper in papers:
        if isinstance(paper, Training):
            found = measure_training(paper, scale=budget, seed=seed, out=out and out / "training", jobs=jobs, listener=told)
        else:
            folder = None if out is None else out / f"{paper.name}-{budget}-{seed}"
            found = asyncio.run(measure(paper, scale=budget, seed=seed, out=folder))
        findings += found
        if not quiet:
            _print(found)
    return findings


def _read(sources: Sequence[Path], wanted: Sequence[str], quiet: bool) -> list[Finding]:
    """The findings of the named papers that files hold; of a paper that several hold, those of the last."""
    from thinkwell.claims.blocks import read_findings

    held: dict[str, list[Finding]] = {}
    for source in sources:
        findings = read_findings(source)
        held |= {name: [finding for finding in findings if finding.name == name] for name in {finding.name for finding in findings}}
    missing = [name for name in wanted if name not in held]
    if missing:
        raise ConfigError(
            f"{', '.join(map(str, sources))} holds nothing of {', '.join(missing)}; expected findings of every paper named. Measure them, or leave them out."
        )
    if not quiet:
        for name in wanted:
            _print(held[name])
    return [finding for name in wanted for finding in held[name]]


def _print(findings: list[Finding]) -> None:
    from rich.table import Table

    from thinkwell.claims.page import measured, seeds

    first = findings[0]
    table = Table(
        title=f"{first.name}: {first.paper} ({first.problems} problems, {seeds(first)}, {first.seconds:.0f} s)", title_justify="left"
    )
    for heading in ("claim", "paper", "measured [95 %]", "verdict"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        claim = f"{finding.claim} (control)" if finding.control else finding.claim
        table.add_row(claim, finding.paper_effect, measured(finding), finding.verdict)
    console().print(table)
    console().print(f"command: {first.command}\n")
