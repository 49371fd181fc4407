"""The exercises of notebook 04."""

from fractions import Fraction

import torch
from torch.nn import functional as F

from helpers.exercises.engine import Notebook

notebook = Notebook("04")


def column(*numbers):
    return torch.tensor(numbers).unsqueeze(1)  # (n, 1)


# --------------------------------------------------------------------------------------------------------- my_chance

exercise = notebook.predict(
    "my_chance",
    0.75,
    working="odds 0.2 / 0.8 = 1/4; times 12 is 3; and p = 3 / (3 + 1)",
    why="What is added to a logit multiplies the odds: that is how every weight of this model works.",
    rtol=1e-3,
)
exercise.hint(
    "A probability has no room for adding, a logit has. Go there first, or go half of the way, to the odds.",
    "The logit is the logarithm of the odds. Adding ln 12 to a logarithm multiplies what is inside by 12.",
    "Odds before: 0.2 / 0.8. Multiply them by 12, and solve p / (1 - p) = the new odds for p.",
)
exercise.mistake("These are the new odds. The question is for the probability that belongs to them.", 3.0)
exercise.mistake("It is the odds that are multiplied, not the probability. Turn 0.2 into odds first.", 2.4)
exercise.mistake("0.2 is a probability, not yet odds. The odds are p / (1 - p).", 12 / 17)
exercise.mistake(
    "This student would have started from even odds, with the logit 0. Add ln 12 to the logit of 0.2.", 12 / 13
)
exercise.mistake("This is the new logit. Turn it into a probability, with the sigmoid.", 1.0986123)
exercise.mistake(
    "You added to 0.2 itself, which is a probability. Work out its logit, and add to that.", 2.6849066, 0.9361326
)
exercise.mistake("This is the chance to fail, or the odds from before. The new chance to pass is asked for.", 0.25)
exercise.mistake("In percent, yes. A probability lies between 0 and 1.", 75)
exercise.also_right(torch.tensor(0.75), torch.sigmoid(torch.logit(torch.tensor(0.2)) + torch.tensor(12.0).log()))
exercise.also_right(0.7499, Fraction(3, 4))


# ---------------------------------------------------------------------------------------------------- tally_gradient

exercise = notebook.write(
    "tally_gradient", why="p - y adds up within a row, so a table of any number of people costs no more than its rows."
)


@exercise.right
def tally_gradient(X, passed, counts, W):
    """The gradient (d, 1) of the mean cross-entropy over all students.

    X: (n, d); passed, counts: (n, 1); W: (d, 1).
    """
    error = counts * torch.sigmoid(X @ W) - passed  # (n, 1): p - y, summed in each row
    return X.T @ error / counts.sum()


exercise.hint(
    "All students of a row have the same x and the same p. Only their y differ: some 1, the others 0.",
    "Within one row, p - y summed over its students is counts * p - passed.",
    "X.T times that column (n, 1), divided by the number of students, which is counts.sum().",
)
exercise.case(column(2.0), column(1.0), column(4.0), column(0.0))
# as many rows as columns: without the transpose, nothing stops
exercise.case(torch.tensor([[1.0, 5.0], [-2.0, 3.0]]), column(0.0, 2.0), column(2.0, 7.0), column(-0.5, 0.2))
three = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]])
exercise.case(three, column(2.0, 1.0, 5.0), column(3.0, 6.0, 5.0), column(0.4, -0.3))

