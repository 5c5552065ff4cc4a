"""Our grader as verl's reward function: `reward.custom_reward_function.path=pkg://thinkwell.training.verl.rewards`, `.name=compute_score`, knobs in `.reward_kwargs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thinkwell.answers.grade import grade
from thinkwell.core.answer import AnswerKind, VerdictValue
from thinkwell.core.errors import ThinkwellError


class NotGraded(ThinkwellError):
    """The grader gave no judgement. verl marks the rollout as failed; it is never a reward of 0."""


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    kind: AnswerKind | str = AnswerKind.MATH,
    thinking: bool = False,
    right: float = 1.0,
    wrong: float = 0.0,
    unjudged: float | None = None,
    **_: Any,
) -> dict[str, Any]:
    """{"score", "acc", "verdict"} of one response. `acc` (1 or 0) is what `algorithm.filter_groups.metric=acc` looks at.

    kind: of the answers; thinking: the prompt has opened the thinking; right, wrong: the scores. unjudged: the score where the grader died or ran out of time; None raises
    `NotGraded`, so that verl counts the rollout as failed.
    """
    verdict = grade(solution_str, str(ground_truth), kind, thinking=thinking)
    if verdict.value in (VerdictValue.TIMEOUT, VerdictValue.ERROR):
        if unjudged is None:
            raise NotGraded(
                f"a response to {data_source} could not be graded ({verdict.value}: {verdict.detail}); expected a verdict. Give unjudged= a score to go on."
            )
        return {"score": float(unjudged), "acc": 0.0, "verdict": verdict.value.value}
    return {"score": float(right if verdict.correct else wrong), "acc": float(verdict.correct), "verdict": verdict.value.value}
