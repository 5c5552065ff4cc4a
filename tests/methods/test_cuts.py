"""Where the characters of a path lie among its tokens."""

import asyncio

import pytest

from thinkwell.core.path import Origin
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.methods._cuts import cut_at, token_ends


@pytest.mark.parametrize("level", ["word", "char"])
def test_the_tokens_before_a_place_are_those_wholly_before_it(play, level):
    run = play("single", {"*": "ab cd\n\nSo é"}, engine=ScriptedEngine({"*": "ab cd\n\nSo é"}, level=level))
    (path,) = run.outcome.paths
    ends = asyncio.run(token_ends(run.session, path))
    pieces = [run.engine.tokenizer.piece(token) for token in path.tokens[path.count(Origin.PROMPT) :]]
    assert ends == [len("".join(pieces[: i + 1])) for i in range(len(pieces))]
    for place in range(len(path.text) + 1):
        kept = "".join(pieces[: cut_at(ends, place)])
        assert path.text.startswith(kept)
        assert len(kept) <= place
        assert cut_at(ends, place) == len(ends) - 1 or len(kept) + len(pieces[cut_at(ends, place)]) > place


def test_a_character_of_several_tokens_ends_with_the_last_of_them(play):
    """A byte tokenizer: decoding half of a character gives a replacement mark."""

    class Bytes(ScriptedEngine):
        async def decode(self, tokens):
            return bytes(tokens).decode(errors="replace")

    from thinkwell.core.path import Path, Segment

    engine = Bytes({"*": ""})
    session = play("single", {"*": ""}, engine=engine).session
    text = "aé€z"
    path = Path("0", (Segment(text, Origin.MODEL, tuple(text.encode())),))
    assert asyncio.run(token_ends(session, path)) == [1, 1, 2, 2, 2, 3, 4]
