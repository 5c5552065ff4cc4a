"""FlexiVe: paragraphs, agreement, the three ways to verify, and what the verifier is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.verifier_world import LAB, LONG, talker
from thinkwell.methods._verification import HESITATIONS, Verification, agreement, majority, segment
from thinkwell.methods.wording.solve_detect_verify import WORDINGS, Verdict


def test_a_solution_is_cut_where_a_hesitation_begins_text_sentence_or_line():
    text = "Wait, one. I await you. Alternatively two\nHmm three wait four. Let me check: five.\nwaiting six. Wait."
    assert segment(text, HESITATIONS) == [
        "Wait, one. I await you.", "Alternatively two", "Hmm three wait four.", "Let me check: five.\nwaiting six.",
    ]  # fmt: skip
    assert segment("no such word", HESITATIONS) == ["no such word"]
    assert segment("", HESITATIONS) == []


@given(st.text(alphabet="Wait. hm\n", max_size=60))
def test_cutting_loses_nothing_but_white_space_and_a_last_lone_word(text):
    whole = "".join(text.split()).lower()
    parts = "".join("".join(segment(text, ("wait", "hmm"))).split()).lower()
    assert whole.startswith(parts)
    assert whole[len(parts) :].strip(".") in ("", "wait", "hmm")


V = {"ok": Verdict(None), "0": Verdict(0), "1": Verdict(1), "-": None}


@pytest.mark.parametrize(
    ("verdicts", "least", "share", "best"),
    [
        ("ok ok ok ok", 2, 1.0, "ok"),
        ("0 ok ok 1", 2, 0.5, "ok"),
        ("0 1 0 1", 2, 0.5, "0"),  # ties: first; neighbouring places are different places
        ("1 - - -", 2, 0.0, "1"),  # one that could be read agrees with itself: no agreement
        ("1 - - -", 1, 1.0, "1"),
        ("1 1 - -", 2, 1.0, "1"),  # what cannot be read is not in the denominator
        ("1", 2, 1.0, "1"),  # k = 1
        ("- -", 2, 0.0, "-"),
    ],
)
def test_agreement_and_majority(verdicts, least, share, best):
    found = [V[name] for name in verdicts.split()]
    assert agreement(found, least) == share
    assert majority(found) == V[best]


def test_for_four_verifications_a_threshold_of_08_and_09_is_unanimity():
    for errors in range(5):
        found = [Verdict(0)] * errors + [Verdict(None)] * (4 - errors)
        assert (agreement(found) >= 0.8) == (agreement(found) >= 0.9) == (errors in (0, 4))


@pytest.mark.parametrize(
    ("verify", "fast", "slow", "counts", "verdict"),
    [
        ("flex@4", "-1 -1 -1 -1", "0", (4, 0), "correct"),
        ("flex@4", "-1 -1 -1 1", "0", (4, 1), 0),  # 3/4 < 0.8: ceil(4/4) with thinking decides
        ("flex@6", "-1 -1 -1 -1 -1 1", "0 0", (6, 0), "correct"),  # 5/6 >= 0.8
        ("flex@5", "-1 -1 1 1 1", "0 0", (5, 2), 0),  # ceil(5/4)
        ("flex@4", "x x x -1", "1", (4, 1), 1),  # one that could be read is no agreement
        ("nothinking@3", "1 1 -1", "0", (3, 0), 1),
        ("think@3", "1", "0 -1 -1", (0, 3), "correct"),
        ("flex@2", "x 99", "x", (2, 1), "unread"),
    ],
)
def test_the_three_modes(play, ledger, verify, fast, slow, counts, verdict):
    solution = "One: 3.\nWait, two: 4.\n</think>\n\n\\boxed{7}"  # two paragraphs
    script = talker(solution, [f"\\boxed{{{v}}}" for v in fast.split()], [f"\\boxed{{{v}}}" for v in slow.split()])
    run = play("solve_detect_verify", None, engine=ledger(script), preset=LONG, verify=verify, max_refine=0)
    assert (script.counts["fast"], script.counts["slow"]) == counts
    assert run.outcome.facts["verdicts"] == [verdict]
    assert run.outcome.facts["escalated"] == (counts[0] > 0 and counts[1] > 0)
    assert run.outcome.facts["fast_tokens"] + run.outcome.facts["slow_tokens"] == run.usage.generated["verifier"] > 0
    assert run.usage.generated_tokens == run.engine.sampled


def test_what_the_verifier_is_sent_in_each_wording(play, ledger):
    problem, parts = "How many?", ["3", "7"]
    critique = (
        "The following is a math problem and a solution (split into paragraphs, enclosed with tags and indexed from 0):\n\n[Math Problem]\n\nHow many?\n\n[Solution]\n\n"
        "<paragraph_0>\n3\n</paragraph_0>\n<paragraph_1>\n7\n</paragraph_1>\n\nYour task is to review and critique the solution paragraph by paragraph. Once you identify "
        "an error in a paragraph, return the index of the paragraph where the earliest error occurs. Otherwise, return the index of -1 (which typically denotes \"not found\").\n\n"
        "Please put your final answer (i.e., the index) in \\boxed{}."
    )  # fmt: skip
    assert WORDINGS["reasoning"].verification(problem, parts, slow=False) == [{"role": "user", "content": critique}]
    assert WORDINGS["reasoning"].verification(problem, parts, slow=True) == [{"role": "user", "content": critique}]
    instruct = WORDINGS["instruct"]
    assert instruct.verification(problem, parts, slow=False)[0]["content"] == critique + " Keep the critique to one or two sentences."
    assert instruct.verification(problem, parts, slow=True)[0]["content"].startswith(critique + " Redo")
    lab = "How many?\n\nStep 1: 3\n\nStep 2: 7\n\nNow find the first wrong step."
    assert WORDINGS["lab"].verification(problem, parts, slow=True) == [{"role": "user", "content": lab}]
    run = play("solve_detect_verify", None, engine=ledger(talker("3\n\n</think>\n\n7")), preset=LAB, verify="flex@1", max_refine=0)
    sent = [request for request in run.engine.requests if "Now find" in request.text]
    assert sent[0].text == f"<user>{lab}\n<assistant><think>\n</think>\n\n"  # closed at once
    assert sent[1].text == f"<user>{lab}\n<assistant>"  # its reply could not be read: thinking left open


def test_scores_of_paragraphs_are_shares_of_verdicts_that_find_no_mistake_yet():
    found = Verification(Verdict(1), ("a", "b", "c", "d"), (Verdict(1), Verdict(1), Verdict(None), Verdict(3), None))
    assert found.steps() == (1.0, 0.5, 0.5, 0.25)
    assert found.support == 0.25
    assert Verification(None, ("a",), (None,)).steps() == ()
