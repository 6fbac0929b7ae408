"""Explanations: the numbers of the gradients, the formulas of the rules, and nothing is disturbed by looking."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn, ops
from tinygrad_edu.errors import ArgumentError, GraphError, OptionError, ShapeError
from tinygrad_edu.explanations.formulas import FORMULAS, formula_of, works_by_entry
from tinygrad_edu.explanations.network import MOST_PARAMETERS
from tinygrad_edu.explanations.writing import fill, options_of
from tinygrad_edu.ops import TABLE


def leaf(value, name=None):
    return tg.tensor(value, requires_grad=True, name=name)


# ------------------------------------------------------------------------------------------------ as printed


def test_a_computation_is_written_out_step_by_step():
    a, b = leaf(2.0), leaf(-3.0)
    c = a * b
    loss = c.tanh() * 10 + a**2
    assert str(tg.explain(loss)) == (
        """\
Forward: the values
   1  a = 2
   2  b = -3
   3  c = a · b = 2 · (-3) = -6
   4  t1 = tanh(c) = tanh(-6) = -0.999988
   5  t2 = t1 · 10 = -0.999988 · 10 = -9.99988
   6  t3 = a² = 2² = 4
   7  L = t2 + t3 = -9.99988 + 4 = -5.99988
Backward: how L changes with each of them
   8  dL/dL = 1
   9  dL/dt2 = dL/dL · ∂L/∂t2 = 1 · 1 = 1
  10  dL/dt3 = dL/dL · ∂L/∂t3 = 1 · 1 = 1
  11  dL/da += dL/dt3 · ∂t3/∂a = 1 · 2 · a = 1 · 2 · 2 = 4
  12  dL/dt1 = dL/dt2 · ∂t2/∂t1 = 1 · 10 = 10
  13  dL/dc = dL/dt1 · ∂t1/∂c = 10 · (1 - t1²) = 10 · (1 - (-0.999988)²) = 0.000245571
  14  dL/da += dL/dc · ∂c/∂a = 0.000245571 · b = 0.000245571 · (-3) = -0.000736713
      dL/da = 4 + (-0.000736713) = 3.99926
  15  dL/db = dL/dc · ∂c/∂b = 0.000245571 · a = 0.000245571 · 2 = 0.000491142"""
    )


def test_a_sum_of_four_and_two_is_shown_as_a_sum():
    x = leaf(2.0)
    y = x * x + 2 * x
    lines = str(tg.explain(y)).splitlines()
    assert lines[-2:] == [
        "  10  dy/dx += dy/dt1 · ∂t1/∂x = 1 · x = 1 · 2 = 2",
        "      dy/dx = 4 + 2 = 6",
    ]
    assert "      dy/dx = 2 + 2 = 4, with more to come" in lines


@pytest.mark.parametrize(
    ("compute", "lines"),
    [
        (
            lambda w: (w.reshape(2, 2) @ tg.tensor([[1.0], [2.0]])).sum(),
            ["t2 = t1 @ x1 = [[1, 2], [3, 4]] @ [[1], [2]] = [[5], [11]]", "L = sum of t2 = sum of [[5], [11]] = 16"],
        ),
        (
            lambda w: (w.reshape(2, 2) @ tg.tensor([5.0, 6.0], requires_grad=True, name="b")).sum(),
            [
                "dL/dt1 = outer(dL/dt2, b) = outer([1, 1], [5, 6]) = [[5, 6], [5, 6]]",
                "dL/db = t1ᵀ @ dL/dt2 = [[1, 2], [3, 4]]ᵀ @ [1, 1] = [4, 6]",
            ],
        ),
        (
            lambda w: (w[:2] @ tg.tensor([[3.0, 4.0], [5.0, 6.0]], requires_grad=True, name="B")).sum(),
            [
                "dL/dt1 = B @ dL/dt2 = [[3, 4], [5, 6]] @ [1, 1] = [7, 11]",
                "dL/dB = outer(t1, dL/dt2) = outer([1, 2], [1, 1]) = [[1, 1], [2, 2]]",
            ],
        ),
        (
            lambda w: w @ tg.tensor([5.0, 6.0, 7.0, 8.0], requires_grad=True, name="b"),
            ["dL/dw = dL/dL · b = 1 · [5, 6, 7, 8] = [5, 6, 7, 8]", "dL/db = dL/dL · w = 1 · [1, 2, 3, 4] = [1, 2, 3"],
        ),
        (
            lambda w: tg.linear(w[2:], tg.tensor(np.eye(2), requires_grad=True, name="W"), tg.ones(2)).sum(),
            ["dL/dW = outer(dL/dt2, t1) = outer([1, 1], [3, 4]) = [[3, 4], [3, 4]]"],
        ),
        (lambda w: w.mean(), ["dL/dw = dL/dL / 4 for each of the 4 entries = [0.25, 0.25, 0.25, 0.25]"]),
        (lambda w: w[1:3].sum(), ["t1 = w[1:3] = [1, 2, 3, 4][1:3] = [2, 3]"]),
        (lambda w: w.cumprod(0).sum(), ["t1 = cumprod(w) = [1, 2, 6, 24]", "computed by its rule"]),
        (
            lambda w: (w * tg.tensor(3.0, requires_grad=True, name="s")).sum(),
            ["dL/ds = dL/dt1 · ∂t1/∂s = [1, 1, 1, 1] · w = [1, 1, 1, 1] · [1, 2, 3, 4] = 10 (summed over"],
        ),
    ],
)
def test_arrays_are_written_in_short(compute, lines):
    w = leaf([1.0, 2.0, 3.0, 4.0], "w")
    text = str(tg.explain(compute(w)))
    for line in lines:
        assert line in text


def test_large_arrays_are_shown_by_a_few_entries_and_their_shape():
    w = leaf(np.arange(60.0).reshape(3, 20), "w")
    assert "w = [0, 1, 2, …] of shape (3, 20)" in str(tg.explain(w.sum()))


@pytest.mark.parametrize(("digits", "text"), [(2, "t1 = 0.33"), (6, "t1 = 0.333333"), (17, "t1 = 0.33333333333333331")])
def test_digits_say_how_exactly_numbers_are_shown(digits, text):
    x = tg.tensor(np.array(1 / 3), requires_grad=True, name="t1")
    assert tg.explain(x * 2, digits=digits)[0].text == text


def test_nan_and_infinities_are_shown():
    x = leaf(-1.0)
    with np.errstate(all="ignore"):
        y = x.log() + (x + 1) ** -1
    text = str(tg.explain(y))
    assert "log(x) = log(-1) = NaN" in text
    assert "⁻¹ = 0⁻¹ = ∞" in text


# ------------------------------------------------------------------------------------------------- what it is called


def test_names_come_from_tensors_then_from_variables_then_from_numbers():
    own, variable = leaf(1.0, "own"), leaf(2.0)
    total = own + variable + leaf(3.0)
    assert [step.name for step in tg.explain(total)[: tg.explain(total).n_forward]] == [
        "own",
        "variable",
        "x1",
        "t1",
        "total",
    ]


def test_the_result_is_called_l_unless_it_has_a_name_of_its_own():
    x = leaf(1.0)
    loss = x * 2
    assert "dL/dx" in str(tg.explain(loss))
    assert "dL/dx" in str(tg.explain(x * 2))
    cost = x * 2
    assert "dcost/dx" in str(tg.explain(cost))
    L = leaf(1.0)  # noqa: N806 - the letter is the point
    loss = x * L
    assert "dloss/dL" in str(tg.explain(loss))


def test_names_that_are_no_single_word_stand_in_parentheses():
    assert "dL/d(0.weight)" in str(tg.explain(leaf(1.0, "0.weight") * 2))


# --------------------------------------------------------------------------------------------- the right numbers

KINDS = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, _: x.tanh(),
    lambda x, y: x - y * 2,
    lambda x, _: x.sin(),
    lambda x, y: x / (y * y + 1),
    lambda x, _: x.sum() * x,
    lambda x, _: ops.softmax(x.reshape(-1), axis=0).sum() + x,
]
programs = st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 99), st.integers(0, 99)), max_size=14)
shapes = st.sampled_from([(), (3,), (2, 2)])


def computed(program):
    def compute(*leaves):
        pool = list(leaves)
        for kind, a, b in program:
            pool.append(KINDS[kind](pool[a % len(pool)], pool[b % len(pool)]))
        return sum(x.sum() for x in pool[-3:])

    return compute


def start(shape):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for _ in range(3)]


@given(program=programs, shape=shapes)
@settings(max_examples=60, deadline=None)
def test_gradients_are_exactly_those_of_grad(program, shape):
    compute, arrays = computed(program), start(shape)
    expected = tg.grad(compute, argnums=(0, 1, 2))(*arrays)
    leaves = [leaf(array, name) for array, name in zip(arrays, "abc", strict=True)]
    explanation = tg.explain(compute(*leaves))
    for name, gradient in zip("abc", expected, strict=True):
        shown = explanation.gradients.get(name)
        np.testing.assert_array_equal(np.zeros(shape) if shown is None else shown, gradient.numpy())
    assert all(x.grad is None for x in leaves)


@given(program=programs, shape=shapes)
@settings(max_examples=40, deadline=None)
def test_each_step_back_is_the_chain_rule_and_sums_add_up(program, shape):
    explanation = tg.explain(computed(program)(*[leaf(array) for array in start(shape)]))
    arrived = {explanation[-len(explanation) + explanation.n_forward].target: np.float32(1)}
    for step in explanation[explanation.n_forward + 1 :]:
        np.testing.assert_array_equal(step.incoming, arrived[step.name])  # whole before it is handed on
        local = step.local
        if local.shape == step.value.shape and works_by_entry(TABLE[step.operation]):
            whole = step.incoming * local
            handed = whole.sum() if step.outgoing.shape == () else whole
        else:
            handed = np.tensordot(step.incoming, local, axes=step.incoming.ndim)
        np.testing.assert_allclose(step.outgoing, handed, rtol=2e-5, atol=2e-6)
        before = arrived.get(step.target)
        assert (before is None) == (step.before is None)
        np.testing.assert_array_equal(step.total, step.outgoing if before is None else before + step.outgoing)
        arrived[step.target] = step.total
        assert step.lines
    for name, gradient in explanation.gradients.items():
        np.testing.assert_array_equal(gradient, arrived[name])


# -------------------------------------------------------------------------------------- the right formulas

_PYTHON = [
    ("·", "*"),
    ("⁻¹", "**(-1)"),
    ("⁻²", "**(-2)"),
    ("⁻³", "**(-3)"),
    ("²", "**2"),
    ("³", "**3"),
    ("^", "**"),
    ("½", "0.5"),
]
_CALLS = {
    **{name: getattr(math, name) for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")},
    **{f"arc{name}": getattr(math, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "log2": math.log2,
    "log10": math.log10,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "max": max,
    "min": min,
}


def evaluated(formula):
    """Read a formula as a person would."""
    formula = re.sub(r"\|([^|]*)\|", r"abs(\1)", formula)
    formula = formula.replace("√(", "sqrt(").replace("∛(", "cbrt(").replace("log₂", "log2").replace("log₁₀", "log10")
    formula = re.sub(r"log σ\(([^()]*)\)", r"log(sigmoid(\1))", formula).replace("σ(", "sigmoid(")
    formula = re.sub(r", 0\.5 if they are equal, else 0|, ½ if they are equal, else 0", " else 0", formula)
    formula = re.sub(r"\((\S+) if above 0, else ([^()]*|.*)\)$", r"(\1 if \1 > 0 else \2)", formula)
    formula = formula.replace(", else", " else").replace("≥", ">=").replace("≤", "<=")
    formula = re.sub(r"\(the sign of \(?(-?[\d.]+)\)?; 0 at 0\)", r"((\1 > 0) - (\1 < 0))", formula)
    for sign, python in _PYTHON:
        formula = formula.replace(sign, python)
    return eval(formula, {"__builtins__": {}, "abs": abs, **_CALLS})  # noqa: S307 - of our own table


INPUTS = {
    "arccosh": [(1.5,), (2.5,)],
    "power": [(2.0, 3.0), (0.5, -1.5)],
    "binary_cross_entropy_with_logits": [(0.7, 1.0), (-1.3, 0.0)],
}
POSITIVE = [(0.3,), (0.8,)]
ONE = [(0.3,), (-0.6,)]
TWO = [(0.3, 0.7), (-0.6, -1.2), (1.5, -0.5)]
NEEDS_POSITIVE = {"log", "log2", "log10", "sqrt", "log1p", "cbrt"}
ENTRYWISE = sorted(
    name for name, formula in FORMULAS.items() if formula.derivatives and name not in ("where", "astype")
)


@pytest.mark.parametrize("name", ENTRYWISE)
def test_formulas_say_what_the_rows_compute(name):
    op = TABLE[name]
    inputs = INPUTS.get(name) or (POSITIVE if name in NEEDS_POSITIVE else ONE if len(op.rules) == 1 else TWO)
    for numbers in inputs:
        check_formula(op, [np.float64(x) for x in numbers], {})


@pytest.mark.parametrize("exponent", [1, 2, 3, -1, -2, 0.5, 2.5])
def test_powers_of_numbers_are_written_as_one_writes_them(exponent):
    check_formula(ops.constant_power, [np.float64(1.7)], {"exponent": exponent})


def check_formula(op, arrays, options):
    out = np.float64(op.forward(*arrays, **options))
    texts = {str(k): repr(float(x)) for k, x in enumerate(arrays)}
    texts |= {**options_of(op.name, arrays, out, options), "out": repr(float(out))}
    formula = formula_of(op.name, len(arrays), options)
    assert evaluated(fill(formula.text, texts)) == pytest.approx(float(out), rel=1e-9, abs=1e-12)
    assert len(formula.derivatives) == len(op.rules)
    for template, rule in zip(formula.derivatives, op.rules, strict=True):
        said = evaluated(fill(template, texts))
        assert said == pytest.approx(float(rule(np.float64(1), out, *arrays, **options)), rel=1e-5, abs=1e-12), template


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_formula_belongs_to_a_row_and_has_a_derivative_for_each_input(name):
    op, formula = TABLE[name], FORMULAS[name]
    assert bool(formula.derivatives) != bool(formula.pulled)
    written = formula.derivatives or formula.pulled
    if op.rules:
        rules = op.rules[: len(written)]
        assert [template is not None for template in written] == [rule is not None for rule in rules]


def test_a_row_without_a_formula_shows_the_number_of_its_rule_and_says_so():
    cube = tg.custom_op(lambda x: x**3, lambda g, _y, x: g * 3 * x * x, name="cube_of_the_test")
    x = leaf(2.0)
    step = tg.explain(cube(x))[-1]
    assert step.text == (
        "dL/dx = dL/dL · ∂L/∂x = 1 · 12 = 12 (no formula is written for cube_of_the_test: computed by its rule)"
    )
    assert step.local == 12


# ---------------------------------------------------------------------------------------------- step by step


def small():
    x = leaf(3.0)
    return x, tg.explain(x * x)


def test_stepping_shows_what_is_known_and_never_zero_for_what_is_not():
    x, explanation = small()
    assert explanation.position == 0
    seen = []
    while explanation.position < len(explanation):
        seen.append(tuple(cell for _, _, *cells in explanation.view().rows for cell in cells))
        explanation.next()
    seen.append(tuple(cell for _, _, *cells in explanation.view().rows for cell in cells))
    assert seen == [
        ("—", "—", "—", "—"),
        ("3", "—", "—", "—"),
        ("3", "—", "9", "—"),
        ("3", "—", "9", "1"),
        ("3", "3", "9", "1"),
        ("3", "6", "9", "1"),
    ]
    assert explanation.gradient(x) == 6
    assert str(explanation.view()).startswith("After step 5: L") is False
    assert str(explanation.view()).startswith("After step 5: dL/dx += dL/dL · ∂L/∂x")


def test_going_back_undoes_going_on():
    x, explanation = small()
    forward = [explanation.next() for _ in range(len(explanation))]
    gradients = []
    backward = []
    while explanation.position:
        gradients.append(explanation.gradient("x"))
        backward.append(explanation.back())
    assert [step.index for step in backward] == [step.index for step in forward][::-1] == [4, 3, 2, 1, 0]
    assert gradients == [6, 3, None, None, None]
    explanation.position = 3
    assert explanation.value(x) == 3
    explanation.reset()
    assert explanation.value(x) is None
    assert str(explanation.view()).startswith("Before the first step")


@given(moves=st.lists(st.booleans(), max_size=30))
@settings(max_examples=30, deadline=None)
def test_any_walk_shows_the_same_at_the_same_position(moves):
    _, explanation = small()
    views = {}
    for on in moves:
        if on and explanation.position < len(explanation):
            assert explanation.next() is not None
        elif not on and explanation.position:
            explanation.back()
        view = explanation.view()
        assert views.setdefault(explanation.position, view.rows) == view.rows


def test_the_graph_is_drawn_as_it_is_known_so_far():
    _, explanation = small()
    explanation.position = 4
    graph = explanation.graph()
    assert [(n.label, n.value, n.gradient) for n in graph.nodes] == [("x", "3", "3"), ("L = multiply", "9", "1")]
    explanation.reset()
    assert [(n.value, n.gradient) for n in explanation.graph().nodes] == [("—", "—"), ("—", "—")]
    assert "gradient —" in explanation.graph().to_svg()


def test_it_is_a_sequence_of_steps():
    _, explanation = small()
    assert len(explanation) == 5
    assert [step.index for step in explanation] == [0, 1, 2, 3, 4]
    assert explanation[-1].text == explanation[4].text
    assert [step.kind for step in explanation] == ["given", "forward", "start", "backward", "backward"]
    assert [step.complete for step in explanation[3:]] == [False, True]
    assert repr(explanation).startswith("Explanation of 2 steps forward and 3 back")
    with pytest.raises(IndexError, match="There are 5 steps, but step 5"):
        explanation[5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.back(), "No step has been made yet"),
        (lambda e: [e.next() for _ in range(6)], r"All 5 steps have been made.*reset\(\)"),
        (lambda e: setattr(e, "position", 6), "from 0 to 5, the number of steps, but was set to 6"),
        (lambda e: setattr(e, "position", 1.5), "but was set to 1.5"),
        (lambda e: e.gradient("w"), "w is not in the graph. There are: x, L"),
        (lambda e: e.value(tg.tensor(1.0)), "That tensor is not in the graph"),
    ],
)
def test_steps_that_are_not_there_are_refused(call, message):
    _, explanation = small()
    with pytest.raises(OptionError, match=message):
        call(explanation)


# ------------------------------------------------------------------------------------------ nothing is disturbed


def test_explaining_leaves_gradients_and_the_graph_as_they_are():
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    loss = y + x
    loss.retain_grad()
    tg.explain(loss)
    assert (x.grad, y.grad, loss.grad) == (None, None, None)
    loss.backward(retain_graph=True)
    assert (x.grad.item(), y.grad.item(), loss.grad.item()) == (7, 1, 1)
    explanation = tg.explain(loss)  # after backward() too
    assert explanation.gradients["x"] == 7
    assert (x.grad.item(), y.grad.item(), loss.grad.item()) == (7, 1, 1)


def test_what_a_hook_makes_of_a_gradient_is_a_step():
    x = leaf(3.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    z = y + x
    explanation = tg.explain(z)
    hooks = [step.text for step in explanation if step.kind == "hook"]
    assert hooks == ["dz/dy: a hook made 10 of 1", "dz/dx: a hook made 22 of 21"]
    assert explanation.gradients["x"] == tg.tensor(22.0).item()
    z.backward()
    assert x.grad.item() == 22


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (lambda _: 3.0, {}, ArgumentError, "was given float. Give it the loss itself"),
        (lambda x: x * 2, {}, ShapeError, r"the shape is \(2,\). Take x.sum\(\)"),
        (lambda x: x.detach().sum(), {}, GraphError, "nothing that asks for a gradient"),
        (lambda x: x.sum(), {"limit": 1}, OptionError, "limit is a number of steps, at least 2"),
        (lambda x: x.sum(), {"limit": 2.5}, OptionError, "but is 2.5"),
        (lambda x: x.sum(), {"digits": 0}, OptionError, "digits is a whole number from 1 to 17, but is 0"),
        (lambda x: x.sum(), {"digits": True}, OptionError, "but is True"),
    ],
)
def test_what_cannot_be_explained_is_refused(make, options, error, message):
    with pytest.raises(error, match=message):
        tg.explain(make(leaf([1.0, 2.0])), **options)


def test_a_freed_graph_and_a_value_written_over_are_refused():
    x = leaf(2.0)
    loss = x * x
    loss.backward()
    with pytest.raises(GraphError, match="freed by backward"):
        tg.explain(loss)
    w = leaf(2.0)
    loss = w + 1  # addition reads no value to go back, but the formula would be wrong: 1 + 1 = 3
    with tg.no_grad():
        w -= 1
    with pytest.raises(GraphError, match="w was changed in place after add had used it"):
        tg.explain(loss)


# ------------------------------------------------------------------------------------------------ long ones


def long(n):
    x = y = leaf(0.5, "x")
    for k in range(n):
        y = y.sin() if k % 2 else y + x
    return y


def test_of_a_long_computation_the_first_and_last_steps_are_printed():
    explanation = tg.explain(long(5000), limit=6)
    text = str(explanation)
    assert len(explanation) > 12_000
    assert len(text.splitlines()) < 20
    assert "… 4,995 more steps; explain with limit=None shows all" in text
    assert "   1  x = 0.5" in text
    assert "4,995 more steps" in explanation._repr_html_()


def test_without_a_limit_all_steps_are_printed():
    assert "more steps" not in str(tg.explain(long(100), limit=None))
    assert str(tg.explain(long(100), limit=None)).count("sin(") == 100 // 2 * 2


# ----------------------------------------------------------------------------------------------------- HTML


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.rows, self.widths = [], "", 0, set()

    def handle_starttag(self, tag, attributes):
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attributes)
        assert tag not in ("script", "link", "style", "img", "iframe")
        if tag != "br":
            self.open.append(tag)
        self.rows += tag == "tr"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_one_table_with_every_text_escaped_and_nothing_from_outside():
    evil = leaf(2.0, "<script>alert(1)</script>")
    reader = Reader()
    reader.feed(tg.explain(evil * 3)._repr_html_())
    assert not reader.open
    assert "<script>alert(1)</script> · 3 = 2 · 3 = 6" in reader.text
    assert reader.rows == 1 + 2 + 4  # the head, two titles, the steps
    assert "url(" not in tg.explain(evil * 3)._repr_html_()


def test_html_names_what_its_colours_say():
    reader = Reader()
    reader.feed(nn.Linear(1, 1).explain([1.0], [2.0])._repr_html_())
    for word in ("given", "forward", "start", "back", "Linear 1→1", "loss (MSELoss)"):
        assert word in reader.text


# ------------------------------------------------------------------------------------------------- networks

W1, B1 = np.array([[0.5, -1.0], [0.25, 0.5]]), np.array([0.1, -0.2])
W2, B2 = np.array([[1.5, -0.5]]), np.array([0.3])
X, Y = np.array([1.0, 2.0]), np.array([0.5])


def network():
    model = nn.MLP(2, [2], 1, activation="tanh")
    model.load_state_dict({"0.weight": W1, "0.bias": B1, "2.weight": W2, "2.bias": B2})
    return model


def test_one_example_is_followed_unit_by_unit_and_back_to_each_weight():
    # By hand: z1 = W1 x + b1, a1 = tanh(z1), z2 = W2 a1 + b2, L = (z2 - y)².
    z1 = W1 @ X + B1
    a1 = np.tanh(z1)
    z2 = W2 @ a1 + B2
    error = z2 - Y
    delta2 = 2 * error
    delta1 = (W2.T @ delta2) * (1 - a1**2)
    text = str(network().explain(X, Y, digits=4))
    n = "{:.4g}".format
    for line in (
        "w1₁₁ = 0.5, w1₁₂ = -1",
        "x₁ = 1, x₂ = 2",
        f"  0 (Linear 2→2)\n   7  z1₁ = w1₁₁·x₁ + w1₁₂·x₂ + b1₁ = 0.5·1 + (-1)·2 + 0.1 = {n(z1[0])}",
        f"z1₂ = w1₂₁·x₁ + w1₂₂·x₂ + b1₂ = 0.25·1 + 0.5·2 + (-0.2) = {n(z1[1])}",
        f"  1 (Tanh)\n   8  a1₁ = tanh(z1₁) = tanh({n(z1[0])}) = {n(a1[0])}",
        f"z2 = w2₁·a1₁ + w2₂·a1₂ + b2 = 1.5·({n(a1[0])}) + (-0.5)·{n(a1[1])} + 0.3 = {n(z2[0])}",
        f"e = z2 - y = {n(z2[0])} - 0.5 = {n(error[0])}",
        f"dL/de = dL/dq · 2 · e = 1 · 2 · ({n(error[0])}) = {n(delta2[0])}",
        f"δ2 = dL/dz2 = dL/de · 1 = {n(delta2[0])} · 1 = {n(delta2[0])}",
        f"dL/dw2₁ = δ2·a1₁ = {n(delta2[0])}·({n(a1[0])}) = {n(delta2[0] * a1[0])}",
        f"dL/db2 = δ2 = {n(delta2[0])}",
        f"dL/da1₂ = δ2·w2₂ = {n(delta2[0])}·(-0.5) = {n(-0.5 * delta2[0])}",
        f"δ1₁ = dL/dz1₁ = dL/da1₁ · (1 - a1₁²) = {n(1.5 * delta2[0])} · (1 - ({n(a1[0])})²) = {n(delta1[0])}",
        f"dL/dw1₂₂ = δ1₂·x₂ = {n(delta1[1])}·2 = {n(2 * delta1[1])}",
        f"dL/db1₂ = δ1₂ = {n(delta1[1])}",
    ):
        assert line in text


def test_the_gradients_are_those_of_backward_and_grad_stays_as_it_is():
    model = network()
    explanation = model.explain(X, Y)
    assert all(parameter.grad is None for parameter in model.parameters())
    nn.MSELoss()(model(X.astype(np.float32)[None]), Y.astype(np.float32)[None]).backward()
    for name, parameter in zip(("w1", "b1", "w2", "b2"), model.parameters(), strict=True):
        np.testing.assert_array_equal(explanation.gradients[name], parameter.grad.numpy())


def test_a_class_is_explained_with_cross_entropy():
    model = nn.Linear(2, 3)
    weight, bias = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]), np.zeros(3)
    model.load_state_dict({"weight": weight, "bias": bias})
    explanation = model.explain(X, 1, digits=4)
    z = weight @ X
    p = np.exp(z) / np.exp(z).sum()
    n = "{:.4g}".format
    text = str(explanation)
    assert (
        f"L = -l₂ = -({n(np.log(p[1]))}) = {n(-np.log(p[1]))} (the target is class 1, whose entry is number 2)" in text
    )
    for k, target in enumerate((0, 1, 0)):
        line = rf"δ{'₁₂₃'[k]} = dL/dz{'₁₂₃'[k]} = .* = (\S+)\n"
        assert float(re.search(line, text)[1]) == pytest.approx(p[k] - target, abs=1e-4)
        assert f"dL/db{'₁₂₃'[k]} = δ{'₁₂₃'[k]}" in text
    assert "dL/dl₁ = 0 (not the target's class)" in text


@pytest.mark.parametrize("y", [0.5, [0.5], [[0.5]], np.array([0.5]), tg.tensor([0.5])])
@pytest.mark.parametrize("x", [[1.0, 2.0], [[1.0, 2.0]], X, tg.tensor([1.0, 2.0]), np.array([1, 2])])
def test_an_example_may_be_given_in_any_form(x, y):
    assert "z1₁ = w1₁₁·x₁ + w1₁₂·x₂ + b1₁ = 0.5·1 + (-1)·2 + 0.1 = -1.4" in str(network().explain(x, y))
    loss = ((W2 @ np.tanh(W1 @ X + B1) + B2 - Y) ** 2).item()
    assert f"L = q = {loss:.4f}" in str(network().explain(x, y))


def test_the_same_layers_used_in_another_way_are_explained_too():
    class Branch(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            h = self.layer(x)
            return self.layer(h.sigmoid()) + h  # shared weights, and h goes two ways

    model = Branch()
    explanation = model.explain(X, [0.0, 1.0])
    nn.MSELoss()(model(X.astype(np.float32)[None]), np.array([[0.0, 1.0]], np.float32)).backward()
    np.testing.assert_array_equal(explanation.gradients["w1"], model.layer.weight.grad.numpy())
    assert re.search(r"δ1₁ = dL/dz1₁ = \S+ \+ \S+ = ", str(explanation))
    assert re.search(r"dL/dw1₁₁ = \S+ \+ \S+ = ", str(explanation))


LAYERS = [
    nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.GELU(), nn.Dropout(0.5)),
    nn.Sequential(nn.Linear(2, 3, bias=False), nn.LeakyReLU(), nn.Linear(3, 2), nn.Softmax(-1)),
    nn.Sequential(nn.Linear(2, 12), nn.Softplus(), nn.Linear(12, 2), nn.ELU()),
]


@pytest.mark.parametrize("model", LAYERS, ids=["norm", "softmax", "wide"])
def test_any_layer_is_explained_with_words_or_with_numbers(model):
    explanation = model.explain(X, [0.25, 0.75])
    lines = str(explanation).splitlines()
    assert all(" = " in line for step in explanation for line in step.lines)
    assert len(lines) > len(explanation)
    if model is LAYERS[2]:
        assert "w1₁₂,₂" in str(explanation)  # with a comma, since 12 could be 1 and 2
        assert "… + " in str(explanation)


def test_where_units_have_no_names_whole_arrays_are_shown():
    class OfSequences(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

        def forward(self, x):  # three rows through the same units, then sums and scores along an axis
            return ops.log_softmax(self.layer(x), axis=-1).sum(axis=1) + self.layer(x).mean(axis=1)

    model = OfSequences()
    x = np.arange(6, dtype=np.float32).reshape(1, 3, 2)
    explanation = model.explain(x, [0.0, 1.0])
    text = str(explanation)
    for line in (
        "z1 = x @ w1ᵀ + b1 = [[[",
        "log softmax(z1) = [[[",
        "sum of t",
        "mean of z2",
        "δ1 = dL/dz1 = ",
        "ᵀ @ x",
    ):
        assert line in text
    nn.MSELoss()(model(x), np.array([[0.0, 1.0]], np.float32)).backward()
    np.testing.assert_array_equal(explanation.gradients["w1"], model.layer.weight.grad.numpy())


def test_shown_in_a_console_steps_and_views_are_their_text():
    _, explanation = small()
    assert repr(explanation[1]) == "L = x · x = 3 · 3 = 9"
    assert repr(explanation.view()) == str(explanation.view())


def test_a_larger_network_is_explained_by_layers():
    model = nn.MLP(20, [20], 3)
    assert model.num_parameters() > MOST_PARAMETERS
    text = str(model.explain(np.ones(20), 2))
    assert "It has more than 200 parameters, so whole arrays are shown" in text
    assert "t1 = x @ 0.weightᵀ + 0.bias = [" in text
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.explain(np.ones((3, 2)), [0.5]), OptionError, r"one example, but x has shape \(3, 2\). .* x\[0\]"),
        (lambda m: m.explain(X, None), OptionError, "it needs the target y as well"),
        (lambda m: m.explain(X, [0.5], loss=nn.MSELoss(reduction="none")), None, None),
        (lambda m: m.explain(X, [0.5, 0.5]), ShapeError, "mse_loss"),
        (lambda m: m.explain(X, 1), ShapeError, "at least two classes.*binary_cross_entropy_with_logits"),
        (lambda m: m.explain(X, [0.5], digits=99), OptionError, "digits is a whole number"),
        (lambda m: m.explain(np.ones(3), [0.5]), ShapeError, "takes 2 features"),
    ],
)
def test_what_is_no_example_is_refused(call, error, message):
    if error is None:
        assert call(network()).gradients  # of one number there is nothing to average
    else:
        with pytest.raises(error, match=message):
            call(network())


def test_under_no_grad_there_is_nothing_to_explain():
    with tg.no_grad(), pytest.raises(GraphError, match="nothing that asks for a gradient, or under no_grad"):
        network().explain(X, Y)
