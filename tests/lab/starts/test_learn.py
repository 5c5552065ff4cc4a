"""Making a start: resumable, a pure function of the seed, and kept compactly."""

import pytest
import torch
from safetensors.torch import load_file

from thinkwell.lab import tokenizer as lab_tokenizer
from thinkwell.lab.build import save_model
from thinkwell.lab.models import new_policy
from thinkwell.lab.starts import learn as module
from thinkwell.lab.starts.learn import StartBatches, learn
from thinkwell.lab.starts.store import unpack
from thinkwell.lab.starts.traces import STARTS


@pytest.fixture(scope="module")
def tokens():
    return lab_tokenizer.make()


@pytest.fixture(scope="module")
def policy(tokens, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "policy"
    save_model(new_policy(tokens, 0, width=32, layers=1), tokens, folder)
    return folder


def test_a_batch_is_a_pure_function_of_seed_and_step(tokens):
    first, second = (StartBatches(tokens, STARTS["overthinking"].make, "s", rows=2, block=4) for _ in range(2))
    for step in (0, 5):
        first(step)
    assert all(torch.equal(a, b) for a, b in zip(first(2), second(2), strict=True))


def test_the_question_carries_no_loss(tokens):
    ids, labels = StartBatches(tokens, STARTS["difficulty-tags"].make, "s", rows=3, block=1)(0)
    for row, label in zip(ids, labels, strict=True):
        learnt = tokens.decode(row[label != -100])
        assert learnt.startswith("[")
        assert learnt.endswith("<|im_end|>")
        assert "user" not in learnt


def test_a_start_that_was_interrupted_ends_in_the_same_weights(tokens, policy, tmp_path, monkeypatch):
    def make(where, **more):
        learn(
            "overthinking",
            policy,
            tmp_path / f"{where}.safetensors",
            tmp_path / f"{where}.pt",
            tokens,
            rows=2,
            steps=20,
            log=lambda _: None,
            **more,
        )

    whole_fit = module.fit
    make("whole")

    def die(step):
        raise KeyboardInterrupt

    def every_checkpoint(model, batches, loss_of, schedule, checkpoint, **more):
        from dataclasses import replace

        return whole_fit(model, batches, loss_of, replace(schedule, save_every=0), checkpoint, snapshot=die, **more)

    monkeypatch.setattr(module, "fit", every_checkpoint)
    with pytest.raises(KeyboardInterrupt):
        make("cut")
    assert not (tmp_path / "cut.safetensors").exists()
    monkeypatch.setattr(module, "fit", whole_fit)
    make("cut")
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "cut.safetensors").read_bytes()


def test_training_moves_the_weights_and_another_seed_moves_them_elsewhere(tokens, policy, tmp_path):
    base = load_file(policy / "model.safetensors")
    found = []
    for seed in (1, 2):
        file = tmp_path / f"{seed}.safetensors"
        learn("overthinking", policy, file, tmp_path / f"{seed}.pt", tokens, rows=2, steps=10, seed=seed, log=lambda _: None)
        found.append(unpack(file, base)["model.embed_tokens.weight"])
    start = base["model.embed_tokens.weight"]
    assert not torch.equal(found[0], start)
    assert not torch.equal(found[0], found[1])