exercise.mistake(
    "The sign is turned round: the gradient is p minus y, what the model says minus what is true.",
    lambda *args: -tally_gradient(*args),
)
exercise.mistake(
    "The mean is over the students, not over the rows of the table. How many students are there?",
    exercise.edited("counts.sum()", "len(X)"),
)
exercise.mistake(
    "You divide by the column of counts, entry by entry. The mean needs one number: that of all students.",
    exercise.edited("counts.sum()", "counts"),
)
exercise.mistake("This is the sum over all students. The mean is asked for.", exercise.edited(" / counts.sum()", ""))
exercise.mistake(
    "Every row has the same weight here, but a row of 100 students should count 100 times as much as a row of one.",
    exercise.edited("X.T @ error / counts.sum()", "X.T @ (error / counts) / len(X)"),
)
exercise.mistake(
    "Each student of a row contributes its p, so p occurs counts times in the sum, not once.",
    exercise.edited("counts * ", ""),
    exercise.edited("counts * ", "", "counts.sum()", "len(X)"),
)
exercise.mistake(
    "The factor p (1 - p) belongs to the squared error. With the cross-entropy it cancels.",
    exercise.edited("X.T @ error", "X.T @ (error * torch.sigmoid(X @ W) * torch.sigmoid(-X @ W))"),
)
exercise.mistake(
    "X needs a transpose: a gradient collects over the rows, and has one entry for each column of X.",
    exercise.edited("X.T", "X"),
)
exercise.mistake(
    "y is 1 for those who passed. You counted those who failed.", exercise.edited("- passed", "- (counts - passed)")
)
exercise.mistake(
    "p is one half only at zero weights. In general it is the sigmoid of the logits.",
    exercise.edited("torch.sigmoid(X @ W)", "0.5"),
)
exercise.mistake(
    "X @ W holds logits. The p in p - y is a probability.", exercise.edited("torch.sigmoid(X @ W)", "(X @ W)")
)


@exercise.also_right
def _(X, passed, counts, W):
    """Every student becomes a row again, and autograd differentiates."""
    rows, targets = [], []
    for x, k, c in zip(X, passed, counts, strict=True):
        rows += [x] * int(c)
        targets += [1.0] * int(k) + [0.0] * int(c - k)
    W = W.clone().requires_grad_()
    F.binary_cross_entropy_with_logits(torch.stack(rows) @ W, column(*targets)).backward()
    return W.grad


exercise.also_right(
    lambda *args: tally_gradient(*(part.double() for part in args)),
    exercise.edited("X.T @ error", "(X * error).sum(dim=0).unsqueeze(1)"),
)


# ----------------------------------------------------------------------------------------------------- weighted_loss

exercise = notebook.write(
    "weighted_loss",
    why="A missed cancer may weigh more than a false alarm: PyTorch calls this weight pos_weight.",
    deeper=True,
)


@exercise.right
def weighted_loss(z, y, weight):
    """Mean binary cross-entropy from logits; rows with y = 1 cost weight times as much.

    z, y: (n, 1).
    """
    return -(weight * y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).mean()


exercise.hint(
    "Start from the loss of one row, -y ln p - (1 - y) ln(1 - p), and put the weight where it belongs. Then get rid "
    "of p.",
    "p never needs to be computed: ln p is F.logsigmoid(z), which is finite for every z. And 1 - sigmoid(z) is "
    "sigmoid(-z).",
    "The negative mean of weight * y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z).",
)
exercise.case(column(0.0), column(1.0), 3.0)
exercise.case(column(0.5, 2.0, -2.0), column(1.0, 0.0, 1.0), 2.0)
# ln(1 - p) is infinite here, in float64, too; but e^50 is no obstacle
exercise.case(column(50.0), column(0.0), 2.0)
exercise.case(column(1000.0, -1000.0, 1000.0, -1000.0), column(1.0, 0.0, 0.0, 1.0), 0.25)

LN_P, LN_REST = "F.logsigmoid(z)", "F.logsigmoid(-z)"
# by choosing, not by multiplying: no 0 times infinity
CHOSEN = f"(weight * y * {LN_P} + (1 - y) * {LN_REST})", f"torch.where(y == 1, weight * {LN_P}, {LN_REST})"
FROM_P = LN_P, "torch.sigmoid(z).log()", LN_REST, "(1 - torch.sigmoid(z)).log()"
FROM_POWERS = LN_P, "-torch.log(1 + torch.exp(-z))", LN_REST, "-torch.log(1 + torch.exp(z))"


def kept_finite(p, rest):
    """The loss from p, with other expressions for p and 1 - p."""
    return exercise.edited(LN_P, f"{p}.log()", LN_REST, f"{rest}.log()")


