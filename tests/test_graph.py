import pytest
import torch

from helpers.graph import draw_graph, trace


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


def test_values_and_gradients(tensors):
    graph, last = trace(squared_error, **tensors)
    assert graph.nodes["a"]["gradient"].item() == 12.0
    assert graph.nodes["x"]["gradient"] is None and graph.nodes["y"]["gradient"] is None
    operations = [
        row[1:]
        for row in nodes(graph, "kind", "label", "value", "gradient")
        if row[0] == "operation"
    ]
    assert operations == [("×", 6.0, 6.0), ("−", 3.0, 6.0), ("pow", 9.0, 1.0)]
    assert graph.nodes[last]["value"].item() == 9.0
    assert list(graph.predecessors(last)) == [1, (2, 1)]  # the difference, and the constant 2
    assert tensors["a"].grad is None


def test_a_tensor_used_twice_is_one_node():
    w = torch.tensor(2.0, requires_grad=True)
    graph, _ = trace(lambda w: 2 * (w * w) + w, w=w)
    assert graph.out_degree("w") == 3 and graph.nodes["w"]["gradient"].item() == 9.0


def test_the_order_of_operands_is_that_of_the_formula():
    graph, last = trace(lambda w: 1 - w, w=torch.tensor(2.0, requires_grad=True))
    assert [graph.nodes[node]["value"] for node in graph.predecessors(last)] == [1, 2.0]


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
def test_nothing_to_differentiate(tensors, function):
    with pytest.raises(ValueError, match="requires_grad=True"):
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
