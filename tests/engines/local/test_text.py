"""Stop strings, characters that span tokens, streaming. Hooks force the tokens, so every text is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from tests.engines.local.conftest import byte_tokenizer, request, write
from thinkwell.core.path import Finish
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.local.text import BYTE_LEVEL, Vocabulary

PROMPT = [5, 9, 200, 17]


@pytest.fixture
def ids(tokenizer) -> Any:
    return lambda *pieces: tokenizer.convert_tokens_to_ids(list(pieces))


class Force:
    """Makes the path write these ids, then 'z' for ever."""

    def __init__(self, ids: Sequence[int], after: int) -> None:
        self.ids, self.after = [*ids], after

    def __call__(self, logits_V: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
        token = self.ids.pop(0) if self.ids else self.after
        return torch.full_like(logits_V, -torch.inf).index_fill(0, torch.tensor(token), 0.0)


def forced(engine: LocalEngine, ids: Sequence[int], **more: Any) -> Any:
    z = engine.tokenizer.convert_tokens_to_ids("z")
    return write(engine, request("0", PROMPT, more.pop("max_tokens", 12), hook=Force(ids, z), **more))[0]


def test_a_stop_string_across_tokens_is_kept_with_its_tokens(engine, ids):
    done = forced(engine, ids("ab", ".", "\n", "\n", "the"), stop=("\n\n",))
    assert (done.text, done.finish, done.stop_matched, done.dropped) == ("ab.\n\n", Finish.STOP, "\n\n", 0)
    assert list(done.tokens) == ids("ab", ".", "\n", "\n")


def test_a_kept_stop_string_that_ends_inside_a_token_keeps_that_token(engine, ids):
    done = forced(engine, ids("a", "\n", "\nQ", "b"), stop=("\n\n",))
    assert (done.text, list(done.tokens)) == ("a\n\nQ", ids("a", "\n", "\nQ"))


def test_a_dropped_stop_string_takes_its_whole_tokens_away(engine, ids):
    done = forced(engine, ids("ab", ".", "\n\n", "b"), stop=("\n\n",), include_stop=False, logprobs=True)
    assert (done.text, list(done.tokens), done.dropped, len(done.logprobs)) == ("ab.", ids("ab", "."), 1, 2)


def test_a_dropped_stop_string_that_begins_inside_a_token_leaves_the_token_and_cuts_the_text(engine, ids):
    done = forced(engine, ids("ab", ".\n", "\nQ", "b"), stop=("\n\n",), include_stop=False)
    assert (done.text, list(done.tokens), done.dropped) == ("ab.", ids("ab", ".\n"), 1)


def test_a_stop_string_may_begin_in_the_segments_earlier_text(engine, ids):
    done = forced(engine, ids("\n", "b"), stop=("\n\n",), stop_context="a.\n")
    assert (done.text, done.stop_matched) == ("\n", "\n\n")
    assert forced(engine, ids("a", "b"), stop=("\n\n",), stop_context="a\n\n", max_tokens=3).finish is Finish.LENGTH


def test_stop_strings_do_not_count_below_min_tokens(engine, ids):
    done = forced(engine, ids("a", "\n\n", "b", "b", "\n\n", "b"), stop=("\n\n",), min_tokens=4)
    assert list(done.tokens) == ids("a", "\n\n", "b", "b", "\n\n")


def test_a_stop_string_of_letters_is_found_wherever_it_begins_and_ends(engine, ids):
    assert forced(engine, ids("a", "b", "the"), stop=("bt",)).text == "abthe"
    assert forced(engine, ids("a", "b", "the"), stop=("bt",), include_stop=False).text == "a"


def test_a_character_of_several_byte_tokens_is_text_once_it_is_whole(engine, ids):
    done = forced(engine, ids("a", "<0xC3>", "<0xA9>", "b"), max_tokens=4)
    assert done.text == "aéb"
    assert forced(engine, ids("a", "<0xC3>", "<0xA9>", "b"), stop=("é",)).text == "aé"


def test_half_a_character_at_the_end_is_left_to_the_segment_that_completes_it(engine, ids):
    first = forced(engine, ids("a", "<0xE2>", "<0x82>"), max_tokens=3)
    assert first.text == "a"
    z = ids("z")[0]
    rest = write(engine, request("0", [*PROMPT, *first.tokens], 2, hook=Force(ids("<0xAC>", "b"), z)))[0]
    assert first.text + rest.text == "a€b"


def test_streaming_gives_every_id_and_the_text_in_order(engine, ids):
    pieces: list[tuple[tuple[int, ...], str]] = []
    done = forced(
        engine, ids("ab", "<0xC3>", "<0xA9>", "\n", "the"), max_tokens=6, on_tokens=lambda new, text: pieces.append((tuple(new), text))
    )
    assert "".join(text for _, text in pieces) == done.text == "abé\nthez"
    assert [i for new, _ in pieces for i in new] == list(done.tokens)
    assert len(pieces) == 6


def test_streaming_never_shows_a_stop_string_that_is_dropped(engine, ids):
    pieces: list[str] = []
    done = forced(
        engine, ids("ab", "\n", "a", "\n", "\n", "b"), stop=("\n\n",), include_stop=False, on_tokens=lambda new, text: pieces.append(text)
    )
    assert done.text == "".join(pieces) == "ab\na"
    assert pieces[0] == "ab"


def test_a_failing_callback_fails_its_request_and_no_other(engine):
    def broken(new: Sequence[int], text: str) -> None:
        raise OSError("terminal gone")

    async def both() -> list[Any]:
        bad, good = engine.generate([request("0", PROMPT, 5, on_tokens=broken)]), engine.generate([request("1", PROMPT, 5)])
        return await asyncio.gather(bad, good, return_exceptions=True)

    bad, good = asyncio.run(both())
    assert isinstance(bad, OSError)
    assert len(good[0].tokens) == 5


def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    """All bytes as GPT-2 writes them, some words, and added tokens, one with characters that are no bytes."""
    inner = Tokenizer(
        models.BPE(vocab={piece: i for i, piece in enumerate([*BYTE_LEVEL, "the", "\u0120the", "\u010a\u010a", "\u00c3\u00a9"])}, merges=[])
    )
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken("<|end|>", special=True), AddedToken("<｜User｜>", special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=inner)


@pytest.mark.parametrize("made", [byte_tokenizer, byte_level_tokenizer])
def test_joined_bytes_are_what_the_tokenizer_decodes(made):
    tokenizer = made()
    size = len(tokenizer) + 3  # models often have more ids than their tokenizer
    vocabulary = Vocabulary(tokenizer, size)
    assert vocabulary._bytes is not None

    @given(st.lists(st.integers(0, size - 1), max_size=12))
    def check(ids: list[int]) -> None:
        assert vocabulary.decode(ids) == tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=False)

    check()


def test_a_tokenizer_whose_text_is_more_than_its_parts_decodes_itself():
    inner = Tokenizer(models.WordLevel({"\u2581a": 0, "\u2581b": 1}, unk_token="\u2581a"))
    inner.decoder = decoders.Metaspace()
    vocabulary = Vocabulary(PreTrainedTokenizerFast(tokenizer_object=inner), 2)
    assert vocabulary._bytes is None
    assert vocabulary.decode([0, 1]) == "a b"
