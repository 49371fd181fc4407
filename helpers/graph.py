"""Draw a computation as a graph, and a network with its units and weights: values in blue, gradients in purple."""

from itertools import pairwise

import matplotlib.pyplot as plt
import networkx as nx
import torch
from matplotlib.patches import FancyBboxPatch
from torch.overrides import TorchFunctionMode

from helpers.plotting import DATA, ERROR, NEUTRAL

_SYMBOLS = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "matmul": "@"}
_WIDTH, _HEIGHT = 0.92, 0.74  # of a node, in the units of the layout


def draw_graph(function, *, ax=None, **tensors):
    """Draw what `function(**tensors)` computes: inputs at the left, the result at the right.

    function: returns a tensor with one number. tensors: its inputs by name, at least one of which requires a gradient.
    Each node shows its value and, below it, the derivative of the result with respect to it; a node that no gradient
    reaches, for instance plain data, has no second number. Tensors with more than one number show their shapes.
    The `.grad` of the inputs stays as it is. Returns the axes. Raises ValueError where there is nothing to differentiate.
    """
    graph, _ = trace(function, **tensors)
    places = _layout(graph)
    xs, ys = zip(*places.values(), strict=True)
    width, height = max(xs) - min(xs) + 1.3, max(ys) - min(ys) + 1.0
    if ax is None:
        fig, ax = plt.subplots(figsize=(1.1 * width, height + 0.4))
        fig.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=1 - 0.4 / (height + 0.4))
    for source, target, parallel in graph.edges(keys=True):
        spread = parallel - (graph.number_of_edges(source, target) - 1) / 2
        _draw_edge(ax, places[source], places[target], graph.nodes[source]["kind"], spread)
    for node, place in places.items():
        _draw_node(ax, *place, **graph.nodes[node])
    ax.set(xlim=(min(xs) - 0.65, max(xs) + 0.65), ylim=(min(ys) - 0.5, max(ys) + 0.5))
    ax.axis("off")
    return ax


def trace(function, **tensors):
    """The graph of `function(**tensors)`, as a `networkx.MultiDiGraph` from the inputs to the result, and the result's node.

    A node has the attributes kind ("input", "constant" or "operation"), label, value (a tensor or a number) and gradient
    (a tensor, or None where no gradient flows). Inputs are keyed by name, operations by their position in time.
    Raises ValueError where the result is not one number that depends on a tensor with requires_grad=True.
    """
    with _Recorder() as recorder:
        result = function(**tensors)
    graph, nodes = nx.MultiDiGraph(), {}  # a product w * w has two edges from w
    for name, tensor in tensors.items():
        nodes[id(tensor)] = name
        graph.add_node(name, kind="input", label=name, value=tensor, gradient=None)
    for time, (operation, inputs, output) in enumerate(recorder.steps):
        for position, value in enumerate(inputs):
            node = nodes.get(id(value)) if isinstance(value, torch.Tensor) else None
            # a number, or a tensor that was not given by name: each use gets a node of its own
            if node is None:
                node = (time, position)
                graph.add_node(node, kind="constant", label="", value=value, gradient=None)
            graph.add_edge(node, time)
        graph.add_node(time, kind="operation", label=operation, value=output, gradient=None)
        nodes[id(output)] = time
    if not isinstance(result, torch.Tensor) or result.numel() != 1 or not result.requires_grad:
        raise ValueError("The function must return one number, computed from a tensor with requires_grad=True.")
    last = nodes[id(result)]
    graph = graph.subgraph(nx.ancestors(graph, last) | {last})
    wanted = [data for data in graph.nodes.values() if getattr(data["value"], "requires_grad", False)]
    gradients = torch.autograd.grad(result, [data["value"] for data in wanted], allow_unused=True)
    for data, gradient in zip(wanted, gradients, strict=True):
        data["gradient"] = gradient
    return graph, last


