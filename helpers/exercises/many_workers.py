"""The exercises of notebook 11."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DistributedSampler

from helpers.exercises.engine import Notebook, Wrong

notebook = Notebook("11")


# ----------------------------------------------------------------------------------------------------- mean_of_parts

exercise = notebook.write(
    "mean_of_parts",
    why="Whatever the workers had to do, each row now counts the same, and the step is that of one process.",
)


@exercise.right
def mean_of_parts(gradients, sizes):
    """The gradient of the mean loss over all rows, a tensor like each of the parts.

    gradients: those of the mean loss over each part, tensors of one shape.
    sizes: how many rows each part has.
    """
    weighted = [n * g for n, g in zip(sizes, gradients, strict=True)]
    return sum(weighted) / sum(sizes)


exercise.hint(
    "From the gradient of a mean over n rows, how do you get that of the sum over these rows?",
    "Multiply each gradient by the size of its part, add up, and divide by the number of all rows.",
)
exercise.case([torch.tensor([2.0]), torch.tensor([4.0])], [100, 300])
exercise.case([torch.tensor([1.0, -2.0])], [7])
exercise.case([torch.tensor([[1.0, 0.0], [2.0, -1.0]]), torch.tensor([[4.0, 3.0], [-2.0, 0.5]])], [3, 2])
exercise.case([torch.tensor([3.0, 0.0]), torch.tensor([0.0, 6.0]), torch.tensor([-3.0, 1.5])], [1, 4, 5])
exercise.mistake(
    "That is the plain mean of the parts: a row of a small part counts more than one of a large part. How many rows stand "
    "behind each gradient?",
    exercise.edited("n * g for", "g for", "sum(sizes)", "len(sizes)"),
)
exercise.mistake(
    "You add the gradients as they are. Each is a mean over its part, so the result must be a mean, too, with the sizes as "
    "weights.",
    exercise.edited("n * g for", "g for", " / sum(sizes)", ""),
)
exercise.mistake(
    "The weights are right, but they add up to the number of rows. Divide by it.",
    exercise.edited(" / sum(sizes)", ""),
)
exercise.mistake(
    "Multiplied by their sizes, the gradients are sums over rows. Divide by the number of rows, not by the number of parts.",
    exercise.edited("sum(sizes)", "len(sizes)"),
)
exercise.mistake(
    "You divide each gradient by the size of its part, which has been done already: each is a mean. Multiply by the size.",
    exercise.edited("n * g", "g / n", " / sum(sizes)", ""),
    exercise.edited("n * g", "g / n", "sum(sizes)", "len(sizes)"),
    exercise.edited("n * g", "g / n"),
    exercise.edited("n * g", "g / n * sum(sizes)", " / sum(sizes)", ""),
)
exercise.mistake(
    "The weights are upside down: the smallest part counts most. Each row counts the same, so a part counts as many times as "
    "it has rows.",
    exercise.edited("n * g", "g / n", "/ sum(sizes)", "/ sum(1 / n for n in sizes)"),
)
exercise.mistake(
    "Each weight has become 0, or 1 for a part alone. Is everything after the point dropped, as // does? Divide with /.",
    exercise.edited("n * g", "n // sum(sizes) * g", " / sum(sizes)", ""),
)
exercise.mistake(
    "There are not always 256 rows, as in the batch above. How many are they here?",
    exercise.edited("/ sum(sizes)", "/ 256"),
)


@exercise.mistake
def _(gradients, sizes):
    """For gradients that are vectors it is right. With more axes, the weights must still go along the parts, and not along
    an axis of the gradient."""
    weights = torch.tensor(sizes).reshape(-1, 1) / sum(sizes)
    return (weights * torch.stack(list(gradients))).sum(dim=0)


@exercise.mistake
def _(gradients, sizes):
    """For gradients that are vectors it is right. With more axes, @ sums over another axis of the stack than that of the
    parts."""
    return torch.tensor(sizes, dtype=torch.float32) @ torch.stack(list(gradients)) / sum(sizes)


exercise.mistake(
    "You add up without the sizes, and divide by the number of rows: then a gradient from many rows counts no more than one "
    "from few.",
    exercise.edited("n * g for", "g for"),
)
exercise.also_right(
    lambda gradients, sizes: torch.tensordot(
        torch.tensor(sizes, dtype=torch.float32) / sum(sizes), torch.stack(list(gradients)), dims=1
    ),
    lambda gradients, sizes: np.average([np.asarray(g, dtype=np.float64) for g in gradients], axis=0, weights=sizes),
)


# ----------------------------------------------------------------------------------------------------------- rows_of

exercise = notebook.write(
    "rows_of",
    why="It is DistributedSampler, number for number: all ranks draw the same order, and so no row is lost or taken twice "
    "by accident.",
)


@exercise.right
def rows_of(n, rank, world, epoch):
    """The row numbers of one rank in one epoch, as a list of integers."""
    generator = torch.Generator().manual_seed(epoch)
    order = torch.randperm(n, generator=generator).tolist()
    missing = -n % world
    return (order + order[:missing])[rank::world]


exercise.hint(
    "Three steps, in this order: the common order of the epoch; fill it up; take every world-th entry.",
    "How many entries are missing until world divides the length? In Python, -n % world.",
    "With the order as a list, fill up with order + order[:missing], and take [rank::world] of the result.",
)
for arguments in ((5, 0, 2, 0), (5, 1, 2, 0), (6, 1, 2, 1), (10, 2, 3, 4), (7, 3, 4, 2), (7, 3, 5, 3), (3, 0, 1, 5)):
    exercise.case(*arguments)
ORDER, FILLED = "manual_seed(epoch)", "(order + order[:missing])[rank::world]"
exercise.mistake(
    "Every epoch has the same order: the epoch is the seed of the generator.",
    exercise.edited(ORDER, "manual_seed(0)"),
    exercise.edited(f".{ORDER}", ""),  # it has a seed of its own, always the same
)
exercise.mistake(
    "Without a generator that has the epoch as its seed, each call draws another order: the ranks do not agree, and some rows "
    "come twice and others never.",
    exercise.edited("torch.randperm(n, generator=generator)", "torch.randperm(n)"),
)
exercise.mistake(
    "Each rank has an order of its own, so some rows come twice and others never. The seed must be the same on all ranks.",
    exercise.edited(ORDER, "manual_seed(epoch + rank)"),
    exercise.edited(ORDER, "manual_seed(rank)"),
    exercise.edited(ORDER, "manual_seed(epoch * world + rank)"),
)
exercise.mistake(
    "Nothing is filled up: the ranks have unequal numbers of rows, and one of them would wait for the others at the end.",
    exercise.edited(FILLED, "order[rank::world]"),
)
exercise.mistake(
    "You leave the last rows out, as drop_last=True would. Here the order is filled up from its own beginning.",
    exercise.edited(FILLED, "order[: n - n % world][rank::world]"),
)
exercise.mistake(
    "Each rank gets a block of neighbours in the order. Deal them like cards: every world-th entry, from place rank on.",
    exercise.edited("[rank::world]", "[rank * ((n + missing) // world) : (rank + 1) * ((n + missing) // world)]"),
    exercise.edited(FILLED, "order[rank * (n // world) : (rank + 1) * (n // world)]"),
    exercise.edited(FILLED, "order[rank * ((n + missing) // world) :][: (n + missing) // world]"),
    exercise.edited(FILLED, "torch.tensor(order).tensor_split(world)[rank].tolist()"),
)
exercise.mistake(
    "n % world is what is left over. Missing are as many as lead from there to the next multiple of world: -n % world.",
    exercise.edited("-n % world", "n % world"),
)
exercise.mistake(
    "At most one entry is filled up. More can be missing: -n % world of them.",
    exercise.edited("order[:missing]", "order[: min(missing, 1)]"),
)
exercise.mistake(
    "It is right where something is missing. Where world divides n, nothing is, and yet you fill up with world entries.",
    exercise.edited("-n % world", "world - n % world"),
)
exercise.mistake(
    "You fill up with the first entry of the order only. If more are missing, they are the first ones, each once.",
    exercise.edited("order[:missing]", "order[:1] * missing"),
)
exercise.mistake(
    "Each rank fills up what it has got with its own beginning. Fill up the common order, and deal then.",
    exercise.edited(FILLED, "(order[rank::world] + order[rank::world])[: (n + missing) // world]"),
)
exercise.mistake(
    "The beginning of the order is put in front. It belongs at the end, so that the first entries are dealt first.",
    exercise.edited("(order + order[:missing])", "(order[:missing] + order)"),
)
exercise.mistake(
    "That is the order for all ranks. This one gets every world-th entry, from place rank on.",
    exercise.edited(FILLED, "order + order[:missing]"),
    exercise.edited(FILLED, "order"),
)
exercise.mistake(
    "You fill up first and shuffle then: that is another order, of more than n entries. First the order, then fill it up.",
    lambda n, rank, world, epoch: torch.tensor([*range(n), *range(-n % world)])[
        torch.randperm(n + -n % world, generator=torch.Generator().manual_seed(epoch))
    ][rank::world].tolist(),
)
exercise.mistake(
    "It is filled up from the end. Fill up from the beginning of the order.",
    exercise.edited("order[:missing]", "order[n - missing :]"),
    exercise.edited("order[:missing]", "order[-1:] * missing"),
    exercise.edited("order[:missing]", "order[::-1][:missing]"),
)
exercise.mistake(
    "The rows are not shuffled. The common order is torch.randperm, with a generator that has the epoch as its seed.",
    exercise.edited("torch.randperm(n, generator=generator).tolist()", "list(range(n))"),
    lambda n, rank, world, epoch: list(range(rank, n, world)),
)
exercise.mistake(
    "You fill up with the row numbers 0, 1, ..., or with zeros, and not with the beginning of the shuffled order.",
    exercise.edited("order[:missing]", "list(range(missing))"),
    exercise.edited("order[:missing]", "[0] * missing"),
)
exercise.mistake(
    "You deal the rows first, and shuffle afterwards what each rank got: then a rank sees the same rows in every epoch.",
    lambda n, rank, world, epoch: torch.tensor((list(range(n)) + list(range(-n % world)))[rank::world])[
        torch.randperm(math.ceil(n / world), generator=torch.Generator().manual_seed(epoch))
    ].tolist(),  # a list: as a tensor it would be known only to whoever returns one
)


@exercise.also_right
def _(n, rank, world, epoch):
    sampler = DistributedSampler(range(n), num_replicas=world, rank=rank)
    sampler.set_epoch(epoch)
    return list(sampler)


@exercise.also_right
def _(n, rank, world, epoch):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch))
    return order.repeat(2)[rank : math.ceil(n / world) * world : world]


# ------------------------------------------------------------------------------------------------------ four_workers

exercise = notebook.predict(
    "four_workers",
    25.6 / 14.4,
    working="products alone: 512 * 0.05 = 25.6 ms; four workers: 25.6 / 4 + 8 = 14.4 ms; 25.6 / 14.4",
    why="The four spend more than half of their time on the exchange. A larger batch would change that, a fifth worker would "
    "not.",
    rtol=3e-3,
)
exercise.hint(
    "How long does one worker take for 512 rows of 50 µs? It has nobody to exchange with.",
    "Each of four workers has a quarter of the rows; the exchange of 8 ms comes on top, whole.",
)
exercise.mistake(
    "That would be so if the exchange took no time, or next to none. It takes 8 ms, a row 50 µs: give both in one unit.",
    4,
)
exercise.mistake("The other way round: divide the time of one worker by the time of four.", 14.4 / 25.6, 0.56)
exercise.mistake("Each of the four has a quarter of the rows, not all of them.", 25.6 / 33.6)
exercise.mistake(
    "Two ways lead there. Either the exchange was divided by four as well: it takes 8 ms, however many rows a worker had. Or "
    "each of the four has 512 rows: they are shared out.",
    25.6 / 8.4,
)
exercise.mistake("There is one exchange per step: 8 ms, not four times 8 ms.", 25.6 / 38.4)
exercise.mistake("That is for two workers. Each of four has 128 rows.", 25.6 / 20.8)
exercise.mistake("That is the time of a step in milliseconds. How does it compare with that of one worker?", 14.4, 25.6)
exercise.mistake(
    "That is the time of a step, in seconds or in microseconds. How does it compare with that of one worker?",
    *(0.0144, 0.0256, 14_400, 25_600),
)
exercise.mistake("Each of the four computes before the exchange: a step takes both times together.", 25.6 / 8)
exercise.mistake("As a factor, please: as fast as one worker is 1.", 25.6 / 14.4 - 1, 77.8, 177.8)
exercise.mistake("Near. Give it with two decimals, rounded.", 1.8, 1.77)
exercise.mistake("One worker alone exchanges nothing: its step takes the time of its rows only.", 33.6 / 14.4)
exercise.also_right(16 / 9, 1.778, 1.78, torch.tensor(25.6 / 14.4))


# -------------------------------------------------------------------------------------------------------- accumulate

exercise = notebook.repair(
    "accumulate",
    why="So a batch of any size fits into any memory, and the step is the same.",
    deeper=True,
    in_place=("model",),  # its gradients
)


@exercise.broken
def accumulate_broken(model, loss_fn, X, y, bite):
    """Set each .grad to the gradient of the mean loss over all rows, bite by bite."""
    for X_bite, y_bite in zip(X.split(bite), y.split(bite), strict=True):
        model.zero_grad()
        loss = loss_fn(model(X_bite), y_bite)
        loss.backward()


@exercise.right
def accumulate(model, loss_fn, X, y, bite):
    """Set each .grad to the gradient of the mean loss over all rows, bite by bite."""
    model.zero_grad()
    for X_bite, y_bite in zip(X.split(bite), y.split(bite), strict=True):
        loss = loss_fn(model(X_bite), y_bite) * len(X_bite) / len(X)
        loss.backward()


exercise.hint(
    "What is in .grad after the second bite? And when all bites are through, is it a sum of means, or a mean?",
    "zero_grad belongs before the loop. And each loss is a mean over its bite, which should weigh as much as it has rows.",
    "Multiply each loss by len(X_bite) / len(X) before backward().",
)

GRADIENT = exercise.text("the gradient of the {name} after {n} rows in bites of {bite}")
AGAIN = exercise.text("the gradient of the {name} after a second call, {n} rows in bites of {bite}")
MOST_ROWS = exercise.text("the most rows that the model saw at once, of {n} in bites of {bite}")
MOST_WAITING = exercise.text("the most rows that waited for a backward() at once, of {n} in bites of {bite}")
SEEN = exercise.text("the number of rows that the model saw, of {n} in bites of {bite}")
STEP = exercise.text(
    "Your code changes the {name} of the model itself. Only its .grad should change: the step is up to the caller."
)
NOTHING_LEFT = exercise.text(
    "Afterwards, the .grad of the {name} is None. Is there a backward() from what this model gave, and no zero_grad behind it?"
)


class Watched(nn.Linear):
    """A linear layer that notes how many rows it is shown, and how many wait for a backward() meanwhile."""

    def __init__(self, generator):
        super().__init__(3, 2)
        self.rows, self.waiting, self.most_waiting = [], 0, 0
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)

    def forward(self, X):
        self.rows.append(n := len(X))
        self.waiting += n
        self.most_waiting = max(self.most_waiting, self.waiting)
        scores = super().forward(X)
        if scores.requires_grad:
            scores.register_hook(lambda _: setattr(self, "waiting", self.waiting - n))
        return scores


def gradients_of(model, before):
    """Copies of its gradients, by name: the next backward() adds to them in place. before: its weights, as they were."""
    for name, parameter in model.named_parameters():
        if not torch.equal(parameter, before[name]):
            raise Wrong(STEP(name=name))
        if parameter.grad is None:
            raise Wrong(NOTHING_LEFT(name=name))
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@exercise.probe
def _(answer):
    generator = torch.Generator().manual_seed(0)
    losses = (F.cross_entropy, F.cross_entropy, F.multi_margin_loss, F.cross_entropy)
    for n, bite, loss_fn in zip((2, 4, 6, 7), (1, 4, 2, 3), losses, strict=True):
        model, place = Watched(generator), {"n": n, "bite": bite}
        before = {name: value.clone() for name, value in model.state_dict().items()}
        X, y = torch.randn(n, 3, generator=generator), torch.arange(n) % 2
        answer(model, loss_fn, X, y, bite)
        for name, gradient in gradients_of(model, before).items():
            yield GRADIENT(name=name, **place), gradient
        yield MOST_ROWS(**place), max(model.rows, default=0)
        yield MOST_WAITING(**place), model.most_waiting
        yield SEEN(**place), sum(model.rows)
        answer(model, loss_fn, X, y, bite)
        for name, gradient in gradients_of(model, before).items():
            yield AGAIN(name=name, **place), gradient


ZERO, SHARE = "    model.zero_grad()\n    for", " * len(X_bite) / len(X)"
OTHER_SHARES = " / len(X.split(bite))", " * bite / len(X)", " / len(X)", " * len(X_bite)", " / len(X_bite)"
INSIDE = "    for", "strict=True):\n", "strict=True):\n        model.zero_grad()\n"
exercise.mistake(
    "Now all bites are added up, but as a sum of means: with k bites, the gradient is k times too large.",
    exercise.edited(SHARE, ""),
)
exercise.mistake(
    "Only the last bite is left, with the right weight. Does a zero_grad inside the loop throw away what the bites before had "
    "given? Or does backward() come after the loop, with the last loss?",
    exercise.edited(ZERO, *INSIDE),
    exercise.edited("        loss.backward()", "    loss.backward()"),
)
exercise.mistake(
    "Only the last bite is left. Does a zero_grad inside the loop throw away what the bites before had given, or does "
    "backward() come after the loop? And its loss does not weigh as much as it has rows, of all rows.",
    *(exercise.edited(ZERO, *INSIDE, SHARE, share) for share in ("", *OTHER_SHARES)),
)
exercise.mistake(
    "It is right as long as all bites are equal. The last may be smaller: its loss must weigh less.",
    exercise.edited(SHARE, " / len(X.split(bite))"),
    exercise.edited(SHARE, " * bite / len(X)"),
    exercise.edited(SHARE, " / (len(X) // bite)"),
)
exercise.mistake(
    "Nothing is set to zero any more, so what was in .grad before is added, too. One zero_grad, before the loop.",
    exercise.edited(ZERO, "    for"),
)
exercise.mistake(
    "What was in .grad before is added, too: one zero_grad, before the loop. And the losses do not weigh as much as their "
    "bites have rows, of all rows.",
    *(exercise.edited(ZERO, "    for", SHARE, share) for share in ("", *OTHER_SHARES)),
)
exercise.mistake(
    "Each loss is a mean over its bite. Divided by the number of all rows, it is too small: multiply by the rows of the bite "
    "as well.",
    exercise.edited(SHARE, " / len(X)"),
)
exercise.mistake(
    "Multiplied by the rows of its bite, each loss is a sum over them. Divide by the number of all rows as well.",
    exercise.edited(SHARE, " * len(X_bite)"),
)
exercise.mistake(
    "Each loss is a mean over its bite already, and you divide by the rows of the bite again. Multiply by them, and divide by "
    "the number of all rows.",
    exercise.edited(SHARE, " / len(X_bite)"),
)
exercise.mistake(
    "The rows behind the last full bite are left out. They are a bite, too, only a smaller one.",
    exercise.edited("y.split(bite), strict=True)", "y[: len(X) // bite * bite].split(bite))"),
    exercise.edited(
        "y.split(bite), strict=True)",
        "y[: len(X) // bite * bite].split(bite))",
        "len(X)\n",
        "(len(X) // bite * bite)\n",
    ),
)
exercise.mistake(
    "You compute another loss than loss_fn, which is handed in.",
    exercise.edited("loss_fn(model", "F.cross_entropy(model"),
)
exercise.mistake(
    "You show the model all rows at once, which is what did not fit. Stay with bites.",
    lambda model, loss_fn, X, y, bite: (model.zero_grad(), loss_fn(model(X), y).backward()),
    lambda model, loss_fn, X, y, bite: loss_fn(model(X), y).backward(),
)


@exercise.mistake(
    "The backward() comes once, at the end: until then, the memory holds what all rows need. Let it follow each bite."
)
def _(model, loss_fn, X, y, bite):
    losses = [loss_fn(model(a), b) * len(a) for a, b in zip(X.split(bite), y.split(bite), strict=True)]
    model.zero_grad()
    (sum(losses) / len(X)).backward()


exercise.mistake(
    "bite is the number of rows in a bite, not the number of bites: split, not chunk.",
    exercise.edited("X.split(bite), y.split(bite)", "X.chunk(bite), y.chunk(bite)"),
)


@exercise.also_right
def _(model, loss_fn, X, y, bite):
    model.zero_grad()
    for start in range(0, len(X), bite):
        part = slice(start, start + bite)
        (loss_fn(model(X[part]), y[part]) * len(X[part])).backward()
    for parameter in model.parameters():
        parameter.grad /= len(X)


# ---------------------------------------------------------------------------------------------------- gigabytes_each

exercise = notebook.predict(
    "gigabytes_each",
    13.0,
    working="13e9 parameters * 4 numbers * 4 bytes / 16 workers / 1e9",
    why="16 bytes for each parameter, over 16 workers: one byte each. The number of workers that you need follows from the "
    "memory of one.",
    deeper=True,
    rtol=1e-6,
)
exercise.hint(
    "How many numbers belong to each parameter, and how many bytes is that?",
    "13 billion times 16 bytes is what all workers hold together.",
)
exercise.mistake("That is what all hold together. Each holds a sixteenth.", 208)
exercise.mistake(
    "That is one number of four bytes for each parameter. Weight, gradient, and two moments make four.", 13 * 4 / 16
)
exercise.mistake(
    "That is one byte for each parameter. There are four numbers, of four bytes each, and then the sixteenth.", 13 / 16
)
exercise.mistake(
    "That is three numbers for each parameter: one is missing of weight, gradient, and two moments.", 13 * 12 / 16
)
exercise.mistake("That is two numbers for each parameter. Weight, gradient, and two moments make four.", 13 * 8 / 16)
exercise.mistake(
    "That is with the moments cut only. Here, weights and gradients are cut as well.", 13 * 8 + 13 * 8 / 16
)
exercise.mistake("That is with moments and gradients cut. Here, the weights are cut as well.", 13 * 4 + 13 * 12 / 16)
exercise.mistake("Give it in gigabytes: divide by a billion.", 13e9)
exercise.mistake("Give it in gigabytes, not in megabytes.", 13e3)
exercise.mistake("That is what all hold together, in bytes. Each holds a sixteenth; and give it in gigabytes.", 208e9)
exercise.mistake(
    "A gigabyte is a billion bytes here, not 2 to the power of 30.", 13e9 / 2**30, 12.1, 12.11, 12.107, 12.1072
)
exercise.mistake(
    "That would be for the table: seven billion parameters on eight workers. Here both numbers are others.", 14
)
exercise.mistake("Thirteen billion, not the seven of the table.", 7)
exercise.mistake("That is two bytes for each parameter, as on eight workers. Here are sixteen.", 26)
exercise.also_right(13, torch.tensor(13.0), 208 / 16)
