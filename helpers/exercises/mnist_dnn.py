"""The exercises of notebook 10."""

import copy
import time

import torch
from torch import nn
from torch.nn import functional as F

from helpers.data import batch_loader, load_mnist
from helpers.exercises.core import Exercise, Mistake, Passed
from helpers.training import fit

# Batch normalisation, in both modes


def norm_forward(h, gamma, beta, mean, var, training):
    """Batch norm of h (n, d); gamma, beta, mean, var: (d,); training: use the batch's own mean and variance."""
    if training:
        mean, var = h.mean(dim=0), h.var(dim=0, unbiased=False)
    return gamma * (h - mean) / (var + 1e-5).sqrt() + beta


def _norm_by_row(h, gamma, beta, mean, var, training):
    if training:
        mean, var = h.mean(dim=1, keepdim=True), h.var(dim=1, unbiased=False, keepdim=True)
    return gamma * (h - mean) / (var + 1e-5).sqrt() + beta


def _norm_with_n_minus_one(h, gamma, beta, mean, var, training):
    if training:
        mean, var = h.mean(dim=0), h.var(dim=0)
    return gamma * (h - mean) / (var + 1e-5).sqrt() + beta


def _norm_without_root(h, gamma, beta, mean, var, training):
    if training:
        mean, var = h.mean(dim=0), h.var(dim=0, unbiased=False)
    return gamma * (h - mean) / (var + 1e-5) + beta


def _norm_without_epsilon(h, gamma, beta, mean, var, training):
    if training:
        mean, var = h.mean(dim=0), h.var(dim=0, unbiased=False)
    return gamma * (h - mean) / var.sqrt() + beta


def _norm_of_the_batch_always(h, gamma, beta, mean, var, training):
    return norm_forward(h, gamma, beta, mean, var, training=True)


def _norm_the_other_way_round(h, gamma, beta, mean, var, training):
    return norm_forward(h, gamma, beta, mean, var, training=not training)


def _norm_without_scale_and_shift(h, gamma, beta, mean, var, training):
    return norm_forward(h, torch.ones_like(gamma), torch.zeros_like(beta), mean, var, training)


def _norm_by_pytorch(h, gamma, beta, mean, var, training):
    return F.batch_norm(h, mean.clone(), var.clone(), gamma, beta, training=training)


def _norm_with_numpy(h, gamma, beta, mean, var, training):
    h, gamma, beta, mean, var = (part.double().numpy() for part in (h, gamma, beta, mean, var))
    if training:
        mean, var = h.mean(axis=0), h.var(axis=0)
    return gamma * (h - mean) / (var + 1e-5) ** 0.5 + beta


def _norm_cases():
    two_rows = torch.tensor([[1.0, 2.0], [5.0, 2.0]])  # the second unit is constant
    four_rows = torch.tensor([[1.0, 0.0, 4.0], [3.0, -2.0, 0.0], [0.0, 1.0, 1.0], [4.0, 5.0, 7.0]])
    gamma, beta = torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.0, 1.0, 3.0])
    mean, var = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([4.0, 1.0, 9.0])
    return (
        (two_rows, gamma[:2], beta[:2], mean[:2], var[:2], True),
        (four_rows, gamma, beta, mean, var, True),
        (four_rows, gamma, beta, mean, var, False),
        (four_rows[:1], gamma, beta, mean, var, False),
    )


# Dropout


def my_dropout(h, p, training):
    """Dropout: in train mode, each entry of h (n, d) becomes zero with probability p, anew in each call."""
    if not training:
        return h
    keep = torch.rand(h.shape) >= p
    return h * keep / (1 - p)


def _dropout_unscaled(h, p, training):
    return h * (torch.rand(h.shape) >= p) if training else h


def _dropout_scaled_by_p(h, p, training):
    return h * (torch.rand(h.shape) >= p) / p if training else h


def _dropout_that_keeps_p(h, p, training):
    return h * (torch.rand(h.shape) < p) / (1 - p) if training else h


def _dropout_always(h, p, training):
    return my_dropout(h, p, training=True)


def _dropout_of_whole_units(h, p, training):
    return h * (torch.rand(h.shape[1]) >= p) / (1 - p) if training else h


def _dropout_of_whole_rows(h, p, training):
    return h * (torch.rand(len(h), 1) >= p) / (1 - p) if training else h


def _dropout_with_one_mask(h, p, training):
    generator = torch.Generator().manual_seed(0)
    return h * (torch.rand(h.shape, generator=generator) >= p) / (1 - p) if training else h


def _dropout_that_shrinks_later(h, p, training):
    keep = torch.rand(h.shape) >= p
    return h * keep if training else h * (1 - p)


