"""The exercises of notebook 06."""

import itertools
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.data import make_quadrants, make_spirals
from helpers.exercises.core import Exercise, Mistake, Passed

# mlp_forward: a forward pass of any depth


def mlp_forward(X, layers):
    """An MLP's outputs. X: (n, d); layers: pairs (W, b); sigmoid in all but the last."""
    H = X
    for W, b in layers[:-1]:
        H = torch.sigmoid(H @ W + b)
    W, b = layers[-1]
    return H @ W + b


def _sigmoid_in_the_last(X, layers):
    for W, b in layers:
        X = torch.sigmoid(X @ W + b)
    return X


def _no_sigmoid(X, layers):
    for W, b in layers:
        X = X @ W + b
    return X


def _sigmoid_in_the_first_only(X, layers):
    X = torch.sigmoid(X @ layers[0][0] + layers[0][1])
    for W, b in layers[1:]:
        X = X @ W + b
    return X


def _forward_without_biases(X, layers):
    for W, _ in layers[:-1]:
        X = torch.sigmoid(X @ W)
    return X @ layers[-1][0]


def _forward_transposed(X, layers):
    for W, b in layers[:-1]:
        X = torch.sigmoid(X @ W.T + b)
    return X @ layers[-1][0].T + layers[-1][1]


def _forward_that_pops_the_last(X, layers):
    W, b = layers.pop()
    for W_hidden, b_hidden in layers:
        X = torch.sigmoid(X @ W_hidden + b_hidden)
    return X @ W + b


def _forward_that_empties_the_list(X, layers):
    while len(layers) > 1:
        W, b = layers.pop(0)
        X = torch.sigmoid(X @ W + b)
    W, b = layers.pop(0)
    return X @ W + b


def _forward_by_modules(X, layers):
    modules = []
    for W, b in layers:
        linear = nn.Linear(*W.shape)
        linear.weight.data, linear.bias.data = W.T, b
        modules += [linear, nn.Sigmoid()]
    return nn.Sequential(*modules[:-1])(X)


def _forward_in_numpy(X, layers):
    H = X.numpy()
    for i, (W, b) in enumerate(layers):
        H = H @ W.numpy() + b.numpy()
        H = H if i == len(layers) - 1 else 1 / (1 + np.exp(-H))
    return H


def _random_layers(*sizes):
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(d, k, generator=generator), torch.randn(k, generator=generator))
        for d, k in itertools.pairwise(sizes)
    ]


_TABLE = [
    (torch.tensor([[1.0, -1.0], [2.0, 1.0]]), torch.tensor([-1.0, 0.0])),
    (torch.tensor([[4.0], [2.0]]), torch.tensor([3.0])),
]
_POINTS = torch.tensor([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]])  # (2, 3)


def _probe_forward(answer):
    """The outputs of three networks, and whether the list of layers is still whole after each."""
    deep, single = _random_layers(3, 2, 4, 1), _random_layers(3, 2)
    for network, X, layers in (
        ("the network of the table, for the input (1, 1)", torch.tensor([[1.0, 1.0]]), _TABLE),
        ("a network 3-2-4-1, for two points", _POINTS, deep),
        ("a network 3-2 of a single layer, for two points", _POINTS, single),
    ):
        layers = list(layers)
        yield f"the output of {network}", answer(X.clone(), layers)
        yield f"the length of the list layers, after the output of {network}", len(layers)


# quadrant_net: a repair


def quadrant_net(width=8):
    """A network 2-width-1 for the quadrants; it returns a logit."""
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))


def _broken_quadrant_net(width=8):
    """A network 2-width-1 for the quadrants; it returns a logit."""
    net = nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    return net


def _quadrant_net_without_bend(width=8):
    return nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))


def _quadrant_net_from_zeros(width=8):
    net = quadrant_net(width)
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    return net


def _quadrant_net_from_halves(width=8):
    net = nn.Sequential(nn.Linear(2, width), nn.Sigmoid(), nn.Linear(width, 1))
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.5)
    return net


