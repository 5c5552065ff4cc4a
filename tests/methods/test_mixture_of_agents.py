"""Mixture of agents: who sees whose answers, who has the last word, and what a budget leaves to whom."""

import asyncio

import pytest

from tests.methods.conftest import PRESET, PROBLEM
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability
from thinkwell.core.events import PathOpened, Said, Spliced
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Origin, Role
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.methods.mixture_of_agents import shape_for
from thinkwell.session import Session

MARK = "Several models were asked this."


def by_path(*lines):
    """The line of path i; the last one for all others."""
    return lambda ask: lines[min(int(ask.path.split(".")[0]), len(lines) - 1)]


def test_four_layers_of_three_agents_and_one_last_word(play):
    run = play("mixture_of_agents", by_path(*[f"</think> \\boxed{{{i}}}" for i in range(10)]))
    opened = run.events(PathOpened)
    assert [event.role for event in opened] == [Role.SOLVER] * 9 + [Role.AGGREGATOR]
    assert run.answer == "9"
    assert run.outcome.chosen.id == "9"
    assert run.outcome.facts["layers"] == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"], ["9"]]
    assert run.usage.generated["aggregator"] == 5  # the mark, the box, its digit, its brace and the end
    assert len(run.engine.requests) == 10


def test_every_agent_sees_all_answers_of_the_layer_before_and_no_thinking(play):
    run = play("mixture_of_agents", by_path(*[f"secret{i} </think> say{i} \\boxed{{{i}}}" for i in range(10)]), n_layers=3, n_agents=2)
    prompts = [request.text for request in run.engine.requests]
    assert [MARK in prompt for prompt in prompts] == [False, False, True, True, True]
    for prompt in prompts[2:4]:
        assert "<answer 1>\nsay0 0\n</answer 1>" in prompt
        assert "<answer 2>\nsay1 1\n</answer 2>" in prompt
    assert "say2 2" in prompts[4]
    assert "say3 3" in prompts[4]
    assert "say0" not in prompts[4]
    assert not any("secret" in prompt or "\\boxed{0}" in prompt for prompt in prompts)


def test_who_said_what_to_whom_is_in_the_events(play):
    run = play(
        "mixture_of_agents", by_path("</think> a \\boxed{1}", "</think> b \\boxed{2}", "</think> c \\boxed{3}"), n_layers=2, n_agents=2
    )
    assert [(said.path, said.to, said.text, said.round, said.decision) for said in run.events(Said)] == [
        ("0", ("path 2",), "a 1", 0, "answers 1"),
        ("1", ("path 2",), "b 2", 0, "answers 2"),
        ("2", (), "c 3", 1, "answers 3"),
    ]


def test_agents_of_a_layer_write_side_by_side(play):
    run = play("mixture_of_agents", lambda ask: Reply("</think> \\boxed{7}", delay=3), n_layers=2, n_agents=5)
    assert run.engine.most_live == 5


def test_without_an_answer_of_the_last_the_majority_of_the_latest_layer_that_has_one_decides(play):
    lines = ["</think> \\boxed{1}"] * 3 + ["</think> \\boxed{5}", "</think> \\boxed{4}", "</think> \\boxed{5}"] + ["</think> nothing"]
    run = play("mixture_of_agents", by_path(*lines), n_layers=3)
    assert run.answer == "5"
    assert run.outcome.chosen.id == "3"
    assert run.outcome.facts["answered_by_layer"] == 2
    assert run.outcome.facts["with_answer"] == 6


def test_one_layer_is_one_plain_path(play):
    run = play("mixture_of_agents", {"*": "</think> \\boxed{7}"}, n_layers=1, n_agents=5)
    assert len(run.engine.requests) == 1
    assert run.usage.generated["solver"] == run.usage.generated_tokens
    assert run.answer == "7"


def thinker(ask: Ask):
    return "7}" if ask.so_far.endswith("boxed{") else Reply("<think> hm" if not ask.so_far else " hm", eos=False)


def test_cut_thinking_is_closed_and_asked_for_its_answer(play):
    run = play("mixture_of_agents", thinker, n_layers=2, n_agents=2)
    assert [event.text for event in run.events(Spliced)] == ["\n</think>\n\nFinal answer: \\boxed{"] * 3
    assert run.outcome.facts["layers"] == [["7", "7"], ["7"]]
    assert all(path.segments[1].n_tokens == PRESET.max_tokens for path in run.outcome.paths)
    assert "<answer 1>\nFinal answer: 7\n" in run.engine.requests[-1].text


