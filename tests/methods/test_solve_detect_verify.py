"""Solve-Detect-Verify: hesitations as whole words, the probe, and refinement. The verifier by itself is in `test_verification.py`."""

import math
from dataclasses import replace

import pytest

from tests.methods.verifier_world import LAB, LONG, TRACE, talker
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError
from thinkwell.core.events import Said
from thinkwell.core.method import METHODS
from thinkwell.engines.scripted import Ask, ToyTokenizer
from thinkwell.methods._verification import HESITATIONS
from thinkwell.methods.solve_detect_verify import hesitation

TOYS = ToyTokenizer()
YES, NO, SPACE_YES = (TOYS.encode(word)[0] for word in ("Yes", "No", " Yes"))
SAYS_YES = {YES: math.log(0.6), NO: math.log(0.3)}
SAYS_NO = {YES: math.log(0.3), NO: math.log(0.6)}
FINISHED = "<think>\nOkay, I think I have finished thinking.\n</think>\n\n"
COMPLETE = "Is your current solution complete, that is, does it contain the final answer to the problem? Reply with one word, Yes or No."


def peeking(rows):
    """`peeks` of an engine: the i-th probe gets the i-th row (the last one from then on)."""
    asked = []

    def peeks(prefix):
        asked.append(TOYS.decode(prefix))
        return rows[min(len(asked), len(rows)) - 1]

    peeks.asked = asked
    return peeks


@pytest.fixture
def detect(play, ledger):
    def run(rows, solution=TRACE, preset=LONG, **knobs):
        engine = ledger(talker(solution), peeks=peeking(rows))
        return play("solve_detect_verify", None, engine=engine, preset=preset, **{"max_refine": 0, "verify": "nothinking@1", **knobs})

    return run


# ---- detect -----------------------------------------------------------------------------------------------------------------


def test_hesitations_are_whole_words_and_a_no_leaves_the_stream_as_it_is(detect):
    run = detect([SAYS_NO])
    assert run.texts == [TRACE]
    assert run.outcome.facts["triggers"] == 2  # "Wait" and "Hmm"; neither "Awaiting" nor "waiting"
    assert run.outcome.facts["stopped"] == 0


def test_a_yes_stops_the_thinking_and_cuts_the_hesitation_off(detect):
    run = detect([SAYS_NO, SAYS_YES])
    assert run.texts == ["Awaiting nothing: 3 + 4 = 7. Wait, waiting is 7.\n</think>\n\nIt is \\boxed{7}"]
    assert run.answer == "7"
    assert run.outcome.facts["stopped"] == 1
    probes = [(said.to, said.text, said.decision) for said in run.events(Said) if said.speaker == "detector"]
    assert [decision for _, _, decision in probes] == ["go on", "stop"]
    assert probes[1][0] == ("path 0",)
    assert probes[1][1].startswith("Complete? p(Yes) = 0.6, p(No) = 0.3 after")
    assert [probe[1:] for probe in run.outcome.facts["probes"]] == [pytest.approx([0.3, 0.6]), pytest.approx([0.6, 0.3])]


def test_as_in_the_repository_the_hesitation_may_stay(detect):
    assert detect([SAYS_YES], keep_trigger=True).texts == ["Awaiting nothing: 3 + 4 = 7. Wait,\n</think>\n\nIt is \\boxed{7}"]


def test_no_probe_once_the_thinking_is_closed(detect):
    run = detect([SAYS_YES], solution="So 7.</think>\n\nWait, I say \\boxed{7}. Hmm, yes.")
    assert run.outcome.facts["triggers"] == 0
    assert run.texts == ["So 7.</think>\n\nWait, I say \\boxed{7}. Hmm, yes."]


@pytest.mark.parametrize(
    ("row", "knobs", "stopped"),
    [
        ({NO: -0.1}, {}, 0),  # no Yes among the likeliest: never
        ({YES: -5.0, 7: -0.1}, {}, 1),  # no No among them: impossible
        ({YES: -1.0, NO: -1.2}, {}, 1),
        ({YES: -1.0, NO: -1.2}, {"margin": 0.5}, 0),
        ({YES: -1.2, NO: -1.0}, {"margin": -0.5}, 1),
        ({YES: -2.0, NO: -2.0}, {}, 0),  # greater, not equal
        ({YES: math.log(0.2), SPACE_YES: math.log(0.2), NO: math.log(0.3)}, {}, 0),
        ({YES: math.log(0.2), SPACE_YES: math.log(0.2), NO: math.log(0.3)}, {"sum_variants": True}, 1),
        ({5: -0.1, 6: -0.2, YES: -3.0}, {"top": 2}, 0),  # Yes is only the third
        ({YES: -0.1}, {"min_tokens": 1000}, 0),
        ({YES: -0.1}, {"keywords": ("eureka",)}, 0),
        ({YES: -0.1}, {"detect": False}, 0),
    ],
)  # fmt: skip
def test_when_a_probe_stops_the_thinking(detect, row, knobs, stopped):
    assert detect([row], **knobs).outcome.facts["stopped"] == stopped


def test_the_probe_is_a_conversation_with_the_thinking_closed_at_once(play, ledger):
    for preset, closing, question in (
        (LONG, FINISHED, COMPLETE),
        (replace(LONG, think_open="", think_close=""), "", COMPLETE),
        (LAB, "<think>\n</think>\n\n", "So have you got the final answer? Answer Yes or No."),
    ):  # fmt: skip
        peeks = peeking([SAYS_NO])
        play("solve_detect_verify", None, engine=ledger(talker(), peeks=peeks), preset=preset, max_refine=0, verify="nothinking@1")
        begun = "Awaiting nothing: 3 + 4 = 7. Wait"
        assert peeks.asked[0] == f"<user>How many?\n<assistant>{begun}\n<user>{question}\n<assistant>{closing}"


