import json
import subprocess
import sys

import pytest

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, DataError, ModelError, ServerUnreachable, UnknownName
from thinkwell.engines.registry import ENGINES, known_capabilities, load_engine
from thinkwell.engines.replay import CAPABILITIES as REPLAY
from thinkwell.engines.scripted import CAPABILITIES as SCRIPTED
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.scorers.recorded import RecordedScorer
from thinkwell.scorers.registry import SCORERS, load_scorer


def test_engines_and_what_they_can_do_are_known_without_importing_torch():
    code = (
        "import sys\nfrom thinkwell.engines.registry import known_capabilities\nfrom thinkwell.scorers.registry import SCORERS\n"
        "print([name for name, _ in known_capabilities()], SCORERS.names(), 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "['local', 'openai', 'replay', 'scripted'] ['flexive', 'orm', 'prm'] False False"


def test_the_listed_capabilities_are_those_of_the_engines():
    known = dict(known_capabilities())
    assert known["replay"] == REPLAY
    assert known["scripted"] == SCRIPTED
    assert Capability.CHAT_ONLY not in known["openai"]
    from thinkwell.engines.local.engine import LocalEngine

    assert known["local"] == LocalEngine.capabilities


def test_an_engine_is_made_from_its_name_and_options(tmp_path):
    engine = load_engine("scripted", script={"*": "x"}, level="char")
    assert engine.info.name == "scripted"
    assert load_engine(engine) is engine
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"problem": "2+3?", "completion": "5", "model": "m"}))
    replay = load_engine("replay", model="m", file=file)
    assert (replay.info.name, replay.info.model) == ("replay", "m")
    assert isinstance(load_scorer("prm", replay), RecordedScorer)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("opnai",), {}, UnknownName, "did you mean 'openai'"),
        (("nothing-like-it",), {}, UnknownName, "known: lab, lab-skills, local, openai, replay, scripted. A model folder works too."),
        (("lab", "x"), {}, ConfigError, "engine 'lab' is the bundled model"),
        (("lab-skills", "x"), {}, ConfigError, "engine 'lab-skills' is the bundled model"),
        (("./folder", "x"), {}, ConfigError, "two models were given"),
        (("./no/such/folder",), {}, ModelError, "no model folder"),
        (("local", "/no/such/folder"), {}, ModelError, "no model folder"),
        (("openai",), {"base_urls": "x"}, UnknownName, "did you mean 'base_url'"),
        (("openai",), {"base_url": "http://127.0.0.1:9"}, ServerUnreachable, "no server answers"),
        (("replay",), {}, ConfigError, "needs file="),
        (("replay",), {"file": "none.jsonl"}, DataError, "is not a file"),
        (("scripted",), {}, ConfigError, "needs script="),
    ],
)
def test_what_cannot_be_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        load_engine(*arguments, **options)


def test_a_folder_that_is_no_model_says_what_it_lacks(tmp_path):
    with pytest.raises(ModelError, match="not a model folder: it lacks"):
        load_engine(tmp_path)


def test_unknown_scorers_are_refused_with_the_names_there_are():
    with pytest.raises(UnknownName, match="unknown scorer 'prn'; did you mean 'prm'"):
        load_scorer("prn")
    with pytest.raises(ConfigError, match="recorded scores need the replay engine"):
        RecordedScorer(ScriptedEngine({"*": "x"}))
    assert SCORERS.names() == ["flexive", "orm", "prm"]
    assert ENGINES.get("openai").summary.startswith("any OpenAI-compatible server")
