"""Packed models: what comes back, how small they are, and what is refused."""

import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from thinkwell.lab import artifacts
from thinkwell.lab.starts import store


@pytest.fixture
def policy(tmp_path):
    folder = tmp_path / "policy"
    shutil.copytree(artifacts.path("policy"), folder)
    return folder


def changed(policy, seed=0):
    torch.manual_seed(seed)
    base = load_file(policy / "model.safetensors")
    return base, {name: weight + 0.02 * torch.randn_like(weight) for name, weight in base.items()}


def test_a_difference_comes_back_to_half_a_step_of_its_rows_scale(policy, tmp_path):
    base, weights = changed(policy)
    store.pack(weights, base, tmp_path / "a.safetensors")
    for name, weight in store.unpack(tmp_path / "a.safetensors", base).items():
        step = (weights[name] - base[name]).abs().amax(-1, keepdim=True) / 127
        bound = step / 2 if weight.ndim == 2 else torch.zeros_like(step)
        assert ((weight - weights[name]).abs() <= bound + 1e-6).all(), name


def test_an_unchanged_model_comes_back_as_it_was(policy, tmp_path):
    base = load_file(policy / "model.safetensors")
    store.pack(base, base, tmp_path / "same.safetensors")
    assert all(torch.equal(weight, base[name]) for name, weight in store.unpack(tmp_path / "same.safetensors", base).items())


def test_a_difference_is_a_quarter_of_the_policy(policy, tmp_path):
    base, weights = changed(policy)
    store.pack(weights, base, tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").stat().st_size < 0.3 * (policy / "model.safetensors").stat().st_size


def test_a_file_of_another_kind_is_refused(policy, tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="lab build"):
        store.unpack(tmp_path / "x.safetensors", {})


def test_the_folder_is_a_hugging_face_model_made_once_and_made_again_when_the_policy_changes(policy, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base, weights = changed(policy)
    store.pack(weights, base, tmp_path / "start.safetensors")
    folder = store.unpacked(tmp_path / "start.safetensors", policy)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.float32
    torch.testing.assert_close(model.model.norm.weight.data, weights["model.norm.weight"])
    assert transformers.AutoTokenizer.from_pretrained(folder).chat_template
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert store.unpacked(tmp_path / "start.safetensors", policy) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    save_file(weights, policy / "model.safetensors")
    assert store.unpacked(tmp_path / "start.safetensors", policy) != folder