exercise.mistake(
    "The weight is on the rows with y = 0. It belongs to those with y = 1.",
    exercise.edited("weight * y", "y", "(1 - y)", "weight * (1 - y)"),
)
exercise.mistake(
    "All rows are multiplied by the weight. Only those with y = 1 should be.",
    lambda z, y, weight: weight * F.binary_cross_entropy_with_logits(z, y),
)
exercise.mistake(
    "The weight is missing: a row with y = 1 should cost weight times as much.",
    lambda z, y, weight: F.binary_cross_entropy_with_logits(z, y),
)
exercise.mistake(
    "For large logits p is rounded to exactly 0 or 1, and its logarithm is infinite. Work out ln p on paper, and "
    "compute from z.",
    exercise.edited(*FROM_P),
    exercise.edited(*CHOSEN, *FROM_P),
)
exercise.mistake(
    "binary_cross_entropy stops every logarithm at -100, so a logit of 1000 on the wrong side costs 100, where it "
    "should cost 1000. Compute from z.",
    lambda z, y, weight: (1 + (weight - 1) * y).mul(F.binary_cross_entropy(z.sigmoid(), y, reduction="none")).mean(),
)
exercise.mistake(
    "A small number that keeps p away from 0 and 1 makes the loss finite, but not right: a logit of 1000 on the wrong "
    "side costs less than 40, where it should cost 1000. Compute from z.",
    *(kept_finite(f"(z.sigmoid() + {e})", f"(1 - z.sigmoid() + {e})") for e in (1e-7, 1e-8, 1e-9, 1e-10, 1e-12)),
    *(kept_finite(p := f"z.sigmoid().clamp({e}, 1 - {e})", f"(1 - {p})") for e in (1e-6, 1e-7)),
)
exercise.mistake(
    "The formula is right on paper, but e to the power of 1000 overflows. Use the form with max(z, 0) and |z|, or "
    "F.logsigmoid.",
    lambda z, y, weight: ((1 - y) * z + (1 + (weight - 1) * y) * torch.log(1 + torch.exp(-z))).mean(),
    exercise.edited(*FROM_POWERS),
    exercise.edited(*CHOSEN, *FROM_POWERS),
)
exercise.mistake("This is the sum over the rows. The mean is asked for.", exercise.edited(".mean()", ".sum()"))
exercise.mistake(
    "This divides by the sum of the weights. The plain mean is asked for: divide by n.",
    exercise.edited(".mean()", ".sum() / (weight * y + 1 - y).sum()"),
)
exercise.mistake(
    "A loss is positive: the logarithm of a probability is not, so a minus stands in front.",
    lambda *args: -weighted_loss(*args),
)

exercise.also_right(
    lambda z, y, weight: F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.tensor(weight)),
    lambda z, y, weight: weighted_loss(z.double(), y.double(), weight).item(),
    exercise.edited(*CHOSEN, LN_P, "-F.softplus(-z)", LN_REST, "-F.softplus(z)"),
)


@exercise.also_right
def _(z, y, weight):
    softplus = z.clamp(min=0) - z + torch.log1p(torch.exp(-z.abs()))  # ln(1 + e^-z)
    return ((1 - y) * z + (1 + (weight - 1) * y) * softplus).mean()


# ----------------------------------------------------------------------------------------------------- fit_and_score

exercise = notebook.repair(
    "fit_and_score",
    why="None of the three stops the program: only the numbers tell, and now you know which.",
    deeper=True,
)


@exercise.broken
def fit_and_score_broken(X, y, lr=0.5, updates=50):
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


@exercise.right
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


exercise.hint(
    "Two mistakes are in the line of the loss, and one is after the loop. The first two are shown above in deeper: "
    '"Two arguments, easily swapped", the third in section "Decide".',
    "What does the function take first, the prediction or the target? What does it do with its logits by itself? And "
    "where is p = 1/2 on the scale of the logits?",
    "Name the arguments, input= and target=, and hand over the bare logits. Then compare the logits with 0.",
)
exercise.case(column(-1.0, 0.5), column(0.0, 1.0), 1.0, 1)
five = torch.tensor([[-2.0, 1.0], [-1.0, -0.5], [0.2, 0.1], [0.4, -1.0], [1.5, 0.3]])
exercise.case(five, column(0.0, 0.0, 1.0, 1.0, 1.0), 0.1, 6)
four = torch.tensor([[-1.0, 1.0], [-3.0, 0.5], [1.0, 2.0], [0.3, 0.2]])
exercise.case(four, column(1.0, 0.0, 0.0, 1.0), 0.3, 40)
exercise.case(five, column(0.0, 1.0, 0.0, 1.0, 1.0))  # lr and updates of the signature

