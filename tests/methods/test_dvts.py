"""DVTS: subtrees that do not compete, look-ahead that is paid for, last-step candidates that are finished."""

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.events import PathOpened, Pruned
from thinkwell.core.method import METHODS
from thinkwell.core.path import Finish
from thinkwell.engines.scripted import Ask, Reply


def two_families(ask: Ask) -> str:
    """Subtree 0 scores low and is right; subtree 1 scores high and is wrong. Each ends in its third step."""
    family = "low" if ask.path.startswith("0") else "high"
    box = "\\boxed{7}" if family == "low" else "\\boxed{1}"
    return f"{family}\n\n" if ask.so_far.count("\n\n") < 2 else f"{family} {ask.path} {box}"


def test_subtrees_never_compete(play):
    """A beam search would have dropped the low family after the first step."""
    run = play("dvts", two_families, {"low": 0.1, "high": 0.9}, n_subtrees=2, n_expand=2, select="majority")
    assert sum("boxed{7}" in text for text in run.texts) == 2
    assert sum("boxed{1}" in text for text in run.texts) == 2
    assert play("beam_search", two_families, {"low": 0.1, "high": 0.9}, n_beams=2, n_expand=2).answer == "1"


def test_each_subtree_keeps_its_best_child(play):
    def script(ask: Ask) -> str:
        if ask.so_far:
            return "\\boxed{7}" if "right" in ask.so_far else "\\boxed{0}"
        return "right\n\n" if ask.path == "0.1" else "left\n\n"

    run = play("dvts", script, {"right": 0.9, "left": 0.4}, n_subtrees=1, n_expand=3)
    assert run.answer == "7"
    assert [event.path for event in run.events(Pruned)][:2] == ["0", "0.0"]
    assert run.usage.generated_tokens == run.engine.sampled


def uneven(ask: Ask) -> str:
    """In the only step the path itself ends; its sibling has not."""
    if ask.path == "0":
        return "short \\boxed{1}"
    return "long\n\n" if "long" not in ask.so_far else "\\boxed{7}"


@pytest.mark.parametrize(
    ("finalize", "texts", "answer"),
    [
        ("complete", ["short \\boxed{1}", "long\n\n\\boxed{7}"], "7"),
        ("drop", ["short \\boxed{1}"], "1"),
        ("as_is", ["short \\boxed{1}", "long\n\n"], "1"),
    ],
)
def test_candidates_that_had_not_ended_are_completed_dropped_or_left(play, finalize, texts, answer):
    """The score of the long path rises once it has its answer."""

    def rule(text: str) -> float:
        return 0.8 if text.startswith("short") else 0.9 if "boxed" in text else 0.5

    run = play("dvts", uneven, rule, n_subtrees=1, n_expand=2, finalize=finalize)
    assert run.texts == texts
    assert run.answer == answer


def trap(ask: Ask) -> str:
    """The shiny step leads to a bad one, the dull step to a good one."""
    if not ask.so_far:
        return "shiny\n\n" if ask.path == "0" else "dull\n\n"
    if ask.so_far.count("\n\n") == 1:
        return "awful\n\n" if ask.so_far.startswith("shiny") else "lovely\n\n"
    return "\\boxed{0}" if ask.so_far.startswith("shiny") else "\\boxed{7}"


def test_look_ahead_sees_the_next_step_and_throws_it_away(play):
    rule = {"lovely": 0.95, "awful": 0.05, "shiny": 0.9, "dull": 0.3}
    short = play("dvts", trap, rule, n_subtrees=1, n_expand=2, finalize="drop")
    far = play("dvts", trap, rule, n_subtrees=1, n_expand=2, finalize="drop", lookahead=1)
    assert short.answer == "0"
    assert far.answer == "7"
    assert sum(event.reason == "look-ahead" for event in far.events(Pruned)) == 4  # two scouts in each of the two steps before the end
    assert far.usage.generated_tokens == far.engine.sampled
    assert far.usage.generated_tokens > short.usage.generated_tokens
    assert far.usage.generated["solver"] == far.usage.generated_tokens
    greedy = [request for request in far.engine.requests if request.sampling.greedy]
    assert len(greedy) == 4


def test_no_candidate_of_the_last_step_is_left_without_an_end_unless_asked(play):
    run = play("dvts", uneven, n_subtrees=2, n_expand=3)
    assert all(path.finish is Finish.EOS for path in run.outcome.paths)


def test_the_last_step_is_written_to_its_end(play):
    run = play("dvts", {"*": "a\n\nb\n\nc\n\n\\boxed{7}"}, n_subtrees=2, n_expand=2, max_steps=2)
    assert run.answer == "7"


def test_subtrees_narrow_so_that_some_end_within_the_budget(play):
    script = {"*": "a a a a\n\n" * 4 + "\\boxed{7}"}
    run = play("dvts", script, n_subtrees=8, n_expand=4, budget=Budget(tokens=60))
    assert run.answer == "7"
    assert run.usage.generated_tokens <= 60
    assert len(run.events(PathOpened)) == 6


def test_subtrees_that_the_budget_cannot_carry_rest_instead_of_taking_turns(play):
    """Two paths of 24 tokens under 40: whichever scores better changes from step to step, and yet one of them ends."""
    rule = lambda text: 0.5 + 0.1 * (len(text) % 2)  # noqa: E731
    script = {"*": ["a a a a\n\n" * 4 + "\\boxed{7}", "ab a a a\n\n" * 4 + "\\boxed{7}"]}
    run = play("dvts", script, rule, n_subtrees=2, n_expand=1, budget=Budget(tokens=40))
    assert run.answer == "7"


def test_an_endless_model_gives_no_answer_and_ends(play):
    run = play("dvts", {"*": Reply("a\n\n", eos=False)}, n_subtrees=2, n_expand=2, budget=Budget(tokens=40))
    assert run.outcome.answer is None
    assert run.usage.generated_tokens == 40


def test_an_ended_sibling_answers_when_its_subtree_never_ends(play):
    """The kept child goes on for ever; its sibling had ended with an answer, though it scored lower."""

    def script(ask: Ask) -> Reply:
        return Reply("short \\boxed{7}") if ask.path == "0" else Reply("long\n\n", eos=False)

    run = play("dvts", script, {"short": 0.4, "long": 0.6}, n_subtrees=1, n_expand=2, budget=Budget(tokens=30))
    assert run.answer == "7"


def test_fit_sizes_subtrees_then_expansion(toy):
    cls = METHODS.get("dvts")
    size = lambda tokens, **knobs: (lambda c: (c.n_subtrees, c.n_expand))(cls(cls.Config(**knobs)).fit(Budget(tokens=tokens), toy).config)  # noqa: E731
    assert size(160) == (4, 4)  # 16 paths of 10 tokens
    assert size(90) == (2, 4)
    assert size(45) == (2, 2)  # four paths: diversity before greed
    assert size(12) == (1, 1)
    assert size(1) == (1, 1)
    assert size(160, n_expand=2) == (8, 2)
    assert size(160, n_subtrees=1) == (1, 4)
    assert size(160, lookahead=1) == (2, 4)
