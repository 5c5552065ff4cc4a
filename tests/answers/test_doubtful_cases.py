"""Every known doubtful case of answer checkers, with what we decided. docs/answers.md gives the reasons."""

import pytest

from thinkwell.answers.grade import grade
from thinkwell.core.answer import Stage, VerdictValue

RIGHT, WRONG = VerdictValue.CORRECT, VerdictValue.WRONG

SYMBOLIC = [
    # reference, answer, verdict: raw LaTeX references that parse to nothing, or to a part, without $...$
    ("p - q", "p-q", RIGHT),
    ("p - q", "-q+p", RIGHT),
    (r"\sqrt{51}", r"\sqrt{51}", RIGHT),
    (r"3\sqrt{13}", r"\sqrt{117}", RIGHT),
    (r"3\sqrt{13}", "3", WRONG),
    ("6 - 5i", "-5i + 6", RIGHT),
    ("6 - 5i", "5", WRONG),
    (r"\text{Evelyn}", "Evelyn", RIGHT),
    (r"\text{Evelyn}", "evelyn", RIGHT),
    (r"\text{east}", "seat", WRONG),  # words are not products of letters
    # percent, degree, units
    (r"10\%", "0.1", RIGHT),
    (r"10\%", "10", RIGHT),
    ("10", r"10\%", RIGHT),
    ("0.5", r"0.5\%", WRONG),
    (r"0.5\%", "0.5", WRONG),
    (r"90^\circ", "90", RIGHT),
    ("10", "10 m^2", RIGHT),
    (r"10\text{ m}", r"10\text{ cm}", WRONG),
    (r"\frac{37}{4}m", r"\frac{37}{4}", WRONG),  # a bare letter in the reference is a variable
    (r"5.4 \text{ cents}", "5.4", RIGHT),
    ("7.7e39", r"7.7 \times 10^{39} \text{ erg s}^{-1}", RIGHT),
    ("1.15e13", r"1.15 \times 10^{13} \mathrm{~cm}^{-3}", RIGHT),
    ("20.7", r"20.7 \text{ kg} \cdot \text{m}/\text{s}^2", RIGHT),
    ("20.7", r"20.7 \text{ or } 20.8", WRONG),
    (r"12\pi", r"12 \pi \text{ inches per second}", RIGHT),
    # bases
    ("11111_2", "11111", WRONG),
    ("11111", "11111_2", WRONG),
    ("4210_{5}", "4210_5", RIGHT),
    ("4210_{5}", "4210_6", WRONG),
    # numeric tolerance
    (r"\frac{1}{3}", "0.333333", WRONG),
    (r"\frac{1}{3}", "0.3333333333333333", RIGHT),  # full double precision
    ("0.3333", r"\frac{1}{3}", WRONG),
    ("1/2", "0.5", RIGHT),
    (r"\pi", "3.14159", WRONG),
    ("1/2004!", "1/2006!", WRONG),
    ("1/2004!", r"\frac{1}{2004!}", RIGHT),
    ("2^{-99}", "2^{-98}", WRONG),
    ("2^{-99}x", "2^{-98}x", WRONG),
    ("4", r"4\sqrt(2)", WRONG),
    (r"4\sqrt(2)", r"4\sqrt{2}", RIGHT),
    ("100", "101", WRONG),
    # equations
    ("3x+4y+14=0", "3*x-1*y+13=0", WRONG),
    ("3x+4y+14=0", "6x + 8y = -28", RIGHT),
    ("y = 2x + 3", "2x+3", RIGHT),
    ("2x+3", "y=2x+3", RIGHT),
    ("y = 2x + 3", "x = 2y + 3", WRONG),
    ("x=5", "5", RIGHT),
    ("x=5", "y=5", WRONG),
    # assumptions are not made
    (r"\frac{1}{\sqrt{n}}", r"\sqrt{\frac{1}{n}}", WRONG),
    # intervals, sets, tuples
    ("(3,4)", "3,4", RIGHT),
    ("(1,2)", "(2,1)", WRONG),
    ("(1,2)", "2,1", WRONG),
    (r"\{1,2\}", "(1,2)", WRONG),
    ("(2,1)", r"\{1,2\}", WRONG),
    ("1,-2", "-2,1", RIGHT),
    ("(3,4]", "(3,4)", WRONG),
    (r"(3,\infty)", "x > 3", RIGHT),
    ("x > 3", r"(3,\infty)", RIGHT),
    (r"(3,\infty)", r"x \geq 3", WRONG),
    (r"x \in [-2,7]", "[-2, 7]", RIGHT),
    (r"(0,9) \cup (9,36)", r"(9,36)\cup(0,9)", RIGHT),
    # several answers
    ("1331 and 1728", "1728", WRONG),
    ("1331 and 1728", "1331", WRONG),
    ("1331 and 1728", "1728 and 1331", RIGHT),
    ("2", "2 or 3", WRONG),
    ("2 or 3", "2", WRONG),
    (r"1 \pm \sqrt{19}", r"1-\sqrt{19}, 1+\sqrt{19}", RIGHT),
    (r"1 \pm \sqrt{19}", r"1+\sqrt{19}", WRONG),
    (r"\{1\pm\sqrt{5},-2\}", r"-2, 1-\sqrt5, 1+\sqrt 5", RIGHT),
    ("(1,8,19),(2,7,13)", "(2,7,13),(1,8,19)", RIGHT),
    ("(1,8,19),(2,7,13)", "(2,7,13)", WRONG),
    # words, letters, markup
    ("6", "six", RIGHT),
    ("73", "**73**", RIGHT),
    ("13", r"\text{13}", RIGHT),
    (r"\text{(C)}", "C", RIGHT),
    ("A", "A) 12", WRONG),  # as mathematics; as kind "choice" it is right
    ("2", r"\text{No solution}", WRONG),
    # matrices
    (r"\begin{pmatrix} -1/3 \\ 2/3 \end{pmatrix}", r"\begin{bmatrix} -\frac13 \\ \frac23 \end{bmatrix}", RIGHT),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}", WRONG),
    # mixed numbers, thousands
    (r"1\frac{4}{5}", "9/5", RIGHT),
    (r"10,\!080", "10080", RIGHT),
    (r"\$32,\!348", "32348", RIGHT),
    (r"\frac{270}7\text{ degrees}", r"\frac{270}{7}", RIGHT),
]


