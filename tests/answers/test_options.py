"""Order of options: a pure function of question and seed, evenly spread, and stored."""

from collections import Counter

from thinkwell.answers.options import letter, permutation, shuffled


def test_the_order_depends_on_the_question_and_the_seed_only() -> None:
    assert permutation("why?", 7, 4) == permutation("why?", 7, 4)
    assert len({permutation("why?", seed, 4) for seed in range(50)}) > 10
    assert len({permutation(f"why {i}?", 7, 4) for i in range(50)}) > 10


def test_the_gold_letter_is_spread_over_all_positions() -> None:
    letters = Counter(shuffled(["gold", "x", "y", "z"], 0, f"question {i}", seed=42)[1] for i in range(1000))
    assert set(letters) == set("ABCD")
    assert all(190 < count < 310 for count in letters.values())  # 250 each, standard deviation 14


def test_the_letter_names_the_gold_option() -> None:
    options, gold = shuffled(["gold", "x", "y"], 0, "q", 1)
    assert options[ord(gold) - 65] == "gold"
    assert sorted(options) == ["gold", "x", "y"]


def test_letters_in_all_their_spellings() -> None:
    for text in (
        "C",
        "(C)",
        "(c)",
        "c",
        "C.",
        "C)",
        "C) blue",
        "C: blue",
        "[C]",
        "option C",
        "Option (C)",
        r"\text{(C)}",
        r"\textbf{(C) } blue",
        "**C**",
        "$C$",
    ):
        assert letter(text) == "C", text
    for text in ("", "a", "A man", "A and B", "(A) and (C)", "CB", "cat", "12"):
        assert letter(text) is None, text


def test_an_option_may_be_named_by_its_text_if_no_other_has_it() -> None:
    assert letter("9pm to 10pm", ["6pm to 9pm", "9pm to 10pm"]) == "B"
    assert letter("same", ["same", "same"]) is None
