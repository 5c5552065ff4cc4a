"""Budget forcing: thinking made longer, cut short, and always left room to answer."""

from dataclasses import replace

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.errors import MissingCapability
from thinkwell.core.events import Forked, PathOpened, Spliced
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Finish, Origin
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Completion
from thinkwell.engines.scripted import Ask, Reply

NATURAL = "<think>\n\nstep\n\n</think>\n\nIt is \\boxed{7}"


def thinker(ask: Ask) -> str:
    """Thinks one thought, closes; after each "Wait" one thought more; answers with the number of its thoughts."""
    if "</think>" in ask.so_far:
        n = ask.so_far.count("thought")
        return f"{n}}}" if ask.so_far.endswith("{") else f" \\boxed{{{n}}}"
    return " thought</think>" + f" \\boxed{{{ask.so_far.count('thought') + 1}}}"


def test_zero_suppressions_and_room_leave_the_path_as_the_model_writes_it(play):
    run = play("budget_forcing", {"*": NATURAL}, n_ignore=0)
    assert run.outcome.paths[0].text == NATURAL
    assert run.usage.injected == 0
    assert run.answer == "7"
    assert run.outcome.facts["forced"] is False


@pytest.mark.parametrize("word", ["Wait", "Hmm", "Alternatively"])
def test_the_end_of_thinking_is_replaced_by_the_word(play, word):
    run = play("budget_forcing", thinker, n_ignore=2, ignore_text=word)
    (path,) = run.outcome.paths
    assert path.text == f" thought{word} thought{word} thought</think> \\boxed{{3}}"
    assert [event.text for event in run.events(Spliced)] == [word, word]
    assert all(event.origin is Origin.INJECTED for event in run.events(Spliced))
    assert run.answer == "3"


def test_a_suppressed_mark_costs_but_is_not_in_the_path(play):
    run = play("budget_forcing", thinker, n_ignore=2)
    (path,) = run.outcome.paths
    assert run.usage.generated_tokens == path.count(Origin.MODEL) + 2
    assert run.usage.generated_tokens == run.engine.sampled


def test_nothing_in_place_of_the_mark_goes_on_with_fresh_noise(play):
    """The mark was drawn at this position; the same path id would draw it again."""
    run = play("budget_forcing", thinker, n_ignore=1, ignore_text="")
    assert [event.parent for event in run.events(Forked)] == ["0"]
    keys = [(request.key.path, len(request.prefix)) for request in run.engine.requests]
    assert len(set(keys)) == len(keys)
    assert run.outcome.paths[0].text == " thought thought</think> \\boxed{2}"


def test_thinking_at_its_ceiling_is_closed_and_asked_for_the_answer(play, toy):
    def script(ask: Ask) -> Reply:
        return Reply("42}") if ask.so_far.endswith("{") else Reply(" hm", eos=False)

    run = play("budget_forcing", script, max_thinking_tokens=5)
    (path,) = run.outcome.paths
    assert path.text.endswith("\n</think>" + toy.answer_cue + "42}")
    assert path.segments[1].n_tokens == 5
    assert path.finish is Finish.EOS
    assert run.answer == "42"
    assert run.outcome.facts["forced"] is True


def test_no_newline_is_added_where_one_stands(play):
    def script(ask: Ask) -> Reply:
        return Reply("42}") if ask.so_far.endswith("{") else Reply("a\n\n", eos=False)

    run = play("budget_forcing", script, max_thinking_tokens=2)
    assert run.outcome.paths[0].text.startswith("a\n\n</think>")


def test_no_thinking_at_all_is_a_ceiling_of_zero(play):
    run = play("budget_forcing", lambda ask: "42}" if ask.so_far.endswith("{") else "never", max_thinking_tokens=0)
    assert run.answer == "42"
    assert "never" not in run.outcome.paths[0].text


def test_a_budget_leaves_room_for_the_answer(play):
    """Endless thinking under 40 tokens: a quarter of the typical 10, so 2 tokens, are too few for "42}" and its end, 4 are enough."""

    def script(ask: Ask) -> Reply:
        return Reply("42}") if ask.so_far.endswith("{") else Reply(" hm", eos=False)

    run = play("budget_forcing", script, budget=Budget(tokens=40), answer_tokens=4)
    assert run.answer == "42"
    assert run.usage.generated_tokens == 40
    assert play("budget_forcing", script, budget=Budget(tokens=40), answer_tokens=2).answer is None