SWAPPED = "input=X @ W, target=y", "y, X @ W"
TWICE = "input=X @ W", "input=torch.sigmoid(X @ W)"
SWAPPED_TWICE = "input=X @ W, target=y", "y, torch.sigmoid(X @ W)"
HALF = "X @ W > 0)", "X @ W > 0.5)"

exercise.mistake(
    "The training is right. The decision is not yet: X @ W holds logits, and p > 0.5 is another limit for a logit.",
    exercise.edited(*HALF),
)
exercise.mistake(
    "Prediction and target are still swapped in the loss: it falls below zero, and every score is pushed one way.",
    exercise.edited(*SWAPPED),
)
exercise.mistake(
    "Two mistakes are left: prediction and target are swapped in the loss, and the limit of 0.5 is one for "
    "probabilities.",
    exercise.edited(*SWAPPED, *HALF),
)
exercise.mistake("There is a sigmoid too many: the loss takes logits, and applies its own.", exercise.edited(*TWICE))
exercise.mistake(
    "Two mistakes are left: a sigmoid too many in the loss, and a limit of 0.5, which is one for probabilities.",
    exercise.edited(*TWICE, *HALF),
)
exercise.mistake(
    "The decision is right. The line of the loss has two mistakes: look at the order of its arguments, and at what it "
    "expects.",
    exercise.edited(*SWAPPED_TWICE),
)
exercise.mistake(
    "binary_cross_entropy takes probabilities, and X @ W holds logits. For those, keep the loss _with_logits.",
    exercise.edited("_with_logits", ""),
)
exercise.mistake("It runs as before: all three mistakes are still there.", exercise.edited(*SWAPPED_TWICE, *HALF))
exercise.mistake(
    "Where lr and updates are left out, those of the signature should be used: lr=0.5, updates=50.",
    exercise.edited("lr=0.5, updates=50", "lr=0, updates=0"),
    exercise.edited("lr=0.5", "lr=0.1"),
    exercise.edited("updates=50", "updates=60"),
)
exercise.mistake(
    "The training is right. The decision is not yet: a probability is always above 0.",
    exercise.edited("X @ W > 0", "torch.sigmoid(X @ W) > 0"),
)

exercise.also_right(
    exercise.edited(
        "_with_logits(input=X @ W", "(input=torch.sigmoid(X @ W)", "X @ W > 0", "torch.sigmoid(X @ W) > 0.5"
    ),
    lambda *args: [part.double().numpy() for part in fit_and_score(*args)],
)


@exercise.also_right
def _(X, y, lr=0.5, updates=50):
    W = torch.zeros(X.shape[1], 1)
    for _ in range(updates):
        W = W - lr * X.T @ (torch.sigmoid(X @ W) - y) / len(X)
    return W, ((X @ W >= 0) == y.bool()).sum().item() / len(y)


# ------------------------------------------------------------------------------------------------ cheapest_threshold

exercise = notebook.write(
    "cheapest_threshold",
    why="If the probabilities can be believed, expect it near alarm / (alarm + miss): 0.1 where a miss costs nine "
    "false alarms.",
    deeper=True,
)


@exercise.right
def cheapest_threshold(p, y, thresholds, miss, alarm):
    """The threshold with the lowest total cost; of several, the first.

    p, y: (n, 1); thresholds: (m,).
    miss, alarm: the cost of one missed case and of one false alarm.
    """
    called = p >= thresholds  # (n, m): one column for each threshold
    misses = (~called & (y == 1)).sum(dim=0)  # (m,)
    alarms = (called & (y == 0)).sum(dim=0)  # (m,)
    return thresholds[(miss * misses + alarm * alarms).argmin()]


exercise.hint(
    "For one threshold: who is called positive, how many of the others have y = 1 (misses), how many of the called "
    "have y = 0 (alarms)?",
    "p >= thresholds broadcasts (n, 1) against (m,) to (n, m), one column for each threshold. A loop over the "
    "thresholds is as good.",
    "Sum both kinds of mistakes over dim=0, form miss * misses + alarm * alarms, and take thresholds at the argmin, "
    "which gives the first of equals.",
)


