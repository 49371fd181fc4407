"""The exercises of notebook 04."""

import torch
from torch.nn import functional as F

from helpers.exercises.core import Exercise, Mistake


def column(*numbers):
    return torch.tensor(numbers).unsqueeze(1)


# --- tally_gradient


def tally_gradient(X, passed, counts, W):
    """The gradient (d, 1) of the mean cross-entropy over all students.

    X: (n, d); passed, counts: (n, 1); W: (d, 1).
    """
    error = counts * torch.sigmoid(X @ W) - passed  # (n, 1): p - y, summed within each row
    return X.T @ error / counts.sum()


def _tally_as_a_long_list(X, passed, counts, W):
    """Every student becomes a row again, and autograd differentiates."""
    rows, targets = [], []
    for x, k, c in zip(X, passed, counts, strict=True):
        rows += [x] * int(c)
        targets += [1.0] * int(k) + [0.0] * int(c - k)
    W = W.clone().requires_grad_()
    F.binary_cross_entropy_with_logits(torch.stack(rows) @ W, column(*targets)).backward()
    return W.grad


def _tally_with_slope_of_sigmoid(X, passed, counts, W):
    p = torch.sigmoid(X @ W)
    return X.T @ ((counts * p - passed) * p * (1 - p)) / counts.sum()


TALLY_CASES = (
    (column(2.0), column(1.0), column(4.0), column(0.0)),
    (
        torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]]),
        column(2.0, 1.0, 5.0),
        column(3.0, 6.0, 5.0),
        column(0.4, -0.3),
    ),
    (
        torch.tensor([[1.0, 5.0], [-2.0, 3.0]]),
        column(0.0, 2.0),
        column(2.0, 7.0),
        column(-0.5, 0.2),
    ),
)


# --- weighted_loss


def weighted_loss(z, y, weight):
    """Mean binary cross-entropy from logits; rows with y = 1 cost weight times as much.

    z, y: (n, 1).
    """
    return -(weight * y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).mean()


def _weighted_loss_from_p(z, y, weight):
    p = torch.sigmoid(z)
    return -(weight * y * p.log() + (1 - y) * (1 - p).log()).mean()


def _weighted_loss_clamped(z, y, weight):
    each = F.binary_cross_entropy(torch.sigmoid(z), y, reduction="none")
    return (torch.where(y == 1, weight, 1.0) * each).mean()


def _weighted_loss_overflowing(z, y, weight):
    return ((1 - y) * z + (1 + (weight - 1) * y) * torch.log(1 + torch.exp(-z))).mean()


def _weighted_loss_in_one_line(z, y, weight):
    softplus = z.clamp(min=0) - z + torch.log1p(torch.exp(-z.abs()))  # ln(1 + e^-z)
    return ((1 - y) * z + (1 + (weight - 1) * y) * softplus).mean()


def _weighted_sum(z, y, weight):
    return -(weight * y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).sum()


# --- fit_and_score


def fit_and_score(X, y, lr=0.5, updates=50):
    """Train from zeros; return weights (d, 1) and accuracy. X: (n, d); y: (n, 1)."""
    W = torch.zeros(X.shape[1], 1, requires_grad=True)
    for _ in range(updates):
        loss = F.binary_cross_entropy_with_logits(input=X @ W, target=y)
        W.grad = None
        loss.backward()
        with torch.no_grad():
            W -= lr * W.grad
    called = (X @ W > 0).float()
    return W.detach(), (called == y).float().mean()


def _broken_fit_and_score(X, y, lr=0.5, updates=50):
    """Train from zeros; return weights (d, 1) and accuracy. X: (n, d); y: (n, 1)."""
    W = torch.zeros(X.shape[1], 1, requires_grad=True)
    for _ in range(updates):
        loss = F.binary_cross_entropy_with_logits(y, torch.sigmoid(X @ W))
        W.grad = None
        loss.backward()
        with torch.no_grad():
            W -= lr * W.grad
    called = (X @ W > 0.5).float()
    return W.detach(), (called == y).float().mean()


