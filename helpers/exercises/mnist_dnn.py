"""The exercises of notebook 10."""

import functools
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers.data import batch_loader, load_mnist
from helpers.exercises.engine import Notebook, Passed, Wrong, numbers, stopped
from helpers.exercises.multilayer_perceptron import have_parts_in_common
from helpers.training import accuracy, evaluate, fit

notebook = Notebook("10")


# -------------------------------------------------------------------------------------------------- block_parameters

exercise = notebook.predict(
    "block_parameters",
    25482,
    working="784 * 32 + 2 * 32 + (32 * 10 + 10)",
    why="The norm costs next to nothing: 64 of 25,482; nearly all of them connect the pixels with the first hidden layer.",
    rtol=1e-6,
)
exercise.hint(
    "Go through the parts of block in the order of the code: which of them learn anything, and does the first one have a "
    "bias?",
    "784 * 32 weights; then a scale and a shift for each of 32 units; then the output layer, with its bias.",
)
exercise.mistake(
    "The linear layer in block has bias=False: the shift of the norm takes its place.", 784 * 32 + 32 + 2 * 32 + 330
)
exercise.mistake("The norm learns, too: a scale and a shift for each unit.", 784 * 32 + 330)
exercise.mistake(
    "That is the network without the norm: with the norm, the 32 biases go, and each unit gets a scale and a shift.",
    784 * 32 + 32 + 330,
)
exercise.mistake("The running averages are measured, not learned, so they are no parameters.", 784 * 32 + 4 * 32 + 330)
exercise.mistake(
    "What the norm measures (two averages per unit, and a count) is not learned, so these are no parameters.",
    784 * 32 + 4 * 32 + 1 + 330,
)
exercise.mistake("The output layer is a plain nn.Linear, and has a bias.", 784 * 32 + 2 * 32 + 320)
exercise.mistake("The norm has a scale and a shift for each unit, not one for all.", 784 * 32 + 2 + 330)
exercise.mistake("That is block alone. The output layer comes on top.", 784 * 32 + 2 * 32)
exercise.also_right(25482.0, torch.tensor(25482))


# -------------------------------------------------------------------------------------------------- probabilities_of

exercise = notebook.repair(
    "probabilities_of",
    why="An image now gets the same answer in any company, nothing is remembered for a backward pass, and each row sums to "
    "one.",
    in_place=("network",),  # its mode; the probe sees whether it stays the same network
)


@exercise.broken
def probabilities_of_broken(network, X):
    """Probabilities (n, 10) of the ten digits for the rows of X (n, 784)."""
    scores = network(X)
    return scores.softmax(dim=0)


@exercise.right
def probabilities_of(network, X):
    """Probabilities (n, 10) of the ten digits for the rows of X (n, 784)."""
    network.eval()
    with torch.no_grad():
        scores = network(X)
    return scores.softmax(dim=1)


exercise.hint(
    "There are three faults. Which two lines stand before every prediction in this notebook? And along which axis should "
    "the numbers sum to one?",
    "network.eval() for the batch norm, with torch.no_grad() around the predictions.",
    "The third fault is the axis of the softmax: the ten scores of one image lie along dim 1.",
)

TOGETHER = exercise.text("probabilities_of for 6 images")
SUM = exercise.text("the sum of each row, for 6 images")
GRAPH = exercise.text("whether the result still has its graph")
AFTERWARDS = exercise.text("the network's {name}, afterwards")
ALONE = exercise.text("probabilities_of for the first image alone")


