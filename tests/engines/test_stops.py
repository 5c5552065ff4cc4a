from thinkwell.engines.stops import find_stop


def test_a_kept_stop_string_keeps_the_whole_token_it_ends_in():
    found = find_stop(["ab", "c\n", "\nd", "e"], ["\n\n"])
    assert found is not None
    assert (found.kept, found.dropped, found.text, found.matched) == (3, 0, "abc\n\nd", "\n\n")


def test_a_dropped_stop_string_leaves_the_token_it_begins_in_the_middle_of():
    found = find_stop(["ab", "c\n", "\nd", "e"], ["\n\n"], include=False)
    assert found is not None
    assert (found.written, found.kept, found.dropped, found.text) == (3, 2, 1, "abc")
    whole = find_stop(["ab", "\n\n"], ["\n\n"], include=False)
    assert whole is not None
    assert (whole.kept, whole.dropped, whole.text) == (1, 1, "ab")


def test_a_stop_string_may_begin_in_the_context_but_not_end_there():
    assert find_stop(["x"], ["\n\n"], context="a\n\n") is None
    found = find_stop(["\n", "x"], ["\n\n"], context="a\n", include=False)
    assert found is not None
    assert (found.written, found.kept, found.text) == (1, 0, "")


def test_the_stop_that_is_complete_first_wins_and_then_the_longer():
    found = find_stop(["END now"], ["END no", "END", "the END"], context="the ")
    assert found is not None
    assert found.matched == "the END"


def test_stops_complete_before_min_tokens_do_not_count():
    assert find_stop(["a.", "b"], ["."], min_tokens=2) is None
    found = find_stop(["a.", "b", "c."], ["."], min_tokens=2)
    assert found is not None
    assert found.kept == 3


def test_no_stop_strings_never_stop():
    assert find_stop(["a"], []) is None
    assert find_stop(["a"], [""]) is None