def test_cut_thinking_can_be_left_as_it_is(play):
    run = play("mixture_of_agents", thinker, n_layers=2, n_agents=2, close_thinking=False)
    assert run.answer is None
    assert run.usage.injected == 0
    assert "(no answer)" in run.engine.requests[-1].text
    assert "hm" not in run.engine.requests[-1].text.split("<answer 1>")[1].split("</answer 2>")[0]


def test_an_engine_that_only_chats_leaves_cut_thinking_as_it_is():
    engine = ScriptedEngine(thinker, capabilities=frozenset({Capability.CHAT_ONLY, Capability.FRESH_SAMPLES}))
    cls = METHODS.get("mixture_of_agents")
    outcome = asyncio.run(Session(PROBLEM, engine, preset=PRESET).run(cls(cls.Config(n_layers=2))))
    assert outcome.answer is None


@pytest.mark.parametrize(
    ("paths", "shape"),
    [(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (6, (2, 5)), (7, (3, 3)), (9, (3, 4)), (10, (4, 3)), (13, (4, 4)), (1000, (4, 16))],
)
def test_a_budget_is_turned_into_layers_and_agents(paths, shape):
    assert shape_for(paths) == shape
    layers, agents = shape
    assert (layers - 1) * agents + 1 <= paths


def test_fit_leaves_what_the_user_set():
    cls = METHODS.get("mixture_of_agents")
    assert cls().fit(Budget(tokens=100), PRESET).config.n_layers == 4
    assert cls(cls.Config(n_layers=2)).fit(Budget(tokens=100), PRESET).config.n_layers == 2
    assert cls().fit(Budget(), PRESET).config == cls.Config()


def test_early_layers_leave_a_typical_length_to_every_later_agent(play):
    """100 tokens, 2 agents, 2 layers: the last one keeps 10, so the first two may write 45 each."""
    run = play(
        "mixture_of_agents", lambda ask: Reply(" on", eos=False), n_layers=2, n_agents=2, budget=Budget(tokens=100), close_thinking=False
    )
    assert [path.count(Origin.MODEL) for path in run.outcome.paths] == [45, 45, 10]
    # 12 tokens: a third each, though that is less than typical
    run = play(
        "mixture_of_agents", lambda ask: Reply(" on", eos=False), n_layers=2, n_agents=2, budget=Budget(tokens=12), close_thinking=False
    )
    assert [path.count(Origin.MODEL) for path in run.outcome.paths] == [4, 4, 4]


def test_the_last_word_keeps_tokens_for_its_answer(play):
    """20 tokens, one agent: a quarter of the typical 10 is kept back, so that cut thinking can still answer."""
    run = play("mixture_of_agents", thinker, n_layers=1, budget=Budget(tokens=20))
    (path,) = run.outcome.paths
    assert path.segments[1].n_tokens == 18
    assert run.answer == "7"


def test_agents_can_be_different_models(ledger):
    main, second, last = (ledger({"*": f"</think> \\boxed{{{n}}}"}) for n in (1, 2, 3))
    cls = METHODS.get("mixture_of_agents")
    method = cls(cls.Config(n_layers=3, n_agents=2))
    session = Session(PROBLEM, main, preset=PRESET, engines={"agent2": second, "aggregator": last})
    outcome = asyncio.run(session.run(method))
    assert outcome.facts["layers"] == [["1", "2"], ["1", "2"], ["3"]]
    assert method.seats == ("solver", "aggregator", "agent1", "agent2")
    assert main.sampled + second.sampled + last.sampled == session.usage.generated_tokens


def test_the_labs_wording_is_used_for_the_lab(play):
    run = play(
        "mixture_of_agents", {"*": "</think>\n\nThe answer is 7. \\boxed{7}"}, n_layers=2, n_agents=2, preset=Preset("lab", 1, "{question}")
    )
    assert (
        "<user>How many?\n\n1: The answer is 7. 7\n2: The answer is 7. 7\n\nNow solve it with the answers.\n"
        in run.engine.requests[-1].text
    )
    run = play("mixture_of_agents", {"*": "x"}, n_layers=2, n_agents=1, wording="lab")
    assert "Now solve it with the answers." in run.engine.requests[-1].text


@pytest.mark.parametrize("knobs", [{"n_layers": 0}, {"n_agents": 0}, {"wording": "poem"}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="mixture_of_agents"):
        METHODS.get("mixture_of_agents").Config.parse(knobs, "mixture_of_agents")


def test_recorded_samples_cannot_play_a_mixture():
    with pytest.raises(MissingCapability, match="fresh_samples"):
        require(METHODS.get("mixture_of_agents"), "replay", frozenset({Capability.RESUME_OWN}), [])