def _dropout_by_bernoulli(h, p, training):
    return h * torch.bernoulli(torch.full_like(h, 1 - p)) / (1 - p) if training else h


def _dropout_in_place(h, p, training):
    if training:
        h[torch.rand(h.shape) < p] = 0
        return h / (1 - p)
    return h


def _probe_dropout(dropout):
    # shares and means are rounded, so that they come out the same however the random numbers are drawn
    yield "in eval mode, a row of 1, -2, 3", dropout(torch.tensor([[1.0, -2.0, 3.0]]), 0.25, False)
    yield "in train mode, a row of 0, 0, 0", dropout(torch.zeros(1, 3), 0.25, True)
    ones, same_ones = torch.ones(400, 50), torch.ones(400, 50)
    first = torch.as_tensor(dropout(ones, 0.25, True))
    yield "with ones and p = 0.25, the different values that come out", first.unique()
    zero = first == 0
    yield "with p = 0.25, the share of zeros", _nearest(zero.double().mean(), 0.05)
    yield "with p = 0.25, whether a unit is zero in every row", bool(zero.all(dim=0).any())
    yield "with p = 0.25, whether a row is zero in every unit", bool(zero.all(dim=1).any())
    second = torch.as_tensor(dropout(same_ones, 0.25, True))
    yield "whether a second call drops the same entries as the first", torch.equal(first, second)
    large = torch.as_tensor(dropout(torch.full((400, 50), -3.0), 0.6, True))
    yield "with all entries -3 and p = 0.6, the mean", _nearest(large.double().mean(), 0.25)
    yield "with all entries -3 and p = 0.6, the different values", large.unique()
    yield "whether the tensor that was handed in has changed", not bool((ones == 1).all())


def _nearest(number, step):
    return step * round(float(number) / step)


# From scores to probabilities


def probabilities_of(network, X):
    """Probabilities (n, 10) of the ten digits for the rows of X (n, 784)."""
    network.eval()
    with torch.no_grad():
        scores = network(X)
    return scores.softmax(dim=1)


def _broken_probabilities(network, X):
    """Probabilities (n, 10) of the ten digits for the rows of X (n, 784)."""
    scores = network(X)
    return scores.softmax(dim=0)


def _probabilities_in_train_mode(network, X):
    with torch.no_grad():
        scores = network(X)
    return scores.softmax(dim=1)


def _probabilities_with_a_graph(network, X):
    network.eval()
    return network(X).softmax(dim=1)


def _probabilities_down_the_column(network, X):
    network.eval()
    with torch.no_grad():
        scores = network(X)
    return scores.softmax(dim=0)


def _probabilities_with_only_the_axis(network, X):
    return network(X).softmax(dim=1)


def _scores_of(network, X):
    network.eval()
    with torch.no_grad():
        return network(X)


@torch.inference_mode()
def _probabilities_at_once(network, X):
    was_training = network.training
    scores = network.eval()(X)
    network.train(was_training)
    return scores.exp() / scores.exp().sum(dim=1, keepdim=True)


