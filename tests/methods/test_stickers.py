"""SIFT's steps: what a stage costs, which tries agree, and where the answer comes from in the end."""

import asyncio
from dataclasses import replace

import pytest

from tests.methods.conftest import PRESET, PROBLEM, session_of
from thinkwell.core.path import Origin
from thinkwell.core.sampling import GREEDY
from thinkwell.methods._stickers import SAMPLED, Source, Try, Work, sampling_of
from thinkwell.methods.sift import Config

PLAIN = replace(PRESET, think_open="", think_close="")
STICKER = "**Conditions:**\n1. A.\n\n**Question:**\nHow many?"


def at_work(script=None, tokens=None, preset=PLAIN, **knobs):
    return Work(PROBLEM, session_of(script or {"*": STICKER}, preset=preset, tokens=tokens), Config(**knobs))


@pytest.mark.parametrize(
    ("tokens", "move", "tries"),
    [
        (None, "generate", 5),
        (10 + 5 * 30, "generate", 5),  # a plain answer, and a sticker with two predictions each, of typical length
        (10 + 5 * 30 - 1, "generate", 4),
        (10 + 2 * 40, "inverse", 2),  # two sticker turns
        (39, "generate", 0),
        (5, "generate", 0),
    ],
)
def test_a_stage_is_begun_by_as_many_tries_as_leave_the_plain_answer_its_tokens(tokens, move, tries):
    assert at_work(tokens=tokens).affordable(move, 5) == tries


def test_what_replies_cost_is_learnt_from_those_seen():
    async def work():
        crew = at_work(lambda ask: STICKER if "Conditions" in ask.prompt else "so \\boxed{7}", tokens=1000)
        await crew.write_stickers([Try()], "generate")
        (reply,) = crew.replies
        left = crew.session.tokens_left
        each = reply.count(Origin.MODEL) + 2 * 10
        assert crew.affordable("forward", 1000) == (left - 10) // each

    asyncio.run(work())


def compared(both, alone, **knobs):
    """A try whose two predictions answer so (None: nothing)."""

    async def work():
        crew = at_work(
            lambda ask: (
                "hm"
                if (ask.path == "0" and both is None) or (ask.path == "1" and alone is None)
                else f"\\boxed{{{(both, alone)[int(ask.path)]}}}"
            )
        )
        one = Try()
        paths = await crew.session.extend(await crew.session.open(2))
        one.predictions = {Source.BOTH: [paths[0]], Source.STICKER: [paths[1]]}
        crew.compare([one], 2, (0, 0))
        return one, crew

    return asyncio.run(work())


@pytest.mark.parametrize(("both", "alone", "stage"), [("7", "07", 2), ("7", "3", 0), ("7", None, 0), (None, None, 0)])
def test_predictions_agree_by_their_answers_and_missing_ones_never(both, alone, stage):
    one, crew = compared(both, alone)
    assert one.stage == stage
    assert (one.chosen is None) == (stage == 0)
    assert crew.stages[0]["agreed"] == (stage > 0)
    assert crew.stages[0]["predictions"] == [[both, None if alone is None else str(int(alone))]]


def test_without_a_chosen_path_the_latest_prediction_with_an_answer_is_given():
    async def work():
        crew = at_work({"*": ["\\boxed{1}", "\\boxed{2}", "hm"]})
        crew.predicted = await crew.session.extend(await crew.session.open(3))
        found = crew.outcome([Try()])
        assert (found.answer.canonical, found.chosen, found.facts["answer_from"]) == ("2", crew.predicted[1], "latest prediction")
        crew.predicted = crew.predicted[2:]
        found = crew.outcome([Try()])
        assert (found.answer, found.chosen, found.facts["answer_from"]) == (None, None, "nothing")

    asyncio.run(work())


@pytest.mark.parametrize(
    ("preset", "knobs", "sampling"),
    [
        (PLAIN, {}, GREEDY),
        (PRESET, {}, None),  # long reasoning loops when it is greedy
        (PLAIN, {"decoding": "run"}, None),
        (PLAIN, {"consistency": "sift"}, SAMPLED),
        (PRESET, {"consistency": "sticker"}, SAMPLED),
        (PLAIN, {"consistency": "sift", "decoding": "run"}, None),
    ],
)
def test_whose_sampling_replies_have(preset, knobs, sampling):
    assert sampling_of(session_of({"*": ""}, preset=preset), Config(**knobs)) == sampling
