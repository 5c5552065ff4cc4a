"""The serial rollout: where it cuts, what is kept, what is trained, and that it is the same every time."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from tests.training.rollouts.rollout_world import Source, collect, numbered, policy, writer
from thinkwell.answers.grade import grade_problem
from thinkwell.core.answer import Stage, Verdict, VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.core.path import Finish, Origin
from thinkwell.engines.protocol import Completion
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.tasks.presets import preset
from thinkwell.training.rollouts.serial import Serial, Thought, exit_metrics, exit_positions, find_thought, inducer_of
from thinkwell.training.sample import Sample

CLOSE = 4  # the id of </think> in the lab's vocabulary


def groups(samples: list[Sample]) -> list[list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.group, []).append(sample)
    return list(found.values())


def test_a_group_is_exits_of_one_path_in_order_and_that_path_last() -> None:
    engine = policy()
    found = groups(collect(Serial(prompts=3, exits=4, answer_tokens=32), engine, Source()))
    assert [sample[0].group for sample in found] == ["1/0.0", "1/1.0", "1/2.0"]
    for *exits, full in found:
        prompt, response = full.path.segments
        assert [sample.meta["exit"] for sample in exits] == [1, 2, 3, 4]
        assert [sample.meta["full"] for sample in (*exits, full)] == [False] * 4 + [True]
        kept = [int(sample.meta["kept"]) for sample in exits]
        assert kept == sorted(set(kept))
        thinking = response.tokens.index(CLOSE)
        assert full.meta["thinking"] == full.meta["kept"] == thinking
        for sample, count in zip(exits, kept, strict=True):
            assert 1 <= count <= thinking, "a cut lies inside the thinking span"
            start, thought, inducer, answer = sample.path.segments
            assert start == prompt
            assert thought.tokens == response.tokens[:count], "the kept part is the path's own ids"
            assert thought.logprobs == (response.logprobs or ())[:count]
            assert (thought.origin, inducer.origin, answer.origin) == (Origin.MODEL, Origin.INJECTED, Origin.MODEL)
            assert inducer.tokens.count(CLOSE) == 1
            assert CLOSE not in thought.tokens
            assert 1 <= answer.n_tokens <= 32
            assert "\n\n\n" not in sample.path.text
            behaviour = sample.behaviour()[prompt.n_tokens :]
            assert [math.isnan(value) for value in behaviour] == [False] * count + [True] * inducer.n_tokens + [False] * answer.n_tokens


def test_the_same_step_gives_the_same_groups_whatever_the_batch() -> None:
    wide = collect(Serial(prompts=2, paths=2, exits=3), policy(64), Source())
    narrow = collect(Serial(prompts=2, paths=2, exits=3), policy(3), Source())
    assert [(sample.path.tokens, sample.meta) for sample in wide] == [(sample.path.tokens, sample.meta) for sample in narrow]
    other = collect(Serial(prompts=2, paths=2, exits=3), policy(64), Source(), tag="2")
    assert [sample.path.tokens for sample in wide] != [sample.path.tokens for sample in other]
    assert len({tuple(group[-1].path.tokens) for group in groups(wide)}) == 4


@pytest.mark.parametrize("train_on", ["all", "exit_only", "answer_only"])
def test_the_mask_is_what_train_on_says(train_on: str) -> None:
    samples = collect(Serial(prompts=2, exits=2, train_on=train_on), policy(), Source())  # type: ignore[arg-type]
    for sample in samples:
        mask, segments = sample.mask(), sample.path.segments
        prompt = segments[0].n_tokens
        if sample.meta["full"]:
            thinking = int(sample.meta["thinking"])
            quiet = {"all": prompt, "exit_only": prompt + thinking, "answer_only": prompt + thinking + 1}[train_on]
            assert train_on == "all" or sample.path.tokens[prompt + thinking] == CLOSE
        else:
            quiet = {"all": prompt, "exit_only": prompt + segments[1].n_tokens, "answer_only": len(sample.path) - segments[3].n_tokens}[
                train_on
            ]
        assert mask == [False] * quiet + [True] * (len(sample.path) - quiet)


def test_a_path_cut_by_its_limit_is_all_thought_and_its_exits_may_still_be_right() -> None:
    samples = collect(Serial(prompts=1, exits=30), policy(), Source(), max_tokens=30)
    full = samples[-1]
    assert full.path.finish is Finish.LENGTH
    assert CLOSE not in full.path.segments[1].tokens
    assert full.meta["thinking"] == 30
    assert [sample.meta["kept"] for sample in samples[:-1]] == list(range(1, 31))
    assert [sample.meta["full"] for sample in samples] == [False] * 30 + [True], "an exit at the very end is still an exit"
    assert all(sample.path.finish is Finish.EOS for sample in samples[:-1])


def test_a_thought_too_short_has_fewer_exits_and_one_without_tokens_none() -> None:
    engine = ScriptedEngine(lambda ask: Reply("</think> 7" if ask.problem.endswith("p0") else "a b</think> 7"))
    found = groups(collect(Serial(prompts=2, exits=8), engine, Source(numbered), name="r1"))
    assert [len(group) for group in found] == [1, 3]
    assert [sample.meta["kept"] for sample in found[1]] == [1, 2, 2]


def test_even_exits_divide_the_thought_and_random_ones_are_drawn_from_all_of_it() -> None:
    thought = Thought(3, 93, True, 94)
    assert exit_positions(thought, 8, "even", (0.0, 1.0), generator(NoiseKey(0, "", ""))) == [14, 24, 34, 44, 53, 63, 73, 83]
    drawn: list[int] = []
    for seed in range(400):
        cuts = exit_positions(thought, 8, "uniform_random", (0.0, 1.0), generator(NoiseKey(seed, "", "")))
        assert len(set(cuts)) == 8
        drawn += cuts
    assert (min(drawn), max(drawn)) == (4, 93)
    assert sum(drawn) / len(drawn) == pytest.approx(48.5, abs=1.5)  # 26 / sqrt(3200) = 0.46 is its deviation
    inner = exit_positions(thought, 90, "uniform_random", (0.1, 0.9), generator(NoiseKey(0, "", "")))
    assert inner == list(range(3 + 9, 3 + 81 + 1))


def test_the_thought_is_found_where_marks_span_tokens_and_where_the_model_opens_it() -> None:
    engine = ScriptedEngine(lambda ask: "", level="char")

    def thought_of(text: str, finish: Finish = Finish.EOS) -> Thought:
        ids = (*engine.tokenizer.encode(text), *((0,) if finish is Finish.EOS else ()))
        return asyncio.run(find_thought(engine, Completion(text, ids, finish), preset("r1")))

    assert thought_of("abc</think>x") == Thought(0, 3, True, 11)
    assert thought_of("<think>\nabc</think>x") == Thought(7, 11, True, 19)
    assert thought_of("abc") == Thought(0, 3, False, 3)
    assert thought_of("abc", Finish.LENGTH) == Thought(0, 3, False, 3)
    assert thought_of("</think>x") == Thought(0, 0, True, 8)


def test_the_inducer_is_the_papers_sentence_or_for_the_lab_the_mark_alone() -> None:
    assert inducer_of(preset("r1")) == "\n\nTime is limited, stop thinking and start answering.\n</think>\n\n"
    assert inducer_of(preset("lab")) == "\n\n</think>\n\n"
    seen: list[str] = []

    def script(ask: Ask) -> Reply:
        seen.append(ask.prompt)
        return Reply(" 9" if "~" in ask.path else "a b c d</think> 7")

    samples = collect(Serial(prompts=1, exits=2, inducer=" STOP</think>"), ScriptedEngine(script), Source(numbered), name="r1")
    assert [sample.path.segments[2].text for sample in samples[:2]] == [" STOP</think>"] * 2
    assert all(text.endswith(" STOP</think>") for text in seen[1:])


@pytest.mark.parametrize(
    ("knobs", "said"),
    [({"exits": 0}, "exits"), ({"law": "front"}, "front"), ({"train_on": "prompt"}, "prompt"), ({"span": (0.9, 0.1)}, "span"), ({"answer_tokens": 0}, "answer_tokens")],
)  # fmt: skip
def test_knobs_out_of_range_are_refused(knobs: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Serial(**knobs)  # type: ignore[arg-type]


def test_a_model_without_an_end_mark_and_an_inducer_that_leaves_the_thought_open_are_refused() -> None:
    engine = ScriptedEngine(lambda ask: "7")
    with pytest.raises(ConfigError, match="marks no thinking"):
        collect(Serial(prompts=1), engine, Source(numbered), name="boxed")
    with pytest.raises(ConfigError, match="does not end the thought"):
        collect(Serial(prompts=1, inducer="hurry"), engine, Source(numbered), name="r1")


def test_the_prefix_of_an_exit_is_not_computed_again() -> None:
    engine = policy()
    computed: list[int] = []
    generate = engine.generate

    async def counted(requests: list) -> list[Completion]:  # type: ignore[type-arg]
        done = await generate(requests)
        computed.extend(completion.prefill_computed for completion in done)
        return done

    engine.generate = counted  # type: ignore[method-assign, assignment]
    samples = asyncio.run(Serial(prompts=1, exits=4).collect(writer(engine), Source()))
    whole, *exits = computed
    assert whole >= samples[-1].path.segments[0].n_tokens - 1
    assert max(exits) <= 4 + 64  # the inducer's tokens, and at most a block of the cache
    assert sum(exits) < sum(len(sample.path) for sample in samples[:-1]) / 4


def test_metrics_say_how_good_each_exit_is_and_where_right_ones_lie() -> None:
    samples = collect(Serial(prompts=1, exits=3), policy(), Source())
    right = Verdict(VerdictValue.CORRECT, "1", Stage.INTEGER, 1.0)
    wrong = grade_problem("no box", samples[0].problem)
    graded = [replace(sample, verdict=right if number >= 1 else wrong) for number, sample in enumerate(samples)]
    metrics = exit_metrics(graded)
    places = [float(sample.meta["kept"]) / float(sample.meta["thinking"]) for sample in samples[1:3]]
    assert metrics == {
        "exit_1_accuracy": 0.0,
        "exit_2_accuracy": 1.0,
        "exit_3_accuracy": 1.0,
        "full_accuracy": 1.0,
        "avg_correct_exit_position": pytest.approx(sum(places) / 2),
    }