@pytest.mark.parametrize(("reference", "answer", "verdict"), SYMBOLIC)
def test_decided_case(reference: str, answer: str, verdict: VerdictValue) -> None:
    assert grade(f"So\n</think>\n\n\\boxed{{{answer}}}", reference).value is verdict


@pytest.mark.parametrize(
    ("completion", "verdict"),
    [
        (r"\boxed{33} and then, after all, \boxed{34}", VerdictValue.CORRECT),  # boxes are not merged into a set
        (r"\boxed{34}, or rather \boxed{33}", VerdictValue.WRONG),
        (r"\boxed{34} \boxed{}", VerdictValue.CORRECT),
        (r"It is \boxed{34", VerdictValue.TRUNCATED),
        (r"\boxed{34} but no, \boxed{3", VerdictValue.TRUNCATED),  # a cut trace must not pass on its first idea
        (r"first $12$, then \boxed{34}, the end $7$", VerdictValue.CORRECT),
    ],
)
def test_boxes_of_a_self_correcting_trace(completion: str, verdict: VerdictValue) -> None:
    assert grade(completion, "34").value is verdict


def test_integer_strings_are_compared_as_integers() -> None:
    assert grade(r"\boxed{25}", "025", "integer").stage is Stage.INTEGER
    assert grade(r"\boxed{025}", "25", "integer").correct
    assert grade(r"\boxed{27}", "27.0", "integer").correct
    assert grade(r"\boxed{-1}", "-1.0", "integer").correct
    assert grade(r"\boxed{1450000}", "1,450,000", "integer").correct
    assert not grade(r"\boxed{101}", "100", "integer").correct
    assert not grade(r"\boxed{49+216}", "265", "integer").correct  # an integer answer is written as a number


def test_an_afterthought_number_is_not_the_answer() -> None:
    assert grade("#### 18\n\nThat took me 5 minutes.", "18", "integer").correct
    assert grade("I think 18 is likely. It took 5 minutes.", "5", "integer").value is VerdictValue.NO_ANSWER


def test_letters() -> None:
    assert grade(r"\boxed{A) 12}", "A", "choice").correct
    assert grade("This is a hard one.", "A", "choice").value is VerdictValue.NO_ANSWER
    assert grade("THIS IS A HARD ONE.", "A", "choice").value is VerdictValue.NO_ANSWER
    assert grade("Answer: E", "A", "choice", ["1", "2", "3", "4"]).value is VerdictValue.WRONG


def test_third_label_has_two_spellings() -> None:
    assert grade("Answer: Unknown", "Uncertain", "label").correct
    assert grade("Answer: Uncertain", "Unknown", "label").correct
    assert not grade("Answer: Uncertain", "True", "label").correct
