"""Which ids a vocabulary has for a word: at the start of a line, after a space, cut into pieces, or none; and what closes a thinking."""

import asyncio

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.decoding.markers import Markers, closings_of, markers_of, pieces_of

QWEN = ["wait", " wait", "Wait", " Wait", "but", " but", "But", " But", "Alternatively", " alternatively", "</think>", "\n", "\n\n", "."]
UNKNOWN = 0


class Pieces:
    """A vocabulary of pieces, the longest that fits first; single characters only if they are named, else the unknown token."""

    def __init__(self, *pieces, start=""):
        self.pieces, self.start = ["<unk>", *pieces], start

    async def encode(self, text):
        text, ids = self.start + text, []
        if self.start:
            text = text.replace(" ", self.start)
        while text:
            fits = [piece for piece in self.pieces if text.startswith(piece)]
            piece = max(fits, key=len) if fits else None
            ids.append(self.pieces.index(piece) if piece else UNKNOWN)
            text = text[len(piece or text[0]) :]
        return tuple(ids)

    async def decode(self, tokens):
        text = "".join(self.pieces[token] for token in tokens)
        return text.replace(self.start, " ").removeprefix(" ") if self.start else text


def find(vocabulary, *words, **how):
    found = asyncio.run(markers_of(vocabulary, words, **how))
    assert all(asyncio.run(vocabulary.decode([token])).strip() for token in found.ids)
    return found


def test_by_default_only_the_tokens_that_start_a_line():
    """The authors map strings to vocabulary entries: " wait" and " Wait" stay as they are."""
    qwen = Pieces(*QWEN)
    found = find(qwen, "wait", "Wait", "but", "But", "Alternatively")
    assert found == Markers({word: qwen.pieces.index(word) for word in ("wait", "Wait", "but", "But", "Alternatively")})


def test_tokens_after_a_space_and_in_other_cases_on_request():
    qwen = Pieces(*QWEN)
    assert set(find(qwen, "wait", space_variants=True).found) == {"wait", " wait"}
    assert set(find(qwen, "wait", space_variants=True, case_variants=True).found) == {"wait", " wait", "Wait", " Wait"}
    assert set(find(qwen, "wait", case_variants=True).found) == {"wait", "Wait"}


def test_variants_that_do_not_exist_are_reported_but_one_must():
    assert find(Pieces(*QWEN), "Alternatively", space_variants=True, case_variants=True) == Markers(
        {"Alternatively": 9, " alternatively": 10}, ("alternatively", " Alternatively")
    )


def test_a_word_without_a_token_is_refused_and_its_pieces_named():
    """A missing entry would index logits by nothing, and the unknown token is a real one: neither may be biased."""
    with pytest.raises(ConfigError, match=r"no token for 'Hmm'.*\['<unk>', '<unk>', '<unk>'\].*Name other words"):
        find(Pieces(*QWEN), "wait", "Hmm")
    with pytest.raises(ConfigError, match=r"cut into \['Altern', 'atively'\]"):
        find(Pieces("Altern", "atively", "\n"), "Alternatively")
    with pytest.raises(ConfigError, match="no token for 'W'"):
        find(Pieces("\n"), "W")  # one id, but it is the unknown token


def test_first_pieces_are_taken_on_request_if_they_say_enough():
    cut = Pieces("Altern", "atively", " altern", "W", "ait", "\n", ".", " ")
    assert find(cut, "Alternatively", first_pieces=True).found == {"Alternatively": 1}
    assert find(cut, "alternatively", first_pieces=True, space_variants=True).found == {" alternatively": 3}
    with pytest.raises(ConfigError, match="no token for 'Wait'"):
        find(cut, "Wait", first_pieces=True)  # W begins everything
    assert asyncio.run(pieces_of(cut, "Wait")) == ["W", "ait"]


def test_a_vocabulary_that_puts_a_space_before_every_text_gives_the_right_variant():
    """At the very start of a text "Wait" is written with the token of " Wait"; after a line break it is not."""
    llama = Pieces("▁Wait", "Wait", "▁", "\n", ".", "▁but", start="▁")
    assert find(llama, "Wait").found == {"Wait": 2}
    assert find(llama, "Wait", space_variants=True).found == {"Wait": 2, " Wait": 1}
    assert find(llama, "but", space_variants=True).found == {" but": 6}


@pytest.mark.parametrize("word", ["", " ", " wait", "wait "])
def test_what_is_no_word_is_refused(word):
    with pytest.raises(ConfigError, match="no marker word"):
        find(Pieces(*QWEN), word)


def test_no_words_at_all_are_refused():
    with pytest.raises(ConfigError, match="at least one"):
        find(Pieces(*QWEN))


def test_a_closing_mark_of_one_token_is_that_token():
    assert asyncio.run(closings_of(Pieces(*QWEN), "</think>")) == ((11,),)
    assert asyncio.run(closings_of(Pieces(*QWEN), "")) == ()


def test_a_closing_mark_of_pieces_is_found_in_every_neighbourhood_it_melts_with():
    plain = Pieces("</", "think", ">", "\n", ".", " ", "\n\n", ">\n\n", ".</", " </")
    found = asyncio.run(closings_of(plain, "</think>"))
    wanted = ["</think>", "</think>\n\n", ".</think>", " </think>", ".</think>\n\n"]
    for text in wanted:
        ids = asyncio.run(plain.encode("so" + text + "so"))
        assert any(ids[place : place + len(end)] == end for end in found for place in range(len(ids))), text
    for text in ("</think", "think>", "<think>"):
        ids = asyncio.run(plain.encode(text))
        assert not any(ids[place : place + len(end)] == end for end in found for place in range(len(ids))), text
