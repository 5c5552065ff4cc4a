"""What training reads off samples: who wrote what, what carries the loss, which judgements count."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.training.small import sample
from thinkwell.core.answer import Stage, Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.training.sample import Rollouts, Sample

PATH = Path(
    "0",
    (
        Segment("ask", Origin.PROMPT, (1, 2)),
        Segment("a b", Origin.MODEL, (3, 4), logprobs=(-0.5, -0.25)),
        Segment("wait", Origin.INJECTED, (5,)),
        Segment("8", Origin.TOOL, (6,)),
        Segment("c", Origin.MODEL, (7,)),
    ),
    Finish.LENGTH,
)


def test_the_loss_is_on_what_the_model_wrote_from_the_start_on() -> None:
    made = Sample(PATH, Problem("p", "?"), "g")
    assert made.mask() == [False, False, True, True, False, False, True]
    assert replace(made, start=4).mask() == [False] * 6 + [True]
    assert replace(made, trained=frozenset({Origin.MODEL, Origin.INJECTED})).mask() == [False, False, True, True, True, False, True]
    assert (made.length, made.cut) == (3, True)


def test_tokens_that_nobody_sampled_have_no_behaviour() -> None:
    values = Sample(PATH, Problem("p", "?"), "g").behaviour()
    assert values[2:4] == [-0.5, -0.25]
    assert all(math.isnan(value) for place, value in enumerate(values) if place not in (2, 3))


def test_a_dead_grader_is_no_judgement_but_a_missing_answer_is() -> None:
    batch = Rollouts(tuple(replace(sample(), verdict=Verdict(value, None, Stage.EXTRACT)) for value in VerdictValue))
    found = dict(zip(VerdictValue, zip(batch.correct.tolist(), batch.judged.tolist(), strict=True), strict=True))
    assert found == {
        VerdictValue.CORRECT: (True, True),
        VerdictValue.WRONG: (False, True),
        VerdictValue.NO_ANSWER: (False, True),
        VerdictValue.TRUNCATED: (False, True),
        VerdictValue.TIMEOUT: (False, False),
        VerdictValue.ERROR: (False, False),
    }


def test_groups_are_numbered_in_order_and_may_interleave() -> None:
    batch = Rollouts(tuple(sample(group=name) for name in ("b", "a", "b", "c")))
    assert batch.group_ids.tolist() == [0, 1, 0, 2]
    assert [one.group for one in batch.where([False, True, False, True]).samples] == ["a", "c"]