@exercise.probe
def _(answer):
    generator = torch.Generator().manual_seed(1)
    X = torch.rand(6, 784, generator=generator)
    network = nn.Sequential(nn.Linear(784, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5, generator=generator)
    network[1].running_mean.fill_(0.5)
    network[1].running_var.fill_(4.0)
    together = answer(network.train(), X)
    yield SUM, numbers(TOGETHER, together).sum(dim=-1)
    yield TOGETHER, together
    yield GRAPH, getattr(together, "requires_grad", False) and leads_back(together, network)
    for name, value in network.state_dict().items():
        yield AFTERWARDS(name=name), value.clone()
    yield ALONE, answer(network.train(), X[:1])


def leads_back(result, network):
    """Whether a backward pass from the result would reach the network."""
    slopes = torch.autograd.grad(result.sum(), list(network.parameters()), allow_unused=True)
    return any(slope is not None for slope in slopes)


MODE, NO_GRAPH, AXIS = "network.eval()", "with torch.no_grad():", "dim=1"
exercise.mistake(
    "One fault is left: the network is in train mode, so an image's answer depends on the rest of the batch.",
    exercise.edited(MODE, ""),
)
exercise.mistake(
    "One fault is left: the values are right, but a graph is kept for a backward pass that never comes.",
    exercise.edited(NO_GRAPH, "if True:"),
)
exercise.mistake(
    "One fault is left: the softmax runs down the columns, over the images, and not over the ten digits.",
    exercise.edited(AXIS, "dim=0"),
)
exercise.mistake(
    "Each row sums to one now, but two faults are left: the mode of the network, and the graph that is kept.",
    exercise.edited(MODE, "", NO_GRAPH, "if True:"),
)
exercise.mistake(
    "The mode is right now, but two faults are left: the graph that is kept, and the axis of the softmax.",
    exercise.edited(NO_GRAPH, "if True:", AXIS, "dim=0"),
)
exercise.mistake(
    "No graph is kept now, but two faults are left: the mode of the network, and the axis of the softmax.",
    exercise.edited(MODE, "", AXIS, "dim=0"),
)
exercise.mistake(
    "These are the scores. The softmax that makes probabilities of them is gone.",
    exercise.edited(".softmax(dim=1)", ""),
)
exercise.mistake(
    "These are the logarithms of the probabilities: softmax, not log_softmax.",
    exercise.edited(".softmax", ".log_softmax"),
)


@exercise.also_right
@torch.inference_mode()
def _(network, X):
    was_training = network.training
    scores = network.eval()(X)
    network.train(was_training)
    return scores.exp() / scores.exp().sum(dim=1, keepdim=True)


exercise.also_right(
    exercise.edited(NO_GRAPH, "if True:", ".softmax(dim=1)", ".softmax(dim=-1).detach().numpy()"),
    lambda network, X: F.softmax(network.train(False)(X), 1).detach(),
)


# ------------------------------------------------------------------------------------------------------ norm_forward

exercise = notebook.write(
    "norm_forward",
    why="The same line with two sources of mean and variance: that is all that train and eval mode change in a batch norm.",
    deeper=True,
)


@exercise.right
def norm_forward(h, gamma, beta, mean, var, training):
    """Batch norm of h (n, d); gamma, beta, mean, var: (d,).

    training: use the batch's own mean and variance.
    """
    if training:
        mean, var = h.mean(dim=0), h.var(dim=0, unbiased=False)
    return gamma * (h - mean) / (var + 1e-5).sqrt() + beta


exercise.hint(
    'The two modes differ only in where the mean and the variance come from; the formula of section "Batch '
    'normalisation" does the rest.',
    "If training, replace mean and var by h.mean(dim=0) and h.var(dim=0, unbiased=False). In both modes, subtract the "
    "mean, divide by the root of var + 1e-5, multiply by gamma, add beta.",
)

FOUR_ROWS = torch.tensor([[1.0, 0.0, 4.0], [3.0, -2.0, 0.0], [0.0, 1.0, 1.0], [4.0, 5.0, 7.0]])
SMALL = torch.tensor([[0.01, 0.001], [-0.01, 0.002], [0.02, -0.003]])
FIXED = torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.0, 1.0, 3.0])  # gamma, beta
AVERAGES = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([4.0, 1.0, 9.0])
FOR_TWO = [values[:2] for values in (*FIXED, *AVERAGES)]
exercise.case(torch.tensor([[1.0, 2.0], [5.0, 2.0]]), *FOR_TWO, True)  # the second unit is constant
exercise.case(FOUR_ROWS, *FIXED, *AVERAGES, True)
exercise.case(FOUR_ROWS, *FIXED, *AVERAGES, False)
exercise.case(FOUR_ROWS[:1], *FIXED, *AVERAGES, False)
# the variances are as small as epsilon
exercise.case(SMALL, *FOR_TWO, True)
exercise.case(SMALL, *FOR_TWO[:2], torch.tensor([0.01, 0.0]), torch.tensor([0.0, 1e-5]), False)


