"""The paths of one problem as a forest, rebuilt from the events of its session: who wrote what, where it forked, was cut, scored or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thinkwell.core.path import Origin
from thinkwell.runs.record import Record, Trace


@dataclass(slots=True)
class Piece:
    """A run of text with one origin. `score`: the last step score given when the path ended here."""

    origin: str
    text: str
    n_tokens: int
    score: float | None = None


@dataclass(slots=True)
class Node:
    """One path: what it wrote itself after the `start` tokens that it shares with its parent.

    how: "opened", "forked" or "cut". fate: "chosen", "candidate" (the method chose among these), "pruned" or "left" (given up without a word).
    """

    id: str
    parent: str | None
    how: str
    start: int
    role: str
    pieces: list[Piece] = field(default_factory=list)
    steps: Sequence[float] = ()  # the newest step scores of the whole path
    scorer: str = ""
    finish: str | None = None
    fate: str = "left"
    reason: str = ""
    answer: str | None = None
    verdict: str | None = None
    rank: float | None = None  # the score by which the method ranked it

    @property
    def n_tokens(self) -> int:
        return sum(piece.n_tokens for piece in self.pieces)


def forest_of(record: Record, trace: Trace) -> list[Node]:
    """All paths of a record, parents before children, in the order in which they came to be. A trace without events gives its paths alone."""
    nodes: dict[str, Node] = {}
    for event in trace.events:
        _apply(nodes, event)
    prompts = {}
    for path in trace.paths:
        prompts[path["id"]] = [Piece(s["origin"], s["text"], s["n_tokens"]) for s in path["segments"] if s["origin"] == Origin.PROMPT]
        if path["id"] not in nodes:
            own = [Piece(s["origin"], s["text"], s["n_tokens"]) for s in path["segments"] if s["origin"] != Origin.PROMPT]
            nodes[path["id"]] = Node(path["id"], None, "opened", 0, path["role"], own)
        nodes[path["id"]].finish = path["finish"]
    _put_prompts(nodes, prompts)
    for candidate in record.candidates:
        if candidate.path in nodes:
            node = nodes[candidate.path]
            node.fate = "chosen" if candidate.path == record.chosen else "candidate"
            node.answer, node.verdict, node.rank = candidate.answer, candidate.verdict.value, candidate.score
    if record.chosen in nodes:
        nodes[record.chosen].fate = "chosen"  # a method may answer with a path that was no candidate
    return _in_tree_order(nodes)


def _apply(nodes: dict[str, Node], event: Mapping[str, Any]) -> None:
    kind, path = event["kind"], event["path"]
    if kind == "path_opened":
        nodes[path] = Node(path, None, "opened", 0, event["role"])
    elif kind in ("forked", "cut"):
        parent = nodes.get(event["parent"])
        nodes[path] = Node(
            path, event["parent"], "forked" if kind == "forked" else "cut", event["start"], parent.role if parent else "solver"
        )
    elif path in nodes:
        node = nodes[path]
        if kind == "tokens_written":
            node.pieces.append(Piece(Origin.MODEL.value, event["text"], event["n_tokens"]))
            node.finish = event["finish"]
        elif kind == "spliced":
            node.pieces.append(Piece(event["origin"], event["text"], event["n_tokens"]))
        elif kind == "scored":
            node.steps, node.scorer = event["scores"], event["scorer"]
            if node.pieces and node.steps:
                node.pieces[-1].score = node.steps[-1]
        elif kind == "pruned":
            node.fate, node.reason = "pruned", event["reason"]


def _put_prompts(nodes: Mapping[str, Node], prompts: Mapping[str, list[Piece]]) -> None:
    """Events do not hold prompts, candidate paths do. A root takes its own, or that of a candidate that descends from it."""
    for path, prompt in prompts.items():
        root = nodes[path]
        while root.parent is not None and root.parent in nodes:
            root = nodes[root.parent]
        if not any(piece.origin == Origin.PROMPT for piece in root.pieces):
            root.pieces = [*prompt, *root.pieces]


def _in_tree_order(nodes: Mapping[str, Node]) -> list[Node]:
    children: dict[str | None, list[Node]] = {}
    for node in nodes.values():
        children.setdefault(node.parent if node.parent in nodes else None, []).append(node)
    order: list[Node] = []
    stack = children.get(None, [])[::-1]
    while stack:
        node = stack.pop()
        order.append(node)
        stack += children.get(node.id, [])[::-1]
    return order


def line_of(event: Mapping[str, Any]) -> str:
    """An event in words, without the text it wrote."""
    match event["kind"]:
        case "path_opened":
            return f"opened as {event['role']}, prompt of {event['prompt_tokens']} tokens" + (
                f", written by {event['engine']}" if event.get("engine") else ""
            )
        case "tokens_written":
            return f"wrote {event['n_tokens']} tokens from position {event['start']}" + (
                f", ended by {event['finish']}" if event["finish"] else ""
            )
        case "spliced":
            return f"{event['n_tokens']} tokens put in at {event['start']} ({event['origin']})"
        case "forked":
            return f"forked from {event['parent']} at token {event['start']}"
        case "cut":
            return f"cut from {event['parent']} at token {event['start']}"
        case "pruned":
            return f"given up: {event['reason']}"
        case "scored":
            return f"{event['scorer']} gave {', '.join(f'{score:.3f}' for score in event['scores']) or 'nothing'}"
        case "search_node":
            values = ", ".join(f"{name} {value:.4g}" for name, value in event["values"].items())
            return f"{event['state'].replace('_', ' ')} at depth {event['depth']} below {event['parent'] or 'nothing'}: {values}"
        case "voted":
            votes = ", ".join(f"{answer}: {weight:.3g}" for answer, weight in event["votes"].items())
            return f"vote by {event['rule']}: {votes or 'nobody voted'}; chosen {event['chosen']}{' (tie)' if event['tie'] else ''}"
        case "budget_spent":
            return f"budget of {event['what']}: asked {event['asked']:g}, granted {event['granted']:g}"
        case "answered":
            return f"answered {event['answer']} after {event['generated_tokens']} generated tokens"
        case "said":
            taken = "could not be read" if event.get("unread") else event.get("decision")
            return f"{event['speaker']} to {', '.join(event['to']) or 'nobody'}{f' ({taken})' if taken else ''}: {event['text']}"
        case "drafted":
            return f"{event['n_tokens']} tokens in {event['calls']} target calls, {len(event['runs'])} of which kept a guess"
        case "note":
            return str(event["text"])
    return str(event["kind"])
