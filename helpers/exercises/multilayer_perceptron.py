"""The exercises of notebook 06."""

import copy
import functools
import itertools
import math
import time
from numbers import Integral

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.data import make_quadrants, make_spirals
from helpers.exercises.engine import Notebook, Passed, Wrong, numbers

notebook = Notebook("06")

# ------------------------------------------------------------------------------------------------------- mlp_forward

exercise = notebook.write(
    "mlp_forward", why="This is the forward pass of an MLP of any depth; notebook 07 adds the way back."
)


@exercise.right
def mlp_forward(X, layers):
    """An MLP's output. X: (n, d); layers: pairs (W, b); sigmoid in all but the last."""
    H = X
    for W, b in layers[:-1]:
        H = torch.sigmoid(H @ W + b)
    W, b = layers[-1]
    return H @ W + b


exercise.hint(
    "One layer is X @ W + b, then the sigmoid; its result is the X of the next layer.",
    "Loop over layers[:-1] with the sigmoid, then treat layers[-1] without it.",
)


def random_layers(*sizes):
    draw = functools.partial(torch.randn, generator=torch.Generator().manual_seed(0))
    return [(draw(d, k), draw(k)) for d, k in itertools.pairwise(sizes)]


TABLE = [
    (torch.tensor([[1.0, -1.0], [2.0, 1.0]]), torch.tensor([-1.0, 0.0])),
    (torch.tensor([[4.0], [2.0]]), torch.tensor([3.0])),
]
POINTS = torch.tensor([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]])  # (2, 3)
OUTPUT = exercise.text("The output of {network}")
NETWORKS = {
    exercise.text("the network of the table, for the input (1, 1)"): (torch.tensor([[1.0, 1.0]]), TABLE),
    exercise.text("a network 3-2-4-1, for two points"): (POINTS, random_layers(3, 2, 4, 1)),
    exercise.text("a network 3-2 of a single layer, for two points"): (POINTS, random_layers(3, 2)),
}


@exercise.probe
def _(answer):
    for network, arguments in NETWORKS.items():
        yield OUTPUT(network=network), answer(*copy.deepcopy(arguments))


HIDDEN, LAST = "torch.sigmoid(H @ W + b)", "return H @ W + b"
exercise.mistake(
    "The output has gone through a sigmoid, too. The last layer has no activation.",
    exercise.edited(LAST, f"return {HIDDEN}"),
)
exercise.mistake("The sigmoid is missing after the hidden layers.", exercise.edited(HIDDEN, "H @ W + b"))


@exercise.mistake
def _(X, layers):
    """The sigmoid belongs after every layer but the last, however many there are. A single layer is also the last, so
    it has none."""
    X = torch.sigmoid(X @ layers[0][0] + layers[0][1])
    for W, b in layers[1:]:
        X = X @ W + b
    return X


exercise.mistake("The biases b are not added.", exercise.edited(HIDDEN, "torch.sigmoid(H @ W)", LAST, "return H @ W"))
exercise.mistake(
    "The bias belongs into the sum, and so into the sigmoid: first add b, then bend.",
    exercise.edited(HIDDEN, "torch.sigmoid(H @ W) + b"),
)
exercise.mistake(
    "That is the right way through the layers, with another bend: here it is the sigmoid.",
    exercise.edited(HIDDEN, "torch.relu(H @ W + b)"),
    exercise.edited(HIDDEN, "torch.tanh(H @ W + b)"),
)
exercise.mistake(
    "There is a transpose too much. Here W is (d, k) as in this notebook, so X @ W; it is nn.Linear that stores it the "
    "other way round.",
    exercise.edited(HIDDEN, "torch.sigmoid(H @ W.T + b)", LAST, "return H @ W.T + b"),
)
exercise.mistake(
    "The list layers belongs to the caller, and your function changes it: pop, for one, takes a layer out. Read layers, "
    "and leave the list as it is.",
    exercise.edited("layers[-1]", "layers.pop()"),
    lambda X, layers: mlp_forward(X, [layers.pop(0) for _ in range(len(layers))]),
)


@exercise.also_right
def _(X, layers):
    modules = []
    for W, b in layers:
        linear = nn.Linear(*W.shape)
        linear.weight.data, linear.bias.data = W.T, b
        modules += [linear, nn.Sigmoid()]
    return nn.Sequential(*modules[:-1])(X)