SOURCES, IN_TRAINING = "mean, var = h.mean(dim=0), h.var(dim=0, unbiased=False)", "if training:"
ROOT = "(var + 1e-5).sqrt()"
exercise.mistake(
    "You standardise each row, over its units. Batch norm standardises each unit, over the rows of the batch.",
    exercise.edited(SOURCES, "mean, var = h.mean(1, keepdim=True), h.var(1, unbiased=False, keepdim=True)"),
)
exercise.mistake(
    "You took one mean and one variance over all entries. Each unit has its own: dim=0.",
    exercise.edited(SOURCES, "mean, var = h.mean(), h.var(unbiased=False)"),
)
exercise.mistake(
    "The method var divides by n - 1 unless you ask it not to; batch norm divides by n.",
    exercise.edited(", unbiased=False", ""),
)
exercise.mistake("Divide by the root of the variance, not by the variance.", exercise.edited(".sqrt()", ""))
exercise.mistake(
    "A unit that is the same in all rows has the variance 0: the small epsilon under the root is missing.",
    exercise.edited(ROOT, "var.sqrt()"),
)
exercise.mistake(
    "Epsilon belongs under the root, added to the variance. Behind the root it does less: the root of 1e-5 is 3e-3.",
    exercise.edited(ROOT, "(var.sqrt() + 1e-5)"),
)
exercise.mistake(
    "A unit with a small variance shows it: your epsilon is not 1e-5.",
    *(exercise.edited("1e-5", epsilon) for epsilon in ("1e-3", "1e-4", "1e-6", "1e-7", "1e-8", "1e-12")),
)
exercise.mistake(
    "In eval mode the given mean and var must be used, not those of the batch.",
    exercise.edited(IN_TRAINING, "if True:"),
)
exercise.mistake(
    "The two modes are swapped: the batch's own mean and variance belong to train mode.",
    exercise.edited(IN_TRAINING, "if not training:"),
)
exercise.mistake(
    "In train mode, both come from the batch: the mean and the variance.",
    exercise.edited(IN_TRAINING, "if False:"),
    exercise.edited(SOURCES, "mean = h.mean(dim=0)"),
    exercise.edited(SOURCES, "var = h.var(dim=0, unbiased=False)"),
)
exercise.mistake(
    "The output is standardised, but gamma and beta have not been applied.",
    exercise.edited("gamma * ", "", " + beta", ""),
)
exercise.mistake(
    "beta is scaled by gamma, too. First multiply by gamma, then add beta.",
    exercise.edited("gamma * (", "gamma * ((", "+ beta", "+ beta)"),
)
exercise.mistake(
    "The running averages themselves are changed, which belong to the caller. (F.batch_norm does so with training=True: "
    "give it copies.) Only the output is asked for.",
    lambda h, gamma, beta, mean, var, training: F.batch_norm(h, mean, var, gamma, beta, training),
)
exercise.mistake(
    "h itself is changed: -= writes into the tensor of whoever calls. Compute a new one.",
    exercise.edited("return gamma * (h - mean)", "h -= mean; return gamma * h"),
)
exercise.also_right(
    lambda h, gamma, beta, mean, var, training: F.batch_norm(h, mean.clone(), var.clone(), gamma, beta, training),
    exercise.edited(ROOT, "torch.sqrt(1e-5 + var)", "h.var(dim=0, unbiased=False)", "((h - h.mean(0)) ** 2).mean(0)"),
)


@exercise.also_right
def _(h, gamma, beta, mean, var, training):
    h, gamma, beta, mean, var = (part.double().numpy() for part in (h, gamma, beta, mean, var))
    if training:
        mean, var = h.mean(axis=0), h.var(axis=0)
    return gamma * (h - mean) / (var + 1e-5) ** 0.5 + beta


@exercise.also_right
def _(h, gamma, beta, mean, var, training):
    layer = nn.BatchNorm1d(len(mean)).train(training)
    layer.load_state_dict({"weight": gamma, "bias": beta, "running_mean": mean, "running_var": var}, strict=False)
    return layer(h)


# -------------------------------------------------------------------------------------------------------- my_dropout

exercise = notebook.write(
    "my_dropout",
    why="Because the survivors are enlarged while training, nothing has to be done when the network is used.",
    deeper=True,
)


@exercise.right
def my_dropout(h, p, training):
    """Dropout: in train mode, each entry of h (n, d) is zero with probability p."""
    if not training:
        return h
    keep = torch.rand(h.shape) >= p
    return h * keep / (1 - p)


