"""What holds for every registered method: budgets to the token, any order of completion, any model, however broken."""

import asyncio
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import BudgetError, ConfigError, MissingCapability, UnknownName
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Finish
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Completion
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.scorers.scripted import ScriptedScorer
from thinkwell.session import Session

VARIANTS = [
    ("single", {}),
    ("self_consistency", {}),
    ("self_consistency", {"rule": "shortest_majority", "tie": "random"}),
    ("self_consistency", {"rule": "confidence"}),
    ("adaptive_consistency", {}),
    ("adaptive_consistency", {"stop": "dirichlet", "wave": 3, "tie": "random"}),
    ("adaptive_consistency", {"stop": "lead"}),
    ("adaptive_consistency", {"stop": "window", "window": 2}),
    ("confidence_voting", {}),
    ("confidence_voting", {"measure": "bottom", "window": 2, "keep": 0.9, "weighted": False}),
    ("best_of_n", {}),
    ("best_of_n", {"weighted": True, "agg": "min"}),
    ("beam_search", {}),
    ("beam_search", {"variant": "its_hub", "select": "weighted"}),
    ("beam_search", {"drop_duplicates": False, "select": "majority", "step_tokens": 3}),
    ("a_star", {}),
    ("a_star", {"edge_cost": "rise", "expand_batch": 3, "frontier_max": 4, "n_goals": 3}),
    ("a_star", {"edge_cost": "uniform", "scope": "children", "calibrate": "none", "on_exhausted": "complete_best", "step_tokens": 3}),
    ("mcts", {}),
    ("mcts", {"selection": "uct", "value": "rollout", "select": "majority"}),
    ("mcts", {"prior": "model", "width": 3, "max_steps": 3, "select": "best"}),
    ("dvts", {}),
    ("dvts", {"lookahead": 2, "finalize": "as_is"}),
    ("dvts", {"finalize": "drop", "select": "weighted"}),
    ("particle_filtering", {}),
    ("particle_filtering", {"resampling": "systematic", "ess_threshold": 0.5, "selection": "vote", "temperature": 2.0}),
    ("particle_gibbs", {}),
    ("particle_gibbs", {"num_iterations": 3, "num_ref_particles": 2, "selection": "sample"}),
    ("budget_forcing", {}),
    ("budget_forcing", {"ignore_text": "", "n_ignore": 3}),
    ("budget_forcing", {"mode": "reject", "max_thinking_tokens": 6}),
    ("budget_forcing", {"mode": "tell"}),
    ("multi_agent", {}),
    ("multi_agent", {"ceo": False, "n_experts": 3, "agree_by": "answer", "max_turns": 3, "executor": "arithmetic"}),
    ("multi_agent", {"wording": "lab", "evaluator": False, "max_tries": 1, "recruiter": False}),
    ("multi_agent", {"wording": "instruct", "ceo_can_stop": False, "max_inner_turns": 0, "token_choices": (12, 20)}),
    ("mixture_of_agents", {}),
    ("mixture_of_agents", {"n_layers": 2, "close_thinking": False, "wording": "lab"}),
    ("cyclic_reflex", {}),
    ("cyclic_reflex", {"inner": "beam_search", "amplitude": 25.0, "period": 8, "space_variants": True}),
    ("cyclic_reflex", {"inner": "self_consistency", "schedule": "noise", "amplitude": 25.0}),
    ("cyclic_reflex", {"inner": "budget_forcing", "schedule": "linear", "amplitude": 25.0, "restart_per_step": True}),
    ("tip", {}),
    ("tip", {"inner": "best_of_n", "penalty": -25.0, "per": "path"}),
    ("leap", {}),
    (
        "leap",
        {"router": "hybrid", "similarity": "indel", "wording": "lab", "share_finished": True, "summary_tokens": 3, "answer_tokens": 6},
    ),
    ("leap", {"router": "random", "single_path": True, "boundary": "cut", "summary_tokens": 2}),
    ("leap", {"router": "all", "explain": False, "comm_rounds": (1, 2), "wording": "instruct", "max_rounds": 6, "summary_tokens": 4}),
    ("solve_detect_verify", {}),
    (
        "solve_detect_verify",
        {"verify": "think@2", "max_refine": 2, "n_refine": 2, "reverify": True, "keywords": ("wait", "b"), "wording": "lab"},
    ),
    ("solve_detect_verify", {"detect": False, "verify": "nothinking@3", "split": "keywords"}),
    ("critic_guided", {}),
    ("critic_guided", {"max_retries": 2, "max_steps": 3, "step_tokens": 3, "critic_thinks": True, "wording": "lab"}),
    ("subthoughts", {}),
    ("subthoughts", {"completion": "greedy", "max_prefixes": 3}),
    ("subthoughts", {"cuts": "random", "cut": "text"}),
    ("latent_seek", {"search": "resample"}),
    ("pipeline", {}),
    ("pipeline", {"stages": ["beam_search", "subthoughts"], "knobs": {"subthoughts": {"completion": "greedy"}}}),
    ("sift", {}),
    ("sift", {"accept": "sticker", "agree_with": "query", "stages": 2, "forward_repeats": 2, "decoding": "run"}),
    ("sift", {"consistency": "sticker", "n_samples": 3}),
    ("sift", {"consistency": "prediction", "n_samples": 3, "wording": "lab"}),
    ("sift", {"consistency": "sift"}),
    ("self_refine", {}),
    ("self_refine", {"history": "last", "decoding": "run", "wording": "lab", "max_attempts": 2}),
    ("stand", {}),
    ("stand", {"inner": "dvts", "inner_knobs": {"lookahead": 1}, "rule": "rejection"}),
]
NAMES = [f"{name}{knobs or ''}" for name, knobs in VARIANTS]
PIECES = ["a b", " Wait", "\n\n", "\n\n", "</think>\n\n", " \\boxed{7}", " \\boxed{3}", " \\boxed{", "}", "<think>", " c d e", ""]
HANG = 120  # seconds after which a method that takes a fraction of one, on a busy machine a few, hangs


