"""What is drawn of a solve, from events written down by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from thinkwell.core.answer import VerdictValue
from thinkwell.core.events import (
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
)
from thinkwell.core.path import Finish, Origin, Role
from thinkwell.runs.drawings import LONGEST, drawings_of
from thinkwell.runs.forest import forest_of
from thinkwell.runs.record import Candidate, Record, Trace


class Drawn:
    """The drawings of some events; `words(i)` is a text by its number."""

    def __init__(self, events: Sequence[Event | dict[str, Any]], chosen: str | None = None, answers: Sequence[str] = ()) -> None:
        right = tuple(Candidate(path, "4", "4", VerdictValue.CORRECT, "eos") for path in answers)
        record = Record("k", "m", "p", 0, 0, "4", VerdictValue.CORRECT, "integer", 1.0, {}, right, chosen)
        trace = Trace([], [event if isinstance(event, dict) else event.as_dict() for event in events])
        self.texts: list[str] = []
        self.drawings = drawings_of(record, trace, forest_of(record, trace), self._add)

    def _add(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts) - 1

    def __getitem__(self, name: str) -> Any:
        return self.drawings[name]


def wrote(path: str, text: str, n: int, start: int, role: Role = Role.SOLVER) -> TokensWritten:
    return TokensWritten("p", path, text, n, start, Finish.STOP, role=role)


def put_in(path: str, text: str, n: int, start: int) -> Spliced:
    return Spliced("p", path, Origin.INJECTED, text, n, start, Role.SUMMARY)


def test_a_solve_without_such_events_has_no_drawings() -> None:
    plain = [PathOpened("p", "0", Role.SOLVER, 5), wrote("0", "4", 1, 5), Forked("p", "0.0", "0", 6), Note("p", "", "done")]
    assert Drawn(plain).drawings == {}


# ---- messages ---------------------------------------------------------------------------------------------------------------

TALK = [
    PathOpened("p", "0", Role.SOLVER, 5),
    PathOpened("p", "1", Role.SOLVER, 5),
    wrote("0", "first", 10, 5),
    wrote("1", "second", 30, 5),
    put_in("0", "Sum up: ", 2, 15),
    put_in("1", "Sum up: ", 2, 35),
    wrote("0", "I am 0", 4, 17, Role.SUMMARY),
    wrote("1", "I am 1", 6, 37, Role.SUMMARY),
    put_in("0", "They say: I am 1", 8, 21),
    put_in("1", "They say: I am 0", 8, 43),
    Said("p", "0", "0", ("1",), "I am 0", 0, "all"),
    Said("p", "1", "1", ("0",), "I am 1", 0, "all"),
    wrote("0", "so 4", 3, 29),
    wrote("1", "so 5", 3, 51),
]


def test_lanes_hold_who_wrote_what_and_readers_wait_for_what_they_are_told() -> None:
    drawn = Drawn(TALK, "0", ["0"])
    one, two = drawn["messages"]["lanes"]
    assert (one["path"], one["fate"], one["verdict"], one["answer"]) == ("0", "chosen", "correct", "4")
    assert [piece[:3] for piece in one["pieces"]] == [
        ["model", 0, 10], ["injected", 10, 2], ["summary", 12, 4],
        ["injected", 38, 8],  # path 1 had written its summary at 38 only
        ["model", 46, 3],
    ]  # fmt: skip
    assert [piece[:3] for piece in two["pieces"]] == [
        ["model", 0, 30],
        ["injected", 30, 2],
        ["summary", 32, 6],
        ["injected", 38, 8],
        ["model", 46, 3],
    ]
    assert [drawn.texts[piece[3]] for piece in one["pieces"]] == ["first", "Sum up: ", "I am 0", "They say: I am 1", "so 4"]


def test_a_message_goes_from_where_it_was_written_to_where_it_stands() -> None:
    drawn = Drawn(TALK)
    sent = drawn["messages"]["sent"]
    assert [(one["from"], one["to"], one["round"], one["how"]) for one in sent] == [
        ((0, 2), [(1, 3)], 0, "all"),
        ((1, 2), [(0, 3)], 0, "all"),
    ]
    assert [drawn.texts[one["text"]] for one in sent] == ["I am 0", "I am 1"]


def test_a_message_that_nobody_reads_is_there_too() -> None:
    alone = [*TALK[:1], wrote("0", "first", 10, 5), Said("p", "0", "0", ("9",), "I am 0", 1)]
    (only,) = Drawn(alone)["messages"]["sent"]
    assert (only["from"], only["to"], only["round"]) == ((0, 0), [], 1)


def test_a_path_that_goes_on_from_a_cut_keeps_its_lane() -> None:
    events = [*TALK[:3], Cut("p", "0~1", "0", 12), wrote("0~1", "again", 5, 12), Said("p", "0~1", "0~1", (), "hm", 0)]
    lane, _ = Drawn(events)["messages"]["lanes"]
    assert lane["path"] == "0~1"
    assert [[*piece[:3], *piece[4:]] for piece in lane["pieces"]] == [["model", 0, 7, 1], ["model", 7, 5]]


def test_a_fork_begins_where_its_parent_was() -> None:
    events = [
        *TALK[:3],
        Forked("p", "0.0", "0", 9),
        wrote("0.0", "else", 5, 9),
        Said("p", "0.0", "0.0", (), "hm", 0),
        Pruned("p", "1", "late"),
    ]
    drawn = Drawn(events)["messages"]["lanes"]
    assert [(lane["path"], [piece[1] for piece in lane["pieces"]], lane.get("reason")) for lane in drawn] == [
        ("0", [0], None), ("1", [], "late"), ("0.0", [4], None),
    ]  # fmt: skip


def test_events_of_older_runs_have_no_roles_and_no_decisions() -> None:
    older = [event.as_dict() for event in TALK]
    for event in older:
        for name in ("role", "decision", "unread"):
            if event["kind"] != "path_opened":
                event.pop(name, None)
    kinds = [piece[0] for piece in Drawn(older)["messages"]["lanes"][0]["pieces"]]
    assert kinds == ["model", "injected", "model", "injected", "model"]


# ---- search trees -----------------------------------------------------------------------------------------------------------


def node(path: str, parent: str, depth: int, state: NodeState, f: float) -> SearchNode:
    return SearchNode("p", path, parent, depth, state, {"f": f, "h": f / 2})


SEARCH = [
    PathOpened("p", "0", Role.SOLVER, 5),
    node("0", "", 0, NodeState.OPEN, 1.0),
    *(Forked("p", f"0.{i}", "0", 5) for i in range(3)),
    *(wrote(f"0.{i}", f"step {i}", 2, 5) for i in range(3)),
    Pruned("p", "0.2", "nothing new"),
    Scored("p", "0.0", "prm", (0.75,)),
    node("0", "", 0, NodeState.EXPANDED, 1.0),
    node("0.0", "0", 1, NodeState.OPEN, 1.25),
    node("0.1", "0", 1, NodeState.OPEN, 1.125),
    Forked("p", "0.1.0", "0.1", 7),
    wrote("0.1.0", "end", 2, 7),
    node("0.1", "0", 1, NodeState.EXPANDED, 1.125),
    node("0.1.0", "0.1", 2, NodeState.DEAD_END, 2.0),
    Forked("p", "0.0.0", "0.0", 7),
    wrote("0.0.0", "4", 2, 7),
]


def test_nodes_are_drawn_in_the_order_of_expansion_with_what_the_search_knew_of_them() -> None:
    drawn = Drawn(SEARCH, "0.0.0", ["0.0.0"])
    tree = drawn["tree"]
    assert (tree["measure"], tree["low"], tree["expansions"]) == ("f", True, 2)
    facts = {one["path"]: one for one in tree["nodes"]}
    assert {path: (one["state"], one.get("order"), one["born"], one["depth"]) for path, one in facts.items()} == {
        "0": ("expanded", 1, 0, 0), "0.0": ("open", None, 1, 1), "0.1": ("expanded", 2, 1, 1), "0.1.0": ("dead_end", None, 2, 2),
        "0.2": ("dropped", None, 1, 1), "0.0.0": ("written", None, 2, 2),
    }  # fmt: skip
    assert facts["0.1"]["values"] == {"f": 1.125, "h": 0.5625}
    assert facts["0.0"]["score"] == 0.75
    assert facts["0.2"]["reason"] == "nothing new"
    assert [drawn.texts[i] for i in facts["0.1.0"]["text"]] == ["end"]
    assert [tree["nodes"][one["parent"]]["path"] for one in tree["nodes"] if "parent" in one] == ["0", "0", "0.1", "0.0", "0"]


def test_the_chosen_branch_leads_to_the_chosen_path_even_where_that_is_no_node() -> None:
    drawn = Drawn(SEARCH, "0.0.0", ["0.0.0"])["tree"]["nodes"]
    assert [one["path"] for one in drawn if one.get("chosen")] == ["0", "0.0", "0.0.0"]
    assert [one["verdict"] for one in drawn if one["path"] == "0.0.0"] == ["correct"]
    assert not any(one.get("chosen") for one in Drawn(SEARCH)["tree"]["nodes"])


def test_a_node_that_has_children_is_expanded_whatever_its_last_event_says() -> None:
    events = [PathOpened("p", "0", Role.SOLVER, 5), node("0", "", 0, NodeState.OPEN, 1.0), node("0.0", "0", 1, NodeState.OPEN, math.inf)]
    root, child = Drawn(events)["tree"]["nodes"]
    assert (root["state"], root["order"]) == ("expanded", 1)
    assert child["values"] == {}  # no number that JSON has no word for


def test_a_node_that_names_itself_as_its_parent_is_a_root() -> None:
    (only,) = Drawn([PathOpened("p", "0", Role.SOLVER, 5), node("0", "0", 0, NodeState.OPEN, 1.0)], "0")["tree"]["nodes"]
    assert "parent" not in only
    assert only["chosen"]


def test_without_a_cost_the_value_is_what_is_high_for_good() -> None:
    root = SearchNode("p", "0", "", 0, NodeState.OPEN, {"visits": 1.0, "value": 0.5})
    tree = Drawn([PathOpened("p", "0", Role.SOLVER, 5), root])["tree"]
    assert (tree["measure"], tree["low"]) == ("value", False)


# ---- discussions ------------------------------------------------------------------------------------------------------------


def test_remarks_keep_their_order_round_and_what_was_made_of_them() -> None:
    events = [
        PathOpened("p", "0", Role.SOLVER, 5),
        PathOpened("p", "1", Role.CRITIC, 5),
        Said("p", "0", "solver", ("critic",), "4", 0, decision="answers 4"),
        Said("p", "1", "critic", ("solver",), "hm", 0, unread=True),
        Said("p", "", "tool", (), "2 + 2 = 4", 1),
    ]
    drawn = Drawn(events, "0", ["0"])
    assert drawn["dialogue"] == [
        {
            "speaker": "solver",
            "path": "0",
            "round": 0,
            "decision": "answers 4",
            "to": ["critic"],
            "text": 0,
            "role": "solver",
            "verdict": "correct",
        },
        {"speaker": "critic", "path": "1", "round": 0, "unread": True, "to": ["solver"], "text": 1, "role": "critic"},
        {"speaker": "tool", "round": 1, "text": 2, "role": "tool"},
    ]
    assert "messages" not in drawn.drawings
    assert drawn.texts == ["4", "hm", "2 + 2 = 4"]


# ---- drafts -----------------------------------------------------------------------------------------------------------------


def test_runs_are_places_in_the_text_and_calls_add_up() -> None:
    events = [
        PathOpened("p", "0", Role.SOLVER, 5),
        wrote("0", "one two three", 5, 5),
        Drafted("p", "0", 5, 5, 2, ((0, 3, 0, 7), (3, 2, 7, 6))),
        wrote("0", " four", 2, 10),
        Drafted("p", "0", 10, 2, 2, ()),
    ]
    drawn = Drawn(events)
    drafts = drawn["drafts"]
    assert (drafts["n_tokens"], drafts["calls"], drafts["lengths"]) == (7, 4, {"2": 1, "3": 1})
    (path,) = drafts["paths"]
    assert path["path"] == "0"
    assert [(drawn.texts[part["text"]], part["runs"], part["n_tokens"], part["calls"]) for part in path["parts"]] == [
        ("one two three", [[0, 7, 3], [7, 6, 2]], 5, 2), (" four", [], 2, 2),
    ]  # fmt: skip


def test_a_long_text_is_drawn_to_a_point_and_says_what_is_missing() -> None:
    words = "a" * (LONGEST + 50)
    events = [
        PathOpened("p", "0", Role.SOLVER, 5),
        wrote("0", words, 90, 5),
        Drafted("p", "0", 5, 90, 80, ((0, 6, 0, 9), (50, 6, LONGEST - 3, 9))),
    ]
    drawn = Drawn(events)
    (part,) = drawn["drafts"]["paths"][0]["parts"]
    assert (len(drawn.texts[part["text"]]), part["left_out"], part["runs"]) == (LONGEST, 50, [[0, 9, 6]])
    assert drawn["drafts"]["lengths"] == {"6": 2}