def _fit_with(loss_of, limit):
    """The same training with another loss of (logits, y), and another limit for the logits."""

    def fit(X, y, lr=0.5, updates=50):
        W = torch.zeros(X.shape[1], 1, requires_grad=True)
        for _ in range(updates):
            W.grad = None
            loss_of(X @ W, y).backward()
            with torch.no_grad():
                W -= lr * W.grad
        logits = X @ W
        called = (logits > limit).float()
        return W.detach(), (called == y).float().mean()

    return fit


def _right_way_round(z, y):
    return F.binary_cross_entropy_with_logits(z, y)


def _swapped(z, y):
    return F.binary_cross_entropy_with_logits(y, z)


def _second_sigmoid(z, y):
    return F.binary_cross_entropy_with_logits(torch.sigmoid(z), y)


def _swapped_second_sigmoid(z, y):
    return F.binary_cross_entropy_with_logits(y, torch.sigmoid(z))


FIT_CASES = (
    (column(-1.0, 0.5), column(0.0, 1.0), 1.0, 1),
    (
        torch.tensor([[-2.0, 1.0], [-1.0, -0.5], [0.2, 0.1], [0.4, -1.0], [1.5, 0.3]]),
        column(0.0, 0.0, 1.0, 1.0, 1.0),
        0.1,
        6,
    ),
    (
        torch.tensor([[-1.0, 1.0], [-3.0, 0.5], [1.0, 2.0], [0.3, 0.2]]),
        column(1.0, 0.0, 0.0, 1.0),
        0.3,
        40,
    ),
)


# --- cheapest_threshold


def cheapest_threshold(p, y, thresholds, miss, alarm):
    """The threshold with the lowest total cost; of several, the first.

    p, y: (n, 1); thresholds: (m,).
    miss, alarm: the cost of one missed case and of one false alarm.
    """
    called = p >= thresholds  # (n, m): one column for each threshold
    misses = (~called & (y == 1)).sum(dim=0)  # (m,)
    alarms = (called & (y == 0)).sum(dim=0)  # (m,)
    return thresholds[(miss * misses + alarm * alarms).argmin()]


def _cheapest_threshold_loop(p, y, thresholds, miss, alarm):
    best, lowest = None, float("inf")
    for t in thresholds.tolist():
        called = p >= t
        misses = ((called == 0) & (y == 1)).sum().item()
        alarms = ((called == 1) & (y == 0)).sum().item()
        cost = miss * misses + alarm * alarms
        if cost < lowest:
            best, lowest = t, cost
    return best


def _cost_of_each(p, y, thresholds, miss, alarm):
    called = p >= thresholds
    return miss * (~called & (y == 1)).sum(dim=0) + alarm * (called & (y == 0)).sum(dim=0)


def _cheapest_last(p, y, thresholds, miss, alarm):
    cost = _cost_of_each(p, y, thresholds, miss, alarm)
    return thresholds[cost <= cost.min()][-1]


def _cheapest_strictly_above(p, y, thresholds, miss, alarm):
    called = p > thresholds
    cost = miss * (~called & (y == 1)).sum(dim=0) + alarm * (called & (y == 0)).sum(dim=0)
    return thresholds[cost.argmin()]


def _cheapest_by_rates(p, y, thresholds, miss, alarm):
    called = p >= thresholds
    missed = (~called & (y == 1)).sum(dim=0) / (y == 1).sum()
    alarmed = (called & (y == 0)).sum(dim=0) / (y == 0).sum()
    return thresholds[(miss * missed + alarm * alarmed).argmin()]


