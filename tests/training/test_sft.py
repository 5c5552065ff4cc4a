"""Supervised fine-tuning: which tokens are learnt, the loss of a batch however it is cut or packed, and files that users bring."""

from __future__ import annotations

import copy
import json
from pathlib import Path as Folder

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.training.small import tokenizer
from thinkwell.core.errors import ConfigError, DataError, ModelError
from thinkwell.core.path import Origin, Path, Segment
from thinkwell.lab.models import new_policy
from thinkwell.training.policy import LogProbs
from thinkwell.training.sft import Drawn, Packed, Shuffled, read_rows, row_of, row_of_pieces, rows_of, sft_step

TOKENS = tokenizer()
TALK = [
    {"role": "user", "content": "Ann has 5 apples."},
    {"role": "assistant", "content": "<think>\nFirst.\n\n</think>\n\nYes."},
    {"role": "user", "content": "So how many?"},
    {"role": "assistant", "content": "<think>\nNow.\n\n</think>\n\nAnn has 5."},
]
STRIPS = (
    "{%- for message in messages -%}{{- '<|im_start|>' + message['role'] + '\n' -}}"
    "{{- message['content'] if loop.last or message['role'] != 'assistant' else message['content'].split('</think>')[-1].strip() -}}"
    "{{- '<|im_end|>\n' -}}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


def model(seed: int = 0):
    return new_policy(TOKENS, seed, width=32, layers=2).double()


def batch(count: int = 7):
    generator = torch.Generator().manual_seed(3)
    lengths = torch.randint(3, 40, (count,), generator=generator).tolist()
    return [
        (torch.randint(5, 400, (n,), generator=generator).tolist(), (torch.rand(n, generator=generator) < 0.6).tolist()) for n in lengths
    ]


def gradients(rows, micro_tokens, *, packing=False):
    net = model()
    loss, metrics = sft_step((Packed if packing else LogProbs)(net), rows, micro_tokens, packing=packing)
    return loss, metrics, {name: weight.grad for name, weight in net.named_parameters()}


def test_the_loss_is_the_mean_over_all_learnt_tokens_of_the_batch() -> None:
    rows, net = batch(), model()
    losses = []
    for ids, flags in rows:
        logits = net(input_ids=torch.tensor([ids])).logits[0, :-1]
        each = cross_entropy(logits.detach(), torch.tensor(ids[1:]), reduction="none")
        losses += [float(value) for value, learnt in zip(each, flags[1:], strict=True) if learnt]
    loss, metrics, _ = gradients(rows, 64)
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-9)
    assert metrics["learnt_tokens"] == len(losses)


@pytest.mark.parametrize("packing", [False, True])
def test_the_split_into_micro_batches_changes_nothing(packing: bool) -> None:
    whole, _, expected = gradients(batch(), 10_000, packing=packing)
    for micro_tokens in (40, 90):
        loss, _, found = gradients(batch(), micro_tokens, packing=packing)
        assert loss == pytest.approx(whole, rel=1e-9)
        assert all(torch.allclose(found[name], expected[name], atol=1e-10) for name in expected)


def test_packed_and_unpacked_losses_and_gradients_agree() -> None:
    loss, padded, expected = gradients(batch(12), 120)
    packed_loss, packed, found = gradients(batch(12), 120, packing=True)
    assert packed_loss == pytest.approx(loss, rel=1e-9)
    assert all(torch.allclose(found[name], expected[name], atol=1e-9) for name in expected)
    assert packed["padding"] < padded["padding"] or packed["padding"] < 0.1


def test_a_row_in_a_pack_does_not_see_the_row_before_it() -> None:
    """Another text before it, the same loss on it."""
    ids = list(range(10, 30))
    quiet = [False] * 15
    losses = [
        gradients([(other, quiet), (ids, [True] * 20), (list(range(40, 75)), [False] * 35)], 40, packing=True)[0]
        for other in (list(range(100, 115)), list(range(200, 215)))
    ]
    assert losses[0] == losses[1]
    assert losses[0] == pytest.approx(gradients([(ids, [True] * 20)], 40)[0], rel=1e-9)


def test_gradients_add_up_and_a_custom_backward_gets_every_micro_batch() -> None:
    net, seen = model(), []
    sft_step(LogProbs(net), batch(), 40, backward=lambda loss: seen.append(float(loss.detach())))
    assert len(seen) > 1
    assert sum(seen) == pytest.approx(gradients(batch(), 40)[0])
    assert all(weight.grad is None for weight in net.parameters())


def test_a_batch_without_a_learnt_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="flags"):
        sft_step(LogProbs(model()), [([1, 2, 3], [True, False, False])], 64)