def _quadrant_net_bent_at_the_end(width=8):
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1), nn.ReLU())


def _quadrant_net_of(bend, width=8):
    return lambda: nn.Sequential(nn.Linear(2, width), bend(), nn.Linear(width, 1))


def _quadrant_net_with_small_random_start(width=8):
    net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    return net


EQUAL_UNITS = "All hidden units compute the same. They start from equal numbers, get equal gradients, and stay equal."
NO_BEND = (
    "The network is still one straight line: two linear layers with nothing between them are one."
)
ONE_SIGN = "The output never becomes negative. A logit must, for class 0: the bend belongs between the layers."


def _judge_quadrant_net(answer):
    """Trains the network on the quadrants for up to 300 steps, and says what keeps it from learning."""
    net = answer()
    if not isinstance(net, nn.Module):
        return f"The function must return a network, and returns a {type(net).__name__}."
    net.cpu()  # where the data are
    X, y = make_quadrants(500, generator=torch.Generator().manual_seed(0))
    y = y.float().unsqueeze(1)  # (500, 1)
    if trouble := _cannot_train(net, X):
        return trouble
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for step in range(300):
        loss = F.binary_cross_entropy_with_logits(net(X), y)
        if loss < 0.2:
            return Passed(f"The loss falls below 0.2 after {step} steps.")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first = next(net.parameters())
    if (
        first.ndim == 2
        and len(first) > 1
        and torch.allclose(first, first[:1].expand_as(first), atol=1e-5)
    ):
        return EQUAL_UNITS
    if _is_one_sum(net, X):
        return NO_BEND
    if net(X).min() >= 0:
        return ONE_SIGN
    return f"After 300 steps the loss is still {loss:.2f}. It should have fallen below 0.2."


# xnor_neurons: two hidden step neurons, and a third that combines them


def xnor_neurons():
    """W1 (2, 2), b1 (2,), w2 (2,), b2 (a number) of step neurons that compute XNOR."""
    W1 = torch.ones(2, 2)
    b1 = torch.tensor([-0.5, -1.5])  # h1 is OR, h2 is AND
    w2 = torch.tensor([-1.0, 1.0])
    return W1, b1, w2, 0.5  # AND, or not even OR


def _xnor_from_other_parts():
    W1 = torch.tensor([[1.0, -1.0], [1.0, -1.0]])
    b1 = torch.tensor([-1.5, 0.5])  # h1 is "both", h2 is "none"
    return W1, b1, torch.ones(2), -0.5  # one of the two


def _xnor_with_output(w2, b2):
    """XNOR's hidden units, with another output neuron."""
    return lambda: (torch.ones(2, 2), torch.tensor([-0.5, -1.5]), torch.tensor(w2), b2)


def _answer_the_table(answer):
    """What the three neurons answer, after the shapes of their weights."""
    weights = answer()
    yield "the number of things returned (W1, b1, w2, b2)", len(weights)
    W1, b1, w2, b2 = (torch.as_tensor(part, dtype=torch.float32, device="cpu") for part in weights)
    w2 = w2.flatten()  # (2, 1) is as good as (2,)
    shapes = [str(tuple(part.shape)) for part in (W1, b1, w2)]
    yield "the shapes of W1, b1, w2", ", ".join(shapes)
    yield "the number of entries of b2", b2.numel()
    X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    H = (X @ W1 + b1 > 0).float()  # (4, 2)
    answers = (H @ w2 + b2.reshape(()) > 0).float()  # (4,)
    yield "the four answers, for (0, 0), (0, 1), (1, 0), (1, 1)", answers


# What both judges look at

NO_MODEL = "The first thing returned must be a network, an nn.Module."
WRONG_SHAPE = (
    "The output has the wrong shape: for points (n, 2) it must be (n, 1), one number per point."
)
NOTHING_TO_LEARN = "The network has no parameters to train."