def draw_network(layers, *, weights=(), biases=(), loss=None, dz=(), dW=(), dy=(), marked=None, digits=3, ax=None):
    """Draw a network from left to right: a box for each unit, a line for each weight, and the numbers you give.

    layers: for each layer, beginning with the input, the values of its units, or how many units it has.
    weights: for each pair of neighbouring layers, W (d, k). biases: for each layer but the input, b (k,).
    loss: a number, in a box of its own at the right, to which all outputs lead.
    dz, dW, dy: gradients, purple behind a ∂. dz, shaped like biases, is that at the weighted sums and stands in the boxes
    as ∂z; dW, shaped like weights, stands on the lines; dy (k,), that at the outputs, on the lines to the loss, as ∂ŷ.
    marked: {(n, i, j): number or None}, which lines from unit i of layer n (the input is 0) to unit j of the next one are
    drawn thick, with a number on the line. digits: decimals of everything but weights and biases.
    Returns the axes. Raises ValueError where the numbers do not fit the layers.
    """
    sizes = [layer if isinstance(layer, int) else len(layer) for layer in layers]
    lines = list(pairwise(sizes))  # between which numbers of units
    _must_fit(sizes, lines, weights=weights, dW=dW)
    _must_fit(sizes, [(k,) for _, k in lines], biases=biases, dz=dz)
    _must_fit(sizes, [(sizes[-1],)], dy=[dy] if len(dy) else [])
    if loss is not None:
        lines.append((sizes[-1], 1))
    edges = [(n, i, j) for n, (d, k) in enumerate(lines) for i in range(d) for j in range(k)]
    marked = marked or {}
    if unknown := sorted(set(marked) - set(edges)):
        raise ValueError(f"There is no line {unknown[0]} between layers of {sizes} units.")

    gap = 8.5 / (len(sizes) - 1 + 0.65 * (loss is not None))
    places = [[(n * gap, 0.75 * (k - 1) - 1.5 * i) for i in range(k)] for n, k in enumerate(sizes)]
    width = places[-1][0][0]
    if loss is not None:
        width += 0.65 * gap
        places.append([(width, 0.0)])
    top = 0.75 * (max(sizes) - 1)
    if ax is None:
        height = 2 * top + 1.5
        fig, ax = plt.subplots(figsize=(9.6, height))
        fig.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=1 - 0.45 / height)
    ax.set(xlim=(-0.5, width + 0.5), ylim=(-top - 0.65, top + 0.4))
    ax.axis("off")

    for n, i, j in edges:
        start, end = places[n][i], places[n + 1][j]
        color, thick = (ERROR, 3.5) if (n, i, j) in marked else ("#B8B8B8", 1.4)
        ax.plot(*zip(start, end, strict=True), color=color, linewidth=thick, zorder=1)
        if n + 1 == len(sizes):  # to the loss
            along, weight = 0.5, ""
            gradient = _number(dy, i, form=f".{digits}f", before="∂ŷ ")
        else:  # the number stands near the layer with more units, where lines are well apart
            along, weight = 0.62 if sizes[n + 1] >= sizes[n] else 0.38, _number(weights, n, i, j)
            gradient = _number(dW, n, i, j, form=f".{digits}f", before="∂ ")
        if marked.get((n, i, j)) is not None:
            gradient = f"{marked[n, i, j]:.{digits}f}"
        x, y = (a + along * (b - a) for a, b in zip(start, end, strict=True))
        if weight and gradient:
            _write(ax, x - 0.2, y, weight + " ", DATA, ha="right")
            _write(ax, x - 0.2, y, gradient, ERROR, ha="left")
        else:
            _write(ax, x, y, weight or gradient, DATA if weight else ERROR)
    for n, layer in enumerate(layers):
        for i, (x, y) in enumerate(places[n]):
            value = "" if isinstance(layer, int) else f"{layer[i]:.{digits}f}"
            gradient = _number(dz if n else (), n - 1, i, form=f".{digits}f", before="∂z ")
            _draw_unit(ax, x, y, _name(n, i, len(layers)), value, gradient)
            bias = _number(biases if n else (), n - 1, i, before="b ")
            _write(ax, x, y - 0.49, bias, DATA)
    if loss is not None:
        _draw_unit(ax, width, 0.0, "L", f"{loss:.{digits}f}", "")
    return ax


