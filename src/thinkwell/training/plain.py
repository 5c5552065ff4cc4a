"""Samples and rows as plain values (numbers, texts, lists, dictionaries, tensors) and back, for checkpoints that load without running anybody's code.

What comes back equals what went in, log-probs to the last bit.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Path, Role, Segment
from thinkwell.core.problem import Problem
from thinkwell.training.sample import Row, Sample

TENSORS = ("mask", "advantage", "old_logp", "returns", "old_values")


def plain_row(row: Row) -> dict[str, Any]:
    return {"sample": plain_sample(row.sample), "reward": row.reward, "weight": row.weight} | {name: getattr(row, name) for name in TENSORS}


def row_of(state: dict[str, Any]) -> Row:
    return Row(**{**state, "sample": sample_of(state["sample"])})


def plain_sample(sample: Sample) -> dict[str, Any]:
    whole = {field.name: getattr(sample, field.name) for field in fields(sample)}
    return whole | {
        "path": plain_path(sample.path),
        "problem": plain_problem(sample.problem),
        "trained": sorted(map(str, sample.trained)),
        "verdict": None if sample.verdict is None else plain_verdict(sample.verdict),
        "meta": dict(sample.meta),
    }


def sample_of(state: dict[str, Any]) -> Sample:
    return Sample(
        **{
            **state,
            "path": path_of(state["path"]),
            "problem": problem_of(state["problem"]),
            "trained": frozenset(map(Origin, state["trained"])),
            "verdict": None if state["verdict"] is None else verdict_of(state["verdict"]),
        }
    )


def plain_path(path: Path) -> dict[str, Any]:
    return {
        "id": path.id,
        "finish": None if path.finish is None else str(path.finish),
        "role": str(path.role),
        "segments": [
            {
                "text": segment.text,
                "origin": str(segment.origin),
                "tokens": list(segment.tokens),
                "n_tokens": segment.n_tokens,
                "role": str(segment.role),
                "logprobs": None if segment.logprobs is None else list(segment.logprobs),
            }
            for segment in path.segments
        ],
    }


def path_of(state: dict[str, Any]) -> Path:
    return Path(
        state["id"],
        tuple(_segment(segment) for segment in state["segments"]),
        None if state["finish"] is None else Finish(state["finish"]),
        Role(state["role"]),
    )


def plain_problem(problem: Problem) -> dict[str, Any]:
    whole = {field.name: getattr(problem, field.name) for field in fields(problem)}
    return whole | {
        "kind": str(problem.kind),
        "options": list(problem.options),
        "aliases": list(problem.aliases),
        "meta": dict(problem.meta),
    }


def problem_of(state: dict[str, Any]) -> Problem:
    lists = {"options": tuple(state["options"]), "aliases": tuple(state["aliases"])}
    return Problem(**{**state, **lists, "kind": AnswerKind(state["kind"])})


def plain_verdict(verdict: Verdict) -> dict[str, Any]:
    whole = {field.name: getattr(verdict, field.name) for field in fields(verdict)}
    return whole | {"value": str(verdict.value), "stage": str(verdict.stage)}


def verdict_of(state: dict[str, Any]) -> Verdict:
    return Verdict(**{**state, "value": VerdictValue(state["value"]), "stage": Stage(state["stage"])})


def _segment(state: dict[str, Any]) -> Segment:
    lists = {"tokens": tuple(state["tokens"]), "logprobs": None if state["logprobs"] is None else tuple(state["logprobs"])}
    return Segment(**{**state, **lists, "origin": Origin(state["origin"]), "role": Role(state["role"])})
