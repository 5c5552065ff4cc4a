"""Subthoughts: a trace cut where it turns and finished anew from every cut; the most frequent answer, and how far the answers agree."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability
from thinkwell.core.events import Cut, Spliced
from thinkwell.core.method import METHODS, require
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask, Reply
from thinkwell.methods.subthoughts import MARKERS, entropy, scattered, segment, spaced, thinking_span

TRACE = "Start here. Wait, no. So it is five.\n\n</think>\n\n\\boxed{5}"


def finisher(*answers: str):
    """Writes TRACE first, then gives the k-th prefix the k-th answer."""

    def script(ask: Ask) -> Reply:
        if "~" not in ask.path and not ask.so_far:
            return Reply(TRACE)
        k = int(ask.path.rpartition("~")[2]) if "~" in ask.path else int(ask.path)
        return Reply(f"</think> \\boxed{{{answers[k - 1]}}}" if answers[k - 1] else "</think> no idea")

    return script


# ---- segments


def test_a_marker_opens_a_subthought_and_stays_in_it():
    assert segment("I see. Wait, no. So five.", MARKERS) == ["I see. ", "Wait, no. ", "So five."]


def test_no_marker_is_one_subthought_and_no_text_is_an_empty_one():
    assert segment("just a text", MARKERS) == ["just a text"]
    assert segment("", MARKERS) == [""]


def test_the_longest_marker_wins_and_words_are_whole():
    assert segment("a But wait, b", MARKERS) == ["a ", "But wait, b"]
    assert segment("a Somewhere, Nowhere, b", MARKERS) == ["a Somewhere, Nowhere, b"]
    assert segment("a wait so now b", MARKERS) == ["a wait so now b"]  # capitals as they are


def test_straight_and_curly_apostrophes_are_one():
    assert segment("a Let's see b. That\u2019s correct.", MARKERS) == ["a ", "Let's see b. ", "That\u2019s correct."]


def test_space_before_the_first_marker_is_no_subthought():
    assert segment("\n\nWait. So.", MARKERS) == ["\n\nWait. ", "So."]


def test_markers_may_be_asked_to_start_a_sentence():
    text = "First I count. The word Now stands here.\n Now go. And Then (ok.) So"
    assert segment(text, MARKERS, sentence_starts=True) == ["First I count. The word Now stands here.\n ", "Now go. And Then (ok.) ", "So"]


def test_the_paper_has_thirty_two_markers():
    assert len(set(MARKERS)) == 32


@settings(max_examples=200)
@given(st.lists(st.sampled_from([*MARKERS, "\u2019s", " ", ". ", "\n", "x", "But", "wait", "("])).map("".join), st.booleans())
def test_the_subthoughts_joined_are_the_text(text, sentences):
    parts = segment(text, MARKERS, sentences)
    assert "".join(parts) == text
    assert all(parts) or parts == [""]


def test_the_thinking_is_what_stands_in_the_last_block():
    preset = Preset("toy", 1, "{question}")
    assert thinking_span("abc</think>d", preset) == (0, 3)
    assert thinking_span("<think>abc</think>d", preset) == (7, 10)
    assert thinking_span("<think>a</think>b<think>c</think>d", preset) == (24, 25)
    assert thinking_span("<think>abc", preset) == (7, 10)
    assert thinking_span("abc", Preset("plain", 1, "{question}", think_open="", think_close="")) == (0, 3)


def test_evenly_spaced_places_end_with_the_last():
    assert spaced(list(range(1, 11)), 4) == [3, 5, 8, 10]
    assert spaced([7, 8], 2) == [7, 8]
    assert spaced([1, 2, 3], 1) == [3]


def test_random_places_are_inside_and_end_with_the_whole():
    places = scattered(5, 25, 6, np.random.default_rng(0))
    assert places == sorted(set(places))
    assert len(places) == 6
    assert 5 < places[0] < places[-1] == 25
    assert scattered(5, 5, 3, np.random.default_rng(0)) == [5]


def test_entropy_is_in_bits_over_the_answers_there_are():
    assert entropy(["5", "5", "5"]) == 0
    assert entropy(["5", "7"]) == pytest.approx(1)
    assert entropy(["5", "5", "7", None]) == pytest.approx(-(2 / 3) * math.log2(2 / 3) - (1 / 3) * math.log2(1 / 3))
    assert entropy([None]) == 0
    assert entropy([]) == 0


# ---- cuts


def test_an_end_of_text_token_is_not_part_of_a_prefix(play):
    """A trace that ends while it thinks: the last prefix is its text without the end mark."""
    run = play("subthoughts", lambda ask: Reply("Wait it ends") if "~" not in ask.path else Reply(" \\boxed{7}</think> \\boxed{7}"))
    (path,) = run.outcome.paths
    assert path.text == "Wait it ends \\boxed{7}</think> \\boxed{7}"
    assert path.tokens.count(0) == 1


# ---- the method


def test_every_prefix_is_finished_and_the_most_frequent_answer_wins(play):
    run = play("subthoughts", finisher("7", "7", "5"))
    assert [path.text[: path.text.index("</think>")] for path in run.outcome.paths] == [
        "Start here. ".rstrip(),
        "Start here. Wait, no. ".rstrip(),
        "Start here. Wait, no. So it is five.\n\n",
    ]  # fmt: skip  (a word's token begins with its space)
    assert run.answer == "7"
    facts = run.outcome.facts
    assert facts["last"] == "5"
    assert facts["mode"] == "7"
    assert facts["answers"] == ["7", "7", "5"]
    assert facts["entropy"] == pytest.approx(math.log2(3) - 2 / 3)
    assert facts["subthoughts"] == facts["prefixes"] == 3
    assert facts["cut"] == "token"


def test_the_mode_may_be_wrong_where_the_last_answer_was_right(play):
    """The paper's own figure has such drops; nothing here may rule them out."""
    run = play("subthoughts", finisher("4", "4", "5"))
    assert (run.answer, run.outcome.facts["last"]) == ("4", "5")


