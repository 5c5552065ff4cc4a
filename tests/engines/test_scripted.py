import asyncio

import pytest

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, EngineError, MissingCapability
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.decoding.token_bias import Bias, Schedule, TokenBias
from thinkwell.engines.protocol import Completion, Engine, Request
from thinkwell.engines.scripted import CAPABILITIES, EOS, Ask, Reply, ScriptedEngine, ToyTokenizer, uniform

MESSAGES = ({"role": "user", "content": "2+2?"},)


def ask(engine: ScriptedEngine, path: str = "0", so_far: str = "", lineage: tuple[str, ...] = (), **more) -> Completion:
    async def go() -> Completion:
        rendered = await engine.render(MESSAGES)
        prefix = (*rendered.tokens, *await engine.encode(so_far))
        request = Request(
            NoiseKey(0, "p#0", path),
            more.pop("max_tokens", 100),
            prefix,
            rendered.text + so_far,
            MESSAGES,
            lineage=lineage or (f"p#0:{path}",),
            **more,
        )
        return (await engine.generate([request]))[0]

    return asyncio.run(go())


@pytest.mark.parametrize("level", ["word", "char"])
@pytest.mark.parametrize("text", ["", "So 12 + 30 = 42.\n\nThe end", "<think>\nx</think>\n\n\n\\boxed{4}", "é漢字🙂\t  x_y"])
def test_any_text_encodes_and_decodes_to_itself(level, text):
    tokenizer = ToyTokenizer(level)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert EOS not in ids


def test_it_is_an_engine_and_ends_with_the_end_of_text_token():
    engine = ScriptedEngine({"*": "the answer"})
    assert isinstance(engine, Engine)
    done = ask(engine)
    assert done.text == "the answer"
    assert done.finish is Finish.EOS
    assert done.tokens[-1] == EOS
    assert done.n_tokens == 3
    assert done.prefill_computed > 0


def test_max_tokens_cuts_and_the_path_goes_on_where_it_was():
    engine = ScriptedEngine({"*": "one two three four"})
    first = ask(engine, max_tokens=2)
    assert (first.text, first.finish, first.n_tokens) == ("one two", Finish.LENGTH, 2)
    assert ask(engine, so_far=first.text).text == " three four"


def test_a_splice_does_not_use_up_the_script():
    engine = ScriptedEngine({"*": "one two three"})
    ask(engine, max_tokens=2)
    assert ask(engine, so_far="one two Wait.").text == " three"
    assert ask(engine, so_far="one two Wait. three more").text == ""


def test_a_cut_goes_back_in_the_script():
    engine = ScriptedEngine({"*": "one two three"})
    ask(engine)
    assert ask(engine, so_far="one").text == " two three"


def test_a_fork_goes_on_with_its_ancestors_text_or_begins_its_own():
    engine = ScriptedEngine({("p", "0"): "one two", ("p", "0.1"): " other"})
    ask(engine, max_tokens=1)
    assert ask(engine, path="0.0", so_far="one", lineage=("p#0:0.0", "p#0:0")).text == " two"
    assert ask(engine, path="0.1", so_far="one", lineage=("p#0:0.1", "p#0:0")).text == " other"


def test_keys_go_from_the_most_to_the_least_particular():
    engine = ScriptedEngine({"*": "any", r"2\+2": "pattern", "p": "problem", "1": "path", ("p", "2"): "both"})
    assert [ask(engine, path=path).text for path in ("0", "1", "2")] == ["problem", "path", "both"]
    assert ask(ScriptedEngine({"*": "any", r"2\+2": "pattern"})).text == "pattern"


def test_a_list_gives_each_path_its_own_line():
    engine = ScriptedEngine({"p": ["zero", "one"]})
    assert [ask(engine, path=path).text for path in ("1", "0")] == ["one", "zero"]
    with pytest.raises(ConfigError, match="needs line 2"):
        ask(engine, path="2")
    with pytest.raises(ConfigError, match="no line for problem 'p'"):
        ask(ScriptedEngine({"other": "x"}))


def test_a_stop_string_across_tokens_is_kept_or_dropped():
    script = {"*": "a b END c"}
    kept = ask(ScriptedEngine(script, level="char"), stop=("END",))
    assert (kept.text, kept.finish, kept.stop_matched, kept.dropped) == ("a b END", Finish.STOP, "END", 0)
    dropped = ask(ScriptedEngine(script, level="char"), stop=("END",), include_stop=False)
    assert (dropped.text, dropped.n_tokens, dropped.dropped) == ("a b ", 4, 3)


def test_a_stop_string_may_begin_in_what_was_written_before():
    engine = ScriptedEngine({"*": "a\n\nb"}, level="char")
    first = ask(engine, max_tokens=2, stop=("\n\n",))
    assert first.text == "a\n"
    assert first.finish is Finish.LENGTH
    second = ask(engine, so_far="a\n", stop=("\n\n",), stop_context="a\n")
    assert second.text == "\n"
    assert second.finish is Finish.STOP


