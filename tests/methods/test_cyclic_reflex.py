"""CyclicReflex and TIP: where the wave lifts a marker over what the model would write, whichever method runs under it."""

import asyncio
import json
import sys

import pytest

from thinkwell.ask import solve_async
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability, UnknownName
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Origin
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import CAPABILITIES, ScriptedEngine
from thinkwell.lab.templates import REFLECTION_OPENERS
from thinkwell.methods._steering import LAB_WORDS
from thinkwell.tasks.presets import preset

LONG = "a b c d e f g h i j k l m n o p"  # 16 tokens and the end
STEPS = "a b\n\nc d\n\ne f\n\ng h\n\n"  # three tokens a step
WAVE = {"amplitude": 5.0, "period": 8, "words": ("Wait",)}  # at its height at t = 2, 10 ...


@pytest.fixture
def weak(ledger):
    """Engines whose words lead by 4.5 logits: only a bias above it overturns them."""
    return lambda script, **more: ledger({"*": script} if isinstance(script, str) else script, lead=4.5, **more)


def test_the_marker_is_lifted_at_the_height_of_the_wave_only(play, weak):
    run = play("cyclic_reflex", {}, engine=weak(LONG), **WAVE)
    assert run.texts == ["a bWait d e f g h i jWait l m n o p"]
    run = play("cyclic_reflex", {}, engine=weak(LONG), **WAVE, phase=0.5)
    assert run.texts == ["a b c d e fWait h i j k l m nWait p"]


def test_a_wave_that_is_too_low_changes_nothing(play, weak):
    assert play("cyclic_reflex", {}, engine=weak(LONG), **{**WAVE, "amplitude": 4.0}).texts == [LONG]


def test_the_rate_of_markers_is_told_by_the_sign_of_the_bias(play, weak):
    """Markers of the model's own at t = 2 (up) and t = 7 (down), ten tokens with the end; t = 0, 4 and 8 are neither."""
    run = play("cyclic_reflex", {}, engine=weak("a\nWait c d e\nWait g"), **WAVE)
    assert run.texts == ["a\nWait c d e\nWait g"]
    assert run.outcome.facts["by_sign"] == {"up": [1, 4], "down": [1, 3], "off": [0, 3]}
    assert (run.outcome.facts["markers"], run.outcome.facts["sampled"]) == (2, 10)


def test_once_the_thinking_is_closed_the_wave_is_over(play, weak):
    run = play("cyclic_reflex", {}, engine=weak("a b c d e f g</think> i j k l"), **WAVE)
    assert run.texts == ["a bWait d e f g</think> i j k l"]


def test_windows_bound_the_wave(play, weak):
    assert play("cyclic_reflex", {}, engine=weak(LONG), **WAVE, windows=((8, 12),)).texts == ["a b c d e f g h i jWait l m n o p"]


def test_the_position_counts_over_the_whole_path_inside_a_stepwise_search(play, weak):
    """Steps of three tokens, a height of the wave at t = 4: a wave that started anew with each step would never get there."""
    knobs = {**WAVE, "phase": 0.75, "inner": "beam_search", "inner_knobs": {"n_beams": 1}}
    whole = play("cyclic_reflex", {}, engine=weak(STEPS), **WAVE, phase=0.75)
    stepwise = play("cyclic_reflex", {}, engine=weak(STEPS), **knobs)
    assert whole.texts == stepwise.texts == ["a b\n\ncWait\n\ne f\n\ng h\n\nWait"]  # t = 12 would have been the end
    assert len(stepwise.engine.requests) == 5
    restarted = play("cyclic_reflex", {}, engine=weak(STEPS), **knobs, restart_per_step=True)
    assert restarted.texts == [STEPS]


def test_restarting_with_each_step_is_a_small_constant_promotion(play, weak):
    """The released search: with a period much above a step, every position of every step is on the rising quarter."""
    knobs = {
        "amplitude": 5.0,
        "period": 600,
        "words": ("Wait",),
        "inner": "beam_search",
        "inner_knobs": {"n_beams": 1},
        "restart_per_step": True,
    }
    run = play("cyclic_reflex", {}, engine=weak(STEPS), **knobs)
    hooks = [request.hook for request in run.engine.requests]
    assert [hook.start for hook in hooks] == [len(request.prefix) for request in run.engine.requests]
    assert max(hook.bias.at(t) for hook in hooks for t in range(3)) == pytest.approx(4 * 5 * 2 / 600)