exercise.hint(
    "torch.rand gives a number from 0 to 1 for each entry: with which probability is it below p?",
    "keep = torch.rand(h.shape) >= p is true for a share 1 - p of the entries.",
    "If not training, return h; else return h * keep / (1 - p).",
)

OF_A_ROW = exercise.text("my_dropout for the row {row}, p = {p} and training = {training}")
VALUES = exercise.text("the set of values that come out if all entries are {entry} and p = {p}")
MEAN = exercise.text("the mean of what comes out if all entries are {entry} and p = {p}")
SHARE = exercise.text("the share of zeros for p = 0.25")
SAME_ROWS = exercise.text("whether two of 400 rows lose the same entries")
SAME_UNITS = exercise.text("whether two of 50 units vanish in the same rows")
SAME_ENTRIES = exercise.text("whether a second call drops the same entries as the first")
SAME_NUMBER = exercise.text("whether each call drops the same number of entries")
SAME_IN_ROWS = exercise.text("whether each row loses the same number of entries")


def nearest(number, step):
    """A rounded number: it comes out the same however the random numbers are drawn."""
    return step * (number / step).round()


@exercise.probe
def _(dropout):
    yield OF_A_ROW(row="1, -2, 3", p=0.25, training=False), dropout(torch.tensor([[1.0, -2.0, 3.0]]), 0.25, False)
    yield OF_A_ROW(row="0, 0, 0", p=0.25, training=True), dropout(torch.zeros(1, 3), 0.25, True)
    what = VALUES(entry=1, p=0.25)
    ones = [numbers(what, dropout(torch.ones(400, 50), 0.25, True)) for _ in range(4)]
    yield what, ones[0].unique()
    zeros = [result == 0 for result in ones]
    yield SHARE, nearest(zeros[0].double().mean(), 0.05)
    yield SAME_ROWS, len(zeros[0].unique(dim=0)) < 400
    yield SAME_UNITS, zeros[0].unique(dim=1).shape[1] < 50
    yield SAME_ENTRIES, torch.equal(zeros[0], zeros[1])
    yield SAME_NUMBER, len({int(zero.sum()) for zero in zeros}) == 1
    yield SAME_IN_ROWS, len(zeros[0].sum(dim=1).unique()) == 1
    large = numbers(MEAN(entry=-3, p=0.6), dropout(torch.full((400, 50), -3.0), 0.6, True))
    yield MEAN(entry=-3, p=0.6), nearest(large.double().mean(), 0.25)
    yield VALUES(entry=-3, p=0.6), large.unique()
    yield OF_A_ROW(row="1, -2, 3", p=0, training=True), dropout(torch.tensor([[1.0, -2.0, 3.0]]), 0.0, True)


