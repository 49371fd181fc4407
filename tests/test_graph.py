import re
from itertools import pairwise

import pytest
import torch

from helpers.graph import draw_graph, draw_network, trace


@pytest.fixture
def tensors():
    return {
        "a": torch.tensor(3.0, requires_grad=True),
        "x": torch.tensor(2.0),
        "y": torch.tensor(3.0),
    }


def squared_error(a, x, y):
    return (a * x - y) ** 2


def nodes(graph, *attributes):
    def plain(value):
        return value.item() if isinstance(value, torch.Tensor) else value

    return [tuple(plain(data[name]) for name in attributes) for data in graph.nodes.values()]


def test_the_graph_holds_values_and_gradients_and_leaves_the_tensors_alone(tensors):
    graph, last = trace(squared_error, **tensors)
    assert graph.nodes["a"]["gradient"].item() == 12.0
    assert graph.nodes["x"]["gradient"] is None and graph.nodes["y"]["gradient"] is None
    operations = [row[1:] for row in nodes(graph, "kind", "label", "value", "gradient") if row[0] == "operation"]
    assert operations == [("×", 6.0, 6.0), ("−", 3.0, 6.0), ("pow", 9.0, 1.0)]
    assert graph.nodes[last]["value"].item() == 9.0
    assert list(graph.predecessors(last)) == [1, (2, 1)]  # the difference, and the constant 2
    assert tensors["a"].grad is None


def test_a_tensor_used_twice_is_one_node():
    w = torch.tensor(2.0, requires_grad=True)
    graph, _ = trace(lambda w: 2 * (w * w) + w, w=w)
    assert graph.out_degree("w") == 3 and graph.nodes["w"]["gradient"].item() == 9.0


@pytest.mark.parametrize(
    ("function", "symbol"),
    [
        (lambda w: 1 - w, "−"),
        (lambda w: 1 / w, "÷"),
        (lambda w: 1**w, "pow"),
        (lambda w: torch.tensor(1.0) / w, "÷"),
        (lambda w: torch.tensor([1.0]) @ w.reshape(1), "@"),
        (lambda w: torch.tensor(1.0) + w, "+"),
    ],
)
def test_the_order_of_operands_is_that_of_the_formula(function, symbol):
    graph, last = trace(function, w=torch.tensor(2.0, requires_grad=True))
    assert graph.nodes[last]["label"] == symbol
    assert [torch.as_tensor(graph.nodes[node]["value"]).item() for node in graph.predecessors(last)] == [1.0, 2.0]


def test_a_detached_branch_has_no_gradient():
    w = torch.tensor(2.0, requires_grad=True)
    graph, _ = trace(lambda w: w.detach() * w, w=w)
    assert dict((row[0], row[1]) for row in nodes(graph, "label", "gradient"))["detach"] is None
    assert graph.nodes["w"]["gradient"].item() == 2.0


def test_what_does_not_matter_is_left_out(tensors):
    graph, _ = trace(lambda a, x, y: [a * 100, a * x][1], **tensors)
    assert "y" not in graph and len(graph) == 3


@pytest.mark.parametrize(
    "function",
    [
        lambda a, x, y: x * y,
        lambda a, x, y: 3.0,
        lambda a, x, y: a * torch.ones(2),
        lambda a, x, y: None,
    ],
)
def test_a_graph_without_anything_to_differentiate_is_refused(tensors, function):
    said = "The function must return one number, computed from a tensor with requires_grad=True."
    with pytest.raises(ValueError, match=re.escape(said)):
        trace(function, **tensors)


def test_the_drawing_shows_every_number(tensors):
    ax = draw_graph(squared_error, **tensors)
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    assert sorted(texts) == sorted(
        [
            "a",
            "3",
            "∂ 12",
            "x",
            "2",
            "×",
            "6",
            "∂ 6",
            "y",
            "3",
            "−",
            "3",
            "∂ 6",
            "2",
            "pow",
            "9",
            "∂ 1",
        ]
    )


def test_matrices_show_their_shape_and_no_nodes_overlap():
    W = torch.randn(3, 2, requires_grad=True)
    ax = draw_graph(lambda X, W: ((X @ W.T) ** 2).mean() + W.sum() / 7, X=torch.randn(5, 2), W=W)
    texts = [text.get_text() for text in ax.texts]
    assert "5×3" in texts and "∂ 3×2" in texts and "T" in texts
    boxes = [patch.get_bbox() for patch in ax.patches if hasattr(patch, "get_bbox")]
    assert len(boxes) == 9  # the two constants are bare numbers
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


# A small network, in round numbers
LAYERS = {"layers": [[1.0, 2.0], [0.5, 0.25, 0.75], [0.125]], "loss": 3.0}
PARAMETERS = {
    "weights": [[[1.0, -1.0, 0.5], [2.0, -2.0, 1.5]], torch.tensor([[4.0], [-4.0], [3.5]])],
    "biases": [[5.0, -5.0, 4.5], torch.tensor([-6.0])],
}
GRADIENTS = {
    "dz": [[0.11, 0.12, 0.13], torch.tensor([0.21])],
    "dW": [[[0.31, 0.32, 0.33], [0.34, 0.35, 0.36]], torch.tensor([[0.41], [0.42], [0.43]])],
    "dy": [0.51],
}


def texts(ax):
    return [text.get_text().strip() for text in ax.texts]


def thick_lines(ax):
    return sum(line.get_linewidth() > 2 for line in ax.lines)