def test_a_path_is_learnt_where_the_model_wrote() -> None:
    path = Path(
        "0",
        (
            Segment("?", Origin.PROMPT, (1, 2)),
            Segment("a", Origin.MODEL, (3,)),
            Segment("Wait", Origin.INJECTED, (4, 5)),
            Segment("b", Origin.MODEL, (6,)),
        ),
    )
    ids, flags = row_of(path)
    assert list(ids) == [1, 2, 3, 4, 5, 6]
    assert flags == [False, False, True, False, False, True]


def test_pieces_that_were_put_in_carry_no_loss() -> None:
    ids, flags = row_of_pieces(TOKENS, TALK[:1], [("First.", True), ("[ no comments. ]", False), ("Now.", True)])
    learnt = TOKENS.decode([token for token, flag in zip(ids, flags, strict=True) if flag])
    assert learnt == "First.Now.<|im_end|>"
    assert TOKENS.decode(ids).startswith("<|im_start|>user\nAnn has 5 apples.<|im_end|>\n<|im_start|>assistant\n<think>\nFirst.")


def learnt_of(row) -> str:
    ids, flags = row
    return TOKENS.decode([token for token, flag in zip(ids, flags, strict=True) if flag])


def test_only_the_assistants_turns_are_learnt_without_what_the_template_opens_them_with() -> None:
    (row,) = rows_of(TOKENS, TALK)
    assert TOKENS.decode(row[0]) == TOKENS.apply_chat_template(TALK, tokenize=False)
    assert learnt_of(row) == "First.\n\n</think>\n\nYes.<|im_end|>Now.\n\n</think>\n\nAnn has 5.<|im_end|>"


def test_an_answer_without_thinking_is_learnt_from_its_first_word() -> None:
    (row,) = rows_of(TOKENS, [TALK[0], {"role": "assistant", "content": "Yes."}])
    assert learnt_of(row) == "Yes.<|im_end|>"


def test_a_template_that_drops_earlier_thinking_gives_a_row_for_each_turn() -> None:
    strips = copy.deepcopy(TOKENS)
    strips.chat_template = STRIPS
    first, second = rows_of(strips, TALK)
    assert learnt_of(first) == "<think>\nFirst.\n\n</think>\n\nYes.<|im_end|>"
    assert learnt_of(second) == "<think>\nNow.\n\n</think>\n\nAnn has 5.<|im_end|>"
    assert "First." not in TOKENS.decode(second[0])


def test_a_tokenizer_without_a_chat_template_is_refused() -> None:
    bare = copy.deepcopy(TOKENS)
    bare.chat_template = None
    with pytest.raises(ModelError, match="chat template"):
        rows_of(bare, TALK)


def test_both_forms_of_a_line_give_the_same_row(tmp_path: Folder) -> None:
    file = tmp_path / "data.jsonl"
    pair = {"prompt": TALK[0]["content"], "response": TALK[1]["content"]}
    file.write_text(json.dumps({"messages": TALK[:2]}) + "\n\n" + json.dumps(pair) + "\n")
    first, second = read_rows(file, TOKENS)
    assert first == second


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ("[1]", "no conversation"),
        ('{"prompt": "x"}', "no conversation"),
        ('{"messages": []}', "no conversation"),
        ('{"messages": [{"role": "boss", "content": "x"}]}', "boss"),
        ('{"messages": [{"role": "user", "content": 3}]}', "content"),
        ('{"prompt": "x", "response": null}', "content"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "no turn of the assistant"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Folder, line: str, said: str) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps({"messages": TALK}) + "\n" + line + "\n")
    with pytest.raises(DataError, match="line 2") as error:
        read_rows(file, TOKENS)
    assert said in str(error.value)


def test_a_missing_or_empty_file_is_refused(tmp_path: Folder) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_rows(tmp_path / "none.jsonl", TOKENS)
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no conversation"):
        read_rows(tmp_path / "empty.jsonl", TOKENS)


def test_every_epoch_has_every_row_once_and_the_order_is_the_seeds() -> None:
    given = [([i], [True]) for i in range(5)]
    rows = Shuffled(given, count=2, seed=1)
    first = [row[0][0] for step in range(5) for row in rows(step)]
    assert sorted(first[:5]) == sorted(first[5:]) == list(range(5))
    assert first == [row[0][0] for step in range(5) for row in Shuffled(given, count=2, seed=1)(step)]
    with pytest.raises(ConfigError):
        Shuffled([], 2)


def test_what_is_filtered_out_is_drawn_again_and_a_filter_that_keeps_nothing_is_an_error() -> None:
    rows = Drawn(lambda rng: ([number], [True]) if (number := rng.randrange(10)) % 2 else None, 6, "odd/0")
    assert [ids[0] % 2 for ids, _ in rows(3)] == [1] * 6
    assert rows(3) == rows(3) != rows(4)
    with pytest.raises(ConfigError, match="milder"):
        Drawn(lambda rng: None, 1, "none/0")(0)