@exercise.also_right
def _(X, layers):
    H = X.numpy()
    for i, (W, b) in enumerate(layers):
        H = H @ W.numpy() + b.numpy()
        H = H if i == len(layers) - 1 else 1 / (1 + np.exp(-H))
    return H


@exercise.also_right
def _(X, layers):
    (W, b), *rest = layers
    return functools.reduce(lambda Z, layer: Z.sigmoid() @ layer[0] + layer[1], rest, X @ W + b)


# ------------------------------------------------------------------------------------------------- spiral_parameters

exercise = notebook.predict(
    "spiral_parameters",
    4417,
    working="(2 + 1) * 64 + (64 + 1) * 64 + (64 + 1) * 1",
    rtol=0,
    why="Nearly all of them, 4160, lie between the two hidden layers: the size grows with the square of the width.",
)
exercise.hint(
    'The section "How many numbers are learned?" has the formula for one layer; here are three.',
    "(2 + 1) * 64 for the first layer. The second has 64 inputs and 64 units, the third 64 inputs and 1 unit.",
)
exercise.mistake("The biases are missing: every unit that is not an input has one.", 4288)
exercise.mistake("One bias is missing, that of the output.", 4416)
exercise.mistake("Only the output has a bias here. Each hidden unit has one, too.", 4289)
exercise.mistake("The output layer is forgotten: a third layer leads from 64 units to 1.", 4352)
exercise.mistake(
    "A layer has one bias for each of its units, not for each of its inputs: (d + 1) k, not d (k + 1).", 4418
)
exercise.mistake("That is 2-64-1. There are two hidden layers.", 257)
exercise.mistake("The biases of the second hidden layer are missing.", 257 + 64 * 64)
exercise.mistake("That is 2-64-64-64-1. There are two hidden layers.", 4417 + 65 * 64)
exercise.also_right(4417.0, torch.tensor(4417), np.int64(4417))


# ----------------------------------------------------------------------------------------- what both judges look at

SECONDS = 20  # of work
WRONG_SHAPE = notebook.text(
    "The output has the wrong shape: for points (n, 2) it must be (n, 1), one number per point. For {count} points yours "
    "is {shape}."
)
NO_TENSOR = notebook.text("The network must give a tensor, and gives something of the type {type}.")
NOTHING_TO_LEARN = notebook.text(
    "Nothing can be trained: the network has no parameters, or its output does not come from them."
)
NOT_A_NUMBER = notebook.text("The output is NaN or infinite before the first step: look at the numbers it starts from.")
SAME_NETWORK = notebook.text(
    "Each call must return a new network. Yours returns the same one again, with what it has learned: build it inside the "
    "function."
)
TRAINED = notebook.text(
    "The network knows the points before its first step, with a loss of {loss:.3f}. Return one that has yet to be trained."
)
CONSTANT = notebook.text(
    "The network gives the same answer for every point, and no longer learns. Either the learning rate is so large that "
    "its units have died or saturated, or they have been so from the start, or it starts from zeros."
)
ONE_LINE = notebook.text(
    "The output depends on one weighted sum of the two inputs, so every border is a straight line. Is there a bend between "
    "the linear layers (without it, they are one), and has the first of them more than one unit?"
)


# What is looked at draws no random numbers: the training goes as it does where the reader runs it.


@torch.random.fork_rng(devices=[])
def cannot_train(net, X):
    """What is wrong with a network before its first step, or None."""
    output = net(X)
    if not isinstance(output, torch.Tensor):
        return NO_TENSOR(type=type(output).__name__)
    if output.shape != (len(X), 1):
        return WRONG_SHAPE(count=len(X), shape=tuple(output.shape))
    if not output.requires_grad or not any(p.requires_grad for p in net.parameters()):
        return NOTHING_TO_LEARN
    return None if output.isfinite().all() else NOT_A_NUMBER


@torch.random.fork_rng(devices=[])
def once_more(answer):
    return answer()


def have_parts_in_common(net, other):
    parts, others = ({id(p) for p in (*n.parameters(), *n.buffers())} for n in (net, other))
    return not parts.isdisjoint(others)


@torch.random.fork_rng(devices=[])
@torch.enable_grad()
def is_one_sum(net, X):
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


# ------------------------------------------------------------------------------------------------------ quadrant_net

exercise = notebook.repair(
    "quadrant_net",
    why="A bend between the layers and a start that makes the units differ: without either, there is only one line.",
)


