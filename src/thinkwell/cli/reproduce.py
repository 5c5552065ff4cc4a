"""`thinkwell reproduce`: measure the claims of papers on the lab."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkwell.cli.failure import exits
from thinkwell.cli.options import Seed
from thinkwell.cli.show import check_writable, console, write_json
from thinkwell.core.errors import ConfigError
from thinkwell.runs.whole import write_whole

if TYPE_CHECKING:
    from thinkwell.claims.claim import Paper
    from thinkwell.claims.measure import Finding

SCALES = ("fast", "full")


@exits
def reproduce(
    names: Annotated[list[str], typer.Argument(metavar="NAME... | all", help="Papers by the name of their method; `all` for every one.")],
    budget: Annotated[str, typer.Option("--budget", metavar="fast|full", help="How many problems: fast is minutes a paper.")] = "fast",
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the runs: killed, the same command goes on.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the findings as JSON; `-` for stdout.")] = None,
    page: Annotated[Path | None, typer.Option("--write", metavar="FILE", help="Write the findings as a Markdown page.")] = None,
    places: Annotated[
        list[Path] | None,
        typer.Option(
            "--fill", metavar="PATH", help="A Markdown file, or a folder of them, whose blocks <!-- claims:NAME --> are filled; repeatable."
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take the findings from what --json wrote; nothing is measured.")
    ] = None,
) -> None:
    """Measure what papers claim on the bundled model: effect, interval, verdict."""
    from thinkwell.claims.blocks import files_with_blocks, fill
    from thinkwell.claims.claim import CLAIMS
    from thinkwell.claims.page import markdown

    if budget not in SCALES:
        raise ConfigError(f"--budget {budget} is unknown; expected fast or full. Choose one of them.")
    if "all" in names and len(names) > 1:
        raise ConfigError("`all` stands for every paper; expected it alone. Leave the other names out.")
    wanted = CLAIMS.names() if names == ["all"] else list(dict.fromkeys(names))
    papers = [CLAIMS.get(name) for name in wanted]
    check_writable(json_file)
    check_writable(page)
    files = files_with_blocks(places or [])
    quiet = str(json_file) == "-"
    findings = _measured(papers, budget, seed, out, quiet) if source is None else _read(source, wanted, quiet)
    write_json({"claims": [finding.as_dict() for finding in findings]}, json_file)
    if page is not None:
        write_whole(page, markdown(findings))
    for file in fill(files, findings):
        print(f"filled {file}", file=sys.stderr)


def _measured(papers: Sequence[Paper], budget: str, seed: int, out: Path | None, quiet: bool) -> list[Finding]:
    """The findings of every paper, one after the other, shown as they come."""
    import asyncio

    from thinkwell.claims.measure import measure

    findings: list[Finding] = []
    for paper in papers:
        folder = None if out is None else out / f"{paper.name}-{budget}-{seed}"
        found = asyncio.run(measure(paper, scale=budget, seed=seed, out=folder))
        findings += found
        if not quiet:
            _print(found)
    return findings


def _read(source: Path, wanted: Sequence[str], quiet: bool) -> list[Finding]:
    """The findings of the named papers that a file holds."""
    from thinkwell.claims.blocks import read_findings

    held = read_findings(source)
    missing = [name for name in wanted if not any(finding.name == name for finding in held)]
    if missing:
        raise ConfigError(
            f"{source} holds nothing of {', '.join(missing)}; expected findings of every paper named. Measure them, or leave them out."
        )
    found = [[finding for finding in held if finding.name == name] for name in wanted]
    if not quiet:
        for own in found:
            _print(own)
    return [finding for own in found for finding in own]


def _print(findings: list[Finding]) -> None:
    from rich.table import Table

    from thinkwell.claims.page import measured

    first = findings[0]
    table = Table(
        title=f"{first.name}: {first.paper} ({first.problems} problems, seed {first.seed}, {first.seconds:.0f} s)", title_justify="left"
    )
    for heading in ("claim", "paper", "measured [95 %]", "verdict"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        claim = f"{finding.claim} (control)" if finding.control else finding.claim
        table.add_row(claim, finding.paper_effect, measured(finding), finding.verdict)
    console().print(table)
    console().print(f"command: {first.command}\n")
