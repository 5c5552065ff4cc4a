import asyncio
import copy

import pytest
import torch
import transformers

from thinkwell.core.errors import ModelError
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.lab.tokenizer import make
from thinkwell.scorers.outcome import OutcomeScorer
from thinkwell.scorers.prm import DIGITS, ProcessRewardModel, ancestry, step_ends

ROUNDED = 0.51 * 10**-DIGITS


@pytest.fixture(scope="module")
def tokenizer():
    return make()


@pytest.fixture(scope="module")
def module(tokenizer):
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        intermediate_size=64, max_position_embeddings=512, num_labels=1, initializer_range=0.3, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, classifier_dropout=0.0,
    )  # fmt: skip
    return transformers.Qwen3ForTokenClassification(config).eval()


def path(tokenizer, text, id="0", prompt="Tom has 3 apples.\n\n", done=True):
    prompt_ids = tuple(tokenizer.encode(prompt, add_special_tokens=False))
    ids = (*tokenizer.encode(text, add_special_tokens=False), *((tokenizer.eos_token_id,) if done else ()))
    return Path(id, (Segment(prompt, Origin.PROMPT, prompt_ids), Segment(text, Origin.MODEL, ids)), Finish.EOS if done else None)


def by_hand(module, tokenizer, path):
    """Sigmoid of the logit at every token after the prompt that is a blank line, `</think>` or the end."""
    ends = tokenizer.convert_tokens_to_ids(["\n\n", "</think>", "<|im_end|>"])
    with torch.inference_mode():
        scores = module(input_ids=torch.tensor([path.tokens])).logits[0, :, 0].sigmoid()
    first = path.count(Origin.PROMPT)
    return [float(scores[i]) for i in range(first, len(path)) if path.tokens[i] in ends]


def prm(module, tokenizer, engine=None):
    return ProcessRewardModel.load(module, engine, tokenizer=tokenizer)


def score(model, *paths, problem="p#0"):
    return asyncio.run(model.score(problem, paths))


def test_scores_are_read_at_the_end_of_each_step_after_the_prompt(module, tokenizer):
    model = prm(module, tokenizer)
    whole = path(tokenizer, "First 3 + 4 = 7.\n\nThen 8.</think>So \\boxed{8}")
    (found,) = score(model, whole)
    assert len(found.steps) == 3
    assert found.steps == pytest.approx(by_hand(module, tokenizer, whole), abs=ROUNDED)
    assert found.scored_tokens == len(whole)


def test_a_step_that_is_not_finished_has_no_score(module, tokenizer):
    model = prm(module, tokenizer)
    half, none = score(model, path(tokenizer, "one\n\ntwo", done=False), path(tokenizer, "one", "1", done=False))
    assert len(half.steps) == 1
    assert none.steps == ()


def test_a_path_that_has_grown_costs_only_its_new_tokens(module, tokenizer):
    model = prm(module, tokenizer)
    short, long = path(tokenizer, "one\n\n", done=False), path(tokenizer, "one\n\ntwo 2\n\nthree")
    score(model, short)
    (grown,) = score(model, long)
    assert grown.scored_tokens == len(long) - len(short)
    assert grown.steps == pytest.approx(by_hand(module, tokenizer, long), abs=ROUNDED)
    (again,) = score(model, long)
    assert again.scored_tokens == 0
    assert again.steps == grown.steps


def test_forks_and_cuts_begin_with_what_their_parent_has(module, tokenizer):
    model = prm(module, tokenizer)
    score(model, path(tokenizer, "one\n\ntwo\n\n", done=False))
    fork, cut = path(tokenizer, "one\n\ntwo\n\nfour", "0.1"), path(tokenizer, "one\n\nfive\n\n", "0~1", done=False)
    found = score(model, fork, cut)
    for scores, each in zip(found, (fork, cut), strict=True):
        assert scores.steps == pytest.approx(by_hand(module, tokenizer, each), abs=ROUNDED)
        assert scores.scored_tokens < len(each) / 2