EVAL_MODE, DRAW, SCALED = "    if not training:\n        return h\n", "torch.rand(h.shape)", " / (1 - p)"
exercise.mistake(
    "The zeros are right, but the survivors must be divided by 1 - p, or the sum shrinks.", exercise.edited(SCALED, "")
)
exercise.mistake(
    "You divide by p. The share that survives is 1 - p, so divide by that.", exercise.edited(SCALED, " / p")
)
exercise.mistake(
    "You multiply by 1 - p. The survivors make up for the others, so they grow: divide.",
    exercise.edited(SCALED, " * (1 - p)"),
)
exercise.mistake(
    "You keep a share p of the entries; p is the probability of being dropped.", exercise.edited(">= p", "< p")
)
exercise.mistake("In eval mode nothing may be dropped: h must come back as it is.", exercise.edited(EVAL_MODE, ""))
exercise.mistake(
    "The two modes are swapped: entries are dropped in train mode.", exercise.edited("not training", "training")
)
exercise.mistake(
    "All rows of the batch lose the same units. Draw a number for each entry, not for each unit.",
    exercise.edited(DRAW, "torch.rand(h.shape[1])"),
)
exercise.mistake(
    "Whole rows vanish. Draw a number for each entry, not for each row.",
    exercise.edited(DRAW, "torch.rand(len(h), 1)"),
)
exercise.mistake(
    "Each call drops the same entries, so they are never trained. Let each call draw anew.",
    exercise.edited(DRAW, "torch.rand(h.shape, generator=torch.Generator().manual_seed(0))"),
    exercise.edited("keep =", "torch.manual_seed(1); keep ="),
)
exercise.mistake(
    "You drop exactly the same number of entries in each call, or in each row; so an entry depends on the others. Draw a "
    "number for each entry, and let it alone decide.",
    exercise.edited(f"{DRAW} >= p", "torch.randperm(h.numel()).reshape(h.shape) >= p * h.numel()"),
    exercise.edited(f"{DRAW} >= p", f"{DRAW}.argsort(dim=1) >= p * h.shape[1]"),
)
exercise.mistake(
    "torch.randn draws from a bell curve, with numbers below 0 and above 1. torch.rand draws evenly from 0 to 1, so that a "
    "share p lies below p.",
    exercise.edited("rand(", "randn("),
)
exercise.mistake(
    "The result is right, but you changed h itself, which others may still need. Multiply by a mask instead.",
    exercise.edited("return h * keep", "h *= keep; return h"),
)
exercise.mistake(
    "You shrink the values in eval mode. Here it is the other way: enlarge the survivors in train mode, and leave eval "
    "mode alone.",
    exercise.edited("return h\n", "return h * (1 - p)\n", SCALED, ""),
)
exercise.mistake(
    "With p = 0.25 it is right, but p is an argument, and can be another number.",
    lambda h, p, training: my_dropout(h, 0.25, training),
)
exercise.also_right(
    lambda h, p, training: F.dropout(h, p, training),
    lambda h, p, training: nn.Dropout(p).train(training)(h),
    lambda h, p, training: h.masked_fill(torch.rand_like(h) < p, 0) / (1 - p) if training else h,
    lambda h, p, training: h.numpy() * (np.random.rand(*h.shape) > p) / (1 - p) if training else h.numpy(),
    exercise.edited(f"{DRAW} >= p", "torch.bernoulli(torch.full_like(h, 1 - p))"),
)


# ----------------------------------------------------------------------------------------------------- small_network

exercise = notebook.design(
    "small_network",
    why="What a network is shown, and where its parameters go, counts for more than how many there are.",
    deeper=True,
    busy="training your network for three epochs, some seconds ...",
)


@exercise.right
def small_network():
    """An untrained network (n, 784) -> (n, 10) with at most 20,000 parameters."""

    class Shrink(nn.Module):
        """Each 2 x 2 pixels become one, their mean: (n, 784) -> (n, 196)."""

        def forward(self, X):
            return X.reshape(-1, 14, 2, 14, 2).mean(dim=(2, 4)).flatten(1)

    def hidden(n_in, n_out):
        return [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()]

    return nn.Sequential(Shrink(), *hidden(196, 80), *hidden(80, 32), nn.Linear(32, 10))


exercise.hint(
    "Count first: in 784-24-10, how many of the parameters touch the pixels? Neighbouring pixels say nearly the same "
    "thing.",
    "Make the image smaller before the first linear layer, with a module of your own (RandomAffine shows the form): "
    "X.reshape(-1, 14, 2, 14, 2).mean(dim=(2, 4)) is the mean of each 2 x 2 pixels.",
    "196 inputs leave room for two hidden layers, for instance 80 and 32 wide, each with a batch norm, as in block.",
)

