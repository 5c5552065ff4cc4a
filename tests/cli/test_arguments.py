"""Options with several values, and knobs from texts."""

import pytest

from thinkwell.cli.arguments import knobs_of, spread
from thinkwell.core.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "spread_out"),
    [
        ("compare --methods a b --limit 3", "compare --methods a --methods b --limit 3"),
        ("compare --methods a --methods b:k=1", "compare --methods a --methods b:k=1"),
        ("compare --budget tokens=5 scorer_calls=2 --seed 1", "compare --budget tokens=5 --budget scorer_calls=2 --seed 1"),
        ("solve --budget tokens=5 question", "solve --budget tokens=5 question"),
        ("solve --budget tokens=5 seconds=1 question", "solve --budget tokens=5 --budget seconds=1 question"),
        ("solve --set a.k=1 a.j=2 question --json", "solve --set a.k=1 --set a.j=2 question --json"),
        ("solve --budget nonsense question", "solve --budget nonsense question"),
        ("solve --engine-for critic=lab ceo=./m question", "solve --engine-for critic=lab --engine-for ceo=./m question"),
        ("compare --methods", "compare --methods"),
        ("compare --methods --limit 3", "compare --methods --limit 3"),
        ("solve -- --methods a b", "solve -- --methods a b"),
    ],
)
def test_options_take_several_values(typed, spread_out):
    assert spread(typed.split()) == spread_out.split()


def test_a_question_with_an_equals_sign_and_spaces_is_not_taken_for_a_budget():
    assert spread(["solve", "--budget", "tokens=5", "x=3 and y=4, what is x+y?"]) == [
        "solve",
        "--budget",
        "tokens=5",
        "x=3 and y=4, what is x+y?",
    ]


def test_knobs_are_read_as_yaml_and_grouped_by_method():
    assert knobs_of(["dvts.n_paths=8", "dvts.finalize=drop", "best_of_n.weighted=true", "x.levels=[1, 2]"]) == {
        "dvts": {"n_paths": 8, "finalize": "drop"},
        "best_of_n": {"weighted": True},
        "x": {"levels": [1, 2]},
    }


@pytest.mark.parametrize("text", ["n_paths=8", "dvts.n_paths", "dvts.=3", ".k=3", "dvts.k=[1", ""])
def test_a_knob_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="expected"):
        knobs_of([text])