@exercise.broken
def quadrant_net_broken(width=8):
    """A network 2-width-1 for the quadrants; it returns a logit."""
    net = nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    return net


@exercise.right
def quadrant_net(width=8):
    """A network 2-width-1 for the quadrants; it returns a logit."""
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))


exercise.hint(
    "Two things are wrong, and each alone is enough to keep the loss near ln 2. Both are pitfalls of section "
    '"The bend".',
    "What stands between the two linear layers? And how many different hidden units does this start give?",
    "Put an activation between the two layers, and leave the start to nn.Linear.",
)

NO_NETWORK = exercise.text("The function must return a network, an nn.Module, not {got}.")
FIXED_WIDTH = exercise.text(
    "A network with width={width} must have {width} hidden units. Yours has no layer of that size."
)
LEARNED = exercise.text("The loss falls below {bound} in step {step} of Adam.")
TOO_SLOW = exercise.text(
    "Stopped after {seconds} seconds, in step {step} of {steps}. A network 2-8-1 takes less than one second."
)
EQUAL_UNITS = exercise.text(
    "All hidden units compute the same. They start from equal numbers, get equal gradients, and stay equal."
)
ONE_SIGN = exercise.text(
    "The output never becomes negative. A logit must, for class 0: the bend belongs between the layers."
)
BOUNDED = exercise.text(
    "The output stays between -1 and 1. A logit is free to grow: the bend belongs between the layers."
)
STILL = exercise.text("After {steps} steps of Adam the loss is still {loss:.2f}. It should have fallen below {bound}.")
STEPS, LOSS = 300, 0.2
START = 0.5  # an untrained network is near ln 2, or above


def quadrants():
    X, y = make_quadrants(500, generator=torch.Generator().manual_seed(0))
    return X, y.float().unsqueeze(1)  # (500, 1)


@torch.random.fork_rng(devices=[])
@torch.no_grad()
def loss_of(net, X, y):
    return F.binary_cross_entropy_with_logits(net(X), y).item()


