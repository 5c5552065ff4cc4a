"""The table of a comparison for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from thinkwell.runs.comparison import AtK, Comparison, Row
from thinkwell.runs.statistics import Estimate

LOUD_TRUNCATION = 0.05  # share of cut problems above which the table says what to do about it
WIDE = 140  # columns of a terminal that hold the whole table in one


def render(comparison: Comparison, width: int = WIDE) -> RenderableType:
    """Accuracy, difference and cost of every method (in two tables where `width` is too small for one), then maj@k and pass@k where they mean something,
    then what to beware of."""
    parts: list[RenderableType] = [_caption(comparison)]
    if width >= WIDE:
        parts.append(_table(comparison, (*QUALITY, *COST)))
    else:
        parts += [_table(comparison, QUALITY), Text(""), _table(comparison, COST)]
    for methods, rows in _same_samples(comparison):
        parts += [Text(""), _at_k(comparison, methods, rows)]
    parts += [Text(note, style="yellow") for note in notes(comparison)]
    return Group(*parts)


def print_table(comparison: Comparison, console: Console | None = None) -> None:
    console = console or Console()
    console.print(render(comparison, console.width))


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know before believing the numbers."""
    found = list(comparison.notes)
    found += [
        f"{row.method}: {row.errors} of the answers ended in an error and count as not solved; the first: {row.first_error}"
        for row in comparison.rows
        if row.errors
    ]
    cut = [f"{row.method} {row.truncated:.0%}" for row in comparison.rows if row.truncated > LOUD_TRUNCATION]
    if cut:
        found.append(f"Cut before they answered: {', '.join(cut)} of the problems. A larger budget may change the order.")
    return found


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def interval(estimate: Estimate) -> str:
    return f"{percent(estimate.mean)} [{percent(estimate.low)}, {percent(estimate.high)}]"


def difference(row: Row) -> str:
    """`+4.0 [+1.0, +7.0] *` in points; the star says that the interval excludes zero."""
    if row.difference is None:
        return "-"
    star = " *" if row.difference.excludes_zero else "  "
    return f"{100 * row.difference.mean:+.1f} [{100 * row.difference.low:+.1f}, {100 * row.difference.high:+.1f}]{star}"


def _caption(comparison: Comparison) -> Text:
    budget = ", ".join(f"{key}={value:g}" for key, value in comparison.budget.items()) or "none"
    repeats = f" x {comparison.samples} samples" if comparison.samples > 1 else ""
    return Text(
        f"{comparison.task}: {comparison.problems} problems{repeats}, budget a problem: {budget}, seed {comparison.seed}, "
        f"{comparison.engine} engine, {comparison.model}, prompt {comparison.preset}"
    )


def _table(comparison: Comparison, columns: Sequence[tuple[str, Callable[[Row], str]]]) -> Table:
    table = _bare()
    table.add_column("method", overflow="fold")
    for head, _ in columns:
        table.add_column(head.format(baseline=comparison.baseline), justify="right", no_wrap=True)
    best = max(row.accuracy.mean for row in comparison.rows)
    for row in comparison.rows:
        style = "bold" if row.accuracy.mean == best and len(comparison.rows) > 1 else ""
        table.add_row(Text(row.method), *(cell(row) for _, cell in columns), style=style)
    return table


def _same_samples(comparison: Comparison) -> list[tuple[list[str], tuple[AtK, ...]]]:
    """Methods that drew the same samples have the same numbers: they share a table."""
    groups: list[tuple[list[str], tuple[AtK, ...]]] = []
    for row in comparison.rows:
        same = next((names for names, at_k in groups if at_k == row.at_k), None)
        if same is not None:
            same.append(row.method)
        elif row.at_k:
            groups.append(([row.method], row.at_k))
    return groups


def _at_k(comparison: Comparison, methods: Sequence[str], rows: Sequence[AtK]) -> Table:
    table = _bare()
    table.title = "samples of " + ", ".join(methods)
    for head in ("k", "maj@k %", "pass@k %", "problems"):
        table.add_column(head, justify="right", no_wrap=True)
    for at in rows:
        table.add_row(str(at.k), interval(at.maj_at_k), interval(at.pass_at_k), str(at.pass_at_k.n))
    return table


def _bare() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), title_justify="left", title_style="none")


QUALITY: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("accuracy % [95 %]", lambda row: interval(row.accuracy)),
    ("vs {baseline}", difference),
    ("pass@1", lambda row: percent(row.pass_at_1.mean)),
)
COST: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("tokens", lambda row: f"{row.generated_tokens:,.0f}"),
    ("prompt", lambda row: f"{row.prompt_tokens:,.0f}"),
    ("scorer", lambda row: f"{row.scorer_calls:.1f}"),
    ("seconds", lambda row: f"{row.seconds:.3f}" if row.seconds < 10 else f"{row.seconds:.1f}"),
    ("no ans %", lambda row: percent(row.no_answer)),
    ("cut %", lambda row: percent(row.truncated)),
    ("errors", lambda row: str(row.errors)),
)
