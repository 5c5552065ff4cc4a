"""Who was right on what in a run folder, for averages other than the table's."""

from __future__ import annotations

from pathlib import Path

from thinkwell.runs.store import Store


def scores_by_method(folder: Path) -> dict[str, dict[str, float]]:
    """Share of samples whose one final answer was right, by method and problem id. Raises `RunFolderError` if the folder holds no run."""
    found: dict[str, dict[str, list[float]]] = {}
    with Store.read(folder) as store:
        for record in store.records():
            found.setdefault(record.method, {}).setdefault(record.problem, []).append(float(record.correct))
    return {method: {problem: sum(right) / len(right) for problem, right in problems.items()} for method, problems in found.items()}
