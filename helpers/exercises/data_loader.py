"""The exercises of notebook 08."""

from itertools import islice

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset

from helpers.exercises.core import Exercise, Mistake


class Windows(Dataset):
    """Sample i: the values (width,) from place i on, and the next value (1,)."""

    def __init__(self, series, width):
        self.series, self.width = series, width

    def __len__(self):
        return len(self.series) - self.width

    def __getitem__(self, i):
        window = self.series[i : i + self.width]
        return window, self.series[i + self.width].reshape(1)


class _AllPlaces(Windows):
    def __len__(self):
        return len(self.series)


class _OneTooMany(Windows):
    def __len__(self):
        return len(self.series) - self.width + 1


class _WithoutDimension(Windows):
    def __getitem__(self, i):
        return self.series[i : i + self.width], self.series[i + self.width]


class _LastOfTheWindow(Windows):
    def __getitem__(self, i):
        return self.series[i : i + self.width], self.series[i + self.width - 1].reshape(1)


class _SideBySide(Windows):
    def __getitem__(self, i):
        start = i * self.width
        return self.series[start : start + self.width], self.series[start + self.width].reshape(1)


class _WithoutEnd(Windows):
    def __getitem__(self, i):
        end = i + self.width
        return self.series[i:end], self.series[end : end + 1]


class _Unfolded(Dataset):
    def __init__(self, series, width):
        self.pieces = series.unfold(0, width + 1, 1)

    def __len__(self):
        return len(self.pieces)

    def __getitem__(self, i):
        return self.pieces[i, :-1], self.pieces[i, -1:]


class _EndByHand(_WithoutEnd):
    def __getitem__(self, i):
        if i >= len(self):
            raise IndexError(i)
        return super().__getitem__(i)


def _beyond(dataset, i):
    try:
        dataset[i]
    except IndexError:
        return "an IndexError"
    return "a sample"


def _probe_windows(windows):
    dataset = windows(torch.tensor([10.0, 11.0, 12.0, 13.0, 14.0]), 3)
    yield "the length for a series of 5 values and width 3", len(dataset)
    yield "sample 0 of the series 10, 11, 12, 13, 14 with width 3", dataset[0]
    yield "sample 1 of the same series", dataset[1]
    yield "what comes for sample 2, one beyond the last", _beyond(dataset, 2)
    dataset = windows(torch.arange(12.0) ** 2, 4)
    yield "the length for a series of 12 values and width 4", len(dataset)
    yield "sample 7 of twelve square numbers with width 4", dataset[7]
    yield "the first batch of 3", next(iter(DataLoader(dataset, batch_size=3)))