def test_stop_tokens_minimum_length_and_ignored_end_of_text():
    engine = ScriptedEngine({"*": "one two"})
    (two,) = engine.tokenizer.encode(" two")
    assert ask(engine, stop_tokens=(two,)).finish is Finish.STOP
    assert ask(engine, min_tokens=4).text == "one two and and"
    longer = ask(engine, ignore_eos=True, max_tokens=6)
    assert longer.n_tokens == 6
    assert longer.finish is Finish.LENGTH
    assert EOS not in longer.tokens


def test_text_is_streamed_as_it_is_written():
    seen: list[str] = []
    done = ask(ScriptedEngine({"*": "one two"}), on_tokens=lambda ids, text: seen.append(text))
    assert "".join(seen) == done.text
    assert len(seen) == done.n_tokens


def test_logprobs_come_when_asked_for():
    engine = ScriptedEngine({"*": Reply("one two", logprobs=(-0.1, -0.2))})
    assert ask(engine, logprobs=True).logprobs == (-0.1, -0.2, -0.2)
    assert ask(engine).logprobs is None


def test_a_callable_script_sees_what_was_written_and_which_attempt_it_is():
    def script(ask: Ask) -> Reply:
        return Reply("fine", delay=2) if ask.attempt else Reply(fail=EngineError("down"))

    engine = ScriptedEngine(script)
    with pytest.raises(EngineError, match="down"):
        ask(engine)
    assert ask(engine).text == "fine"
    echo = ScriptedEngine(lambda ask: f"{ask.problem}/{ask.path}: {ask.prompt!r} then {ask.so_far!r}")
    assert ask(echo, path="3", so_far="Hm").text == "p/3: '<user>2+2?\\n<assistant>' then 'Hm'"


def test_it_overruns_its_ceiling_when_told_to():
    assert ask(ScriptedEngine({"*": Reply("a b c d e", overrun=2)}), max_tokens=1).n_tokens == 3


def test_without_token_ids_it_speaks_text_only():
    engine = ScriptedEngine({"*": "one two"}, capabilities=frozenset({Capability.CHAT_ONLY, Capability.FRESH_SAMPLES}))
    done = ask(engine)
    assert (done.tokens, done.n_tokens, done.text) == ((), 3, "one two")


def test_what_it_cannot_do_is_refused():
    engine = ScriptedEngine({"*": "x"}, capabilities=CAPABILITIES - {Capability.PEEK})
    with pytest.raises(MissingCapability, match="peek"):
        asyncio.run(engine.peek([(1,)]))
    with pytest.raises(MissingCapability, match="logits"):
        ask(engine, hook=lambda logits, tokens: logits)


def test_peeks_are_the_scripts_and_cut_to_the_top():
    engine = ScriptedEngine({"*": "x"}, peeks=lambda prefix: uniform([5, 6, 7, 8]))
    (row,) = asyncio.run(engine.peek([(1,)], top=2))
    assert sorted(row) == [5, 6]
    assert row[5] == pytest.approx(-1.386294)
    assert asyncio.run(ScriptedEngine({}).score([(1, 2, 3)])) == [[0.0, -0.5, -0.5]]


def test_everything_asked_is_recorded():
    engine = ScriptedEngine({"*": "x"})
    ask(engine, path="7")
    engine.release(["p#0:7"])
    asyncio.run(engine.aclose())
    assert engine.requests[0].key.path == "7"
    assert engine.released == ["p#0:7"]
    assert engine.closed
    assert engine.most_live == 1


def test_a_hook_that_overturns_the_scripts_token_has_its_way():
    """The script leads by 20; a bias of 30 on "Wait" from the third token on wins, one of 10 does not."""
    engine = ScriptedEngine({"*": "a b c d e"})
    (wait,) = asyncio.run(engine.encode(" Wait"))
    start = len(asyncio.run(engine.render(MESSAGES)).tokens)
    late = {"schedule": Schedule.CONSTANT, "windows": ((2, 4),)}
    assert ask(engine, hook=TokenBias([wait], Bias(amplitude=30, **late), start)).text == "a b Wait Wait e"
    assert ask(engine, path="1", hook=TokenBias([wait], Bias(amplitude=10, **late), start)).text == "a b c d e"
    able = ScriptedEngine({"*": "a b"}, capabilities=CAPABILITIES | {Capability.LOGITS})
    seen = []
    ask(able, hook=lambda logits, tokens: seen.append((len(tokens), logits[[wait]].tolist(), logits[wait])) or logits)
    assert seen == [(n, [-20.0], -20.0) for n in range(start, start + 3)]
