"""The command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkwell.cli import compare, doctor, lab, methods, new, report, reproduce, solve, tasks, train

app = typer.Typer(
    name="thinkwell",
    help="Make language models think well: every reasoning method behind one interface, compared at equal cost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"thinkwell {version('thinkwell')}")
        raise typer.Exit


@app.callback()
def thinkwell(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
) -> None:
    """Make language models think well: every reasoning method behind one interface, compared at equal cost."""


app.command("solve")(solve.solve)
app.command("compare")(compare.compare)
app.command("methods")(methods.methods)
app.command("train")(train.train)
app.add_typer(tasks.app, name="tasks")
app.add_typer(lab.app, name="lab")
app.command("report")(report.report)
app.command("reproduce")(reproduce.reproduce)
app.command("doctor")(doctor.doctor)
app.add_typer(new.app, name="new")