MOST, BAR, PATIENCE = 20_000, 4_800, 40  # parameters, validation images of 5,000, seconds of work
NO_FUNCTION = exercise.text(
    "{happened} If what you hand over is a network: the function that makes it is wanted, so that a new one can be trained."
)
GIVES_NONE = exercise.text("Your function gives None. Is there a return?")
NO_NETWORK = exercise.text("Your function should return an nn.Module, and returns something of the type {type}.")
SAME_NETWORK = exercise.text(
    "Each call must return a new network. Yours returns the same one again, with what it has learned: build it inside the "
    "function."
)
WRONG_INPUT = exercise.text("{happened} The network must take rows of 784 numbers.")
ROWS_OF_784 = exercise.text("small_network()(torch.rand(4, 784))")
WRONG_OUTPUT = exercise.text(
    "Ten scores per image are needed, a tensor of shape (n, 10). For 4 images the network gives {got}."
)
NOT_A_NUMBER = exercise.text("The scores of the untrained network are not finite floating-point numbers.")
NO_PARAMETERS = exercise.text(
    "The network has no parameters to train, or its output does not come from them. Layers in a plain Python list are not "
    "found: use nn.Sequential."
)
TOO_LARGE = exercise.text(
    "The network has more than 20,000 parameters. It has {size:,}, and these are the largest parts: {parts}."
)
SOFTMAX = exercise.text(
    "The rows of the output sum to one, so there is a softmax at the end: leave it out, nn.CrossEntropyLoss contains it."
)
TRAINED = exercise.text("The network reads digits before its training: return a new one from each call.")
NOT_FINITE = exercise.text(
    "The loss became NaN or infinite during the training. Look at the start values and at any division."
)
TOO_SLOW = exercise.text(
    "The training was stopped after {seconds} seconds. Few parameters can still mean much work: make it lighter."
)
NOTHING = exercise.text(
    "The network learned next to nothing. It reached {reached:.2f} % with {size:,} parameters, and guessing gives 10 %. "
    "Does every layer get a signal and a gradient?"
)
LINEAR = exercise.text(
    "The network is linear: without a ReLU or the like between them, layers collapse into one, which stops near 92 %. It "
    "reached {reached:.2f} % with {size:,} parameters."
)
SHORT = exercise.text(
    "The network falls short of 96 % on the validation images. It reached {reached:.2f} % with {size:,} parameters, of which "
    "{part:.0f} % sit in one weight matrix."
)
REACHED = exercise.text("Your network reads {reached:.2f} % with {size:,} parameters.")


class TooSlow(Exception):
    pass


def rows(images):
    """Images (n, 28, 28) of bytes as rows (n, 784) of numbers from 0 to 1."""
    return images.reshape(-1, 784) / 255


class Rows(nn.Module):
    """Stands before a network: makes rows of the bytes batch by batch, and raises TooSlow when the time is up."""

    def __init__(self, seconds):
        super().__init__()
        self.end = time.thread_time() + seconds

    def forward(self, images):
        if time.thread_time() > self.end:
            raise TooSlow
        return rows(images)


def as_in_the_notebook():
    """`climb` and the `val_loader` of the notebook, with the same images, but as bytes: rows would take 170 megabytes.

    tests/test_exercises.py compares the code with that of the notebook.
    """
    images, labels, *_ = load_mnist()
    order = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))
    validation, training = order[:5_000], order[5_000:]
    X_train, y_train = images[training], labels[training]
    X_val, y_val = images[validation], labels[validation]
    val_loader = batch_loader(X_val, y_val, batch_size=1000)
    ladder, device = {}, "cpu"

    def climb(rung, model, *, epochs=3):
        """Train a model the way all rungs are trained, and note it in `ladder`."""
        model.to(device)
        loader = batch_loader(X_train, y_train, batch_size=256, shuffle=True)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * len(loader))
        watch = {"val_loader": val_loader, "metrics": {"accuracy": accuracy}}
        history = fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=epochs, scheduler=schedule, **watch)
        ladder[rung] = model, history
        return history

    return climb, val_loader


@exercise.judge
def _(answer):
    try:
        network = answer()
    except Wrong as wrong:
        if isinstance(wrong.error, TypeError) and "forward() missing" in str(wrong.error):
            return NO_FUNCTION(happened=wrong.message)
        raise
    if not isinstance(network, nn.Module):
        return GIVES_NONE if network is None else NO_NETWORK(type=type(network).__name__)
    # What is looked at draws no random numbers: the training goes as in the notebook after seed_everything(0).
    with torch.random.fork_rng(devices=[]):
        if have_parts_in_common(network, answer()):
            return SAME_NETWORK
        if trouble := fault_in_form(network):
            return trouble
        climb, val_loader = as_in_the_notebook()
        model = nn.Sequential(Rows(PATIENCE), network)
    try:
        with torch.random.fork_rng(devices=[]):
            if evaluate(model, val_loader, nn.CrossEntropyLoss(), {"accuracy": accuracy})["accuracy"] > 0.5:
                return TRAINED
        history = climb("small network", model)
    except FloatingPointError:
        return NOT_FINITE
    except TooSlow:
        return TOO_SLOW(seconds=PATIENCE)
    if history.interrupted:
        raise KeyboardInterrupt
    right = round(5_000 * history["val_accuracy"][-1])
    sizes = [parameter.numel() for parameter in network.parameters()]
    figures = {"reached": right / 50, "size": sum(sizes)}
    if right >= BAR:
        return Passed(REACHED(**figures))
    if right < 1_000:
        return NOTHING(**figures)
    if is_linear(network, rows(next(iter(val_loader))[0][:200])):
        return LINEAR(**figures)
    return SHORT(**figures, part=100 * max(sizes) / sum(sizes))


