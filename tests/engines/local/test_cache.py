from __future__ import annotations

import asyncio
import random

import pytest
import torch

from tests.engines.local.conftest import needs_compiler, plain_logits, request, tiny, write
from thinkwell.core.errors import EngineError
from thinkwell.engines.local.cache import Shelf, Slots, shared_prefix
from thinkwell.engines.local.engine import LocalEngine

CPU = torch.device("cpu")


def test_the_shelf_finds_the_longest_shared_prefix_by_name_or_content():
    shelf, data = Shelf(1 << 20), torch.zeros(1, 2, 1, 50, 4)
    shelf.put("a", range(50), data)
    shelf.put("b", [*range(20), 99, 98], data[:, :, :, :22])
    assert shelf.find([*range(20), 99, 5], ["b"])[1] == 21
    assert shelf.find([*range(40), 7])[1] == 40
    assert shelf.find([*range(10), 7])[1] == 0  # below one block and unnamed
    shelf.drop(["a", "b", "nobody"])
    assert shelf.find(range(50)) == (None, 0)
    assert shelf.used == 0


def test_shared_prefix_counts_equal_leading_ids():
    assert [
        shared_prefix(a, b)
        for a, b in (([], [1]), ([1, 2], [1, 2, 3]), ([1, 2, 4], [1, 2, 3]), ([4], [3]), ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 9, 6]))
    ] == [0, 2, 2, 0, 4]


def test_slots_keep_their_content_when_they_grow():
    slots = Slots(2, 2, 4, torch.float32, torch.device("cpu"), rows=2, length=3)
    slots.data.normal_()
    before = slots.save(1, 3)
    slots.reserve(7, 30)
    assert (slots.rows >= 7, slots.length >= 30) == (True, True)
    assert torch.equal(slots.save(1, 3), before)
    slots.load((2, 3, 4), before, 2)
    assert torch.equal(slots.save(4, 2), before[:, :, :, :2])


def test_a_path_that_went_on_is_copied_from_where_it_was_and_its_room_is_used_again():
    slots = Slots(2, 2, 4, torch.float32, torch.device("cpu"), rows=2, length=80)
    slots.data.copy_(torch.randn_like(slots.data))
    shelf = Shelf(1 << 20)
    shelf.keep("a", range(10), slots, 0)
    room = shelf.entries["a"].data
    slots.data[:, :, 0, :, :10] = 0  # what the path wrote before is not read again
    shelf.keep("a", range(30), slots, 0)
    assert shelf.entries["a"].data is room
    assert torch.equal(room[:, :, :, 10:30], slots.data[:, :, 0, :, 10:30])
    assert not torch.equal(room[:, :, :, :10], slots.data[:, :, 0, :, :10])
    shelf.keep("a", [*range(5), 99], slots, 1)  # another path under the same name
    assert torch.equal(shelf.entries["a"].data[:, :, :, :6], slots.data[:, :, 1, :, :6])
    assert shelf.find(range(40), ["a"])[1] == 5
    rooms = {entry.data.data_ptr() for entry in shelf.entries.values()} | {room.data_ptr()}
    shelf.drop(["a"])
    shelf.keep("b", range(12), slots, 1)
    assert shelf.entries["b"].data.data_ptr() in rooms
    assert shelf.used == shelf.entries["b"].bytes


def filled(rows: int = 3) -> Slots:
    slots = Slots(2, 2, 4, torch.float32, CPU, rows=rows, length=80)
    slots.data.normal_()
    return slots


def test_rows_are_taken_empty_first_then_from_the_path_that_left_first():
    slots, shelf = filled(), Shelf(1 << 20)
    assert [slots.take() for _ in range(3)] == [(0, None), (1, None), (2, None)]
    shelf.lodge("first", range(20), slots, 1)
    shelf.lodge("second", range(30), slots, 0)
    slots.empty.append(2)
    assert slots.take() == (2, None)
    row, lodger = slots.take()
    assert (row, lodger) == (1, shelf.entries["first"])


def test_a_path_at_rest_in_a_row_costs_nothing_until_the_row_is_needed():
    slots, shelf = filled(), Shelf(1 << 20)
    row, _ = slots.take()
    shelf.lodge("a", range(20), slots, row)
    assert (shelf.used, shelf.find([*range(20), 5])[1]) == (0, 20)
    before = slots.save(row, 20)
    shelf.settle(shelf.entries["a"])
    slots.data.zero_()
    assert torch.equal(shelf.entries["a"].data[:, :, :, :20], before)
    assert shelf.used == shelf.entries["a"].bytes > 0