def random_script(world: int, shuffle: int):
    """A model whose next words are a function of (world, path, what was written); `shuffle` only changes how long it takes."""

    def script(ask: Ask) -> Reply:
        words = random.Random(f"{world}|{ask.path}|{ask.so_far}")
        text = "".join(words.choice(PIECES) for _ in range(words.randrange(6)))
        eos = words.random() < 0.4
        delay = random.Random(f"{shuffle}|{ask.path}|{len(ask.so_far)}").randrange(4)
        return Reply(text, eos=eos, delay=delay)

    return script


def random_rule(text: str) -> list[float]:
    return [random.Random(f"{text[:n]}").random() for n in range(0, len(text), 7)]


def go(name, knobs, engine, *, budget=None, fit=False, seed=0, preset, rule=random_rule):
    from thinkwell.core.answer import AnswerKind
    from thinkwell.core.problem import Problem

    cls = METHODS.get(name)
    method = cls(cls.Config(**knobs))
    method = fitted(method, budget, preset) if fit and budget else method
    session = Session(
        Problem("p", "?", "7", AnswerKind.INTEGER), engine, preset=preset, seed=seed, budget=budget, scorers={"prm": ScriptedScorer(rule)}
    )
    return asyncio.run(asyncio.wait_for(session.run(method), HANG)), session


def fitted(method, budget, preset):
    """Sized to the budget; as it is where that is refused, since it must keep the ceiling even so."""
    try:
        return method.fit(budget, preset)
    except BudgetError:
        return method


def counted(engine: ScriptedEngine) -> list[int]:
    """Wrap `generate` so that the engine keeps its own count of sampled tokens."""
    sampled = [0]
    inner = engine.generate

    async def generate(requests):
        done = await inner(requests)
        sampled[0] += sum(c.n_tokens + c.dropped for c in done)
        return done

    engine.generate = generate
    return sampled