def test_a_probe_samples_nothing_but_its_prompt_is_counted(detect):
    none, one = detect([SAYS_NO], keywords=("eureka",)), detect([SAYS_NO], keywords=("hmm",))
    assert one.usage.generated == none.usage.generated
    assert one.usage.prompt > none.usage.prompt


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Await", None),
        ("so wait", 0),
        ("so I wait", 5),
        ("So 7. But wait", 6),
        ("7\nBut wait", 2),
        ("In all that But wait", 16),
        ("Wait \n", 0),
        ("waited", None),
    ],
)
def test_where_a_hesitation_begins(text, place):
    assert hesitation(text, HESITATIONS) == place


# ---- refine -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def refine(play, ledger):
    def run(verdicts, refined="</think>\n\n\\boxed{9}", solution="3.\n</think>\n\n\\boxed{7}", preset=LONG, **knobs):
        script = talker(solution, [v if "Step" in v else f"bad sum \\boxed{{{v}}}" for v in verdicts], refined=refined)
        return play("solve_detect_verify", None, engine=ledger(script), preset=preset, **{"verify": "nothinking@1", **knobs})

    return run


def test_a_solution_found_correct_is_accepted(refine):
    run = refine(["-1"])
    assert run.answer == "7"
    assert run.outcome.facts["refined"] == 0


@pytest.mark.parametrize("verdict", ["0", "x"], ids=["wrong", "unread"])
def test_one_found_wrong_or_not_judged_is_solved_again_and_taken_unseen(refine, verdict):
    run = refine([verdict])
    assert run.answer == "9"
    assert run.outcome.facts == run.outcome.facts | {"refined": 1, "unread": int(verdict == "x")}
    assert len(run.outcome.facts["verdicts"]) == 1  # the new one is not verified
    talk = [(said.speaker, said.to, said.round, said.decision, said.unread) for said in run.events(Said)]
    assert talk == [
        ("path 0", ("verifier",), 0, "answers 7", False),
        ("verifier", ("path 0",), 0, "" if verdict == "x" else "mistake in paragraph 1", verdict == "x"),
        ("path 2", ("verifier",), 1, "answers 9", False),
    ]


def test_the_feedback_is_in_the_next_prompt(refine):
    texts = [request.text for request in refine(["0"]).engine.requests]
    (sent,) = {text for text in texts if "[Previous Solution]" in text}
    assert "bad sum \\boxed{0}" in sent
    assert "<paragraph_0>\n3." in sent
    lab = [request.text for request in refine(["Step 1 is wrong: 4."], preset=LAB).engine.requests]
    assert "<user>How many?\n\nStep 1: 3.\n\nStep 2: \\boxed{7}\n\nStep 1 is wrong: 4.\n\nNow solve it again.\n<assistant>" in lab


def test_of_several_refinements_the_most_frequent_answer_is_taken(refine):
    boxes = [f"</think>\n\n\\boxed{{{n}}}" for n in (8, 9, 9)]
    assert refine(["0"], boxes, n_refine=3).answer == "9"


def test_a_refinement_without_an_answer_replaces_none_that_has_one(refine):
    run = refine(["0"], "I do not know</think>")
    assert run.answer == "7"
    assert run.outcome.facts["refined"] == 0


def test_with_reverify_a_worse_refinement_is_not_taken_and_rounds_go_on(refine):
    worse = refine(["-1", "0", "0", "0", "0", "0"], verify="nothinking@3", reverify=True)  # support 1/3, then 0
    assert worse.answer == "7"
    rounds = refine(["0", "0", "-1"], [f"</think>\n\n\\boxed{{{n}}}" for n in (8, 9, 4)], reverify=True, max_refine=5)
    assert rounds.answer == "9"  # the second refinement is found correct
    assert rounds.outcome.facts["verdicts"] == [0, 0, "correct"]


def test_no_refinement_when_switched_off(refine):
    assert refine(["0"], max_refine=0).answer == "7"


def test_the_vote_of_the_runs_is_the_answer(play):
    answers = iter(("1", "7", "7", "2"))

    def script(ask: Ask) -> str:
        return "\\boxed{-1}" if "review" in ask.prompt else f"</think>\n\n\\boxed{{{next(answers)}}}"

    assert play("solve_detect_verify", script, n_runs=4, preset=LONG).answer == "7"


# ---- knobs and limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("knobs", "says"),
    [({"max_refine": 2}, "reverify"), ({"verify": "flex"}, "verify"), ({"verify": "fast@4"}, "verify"), ({"verify": "flex@0"}, "verify"),
     ({"threshold": 0}, "threshold"), ({"keywords": ()}, "keywords")],
)  # fmt: skip
def test_bad_knobs_are_refused_with_a_sentence(knobs, says):
    cls = METHODS.get("solve_detect_verify")
    with pytest.raises(ConfigError, match=says):
        cls.Config.parse(knobs, "solve_detect_verify")


def test_without_detection_no_peek_is_needed():
    cls = METHODS.get("solve_detect_verify")
    assert Capability.PEEK in cls().needs
    assert cls(cls.Config(detect=False)).needs == {Capability.CONTINUE_PREFIX}


def test_fit_sizes_the_number_of_runs(toy):
    cls = METHODS.get("solve_detect_verify")  # 1 + 4/16 + 1/2 typical paths of 10 tokens a run
    assert [cls().fit(Budget(tokens=t), toy).config.n_runs for t in (1, 17, 70, 175)] == [1, 1, 4, 10]
    assert cls(cls.Config(n_runs=2)).fit(Budget(tokens=1000), toy).config.n_runs == 2