def descent(net, X, y):
    """The loss before each step of Adam, and after the last."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(STEPS + 1):
        loss = F.binary_cross_entropy_with_logits(net(X), y)
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@exercise.judge
def _(answer):
    net = answer()
    if not isinstance(net, nn.Module):
        return NO_NETWORK(got=None if net is None else type(net).__name__)
    again = once_more(answer)
    if have_parts_in_common(net, again):
        return SAME_NETWORK
    X, y = quadrants()
    if trouble := cannot_train(net.cpu(), X):
        return trouble
    if (before := max(loss_of(n, X, y) for n in (net, again.cpu()))) < START:  # one alone may be so by chance
        return TRAINED(loss=before)
    deadline = time.thread_time() + SECONDS
    for step, loss in enumerate(descent(net, X, y)):
        if loss < LOSS:
            break
        if time.thread_time() > deadline:
            return TOO_SLOW(seconds=SECONDS, step=step, steps=STEPS)
    else:
        return what_holds_it(net, X) or STILL(steps=STEPS, loss=math.ceil(100 * loss) / 100, bound=LOSS)
    other = 13  # a number that no network has by chance
    wider = answer(other)
    if cannot_train(wider.cpu(), X) or not any(other in p.shape for p in wider.parameters()):
        return FIXED_WIDTH(width=other)
    if not any(8 in p.shape for p in net.parameters()):
        return FIXED_WIDTH(width=8)
    return Passed(LEARNED(bound=LOSS, step=step))


def what_holds_it(net, X):
    """What can be seen of a network that does not learn, or None."""
    for weights in net.parameters():  # nn.Linear holds (width, 2), the notebook (2, width)
        units = weights.T if weights.ndim == 2 and len(weights) == 2 else weights
        if units.shape[1:] == (2,) and len(units) > 1 and torch.allclose(units, units[:1].expand_as(units), atol=1e-5):
            return EQUAL_UNITS
    if net(X).std() < 1e-6 and net(X).any():  # a ReLU at the end may give zeros only
        return CONSTANT
    if is_one_sum(net, X):
        return ONE_LINE
    if net(X).min() >= 0:
        return ONE_SIGN
    largest = net(X).abs()
    return BOUNDED if largest.max() <= 1 and largest.mean() > 0.9 else None


BODY = "return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))"
ALL_EQUAL = """net = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    return net"""
ALL_DEAD = f"{BODY.replace('return', 'net =')}; nn.init.constant_(net[0].bias, -100.0); return net"
exercise.mistake(
    ONE_LINE,
    exercise.edited("nn.ReLU(), ", ""),
    exercise.edited("(2, width)", "(2, 1)", "(width, 1)", "(1, 1)"),  # one unit
)
exercise.mistake(CONSTANT, exercise.edited(BODY, ALL_DEAD))
exercise.mistake(
    EQUAL_UNITS,
    exercise.edited(BODY, ALL_EQUAL),
    exercise.edited(BODY, ALL_EQUAL.replace("ReLU", "Sigmoid").replace("zeros_(parameter", "constant_(parameter, 0.5")),
)
exercise.mistake(
    ONE_SIGN,
    exercise.edited("(width, 1)", "(width, 1), nn.ReLU()"),
    exercise.edited("(width, 1)", "(width, 1), nn.Sigmoid()"),
)
exercise.mistake(BOUNDED, exercise.edited("(width, 1)", "(width, 1), nn.Tanh()"))
exercise.mistake(STILL, exercise.edited("nn.Linear(2, width), nn.ReLU()", "nn.ReLU(), nn.Linear(2, width)"))
exercise.mistake(WRONG_SHAPE, exercise.edited("(width, 1)", "(width, 2)"))
exercise.mistake(
    FIXED_WIDTH,
    exercise.edited("(2, width)", "(2, 8)", "(width, 1)", "(8, 1)"),
    exercise.edited("width=8", "width=20"),
)
exercise.mistake(NO_NETWORK, exercise.edited("return ", ""))
exercise.mistake(SAME_NETWORK, functools.cache(quadrant_net))


def trained_to(bound):
    def quadrant_net_trained(width=8):
        net = quadrant_net(width)
        next(loss for loss in descent(net, *quadrants()) if loss < bound)
        return net

    return quadrant_net_trained


exercise.mistake(TRAINED, trained_to(LOSS), trained_to(0.3))


exercise.also_right(
    exercise.edited("nn.ReLU()", "nn.Sigmoid()"),
    exercise.edited("nn.ReLU()", "nn.Tanh()"),
    exercise.edited("nn.ReLU()", "nn.GELU()"),
    exercise.edited(BODY, ALL_EQUAL.replace("ReLU", "Tanh").replace("zeros_(parameter", "normal_(parameter, std=0.5")),
)


# ------------------------------------------------------------------------------------------------------ xnor_neurons

exercise = notebook.write(
    "xnor_neurons",
    why="Two lines, and a third neuron to combine them: any pattern of yes and no can be put together like this.",
    deeper=True,
)


@exercise.right
def xnor_neurons():
    """W1 (2, 2), b1 (2,), w2 (2,), b2 (a number) of step neurons that compute XNOR."""
    W1 = torch.ones(2, 2)
    b1 = torch.tensor([-0.5, -1.5])  # h1 is OR, h2 is AND
    w2 = torch.tensor([-1.0, 1.0])
    return W1, b1, w2, 0.5  # AND, or not even OR


exercise.hint(
    "The hidden units of XOR, OR and AND, are useful here, too. Which pairs (h1, h2) do the four inputs give?",
    "(0, 0) and (1, 1) must give a sum above 0, (1, 0) one that is not. Which sign has the weight of h1, and which that "
    "of the bias?",
    "Keep OR and AND (W1 all ones, b1 is -0.5 and -1.5) and turn all three signs of the output neuron.",
)

FOUR_THINGS = exercise.text("Return four things, W1, b1, w2 and b2: the last line is return W1, b1, w2, b2.")
ANSWERS = exercise.text("The four answers, for (0, 0), (0, 1), (1, 0), (1, 1)")
PARTS = [exercise.text("W1"), exercise.text("b1"), exercise.text("w2"), exercise.text("b2")]


@exercise.probe
def _(answer):
    weights = answer()
    if not isinstance(weights, (tuple, list)) or len(weights) != 4:
        raise Wrong(FOUR_THINGS)
    W1, b1, w2, b2 = (numbers(name, part).double() for name, part in zip(PARTS, weights, strict=True))
    w2 = w2.flatten() if w2.numel() == 2 else w2  # (2, 1) is as good as (2,)
    for name, part in zip(PARTS, (W1, b1, w2, b2), strict=True):
        yield name, torch.zeros(part.shape)  # only the shapes count
    X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    H = (X @ W1 + b1 > 0).double()  # (4, 2)
    yield ANSWERS, (H @ w2 + b2.reshape(()) > 0).int()  # (4,)


W2, B2 = "[-1.0, 1.0]", ", 0.5 "
exercise.mistake(
    "This is XOR: all four answers are the opposite of those wanted.",
    exercise.edited(W2, "[1.0, -1.0]", B2, ", -0.5 "),
)
exercise.mistake(
    "All four answers are 0: the sum of the output neuron never gets above 0, and a sum of exactly 0 counts as 0. Look at "
    "its bias.",
    exercise.edited(B2, ", 0.0 "),
)
exercise.mistake(
    "This is AND. The input (0, 0) must be answered with 1 as well.", exercise.edited(W2, "[0.0, 1.0]", B2, ", -0.5 ")
)
exercise.mistake(
    "Only (0, 0) is answered with 1. The input (1, 1) must be, too: a hidden unit that is AND can tell it from (0, 1) and "
    "(1, 0).",
    exercise.edited(W2, "[-1.0, 0.0]"),
    exercise.edited("-1.5])", "-2.5])"),
)
exercise.mistake(FOUR_THINGS, exercise.edited(", w2, 0.5", ", w2"), exercise.edited("return ", ""))


@exercise.also_right
def _():
    W1 = torch.tensor([[1.0, -1.0], [1.0, -1.0]])
    b1 = torch.tensor([-1.5, 0.5])  # h1 is "both", h2 is "none"
    return W1, b1, torch.ones(2), -0.5  # one of the two


exercise.also_right(lambda: (np.ones((2, 2)), [-0.5, -1.5], [-2, 2], torch.tensor([1])))


# ----------------------------------------------------------------------------------------------------- spiral_design


def half_mse(model, X, y):
    """Half the mean squared error of model(X) (n, 1) against y (n, 1), as a number."""
    with torch.no_grad():
        return ((model(X) - y) ** 2).mean().item() / 2


def attempt(model, make, *, lr, batch_size=25, optimizer_class=torch.optim.Adam, epochs=1000):
    """Train until the validation half_mse is below 0.005; returns it after each epoch.

    make: make_spirals or make_quadrants.
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
        results.append(half_mse(model, X_val, y_val))
    return results