def hospital(p, y, thresholds, miss, alarm):
    exercise.case(column(*p), column(*y).float(), torch.tensor(thresholds), miss, alarm)


hospital((0.3, 0.6, 0.7), (1, 0, 0), (0.25, 0.5, 0.75), 10.0, 1.0)
# costs 4, 3, 2, 4, 2: two are equally cheap
hospital((0.1, 0.2, 0.4, 0.5, 0.8, 0.9), (0, 0, 1, 0, 0, 1), (0.05, 0.15, 0.3, 0.45, 0.85), 2.0, 1.0)
# a probability that is equal to a threshold
hospital((0.2, 0.5, 0.6, 0.9), (0, 1, 0, 1), (0.1, 0.5, 0.7), 3.0, 1.0)
# false alarms cost more than misses, and the patients are in no order
unsorted = (0.8, 0.35, 0.95, 0.1, 0.6, 0.9, 0.3, 0.7), (1, 1, 1, 0, 0, 0, 1, 1)
hospital(*unsorted, (0.0, 0.25, 0.65, 0.93, 0.99), 1.0, 3.0)
# two cases among eight, so shares of the classes mislead
hospital((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), (0, 0, 0, 1, 0, 0, 0, 1), (0.35, 0.75), 2.0, 1.0)
# costs 2000, 1500, 1500, 1500, 1500, and nothing is sorted: the first of the cheap ones is neither smallest nor largest
expensive = (0.6, 0.92, 0.4, 0.8, 0.3, 0.75, 0.55), (1, 1, 0, 0, 1, 1, 0)
hospital(*expensive, (0.95, 0.5, 0.2, 0.9, 0.7), 500.0, 500.0)

exercise.mistake(
    "The two costs are swapped. A miss is a case with y = 1 that was not called.",
    lambda p, y, thresholds, miss, alarm: cheapest_threshold(p, y, thresholds, alarm, miss),
)
exercise.mistake(
    "This is the threshold with the fewest mistakes. The two kinds have different costs.",
    exercise.edited("miss * misses + alarm * alarms", "misses + alarms"),
)
exercise.mistake(
    "This is the place of the threshold in the list. The threshold itself is asked for.",
    exercise.edited("thresholds[(", "(", "argmin()]", "argmin()"),
)
exercise.mistake(
    "This is the lowest cost. The threshold that has it is asked for.",
    exercise.edited("thresholds[(", "(", "argmin()]", "min()"),
)
exercise.mistake(
    "Of several thresholds with the same cost, the first is asked for. This is the last.",
    lambda p, y, thresholds, *costs: cheapest_threshold(p, y, thresholds.flip(0), *costs),
)
exercise.mistake(
    "Of several thresholds with the same cost, the first that is given is asked for, whatever its size.",
    lambda p, y, thresholds, *costs: cheapest_threshold(p, y, thresholds.sort().values, *costs),
    lambda p, y, thresholds, *costs: cheapest_threshold(p, y, thresholds.sort(descending=True).values, *costs),
)
exercise.mistake(
    'You return None where all costs are high: the lowest cost so far has to begin with float("inf").',
    lambda *args: cheapest_threshold(*args) if args[3] < 100 else None,
)
exercise.mistake(
    "A probability equal to the threshold counts as called: >=, not >.", exercise.edited("p >= thr", "p > thr")
)
exercise.mistake(
    "Costs are paid for each mistake, so count mistakes. Shares of the two classes forget that one class may be rarer.",
    exercise.edited(
        "miss * misses + alarm * alarms", "miss * misses / (y == 1).sum() + alarm * alarms / (y == 0).sum()"
    ),
)


@exercise.also_right
def _(p, y, thresholds, miss, alarm):
    best, lowest = None, float("inf")
    for t in thresholds.tolist():
        called = p >= t
        misses = ((called == 0) & (y == 1)).sum().item()
        alarms = ((called == 1) & (y == 0)).sum().item()
        cost = miss * misses + alarm * alarms
        if cost < lowest:
            best, lowest = t, cost
    return best


exercise.also_right(lambda *args: cheapest_threshold(*args).numpy())