def _probe_probabilities(answer):
    generator = torch.Generator().manual_seed(1)
    X = torch.rand(6, 784, generator=generator)
    network = nn.Sequential(nn.Linear(784, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5, generator=generator)
    network[1].running_mean.fill_(0.5)
    network[1].running_var.fill_(4.0)
    together = torch.as_tensor(answer(network.train(), X))
    yield "for 6 images, the shape", tuple(together.shape)
    yield "for 6 images, the sum of the first row", together[0].sum()
    yield "for 6 images, the probabilities of the first one", together[0]
    yield "whether the result still has its graph", together.requires_grad
    yield "the running mean of the batch norm, afterwards", network[1].running_mean.clone()
    yield "the probabilities of the first image alone", answer(network.train(), X[:1])


# A network on a budget

BUDGET, BAR, PATIENCE = 20_000, 0.96, 40  # parameters, validation accuracy, seconds


def small_network():
    """An untrained network (n, 784) -> (n, 10) with at most 20,000 parameters."""

    class Shrink(nn.Module):
        """Each 2 x 2 pixels become one, their mean: (n, 784) -> (n, 196)."""

        def forward(self, X):
            return X.reshape(-1, 14, 2, 14, 2).mean(dim=(2, 4)).flatten(1)

    def hidden(n_in, n_out):
        return [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()]

    return nn.Sequential(Shrink(), *hidden(196, 80), *hidden(80, 32), nn.Linear(32, 10))


def _network_that_pools():
    shrink = [nn.Unflatten(1, (1, 28, 28)), nn.AvgPool2d(2), nn.Flatten()]
    first = [nn.LazyLinear(80), nn.LazyBatchNorm1d(), nn.ReLU()]
    second = [nn.LazyLinear(32), nn.LazyBatchNorm1d(), nn.ReLU()]
    return nn.Sequential(*shrink, *first, *second, nn.LazyLinear(10))


TOO_LARGE = "The network has more than 20,000 parameters."
WRONG_INPUT = "The network cannot take rows of 784 numbers."
WRONG_OUTPUT = "Ten scores per image are needed, a tensor of shape (n, 10)."
SOFTMAX = "The rows of the output sum to one, so there is a softmax at the end: leave it out, nn.CrossEntropyLoss contains it."
LINEAR = "The network is linear: without a ReLU or the like between them, layers collapse into one, which stops near 92 %."
NOTHING = "The network learned next to nothing."
SHORT = "The network falls short of 96 % on the validation images."
TRAINED = "The network reads digits before its training: return a new one from each call."


def _judge_network(answer):
    if isinstance(answer, nn.Module):
        return (
            "Hand over the function that makes the network, not a network: check trains a new one."
        )
    network = answer()
    if network is None:
        return "Your function gives None. Is there a return?"
    if not isinstance(network, nn.Module):
        return f"Your function should return an nn.Module, and returns a {type(network).__name__}."
    fault = _fault_in_form(network)
    if fault:
        return fault
    network = copy.deepcopy(
        network
    ).cpu()  # so that a network from outside is not trained behind the reader's back
    size = sum(parameter.numel() for parameter in network.parameters())
    training, (val_images, y_val) = _notebook_images()
    X_val = _Rows()(val_images)
    if _share_right(network, X_val, y_val) > 0.5:
        return TRAINED
    trouble = _train(network, *training)
    if trouble:
        return trouble
    reached = _share_right(network, X_val, y_val)
    figures = f"{100 * reached:.1f} % with {size:,} parameters"
    if reached >= BAR:
        return Passed(f"Your network reads {figures}.")
    if reached < 0.2:
        return f"{NOTHING} It reached {figures}, and guessing gives 10 %. Does every layer get a signal and a gradient?"
    if _is_linear(network, X_val):
        return f"{LINEAR} It reached {figures}."
    largest = max(parameter.numel() for parameter in network.parameters())
    return f"{SHORT} It reached {figures}, of which {100 * largest / size:.0f} % sit in one weight matrix."


def _fault_in_form(network):
    """What is wrong with the network before any training, or None."""
    try:
        with torch.no_grad():
            trial = network.cpu().eval()(torch.rand(4, 784))
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return f"{WRONG_INPUT} Four of them gave {type(error).__name__}: {lines[0].rstrip('.')}."
    if not isinstance(trial, torch.Tensor) or trial.shape != (4, 10):
        shape = tuple(trial.shape) if isinstance(trial, torch.Tensor) else type(trial).__name__
        return f"{WRONG_OUTPUT} For 4 images the network gives {shape}."
    if not trial.is_floating_point() or not trial.isfinite().all():
        return "The scores of the untrained network are not finite floating-point numbers."
    parameters = list(network.parameters())
    size = sum(parameter.numel() for parameter in parameters)
    if not any(parameter.requires_grad for parameter in parameters):
        return "The network has no parameters to train. Layers in a plain Python list are not found: use nn.Sequential."
    if size > BUDGET:
        parts = ", ".join(
            f"{parameter.numel():,}" for parameter in parameters if parameter.numel() > 1000
        )
        return f"{TOO_LARGE} It has {size:,}; the large parts: {parts or 'none'}."
    if (trial >= 0).all() and torch.allclose(trial.sum(dim=1), torch.ones(4), atol=1e-4):
        return SOFTMAX
    return None


def _notebook_images():
    """The notebook's training and validation images, as bytes (n, 28, 28), each with its labels."""
    images, labels, _, _ = load_mnist()
    order = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))
    parts = order[5_000:], order[:5_000]
    return [(images[part], labels[part]) for part in parts]


class _Rows(nn.Module):
    """Bytes (n, 28, 28) as rows (n, 784) from 0 to 1, made batch by batch: all of them would take 170 megabytes."""

    def forward(self, images):
        return images.reshape(-1, 784) / 255


class _TooSlow(Exception):
    pass


class _Patient:
    """A loader that gives up after so many seconds of work."""

    def __init__(self, loader, seconds):
        self.loader, self.end = loader, time.thread_time() + seconds

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        for batch in self.loader:
            if time.thread_time() > self.end:
                raise _TooSlow
            yield batch