def test_a_path_goes_on_in_its_own_row_and_a_cut_one_is_known_up_to_the_cut_only():
    slots, shelf = filled(), Shelf(1 << 20)
    row, _ = slots.take()
    shelf.lodge("a", range(40), slots, row)
    assert shelf.claim("b", 40, slots) is None
    assert shelf.claim("a", 18, slots) == row
    assert shelf.claim("a", 18, slots) is None  # somebody writes on it
    assert shelf.find(range(40))[1] == 18
    assert shelf.find(range(40), ["a"])[1] == 18
    shelf.drop(["a"])
    assert row not in slots.empty  # it is being written on
    assert shelf.find(range(40)) == (None, 0)


def test_of_a_path_cut_into_what_was_copied_out_the_rest_is_copied_again():
    slots, shelf = filled(), Shelf(1 << 20)
    row, _ = slots.take()
    shelf.lodge("a", range(40), slots, row)
    slots.lodgers.clear()
    shelf.settle(shelf.entries["a"])
    shelf.lodge("a", range(50), slots, row)
    assert shelf.claim("a", 20, slots) == row
    slots.data[:, :, row, :, 20:].normal_()
    shelf.lodge("a", [*range(20), *range(100, 120)], slots, row)
    slots.lodgers.clear()
    shelf.settle(shelf.entries["a"])
    assert torch.equal(shelf.entries["a"].data[:, :, :, :40], slots.save(row, 40))


def test_a_dropped_path_leaves_its_row_empty():
    slots, shelf = filled(), Shelf(1 << 20)
    row, _ = slots.take()
    shelf.lodge("a", range(40), slots, row)
    shelf.lodge("a", range(50), slots, 2)  # the same path elsewhere: a row that it has left is empty
    assert slots.empty[-1] == row
    shelf.clear()
    assert set(slots.empty) == {0, 1, 2}
    assert not slots.lodgers


@pytest.mark.parametrize("seed", range(4))
def test_paths_that_go_on_fork_cut_and_return_in_any_order_hold_what_they_should(tokenizer, seed):
    """Three rows and little memory for seven paths: rows are claimed, taken over, copied out, dropped; the logits must be those of a plain forward."""
    model, rng = tiny("qwen3", torch.float32), random.Random(seed)
    engine = LocalEngine(model, tokenizer, rows=3, cache_bytes=60_000)
    paths = {f"p:{i}": [rng.randrange(2, 294) for _ in range(rng.randint(1, 40))] for i in range(3)}
    for turn in range(25):
        chosen = rng.sample(sorted(paths), min(len(paths), rng.randint(1, 5)))
        asked = []
        for name in chosen:
            lineage: tuple[str, ...] = (name,)
            act = rng.random()
            if act < 0.25 and len(paths) < 7:
                parent, name = name, f"{name}.{turn}"
                paths[name], lineage = list(paths[parent]), (name, parent)
            elif act < 0.5:
                del paths[name][rng.randint(1, len(paths[name])) :]
            elif act < 0.6:
                engine.release([name])
            asked.append((name, request(f"{turn}.{name}", paths[name], rng.randint(1, 12), lineage=lineage, ignore_eos=True)))

        async def act_and_look(asked=asked):  # some paths' next tokens are asked for while others write
            looked = [name for name in paths if name not in dict(asked)][:2]
            return await asyncio.gather(
                engine.generate([one for _, one in asked]), engine.peek([paths[name] for name in looked], top=0)
            ), looked

        (done, peeked), looked = asyncio.run(act_and_look())
        for (name, _), completion in zip(asked, done, strict=True):
            paths[name] += completion.tokens
        looks = dict(zip(looked, peeked, strict=True))
        looks |= dict(zip(chosen, asyncio.run(engine.peek([paths[name] for name in chosen], top=0)), strict=True))
        for name, found in looks.items():
            expected = plain_logits(model, paths[name])[-1].log_softmax(-1)
            torch.testing.assert_close(torch.tensor([found[i] for i in range(len(expected))]), expected.float(), atol=2e-4, rtol=0)


@needs_compiler
def test_after_a_failure_of_the_model_all_rows_are_free_again_and_the_engine_goes_on(tokenizer, monkeypatch):
    engine = LocalEngine(tiny("qwen3", torch.float32), tokenizer, rows=4)
    orders = [request(str(i), [5, 9, 12, 40 + i], 30, lineage=(f"p:{i}",)) for i in range(6)]
    expected = [one.tokens for one in write(LocalEngine(tiny("qwen3", torch.float32), tokenizer), *orders)]
    real, calls = engine.decoder.logits, iter(range(100))

    def breaks(hidden: torch.Tensor) -> torch.Tensor:
        if next(calls) == 7:
            raise RuntimeError("out of memory")
        return real(hidden)

    monkeypatch.setattr(engine.decoder, "logits", breaks)
    with pytest.raises(EngineError, match="out of memory"):
        write(engine, *orders)
    assert sorted([*engine.scheduler.slots.empty, *engine.scheduler.slots.lodgers]) == [0, 1, 2, 3]
    assert [one.tokens for one in write(engine, *orders)] == expected