def test_a_context_window_leaves_room_for_the_answer(play, ledger):
    def script(ask: Ask) -> Reply:
        return Reply("42}") if ask.so_far.endswith("{") else Reply(" hm", eos=False)

    preset = Preset("roomy", 1, "{question}", max_tokens=1000, typical_tokens=40)
    run = play("budget_forcing", {}, engine=ledger(script, context=120), preset=preset)
    assert run.answer == "42"
    assert len(run.outcome.paths[0]) <= 120


def test_a_text_that_ends_while_thinking_is_closed_behind_its_last_word(play):
    """The end-of-text token does not stay in the middle of the path."""

    def script(ask: Ask) -> str:
        return "42}" if ask.so_far.endswith("{") else "<think> that is all"

    run = play("budget_forcing", script)
    (path,) = run.outcome.paths
    assert run.answer == "42"
    assert path.tokens.count(0) == 1
    assert path.tokens[-1] == 0


def test_an_engine_that_ends_the_text_without_a_token_loses_none(play, ledger):
    """After "Wait" it says that the text is over and writes nothing: there is no end-of-text token to take away, and "Wait" must stay."""

    class Mute(ledger):
        async def generate(self, requests):
            if requests[0].text.endswith("Wait"):
                return [Completion("", (), Finish.EOS) for _ in requests]
            return await super().generate(requests)

    script = lambda ask: "42}" if ask.so_far.endswith("{") else "<think> a b</think> 3"  # noqa: E731
    run = play("budget_forcing", {}, engine=Mute(script), n_ignore=1)
    assert run.answer == "42"
    assert run.texts[0].startswith("<think> a bWait\n</think>")


def test_too_many_suppressions_end_at_the_budget(play):
    run = play("budget_forcing", thinker, n_ignore=1000, budget=Budget(tokens=30))
    assert run.usage.generated_tokens <= 30
    assert run.outcome.facts["ignored"] < 30


def test_rejection_draws_until_the_thinking_is_short_enough(play):
    script = {"*": ["a b c d e f</think> \\boxed{1}", "a b c d e f</think> \\boxed{2}", "a b</think> \\boxed{7}", "a</think> \\boxed{3}"]}
    run = play("budget_forcing", script, mode="reject", max_thinking_tokens=3)
    assert run.answer == "7"
    assert len(run.events(PathOpened)) == 3
    assert run.outcome.facts["tries"] == 3


def test_rejection_that_never_fits_gives_no_answer(play):
    run = play("budget_forcing", {"*": "a b c d e f</think> \\boxed{1}"}, mode="reject", max_thinking_tokens=3, max_tries=4)
    assert run.outcome.answer is None
    assert len(run.outcome.paths) == 4


def test_telling_puts_the_limit_into_the_prompt_and_forces_nothing(play):
    run = play("budget_forcing", {"*": NATURAL}, mode="tell", max_thinking_tokens=12)
    assert "up to 12 tokens" in run.outcome.paths[0].prompt
    assert run.outcome.paths[0].text == NATURAL
    assert run.usage.injected == 0


def test_fit_spends_a_larger_budget_on_more_suppressions(toy):
    cls = METHODS.get("budget_forcing")
    assert [cls().fit(Budget(tokens=t), toy).config.n_ignore for t in (1, 10, 20, 40, 1000)] == [0, 0, 1, 3, 5]
    assert cls().fit(Budget(tokens=1000), replace(toy, max_tokens=1000)).config.n_ignore == 6  # one path is never longer than its ceiling
    assert cls(cls.Config(n_ignore=2)).fit(Budget(tokens=1000), toy).config.n_ignore == 2


def test_an_engine_that_cannot_go_on_from_a_prefix_is_refused():
    with pytest.raises(MissingCapability, match="continue_prefix"):
        require(METHODS.get("budget_forcing"), "chat", frozenset(), [])