def pad_pairs(samples):
    """B pairs (marks (k,), grade ()) -> marks and mask (B, longest), grades (B,)."""
    marks, grades = zip(*samples, strict=True)
    lengths = torch.tensor([len(m) for m in marks])
    padded = pad_sequence(marks, batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths.unsqueeze(1)  # (longest,) < (B, 1)
    return padded, mask, torch.stack(grades)


def _mask_from_zeros(samples):
    padded, _, grades = pad_pairs(samples)
    return padded, padded != 0, grades


def _mask_of_the_padding(samples):
    padded, mask, grades = pad_pairs(samples)
    return padded, ~mask, grades


def _lengths_for_mask(samples):
    padded, mask, grades = pad_pairs(samples)
    return padded, mask.sum(dim=1), grades


def _samples_in_columns(samples):
    padded, mask, grades = pad_pairs(samples)
    return padded.T, mask.T, grades


def _samples_in_columns_only(samples):
    padded, mask, grades = pad_pairs(samples)
    return padded.T, mask, grades


def _grades_not_stacked(samples):
    padded, mask, _ = pad_pairs(samples)
    return padded, mask, tuple(grade for _, grade in samples)


def _whole_numbers_for_mask(samples):
    padded, mask, grades = pad_pairs(samples)
    return padded, mask.long(), grades


def _pad_by_hand(samples):
    longest = max(len(marks) for marks, _ in samples)
    padded = torch.zeros(len(samples), longest)
    mask = torch.zeros(len(samples), longest, dtype=torch.bool)
    for row, (marks, _) in enumerate(samples):
        padded[row, : len(marks)] = marks
        mask[row, : len(marks)] = True
    return padded, mask, torch.tensor([int(grade) for _, grade in samples])


def _students(*pairs):
    return [(torch.tensor(marks), torch.tensor(grade)) for marks, grade in pairs]


def _probe_pad_pairs(pad):
    for samples in (
        _students(([97.0, 92.0], 0), ([98.0], 2)),
        _students(([70.0], 1), ([0.0, 64.0, 0.0], 2), ([88.0, 81.0], 0)),
    ):
        batch = pad(samples)
        yield f"the batch of {len(samples)} students", batch
        yield "the type of the grades", type(batch[2]).__name__
        yield "the dtype of the mask", str(batch[1].dtype)


def prepare(X, y, n_test):
    """X_train, y_train, with mirrored copies, then X_test, y_test; both scaled."""
    X_train, y_train = X[:-n_test], y[:-n_test]
    X_test, y_test = X[-n_test:], y[-n_test:]
    mean, std = X_train.mean(), X_train.std()
    X_train, X_test = (X_train - mean) / std, (X_test - mean) / std
    return torch.cat([X_train, X_train.flip(2)]), torch.cat([y_train, y_train]), X_test, y_test


def _broken_prepare(X, y, n_test):
    """X_train, y_train, with mirrored copies, then X_test, y_test; both scaled."""
    X = (X - X.mean()) / X.std()
    X, y = torch.cat([X, X.flip(2)]), torch.cat([y, y])  # each with its mirror image
    return X[:-n_test], y[:-n_test], X[-n_test:], y[-n_test:]


def _scaled_with_all(X, y, n_test):
    X = (X - X.mean()) / X.std()
    X_train, y_train = X[:-n_test], y[:-n_test]
    X_train, y_train = torch.cat([X_train, X_train.flip(2)]), torch.cat([y_train, y_train])
    return X_train, y_train, X[-n_test:], y[-n_test:]


def _copied_before_the_split(X, y, n_test):
    X = (X - X[:-n_test].mean()) / X[:-n_test].std()
    X, y = torch.cat([X, X.flip(2)]), torch.cat([y, y])
    return X[:-n_test], y[:-n_test], X[-n_test:], y[-n_test:]


def _each_with_its_own_scale(X, y, n_test):
    X_train, y_train, _, y_test = prepare(X, y, n_test)
    X_test = X[-n_test:]
    return X_train, y_train, (X_test - X_test.mean()) / X_test.std(), y_test


def _scaled_after_the_copies(X, y, n_test):
    X_train, X_test = torch.cat([X[:-n_test], X[:-n_test].flip(2)]), X[-n_test:]
    mean, std = X_train.mean(), X_train.std()
    return (X_train - mean) / std, y[:-n_test].repeat(2), (X_test - mean) / std, y[-n_test:]


def _test_not_scaled(X, y, n_test):
    X_train, y_train, _, y_test = prepare(X, y, n_test)
    return X_train, y_train, X[-n_test:], y_test


def _test_with_copies(X, y, n_test):
    X_train, y_train, X_test, y_test = prepare(X, y, n_test)
    return X_train, y_train, torch.cat([X_test, X_test.flip(2)]), torch.cat([y_test, y_test])


def _prepare_in_numbers(X, y, n_test):
    n = len(X) - n_test
    X = X.double()
    copies = torch.cat([X[:n], X[:n].flip(-1)])
    mean, std = X[:n].mean(), X[:n].std()
    return (copies - mean) / std, y[:n].repeat(2), (X[n:] - mean) / std, y[n:]


def _images(n, height, width):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, height, width, generator=generator) + torch.arange(n)[:, None, None]


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