@pytest.mark.parametrize("name", ["self_consistency", "best_of_n", "beam_search", "particle_filtering", "budget_forcing"])
def test_any_inner_method_writes_its_paths_under_the_wave(play, weak, name):
    knobs = {"n_paths": 3} if name in ("self_consistency", "best_of_n") else {}
    run = play("cyclic_reflex", {}, engine=weak("a b c d e \\boxed{7}"), **WAVE, inner=name, inner_knobs=knobs)
    assert run.answer == "7"
    assert all(text.startswith("a bWait d e") for text in run.texts)
    assert run.outcome.facts["inner"] == name
    assert run.session._steering is None  # nothing stays behind


def test_an_inner_method_brings_its_needs_scorers_and_size():
    cls = METHODS.get("cyclic_reflex")
    plain, search = cls(), cls(cls.Config(inner="beam_search"))
    assert (plain.needs, plain.scorers) == (cls.needs, ())
    assert search.needs == cls.needs | {Capability.CONTINUE_PREFIX}
    assert search.scorers == ("prm",)
    fitted = cls(cls.Config(inner="best_of_n", inner_knobs={"weighted": True})).fit(Budget(tokens=24000), preset("r1"))
    sized = fitted.inner.config
    assert (sized.n_paths, sized.weighted, sized.fill) == (3, True, True)  # 24000 tokens are about three paths of 8192
    assert fitted.config.inner_knobs == json.loads(sized.model_dump_json())


@pytest.mark.parametrize("name", ["cyclic_reflex", "tip"])
def test_what_cannot_run_inside_is_refused(name):
    cls = METHODS.get(name)
    with pytest.raises(UnknownName, match="self_consistency"):
        cls(cls.Config(inner="self_consistancy"))
    with pytest.raises(UnknownName, match="n_paths"):
        cls(cls.Config(inner="best_of_n", inner_knobs={"n_path": 3}))
    for other in ("cyclic_reflex", "tip"):
        with pytest.raises(ConfigError, match="steered already"):
            cls(cls.Config(inner=other))


def test_a_period_is_at_most_a_quarter_of_a_typical_path_unless_set():
    cls = METHODS.get("cyclic_reflex")
    assert cls().fit(Budget(), preset("lab")).config.period == 45
    assert cls().fit(Budget(), preset("r1")).config.period == 600
    assert cls(cls.Config(period=600)).fit(Budget(), preset("lab")).config.period == 600
    tip = METHODS.get("tip")
    assert tip().fit(Budget(), preset("lab")).config.duration == 45


def test_knobs_that_cannot_be_are_refused():
    cls = METHODS.get("cyclic_reflex")
    for knobs in ({"period": 0}, {"phase": 1}, {"schedule": "square"}, {"amplitude": "nan"}, {"horizon": 0}):
        with pytest.raises(ConfigError, match=f"cyclic_reflex.{next(iter(knobs))}"):
            cls.Config.parse(knobs, "cyclic_reflex")
    with pytest.raises(ConfigError, match=r"window \(9, 3\)"):
        cls(cls.Config(windows=((9, 3),)))


# ---- TIP ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "signs"),
    [("thought", "down down down off down down down down"), ("path", "down down down off off off off off")],
)
def test_tip_penalises_markers_while_a_thought_is_young(play, weak, per, signs):
    """Markers at t = 3 and t = 5: each begins a thought of its own, whose first tokens are penalised again."""
    run = play("tip", {}, engine=weak("a b\nWait\n\nWait c"), penalty=3.0, duration=3, per=per, words=("Wait",))
    (request,) = run.engine.requests
    path = run.outcome.paths[0].tokens
    deltas = [request.hook.read(path[:n]) for n in range(len(request.prefix), len(path))]
    assert deltas == [-3.0 if sign == "down" else 0.0 for sign in signs.split()]
    downs = [n for n, sign in enumerate(signs.split()) if sign == "down"]
    assert run.outcome.facts["by_sign"] == {
        "up": [0, 0],
        "down": [int(5 in downs), len(downs)],
        "off": [2 - int(5 in downs), 8 - len(downs)],
    }