def fault_in_form(network):
    """What is wrong with a network before any training, or None."""
    try:
        scores = network.cpu().eval()(torch.rand(4, 784))
    except Exception as error:
        return WRONG_INPUT(happened=stopped(ROWS_OF_784, error))
    if not isinstance(scores, torch.Tensor) or scores.shape != (4, 10):
        return WRONG_OUTPUT(got=tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__)
    if not scores.is_floating_point() or not scores.isfinite().all():
        return NOT_A_NUMBER
    if not scores.requires_grad or not any(parameter.requires_grad for parameter in network.parameters()):
        return NO_PARAMETERS
    sizes = sorted((parameter.numel() for parameter in network.parameters()), reverse=True)
    if sum(sizes) > MOST:
        return TOO_LARGE(size=sum(sizes), parts=" + ".join(f"{size:,}" for size in sizes[:3]))
    return SOFTMAX if (scores >= 0).all() and torch.allclose(scores.sum(dim=1), torch.ones(4), atol=1e-4) else None


@torch.no_grad()
def is_linear(network, X):
    """Whether the scores of the mean of two images are the mean of their scores, for all pairs."""
    a, b = X.chunk(2)
    halfway = (network(a) + network(b)) / 2
    return torch.allclose(network((a + b) / 2), halfway, rtol=1e-3, atol=1e-3)


def two_layers(n_in=784, width=24, n_out=10):
    return nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, n_out))


def starting_with(number):
    network = two_layers()
    for parameter in network.parameters():
        nn.init.constant_(parameter, number)
    return network


exercise.mistake(TOO_LARGE, lambda: two_layers(width=128))
exercise.mistake(NO_FUNCTION, nn.Flatten())  # has no weights to draw when this module is imported
exercise.mistake(GIVES_NONE, exercise.edited("return nn.Sequential", "nn.Sequential"))
exercise.mistake(NO_NETWORK, lambda: list(two_layers()))
exercise.mistake(SAME_NETWORK, functools.cache(small_network))
exercise.mistake(WRONG_OUTPUT, lambda: two_layers(n_out=1))
exercise.mistake(WRONG_INPUT, lambda: two_layers(n_in=28))
exercise.mistake(SOFTMAX, lambda: two_layers().append(nn.Softmax(dim=1)))
exercise.mistake(NOT_A_NUMBER, lambda: starting_with(1e38))
exercise.mistake(NOTHING, lambda: starting_with(0.0))
exercise.mistake(LINEAR, lambda: nn.Sequential(nn.Linear(784, 20), nn.Linear(20, 10)))
exercise.mistake(SHORT, two_layers)


@functools.partial(exercise.mistake, NO_PARAMETERS)
class _(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = list(two_layers())

    def forward(self, X):
        for layer in self.layers:
            X = layer(X)
        return X


@functools.partial(exercise.mistake, NOT_FINITE)
class _(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = two_layers()

    def forward(self, X):
        return self.layers((X - X.mean(dim=0)) / X.std(dim=0))  # some pixels are always white


@functools.partial(exercise.mistake, TRAINED)
def _():
    """Each digit is like its mean image."""
    images, labels, *_ = load_mnist()
    means = torch.stack([rows(images[labels == digit]).mean(dim=0) for digit in range(10)])
    network = nn.Sequential(nn.Linear(784, 10))
    network.load_state_dict({"0.weight": means, "0.bias": -means.square().sum(dim=1) / 2})
    return network


@exercise.also_right
class _(nn.Sequential):
    def __init__(self):
        shrink = nn.Unflatten(1, (1, 28, 28)), nn.AvgPool2d(2), nn.Flatten()
        hidden = [part for n in (80, 32) for part in (nn.LazyLinear(n), nn.LazyBatchNorm1d(), nn.ReLU())]
        super().__init__(*shrink, *hidden, nn.LazyLinear(10))