exercise = notebook.design(
    "spiral_design",
    why="Now try another seed, or fewer parameters: a design that works once may have been lucky.",
    deeper=True,
    busy="training your network, up to 20 s ...",
)


@exercise.right
def spiral_design():
    """A model (n, 2) -> (n, 1), and a dict: lr (and batch_size, optimizer_class)."""
    hidden = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()]
    model = nn.Sequential(*hidden, nn.Linear(64, 1), nn.Sigmoid())
    return model, {"lr": 0.01, "batch_size": 25, "optimizer_class": torch.optim.Adam}


exercise.hint(
    "First ask which is the limit: does the training loss fall? If not, the network is too small or the steps do not fit.",
    'A second hidden layer gets hold of the arms, as in section "Width and depth: look". And a batch of 25 makes ten steps '
    "of each epoch, where the first try has made one.",
    "Two hidden layers of 64 ReLU units, a sigmoid at the end, Adam with 0.01 and batches of 25.",
)

BOUND, EPOCHS = 0.005, 1000
START_HALF = 0.06  # an untrained network is near 0.125, or above
TWO_THINGS = exercise.text('Return two things: the model, and a dict such as {{"lr": 0.01, "batch_size": 25}}.')
NO_MODEL = exercise.text("The first thing returned must be a network, an nn.Module.")
NO_LR = exercise.text(
    'The second thing returned must be a dict with at least the learning rate, such as {{"lr": 0.01}}.'
)
UNKNOWN_KEY = exercise.text(
    "The dict may hold lr, batch_size and optimizer_class, which are what `attempt` lets you choose. Yours holds {keys}, "
    "too."
)
NO_NUMBER = exercise.text("In the dict, lr must be a number, and batch_size a whole number, at least 1.")
QUOTED_CLASS = exercise.text("optimizer_class is a class, such as torch.optim.Adam, without quotes.")
NO_CLASS = exercise.text("optimizer_class is the class itself, such as torch.optim.Adam, without parentheses.")
NOT_FINITE = exercise.text(
    "The loss is no longer a finite number: the steps are far too large. Lower the learning rate."
)
NO_MOVE = exercise.text(
    "No parameter has moved in the first epoch: either the learning rate is 0, or no gradient arrives."
)
TOO_LONG = exercise.text(
    "Stopped after {seconds} seconds, in epoch {epoch} of {epochs}. On the validation points it is now {validation:.4f}, "
    "on the training points {training:.4f}; near 0.125, which a constant 0.5 gives, it is stuck, and more time would not "
    "help. If it was falling, a smaller network or larger batches take less time."
)
NOT_REACHED = exercise.text(
    "The bound was not reached within {epochs} epochs. The best was {best:.4f}. On the training points it ends at "
    "{training:.4f}, {advice}."
)
NOT_BETWEEN = exercise.text(
    "so it fits what it has seen, but not what lies between; try another activation or smaller steps"
)
TOO_SMALL = exercise.text(
    "so the network is too small, or the steps do not fit: there are too few, or they are too large or too small"
)
REACHED = exercise.text("It reached {result:.4f} in epoch {epoch}, with {size:,} parameters.")


