"""Graphs: what is in them, that nothing is disturbed by looking, and that every drawing is readable."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import DtypeError, GraphError, OptionError
from tinygrad_edu.graphs import Graph, GraphEdge, GraphGroup, GraphNode
from tinygrad_edu.graphs.layout import GROUP_TEXT, HEADER, lay_out
from tinygrad_edu.graphs.numbers import summary_text
from tinygrad_edu.graphs.recording import read
from tinygrad_edu.graphs.svg import _size
from tinygrad_edu.graphs.text_width import text_width

X = np.array([[1.0, 2.0]], np.float32)


def leaf(value, name=None):
    return tg.tensor(value, requires_grad=True, name=name)


def labels(graph):
    return [node.label for node in graph.nodes]


def arrows(graph):
    return {(graph.nodes[e.start].label, graph.nodes[e.end].label, e.times) for e in graph.edges}


def mlp():
    return nn.MLP(2, [3], 1, activation="tanh", rng=np.random.default_rng(0))


# ------------------------------------------------------------------------------------- what is in a graph


def test_a_formula_is_drawn_from_what_was_given_to_the_result():
    x, y = leaf(2.0), leaf(3.0)
    z = x * y + x.sin()
    graph = z.graph()
    assert labels(graph) == ["x", "y", "multiply", "sin", "z = add"]
    assert arrows(graph) == {
        ("x", "multiply", 1),
        ("y", "multiply", 1),
        ("x", "sin", 1),
        ("multiply", "z = add", 1),
        ("sin", "z = add", 1),
    }
    assert [node.value for node in graph.nodes] == ["2", "3", "6", "0.9093", "6.909"]
    # dz/dx = y + cos(x) = 3 - 0.4161.
    assert [node.gradient for node in graph.nodes] == ["2.584", "2", "1", "1", "1"]
    assert [node.result for node in graph.nodes] == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("compute", "label", "detail", "shape", "value"),
    [
        (lambda x: 2 * x, "multiply", "2 · …", (2,), "[2, 4]"),
        (lambda x: x - 0.5, "subtract", "… - 0.5", (2,), "[0.5, 1.5]"),
        (lambda x: x * -1, "multiply", "… · (-1)", (2,), "[-1, -2]"),
        (lambda x: x**3, "constant_power", "exponent=3", (2,), "[1, 8]"),
        (lambda x: x.sum(axis=0), "sum", "axis=0", (), "3"),
        (lambda x: x.reshape(2, 1), "reshape", "", (2, 1), "[1, 2]"),
        (lambda x: x[1:], "getitem", "[1:]", (1,), "2"),
        (lambda x: x[..., None], "getitem", "[..., None]", (2, 1), "[1, 2]"),
        (lambda x: x[[0, 1, 1]], "getitem", "[3 places]", (3,), "[1, 2, 2]"),
        (lambda x: tg.leaky_relu(x, 0.2), "leaky_relu", "negative_slope=0.2", (2,), "[1, 2]"),
    ],
)
def test_a_box_says_what_the_operation_does(compute, label, detail, shape, value):
    node = compute(leaf([1.0, 2.0])).graph().nodes[-1]
    assert (node.label, node.shape, node.value) == (label, shape, value)
    assert node.detail == detail


def test_a_tensor_used_twice_has_one_arrow_that_says_so():
    x = leaf(3.0)
    assert arrows((x * x).graph()) == {("x", "multiply", 2)}


def test_what_asks_for_no_gradient_shows_none_and_what_is_not_there_yet_shows_a_dash():
    x, data = leaf([1.0, 2.0]), tg.tensor([3.0, 4.0])
    graph = (x * data).graph()  # not a single number: there is no gradient to show
    assert [(n.label, n.kind, n.gradient) for n in graph.nodes] == [
        ("x", "parameter", "—"),
        ("data", "data", None),
        ("multiply", "operation", "—"),
    ]


def test_an_array_in_a_computation_is_a_box_of_its_own_and_drawn_once():
    constant = np.array([1.0, 2.0], np.float32)
    x = leaf([1.0, 2.0])
    graph = (x * constant + constant).sum().graph()
    assert labels(graph).count("constant") == 1


@pytest.mark.parametrize(("values", "gradients"), [(True, False), (False, True), (False, False)])
def test_values_and_gradients_can_be_left_out(values, gradients):
    nodes = (leaf(2.0) * 3).graph(values=values, gradients=gradients).nodes
    assert all((node.value is not None) == values for node in nodes)
    assert all((node.gradient is not None) == gradients for node in nodes)
    again = (leaf(2.0) * 3).graph().without(values=values, gradients=gradients).nodes
    assert again == nodes


def test_a_constant_is_one_box_whose_title_says_that_nothing_was_recorded():
    with tg.no_grad():
        graph = (leaf(1.0) * 2).graph()
    assert len(graph.nodes) == 1
    assert "no computation was recorded" in graph.title


# ---------------------------------------------------------------------------------------- looking changes nothing


def test_looking_leaves_gradients_and_the_graph_as_they_are():
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    z = y * 2
    z.graph()
    assert x.grad is None
    assert y.grad is None
    z.backward()  # was not freed
    assert x.grad.item() == 12
    assert y.grad.item() == 2


def test_hooks_count_in_the_gradients_that_are_shown():
    x = leaf(3.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    nodes = (y + 1).graph().nodes
    assert [node.gradient for node in nodes] == ["20", "10", "1"]


def test_a_model_keeps_its_running_statistics_and_its_random_numbers():
    tg.seed(0)
    own = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Dropout(0.5, rng=own))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    states = tg.default_rng().bit_generator.state, own.bit_generator.state
    model.graph(np.ones((4, 2), np.float32))
    model.graph(np.ones((4, 2), np.float32), y=np.zeros((4, 3), np.float32))
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert (tg.default_rng().bit_generator.state, own.bit_generator.state) == states


def test_a_freed_graph_is_refused():
    x = leaf(2.0)
    y = x * x
    y.backward()
    with pytest.raises(GraphError, match=r"freed by backward\(\).*retain_graph=True"):
        y.graph()


def test_a_value_written_over_is_refused_unless_no_numbers_are_shown():
    w = leaf(2.0)
    loss = w * w
    with tg.no_grad():
        w -= 1
    with pytest.raises(GraphError, match="w was changed in place after multiply had used it"):
        loss.graph()
    assert labels(loss.graph(values=False, gradients=False)) == ["w", "loss = multiply"]


# --------------------------------------------------------------------------------------------------- models


def test_layers_are_boxes_around_their_operations():
    graph = mlp().graph(X, y=[0.5])
    assert [group.label for group in graph.groups] == [
        "0 (Linear 2→3)",
        "1 (Tanh)",
        "2 (Linear 3→1)",
        "loss (MSELoss)",
    ]
    homes = {node.label: node.group for node in graph.nodes}
    assert homes == {
        "x": None,
        "y": None,
        **dict.fromkeys(("0.weight", "0.bias"), 0),
        **dict.fromkeys(("2.weight", "2.bias", "linear"), 2),
        "tanh": 1,
        **dict.fromkeys(("subtract", "square", "mean"), 3),
    }
    assert graph.title == "MLP, 13 parameters, and its loss"


@pytest.mark.parametrize(
    ("y", "loss", "label"),
    [
        ([1], None, "loss (CrossEntropyLoss)"),
        ([1.0, 0.0], None, "loss (MSELoss)"),
        ([[1.0, 0.0]], nn.HuberLoss(), "loss (HuberLoss)"),
        ([1, 0], nn.BCEWithLogitsLoss(), "loss (BCEWithLogitsLoss)"),
        ([1.0, 0.0], lambda prediction, target: ((prediction - target) ** 4).sum(), "loss (<lambda>)"),
    ],
)
def test_the_loss_goes_with_the_target(y, loss, label):
    model = nn.Linear(2, 2)
    graph = model.graph(X, y=y, loss=loss)
    assert graph.groups[-1].label == label
    assert all(node.gradient not in (None, "—") for node in graph.nodes if node.kind == "parameter")


def nested():
    inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    return nn.Sequential(nn.Sequential(inner, nn.Tanh()), nn.Linear(2, 1))


@pytest.mark.parametrize(
    ("collapse", "expected", "groups"),
    [
        (True, ["x", "0 (Sequential)", "1 (Linear 2→1)"], []),
        (1, ["x", "0 (Sequential)", "1 (Linear 2→1)"], []),
        (
            2,
            ["1.bias", "1.weight", "linear", "x", "0.0 (Sequential)", "0.1 (Tanh)"],
            ["0 (Sequential)", "1 (Linear 2→1)"],
        ),
    ],
)
def test_modules_collapse_into_one_box(collapse, expected, groups):
    graph = nested().graph(X, collapse=collapse, values=False, gradients=False)
    assert sorted(labels(graph)) == sorted(expected)
    assert [group.label for group in graph.groups] == groups
    assert graph == nested().graph(X, values=False, gradients=False).collapse(collapse)
    collapsed = next(node for node in graph.nodes if node.kind == "module")
    assert "parameters" in collapsed.detail
    assert sum(node.count for node in graph.nodes if node.kind in ("operation", "module")) == 4


def test_open_modules_are_the_default():
    model = nested()
    assert model.graph(X) == model.graph(X, collapse=False)
    assert not any(node.kind == "module" for node in model.graph(X).nodes)


def test_a_layer_called_twice_is_two_boxes():
    class Twice(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(self.layer(x).tanh())  # through the outside: merged by module this were a circle

    graph = Twice().graph(X)
    assert [group.label for group in graph.groups] == ["layer (Linear 2→2)"] * 2
    assert {node.group for node in graph.nodes if node.label == "layer.weight"} == {None}  # belongs to both
    collapsed = graph.collapse()
    assert labels(collapsed)[-3:] == ["layer (Linear 2→2)", "tanh", "layer (Linear 2→2)"]
    assert all(edge.start < edge.end for edge in collapsed.edges)
    check_drawing(graph)


def test_what_no_gradient_flows_through_is_shown_too():
    model = mlp()
    for parameter in model.parameters():
        parameter.requires_grad = False
    with tg.no_grad():
        assert [n.what for n in model.graph(X).nodes if n.kind == "operation"] == ["linear", "tanh", "linear"]


# ------------------------------------------------------------------------------------------------- bad input


class Pair(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Pair().graph(X), OptionError, "Pair returned a tuple"),
        (lambda: mlp().graph(X, loss=nn.MSELoss()), OptionError, "y was not given"),
        (lambda: mlp().graph(X, y=[0.5], loss="mse"), OptionError, "loss is a loss such as nn.MSELoss"),
        (lambda: mlp().graph(X, y=[True]), DtypeError, "The target holds bool"),
        (lambda: mlp().graph(X, collapse=-1), OptionError, "collapse is True, False or a depth"),
        (lambda: mlp().graph(X, collapse="all"), OptionError, "collapse is True, False or a depth"),
        (lambda: leaf(1.0).graph().summary(9), OptionError, "at least 10 nodes, but was given 9"),
        (lambda: leaf(1.0).graph(limit=0).to_svg(), OptionError, "at least 10 nodes, but was given 0"),
        (lambda: leaf(1.0).graph().save("graph.png"), OptionError, r"\.svg, \.dot, \.gv or \.mmd, but .* 'graph.png'"),
        (
            lambda: leaf(1.0).graph().save("/no/such/folder/g.svg"),
            OptionError,
            r"cannot be written to '/no/such/folder/g.svg': .* there is no such folder: '/no/such/folder'\.$",
        ),
        (lambda: leaf(1.0).graph().save(3), OptionError, r"a file such as 'graph.svg', but the path is 3\."),
    ],
)
def test_bad_input_is_refused_with_the_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ------------------------------------------------------------------------------------------------- summaries


def chain(n):
    x = y = leaf(0.5, "x")
    for k in range(n):
        y = y + x if k % 2 else y.sin()
    return y


def test_a_deep_graph_needs_no_recursion_and_says_what_was_left_out():
    graph = chain(10_000).graph(values=False, gradients=False)
    assert len(graph.nodes) == 10_001
    small = graph.summary()
    assert labels(small) == ["x", "sin, add × 4,999", "sin", "add"]
    assert small.note.startswith("A summary of 10,001 nodes, 10,000 of them operations: repeated operations")
    for drawing in (graph.to_svg(), graph.to_mermaid()):
        assert "A summary of 10,001 nodes" in drawing
    assert "A summary of 10,001 nodes" in graph.to_dot()


def test_modules_collapse_first():
    model = nn.Sequential(*(nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(60)))
    graph = model.graph(X)
    assert len(graph.nodes) == 241
    small = graph.summary()
    assert labels(small)[:4] == ["x", "0.0 (Linear 2→2)", "0.1 (ReLU)", "1.0 (Linear 2→2)"]  # as deep as fits
    assert [group.label for group in small.groups[:2]] == ["0 (Sequential)", "1 (Sequential)"]
    assert labels(graph.summary(100))[:3] == ["x", "0 (Sequential)", "1 (Sequential)"]
    assert "modules are collapsed" in small.note
    tiny = graph.summary(20)
    assert labels(tiny) == ["x", "Sequential × 59", "59 (Sequential)"]
    assert tiny.nodes[1].count == 118


def test_what_is_not_too_large_stays_as_it_is():
    graph = chain(150).graph()
    assert graph.summary() is graph
    assert len(re.findall("<g><title>", graph.to_svg())) == 151


KINDS = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, _: x.tanh(),
    lambda x, y: x - y * 2,
    lambda x, _: x.sin(),
]
numbers = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=40)


def random_result(program, start=4):
    """Compute something from a list of numbers, each line of which takes any two of what was there."""
    pool = [leaf(0.1 * k + 0.2) for k in range(start)]
    for kind, a, b in program:
        x, y = pool[a % len(pool)], pool[b % len(pool)]
        pool.append(KINDS[kind](x, y))
    return sum(pool[-3:], pool[-1] * 0)


@given(program=numbers, limit=st.integers(10, 30))
@settings(max_examples=40, deadline=None)
def test_a_summary_keeps_to_its_limit_and_counts_every_operation(program, limit):
    graph = random_result(program).graph()
    small = graph.summary(limit)
    assert len(small.nodes) <= max(limit, 10)
    operations = sum(node.kind == "operation" for node in graph.nodes)
    assert sum(n.count for n in small.nodes if n.kind in ("operation", "run")) == operations
    assert all(edge.start < edge.end for edge in small.edges)
    assert small.nodes[-1].result
    check_drawing(small)


# -------------------------------------------------------------------------------------------------- drawings


def overlap(a, b):
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def inside(a, b):
    return (
        b.x <= a.x + 1e-6
        and a.x + a.width <= b.x + b.width + 1e-6
        and b.y <= a.y + 1e-6
        and a.y + a.height <= b.y + b.height + 1e-6
    )


def check_drawing(graph):
    """Boxes overlap nowhere, groups hold their own and nobody else, lines run around boxes, every arrow arrives."""
    layout = lay_out(graph, [_size(node) for node in graph.nodes])
    whole = type(layout.nodes[0])(0, 0, layout.width, layout.height)
    assert len(layout.nodes) == len(graph.nodes)
    for box in (*layout.nodes.values(), *layout.groups.values()):
        assert inside(box, whole)
    for a, b in combinations(layout.nodes.values(), 2):
        assert not overlap(a, b)
    for g, box in layout.groups.items():
        for k, node in layout.nodes.items():
            assert inside(node, box) if within(graph, graph.nodes[k].group, g) else not overlap(node, box)
    for line in layout.lines:
        assert line.y <= line.to_y + 1e-6
        # A line is curved, but never leaves the rectangle between its ends; where it is long, it is straight.
        for box in layout.nodes.values():
            if line.x == line.to_x:
                crosses = box.x < line.x < box.x + box.width
            else:
                crosses = min(line.x, line.to_x) < box.x + box.width and box.x < max(line.x, line.to_x)
            assert not (crosses and line.y < box.y + box.height - 1e-6 and box.y + 1e-6 < line.to_y)
    ends = {(line.net, line.end) for line in layout.lines if line.end is not None}
    assert ends == {(edge.start, edge.end) for edge in graph.edges}
    check_connected(graph, layout)
    check_titles(graph, layout)


def check_titles(graph, layout):
    """The title of a group lies within it, and no line runs through its letters."""
    for k, box in layout.groups.items():
        left, right = layout.titles[k], layout.titles[k] + text_width(graph.groups[k].label, GROUP_TEXT, bold=True)
        assert box.x < left < right < box.x + box.width
        for line in layout.lines:
            beside = max(line.x, line.to_x) < left or min(line.x, line.to_x) > right
            assert beside or line.to_y <= box.y or line.y >= box.y + HEADER, (graph.groups[k].label, line)


def check_connected(graph, layout):
    """Follow the pieces of each net from its source: they lead to all of its users."""
    pieces = {}
    for line in layout.lines:
        pieces.setdefault(line.net, []).append(line)
    for net, lines in pieces.items():
        source = layout.nodes[net]
        reached = {(round(source.x + source.width / 2, 3), round(source.y + source.height, 3))}
        found = set()
        for line in sorted(lines, key=lambda line: (line.y, line.to_y)):
            assert (round(line.x, 3), round(line.y, 3)) in reached, (net, line)
            reached.add((round(line.to_x, 3), round(line.to_y, 3)))
            found |= {line.end} - {None}
        assert found == {edge.end for edge in graph.edges if edge.start == net}


def within(graph, group, other):
    while group is not None:
        if group == other:
            return True
        group = graph.groups[group].parent
    return False


@given(program=numbers)
@settings(max_examples=40, deadline=None)
def test_boxes_never_overlap_and_lines_run_around_them(program):
    check_drawing(random_result(program).graph())


@st.composite
def grouped_graphs(draw):
    """Draw graphs as calls make them: groups are stretches of time, and may lie in each other."""
    nodes, edges, groups, around = [], set(), [], []
    for k in range(draw(st.integers(1, 30))):
        for _ in range(draw(st.integers(0, 2))):
            if around and draw(st.booleans()):
                around.pop()
            elif len(around) < 3:
                groups.append(GraphGroup(f"group {len(groups)}", "Part", around[-1] if around else None))
                around.append(len(groups) - 1)
        nodes.append(GraphNode("operation", "x" * draw(st.integers(1, 30)), group=around[-1] if around else None))
        edges |= {(start, k) for start in draw(st.lists(st.integers(0, max(k - 1, 0)), max_size=3)) if start < k}
    return Graph(tuple(nodes), tuple(GraphEdge(*edge) for edge in sorted(edges)), tuple(groups))


@given(graph=grouped_graphs())
@settings(max_examples=60, deadline=None)
def test_groups_hold_their_own_nodes_and_no_others(graph):
    check_drawing(graph)


@pytest.mark.parametrize("draw", [lambda g: g, lambda g: g.collapse(), lambda g: g.summary(10)])
def test_a_convolutional_network_is_drawn_properly(draw):
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3)
    )
    images = np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32)
    check_drawing(draw(model.graph(images, y=[0, 1])))


NASTY = 'a "b" <c>&amp; #1; `d` \\n | ] ) } é 漢'


def nasty():
    return (leaf(2.0, NASTY) * leaf([1.0, 2.0], "end")).graph()


@pytest.mark.parametrize("graph", [nasty(), mlp().graph(X, y=[0.5]), chain(1000).graph()], ids=["nasty", "mlp", "deep"])
def test_svg_is_xml_with_a_title_a_description_and_nothing_from_outside(graph):
    svg = graph.to_svg()
    root = ET.fromstring(svg)  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{space}title"), root.find(f"{space}desc")
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert title.text == graph.title
    assert "the result is" in description.text
    assert not re.search(r"<script|href=|url\(|@import", svg)
    assert svg == graph._repr_svg_() == graph.to_svg()


def test_no_text_is_wider_than_its_box():
    svg = ET.fromstring(mlp().graph(X, y=[0.5]).to_svg())  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    boxes = [g for g in svg.iter(f"{space}g") if g.find(f"{space}title") is not None]
    assert len(boxes) == 12
    for group in boxes:
        width = float(group.find(f"{space}rect").attrib["width"])
        for text in group.findall(f"{space}text"):
            font = FontProperties(family="DejaVu Sans", weight=text.attrib.get("font-weight", "normal"))
            drawn = TextPath((0, 0), text.text, size=float(text.attrib["font-size"]), prop=font).get_extents().width
            assert drawn <= width


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize(
    "text", ["negative_log_likelihood", "0.weight", "gradient [-1.019, 0.1682]", "WWW lll", "×·→—…"]
)
def test_widths_are_estimated_from_above(text, bold):
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    real = TextPath((0, 0), text, size=20, prop=font).get_extents().width
    assert real <= text_width(text, 20, bold=bold) <= 1.35 * real + 8


def test_a_text_too_long_for_a_box_is_cut_and_whole_in_its_title():
    name = "a_name_" + "that_goes_on_and_on_" * 5
    svg = ET.fromstring(leaf(1.0, name).graph().to_svg())  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    box = next(g for g in svg.iter(f"{space}g") if g.find(f"{space}title") is not None)
    assert box.find(f"{space}title").text.splitlines()[0] == name
    shown = box.find(f"{space}text").text
    assert len(shown) == 56
    assert name.startswith(shown.split("…")[0])
    assert name.endswith(shown.split("…")[1])


def test_dot_quotes_what_could_end_a_text():
    dot = nasty().to_dot()
    quoted = re.findall(r'"(?:[^"\\]|\\.)*"', dot)
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot)
    assert any(NASTY[:10].replace('"', '\\"') in text for text in quoted)
    assert not re.search(r'["<>&#`|\\]', rest.replace("->", ""))
    assert rest.count("{") == rest.count("}")
    dot = mlp().graph(X).to_dot()
    assert dot.count("subgraph cluster_") == 3
    assert "n0 -> n" in dot or "n1 -> n" in dot


def test_mermaid_writes_its_own_signs_as_entities():
    text = nasty().to_mermaid()
    label = re.search(r'n0\["(.*?)"\]', text)[1]
    assert "#quot;b#quot; #lt;c#gt;#amp;amp; #35;1;" in label
    assert not re.search(r'["<>&`\\]', label.replace("<br/>", ""))
    text = mlp().graph(X).to_mermaid()
    assert text.splitlines()[0] == "flowchart TD"
    assert text.count("subgraph") == text.count("\n  end") == 3


@pytest.mark.parametrize(
    ("name", "begin"), [("g.svg", "<svg"), ("g.dot", "digraph"), ("g.gv", "digraph"), ("g.mmd", "flowchart")]
)
def test_the_ending_of_a_file_says_what_is_written(tmp_path, name, begin):
    path = mlp().graph(X).save(tmp_path / name)
    assert path == tmp_path / name
    assert path.read_text("utf-8").startswith(begin)


# --------------------------------------------------------------------------------------------------- details


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array(0.1, np.float32), "0.1"),
        (np.array([[2.0]]), "2"),
        (np.array([1, 2]), "[1, 2]"),
        (np.arange(10), "0 … 9"),
        (np.full(5, 3.0), "all 3"),
        (np.zeros((0, 3)), "empty"),
        (np.array([True, False, True, True]), "False … True"),
        (np.full(4, np.nan), "all 4 NaN or infinite"),
        (np.array([1.0, 2.0, 3.0, np.inf]), "1 … 3, 1 of 4 NaN or infinite"),
    ],
)
def test_values_are_summarised_in_a_few_letters(array, text):
    assert summary_text(array) == text


def test_nodes_are_called_as_the_variables_are_and_each_differently():
    first, second = leaf(1.0, "w"), leaf(2.0, "w")
    total = first * second
    assert labels(total.graph()) == ["w", "w_2", "total = multiply"]


def test_reading_gives_the_oldest_first():
    x = leaf(2.0)
    entries = read(x * x + x).entries
    assert [entry.node.order for entry in entries] == sorted(entry.node.order for entry in entries)