class _Recorder(TorchFunctionMode):
    """Keeps (operation, inputs, output) of every torch function that runs in its `with` block and returns a tensor."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        output = func(*args, **(kwargs or {}))
        if isinstance(output, torch.Tensor):
            # an attribute such as X.T arrives as the `__get__` of that attribute
            name = func.__self__.__name__ if func.__name__ == "__get__" else func.__name__.strip("_")
            inputs = [arg for arg in args if isinstance(arg, torch.Tensor | int | float)]
            if name in ("rsub", "rdiv", "rpow"):  # 2 - w calls w.__rsub__(2)
                name, inputs = name[1:], inputs[::-1]
            self.steps.append((_SYMBOLS.get(name, name), inputs, output))
        return output


def _layout(graph):
    """Where each node goes: in columns from left to right, at about the height of what it feeds."""
    column = {}
    for node in nx.topological_sort(graph):
        column[node] = 1 + max((column[source] for source in graph.predecessors(node)), default=-1)
    for node in graph:
        if graph.in_degree(node) == 0:  # an input stands right before its first use
            column[node] = min(column[target] for target in graph.successors(node)) - 1
    # The order of the operands, top to bottom, followed back from the result
    order = list(nx.dfs_preorder_nodes(graph.reverse(copy=False), max(column, key=column.get)))
    places = {}
    for x in sorted(set(column.values()), reverse=True):
        nodes = [node for node in order if column[node] == x]
        heights = [[places[target][1] for target in graph.successors(node)] or [0.0] for node in nodes]
        middle = sum(sum(h) / len(h) for h in heights) / len(nodes)
        for i, node in enumerate(nodes):
            places[node] = (1.35 * x, middle + (len(nodes) - 1) / 2 - i)
    return places


def _draw_edge(ax, start, end, kind, spread):
    (x1, y1), (x2, y2) = start, end
    x1 += 0.15 if kind == "constant" else _WIDTH / 2
    x2 -= _WIDTH / 2 + 0.02
    bend = 0.8 * spread
    if x2 - x1 > 1:  # past a column: around what stands there, on the side where the edge starts
        bend = (-1.1 if y1 >= y2 else 1.1) / (x2 - x1)
    arrow = {"arrowstyle": "-|>", "color": NEUTRAL, "linewidth": 1.4, "shrinkA": 2, "shrinkB": 0}
    arrow["connectionstyle"] = f"arc3,rad={bend}"
    ax.annotate("", xytext=(x1, y1), xy=(x2, y2), arrowprops=arrow, zorder=1)


def _draw_node(ax, x, y, *, kind, label, value, gradient):
    if kind != "constant":  # a constant is a bare number
        face, edge = ("#E8F1F8", DATA) if kind == "input" else ("#F2F2F2", NEUTRAL)
        corner, shape = (x - _WIDTH / 2, y - _HEIGHT / 2), "round,pad=0,rounding_size=0.1"
        style = {"boxstyle": shape, "facecolor": face, "edgecolor": edge, "zorder": 2}
        ax.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, **style))
    lines = [(label, "black", "bold"), (_text(value), DATA, "normal")]
    if gradient is not None:
        lines.append((f"∂ {_text(gradient)}", ERROR, "bold"))
    lines = [line for line in lines if line[0]]
    for i, (text, color, weight) in enumerate(lines):
        offset = 0.22 * ((len(lines) - 1) / 2 - i)
        ax.text(x, y + offset, text, color=color, weight=weight, ha="center", va="center", fontsize=11)


def _must_fit(sizes, shapes, **given):
    for name, parts in given.items():
        found = [tuple(torch.as_tensor(part).shape) for part in parts]
        if found and found != shapes:
            raise ValueError(f"Layers of {sizes} units: {name} should have the shapes {shapes}, but has {found}.")


def _number(numbers, *place, form=".3g", before=""):
    """The text of one number in nested lists or tensors, or nothing where there are none."""
    if not len(numbers):
        return ""
    for i in place:
        numbers = numbers[i]
    return f"{before}{float(numbers):{form}}"


def _name(layer, unit, layers):
    if layer in (0, layers - 1):
        return f"ŷ{unit}" if layer else f"x{unit}"
    return f"h{unit}" if layers == 3 else f"h{layer}[{unit}]"


def _draw_unit(ax, x, y, name, value, gradient):
    style = {"boxstyle": "round,pad=0,rounding_size=0.1", "fc": "white", "ec": NEUTRAL}
    ax.add_patch(FancyBboxPatch((x - 0.47, y - 0.34), 0.94, 0.68, zorder=2, **style))
    lines = [(name, "black"), (value, DATA), (gradient, ERROR)]
    lines = [line for line in lines if line[0]]
    for i, (text, color) in enumerate(lines):
        _write(ax, x, y + 0.21 * ((len(lines) - 1) / 2 - i), text, color)


def _write(ax, x, y, text, color, ha="center"):
    if text:
        style = {"ha": ha, "va": "center", "fontsize": 11}
        style["weight"] = "normal" if color == DATA else "bold"
        ax.text(x, y, text, color=color, bbox={"fc": "white", "ec": "none", "pad": 1}, **style)


def _text(value):
    if not isinstance(value, torch.Tensor):
        return f"{value:.4g}"
    return f"{value.item():.4g}" if value.numel() == 1 else "×".join(map(str, value.shape))
