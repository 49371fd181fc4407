"""The exercises of notebook 08."""

from fractions import Fraction
from itertools import combinations, islice

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from helpers.exercises.engine import Notebook, Wrong, numbers

notebook = Notebook("08")
NO_INT64 = notebook.text(
    "Your class ids are no longer int64, and CrossEntropyLoss refuses others. Leave them as they came."
)
KIND = notebook.text("the dtype of the class ids")


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def kind_of(ids):
    return str(getattr(ids, "dtype", "")).removeprefix("torch.")  # NumPy's as well


# ----------------------------------------------------------------------------------------------------------- windows

exercise = notebook.write(
    "windows",
    why="Weather, sales, heartbeats: with this data set, any network for tables learns to predict the next value.",
)


@exercise.right
class Windows(Dataset):
    """Sample i: the values (width,) from place i on, and the next value (1,)."""

    def __init__(self, series, width):
        self.series, self.width = series, width

    def __len__(self):
        return len(self.series) - self.width

    def __getitem__(self, i):
        window = self.series[i : i + self.width]
        return window, self.series[i + self.width].reshape(1)


exercise.hint(
    "A window that starts at i ends before i + width, and the value at i + width must exist. What is the largest i?",
    "self.series[i + self.width] is a tensor without dimensions; reshape(1) gives it one. It also raises the "
    "IndexError for you.",
    "The length is len(self.series) - self.width; sample i is the slice from i to i + self.width, and the value at i "
    "+ self.width.",
)

LENGTH = exercise.text("the length for {series} and width {width}")
SAMPLE = exercise.text("sample {i} for {series} and width {width}")
BEYOND = exercise.text("Sample {i} for {series} and width {width} lies beyond the last: an IndexError is expected.")
FIRST_BATCH = exercise.text("the first batch of 2 for {series} and width {width}")
AFTERWARDS = exercise.text("{series}, after the samples were fetched")
SITUATIONS = {
    exercise.text("the series 10, 11, 12, 13, 14"): (torch.arange(10.0, 15.0), 3),
    exercise.text("the twelve square numbers 0, 1, 4, ... 121"): (torch.arange(12.0) ** 2, 4),
    exercise.text("the series 3, 1.5, 2"): (torch.tensor([3.0, 1.5, 2.0]), 1),
}


def is_refused(dataset, i):
    try:
        dataset[i]
    except Exception as error:
        return isinstance(error, IndexError)
    return False


@exercise.probe
def _(answer):
    for series, (values, width) in SITUATIONS.items():
        place, values = {"series": series, "width": width}, values.clone()
        dataset, count = answer(values, width), len(values) - width
        yield LENGTH(**place), len(dataset)
        for i in (0, 1, count - 1):
            yield SAMPLE(i=i, **place), dataset[i]
        for i in (count, count + 1, count + 40):
            if not is_refused(dataset, i):
                raise Wrong(BEYOND(i=i, **place))
        yield FIRST_BATCH(**place), next(iter(DataLoader(dataset, batch_size=2)))
        yield AFTERWARDS(series=series), values


PLACES, TARGET = "len(self.series) - self.width", "self.series[i + self.width].reshape(1)"
exercise.mistake(
    "Not every place of the series can start a sample: near the end there are not enough values left for a window and "
    "the value after it.",
    exercise.edited(PLACES, "len(self.series)"),
)
exercise.mistake(
    "So many windows fit into the series, but the last of them has no value after it. It is one sample fewer.",
    exercise.edited(PLACES, f"{PLACES} + 1"),
)
exercise.mistake(
    "The targets have no dimensions. A regression wants (1,) for each sample, so that a batch of them has the shape "
    "(B, 1).",
    exercise.edited(".reshape(1)", ""),
)
exercise.mistake(
    "Your target is the last value of the window itself, which the network would only have to copy. The next value is "
    "one place further.",
    exercise.edited(TARGET, "window[-1:]"),
    exercise.edited(TARGET, "self.series[i + self.width - 1].reshape(1)"),
)
exercise.mistake(
    "Your windows lie side by side. They should overlap: the window of sample i starts at place i.",
    exercise.edited("window = ", "i = i * self.width\n        window = "),
)
exercise.mistake(
    "Beyond the last sample, raise an IndexError, or a for loop over the data set never ends. A slice beyond the end "
    "of the series is empty, and no error.",
    exercise.edited(TARGET, "self.series[i + self.width : i + self.width + 1]"),
)