@exercise.judge
def _(answer):
    design = answer()
    if not isinstance(design, (tuple, list)) or len(design) != 2:
        return TWO_THINGS
    model, how = design
    training, validation = spirals()
    if trouble := fault_in(model, how):
        return trouble
    if have_parts_in_common(model, once_more(answer)[0]):  # first: a network of the reader's is not run, nor moved
        return SAME_NETWORK
    if trouble := cannot_train(model.cpu(), training[0]):
        return trouble
    with torch.random.fork_rng(devices=[]):
        if (before := half_mse(model, *validation)) < START_HALF:
            return TRAINED(loss=before)
    how = how | {"batch_size": int(how.get("batch_size", 25))}  # split() takes no NumPy integer
    results = attempt(Watched(model, training, validation), make_spirals, **how)
    if results[-1] < BOUND:
        size = sum(p.numel() for p in model.parameters())
        # rounded down, and below up: never the bound itself
        return Passed(REACHED(result=math.floor(1e4 * results[-1]) / 1e4, epoch=len(results), size=size))
    best, last = math.ceil(1e4 * min(results)) / 1e4, half_mse(model, *training)
    advice = NOT_BETWEEN if last < BOUND else TOO_SMALL
    return NOT_REACHED(epochs=EPOCHS, best=best, training=last, advice=advice)


def spirals():
    """What `attempt` trains on, and what it measures: (X, y), (X, y)."""
    X, y = make_spirals(500, generator=torch.Generator().manual_seed(1))
    y = y.float().unsqueeze(1)  # (500, 1)
    return (X[:250], y[:250]), (X[250:], y[250:])


def fault_in(model, how):
    """What is wrong with the form of a design, or None."""
    if not isinstance(model, nn.Module):
        return NO_MODEL
    if not isinstance(how, dict) or "lr" not in how:
        return NO_LR
    if unknown := [str(key) for key in how if key not in ("lr", "batch_size", "optimizer_class")]:
        return UNKNOWN_KEY(keys=", ".join(key[:30] for key in unknown[:5]))
    try:
        if numbers(NO_NUMBER, how["lr"]).numel() != 1:
            return NO_NUMBER
    except Wrong:
        return NO_NUMBER
    batch_size, optimizer_class = how.get("batch_size", 25), how.get("optimizer_class", torch.optim.Adam)
    if not isinstance(batch_size, Integral) or batch_size < 1:
        return NO_NUMBER
    if isinstance(optimizer_class, str):
        return QUOTED_CLASS
    return None if callable(optimizer_class) else NO_CLASS


class Watched(nn.Module):
    """A model that stops its training by `attempt`, with a Wrong, where nothing is left to hope for."""

    def __init__(self, model, seen, unseen):
        super().__init__()
        self.model, self.seen, self.unseen = model, seen, unseen
        self.start = [p.detach().clone() for p in model.parameters()]
        self.epoch, self.doubt, self.deadline = 0, None, time.thread_time() + SECONDS

    def forward(self, X):
        y_hat = self.model(X)
        if not y_hat.isfinite().all():
            raise Wrong(NOT_FINITE)
        if time.thread_time() > self.deadline:
            training, validation = half_mse(self.model, *self.seen), half_mse(self.model, *self.unseen)
            now = {"epoch": self.epoch + 1, "training": training, "validation": validation}
            raise Wrong(TOO_LONG(seconds=SECONDS, epochs=EPOCHS, **now))
        if not torch.is_grad_enabled():  # half_mse, at the end of an epoch
            self.epoch += 1
            self.look()
        return y_hat

    def look(self):
        if self.epoch == 1 and all(map(torch.equal, self.start, self.model.parameters())):
            raise Wrong(NO_MOVE)
        if self.epoch in (20, 40):  # twice, since a network may recover
            before, self.doubt = self.doubt, doubt(self.model, self.seen[0])
            if self.doubt and self.doubt is before:
                raise Wrong(self.doubt)