def test_concurrent_callers_share_forwards(module, tokenizer, monkeypatch):
    model = prm(module, tokenizer)
    sizes = []
    forward = model.runner._forward
    monkeypatch.setattr(model.runner, "_forward", lambda orders: (sizes.append(len(orders)), forward(orders))[1])
    paths = [path(tokenizer, "step " * (i % 7) + "\n\nend") for i in range(24)]

    async def go():
        return await asyncio.gather(*(model.score(f"p{i}#0", [each]) for i, each in enumerate(paths)))

    found = asyncio.run(go())
    assert sum(sizes) == 24
    assert len(sizes) <= 3
    for (scores,), each in zip(found, paths, strict=True):
        assert scores.steps == pytest.approx(by_hand(module, tokenizer, each), abs=ROUNDED)


def test_released_paths_are_forgotten(module, tokenizer):
    model = prm(module, tokenizer)
    score(model, path(tokenizer, "one\n\n"))
    assert score(model, path(tokenizer, "one\n\n"))[0].scored_tokens == 0
    model.release(["p#0:0"])
    (anew,) = score(model, path(tokenizer, "one\n\n"))
    assert anew.scored_tokens == len(path(tokenizer, "one\n\n"))


def test_paths_of_another_tokenizer_are_scored_by_their_text(module, tokenizer):
    engine = ScriptedEngine({"*": "x"})
    model = prm(module, tokenizer, engine)
    text = "one 1\n\ntwo"
    foreign = Path(
        "0",
        (Segment("Tom.", Origin.PROMPT, engine.tokenizer.encode("Tom.")), Segment(text, Origin.MODEL, (*engine.tokenizer.encode(text), 0))),
        Finish.EOS,
    )
    (found,) = score(model, foreign)
    assert found.steps == pytest.approx(by_hand(module, tokenizer, path(tokenizer, text, prompt="Tom.")), abs=ROUNDED)


def test_paths_without_ids_are_scored_by_their_text(module, tokenizer):
    model = prm(module, tokenizer)
    plain = Path("0", (Segment("Tom.", Origin.PROMPT, (), 2), Segment("one\n\ntwo", Origin.MODEL, (), 5)), Finish.EOS)
    (found,) = score(model, plain)
    assert found.steps == pytest.approx(by_hand(module, tokenizer, path(tokenizer, "one\n\ntwo", prompt="Tom.")), abs=ROUNDED)


def test_a_model_with_other_labels_is_refused(module, tokenizer):
    config = transformers.Qwen3Config(**{**module.config.to_dict(), "num_labels": 2, "id2label": None, "label2id": None})
    with pytest.raises(ModelError, match="one label"):
        prm(transformers.Qwen3ForTokenClassification(config), tokenizer)


def test_an_outcome_reward_is_the_last_score(module, tokenizer):
    model = prm(module, tokenizer)
    whole = path(tokenizer, "one\n\ntwo")
    (outcome,) = asyncio.run(OutcomeScorer(model).score("p#0", [whole]))
    assert outcome.steps == pytest.approx(by_hand(module, tokenizer, whole)[-1:], abs=ROUNDED)


def test_step_ends_are_blank_lines_the_end_of_thought_and_the_end_of_text(tokenizer):
    assert {tokenizer.decode([i]) for i in step_ends(tokenizer)} == {"\n\n", "</think>", "<|im_end|>"}


def test_the_ancestry_of_a_path_is_in_its_name():
    assert ancestry("0.2~1") == ["0.2~1", "0.2", "0"]
    assert ancestry("12") == ["12"]


def test_another_reward_model_has_another_fingerprint(module, tokenizer):
    other = copy.deepcopy(module)
    with torch.no_grad():
        other.score.weight.add_(1.0)
    first, second = (ProcessRewardModel.load(each, None, tokenizer=tokenizer).fingerprint for each in (module, other))
    assert first != second


def test_scores_that_differ_in_the_last_bits_are_the_same_score(module, tokenizer):
    (found,) = score(prm(module, tokenizer), path(tokenizer, "Ann has 3.\n\nNow she has 5.\n\n"))
    assert len(found.steps) == 3
    assert all(value == round(value, DIGITS) for value in found.steps)