class Open(ScriptedEngine):
    """A scripted engine whose methods can be replaced."""


def facts(outcome, session):
    return (
        outcome.answer,
        [(path.id, path.text, path.finish) for path in outcome.paths],
        outcome.chosen.id if outcome.chosen else None,
        outcome.scores,
        session.usage.generated_tokens,
        session.usage.scorer_calls,
    )


def test_the_registry_holds_the_methods():
    expected = {"single", "self_consistency", "best_of_n", "beam_search", "dvts", "particle_filtering", "particle_gibbs", "budget_forcing"}
    assert expected <= set(METHODS.names())


@pytest.mark.parametrize("name", sorted({name for name, _ in VARIANTS}))
def test_a_method_states_its_facts_and_documents_every_knob(name):
    cls = METHODS.get(name)
    assert cls.name == name
    assert cls.about.summary
    assert cls.about.paper
    assert all(knob["doc"] for knob in cls.Config.describe())
    with pytest.raises(UnknownName):
        cls.Config.parse({"no_such_knob": 1}, name)


# ---- knobs that cannot be ---------------------------------------------------------------------------------------------------

OURS = sorted({name for name, _ in VARIANTS})
SIDE_BY_SIDE = {"n_paths", "n_beams", "n_subtrees", "n_expand", "n_particles", "n_runs", "n_agents", "n_layers", "n_samples"}
WHOLE = [
    (name, knob) for name in OURS for knob, field in METHODS.get(name).Config.model_fields.items() if field.annotation in (int, int | None)
]
MAY_BE_ZERO = {  # where it means "none of it"
    "max_inner_turns", "max_refine", "max_retries", "max_attempts", "lookahead", "n_ignore", "max_thinking_tokens", "min_tokens", "forward_repeats",
    "inverse_repeats", "max_steps of latent_seek",
}  # fmt: skip


@pytest.mark.parametrize(("name", "knob"), WHOLE)
def test_numbers_below_what_makes_sense_are_refused_by_name(name, knob):
    Config = METHODS.get(name).Config
    with pytest.raises(ConfigError, match=rf"{name}\.{knob}: .*got -1"):
        Config.parse({knob: -1}, name)
    if {knob, f"{knob} of {name}"} & MAY_BE_ZERO:
        assert getattr(Config.parse({knob: 0}, name), knob) == 0
        assert knob not in SIDE_BY_SIDE
        return
    with pytest.raises(ConfigError, match=rf"{name}\.{knob}: .*got 0"):
        Config.parse({knob: 0}, name)


CROWDS = [
    *(
        (name, {knob: 30})
        for name, knob in WHOLE
        if knob in SIDE_BY_SIDE and name not in ("adaptive_consistency", "beam_search", "sift", "leap")
    ),
    ("beam_search", {"n_beams": 30}),
    ("sift", {"n_samples": 10, "consistency": "sift"}),
    ("leap", {"n_paths": 30}),
    ("stand", {"inner": "best_of_n", "inner_knobs": {"n_paths": 30}}),
    ("tip", {"inner": "self_consistency", "inner_knobs": {"n_paths": 30}}),
    ("cyclic_reflex", {"inner": "beam_search", "inner_knobs": {"n_beams": 30}}),
    ("pipeline", {"knobs": {"self_consistency": {"n_paths": 30}}}),
]


@pytest.mark.parametrize(("name", "knobs"), CROWDS, ids=[f"{name}{knobs}" for name, knobs in CROWDS])
def test_more_paths_than_a_budget_has_answers_are_refused_when_set_by_hand(name, knobs, toy):
    cls = METHODS.get(name)
    method = cls(cls.Config(**knobs))
    with pytest.raises(BudgetError, match=r"lower .*n_") as refused:
        method.fit(Budget(tokens=60), toy)
    stages = 2 if name == "pipeline" else 1
    least = stages * int(re.search(r"give tokens=(\d+) or more", str(refused.value))[1])
    assert method.fit(Budget(tokens=least), toy)
    with pytest.raises(BudgetError):
        method.fit(Budget(tokens=least - 1), toy)
    assert method.fit(Budget(), toy)
    assert method.fit(Budget(scorer_calls=1), toy)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("tokens", [1, 2, 3, 5, 8, 13, 40, 100])