@torch.random.fork_rng(devices=[])
def doubt(model, X):
    if model(X).std() < 1e-6:
        return CONSTANT
    return ONE_LINE if is_one_sum(model, X) else None


MIDDLE, HOW = "nn.ReLU(), nn.Linear(64, 64), nn.ReLU()", '{"lr": 0.01, "batch_size": 25'
FIRST_TRY = "(2, 64)", "(2, 8)", MIDDLE, "nn.ReLU()", "(64, 1)", "(8, 1)"
exercise.mistake(NOT_REACHED, exercise.edited(*FIRST_TRY, HOW, HOW + "0"))
exercise.mistake(ONE_LINE, exercise.edited(MIDDLE, "nn.Linear(64, 64)"))
exercise.mistake(WRONG_SHAPE, exercise.edited("(64, 1)", "(64, 2)"))
exercise.mistake(
    NOT_FINITE, exercise.edited(MIDDLE, "nn.ReLU()", ", nn.Sigmoid()", "", "0.01", "1000.0", "optim.Adam", "optim.SGD")
)
exercise.mistake(
    CONSTANT,
    exercise.edited("return", "[nn.init.zeros_(p) for p in model.parameters()]\n    return"),
    exercise.edited("0.01", "10.0"),
)
exercise.mistake(NO_MOVE, exercise.edited("0.01", "0.0"))
exercise.mistake(TWO_THINGS, lambda: spiral_design()[0])
exercise.mistake(NOT_A_NUMBER, exercise.edited("return", "nn.init.constant_(model[0].bias, torch.nan)\n    return"))
exercise.mistake(NOTHING_TO_LEARN, exercise.edited("return", "model.requires_grad_(False)\n    return"))
exercise.mistake(NO_MODEL, lambda: spiral_design()[::-1])
exercise.mistake(NO_LR, lambda: (spiral_design()[0], 0.01))
exercise.mistake(
    UNKNOWN_KEY,
    exercise.edited(HOW, HOW + ', "epochs": 5000'),
    exercise.edited(HOW, HOW + ', **{f"{i:050}": 1 for i in range(1000)}'),  # not all of them are shown
)
exercise.mistake(NO_NUMBER, exercise.edited("0.01", "'0.01'"), exercise.edited("25", "0.1"))
exercise.mistake(QUOTED_CLASS, exercise.edited("torch.optim.Adam", "'Adam'"))
exercise.mistake(NO_CLASS, exercise.edited("torch.optim.Adam", "torch.optim.Adam(model.parameters())"))
exercise.mistake(SAME_NETWORK, functools.cache(spiral_design))


def trained(model, how, epochs=1000):
    attempt(model, make_spirals, epochs=epochs, **how)
    return model, how


class RingFeatures(nn.Module):
    """A hidden layer on top of x1, x2, the radius, and the direction turned back by some of the radius."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, X):
        radius = X.norm(dim=1, keepdim=True)  # (n, 1)
        angle = torch.atan2(X[:, :1], X[:, 1:]) - 2.4 * radius
        return self.layers(torch.cat([X, radius, angle.sin(), angle.cos()], dim=1))


def ring_design():
    return RingFeatures(), {"lr": 0.03}


@functools.cache
def not_to_be_run():
    model, how = ring_design()
    model.register_forward_pre_hook(lambda *_: 1 / 0)
    return model, how


exercise.mistake(SAME_NETWORK, not_to_be_run)
exercise.mistake(TRAINED, lambda: trained(*ring_design()), lambda: trained(*ring_design(), epochs=1))
exercise.also_right(
    exercise.edited(", nn.Sigmoid()", ""),
    exercise.edited('"batch_size": 25', '"batch_size": np.int64(25)'),
    ring_design,
)