def test_equal_counts_go_to_the_earlier_prefix(play):
    assert play("subthoughts", finisher("7", "5", "")).answer == "7"
    assert play("subthoughts", finisher("", "5", "7")).answer == "5"


def test_prefixes_without_an_answer_do_not_vote_and_are_counted(play):
    run = play("subthoughts", finisher("", "", "3"))
    assert run.answer == "3"
    assert run.outcome.facts["no_answer"] == 2
    assert run.outcome.facts["entropy"] == 0


def test_without_any_answer_the_traces_own_one_is_given(play):
    run = play("subthoughts", finisher("", "", ""))
    assert run.answer == "5"
    assert run.outcome.chosen.id == "0"


def test_a_greedy_trace_is_its_own_last_completion(play):
    run = play("subthoughts", {"*": TRACE}, completion="greedy")
    assert [path.id for path in run.outcome.paths] == ["0~1", "0~2", "0"]
    assert len(run.engine.requests) == 3
    assert run.outcome.facts["answers"] == ["5", "5", "5"]
    assert {request.sampling.temperature for request in run.engine.requests} == {0}


def test_a_greedy_completion_of_the_whole_thinking_repeats_the_trace(play):
    """The free check of the paper: sampled completions run the last prefix, and this model writes the same whatever the sampling."""
    run = play("subthoughts", {"*": TRACE})
    assert [path.text for path in run.outcome.paths] == [TRACE] * 3


def test_the_trace_is_greedy_and_the_completions_are_sampled(play):
    run = play("subthoughts", finisher("7", "7", "5"), temperature=0.7, top_p=0.9)
    first, *others = run.engine.requests
    assert first.sampling.temperature == 0
    assert {(request.sampling.temperature, request.sampling.top_p) for request in others} == {(0.7, 0.9)}


def test_a_few_prefixes_are_evenly_spaced(play):
    run = play("subthoughts", finisher("7", "5"), max_prefixes=2)
    assert [path.text.count("Wait") + path.text.count("So") for path in run.outcome.paths] == [1, 2]
    assert play("subthoughts", {"*": TRACE}, max_prefixes=1, completion="greedy").outcome.facts["answers"] == ["5"]


def test_cuts_keep_the_ids_of_the_trace(play):
    run = play("subthoughts", finisher("7", "7", "5"))
    assert len(run.events(Cut)) == 3
    whole = run.engine.requests[0].prefix + run.engine.tokenizer.encode(TRACE)
    assert all(whole[: len(request.prefix)] == request.prefix for request in run.engine.requests)


def test_an_engine_without_ids_gets_the_prefix_as_text(play, ledger):
    engine = ledger(finisher("7", "7", "5"), capabilities=frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN}))
    run = play("subthoughts", {}, engine=engine)
    assert [event.text for event in run.events(Spliced)] == [
        "Start here. ",
        "Start here. Wait, no. ",
        "Start here. Wait, no. So it is five.\n\n",
    ]
    assert run.outcome.facts["cut"] == "text"
    assert run.answer == "7"


def test_cuts_by_token_are_refused_where_there_are_no_ids():
    cls = METHODS.get("subthoughts")
    with pytest.raises(MissingCapability, match="token_ids"):
        require(cls(cls.Config(cut="token")), "text", frozenset({Capability.CONTINUE_PREFIX}), [])
    with pytest.raises(MissingCapability, match="continue_prefix"):
        require(cls, "chat", frozenset({Capability.CHAT_ONLY}), [])


def test_random_cuts_are_as_many_and_another_seed_draws_others(play):
    long = "Wait a b c d e f. So g h i j k l. Now m n o p q r.</think> \\boxed{5}"
    runs = [play("subthoughts", {"*": long}, cuts="random", seed=seed) for seed in (0, 0, 1)]
    lengths = [[event.start for event in run.events(Cut)] for run in runs]
    assert lengths[0] == lengths[1] != lengths[2]
    assert all(run.outcome.facts["prefixes"] <= 3 for run in runs)


def test_a_token_budget_takes_the_prefixes_that_are_likely_to_end(play):
    """20 tokens of trace. Its prefixes hold 0.5, 0.7 and 0.9 of the text or so: the last leaves few tokens to write, the first most."""
    run = play("subthoughts", {"*": TRACE}, budget=Budget(tokens=36))
    assert 0 < run.outcome.facts["prefixes"] < 3
    assert all(path.complete for path in run.outcome.paths)
    assert play("subthoughts", {"*": TRACE}, budget=Budget(tokens=1000)).outcome.facts["prefixes"] == 3


def test_a_trace_that_takes_the_whole_budget_is_the_answer_itself(play):
    tokens = play("single", {"*": TRACE}).usage.generated_tokens
    run = play("subthoughts", {"*": TRACE}, budget=Budget(tokens=tokens))
    assert run.answer == "5"
    assert run.outcome.facts["prefixes"] == 0


def test_knobs_that_cannot_be_are_refused():
    config = METHODS.get("subthoughts").Config
    for wrong in ({"max_prefixes": 0}, {"temperature": 0}, {"top_p": 0}, {"markers": []}, {"markers": [""]}, {"completion": "beam"}):
        with pytest.raises(ConfigError, match=rf"subthoughts\.{next(iter(wrong))}"):
            config.parse(wrong, "subthoughts")
    assert config.parse({"markers": ["Hm"]}, "subthoughts").markers == ("Hm",)
