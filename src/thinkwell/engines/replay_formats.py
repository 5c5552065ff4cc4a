"""Readers of files of recorded samples: our own JSON lines, lm-evaluation-harness's `samples_*.jsonl`, lighteval's details (parquet or JSON lines).

A reader turns one record into `Row`s. The layout is told from the first record's fields, never from the file's name.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thinkwell.core.errors import DataError, MissingExtra
from thinkwell.engines.replay_data import ReplayData, Row, collect, fingerprint_of

Record = Mapping[str, Any]
QUESTION_FIELDS = ("problem", "question", "Problem", "Question", "query", "input", "prompt")


def load_replay(file: str | Path | Sequence[str | Path], **options: Any) -> ReplayData:
    """Read one or more files of recorded samples. `options`: those of `replay_data.collect` (model, benchmark, pool, duplicates, scores).

    Raises `DataError` for a missing, malformed (with the line) or unknown file, `UnknownName` for a model that is not in it.
    """
    paths = [Path(item) for item in ([file] if isinstance(file, str | Path) else file)]
    if not paths:
        raise DataError("no file of recorded samples was given; pass file=PATH.")
    for path in paths:
        if not path.is_file():
            raise DataError(
                f"{path} is not a file of recorded samples; expected JSON lines (.jsonl, .jsonl.gz) or parquet. Check the path."
            )
    source = ", ".join(path.name for path in paths)
    rows = (row for path in paths for row in read(path))
    return collect(rows, source=source, fingerprint=fingerprint_of(paths, sorted(options.items())), **options)


def read(path: Path) -> Iterator[Row]:
    """The rows of one file."""
    reader: Callable[[Record, int, Path], Iterator[Row]] | None = None
    for line, record in _records(path):
        if reader is None:
            reader = _layout(record, path)
        try:
            yield from reader(record, line, path)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DataError(
                f"{path.name}, line {line}: {_complaint(error)}; expected the same fields as on line 1. Mend the line or remove it."
            ) from error


def _complaint(error: Exception) -> str:
    return f"field {error} is missing" if isinstance(error, KeyError) else str(error)


def _layout(record: Record, path: Path) -> Callable[[Record, int, Path], Iterator[Row]]:
    if "completion" in record and "problem" in record:
        return _trace
    if "doc" in record and ("resps" in record or "filtered_resps" in record):
        return _harness
    if {"doc", "__doc__"} & record.keys() and {"model_response", "__model_response__"} & record.keys():
        return _lighteval
    if "predictions" in record and {"gold", "full_prompt", "example"} & record.keys():
        return _old_lighteval
    raise DataError(
        f"{path.name}, line 1: the fields {', '.join(sorted(map(str, record))[:12])} belong to no layout that can be replayed; expected "
        "thinkwell samples (problem, completion, ...), lm-evaluation-harness samples (doc, resps, ...) or lighteval details (doc, model_response, ...). See docs/replay.md."
    )


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError(f"a {type(record).__name__} where an object belongs")
                yield number, record
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path.name}, after line {number}: cannot be read ({error}); expected UTF-8 text{', compressed with gzip' if path.suffix == '.gz' else ''}."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{path.name}, line {number}: not a JSON object ({error}); expected one object a line. Mend the line or remove it."
        ) from error


def _parquet(path: Path) -> Iterator[tuple[int, Record]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtra("pyarrow (for parquet files)", "data") from None
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} is not a parquet file ({error}); expected lighteval details.") from error
    yield from enumerate(table.to_pylist(), 1)


# ---- our own layout ---------------------------------------------------------------------------------------------------------


def _trace(record: Record, line: int, path: Path) -> Iterator[Row]:
    meta = record.get("meta") or {}
    question = _text(record["problem"], "problem")
    limit, used = meta.get("budget"), meta.get("n_tokens")
    finish = meta.get("finish_reason") or ("length" if meta.get("truncated") else None)
    if finish is None and isinstance(limit, int) and isinstance(used, int) and used >= limit:
        finish = "length"
    benchmark = str(record.get("benchmark") or path.name.partition(".")[0])
    yield Row(
        problem=str(record.get("problem_id") or _identity(benchmark, question)),
        question=question,
        benchmark=benchmark,
        reference=_optional(record.get("reference")),
        model=str(record.get("model") or "unknown"),
        index=int(record.get("sample_index") or 0),
        text=_text(record["completion"], "completion"),
        line=line,
        n_tokens=int(used) if used is not None else None,
        finish=finish,
        correct=record.get("correct"),
        judged=tuple((_label(step.get("label")), str(step.get("step", ""))) for step in record.get("step_labels") or ()),
        truth=all(isinstance(step.get("label"), int | None) for step in record.get("step_labels") or ()),
        grade=float(meta["score"]) if isinstance(meta.get("score"), int | float) else None,
        search=meta.get("search") or (),
        options=tuple(record.get("options") or ()),
    )


def _label(label: Any) -> float | None:
    """A step's label as a score: a number in [0, 1] as it is, -1 (wrong) as 0; anything else is no score."""
    if isinstance(label, bool) or not isinstance(label, int | float):
        return None
    return 0.0 if label == -1 else float(label) if 0 <= label <= 1 else None


# ---- lm-evaluation-harness --------------------------------------------------------------------------------------------------


