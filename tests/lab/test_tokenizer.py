"""The tokenizer: any text round-trips; the world's words are single tokens."""

import random
import re

import pytest
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from thinkwell.lab import tokenizer as lab_tokenizer
from thinkwell.lab.trace import write
from thinkwell.lab.world import generate


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    lab_tokenizer.save(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


@given(st.one_of(st.text(), st.text(alphabet="Waitbox 0123456789\n\\{}.,+=<>|_/xéあ")))
@example("<0x41> naïve ☃ 日本語 \x00\t\r\n \u200d end ")
@example("<think>\nWait, 5 + 3 = 8.\n\n</think>\n\n\\boxed{8}<|im_end|>")
@example("  Wait ,Hmm,5+3 = 8 : 7 , 1. 2 \n\n\n \\boxed { 8}")
@settings(deadline=None, max_examples=400)
def test_any_text_decodes_to_itself(tokens, text):
    assert tokens.decode(tokens(text, add_special_tokens=False)["input_ids"]) == text


def test_problems_and_traces_need_no_letter_by_letter_tokens(tokens):
    rng = random.Random(0)
    for seed in range(200):
        problem = generate(seed, 1 + seed % 10, "train")
        text = lab_tokenizer.prompt(problem.question) + write(problem, rng).text
        pieces = tokens.convert_ids_to_tokens(tokens(text, add_special_tokens=False)["input_ids"])
        assert not [p for p in pieces if re.fullmatch(r"[A-Za-z]|<0x..>", p)], text


def test_digits_and_blank_lines_and_markers_are_single_tokens(tokens):
    pieces = tokens.convert_ids_to_tokens(tokens("<think>\nHas 123.\n\n</think>\n\n<|im_end|>", add_special_tokens=False)["input_ids"])
    assert pieces[-8:] == ["1", "2", "3", ".", "\n\n", "</think>", "\n\n", "<|im_end|>"]
    assert pieces[:2] == ["<think>", "\n"]


def test_the_chat_template_opens_the_thinking(tokens):
    messages = [{"role": "user", "content": "How many?"}]
    assert tokens.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == lab_tokenizer.prompt("How many?")
    messages.insert(0, {"role": "system", "content": "Be short."})
    text = tokens.apply_chat_template(messages, tokenize=False)
    assert text == "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n"


def test_the_end_of_turn_token_is_the_end_of_text(tokens):
    assert tokens.eos_token == "<|im_end|>"
    assert tokens.pad_token == "<|pad|>"
    assert 550 <= len(tokens) <= 800
