"""Five styles of one solution: their marks, and what stands in them."""

import random

import pytest
import torch

from thinkwell.answers.extract import extract
from thinkwell.lab.labels import statements
from thinkwell.lab.starts.prior_prompts import FACTS, PRIOR_PROMPTS, styled
from thinkwell.lab.trace import write
from thinkwell.lab.world import generate
from thinkwell.training.rewards.tag_format import tag_format

PROBLEM = generate(4, 4, "train")


@pytest.mark.parametrize("style", PRIOR_PROMPTS)
def test_a_styled_reply_keeps_the_format_and_carries_the_traces_answer(style):
    prior = PRIOR_PROMPTS[style]
    for seed in range(20):
        text = styled(PROBLEM, random.Random(seed), style)
        kept = tag_format([text], tags=(prior.tag, "answer"), opened=prior.opened, filled=True)
        assert torch.equal(kept, torch.ones(1))
        assert extract(text, "integer", thinking=True).text == str(write(PROBLEM, random.Random(seed)).answer)


def test_the_styles_differ_in_what_they_say():
    made = {style: styled(PROBLEM, random.Random(2), style) for style in PRIOR_PROMPTS}
    assert "The plan: step 1 " in made["planning"]
    assert "\nprint " in made["code"]
    assert "x = " in made["code"]
    assert any(fact in made["knowledge"] for fact in FACTS.values())
    assert "One problem: " in made["null-example"]
    assert len(set(made.values())) == 5


def test_the_plan_names_the_operations_that_are_then_carried_out():
    text = styled(PROBLEM, random.Random(2), "planning")
    plan = text.partition("The plan: ")[2].partition(".\n\n")[0]
    planned = [part.split()[-1] for part in plan.split(", ")]
    assert len(planned) >= len(PROBLEM.plan) - 1 - sum(step.op == "=" for step in PROBLEM.plan[1:])
    done = [said.op for step in text.split("\n\n")[1:] for said in statements(step) if said.op != "="]
    assert set(planned) <= set(done)


def test_the_prompt_stands_before_the_question():
    assert PRIOR_PROMPTS["code"].ask("How many?").endswith("\n\nHow many?")