def test_a_network_shows_every_number_once():
    shown = texts(draw_network(**LAYERS, **PARAMETERS, **GRADIENTS, digits=2))
    wanted = ["x0", "x1", "h0", "h1", "h2", "ŷ0", "L"]
    wanted += ["1.00", "2.00", "0.50", "0.25", "0.75", "0.12", "3.00"]
    wanted += ["1", "-1", "0.5", "2", "-2", "1.5", "4", "-4", "3.5"]
    wanted += ["b 5", "b -5", "b 4.5", "b -6"]
    wanted += ["∂z 0.11", "∂z 0.12", "∂z 0.13", "∂z 0.21", "∂ŷ 0.51"]
    wanted += [f"∂ 0.{i}" for i in (31, 32, 33, 34, 35, 36, 41, 42, 43)]
    assert sorted(shown) == sorted(wanted)


def test_each_number_of_a_network_stands_at_its_place():
    ax = draw_network(**LAYERS, **PARAMETERS, **GRADIENTS)
    at = {text.get_text().strip(): text.get_position() for text in ax.texts}
    assert at["x0"][0] < at["h0"][0] < at["ŷ0"][0] < at["L"][0]
    assert at["h0"][1] > at["h1"][1] > at["h2"][1]
    for unit, bias, gradient in (("h0", "b 5", "∂z 0.110"), ("ŷ0", "b -6", "∂z 0.210")):
        assert at[unit][0] == at[bias][0] == at[gradient][0], "above each other"
        assert at[unit][1] > at[gradient][1] > at[bias][1]


def test_a_weight_stands_on_its_own_line():
    ax = draw_network(**LAYERS, **PARAMETERS)
    at = {text.get_text(): text.get_position() for text in ax.texts}
    for unit, other, weight in (("x0", "h1", "-1"), ("x1", "h0", "2"), ("h2", "ŷ0", "3.5")):
        (x1, y1), (x2, y2), (x, y) = at[unit], at[other], at[weight]
        assert x1 < x < x2
        assert y - y1 == pytest.approx((x - x1) / (x2 - x1) * (y2 - y1) - 0.105), "below the name"


def test_marked_lines_are_thick_and_carry_their_number():
    ax = draw_network(**LAYERS, marked={(0, 1, 2): -0.25, (1, 2, 0): None, (2, 0, 0): None})
    assert thick_lines(ax) == 3 and len(ax.lines) == 6 + 3 + 1
    assert "-0.250" in texts(ax)
    assert thick_lines(draw_network(**LAYERS)) == 0


@pytest.mark.parametrize("layers", [[1, 1], [2, 2, 1], [4, 3, 2], [2, 5, 1], [3, 4, 3, 2]])
@pytest.mark.parametrize("loss", [None, 0.5])
def test_networks_of_any_size_are_drawn_whole_without_overlap(layers, loss):
    weights = [torch.full((d, k), -0.25) for d, k in pairwise(layers)]
    biases = [torch.zeros(k) for k in layers[1:]]
    ax = draw_network(layers, weights=weights, biases=biases, loss=loss)
    assert len(ax.patches) == sum(layers) + (loss is not None)
    assert texts(ax).count("-0.25") == sum(w.numel() for w in weights)
    names = texts(ax)
    assert len([name for name in names if name[0] in "xhŷ"]) == sum(layers)
    boxes = [patch.get_bbox() for patch in ax.patches]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    # nothing is cut off, and no number lies on another or in a box
    ax.figure.canvas.draw()
    page, numbers = ax.figure.bbox, [text.get_window_extent() for text in ax.texts]
    assert all(page.x0 <= n.x0 and n.x1 <= page.x1 and page.y0 <= n.y0 for n in numbers)
    assert not any(a.overlaps(b) for i, a in enumerate(numbers) for b in numbers[:i])


def test_several_hidden_layers_have_names_of_their_own():
    names = texts(draw_network([1, 2, 2, 1]))
    assert names == ["x0", "h1[0]", "h1[1]", "h2[0]", "h2[1]", "ŷ0"]


def test_a_network_is_drawn_where_one_asks():
    ax = draw_graph(squared_error, a=torch.tensor(1.0, requires_grad=True), x=1.0, y=2.0)
    assert draw_network([2, 1], ax=ax) is ax


@pytest.mark.parametrize(
    "wrong, complaint",
    [
        ({"weights": [[[1.0], [1.0]]]}, "weights should have the shapes [(2, 3), (3, 1)], but has [(2, 1)]."),
        ({"weights": PARAMETERS["weights"][:1]}, "weights should have the shapes [(2, 3), (3, 1)], but has [(2, 3)]."),
        ({"biases": [[0.0, 0.0], [0.0]]}, "biases should have the shapes [(3,), (1,)], but has [(2,), (1,)]."),
        ({"dz": [[0.0]]}, "dz should have the shapes [(3,), (1,)], but has [(1,)]."),
        (
            {"dW": [torch.zeros(3, 2), torch.zeros(3, 1)]},
            "dW should have the shapes [(2, 3), (3, 1)], but has [(3, 2), (3, 1)].",
        ),
        ({"dy": [0.0, 0.0]}, "dy should have the shapes [(1,)], but has [(2,)]."),
        ({"marked": {(0, 2, 0): 1.0}}, "There is no line (0, 2, 0) between layers of [2, 3, 1] units."),
    ],
)
def test_numbers_that_do_not_fit_the_network_are_refused(wrong, complaint):
    said = complaint if "marked" in wrong else f"Layers of [2, 3, 1] units: {complaint}"
    with pytest.raises(ValueError, match=re.escape(said)):
        draw_network(**LAYERS, **wrong)