def test_what_is_left_open_is_sized_to_any_budget(name, tokens, toy):
    """One path in a tiny budget may be cut; it is not refused, as nobody asked for more than it holds."""
    once = METHODS.get(name)().fit(Budget(tokens=tokens), toy)
    assert once.fit(Budget(tokens=tokens), toy).config == once.config


# ---- what a run must keep ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
@settings(max_examples=12, deadline=None)
@given(world=st.integers(0, 10**6), tokens=st.integers(1, 200), fit=st.booleans(), calls=st.none() | st.integers(0, 30))
def test_no_method_passes_a_budget_by_one_token(name, knobs, world, tokens, fit, calls):
    preset = Preset("toy", 1, "{question}", max_tokens=40, typical_tokens=12)
    engine = Open(random_script(world, 0))
    sampled = counted(engine)
    outcome, session = go(name, knobs, engine, budget=Budget(tokens=tokens, scorer_calls=calls), fit=fit, preset=preset)
    assert session.usage.generated_tokens <= tokens
    assert session.usage.generated_tokens == sampled[0]
    assert calls is None or session.usage.scorer_calls <= calls
    ids = [path.id for path in outcome.paths]
    assert len(set(ids)) == len(ids)
    if outcome.answer is not None:
        assert outcome.chosen is not None
        assert session.answer(outcome.chosen).canonical == outcome.answer.canonical
    else:
        assert outcome.chosen is None
        assert all(session.answer(path) is None for path in outcome.paths)
    assert outcome.scores is None or len(outcome.scores) == len(outcome.paths)


@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
@settings(max_examples=5, deadline=None)
@given(world=st.integers(0, 10**6), tokens=st.none() | st.integers(1, 200), shuffle=st.integers(1, 10**6))
def test_the_order_in_which_completions_arrive_changes_nothing(name, knobs, world, tokens, shuffle):
    preset = Preset("toy", 1, "{question}", max_tokens=40, typical_tokens=12)
    budget = Budget(tokens=tokens) if tokens else None
    ones = facts(*go(name, knobs, Open(random_script(world, 0)), budget=budget, fit=True, preset=preset))
    others = facts(*go(name, knobs, Open(random_script(world, shuffle)), budget=budget, fit=True, preset=preset))
    assert ones == others


@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
def test_no_noise_key_is_used_twice(name, knobs, toy):
    """One path id writes each position at most once, in every method."""
    for world in range(5):
        engine = Open(random_script(world, 0))
        go(name, knobs, engine, budget=Budget(tokens=150), fit=True, preset=toy)
        starts = [(request.key.path, len(request.prefix)) for request in engine.requests]
        assert len(set(starts)) == len(starts)


NEVER_ENDS = lambda ask: Reply("on", eos=False)  # noqa: E731
NEVER_ENDS_STEPS = lambda ask: Reply("on\n\n", eos=False)  # noqa: E731
BLANK_STEPS = lambda ask: Reply("\n\n", eos=False)  # noqa: E731
EMPTY = lambda ask: Reply("")  # noqa: E731
CLOSES_ONLY = lambda ask: Reply("</think>", eos=False)  # noqa: E731
GARBAGE = lambda ask: Reply("}{\\boxed{{\u0000\ufffd</think><think>\n\n\\boxed{}", eos=len(ask.so_far) % 3 == 0)  # noqa: E731


