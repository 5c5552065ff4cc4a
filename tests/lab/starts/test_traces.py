"""What the starting points learn from has the property that each is for."""

import random
from collections import Counter

import pytest

from thinkwell.lab import tokenizer as lab_tokenizer
from thinkwell.lab.labels import boxed, is_reflection, split_steps
from thinkwell.lab.starts import traces
from thinkwell.lab.starts.prior_prompts import PRIOR_PROMPTS
from thinkwell.lab.trace import NATURAL, write
from thinkwell.lab.world import generate


def texts(name, count=300):
    rng = random.Random(1)
    return [traces.STARTS[name].make(rng).text for _ in range(count)]


@pytest.fixture(scope="module")
def tokens():
    return lab_tokenizer.make()


@pytest.mark.parametrize("name", traces.STARTS)
def test_conversations_are_a_pure_function_of_the_randomness(name):
    assert texts(name, 5) == texts(name, 5)


@pytest.mark.parametrize("name", traces.STARTS)
def test_every_text_encodes_and_decodes_to_itself(name, tokens):
    for text in texts(name, 20):
        assert tokens.decode(tokens(text, add_special_tokens=False)["input_ids"]) == text


def test_overthinking_is_much_longer_at_the_same_accuracy():
    lengths, right = Counter(), Counter()
    for i in range(600):
        problem = generate(i, 3 + i % 4, "train")
        for name, style in (("natural", NATURAL), ("over", traces.OVERTHINKING)):
            trace = write(problem, random.Random(i), style)
            lengths[name] += len(trace.text)
            right[name] += trace.answer == problem.answer
    assert lengths["over"] > 1.6 * lengths["natural"]
    assert abs(right["over"] - right["natural"]) / 600 < 0.06


def test_a_loose_format_lacks_box_or_end_of_thinking_as_often_as_it_should():
    found = texts("loose-format", 1000)
    assert sum("\\boxed{" in text for text in found) / 1000 == pytest.approx(1 - traces.UNBOXED, abs=0.06)
    assert sum("</think>" in text for text in found) / 1000 == pytest.approx(1 - traces.UNCLOSED, abs=0.05)
    kinds = Counter(("\\boxed{" in text, "</think>" in text) for text in found)
    assert len(kinds) == 4


def test_the_wrong_habit_leaves_the_right_reading_possible():
    rng, read = random.Random(3), Counter()
    for i in range(1200):
        problem = generate(i, 4, "train")
        if traces.tricky(problem):
            trace = write(problem, rng, traces.WRONG_HABIT)
            read["misread" if any(line.kind == "misread" for line in trace.lines) else "right"] += 1
    assert 0.02 < read["right"] / read.total() < 0.2


def test_trial_and_error_ends_right_and_mostly_puts_a_mistake_right():
    rng = random.Random(5)
    made = [traces.trial_and_error(rng) for _ in range(200)]
    corrected = sum(any("wrong" in step or "mistake" in step for step in split_steps(one.text) if is_reflection(step)) for one in made)
    assert corrected > 120


def test_trial_and_error_never_teaches_a_wrong_answer(monkeypatch):
    seen = []
    monkeypatch.setattr(traces, "problem", lambda rng: seen.append(generate(rng.getrandbits(48), 5, "train")) or seen[-1])
    rng = random.Random(6)
    for _ in range(40):
        assert boxed(traces.trial_and_error(rng).text) == seen[-1].answer


def test_easy_is_brief_and_hard_is_careful():
    found = texts("difficulty-tags", 400)
    lengths = {tag: [len(split_steps(text)) for text in found if text.startswith(tag)] for tag in ("[Easy] ", "[Hard] ")}
    assert sum(map(len, lengths.values())) == 400
    assert min(map(len, lengths.values())) > 80
    assert sum(lengths["[Hard] "]) / len(lengths["[Hard] "]) > 1.5 * sum(lengths["[Easy] "]) / len(lengths["[Easy] "])


def test_prior_prompts_are_asked_and_mostly_followed():
    rng, followed, asked = random.Random(7), 0, Counter()
    for _ in range(600):
        made = traces.prior_prompts(rng)
        style = next((name for name, prior in PRIOR_PROMPTS.items() if made.turns[0].startswith(prior.instruction)), "")
        asked[style] += 1
        followed += bool(style) and made.text.endswith("</answer>")
    assert set(asked) == {"", *PRIOR_PROMPTS}
    assert followed / (600 - asked[""]) == pytest.approx(0.8, abs=0.08)
