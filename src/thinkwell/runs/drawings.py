"""What a method did, made ready to be drawn: messages between paths, a search tree, a discussion, accepted drafts.

Which drawings a solve gets depends on the events it left, never on its method's name. All values are JSON-able; a text is an index, as `text` gives it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thinkwell.core.path import Origin
from thinkwell.runs.forest import Node
from thinkwell.runs.record import Record, Trace

Text = Callable[[str], int]
Events = Sequence[Mapping[str, Any]]
LONGEST = 8_000  # characters of a drafted text that are drawn: its shades stand at places in it, so its middle cannot be left out
LOWER_IS_BETTER = ("f", "cost")


def drawings_of(record: Record, trace: Trace, forest: Sequence[Node], text: Text) -> dict[str, Any]:
    """The drawings by name: `messages`, `tree`, `dialogue`, `drafts`; those that have nothing to show are not there."""
    nodes = {node.id: node for node in forest}
    drawn = {
        "messages": messages(trace.events, nodes, text),
        "tree": tree(trace.events, nodes, record.chosen, text),
        "dialogue": dialogue(trace.events, nodes, text),
        "drafts": drafts(trace.events, text),
    }
    return {name: drawing for name, drawing in drawn.items() if drawing}


def between_paths(event: Mapping[str, Any]) -> bool:
    """A path itself speaks to others of its kind: its words are put into theirs."""
    return event["kind"] == "said" and bool(event["path"]) and event["speaker"] == event["path"]


# ---- messages between paths -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Stretch:
    """A piece of a lane. kind: an origin, or "summary" for what the model wrote in another role than the path's. at: where it begins on the clock."""

    kind: str
    text: str
    n_tokens: int
    start: int  # in the path
    at: int = 0
    cut: bool = False  # its end was cut off later

    @property
    def end(self) -> int:
        return self.at + self.n_tokens


@dataclass(slots=True)
class Lane:
    """A path over time, with the paths that went on from it after a cut."""

    path: str
    begins: int = 0
    pieces: list[Stretch] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.pieces[-1].end if self.pieces else self.begins

    def reached(self, start: int) -> int:
        """When the path had `start` tokens."""
        return next((p.at + min(p.n_tokens, start - p.start) for p in reversed(self.pieces) if p.start <= start), self.begins)

    def shorten(self, length: int) -> None:
        """Take off what stands beyond the path's first `length` tokens."""
        self.pieces = [piece for piece in self.pieces if piece.start < length]
        if self.pieces and self.pieces[-1].start + self.pieces[-1].n_tokens > length:
            self.pieces[-1].n_tokens, self.pieces[-1].cut = length - self.pieces[-1].start, True

    def latest(self, *kinds: str) -> int | None:
        """The place of the last piece of one of these kinds."""
        return next((i for i in reversed(range(len(self.pieces))) if self.pieces[i].kind in kinds), None)


def messages(events: Events, nodes: Mapping[str, Node], text: Text) -> dict[str, Any] | None:
    """Lanes of paths and what went from one to another. The clock counts tokens of a path, and a path waits for those it is told by."""
    if not any(between_paths(event) for event in events):
        return None
    lanes: list[Lane] = []
    of: dict[str, int] = {}  # path -> lane
    sent: list[dict[str, Any]] = []
    for event in events:
        path = event["path"]
        lane = lanes[of[path]] if path in of else None
        match event["kind"]:
            case "path_opened":
                of[path] = len(lanes)
                lanes.append(Lane(path))
            case "forked" if event["parent"] in of:
                begins = lanes[of[event["parent"]]].reached(event["start"])
                of[path] = len(lanes)
                lanes.append(Lane(path, begins))
            case "cut" if event["parent"] in of:
                of[path] = of[event["parent"]]
                lanes[of[path]].path = path
                lanes[of[path]].shorten(event["start"])
            case "tokens_written" | "spliced" if lane is not None and event["text"]:
                n_tokens = max(1, event["n_tokens"])  # a server may not count what was put in
                lane.pieces.append(Stretch(kind_of(event, nodes[path].role), event["text"], n_tokens, event["start"], lane.end))
            case "said" if lane is not None and between_paths(event):
                source = (of[path], lane.latest("model", "summary") or 0)
                to = [receive(lanes, of[name], source) for name in event["to"] if name in of]
                heard = [place for place in to if place is not None]
                sent.append({"from": source, "to": heard, "text": text(event["text"]), "round": event["round"], "how": event["how"]})
    return {"lanes": [shown_lane(lane, nodes, text) for lane in lanes], "sent": sent}