@pytest.mark.parametrize(
    "model",
    [NEVER_ENDS, NEVER_ENDS_STEPS, BLANK_STEPS, EMPTY, CLOSES_ONLY, GARBAGE],
    ids=["endless", "steps", "blank", "empty", "closes", "garbage"],
)
@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
def test_a_broken_model_never_hangs_or_breaks_a_method(name, knobs, model, toy):
    for budget in (None, Budget(tokens=1), Budget(tokens=100)):
        outcome, session = go(name, knobs, Open(model), budget=budget, fit=budget is not None, preset=toy)
        assert outcome.answer is None
        assert budget is None or session.usage.generated_tokens <= budget.tokens


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH, Finish.EOS])
@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
def test_an_engine_that_writes_nothing_at_all_never_hangs_a_method(name, knobs, finish, toy):
    engine = Open({"*": ""})

    async def nothing(requests):
        return [Completion("", (), finish) for _ in requests]

    engine.generate = nothing
    for budget in (None, Budget(tokens=50)):
        outcome, session = go(name, knobs, engine, budget=budget, fit=True, preset=toy)
        assert outcome.answer is None
        assert session.usage.generated_tokens == 0


@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
def test_no_time_left_is_no_answer(name, knobs, toy):
    outcome, session = go(name, knobs, Open({"*": "so \\boxed{7}"}), budget=Budget(seconds=1e-9), fit=True, preset=toy)
    assert outcome.answer is None
    assert session.usage.generated_tokens == 0


@pytest.mark.parametrize(
    "name",
    [
        "beam_search",
        "a_star",
        "dvts",
        "particle_filtering",
        "particle_gibbs",
        "budget_forcing",
        "critic_guided",
        "leap",
    ],
)
def test_methods_that_go_on_from_a_prefix_are_refused_where_that_is_impossible(name):
    able = ("local", frozenset({Capability.CONTINUE_PREFIX}))
    with pytest.raises(MissingCapability, match=r"continue_prefix.*local"):
        require(METHODS.get(name), "chat", frozenset({Capability.CHAT_ONLY}), [able])


@pytest.mark.parametrize(
    "name", ["single", "self_consistency", "adaptive_consistency", "best_of_n", "sift", "self_refine", "multi_agent", "mixture_of_agents"]
)
def test_methods_of_whole_paths_run_on_a_server_that_only_chats(name, toy):
    engine = ScriptedEngine({"*": "so \\boxed{7}"}, capabilities=frozenset({Capability.CHAT_ONLY, Capability.FRESH_SAMPLES}))
    outcome, _ = go(name, {}, engine, preset=toy)
    assert outcome.answer is not None
    assert outcome.answer.canonical == "7"


@pytest.mark.parametrize(
    "name", ["beam_search", "a_star", "mcts", "dvts", "particle_filtering", "particle_gibbs", "budget_forcing", "critic_guided", "leap"]
)
def test_step_methods_run_on_a_server_that_gives_text_without_ids(name, toy):
    script = lambda ask: "7}" if ask.so_far.endswith("{") else ("\\boxed{7}" if ask.so_far.count("\n\n") > 1 else "a b\n\n")  # noqa: E731
    engine = ScriptedEngine(script, capabilities=frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN, Capability.FRESH_SAMPLES}))
    outcome, _ = go(name, {}, engine, preset=toy, rule=lambda text: 0.5)
    assert outcome.answer is not None
    assert outcome.answer.canonical == "7"


@pytest.mark.parametrize(("name", "knobs"), VARIANTS, ids=NAMES)
def test_a_typical_model_is_answered_within_a_fitted_budget(name, knobs, toy):
    """Room to answer: paths of about the typical length (10 tokens), at budgets from two paths' worth on."""
    script = {"*": "a b\n\nc\n\n</think>\n\n\\boxed{7}"}  # 9 tokens and the end
    for tokens in (20, 40, 100, 400):
        outcome, session = go(name, knobs, Open(script), budget=Budget(tokens=tokens), fit=True, preset=toy)
        assert outcome.answer is not None, tokens
        assert session.usage.generated_tokens <= tokens
