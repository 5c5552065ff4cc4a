"""The bundled models: present, small, and what the card says."""

import pytest
import transformers

from thinkwell.lab import artifacts, world
from thinkwell.lab.card import render_card
from thinkwell.lab.labels import boxed


def test_the_bundled_files_are_small():
    files = [f for f in artifacts.FOLDER.rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) < 25 * 2**20


def test_an_unknown_model_is_refused_by_name():
    with pytest.raises(ValueError, match="critic"):
        artifacts.path("critic")


def test_the_bundled_policy_solves_easy_problems_and_writes_the_trace_format():
    from thinkwell.lab.sample import sample

    model = transformers.AutoModelForCausalLM.from_pretrained(artifacts.path("policy"))
    tokens = transformers.AutoTokenizer.from_pretrained(artifacts.path("policy"))
    problems = [world.generate(i, 2, "test") for i in range(20)]
    found = sample(model, tokens, [p.question for p in problems], 4, temperature=0.8)
    assert sum("\n\n</think>\n\n" in s.text for s in found) / len(found) > 0.95
    assert sum(boxed(s.text) == problems[s.problem].answer for s in found) / len(found) > 0.35


def test_the_card_holds_measured_numbers_that_reach_the_labs_targets():
    card = artifacts.card()
    mix = card["mix"]
    assert mix["problems"] >= 200
    assert mix["samples"] == 16
    assert 0.35 <= mix["pass_at_1"] <= 0.60
    assert mix["maj_at_16"] >= mix["pass_at_1"] + 0.10
    assert mix["maj_at_16"] <= mix["pass_at_16"] - 0.08
    assert mix["unreadable"] < 0.02
    assert mix["idle_reflection"] >= 0.25
    assert mix["bo16_minus_maj16"]["ci95"][0] > 0
    assert "pass_at_16" in render_card(card)


def test_the_process_reward_model_ranks_step_ends_as_well_as_it_should():
    mix = artifacts.card()["mix"]
    assert mix["prm_auroc"] >= 0.90
    assert min(mix["prm_auroc_first_wrong"].values()) >= 0.85


def test_the_engine_of_the_multi_skill_model_loads_it_and_answers_its_turns():
    from thinkwell.ask import solve
    from thinkwell.engines.registry import load_engine

    engine = load_engine("lab-skills")
    assert engine.info.model == "lab-skills"
    found = solve("Ann has 5 apples. Ann gets 7 apples from Ben. How many apples does Ann have now?", "sift", engine)
    assert all("The conditions:" in sticker for stage in found.outcome.facts["stages"] for sticker in stage["stickers"])
    assert found.outcome.facts["malformed_stickers"] == 0


def test_the_multi_skill_model_speaks_the_policys_language():
    """The vocabulary is the same, so that prefixes of one can be read by the other."""
    policy, skills = (artifacts.path(name) / "tokenizer.json" for name in ("policy", "skills"))
    assert policy.read_bytes() == skills.read_bytes()


def test_the_card_says_what_the_multi_skill_model_can_and_cannot_do():
    """Far from the truth that it was taught with, but better than chance where these say so; and it solves a little worse than the policy."""
    skills = artifacts.card()["skills"]
    assert skills["stickers"]["well_formed"] >= 0.9
    assert min(skills["verdicts"][name]["auroc"] for name in ("complete", "critic", "evaluator", "feedback", "self check: answer")) >= 0.7
    assert max(facts["unreadable"] for facts in skills["verdicts"].values()) < 0.1
    assert skills["base"]["change_of_pass_at_1"]["mean"] > -0.08
    assert "multi-skill" in render_card(artifacts.card())