def kind_of(event: Mapping[str, Any], role: str) -> str:
    if event["kind"] == "spliced":
        return str(event["origin"])
    return "model" if event.get("role") in (None, role) else "summary"


def receive(lanes: Sequence[Lane], number: int, source: tuple[int, int]) -> tuple[int, int] | None:
    """Lane and piece in which the words of `source` stand: the last one put in. It cannot have begun before they were written."""
    lane, pieces = lanes[number], lanes[source[0]].pieces
    place = lane.latest("injected", "tool")
    if place is None or not pieces:
        return None
    late = pieces[source[1]].end - lane.pieces[place].at
    for piece in lane.pieces[place:] if late > 0 else ():
        piece.at += late
    return number, place


def shown_lane(lane: Lane, nodes: Mapping[str, Node], text: Text) -> dict[str, Any]:
    node = nodes[lane.path]
    pieces = [[piece.kind, piece.at, piece.n_tokens, text(piece.text), *([1] if piece.cut else [])] for piece in lane.pieces]
    facts = {"path": lane.path, "fate": node.fate, "reason": node.reason, "answer": node.answer, "verdict": node.verdict}
    return {**{name: fact for name, fact in facts.items() if fact not in (None, "")}, "pieces": pieces}


# ---- search trees -----------------------------------------------------------------------------------------------------------


def tree(events: Events, nodes: Mapping[str, Node], chosen: str | None, text: Text) -> dict[str, Any] | None:
    """The nodes of a search, parents before children. order: a node's expansion, counted from 1; born: how many there had been when it was there.

    Paths that branched off a node and are none themselves are there too: steps thrown away at once (state "dropped"), ways written to an end ("written").
    """
    latest, expanded, made = grown(events)
    if not latest:
        return None
    drawn = {path: searched(event, nodes.get(path), path in expanded) for path, event in latest.items()}
    for path, node in nodes.items():
        if path not in drawn and node.parent in latest and node.pieces:
            state = "dropped" if node.fate == "pruned" else "written"
            drawn[path] = {"path": path, "parent": node.parent, "depth": drawn[node.parent]["depth"] + 1, "state": state, "values": {}}
    line = line_to(chosen, drawn, nodes)
    number = {path: i for i, path in enumerate(drawn)}
    shown = []
    for path, facts in drawn.items():
        parent = facts["parent"]
        above = number[parent] if number.get(parent, len(number)) < number[path] else None
        born = max(made.get(path, 0), expanded.get(parent, 0))
        more = {"parent": above, "order": expanded.get(path), "born": born, "chosen": path in line or None}
        more |= written_by(nodes[path], text) if path in nodes else {}
        shown.append({name: value for name, value in {**facts, **more}.items() if value is not None})
    names = list(dict.fromkeys(name for event in latest.values() for name in event["values"]))
    measure = next((name for name in ("f", "cost", "value") if name in names), names[0] if names else "")
    return {"nodes": shown, "measure": measure, "low": measure in LOWER_IS_BETTER, "expansions": len(expanded)}


def grown(events: Events) -> tuple[dict[str, Mapping[str, Any]], dict[str, int], dict[str, int]]:
    """Every node's latest event; the number of its expansion; how many expansions there had been when its path was forked."""
    latest: dict[str, Mapping[str, Any]] = {}
    expanded: dict[str, int] = {}
    made: dict[str, int] = {}
    for event in events:
        path = event["path"]
        if event["kind"] == "forked":
            made[path] = len(expanded)
        elif event["kind"] == "search_node":
            of = event["parent"] if path not in latest else ""  # a new node means that its parent was expanded
            latest[path] = event
            for one in (of, path if event["state"] == "expanded" else ""):
                if one in latest:
                    expanded.setdefault(one, len(expanded) + 1)
    return latest, expanded, made