@exercise.also_right
class _(Dataset):
    def __init__(self, series, width):
        self.pieces = series.unfold(0, width + 1, 1)

    def __len__(self):
        return len(self.pieces)

    def __getitem__(self, i):
        return self.pieces[i, :-1], self.pieces[i, -1:]


@exercise.also_right
class _(Windows):
    def __getitem__(self, i):
        if i >= len(self):
            raise IndexError(i)
        end = i + self.width
        return [self.series[i:end].numpy(), self.series[end : end + 1].double()]


# --------------------------------------------------------------------------------------------------- share_of_twelve

exercise = notebook.predict(
    "share_of_twelve",
    0.75,
    working="(0.8 * 5 + 0.6 * 5 + 1.0 * 2) / 12",
    why="A mean of batch means counts the samples of a small batch more than the others, for losses as for accuracies.",
)
exercise.hint(
    "Each sample must count the same, whichever batch it came in.",
    "How many samples are right in each batch? Add them up and divide by twelve.",
)
exercise.mistake(
    "That is the mean of the three accuracies, in which the two samples of the last batch count as much as five. "
    "Count right samples.",
    0.8,
)
exercise.mistake("That leaves out the last batch. Its two samples count, too.", 0.7)
exercise.mistake("So many are right. Which fraction of the twelve is that?", 9)
exercise.mistake("Give it as a fraction between 0 and 1, not in percent.", 75)
exercise.mistake("That is the sum of the accuracies, divided by twelve. Add up right samples instead.", 2.4 / 12)
exercise.mistake("Three batches, but twelve samples: divide the number of right ones by twelve.", 9 / 3)
exercise.also_right(torch.tensor(0.75), 9 / 12, torch.tensor([0.75], dtype=torch.float64), Fraction(3, 4))


# ----------------------------------------------------------------------------------------------------------- prepare

exercise = notebook.repair(
    "prepare",
    why="Nothing that happens to a test image can reach the training any more, so the test is worth what it says.",
)


@exercise.broken
def prepare_broken(X, y, n_test):
    """X_train, y_train, with mirrored copies, then X_test, y_test; both scaled."""
    X = (X - X.mean()) / X.std()
    X, y = torch.cat([X, X.flip(2)]), torch.cat([y, y])  # each with its mirror image
    return X[:-n_test], y[:-n_test], X[-n_test:], y[-n_test:]


@exercise.right
def prepare(X, y, n_test):
    """X_train, y_train, with mirrored copies, then X_test, y_test; both scaled."""
    X_train, y_train = X[:-n_test], y[:-n_test]
    X_test, y_test = X[-n_test:], y[-n_test:]
    mean, std = X_train.mean(), X_train.std()
    X_train, X_test = (X_train - mean) / std, (X_test - mean) / std
    copies = torch.cat([X_train, X_train.flip(2)])
    return copies, torch.cat([y_train, y_train]), X_test, y_test


exercise.hint(
    "Ask of each line: if one of the last n_test images changed, would anything in X_train change? And does a test "
    "image have a twin in the training part?",
    "Both leaks have the same remedy: cut the last n_test images off first, before anything else happens.",
    "Split; mean and std of X_train; scale both parts with them; append the mirror images to X_train, and y_train to "
    "itself.",
)


def images(n, height, width):
    return torch.rand(n, height, width, generator=seeded(0)) + torch.arange(n)[:, None, None]


FOUR_PARTS = exercise.text("What prepare returns for images {shape} and n_test = {n_test}")
DATA = (
    (torch.tensor([[[0.0, 2.0]], [[4.0, 6.0]], [[8.0, 20.0]]]), torch.tensor([0, 1, 1]), 1),
    (images(10, 2, 3), torch.arange(10) % 3, 4),
)


@exercise.probe
def _(answer):
    for X, y, n_test in DATA:
        parts = answer(X, y, n_test)
        yield FOUR_PARTS(shape=tuple(X.shape), n_test=n_test), parts
        yield KIND, kind_of(parts[1])
        yield KIND, kind_of(parts[3])


MEAN_STD, SCALED_TEST = "X_train.mean(), X_train.std()", "(X_test - mean) / std"
COPIES, IDS = "torch.cat([X_train, X_train.flip(2)])", "torch.cat([y_train, y_train])"
exercise.mistake(
    "The copies are where they belong. But mean and standard deviation still come from all images: change a test "
    "image, and the training part changes.",
    exercise.edited(MEAN_STD, "X.mean(), X.std()"),
)