def test_tip_positive_promotes(play, weak):
    assert play("tip", {}, engine=weak("a b c d"), penalty=-5.0, duration=1, per="path", words=("Wait",)).texts == ["Wait b c d"]


# ---- refused before anything runs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cyclic_reflex", "tip"])
def test_a_server_that_only_chats_is_refused(name):
    with pytest.raises(MissingCapability, match=r"token_bias.*token_ids.*engines that have it: local"):
        require(METHODS.get(name), "chat", frozenset({Capability.CHAT_ONLY}), [("local", CAPABILITIES)])


@pytest.mark.parametrize("name", ["cyclic_reflex", "tip"])
def test_a_vocabulary_without_the_words_is_refused_before_anything_runs(name):
    """Single characters: "wait" is four tokens."""
    engine = ScriptedEngine({"*": "a"}, level="char")
    with pytest.raises(ConfigError, match=r"no token for 'wait' \('wait' is cut into \['w', 'a', 'i', 't'\]\)"):
        asyncio.run(solve_async("?", name, engine))
    assert engine.requests == []


def test_compare_refuses_it_too(cli, tmp_path):
    ran = cli(
        "compare", "--task", "lab/arithmetic", "--methods", "cyclic_reflex:words=[Zounds]", "--limit", "2", "--out", str(tmp_path / "run")
    )
    assert ran.code == 2
    assert "no token for 'Zounds'" in ran.err


# ---- on the lab's model ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab():
    from thinkwell.engines.registry import load_engine
    from thinkwell.tasks import TASKS

    return load_engine("lab"), TASKS.get("lab/arithmetic").load(None, seed=7, limit=10, knobs={})


def outcomes(lab, name, **knobs):
    from thinkwell.scorers.scripted import ScriptedScorer
    from thinkwell.session import Session

    engine, problems = lab
    cls, form = METHODS.get(name), preset("lab")
    method = cls(cls.Config(**knobs)).fit(Budget(), form)

    async def go():
        sessions = [Session(p, engine, preset=form, seed=3, scorers={"prm": ScriptedScorer(lambda text: 0.5)}) for p in problems]
        return await asyncio.gather(*(session.run(method) for session in sessions))

    return asyncio.run(go())


def test_the_labs_words_are_those_that_open_its_reflections():
    assert {opener.split()[0] for opener in REFLECTION_OPENERS} - {"Let"} == set(LAB_WORDS)  # "Let" starts no switch of thought


def test_the_sign_of_the_bias_controls_the_rate_of_markers(lab):
    """Promoted above plain above suppressed, and by where the wave stands."""

    def markers(**knobs):
        found = outcomes(lab, "cyclic_reflex", **knobs)
        return sum(o.facts["markers"] for o in found) / sum(o.facts["sampled"] for o in found), found

    (low, _), (plain, unsteered), (high, _) = (markers(schedule="constant", amplitude=a) for a in (-3.0, 0.0, 3.0))
    assert low < plain / 2
    assert high > plain * 1.5
    assert [o.paths[0].tokens for o in unsteered] == [o.paths[0].tokens for o in outcomes(lab, "single")]
    _, waved = markers()
    up, down = ([sum(o.facts["by_sign"][sign][i] for o in waved) for i in (0, 1)] for sign in ("up", "down"))
    assert up[0] / up[1] > 3 * down[0] / down[1]


def test_pausing_at_every_step_does_not_change_a_token(lab):
    """One beam writes what a whole path writes: same noise, same wave."""
    whole = outcomes(lab, "cyclic_reflex", amplitude=3.0)
    paused = outcomes(lab, "cyclic_reflex", amplitude=3.0, inner="beam_search", inner_knobs={"n_beams": 1, "max_steps": 200})
    assert [o.paths[0].tokens for o in paused] == [o.paths[0].tokens for o in whole]
    assert all(len([s for s in o.paths[0].segments if s.origin is Origin.MODEL]) > 2 for o in paused)


def test_nothing_heavy_is_loaded_on_the_way():
    assert "vllm" not in sys.modules


def test_a_preset_without_thinking_is_steered_to_its_end(play, weak):
    form = Preset("plain", 1, "{question}", think_open="", think_close="", max_tokens=60, typical_tokens=10)
    assert play("cyclic_reflex", {}, engine=weak(LONG), preset=form, **WAVE).texts == ["a bWait d e f g h i jWait l m n o p"]
