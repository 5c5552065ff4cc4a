import asyncio

from thinkwell.decoding.draft_tree import start_tree
from thinkwell.lab.tune import training_problems, tune_tree
from thinkwell.tasks.presets import preset


def test_a_tree_is_fitted_to_what_the_model_accepts():
    from thinkwell.engines.registry import load_engine

    lines: list[str] = []
    found = asyncio.run(tune_tree(load_engine("lab"), training_problems(1, 5), preset("lab"), nodes=20, paths=2, log=lines.append))
    assert len(found.tree) == 20
    assert found.tree.nodes[0] == (0,)  # the likeliest child of the path's end stands most often
    assert set(found.tree.nodes) <= set(start_tree().nodes)
    assert found.mean_accepted_tokens > 1.5
    assert (found.problems, found.paths, len(lines)) == (1, 2, 1)


def test_problems_to_tune_on_are_none_of_the_test_half():
    from thinkwell.lab import world

    questions = {problem.question for problem in training_problems(10, 0)}
    assert len(questions) == 10
    assert not questions & {world.generate(i, 1 + i % 10, "test").question for i in range(10)}