def _cannot_train(net, X):
    """What is wrong with a network before its first step, or None."""
    if not any(p.requires_grad for p in net.parameters()):
        return NOTHING_TO_LEARN
    output = net(X)
    if not isinstance(output, torch.Tensor):
        return f"The network must give a tensor, and gives a {type(output).__name__}."
    if output.shape != (len(X), 1):
        return f"{WRONG_SHAPE} For {len(X)} points yours is {tuple(output.shape)}."
    return None


def _is_one_sum(net, X):
    """Whether the output depends on a single weighted sum of the inputs: its slopes all have one direction."""
    X = X.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(net(X).sum(), X, allow_unused=True)  # (n, 2)
    if slopes is None:
        return False
    lengths = slopes.norm(dim=1, keepdim=True)
    slopes = (slopes / lengths)[lengths.flatten() > 1e-20]
    if len(slopes) < 2:
        return False
    largest, smallest = torch.linalg.svdvals(slopes)
    return bool(smallest < 1e-3 * largest)


# spiral_design: the spiral challenge

BOUND, EPOCHS, SECONDS = 0.005, 1000, 20


def half_mse(model, X, y):
    """Half of the mean squared error of model(X) (n, 1) against y (n, 1), as a number."""
    with torch.no_grad():
        return ((model(X) - y) ** 2).mean().item() / 2