THRESHOLD_CASES = (
    (column(0.3, 0.6, 0.7), column(1.0, 0.0, 0.0), torch.tensor([0.25, 0.5, 0.75]), 10.0, 1.0),
    # costs 4, 3, 2, 4, 2: two are equally cheap
    (
        column(0.1, 0.2, 0.4, 0.5, 0.8, 0.9),
        column(0.0, 0.0, 1.0, 0.0, 0.0, 1.0),
        torch.tensor([0.05, 0.15, 0.3, 0.45, 0.85]),
        2.0,
        1.0,
    ),
    # a probability that is equal to a threshold
    (
        column(0.2, 0.5, 0.6, 0.9),
        column(0.0, 1.0, 0.0, 1.0),
        torch.tensor([0.1, 0.5, 0.7]),
        3.0,
        1.0,
    ),
    # false alarms cost more than misses
    (
        column(0.1, 0.3, 0.35, 0.6, 0.7, 0.8, 0.9, 0.95),
        column(0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0),
        torch.tensor([0.0, 0.25, 0.65, 0.93, 0.99]),
        1.0,
        3.0,
    ),
    # two cases among eight, so shares of the classes mislead
    (
        column(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        column(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        torch.tensor([0.35, 0.75]),
        2.0,
        1.0,
    ),
)


EXERCISES = [
    Exercise(
        name="my_chance",
        kind="predict",
        solution=0.75,
        working="odds 0.2 / 0.8 = 1/4; times 12 is 3; and p = 3 / (3 + 1)",
        why="What is added to a logit multiplies the odds: that is how every weight of this model works.",
        hints=(
            "A probability has no room for adding, a logit has. Go there first, or go half of the way, to the odds.",
            "The logit is the logarithm of the odds. Adding ln 12 to a logarithm multiplies what is inside by 12.",
            "Odds before: 0.2 / 0.8. Multiply them by 12, and solve p / (1 - p) = the new odds for p.",
        ),
        mistakes=(
            Mistake(
                3.0,
                "These are the new odds. The question is for the probability that belongs to them.",
            ),
            Mistake(
                2.4,
                "It is the odds that are multiplied, not the probability. Turn 0.2 into odds first.",
            ),
            Mistake(12 / 17, "0.2 is a probability, not yet odds. The odds are p / (1 - p)."),
            Mistake(
                12 / 13,
                "This student would have started from even odds, with the logit 0. Add ln 12 to the logit of 0.2.",
            ),
            Mistake(
                1.0986123, "This is the new logit. Turn it into a probability, with the sigmoid."
            ),
        ),
        also_right=(
            torch.tensor(0.75),
            torch.sigmoid(torch.logit(torch.tensor(0.2)) + torch.tensor(12.0).log()),
        ),
    ),
    Exercise(
        name="tally_gradient",
        kind="write",
        solution=tally_gradient,
        why="p - y adds up within a row, so a table of any number of people costs no more than its rows.",
        hints=(
            "All students of a row have the same x and the same p. Only their y differ: some 1, the others 0.",
            "Within one row, p - y summed over its students is counts * p - passed.",
            "X.T times that column (n, 1), divided by the number of students, which is counts.sum().",
        ),
        cases=TALLY_CASES,
        mistakes=(
            Mistake(
                lambda X, passed, counts, W: (
                    X.T @ (passed - counts * torch.sigmoid(X @ W)) / counts.sum()
                ),
                "The sign is turned round: the gradient is p minus y, what the model says minus what is true.",
            ),
            Mistake(
                lambda X, passed, counts, W: (
                    X.T @ (counts * torch.sigmoid(X @ W) - passed) / len(X)
                ),
                "The mean is over the students, not over the rows of the table. How many students are there?",
            ),
            Mistake(
                lambda X, passed, counts, W: X.T @ (counts * torch.sigmoid(X @ W) - passed),
                "This is the sum over all students. The mean is asked for.",
            ),
            Mistake(
                lambda X, passed, counts, W: (
                    X.T @ (torch.sigmoid(X @ W) - passed / counts) / len(X)
                ),
                "Every row has the same weight here, but a row of 100 students should count 100 times as much as a row of one.",
            ),
            Mistake(
                lambda X, passed, counts, W: X.T @ (torch.sigmoid(X @ W) - passed) / counts.sum(),
                "Each student of a row contributes its p, so p occurs counts times in the sum, not once.",
            ),
            Mistake(
                _tally_with_slope_of_sigmoid,
                "The factor p (1 - p) belongs to the squared error. With the cross-entropy it cancels.",
            ),
            Mistake(
                lambda X, passed, counts, W: (
                    X @ (counts * torch.sigmoid(X @ W) - passed) / counts.sum()
                ),
                "X needs a transpose: a gradient collects over the rows, and has one entry for each column of X.",
            ),
        ),
        also_right=(
            _tally_as_a_long_list,
            lambda X, passed, counts, W: tally_gradient(
                X.double(), passed.double(), counts.double(), W.double()
            ),
            lambda X, passed, counts, W: (
                (X * (counts * torch.sigmoid(X @ W) - passed)).sum(dim=0) / counts.sum()
            ).unsqueeze(1),
        ),
    ),
    Exercise(
        name="weighted_loss",
        kind="write",
        solution=weighted_loss,
        why="A missed cancer may weigh more than a false alarm: PyTorch calls this weight pos_weight.",
        hints=(
            "Start from the loss of one row, -y ln p - (1 - y) ln(1 - p), and put the weight where it belongs. Then get rid of p.",
            "p never needs to be computed: ln p is F.logsigmoid(z), which is finite for every z. And 1 - sigmoid(z) is sigmoid(-z).",
            "The negative mean of weight * y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z).",
        ),
        cases=(
            (column(0.0), column(1.0), 3.0),
            (column(0.5, 2.0, -2.0), column(1.0, 0.0, 1.0), 2.0),
            (column(1000.0, -1000.0, 1000.0, -1000.0), column(1.0, 0.0, 0.0, 1.0), 2.0),
        ),
        mistakes=(
            Mistake(
                lambda z, y, weight: (
                    -(y * F.logsigmoid(z) + weight * (1 - y) * F.logsigmoid(-z)).mean()
                ),
                "The weight is on the rows with y = 0. It belongs to those with y = 1.",
            ),
            Mistake(
                lambda z, y, weight: weight * F.binary_cross_entropy_with_logits(z, y),
                "All rows are multiplied by the weight. Only those with y = 1 should be.",
            ),
            Mistake(
                lambda z, y, weight: F.binary_cross_entropy_with_logits(z, y),
                "The weight is missing: a row with y = 1 should cost weight times as much.",
            ),
            Mistake(
                _weighted_loss_from_p,
                "For large logits p is rounded to exactly 0 or 1, and its logarithm is infinite. Work out ln p on paper, and compute from z.",
            ),
            Mistake(
                _weighted_loss_clamped,
                "binary_cross_entropy stops every logarithm at -100, so a logit of 1000 on the wrong side costs 100, where it should cost 1000. Compute from z.",
            ),
            Mistake(
                _weighted_loss_overflowing,
                "The formula is right on paper, but e to the power of 1000 overflows. Use the form with max(z, 0) and |z|, or F.logsigmoid.",
            ),
            Mistake(_weighted_sum, "This is the sum over the rows. The mean is asked for."),
            Mistake(
                lambda z, y, weight: _weighted_sum(z, y, weight) / (weight * y + 1 - y).sum(),
                "This divides by the sum of the weights. The plain mean is asked for: divide by n.",
            ),
        ),
        also_right=(
            lambda z, y, weight: F.binary_cross_entropy_with_logits(
                z, y, pos_weight=torch.tensor(weight)
            ),
            _weighted_loss_in_one_line,
            lambda z, y, weight: weighted_loss(z.double(), y.double(), weight).item(),
        ),
    ),
    Exercise(
        name="fit_and_score",
        kind="repair",
        solution=fit_and_score,
        stub=_broken_fit_and_score,
        why="None of the three stops the program: only the numbers tell, and now you know which.",
        hints=(
            'Two mistakes are in the line of the loss, and one is after the loop. The first two are shown above in deeper: "Two arguments, easily swapped", the third in section "Decide".',
            "What does the function take first, the prediction or the target? What does it do with its logits by itself? And where is p = 1/2 on the scale of the logits?",
            "Name the arguments, input= and target=, and hand over the bare logits. Then compare the logits with 0.",
        ),
        cases=FIT_CASES,
        mistakes=(
            Mistake(
                _fit_with(_right_way_round, 0.5),
                "The training is right. The decision is not yet: X @ W holds logits, and p > 0.5 is another limit for a logit.",
            ),
            Mistake(
                _fit_with(_swapped, 0.0),
                "Prediction and target are still swapped in the loss: it falls below zero, and every score is pushed one way.",
            ),
            Mistake(
                _fit_with(_swapped, 0.5),
                "Two mistakes are left: prediction and target are swapped in the loss, and the limit of 0.5 is one for probabilities.",
            ),
            Mistake(
                _fit_with(_second_sigmoid, 0.0),
                "There is a sigmoid too many: the loss takes logits, and applies its own.",
            ),
            Mistake(
                _fit_with(_second_sigmoid, 0.5),
                "Two mistakes are left: a sigmoid too many in the loss, and a limit of 0.5, which is one for probabilities.",
            ),
            Mistake(
                _fit_with(_swapped_second_sigmoid, 0.0),
                "The decision is right. The line of the loss has two mistakes: look at the order of its arguments, and at what it expects.",
            ),
        ),
        also_right=(
            _fit_with(lambda z, y: F.binary_cross_entropy(torch.sigmoid(z), y), 0.0),
            lambda X, y, lr, updates: [
                part.double().numpy() for part in fit_and_score(X, y, lr, updates)
            ],
        ),
    ),
    Exercise(
        name="cheapest_threshold",
        kind="write",
        solution=cheapest_threshold,
        why="If the probabilities can be believed, expect it near alarm / (alarm + miss): 0.1 where a miss costs nine false alarms.",
        hints=(
            "For one threshold: who is called positive, how many of the others have y = 1 (misses), how many of the called have y = 0 (alarms)?",
            "p >= thresholds broadcasts (n, 1) against (m,) to (n, m), one column for each threshold. A loop over the thresholds is as good.",
            "Sum both kinds of mistakes over dim=0, form miss * misses + alarm * alarms, and take thresholds at the argmin, which gives the first of equals.",
        ),
        cases=THRESHOLD_CASES,
        mistakes=(
            Mistake(
                lambda p, y, thresholds, miss, alarm: cheapest_threshold(
                    p, y, thresholds, alarm, miss
                ),
                "The two costs are swapped. A miss is a case with y = 1 that was not called.",
            ),
            Mistake(
                lambda p, y, thresholds, miss, alarm: cheapest_threshold(p, y, thresholds, 1, 1),
                "This is the threshold with the fewest mistakes. The two kinds have different costs.",
            ),
            Mistake(
                lambda p, y, thresholds, miss, alarm: _cost_of_each(
                    p, y, thresholds, miss, alarm
                ).argmin(),
                "This is the place of the threshold in the list. The threshold itself is asked for.",
            ),
            Mistake(
                lambda p, y, thresholds, miss, alarm: _cost_of_each(
                    p, y, thresholds, miss, alarm
                ).min(),
                "This is the lowest cost. The threshold that has it is asked for.",
            ),
            Mistake(
                _cheapest_last,
                "Of several thresholds with the same cost, the first is asked for. This is the last.",
            ),
            Mistake(
                _cheapest_strictly_above,
                "A probability equal to the threshold counts as called: >=, not >.",
            ),
            Mistake(
                _cheapest_by_rates,
                "Costs are paid for each mistake, so count mistakes. Shares of the two classes forget that one class may be rarer.",
            ),
        ),
        also_right=(
            _cheapest_threshold_loop,
            lambda p, y, thresholds, miss, alarm: cheapest_threshold(
                p, y, thresholds, miss, alarm
            ).numpy(),
        ),
    ),
]
