"""`thinkwell report`: write the report of a run folder again, finished or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkwell.cli.failure import exits
from thinkwell.cli.options import AsJson
from thinkwell.cli.show import print_json


@exits
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder, as given to compare --out.")],
    as_json: AsJson = False,
) -> None:
    """Write DIR/report.html: accuracy against cost, and every path of every problem, in one offline file."""
    from thinkwell.runs.report import write_report

    page = write_report(folder)
    if as_json:
        print_json({"report": str(page), "bytes": page.stat().st_size})
    else:
        print(page)