class _IncompletePortion(BalancedBatches):
    def __len__(self):
        return -(-min(len(rows) for rows in self.rows) // self.per_class)


class _LengthOfAll(BalancedBatches):
    def __len__(self):
        return sum(len(rows) for rows in self.rows) // (self.per_class * len(self.rows))

    def __iter__(self):
        yield from islice(super().__iter__(), min(map(len, self.rows)) // self.per_class)


class _DrawnWithPuttingBack(BalancedBatches):
    def __iter__(self):
        for _ in range(len(self)):
            batch = []
            for rows in self.rows:
                drawn = torch.randint(len(rows), (self.per_class,), generator=self.generator)
                batch += rows[drawn].tolist()
            yield batch


class _NotShuffled(BalancedBatches):
    def __iter__(self):
        for number in range(len(self)):
            part = slice(number * self.per_class, (number + 1) * self.per_class)
            yield torch.cat([rows[part] for rows in self.rows]).tolist()


class _SeededInEachEpoch(BalancedBatches):
    def __iter__(self):
        self.generator = torch.Generator().manual_seed(0)
        return super().__iter__()


class _UsedUp(BalancedBatches):
    def __iter__(self):
        if not hasattr(self, "batches"):
            self.batches = super().__iter__()
        return self.batches


class _CountedByHand(BalancedBatches):
    def __iter__(self):
        g = self.generator
        orders = [rows[torch.randperm(len(rows), generator=g)].tolist() for rows in self.rows]
        while min(len(rows) for rows in orders) >= self.per_class:
            yield [rows.pop() for rows in orders for _ in range(self.per_class)]


def _probe_balanced_batches(balanced):
    y = torch.tensor([0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1])  # 8 and 5
    batches = balanced(y, 2, generator=torch.Generator().manual_seed(0))
    yield "the length for 8 rows of class 0 and 5 of class 1, two of each per batch", len(batches)
    epoch = list(islice(batches, 20))
    yield "the number of batches in an epoch of the same rows", len(epoch)
    for number, rows in enumerate(epoch):
        yield f"the classes in batch {number} of the same rows, sorted", y[rows].sort().values
    yield "the number of batches in the second epoch", len(list(islice(batches, 20)))

    y = torch.tensor([0] * 40 + [1] * 10 + [2] * 20)
    batches = balanced(y, 4, generator=torch.Generator().manual_seed(0))
    epochs = [torch.tensor(list(islice(batches, 20))).flatten() for _ in range(100)]
    visits = torch.stack([rows.bincount(minlength=70) for rows in epochs])  # (100, 70)
    yield "the largest number of visits to one row in an epoch", visits.max().item()
    yield (
        "the number of rows, out of 70, that come at all in 100 epochs",
        visits.any(0).sum().item(),
    )
    of_class_0 = epochs[0][epochs[0] < 40]
    yield (
        "whether an epoch takes the rows as they stand",
        torch.equal(of_class_0, of_class_0.sort().values),
    )
    yield "whether two epochs have the same order", torch.equal(epochs[0], epochs[1])
    loader = DataLoader(TensorDataset(y), batch_sampler=batches)
    yield "a batch from a DataLoader, counted by class", next(iter(loader))[0].bincount()


EXERCISES = [
    Exercise(
        name="windows",
        kind="write",
        solution=Windows,
        why="Weather, sales, heartbeats: with this data set, any network for tables learns to predict the next value.",
        hints=(
            "A window that starts at i ends before i + width, and the value at i + width must exist. What is the largest i?",
            "self.series[i + self.width] is a tensor without dimensions; reshape(1) gives it one. It also raises the IndexError for you.",
            "The length is len(self.series) - self.width; sample i is the slice from i to i + self.width, and the value at i + self.width.",
        ),
        mistakes=(
            Mistake(
                _AllPlaces,
                "Not every place of the series can start a sample: near the end there are not enough values left for a window and the value after it.",
            ),
            Mistake(
                _OneTooMany,
                "So many windows fit into the series, but the last of them has no value after it. It is one sample fewer.",
            ),
            Mistake(
                _WithoutDimension,
                "The targets have no dimensions. A regression wants (1,) for each sample, so that a batch of them has the shape (B, 1).",
            ),
            Mistake(
                _LastOfTheWindow,
                "Your target is the last value of the window itself, which the network would only have to copy. The next value is one place further.",
            ),
            Mistake(
                _SideBySide,
                "Your windows lie side by side. They should overlap: the window of sample i starts at place i.",
            ),
            Mistake(
                _WithoutEnd,
                "A slice beyond the end of the series is empty, and no error. Raise an IndexError for i beyond the last sample, or a for loop over the data set never ends.",
            ),
        ),
        also_right=(_Unfolded, _EndByHand),
        probe=_probe_windows,
    ),
    Exercise(
        name="share_of_twelve",
        kind="predict",
        solution=0.75,
        working="(0.8 * 5 + 0.6 * 5 + 1.0 * 2) / 12",
        why="A mean of batch means counts the samples of a small batch more than the others, for losses as for accuracies.",
        hints=(
            "Each sample must count the same, whichever batch it came in.",
            "How many samples are right in each batch? Add them up and divide by twelve.",
        ),
        mistakes=(
            Mistake(
                0.8,
                "That is the mean of the three accuracies, in which the two samples of the last batch count as much as five. Count right samples.",
            ),
            Mistake(0.7, "That leaves out the last batch. Its two samples count, too."),
            Mistake(9, "So many are right. Which fraction of the twelve is that?"),
            Mistake(75, "Give it as a fraction between 0 and 1, not in percent."),
        ),
        also_right=(torch.tensor(0.75), 9 / 12, torch.tensor([0.75], dtype=torch.float64)),
    ),
    Exercise(
        name="prepare",
        kind="repair",
        solution=prepare,
        stub=_broken_prepare,
        why="Nothing that happens to a test image can reach the training any more, so the test is worth what it says.",
        hints=(
            "Ask of each line: if one of the last n_test images changed, would anything in X_train change? And does a test image have a twin in the training part?",
            "Both leaks have the same remedy: cut the last n_test images off first, before anything else happens.",
            "Split; mean and std of X_train; scale both parts with them; append the mirror images to X_train, and y_train to itself.",
        ),
        mistakes=(
            Mistake(
                _scaled_with_all,
                "The copies are where they belong. But mean and standard deviation still come from all images: change a test image, and the training part changes.",
            ),
            Mistake(
                _copied_before_the_split,
                "The scale is honest now. But the test part still consists of mirror images whose originals are in the training part.",
            ),
            Mistake(
                _each_with_its_own_scale,
                "The test part has a scale of its own. Scale it with the mean and standard deviation of the training part, or the same image means something else in each.",
            ),
            Mistake(
                _scaled_after_the_copies,
                "No leak is left. But mean and standard deviation come from originals and copies together: take them before the copies are added.",
            ),
            Mistake(
                _test_not_scaled,
                "The test part is not scaled. The network expects what it was trained on: use the mean and standard deviation of the training part.",
            ),
            Mistake(
                _test_with_copies,
                "Only the training part gets copies. In the test part they are no new evidence, and the number of test samples should stay n_test.",
            ),
        ),
        also_right=(_prepare_in_numbers,),
        cases=(
            (
                torch.tensor([[[0.0, 2.0]], [[4.0, 6.0]], [[8.0, 20.0]]]),
                torch.tensor([0, 1, 1]),
                1,
            ),
            (_images(10, 2, 3), torch.arange(10) % 3, 4),
        ),
    ),
    Exercise(
        name="pad_pairs",
        kind="write",
        solution=pad_pairs,
        why="Batches of sentences for a language model are made so, and the mask keeps the padding out of every mean and loss.",
        hints=(
            "Take the pairs apart as in collate, with zip(*samples, strict=True); pad_sequence does the padding as in pad.",
            "A place is real if its number (0, 1, 2, ...) is below the length of its row. Compare torch.arange(longest) with the lengths, broadcast.",
            "The mask is torch.arange(longest) < lengths.unsqueeze(1), and the grades are stacked.",
        ),
        mistakes=(
            Mistake(
                _mask_from_zeros,
                "A mark can be 0, and your mask takes it for padding. Make the mask from the lengths, not from the values.",
            ),
            Mistake(
                _mask_of_the_padding,
                "Your mask is True where the padding is. It should be True where a mark is real.",
            ),
            Mistake(
                _lengths_for_mask,
                "These are the lengths, (B,). The mask says for each place whether a mark is real, (B, longest): compare the number of each place with the length of its row.",
            ),
            Mistake(
                _samples_in_columns,
                "Your samples are columns, each should be a row: pad_sequence needs batch_first=True.",
            ),
            Mistake(
                _samples_in_columns_only,
                "Your samples are columns, each should be a row: pad_sequence needs batch_first=True, then marks and mask have the same shape.",
            ),
            Mistake(
                _grades_not_stacked,
                "The grades are still single tensors. Stack them to one tensor of shape (B,), or the loss cannot take them.",
            ),
            Mistake(
                _whole_numbers_for_mask,
                "Your mask holds the numbers 0 and 1, with which marks[mask] would pick rows. Leave it as the booleans that a comparison gives.",
            ),
        ),
        also_right=(_pad_by_hand,),
        probe=_probe_pad_pairs,
    ),
    Exercise(
        name="balanced_batches",
        kind="write",
        solution=BalancedBatches,
        why="Where one scan in a hundred shows a tumour, such batches let the network see one at every step.",
        hints=(
            "An epoch ends where the smallest class has no full portion left: that gives the length. In __iter__, shuffle each entry of self.rows anew.",
            "rows[torch.randperm(len(rows), generator=self.generator)].split(self.per_class) are the portions of one class, as in load.",
            "For number in range(len(self)), yield portion number `number` of every class, put together with torch.cat; tolist() makes a list of it.",
        ),
        mistakes=(
            Mistake(
                _IncompletePortion,
                "The last batch is not balanced: the smallest class had no full portion left. Round down, as with drop_last=True.",
            ),
            Mistake(
                _LengthOfAll,
                "The length is not that of an epoch: it is the smallest class that runs out first, not the average one.",
            ),
            Mistake(
                _DrawnWithPuttingBack,
                "Some rows come several times in one epoch, because each batch draws anew from all rows. Shuffle each class once per epoch and cut it into portions.",
            ),
            Mistake(
                _NotShuffled,
                "Each epoch brings the same rows of the large classes, and the rest never comes. Shuffle the rows of each class at the start of __iter__.",
            ),
            Mistake(
                _SeededInEachEpoch,
                "All epochs have the same order, because the generator starts anew in each. Use self.generator as it is; it goes on where it was.",
            ),
            Mistake(
                _UsedUp,
                "The second epoch is empty: a generator is used up after one. Make the batches inside __iter__, with yield, so that each epoch begins afresh.",
            ),
        ),
        also_right=(_CountedByHand,),
        probe=_probe_balanced_batches,
    ),
]
