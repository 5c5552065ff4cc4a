"""How the thinking of a path ends, and paths that go on after the model had ended them."""

import asyncio
from dataclasses import replace

import pytest

from tests.methods.conftest import PRESET, Ledger, session_of
from thinkwell.core.capability import Capability
from thinkwell.core.path import Finish, Origin
from thinkwell.engines.scripted import EOS
from thinkwell.methods._endings import closing_cue, ended, ends_by_token, reopened, without_last_paragraph

PLAIN = replace(PRESET, think_open="", think_close="")


def written(text, *, most=None, preset=PRESET, **engine):
    async def work():
        session = session_of({"*": text}, preset=preset, **engine)
        (path,) = await session.extend(await session.open(), max_tokens=most)
        return session, path

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("text", "most", "preset", "over"),
    [
        ("<think>\na b", 3, PRESET, False),
        ("<think>\na</think> b", 4, PRESET, True),  # closed, though cut
        ("<think>\na", None, PRESET, False),  # ended by the model inside its thinking, without an answer
        ("so \\boxed{7}", None, PRESET, True),  # ended with an answer, without ever closing
        ("a", None, PLAIN, True),  # a preset that marks no thinking
        ("a b c", 2, PLAIN, False),
    ],
)
def test_when_the_thinking_is_over(text, most, preset, over):
    session, path = written(text, most=most, preset=preset)
    assert ended(session, path) is over


def test_a_path_that_the_model_ended_goes_on_without_its_end_of_text():
    session, path = written("a b")
    assert path.tokens[-1] == EOS
    again = asyncio.run(reopened(session, path))
    assert again.tokens == path.tokens[:-1]
    assert (again.text, again.finish) == ("a b", None)


class EndsWithoutToken(Ledger):
    """An engine that may end a path without writing anything, its end-of-text token neither."""

    async def generate(self, requests):
        done = await super().generate(requests)
        return [replace(one, tokens=one.tokens[:-1], n_tokens=-1) if one.finish is Finish.EOS else one for one in done]


class ShowsTheEnd(Ledger):
    """An engine that decodes the end-of-text token as text."""

    async def decode(self, tokens):
        return "".join("<eos>" if token == EOS else self.tokenizer.piece(token) for token in tokens)


@pytest.mark.parametrize(("kind", "by_token"), [(Ledger, True), (ShowsTheEnd, True), (EndsWithoutToken, False)])
@pytest.mark.parametrize("text", ["a b", "a a a", "\u00e9", "a\n\n", "so \\boxed{7}", ""])
def test_no_token_that_the_model_wrote_is_taken_for_its_end(kind, by_token, text):
    session, path = written(text, kind=kind)
    assert asyncio.run(ends_by_token(session, path)) is by_token
    again = asyncio.run(reopened(session, path))
    assert (again.text, again.finish) == (text, None)
    assert again.tokens == path.tokens[: len(path) - by_token]


def test_a_path_that_only_the_method_wrote_on_since_has_no_end_to_take_away():
    async def work():
        session = session_of({"*": ""}, kind=EndsWithoutToken)
        begun = await session.splice((await session.open())[0], "Wait")
        (path,) = await session.extend([begun])
        assert path.complete
        return path, await reopened(session, path)

    path, again = asyncio.run(work())
    assert again.tokens == path.tokens


@pytest.mark.parametrize("engine", [{}, {"capabilities": frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN})}])
def test_a_path_that_was_only_cut_goes_on_as_it_is(engine):
    session, path = written("a b c", most=2, **engine)
    again = asyncio.run(reopened(session, path))
    assert (again.segments, again.finish) == (path.segments, None)


def test_on_an_engine_without_ids_there_is_no_end_of_text_to_take_away():
    session, path = written("a b", capabilities=frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN}))
    again = asyncio.run(reopened(session, path))
    assert (again.text, again.finish, again.id) == ("a b", None, path.id)


@pytest.mark.parametrize(
    ("text", "start", "kept"),
    [
        ("a\n\nb\n\nc d", 0, "a\n\nb\n\n"),
        ("a\n\nb\n\nc d", 4, "a\n\nb\n\n"),
        ("a\n\nb\n\nc d", 5, "a\n\nb\n\nc d"),  # the delimiter lies before what may be cut
        ("a\n\nb\n\n", 0, "a\n\nb\n\n"),  # nothing behind it
        ("a b", 0, "a b"),
    ],
)
def test_the_last_paragraph_is_cut_off(text, start, kept):
    session, path = written(text)
    cut = asyncio.run(without_last_paragraph(session, path, start))
    assert cut.text == kept
    assert cut.tokens == path.tokens[: len(cut)]
    assert (cut is path) == (kept == text)


def test_the_prompt_is_never_cut():
    session, path = written("a\n\nb c", most=3)
    cut = asyncio.run(without_last_paragraph(session, path, 0))
    assert cut.count(Origin.PROMPT) == path.count(Origin.PROMPT)
    assert cut.text == "a\n\n"


def test_the_cue_begins_on_a_line_of_its_own_where_thinking_is_closed():
    cue = "\n\nFinal answer: \\boxed{"
    assert closing_cue(PRESET) == "</think>" + cue
    assert closing_cue(PRESET, "so") == "\n</think>" + cue
    assert closing_cue(PRESET, "so\n") == "</think>" + cue
    assert closing_cue(PLAIN, "so") == cue