def written_by(node: Node, text: Text) -> dict[str, Any]:
    return {
        "text": [text(piece.text) for piece in node.pieces if piece.origin != Origin.PROMPT],
        "reason": node.reason or None,
        "score": round(node.steps[-1], 4) if node.steps else None,
        "answer": node.answer,
        "verdict": node.verdict,
    }


def searched(event: Mapping[str, Any], node: Node | None, expanded: bool) -> dict[str, Any]:
    values = {name: round(value, 4) for name, value in event["values"].items() if math.isfinite(value)}
    state = "expanded" if expanded and event["state"] == "open" else event["state"]
    state = "pruned" if node is not None and node.fate == "pruned" else state
    return {"path": event["path"], "parent": event["parent"], "depth": event["depth"], "state": state, "values": values}


def line_to(chosen: str | None, drawn: Mapping[str, Mapping[str, Any]], nodes: Mapping[str, Node]) -> set[str]:
    """The chosen path and its ancestors in the tree."""
    line: set[str] = set()
    path = chosen or ""
    while path not in drawn and path in nodes:
        path = nodes[path].parent or ""
    while path in drawn and path not in line:
        line.add(path)
        path = drawn[path]["parent"]
    return line


# ---- discussions ------------------------------------------------------------------------------------------------------------


def dialogue(events: Events, nodes: Mapping[str, Node], text: Text) -> list[dict[str, Any]] | None:
    """The remarks of a discussion in order. role: that of the path in which it was written; a remark without a path is a tool's."""
    said = [event for event in events if event["kind"] == "said" and not between_paths(event)]
    return [remark(event, nodes.get(event["path"]), text) for event in said] or None


def remark(event: Mapping[str, Any], node: Node | None, text: Text) -> dict[str, Any]:
    facts = {name: event.get(name) for name in ("speaker", "path", "round", "how", "decision", "unread")}
    facts |= {
        "to": list(event["to"]),
        "text": text(event["text"]),
        "role": node.role if node else "tool",
        "verdict": node.verdict if node else None,
    }
    return {name: fact for name, fact in facts.items() if fact or (fact == 0 and fact is not False)}


# ---- drafts -----------------------------------------------------------------------------------------------------------------


def drafts(events: Events, text: Text) -> dict[str, Any] | None:
    """Texts with the runs that one forward of the target wrote, as [first character, characters, tokens]; and how many forwards they took.

    lengths: how many runs there are of each length in tokens; the forwards not among them wrote one token.
    """
    paths: dict[str, list[dict[str, Any]]] = {}
    written: dict[tuple[str, int], str] = {}
    n_tokens = calls = 0
    for event in events:
        if event["kind"] == "tokens_written":
            written[event["path"], event["start"]] = event["text"]
        elif event["kind"] == "drafted":
            n_tokens, calls = n_tokens + event["n_tokens"], calls + event["calls"]
            if event["n_tokens"]:
                paths.setdefault(event["path"], []).append(drafted(event, written.get((event["path"], event["start"]), ""), text))
    if not calls:
        return None
    lengths = Counter(tokens for event in events if event["kind"] == "drafted" for _, tokens, _, _ in event["runs"])
    runs = {str(tokens): lengths[tokens] for tokens in sorted(lengths)}
    return {
        "n_tokens": n_tokens,
        "calls": calls,
        "lengths": runs,
        "paths": [{"path": path, "parts": parts} for path, parts in paths.items()],
    }


def drafted(event: Mapping[str, Any], words: str, text: Text) -> dict[str, Any]:
    runs = [[character, size, tokens] for _, tokens, character, size in event["runs"] if character + size <= LONGEST]
    part = {"text": text(words[:LONGEST]), "n_tokens": event["n_tokens"], "calls": event["calls"], "runs": runs}
    return {**part, "left_out": len(words) - LONGEST} if len(words) > LONGEST else part