def _train(network, images, labels, *, epochs=3):
    """What `climb` does in the notebook. Returns a message if that failed, else None."""
    torch.manual_seed(0)
    loader = batch_loader(images, labels, batch_size=256, shuffle=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, fused=True)
    steps = epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    model, loader = nn.Sequential(_Rows(), network), _Patient(loader, PATIENCE)
    try:
        fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=epochs, scheduler=schedule)
    except FloatingPointError:
        return "The loss became NaN or infinite during the training. Look at the start values and at any division."
    except _TooSlow:
        return f"The training was stopped after {PATIENCE} seconds. Few parameters can still mean much work: make it lighter."
    return None


@torch.no_grad()
def _share_right(network, X, y):
    network.eval()
    predicted = torch.cat([network(X_batch).argmax(dim=1) for X_batch in X.split(1000)])
    return (predicted == y).float().mean().item()


@torch.no_grad()
def _is_linear(network, X):
    """Whether the score of the mean of two images is the mean of their scores, for all pairs."""
    a, b = X[:100], X[100:200]
    network.eval()
    halfway = (network(a) + network(b)) / 2
    return torch.allclose(network((a + b) / 2), halfway, rtol=1e-3, atol=1e-3)


EXERCISES = [
    Exercise(
        name="block_parameters",
        kind="predict",
        solution=25482,
        working="784 * 32 + 2 * 32 + (32 * 10 + 10)",
        why="The norm costs next to nothing: 64 of 25,482; nearly all of them connect the pixels with the first hidden layer.",
        hints=(
            "Go through the parts of block in the order of the code: which of them learn anything, and does the first one have a bias?",
            "784 * 32 weights; then a scale and a shift for each of 32 units; then the output layer, with its bias.",
        ),
        mistakes=(
            Mistake(
                784 * 32 + 32 + 2 * 32 + 330,
                "The linear layer in block has bias=False: the shift of the norm takes its place.",
            ),
            Mistake(784 * 32 + 330, "The norm learns, too: a scale and a shift for each unit."),
            Mistake(
                784 * 32 + 32 + 330,
                "That is the network without the norm: with the norm, the 32 biases go, and each unit gets a scale and a shift.",
            ),
            Mistake(
                784 * 32 + 4 * 32 + 330,
                "The running averages are measured, not learned, so they are no parameters.",
            ),
            Mistake(
                784 * 32 + 4 * 32 + 1 + 330,
                "What the norm measures (two averages per unit, and a count) is not learned, so these are no parameters.",
            ),
            Mistake(
                784 * 32 + 2 * 32 + 320, "The output layer is a plain nn.Linear, and has a bias."
            ),
            Mistake(
                784 * 32 + 2 + 330,
                "The norm has a scale and a shift for each unit, not one for all.",
            ),
        ),
        rtol=1e-6,
        also_right=(25482.0, torch.tensor(25482)),
    ),
    Exercise(
        name="probabilities_of",
        kind="repair",
        stub=_broken_probabilities,
        solution=probabilities_of,
        why="An image now gets the same answer in any company, nothing is remembered for a backward pass, and each row sums to one.",
        hints=(
            "There are three faults. Which two lines stand before every prediction in this notebook? And along which axis should the numbers sum to one?",
            "network.eval() for the batch norm, with torch.no_grad() around the predictions.",
            "The third fault is the axis of the softmax: the ten scores of one image lie along dim 1.",
        ),
        probe=_probe_probabilities,
        mistakes=(
            Mistake(
                _probabilities_in_train_mode,
                "One fault is left: the network is in train mode, so an image's answer depends on the rest of the batch.",
            ),
            Mistake(
                _probabilities_with_a_graph,
                "One fault is left: the values are right, but a graph is kept for a backward pass that never comes.",
            ),
            Mistake(
                _probabilities_down_the_column,
                "One fault is left: the softmax runs down the columns, over the images, and not over the ten digits.",
            ),
            Mistake(
                _probabilities_with_only_the_axis,
                "Each row sums to one now, but two faults are left: the mode of the network, and the graph that is kept.",
            ),
            Mistake(
                _scores_of,
                "These are the scores. The softmax that makes probabilities of them is gone.",
            ),
        ),
        also_right=(_probabilities_at_once,),
    ),
    Exercise(
        name="norm_forward",
        kind="write",
        solution=norm_forward,
        why="The same line with two sources of mean and variance: that is all that train and eval mode change in a batch norm.",
        hints=(
            'The two modes differ only in where the mean and the variance come from; the formula of section "Batch normalisation" does the rest.',
            "If training, replace mean and var by h.mean(dim=0) and h.var(dim=0, unbiased=False). In both modes, subtract the mean, "
            "divide by the root of var + 1e-5, multiply by gamma, add beta.",
        ),
        cases=_norm_cases(),
        mistakes=(
            Mistake(
                _norm_by_row,
                "You standardise each row, over its units. Batch norm standardises each unit, over the rows of the batch.",
            ),
            Mistake(
                _norm_with_n_minus_one,
                "The method var divides by n - 1 unless you ask it not to; batch norm divides by n.",
            ),
            Mistake(_norm_without_root, "Divide by the root of the variance, not by the variance."),
            Mistake(
                _norm_without_epsilon,
                "A unit that is the same in all rows has the variance 0: the small epsilon under the root is missing.",
            ),
            Mistake(
                _norm_of_the_batch_always,
                "In eval mode the given mean and var must be used, not those of the batch.",
            ),
            Mistake(
                _norm_the_other_way_round,
                "The two modes are swapped: the batch's own mean and variance belong to train mode.",
            ),
            Mistake(
                _norm_without_scale_and_shift,
                "The output is standardised, but gamma and beta have not been applied.",
            ),
        ),
        also_right=(_norm_by_pytorch, _norm_with_numpy),
    ),
    Exercise(
        name="my_dropout",
        kind="write",
        solution=my_dropout,
        why="Because the survivors are enlarged while training, nothing has to be done when the network is used.",
        hints=(
            "torch.rand gives a number from 0 to 1 for each entry: with which probability is it below p?",
            "keep = torch.rand(h.shape) >= p is true for a share 1 - p of the entries.",
            "If not training, return h; else return h * keep / (1 - p).",
        ),
        probe=_probe_dropout,
        mistakes=(
            Mistake(
                _dropout_unscaled,
                "The zeros are right, but the survivors must be divided by 1 - p, or the sum shrinks.",
            ),
            Mistake(
                _dropout_scaled_by_p,
                "You divide by p. The share that survives is 1 - p, so divide by that.",
            ),
            Mistake(
                _dropout_that_keeps_p,
                "You keep a share p of the entries; p is the probability of being dropped.",
            ),
            Mistake(
                _dropout_always, "In eval mode nothing may be dropped: h must come back as it is."
            ),
            Mistake(
                _dropout_of_whole_units,
                "All rows of the batch lose the same units. Draw a number for each entry, not for each unit.",
            ),
            Mistake(
                _dropout_of_whole_rows,
                "Whole rows vanish. Draw a number for each entry, not for each row.",
            ),
            Mistake(
                _dropout_with_one_mask,
                "Each call drops the same entries, so they are never trained. Let each call draw anew.",
            ),
            Mistake(
                _dropout_in_place,
                "The result is right, but you changed h itself, which others may still need. Multiply by a mask instead.",
            ),
            Mistake(
                _dropout_that_shrinks_later,
                "You shrink the values in eval mode. Here it is the other way: enlarge the survivors in train mode, and leave eval mode alone.",
            ),
        ),
        also_right=(
            lambda h, p, training: F.dropout(h, p, training),
            _dropout_by_bernoulli,
        ),
    ),
    Exercise(
        name="small_network",
        kind="design",
        solution=small_network,
        why="What a network is shown, and where its parameters go, counts for more than how many there are.",
        hints=(
            "Count first: in 784-24-10, how many of the parameters touch the pixels? Neighbouring pixels say nearly the same thing.",
            "Make the image smaller before the first linear layer, with a module of your own (RandomAffine shows the form): "
            "X.reshape(-1, 14, 2, 14, 2).mean(dim=(2, 4)) is the mean of each 2 x 2 pixels.",
            "196 inputs leave room for two hidden layers, for instance 80 and 32 wide, each with a batch norm, as in block.",
        ),
        judge=_judge_network,
        mistakes=(
            Mistake(
                lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), TOO_LARGE
            ),
            Mistake(
                lambda: nn.Sequential(nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 1)), WRONG_OUTPUT
            ),
            Mistake(
                lambda: nn.Sequential(nn.Linear(28, 24), nn.ReLU(), nn.Linear(24, 10)), WRONG_INPUT
            ),
            Mistake(
                lambda: nn.Sequential(
                    nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 10), nn.Softmax(dim=1)
                ),
                SOFTMAX,
            ),
            Mistake(lambda: nn.Sequential(nn.Linear(784, 20), nn.Linear(20, 10)), LINEAR),
            Mistake(lambda: nn.Sequential(nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 10)), SHORT),
        ),
        also_right=(_network_that_pools,),
    ),
]