def _harness(record: Record, line: int, path: Path) -> Iterator[Row]:
    """One record a document, or a document and filter: `resps` holds, for each request, the list of its repeats."""
    doc = record["doc"] if isinstance(record["doc"], dict) else {"question": str(record["doc"])}
    stem = re.fullmatch(r"samples_(.+?)(_\d{4}-\d\d-\d\dT[\d:.-]+)?", path.name.partition(".jsonl")[0])
    task = str(record.get("task_name") or (stem.group(1) if stem else path.name.partition(".")[0]))
    question = next((str(doc[name]) for name in QUESTION_FIELDS if doc.get(name)), None) or _harness_prompt(record.get("arguments"))
    texts = _flat(record["resps"] if record.get("resps") is not None else record["filtered_resps"])
    if any(not isinstance(text, str) for text in texts):
        raise ValueError("the responses are log-likelihoods, which hold no text; only generated samples can be replayed")
    metric = next(
        (
            record[name]
            for name in (*(record.get("metrics") or ()), "exact_match", "acc", "math_verify")
            if isinstance(record.get(name), int | float)
        ),
        None,
    )
    target = _optional(record.get("target"))
    choices = doc.get("choices")
    options = tuple(map(str, choices.get("text", ()) if isinstance(choices, dict) else choices or ()))
    if target is not None and target.isdigit() and int(target) < len(options):
        target = chr(65 + int(target))
    for index, text in enumerate(texts):
        yield Row(
            problem=f"{task}/{record.get('doc_id', _identity(task, question))}",
            question=question,
            benchmark=task,
            reference=target,
            model=path.parent.name.replace("__", "/") or "unknown",
            index=index,
            text=text,
            line=line,
            correct=metric == 1 if metric is not None and len(texts) == 1 else None,
            options=options,
            choice=bool(options),
        )


def _harness_prompt(arguments: Any) -> str:
    """The prompt of the first request: `[[context, settings]]`, or `{"gen_args_0": {"arg_0": context}}` in newer files."""
    if isinstance(arguments, dict):
        first = next(iter(arguments.values()))
        return str(first["arg_0"] if isinstance(first, dict) else first[0])
    return str(arguments[0][0])


def _flat(responses: Any) -> list[Any]:
    """All repeats of all requests, in order. A pair (log-likelihood, is greedy) is left as it is."""
    if not isinstance(responses, list):
        return [responses]
    if len(responses) == 2 and isinstance(responses[0], int | float) and not isinstance(responses[1], str):
        return [tuple(responses)]
    return [item for response in responses for item in _flat(response)]


# ---- lighteval --------------------------------------------------------------------------------------------------------------


def _lighteval(record: Record, line: int, path: Path) -> Iterator[Row]:
    """Details of lighteval from 0.10 on: a document, the model's response and the metrics."""
    doc, response = (
        _mapping(record.get("doc", record.get("__doc__"))),
        _mapping(record.get("model_response", record.get("__model_response__"))),
    )
    metrics = _mapping(record.get("metric") or record.get("__metric__") or record.get("metrics") or {})
    choices = [str(choice) for choice in _list(doc.get("choices"))]
    gold = [int(index) for index in _list(doc.get("gold_index"))]
    reference = choices[gold[0]] if gold and gold[0] < len(choices) else None
    counts = [len(_list(tokens)) for tokens in _list(response.get("output_tokens"))]
    task = str(doc.get("task_name") or _lighteval_task(path))
    yield from _lighteval_rows(str(doc["query"]), task, reference, _list(response["text"]), counts, metrics, doc.get("id"), line, path)


def _old_lighteval(record: Record, line: int, path: Path) -> Iterator[Row]:
    """Details of lighteval before 0.10: one flat row a document."""
    counts = [len(_list(tokens)) for tokens in _list(record.get("cont_tokens"))]
    gold = _list(record.get("gold"))
    question = str(record.get("example") or record.get("full_prompt"))
    metrics = _mapping(record.get("metrics") or {})
    yield from _lighteval_rows(
        question, _lighteval_task(path), str(gold[0]) if gold else None, _list(record["predictions"]), counts, metrics, None, line, path
    )


def _lighteval_rows(
    question: str,
    task: str,
    reference: str | None,
    texts: Sequence[Any],
    counts: Sequence[int],
    metrics: Record,
    identity: Any,
    line: int,
    path: Path,
) -> Iterator[Row]:
    name = task.split("|")[1] if task.count("|") else task
    single = next((value for value in metrics.values() if isinstance(value, int | float)), None) if len(texts) == 1 else None
    parents = [parent.name for parent in path.parents]
    model = "/".join(reversed([p for p in parents[1:3] if p and p != "details"])) if len(parents) > 3 else "unknown"
    for index, text in enumerate(texts):
        yield Row(
            problem=f"{name}/{identity}" if identity not in (None, "") else _identity(name, question),
            question=question,
            benchmark=name,
            reference=reference,
            model=model or "unknown",
            index=index,
            text=_text(text, "text"),
            line=line,
            n_tokens=counts[index] if index < len(counts) and counts[index] else None,
            correct=single == 1 if single is not None else None,
            choice=reference is not None and re.fullmatch(r" ?[A-J]", reference) is not None,
        )


def _lighteval_task(path: Path) -> str:
    """`details_lighteval|gsm8k|0_2025-...` names its task between the bars."""
    match = re.fullmatch(r"details_(.+?)(_\d{4}-\d\d-\d\dT.*)?", path.name.partition(".parquet")[0].partition(".jsonl")[0])
    return match.group(1) if match else path.name.partition(".")[0]


def _mapping(value: Any) -> Record:
    """Old files hold Python's print of a dictionary where newer ones hold a structure."""
    if isinstance(value, str):
        value = ast.literal_eval(value)
    if not isinstance(value, dict):
        raise TypeError(f"a {type(value).__name__} where an object belongs")
    return value


def _list(value: Any) -> list[Any]:
    if isinstance(value, str) and value.startswith("["):
        value = ast.literal_eval(value)
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _identity(benchmark: str, question: str) -> str:
    return f"{benchmark}/{hashlib.blake2b(question.encode(), digest_size=6).hexdigest()}"


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"field {name!r} is a {type(value).__name__} where text belongs")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else str(value)
