"""The forest of paths, from events written down by hand."""

from __future__ import annotations

from typing import Any

import runs_world as world

from thinkwell.core.answer import VerdictValue
from thinkwell.core.events import (
    Answered,
    BudgetSpent,
    Cut,
    Drafted,
    Event,
    Forked,
    NodeState,
    Note,
    PathOpened,
    Pruned,
    Said,
    Scored,
    SearchNode,
    Spliced,
    TokensWritten,
    Voted,
)
from thinkwell.core.path import Finish, Origin, Role
from thinkwell.runs.compare import compare
from thinkwell.runs.forest import forest_of, line_of
from thinkwell.runs.record import Candidate, Record, Trace
from thinkwell.runs.store import Store


def record(**knobs: Any) -> Record:
    values: dict[str, Any] = {"verdict": VerdictValue.CORRECT, "stage": "integer", "score": 1.0, "usage": {}, "answer": "4"}
    return Record("k", "m", "p", 0, 0, **{**values, **knobs})


def test_forks_cuts_and_prunes_become_a_forest_in_tree_order() -> None:
    events = [
        PathOpened("p", "0", Role.SOLVER, 5),
        PathOpened("p", "1", Role.VERIFIER, 5),
        TokensWritten("p", "0", "first\n\n", 2, 5, Finish.STOP),
        Scored("p", "0", "prm", (0.25,)),
        Forked("p", "0.0", "0", 7),
        Cut("p", "0~1", "0", 6),
        Spliced("p", "0.0", Origin.INJECTED, "Wait", 1, 7),
        TokensWritten("p", "0.0", "\\boxed{4}", 3, 8, Finish.EOS),
        Pruned("p", "0~1", "worst"),
    ]
    chosen = Candidate("0.0", "4", "4", VerdictValue.CORRECT, "eos", 0.9)
    paths = [
        {
            "id": "0.0",
            "role": "solver",
            "finish": "eos",
            "tokens": [],
            "segments": [{"origin": "prompt", "role": "solver", "text": "Q?", "n_tokens": 5}],
        }
    ]
    nodes = forest_of(record(candidates=(chosen,), chosen="0.0"), Trace(paths, [event.as_dict() for event in events]))
    assert [(n.id, n.parent, n.how, n.start, n.fate) for n in nodes] == [
        ("0", None, "opened", 0, "left"),
        ("0.0", "0", "forked", 7, "chosen"),
        ("0~1", "0", "cut", 6, "pruned"),
        ("1", None, "opened", 0, "left"),
    ]
    root, fork, cut, _ = nodes
    assert [(p.origin, p.text, p.score) for p in root.pieces] == [("prompt", "Q?", None), ("model", "first\n\n", 0.25)]
    assert [(p.origin, p.text) for p in fork.pieces] == [("injected", "Wait"), ("model", "\\boxed{4}")]
    assert (fork.answer, fork.verdict, fork.rank, fork.finish) == ("4", "correct", 0.9, "eos")
    assert cut.reason == "worst"


def test_a_trace_without_events_gives_its_paths() -> None:
    segments = [
        {"origin": "prompt", "text": "Q?", "n_tokens": 2, "role": "solver"},
        {"origin": "model", "text": "A", "n_tokens": 1, "role": "solver"},
    ]
    (node,) = forest_of(record(), Trace([{"id": "0", "role": "solver", "finish": "eos", "tokens": [], "segments": segments}], []))
    assert [p.text for p in node.pieces] == ["Q?", "A"]


def test_every_event_has_a_line_of_words() -> None:
    events: list[Event] = [
        PathOpened("p", "0", Role.SOLVER, 5),
        TokensWritten("p", "0", "x", 2, 5, None),
        Spliced("p", "0", Origin.TOOL, "x", 1, 7),
        Forked("p", "0.0", "0", 7),
        Cut("p", "0~1", "0", 6),
        Pruned("p", "0", "why"),
        Scored("p", "0", "prm", (0.5, 0.75)),
        Voted("p", "", "majority", {"4": 2.0, "5": 1.0}, "4", False),
        BudgetSpent("p", "0", "tokens", 100, 10),
        Answered("p", "0", "4", 77),
        Note("p", "0", "stopped early"),
        SearchNode("p", "0.1", "0", 2, NodeState.DEAD_END, {"g": 0.25, "h": 0.5, "f": 0.75}),
        Said("p", "0", "critic", ("solver", "CEO"), "The sum is off.", 1, decision="wrong"),
        Said("p", "0", "critic", (), "Hm.", unread=True),
        Drafted("p", "0", 5, 40, 25, ((0, 16, 0, 70),)),
    ]
    lines = [line_of(event.as_dict()) for event in events]
    assert lines[6] == "prm gave 0.500, 0.750"
    assert lines[7] == "vote by majority: 4: 2, 5: 1; chosen 4"
    assert lines[11] == "dead end at depth 2 below 0: g 0.25, h 0.5, f 0.75"
    assert lines[12] == "critic to solver, CEO (wrong): The sum is off."
    assert lines[13] == "critic to nobody (could not be read): Hm."
    assert lines[14] == "40 tokens in 25 target calls, 1 of which kept a guess"
    assert all(lines)


def test_a_run_gives_the_forest_its_method_grew(tmp_path: Any) -> None:
    compare("toy", ["fork"], engine=world.engine(), problems=world.problems(1), preset=world.PRESET, out=tmp_path)
    with Store.read(tmp_path) as store:
        (only,) = store.records()
        nodes = forest_of(only, store.trace(only.key))
    assert [(n.id, n.fate) for n in nodes] == [("0", "left"), ("0.0", "chosen"), ("0.1", "pruned")]
    assert [p.origin for p in nodes[0].pieces] == ["prompt", "model", "injected"]
    assert nodes[0].pieces[0].text.startswith("<user>What is 0 + 0?")