@exercise.mistake
def _(X, y, n_test):
    """The scale is honest now. But the test part still consists of mirror images whose originals are in the training
    part."""
    X = (X - X[:-n_test].mean()) / X[:-n_test].std()
    X, y = torch.cat([X, X.flip(2)]), torch.cat([y, y])
    return X[:-n_test], y[:-n_test], X[-n_test:], y[-n_test:]


exercise.mistake(
    "The test part has a scale of its own. Scale it with the mean and standard deviation of the training part, or the "
    "same image means something else in each.",
    exercise.edited(SCALED_TEST, "(X_test - X_test.mean()) / X_test.std()"),
)
exercise.mistake(
    "No leak is left. But mean and standard deviation come from originals and copies together: take them before the "
    "copies are added.",
    exercise.edited(MEAN_STD, f"{COPIES}.mean(), {COPIES}.std()"),
)
exercise.mistake(
    "The test part is not scaled. The network expects what it was trained on: use the mean and standard deviation of "
    "the training part.",
    exercise.edited(SCALED_TEST, "X_test"),
)
exercise.mistake(
    "Only the training part gets copies. In the test part they are no new evidence, and the number of test samples "
    "should stay n_test.",
    exercise.edited(f"{IDS}, X_test, y_test", f"{IDS}, torch.cat([X_test, X_test.flip(2)]), y_test.repeat(2)"),
)
exercise.mistake(
    "Your standard deviation divides by n, as that of NumPy does. Take torch's std(), as in the code: it divides by n "
    "- 1.",
    exercise.edited("X_train.std()", "X_train.std(correction=0)"),
)
exercise.mistake(
    "You have a mean and a standard deviation for each pixel. Take a single number each, from all pixels of the "
    "training part.",
    exercise.edited(MEAN_STD, "X_train.mean(dim=0), X_train.std(dim=0)"),
)
exercise.mistake(
    "You scale in place, which changes the caller's images, too: X[:-n_test] is no copy, it looks into X. Write "
    "(X_train - mean) / std, which makes a new tensor.",
    exercise.edited(f"X_train, X_test = (X_train - mean) / std, {SCALED_TEST}", "X -= mean\n    X /= std"),
)
exercise.mistake(
    "All four are there, in another order. The docstring wants X_train, y_train, X_test, y_test.",
    exercise.edited(f"copies, {IDS}, X_test, y_test", f"copies, X_test, {IDS}, y_test"),
)
exercise.mistake(
    NO_INT64,
    exercise.edited(f"{IDS}, X_test, y_test", f"{IDS}.float(), X_test, y_test.float()"),
    exercise.edited(f"{IDS}, X_test, y_test", f"{IDS}.int(), X_test, y_test.int()"),
    exercise.edited(f"{IDS}, X_test, y_test", f"{IDS}, X_test, y_test.int()"),
)


@exercise.also_right
def _(X, y, n_test):
    n, X = len(X) - n_test, X.double()
    copies = torch.cat([X[:n], X[:n].flip(-1)])
    mean, std = X[:n].mean(), X[:n].std()
    return (copies - mean) / std, y[:n].repeat(2), (X[n:] - mean) / std, y[n:]


@exercise.also_right
def _(X, y, n_test):
    X, y = X.numpy(), y.numpy()
    X = (X - X[:-n_test].mean()) / (X[:-n_test].std(ddof=1) + 1e-8)
    X_train, y_train = X[:-n_test], y[:-n_test]
    return [np.concatenate([X_train, X_train[..., ::-1]]), np.tile(y_train, 2), X[-n_test:], y[-n_test:]]


# --------------------------------------------------------------------------------------------------------- pad_pairs

exercise = notebook.write(
    "pad_pairs",
    why="Batches of sentences for a language model are made so, and the mask keeps the padding out of every mean and "
    "loss.",
    deeper=True,
)