def attempt(
    model,
    make,
    *,
    lr,
    batch_size=25,
    optimizer_class=torch.optim.Adam,
    epochs=1000,
    watch=None,
):
    """Train until half_mse on the validation set is below 0.005; returns it after each epoch.

    make: make_spirals or make_quadrants. watch: called after each step with (loss, results).
    """
    X, y = make(500, generator=torch.Generator().manual_seed(1))
    y = y.float().unsqueeze(1)  # (500, 1)
    X_train, y_train, X_val, y_val = X[:250], y[:250], X[250:], y[250:]
    optimizer = optimizer_class(model.parameters(), lr=lr)
    results = []
    while len(results) < epochs and min(results, default=1) >= 0.005:
        for rows in torch.randperm(250).split(batch_size):
            loss = F.mse_loss(model(X_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if watch:
                watch(loss, results)
        results.append(half_mse(model, X_val, y_val))
    return results


def spiral_design():
    """A model (n, 2) -> (n, 1), and a dict: lr (and batch_size, optimizer_class)."""
    model = nn.Sequential(
        nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid()
    )
    return model, {"lr": 0.01, "batch_size": 25, "optimizer_class": torch.optim.Adam}


class _RingFeatures(nn.Module):
    """A hidden layer on top of x1, x2, the radius, and the direction turned back by some of the radius."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, X):
        radius = X.norm(dim=1, keepdim=True)  # (n, 1)
        angle = torch.atan2(X[:, :1], X[:, 1:]) - 2.4 * radius
        return self.layers(torch.cat([X, radius, angle.sin(), angle.cos()], dim=1))


def _first_try():
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
    return model, {"lr": 0.01, "batch_size": 250}


def _design_without_bend():
    model = nn.Sequential(nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 1), nn.Sigmoid())
    return model, {"lr": 0.01}


def _design_with_two_outputs():
    return nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2)), {"lr": 0.01}


def _design_with_huge_steps():
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))
    return model, {"lr": 1000.0, "optimizer_class": torch.optim.SGD}


def _design_that_saturates():
    return spiral_design()[0], {"lr": 10.0}


def _design_from_zeros():
    model, how = spiral_design()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model, how


TWO_THINGS = 'Return two things: the model, and a dict such as {"lr": 0.01, "batch_size": 25}.'
NO_LR = 'The second thing returned must be a dict with at least the learning rate, such as {"lr": 0.01}.'
UNKNOWN_KEY = "The dict may hold lr, batch_size and optimizer_class, which are what `attempt` lets you choose."
NO_CLASS = "optimizer_class is a class, such as torch.optim.Adam, without quotes."
NOT_FINITE = (
    "The loss is no longer a finite number: the steps are far too large. Lower the learning rate."
)
NO_MOVE = "No parameter has moved in the first epoch: either the learning rate is 0, or no gradient arrives."
CONSTANT = (
    "The network gives the same answer for every point, and no longer learns. "
    "Either the learning rate is so large that its units have died or saturated, or it starts from zeros."
)
ONE_LINE = (
    "The output depends on one weighted sum of the two inputs, so every border is a straight line. "
    "Is there an activation between the linear layers, and is the first layer wide enough?"
)
NOT_REACHED = "The bound was not reached within 1000 epochs."


def _judge_spiral_design(answer):
    """Trains a design with `attempt`, as the notebook does, and says what keeps it from the bound."""
    design = answer()
    if not isinstance(design, (tuple, list)) or len(design) != 2:
        return TWO_THINGS
    model, how = design
    if not isinstance(model, nn.Module):
        return NO_MODEL
    if not isinstance(how, dict) or "lr" not in how:
        return NO_LR
    if unknown := [str(key) for key in how if key not in ("lr", "batch_size", "optimizer_class")]:
        return f"{UNKNOWN_KEY} Yours holds {', '.join(unknown)}, too."
    if not callable(how.get("optimizer_class", torch.optim.Adam)):
        if isinstance(how["optimizer_class"], str):
            return NO_CLASS
        return "optimizer_class is the class itself, such as torch.optim.Adam, without parentheses."
    model.cpu()  # where the data are
    return _cannot_train(model, torch.zeros(250, 2)) or _watched_attempt(model, how)


def _watched_attempt(model, how):
    """The notebook's own `attempt`, stopped where nothing is left to hope for. Returns Passed(...), or what went wrong."""
    X, y = make_spirals(500, generator=torch.Generator().manual_seed(1))
    X, y = X[:250], y[:250].float().unsqueeze(1)  # what `attempt` trains on
    start = [p.detach().clone() for p in model.parameters()]
    epoch, doubts, deadline = 0, [], time.thread_time() + SECONDS

    def watch(loss, results):
        nonlocal epoch
        if not loss.isfinite():
            raise _Stop(NOT_FINITE)
        if time.thread_time() > deadline:
            best = f"; the best was {min(results):.4f}" if results else ""
            raise _Stop(
                f"Stopped after {SECONDS} seconds, in epoch {len(results) + 1} of {EPOCHS}{best}. "
                f"On the training points it is now {half_mse(model, X, y):.4f}; near 0.125, "
                "which a constant 0.5 gives, it is stuck, and more time would not help. If it was falling, a smaller "
                "network or larger batches take less time."
            )
        if len(results) > epoch:  # this was the first step of a new epoch
            epoch = len(results)
            if epoch == 1 and all(map(torch.equal, start, model.parameters())):
                raise _Stop(NO_MOVE)
            if epoch in (20, 40):  # twice, since a network may recover
                doubts.append(_doubt(model, X))
                if len(doubts) == 2 and doubts[0] and doubts[0] == doubts[1]:
                    raise _Stop(doubts[0])

    try:
        results = attempt(model, make_spirals, **how, epochs=EPOCHS, watch=watch)
    except _Stop as stop:
        return str(stop)
    if results[-1] < BOUND:
        size = sum(p.numel() for p in model.parameters())
        epochs = "1 epoch" if len(results) == 1 else f"{len(results)} epochs"
        return Passed(f"It reached {results[-1]:.4f} after {epochs}, with {size:,} parameters.")
    return f"{NOT_REACHED} {_where_it_is_stuck(min(results), half_mse(model, X, y))}"


class _Stop(Exception):
    """A training need not go on; the text says why."""


def _doubt(model, X):
    with torch.no_grad():
        if model(X).std() < 1e-6:
            return CONSTANT
    return ONE_LINE if _is_one_sum(model, X) else None


def _where_it_is_stuck(best, training):
    if training < BOUND:
        advice = "so it fits what it has seen, but not what lies between; try another activation or smaller steps."
    else:
        advice = "so the network is too small, or the steps do not fit: are they too few, too large, too small?"
    return f"The best was {best:.4f}. On the training points it ends at {training:.4f}, {advice}"


EXERCISES = [
    Exercise(
        name="mlp_forward",
        kind="write",
        solution=mlp_forward,
        why="This is the forward pass of an MLP of any depth; notebook 07 adds the way back.",
        hints=(
            "One layer is X @ W + b, then the sigmoid; its result is the X of the next layer.",
            "Loop over layers[:-1] with the sigmoid, then treat layers[-1] without it.",
        ),
        probe=_probe_forward,
        mistakes=(
            Mistake(
                _sigmoid_in_the_last,
                "The output has gone through a sigmoid, too. The last layer has no activation.",
            ),
            Mistake(_no_sigmoid, "The sigmoid is missing after the hidden layers."),
            Mistake(
                _sigmoid_in_the_first_only,
                "The sigmoid belongs after every layer but the last, however many there are. A single layer is also "
                "the last, so it has none.",
            ),
            Mistake(_forward_without_biases, "The biases b are not added."),
            Mistake(
                _forward_transposed,
                "There is a transpose too much. Here W is (d, k) as in this notebook, so X @ W; it is nn.Linear that "
                "stores it the other way round.",
            ),
            Mistake(
                _forward_that_pops_the_last,
                "The output is right, but the list of the caller has lost its last layer: pop takes it out. Read "
                "layers, and leave the list as it is.",
            ),
            Mistake(
                _forward_that_empties_the_list,
                "The output is right, but the list of the caller is empty afterwards: pop takes the layers out. Read "
                "layers, and leave the list as it is.",
            ),
        ),
        also_right=(_forward_by_modules, _forward_in_numpy),
    ),
    Exercise(
        name="spiral_parameters",
        kind="predict",
        solution=4417,
        working="(2 + 1) * 64 + (64 + 1) * 64 + (64 + 1) * 1",
        rtol=0,
        why="Nearly all of them, 4160, lie between the two hidden layers: the size grows with the square of the width.",
        hints=(
            'The section "How many numbers are learned?" has the formula for one layer; here are three.',
            "(2 + 1) * 64 for the first layer. The second has 64 inputs and 64 units, the third 64 inputs and 1 unit.",
        ),
        mistakes=(
            Mistake(4288, "The biases are missing: every unit that is not an input has one."),
            Mistake(4416, "One bias is missing, that of the output."),
            Mistake(4289, "Only the output has a bias here. Each hidden unit has one, too."),
            Mistake(4352, "The output layer is forgotten: a third layer leads from 64 units to 1."),
            Mistake(
                4418,
                "A layer has one bias for each of its units, not for each of its inputs: (d + 1) k, not d (k + 1).",
            ),
            Mistake(257, "That is 2-64-1. There are two hidden layers."),
            Mistake(257 + 64 * 64, "The biases of the second hidden layer are missing."),
        ),
        also_right=(4417.0, torch.tensor(4417), np.int64(4417)),
    ),
    Exercise(
        name="quadrant_net",
        kind="repair",
        solution=quadrant_net,
        stub=_broken_quadrant_net,
        why="A bend between the layers and a start that makes the units differ: without either, there is only one line.",
        hints=(
            "Two things are wrong, and each alone is enough to keep the loss near ln 2. Both are pitfalls of section "
            '"The bend".',
            "What stands between the two linear layers? And how many different hidden units does this start give?",
            "Put an activation between the two layers, and leave the start to nn.Linear.",
        ),
        judge=_judge_quadrant_net,
        mistakes=(
            Mistake(_quadrant_net_without_bend, NO_BEND),
            Mistake(_quadrant_net_from_zeros, EQUAL_UNITS),
            Mistake(_quadrant_net_from_halves, EQUAL_UNITS),
            Mistake(_quadrant_net_bent_at_the_end, ONE_SIGN),
            Mistake(
                lambda: nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)), WRONG_SHAPE
            ),
        ),
        also_right=(
            _quadrant_net_of(nn.Sigmoid),
            _quadrant_net_of(nn.Tanh),
            _quadrant_net_of(nn.GELU),
            _quadrant_net_with_small_random_start,
        ),
    ),
    Exercise(
        name="xnor_neurons",
        kind="write",
        solution=xnor_neurons,
        why="Two lines, and a third neuron to combine them: any pattern of yes and no can be put together like this.",
        hints=(
            "The hidden units of XOR, OR and AND, are useful here, too. Which pairs (h1, h2) do the four inputs give?",
            "(0, 0) and (1, 1) must give a sum above 0, (1, 0) one that is not. Which sign has the weight of h1, "
            "and which that of the bias?",
            "Keep OR and AND (W1 all ones, b1 is -0.5 and -1.5) and turn all three signs of the output neuron.",
        ),
        probe=_answer_the_table,
        mistakes=(
            Mistake(
                _xnor_with_output([1.0, -1.0], -0.5),
                "This is XOR: all four answers are the opposite of those wanted.",
            ),
            Mistake(
                _xnor_with_output([-1.0, 1.0], 0.0),
                "All four answers are 0: the sum of the output neuron never gets above 0, and a sum of exactly 0 "
                "counts as 0. Look at its bias.",
            ),
            Mistake(
                _xnor_with_output([0.0, 1.0], -0.5),
                "This is AND. The input (0, 0) must be answered with 1 as well.",
            ),
            Mistake(
                _xnor_with_output([-1.0, 0.0], 0.5),
                "Only (0, 0) is answered with 1. The input (1, 1) must be, too: the second hidden unit can tell it "
                "from (0, 1) and (1, 0).",
            ),
        ),
        also_right=(
            _xnor_from_other_parts,
            lambda: (np.ones((2, 2)), [-0.5, -1.5], [-2, 2], torch.tensor([1])),
        ),
    ),
    Exercise(
        name="spiral_design",
        kind="design",
        solution=spiral_design,
        why="Now try another seed, or fewer parameters: a design that works once may have been lucky.",
        hints=(
            "First ask which is the limit: does the training loss fall? If not, the network is too small or the steps "
            "do not fit.",
            'A second hidden layer gets hold of the arms, as in section "Width and depth: look". And a batch of 25 makes '
            "ten steps of each epoch, where the first try has made one.",
            "Two hidden layers of 64 ReLU units, a sigmoid at the end, Adam with 0.01 and batches of 25.",
        ),
        judge=_judge_spiral_design,
        busy="training your network, up to 20 s ...",
        mistakes=(
            Mistake(_first_try, NOT_REACHED),
            Mistake(_design_without_bend, ONE_LINE),
            Mistake(_design_with_two_outputs, WRONG_SHAPE),
            Mistake(_design_with_huge_steps, NOT_FINITE),
            Mistake(_design_that_saturates, CONSTANT),
            Mistake(_design_from_zeros, CONSTANT),
            Mistake(lambda: (spiral_design()[0], {"lr": 0.0}), NO_MOVE),
            Mistake(lambda: spiral_design()[0], TWO_THINGS),
            Mistake(lambda: (spiral_design()[0], 0.01), NO_LR),
            Mistake(lambda: (spiral_design()[0], {"lr": 0.01, "epochs": 5000}), UNKNOWN_KEY),
            Mistake(
                lambda: (spiral_design()[0], {"lr": 0.01, "optimizer_class": "Adam"}), NO_CLASS
            ),
        ),
        also_right=(
            lambda: (
                nn.Sequential(*spiral_design()[0][:-1]),
                {"lr": 0.01},
            ),  # no sigmoid at the end
            lambda: (_RingFeatures(), {"lr": 0.03}),
        ),
    ),
]