@exercise.right
def pad_pairs(samples):
    """B pairs (marks (k,), grade ()) -> marks and mask (B, longest), grades (B,)."""
    marks, grades = zip(*samples, strict=True)
    lengths = torch.tensor([len(m) for m in marks])
    padded = pad_sequence(marks, batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths.unsqueeze(1)  # (longest,) < (B, 1)
    return padded, mask, torch.stack(grades)


exercise.hint(
    "Take the pairs apart as in collate, with zip(*samples, strict=True); pad_sequence does the padding as in pad.",
    "A place is real if its number (0, 1, 2, ...) is below the length of its row. Compare torch.arange(longest) with "
    "the lengths, broadcast.",
    "The mask is torch.arange(longest) < lengths.unsqueeze(1), and the grades are stacked.",
)


def students(*pairs):
    return [(torch.tensor(marks), torch.tensor(grade)) for marks, grade in pairs]


BATCH = exercise.text("the batch where the numbers of marks are {lengths}")
NO_TENSOR = exercise.text("Entry {i} of what you return is a {type}, and should be a tensor.")
MASK_TYPE = exercise.text("the dtype of the mask")
BATCHES = (
    students(([97.0, 92.0], 0), ([98.0], 2)),
    students(([70.0], 1), ([0.0, 64.5, 0.0], 2), ([88.0, 81.0], 0)),
    students(([68.0, 0.0, 57.0, 70.5], 2)),
)


@exercise.probe
def _(answer):
    for samples in BATCHES:
        batch = answer(samples)
        yield BATCH(lengths=[len(marks) for marks, _ in samples]), batch
        for i, part in enumerate(batch):
            if isinstance(part, (tuple, list)):
                raise Wrong(NO_TENSOR(i=i, type=type(part).__name__))
        yield MASK_TYPE, str(numbers(MASK_TYPE, batch[1]).dtype)
        yield KIND, kind_of(batch[2])


exercise.mistake(
    "A mark can be 0, and your mask takes it for padding. Make the mask from the lengths, not from the values.",
    exercise.edited("padded, mask", "padded, padded != 0"),
)
exercise.mistake(
    "Your mask is True where the padding is. It should be True where a mark is real.",
    exercise.edited("padded, mask", "padded, ~mask"),
)
exercise.mistake(
    "Your mask has a True too many in each row: a row of length 2 has the places 0 and 1. Compare with <, not with <=.",
    exercise.edited(" < lengths.unsqueeze(1)  #", " <= lengths.unsqueeze(1)  #"),
)
exercise.mistake(
    "These are the lengths, (B,). The mask says for each place whether a mark is real, (B, longest): compare the "
    "number of each place with the length of its row.",
    exercise.edited("padded, mask", "padded, lengths"),
)
exercise.mistake(
    "Your samples are columns, each should be a row: pad_sequence needs batch_first=True.",
    exercise.edited("padded, mask", "padded.T, mask.T"),
)
exercise.mistake(
    "Your samples are columns, each should be a row: pad_sequence needs batch_first=True, then marks and mask have "
    "the same shape.",
    exercise.edited("padded, mask", "padded.T, mask"),
)
exercise.mistake(
    "The grades are still single tensors. Stack them to one tensor of shape (B,), or the loss cannot take them.",
    exercise.edited("torch.stack(grades)", "grades"),
    exercise.edited("torch.stack(grades)", "list(grades)"),
)
exercise.mistake(
    "Your mask holds the numbers 0 and 1, with which marks[mask] would pick rows. Leave it as the booleans that a "
    "comparison gives.",
    exercise.edited("padded, mask", "padded, mask.long()"),
    exercise.edited("padded, mask", "padded, mask.float()"),
)
exercise.mistake(
    NO_INT64,
    exercise.edited("torch.stack(grades)", "torch.stack(grades).float()"),
    exercise.edited("torch.stack(grades)", "torch.stack(grades).int()"),
)


@exercise.also_right
def _(samples):
    longest = max(len(marks) for marks, _ in samples)
    padded = torch.zeros(len(samples), longest)
    mask = torch.zeros(len(samples), longest, dtype=torch.bool)
    for row, (marks, _) in enumerate(samples):
        padded[row, : len(marks)] = marks
        mask[row, : len(marks)] = True
    return padded, mask, torch.tensor([int(grade) for _, grade in samples])


@exercise.also_right
def _(samples):
    padded = pad_sequence([marks.double() for marks, _ in samples], True, torch.nan)
    return [padded.nan_to_num(), ~padded.isnan(), torch.stack([grade for _, grade in samples])]


# -------------------------------------------------------------------------------------------------- balanced_batches

exercise = notebook.write(
    "balanced_batches",
    why="Where one scan in a hundred shows a tumour, such batches let the network see one at every step.",
    deeper=True,
)


@exercise.right
class BalancedBatches:
    """Batches of row numbers, `per_class` of each class, at random; y: (n,) ids."""

    def __init__(self, y, per_class, generator=None):
        self.rows = [(y == k).nonzero().flatten() for k in y.unique()]  # by class
        self.per_class, self.generator = per_class, generator

    def __len__(self):
        return min(len(rows) for rows in self.rows) // self.per_class

    def __iter__(self):
        portions = []
        for rows in self.rows:
            order = torch.randperm(len(rows), generator=self.generator)
            portions.append(rows[order].split(self.per_class))
        for number in range(len(self)):
            yield torch.cat([portion[number] for portion in portions]).tolist()


exercise.hint(
    "An epoch ends where the smallest class has no full portion left: that gives the length. In __iter__, shuffle "
    "each entry of self.rows anew.",
    "rows[torch.randperm(len(rows), generator=self.generator)].split(self.per_class) are the portions of one class, "
    "as in load.",
    "For number in range(len(self)), yield portion number `number` of every class, put together with torch.cat; "
    "tolist() makes a list of it.",
)

TWO_CLASSES = torch.tensor([0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1])
THREE_CLASSES = torch.tensor([0] * 40 + [1] * 12 + [2] * 20)
SAMPLERS = {
    exercise.text("8 rows of class 0 and 5 of class 1, two of each per batch"): (TWO_CLASSES, 2),
    exercise.text("40, 12 and 20 rows of three classes, four of each per batch"): (THREE_CLASSES, 4),
}
EPOCH_LENGTH = exercise.text("the length for {rows}")
BATCH_COUNT = exercise.text("the number of batches in an epoch with {rows}")
CLASSES = exercise.text("the classes in batch {number} with {rows}, sorted")
COUNT_AGAIN = exercise.text("the number of batches in the second epoch with {rows}")
COUNT_ALONE = exercise.text("the number of batches without a generator, with {rows}")
MOST_VISITS = exercise.text("the largest number of visits to one row in an epoch")
VISITED = exercise.text("the number of rows, out of 72, that come at all in 100 epochs")
AS_THEY_STAND = exercise.text("whether all epochs take the rows of class {k} as they stand")
SAME_ORDER = exercise.text("whether all epochs have the same order of class {k}")
PAIRS = exercise.text("the number of pairs of rows of class 1, out of 66, that are ever together in a batch")
SAME_SEED = exercise.text("whether two generators with the same seed give the same epoch")
OTHER_SEED = exercise.text("whether two generators with different seeds give the same epoch")
FROM_LOADER = exercise.text("a batch from a DataLoader, counted by class")
ROW_NUMBERS = exercise.text("a batch")
SPOILT = exercise.text("You write into y, which belongs to the caller. Note what is used in a tensor of your own.")


def epoch_of(batches):
    """The row numbers of each batch. An epoch may never end, so there is a limit."""
    return [numbers(ROW_NUMBERS, rows).long() for rows in islice(batches, 20)]


@exercise.probe
def _(answer):
    for text, (y, per_class) in SAMPLERS.items():
        own = y.clone()
        batches = answer(own, per_class, seeded(0))
        yield EPOCH_LENGTH(rows=text), len(batches)
        epoch = epoch_of(batches)
        yield BATCH_COUNT(rows=text), len(epoch)
        for number, rows in enumerate(epoch):
            yield CLASSES(number=number, rows=text), y[rows].sort().values
        if not own.equal(y):
            raise Wrong(SPOILT)
        yield COUNT_AGAIN(rows=text), len(epoch_of(batches))

    batches = answer(y.clone(), per_class, seeded(0))
    many = [epoch_of(batches) for _ in range(100)]
    epochs = [torch.cat(epoch) for epoch in many]
    visits = torch.stack([rows.bincount(minlength=len(y)) for rows in epochs])  # (100, 72)
    yield MOST_VISITS, visits.max().item()
    for k in range(3):
        orders = [rows[y[rows] == k] for rows in epochs]
        yield AS_THEY_STAND(k=k), all(rows.equal(rows.sort().values) for rows in orders)
        yield SAME_ORDER(k=k), all(rows.equal(orders[0]) for rows in orders)
    yield VISITED, visits.any(0).sum().item()
    company = [sorted(rows[y[rows] == 1].tolist()) for epoch in many for rows in epoch]
    yield PAIRS, len({pair for rows in company for pair in combinations(rows, 2)})
    one, again, other = (torch.cat(epoch_of(answer(y.clone(), per_class, seeded(seed)))) for seed in (1, 1, 2))
    yield SAME_SEED, one.equal(again)
    yield OTHER_SEED, one.equal(other)
    loader = DataLoader(TensorDataset(y), batch_sampler=batches)
    yield FROM_LOADER, next(iter(loader))[0].bincount()
    yield COUNT_ALONE(rows=text), len(epoch_of(answer(y.clone(), per_class)))


ORDER, PORTIONS = "torch.randperm(len(rows), generator=self.generator)", "rows[order].split(self.per_class)"
CUT_FIRST = "rows.unfold(0, self.per_class, self.per_class)[order[order < len(rows) // self.per_class]]"
ITER, BATCHES_BY = "def __iter__(self):\n        ", "\n\n    def batches(self):\n        "
exercise.mistake(
    "The last batch is not balanced: the smallest class had no full portion left. Round down, as with drop_last=True.",
    exercise.edited("return min(len(rows)", "return -(-min(len(rows)", "// self.per_class", "// self.per_class)"),
)
exercise.mistake(
    "The length is not that of an epoch: it is the smallest class that runs out first, not the average one.",
    exercise.edited(
        *("min(len(rows) for rows in self.rows)", "sum(map(len, self.rows)) // len(self.rows)"),
        *("range(len(self))", "range(min(map(len, self.rows)) // self.per_class)"),
    ),
)
DRAWN = "rows[torch.randint(len(rows), (self.per_class,), generator=self.generator)] for rows in self.rows"
exercise.mistake(
    "Some rows come several times in one epoch, because each batch draws anew from all rows. Shuffle each class once "
    "per epoch and cut it into portions.",
    exercise.edited("portion[number] for portion in portions", DRAWN),
)
exercise.mistake(
    "Each epoch brings the same rows of the large classes, and the rest never comes. Shuffle the rows of each class "
    "at the start of __iter__.",
    exercise.edited(PORTIONS, "rows.split(self.per_class)"),
)
exercise.mistake(
    "All epochs have the same order, because the generator starts anew in each. Use self.generator as it is; it goes "
    "on where it was.",
    exercise.edited(ORDER, "torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))"),
    exercise.edited("portions = []", "portions = []\n        self.generator.manual_seed(0)"),
)
exercise.mistake(
    "The second epoch is empty: the first has used up a generator, or the rows. What an epoch uses up has to be made "
    "anew inside __iter__.",
    exercise.edited(ITER, f"{ITER}return self.__dict__.setdefault('kept', self.batches()){BATCHES_BY}"),
    exercise.edited("tolist()", "tolist()\n        self.rows = [rows[:0] for rows in self.rows]"),
)
exercise.mistake(
    "The same seed should give the same epochs. Your order comes from elsewhere: hand self.generator to whatever "
    "draws it.",
    exercise.edited(ORDER, "torch.randperm(len(rows))"),
)
exercise.mistake(
    "Some rows of a class always come together, because you cut before you shuffle. Shuffle the rows, then cut.",
    exercise.edited(PORTIONS, CUT_FIRST),
)
USED, MARKED = "portions]).tolist()", "portions]).tolist()\n            self.y[batch] = -1\n            yield batch"
exercise.mistake(
    SPOILT,
    exercise.edited("self.rows = [", "self.y = y\n        self.rows = [", "yield torch", "batch = torch", USED, MARKED),
)
exercise.mistake(
    "You yield single row numbers. A batch sampler yields the row numbers of a whole batch at once, as a list.",
    exercise.edited("yield torch", "yield from torch"),
)
exercise.mistake(
    "__iter__ has to return an iterator, and a list is none. Yield each batch, or return iter(...) of the list.",
    exercise.edited(ITER, f"{ITER}return list(self.batches()){BATCHES_BY}"),
)


@exercise.also_right
class _(BalancedBatches):
    def __iter__(self):
        g = self.generator
        orders = [rows[torch.randperm(len(rows), generator=g)].tolist() for rows in self.rows]
        while min(len(rows) for rows in orders) >= self.per_class:
            yield [rows.pop() for rows in orders for _ in range(self.per_class)]


@exercise.also_right
class _(BalancedBatches):
    def __iter__(self):
        orders = [RandomSampler(rows, generator=self.generator) for rows in self.rows]
        portions = [BatchSampler(order, self.per_class, drop_last=True) for order in orders]
        for places in zip(*portions, strict=False):
            yield torch.cat([rows[place] for rows, place in zip(self.rows, places, strict=True)]).sort().values
