"""The exercises of notebook 05."""

import math
import time

import torch
import torch.nn.functional as F
from torch import nn

from helpers.exercises.core import Exercise, Mistake, Passed

# --- log_sum_exp


def log_sum_exp(z):
    """The logarithm of the sum of the exponentials of each row, (n,), for z (n, k)."""
    m = z.max(dim=1).values  # (n,)
    return m + (z - m.unsqueeze(1)).exp().sum(dim=1).log()


def _log_sum_exp_without_m(z):
    m = z.max(dim=1, keepdim=True).values
    return (z - m).exp().sum(dim=1).log()


def _log_sum_exp_one_max(z):
    m = z.max()
    return m + (z - m).exp().sum(dim=1).log()


def _log_sum_exp_keepdim(z):
    m = z.max(dim=1, keepdim=True).values
    return m + (z - m).exp().sum(dim=1, keepdim=True).log()


def _log_sum_exp_table(z):
    m = z.max(dim=1, keepdim=True).values
    return m + (z - m).exp().sum(dim=1).log()


# --- logit_gradient


def logit_gradient(z, y):
    """The gradient (n, k) of the mean cross-entropy over the rows with a known class.

    z: (n, k) logits; y: (n,) class ids, -1 where the class is unknown.
    """
    known = y >= 0  # (n,)
    onehot = F.one_hot(y.clamp(min=0), num_classes=z.shape[1])  # (n, k); wrong where unknown
    return (torch.softmax(z, dim=1) - onehot) * known.unsqueeze(1) / known.sum()


def _logit_gradient_by_autograd(z, y):
    z = z.clone().requires_grad_()
    F.cross_entropy(z, y, ignore_index=-1).backward()
    return z.grad


def _logit_gradient_by_loop(z, y):
    gradient = torch.zeros_like(z)
    for i in range(len(z)):
        if y[i] >= 0:
            gradient[i] = torch.softmax(z[i], dim=0)
            gradient[i, y[i]] -= 1
    return gradient / (y >= 0).sum()


def _unknown_as_last_class(z, y):
    gradient = torch.softmax(z, dim=1)
    gradient[torch.arange(len(z)), y] -= 1  # -1 is the last column
    return gradient / len(z)


def _unknown_as_first_class(z, y):
    onehot = F.one_hot(y.clamp(min=0), num_classes=z.shape[1])
    return (torch.softmax(z, dim=1) - onehot) / len(z)


def _unknown_without_onehot(z, y):
    onehot = F.one_hot(y.clamp(min=0), num_classes=z.shape[1]) * (y >= 0).unsqueeze(1)
    return (torch.softmax(z, dim=1) - onehot) / (y >= 0).sum()


def _without_unknown_rows(z, y):
    known = y >= 0
    return logit_gradient(z[known], y[known])


def _softmax_of_columns(z, y):
    known = y >= 0
    onehot = F.one_hot(y.clamp(min=0), num_classes=z.shape[1])
    return (torch.softmax(z, dim=0) - onehot) * known.unsqueeze(1) / known.sum()


def _onehot_of_minus_one(z, y):
    return (torch.softmax(z, dim=1) - F.one_hot(y, num_classes=z.shape[1])) / (y >= 0).sum()


# --- read_out


def read_out(logits, y):
    """The loss (a number), the winning classes (n,) and their probabilities (n,), for logits (n, k)."""
    p = torch.softmax(logits, dim=1)
    loss = F.cross_entropy(logits, y)
    sure = p.max(dim=1).values
    return loss, p.argmax(dim=1), sure


def _broken_read_out(logits, y):
    """The loss (a number), the winning classes (n,) and their probabilities (n,), for logits (n, k)."""
    p = torch.softmax(logits, dim=0)
    loss = F.cross_entropy(p, y)
    sure = p.max(dim=1).values
    return loss, p.argmax(dim=1), sure


def _read_out_with(loss_of, dim=1):
    """The same with another loss of (logits, p, y), and another softmax."""

    def read(logits, y):
        p = torch.softmax(logits, dim=dim)
        return loss_of(logits, p, y), p.argmax(dim=1), p.max(dim=1).values

    return read


# --- wine_reader


def wine_reader(X_train, y_train):
    """Train on X_train (n, 13), y_train (n,); return a function that gives class ids (m,) for X (m, 13)."""
    mean, std = X_train.mean(dim=0), X_train.std(dim=0)
    model = nn.Linear(13, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(200):
        loss = F.cross_entropy(model((X_train - mean) / std), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def predict(X):
        return model((X - mean) / std).argmax(dim=1)

    return predict


def _wine_raw(X_train, y_train):
    model = nn.Linear(13, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(200):
        loss = F.cross_entropy(model(X_train), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda X: model(X).argmax(dim=1)


def _wine_trained_on_scaled(X_train, y_train):
    """The model, and the two numbers of the training part for each column."""
    mean, std = X_train.mean(dim=0), X_train.std(dim=0)
    model = nn.Linear(13, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(200):
        loss = F.cross_entropy(model((X_train - mean) / std), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, mean, std


def _wine_predicts_from_raw(X_train, y_train):
    model, _, _ = _wine_trained_on_scaled(X_train, y_train)
    return lambda X: model(X).argmax(dim=1)


def _wine_scaled_by_itself(X_train, y_train):
    model, _, _ = _wine_trained_on_scaled(X_train, y_train)
    return lambda X: model((X - X.mean(dim=0)) / X.std(dim=0)).argmax(dim=1)


def _wine_logits(X_train, y_train):
    model, mean, std = _wine_trained_on_scaled(X_train, y_train)
    return lambda X: model((X - mean) / std)


def _wine_model(X_train, y_train):
    return _wine_trained_on_scaled(X_train, y_train)[0]


def _wine_answer(X_train, y_train):
    model, mean, std = _wine_trained_on_scaled(X_train, y_train)
    return model((X_train - mean) / std).argmax(dim=1)


def _wine_scikit(X_train, y_train):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
    return lambda X: pipeline.predict(X)


def _wine_double(X_train, y_train):
    predict = wine_reader(X_train, y_train)
    return lambda X: predict(X).double().tolist()


def judge_wine(answer):
    """Three trainings on different splits; together they must read 95 % of the held-out wines."""
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split

    wine = load_wine()
    X, y = torch.tensor(wine.data, dtype=torch.float32), torch.tensor(wine.target)
    right, right_train, asked, asked_train, seconds = 0, 0, 0, 0, []
    for seed in range(3):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.25, random_state=seed, stratify=y
        )
        start = time.process_time()
        predict = answer(X_train.clone(), y_train.clone())
        seconds.append(time.process_time() - start)
        if not callable(predict):
            return (
                "wine_reader should return a function, which takes wines and gives their classes."
            )
        ids, ids_train = _class_ids(predict, X_test), _class_ids(predict, X_train)
        if ids is None or ids_train is None:
            return f"The returned function should give class ids of shape (m,) for wines of shape (m, 13). {_got(predict, X_test)}"
        for asked_for in (ids == ids[0], torch.arange(len(ids)) == 0):  # one class only; one wine
            part = _class_ids(predict, X_test[asked_for])
            if part is not None and torch.equal(part, ids[asked_for]):
                continue
            return (
                "The class of a wine depends on which other wines are asked about with it. "
                "Keep the mean and the deviation of the training part, and use them for all wines."
            )
        right, asked = right + int((ids == y_test).sum()), asked + len(ids)
        right_train += int((ids_train == y_train).sum())
        asked_train += len(ids_train)
    share, share_train = 100 * right / asked, 100 * right_train / asked_train
    if share < 95:
        return (
            f"Too few held-out wines are right: {share:.1f} %, where 95 % are asked for (on the training wines "
            f"{share_train:.1f} %). Are the 13 columns on one scale, in the training and in the returned function?"
        )
    # the fastest of three, in time of the processor, as other programs may keep it busy
    if min(seconds) > 1:
        return f"The training takes too long: {min(seconds):.1f} s, where at most 1 s is asked for. With all rows in each step, a few hundred steps are enough."
    return Passed(
        f"{share:.1f} % of the held-out wines are right, after {min(seconds):.2f} s of training."
    )


def _class_ids(predict, X):
    """The answer as an int64 tensor (m,), or None where it is something else."""
    try:
        ids = torch.as_tensor(predict(X.clone())).detach().cpu()
        fits = ids.shape == (len(X),) and ids.isfinite().all()
        return ids.long() if fits else None
    except (TypeError, ValueError, NotImplementedError):
        return None


def _got(predict, X):
    ids = predict(X.clone())
    shape = getattr(ids, "shape", None)
    form = f"the shape {tuple(shape)}" if shape is not None else f"a {type(ids).__name__}"
    return f"For shape {tuple(X.shape)} it gives {form}."


EXERCISES = [
    Exercise(
        name="my_ratio",
        kind="predict",
        solution=round(math.exp(2), 4),
        working="z0 - z2 = 1.5 - (-0.5) = 2, and the ratio is e to the power of 2",
        why="The common denominator cancels, so two classes can be compared without looking at the others.",
        hints=(
            "Softmax turns differences of logits into ratios of probabilities. You need two logits, and no softmax.",
            "The logit of class j is the input times column j of W_toy, plus entry j of b_toy. For class 0: 1 * 1 + 1 * 0.5 + 0.",
            "z0 = 1.5 and z2 = 0 - 1 + 0.5. The ratio is e to the power of their difference.",
        ),
        mistakes=(
            Mistake(
                2.0,
                "This is the difference of the two logits. The ratio of the probabilities is e to the power of it.",
            ),
            Mistake(-3.0, "This is the ratio of the logits. Softmax looks at their difference."),
            Mistake(
                math.exp(-2),
                "This is how many times class 2 is as probable as class 0. Turn it round.",
            ),
            Mistake(math.exp(2.5), "The bias of class 2 is missing: its logit is 0 - 1 + 0.5."),
            Mistake(
                math.exp(1.5),
                "e to the power of 1.5 compares class 0 with a logit of 0. Class 2 has another one.",
            ),
            Mistake(
                math.exp(1.0),
                "The logit of class 2 is negative: -0.5. Minus a negative number adds it.",
            ),
        ),
        also_right=(math.exp(2), 7.39, 7.4, torch.tensor(2.0).exp()),
        rtol=2e-3,
    ),
    Exercise(
        name="read_out",
        kind="repair",
        solution=read_out,
        stub=_broken_read_out,
        why="Both mistakes run without an error, and both models learn something: only knowing the rule helps.",
        hints=(
            "One mistake makes the samples compete with each other, the other applies softmax twice.",
            "Over which dimension should the probabilities of one sample sum to 1? And what does F.cross_entropy take, probabilities or logits?",
            "Softmax over dim=1, and the bare logits into F.cross_entropy.",
        ),
        cases=(
            (torch.tensor([[2.0, 0.0]]), torch.tensor([0])),
            (torch.tensor([[1.0, 2.0, 0.5], [3.0, -1.0, 3.5]]), torch.tensor([1, 0])),
            (torch.tensor([[0.0, 200.0], [5.0, 1.0], [-3.0, 2.0]]), torch.tensor([0, 0, 1])),
        ),
        mistakes=(
            Mistake(
                _read_out_with(lambda logits, p, y: F.cross_entropy(p, y)),
                "The probabilities are right now. The loss still takes them in place of logits, and applies a second softmax.",
            ),
            Mistake(
                _read_out_with(lambda logits, p, y: F.cross_entropy(logits, y), dim=0),
                "The loss is right. The probabilities are not: the samples of a column compete with each other.",
            ),
            Mistake(
                _read_out_with(lambda logits, p, y: F.nll_loss(p, y)),
                "nll_loss takes the logarithms of the probabilities, not the probabilities.",
            ),
            Mistake(
                _read_out_with(lambda logits, p, y: F.nll_loss(p.log(), y)),
                "The logarithm of a softmax underflows: a probability of e^-200 is zero in float32. Start from the logits.",
            ),
        ),
        also_right=(
            _read_out_with(lambda logits, p, y: F.nll_loss(F.log_softmax(logits, dim=1), y)),
            lambda logits, y: [part.numpy() for part in read_out(logits.double(), y)],
        ),
    ),
    Exercise(
        name="log_sum_exp",
        kind="write",
        solution=log_sum_exp,
        why="It is a soft maximum: at least the largest entry, at most log k more. The loss of a row is log_sum_exp minus the logit of the true class.",
        hints=(
            "The largest entry of the row comes out of the sum: what is left inside is at most 1 in each term.",
            "m + log of the sum of e^(z - m), where m is the maximum of the row. Look at the shapes of z, of m and of the result.",
            "m = z.max(dim=1).values has the shape (n,); m.unsqueeze(1) can be subtracted from z. Sum the exponentials over dim=1, take the log, add m.",
        ),
        cases=(
            (torch.tensor([[0.0, 0.0]]),),
            (torch.tensor([[1.0, 2.0, 0.0], [-1.0, 0.5, 3.0]]),),
            (torch.tensor([[1000.0, 999.0], [-1000.0, -1001.0], [3.0, 3.0]]),),
        ),
        mistakes=(
            Mistake(
                lambda z: z.exp().sum(dim=1).log(),
                "On paper this is right, but e^1000 overflows and e^-1000 underflows. Pull the largest entry of each row out of the sum.",
            ),
            Mistake(
                _log_sum_exp_without_m,
                "The maximum was subtracted inside, which changes the result by just as much. Add it again at the end.",
            ),
            Mistake(
                _log_sum_exp_one_max,
                "One maximum for the whole matrix saves only the rows that are near it: for the others, all exponentials underflow. Each row needs its own.",
            ),
            Mistake(
                _log_sum_exp_keepdim,
                "The numbers are right, in a column (n, 1). One number for each row is asked for, shape (n,).",
            ),
            Mistake(
                _log_sum_exp_table,
                "(n, 1) plus (n,) broadcasts to (n, n). Bring both to the same shape before you add them.",
            ),
            Mistake(
                lambda z: torch.logsumexp(z, dim=0),
                "This sums over the rows of each column. Classes stand side by side, in dim=1.",
            ),
        ),
        also_right=(
            lambda z: torch.logsumexp(z, dim=1),
            lambda z: (z - F.log_softmax(z, dim=1))[:, 0],
            lambda z: log_sum_exp(z.double()).numpy(),
        ),
    ),
    Exercise(
        name="logit_gradient",
        kind="write",
        solution=logit_gradient,
        why="A row that nobody has labelled pulls at nothing: this is ignore_index of F.cross_entropy.",
        hints=(
            "For a known row it is p - onehot, divided by how many rows are in the mean. For an unknown row: does the loss change if its logits move?",
            "A one-hot row of class -1 does not exist. Give the unknown rows any class, y.clamp(min=0), and set their gradient to zero afterwards.",
            "Multiply softmax minus one-hot (n, k) by known.unsqueeze(1), where known is y >= 0, and divide by known.sum().",
        ),
        cases=(
            (torch.tensor([[0.0, 0.0]]), torch.tensor([1])),
            (torch.tensor([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]]), torch.tensor([0, 2])),
            (
                torch.tensor(
                    [[1.0, 0.0, -1.0], [0.3, 2.0, 1.0], [-2.0, 0.5, 0.0], [4.0, 0.0, 1.0]]
                ),
                torch.tensor([2, -1, 0, -1]),
            ),
        ),
        mistakes=(
            Mistake(
                lambda z, y: -logit_gradient(z, y),
                "The sign is turned round: the gradient is p minus one-hot, what the model says minus what is true.",
            ),
            Mistake(
                lambda z, y: logit_gradient(z, y) * (y >= 0).sum(),
                "This is the gradient of the sum. The loss is a mean over the known rows.",
            ),
            Mistake(
                lambda z, y: logit_gradient(z, y) * (y >= 0).sum() / len(y),
                "The mean is over the known rows only, so divide by their number, not by n.",
            ),
            Mistake(
                _unknown_as_last_class,
                "Column -1 is the last column, without an error: the unknown rows were taught the last class. Their gradient should be zero.",
            ),
            Mistake(
                _unknown_as_first_class,
                "The unknown rows were taught class 0. Their gradient should be zero, and they should not count in the mean.",
            ),
            Mistake(
                _unknown_without_onehot,
                "An unknown row has no one-hot, and no p either: the loss does not contain it, so all its slopes are zero.",
            ),
            Mistake(
                _onehot_of_minus_one,
                "F.one_hot knows no class -1. Give the unknown rows some class first, and set their gradient to zero afterwards.",
            ),
            Mistake(
                _without_unknown_rows,
                "The unknown rows have disappeared. The gradient has the shape of z: keep these rows, and fill them with zeros.",
            ),
            Mistake(
                _softmax_of_columns,
                "The softmax goes over the rows, so samples compete with each other. Classes stand in dim=1.",
            ),
        ),
        also_right=(
            _logit_gradient_by_autograd,
            _logit_gradient_by_loop,
            lambda z, y: logit_gradient(z.double(), y).numpy(),
        ),
    ),
    Exercise(
        name="wine_reader",
        kind="design",
        solution=wine_reader,
        why="The returned function carries its own mean and deviation: a model without its scaling is worth nothing to whoever gets it.",
        hints=(
            "First look at X_train.std(dim=0): from a tenth to several hundred. Which learning rate could suit all columns?",
            "Standardise with the mean and the deviation of X_train, train nn.Linear(13, 3) with F.cross_entropy as the eight samples were trained, and let the inner function use the same mean, deviation and model.",
            "In predict, return model((X - mean) / std).argmax(dim=1). For the training, 200 steps of SGD on all rows with a learning rate of 0.3 will do.",
        ),
        judge=judge_wine,
        mistakes=(
            Mistake(_wine_raw, "Too few held-out wines are right."),
            Mistake(_wine_predicts_from_raw, "Too few held-out wines are right."),
            Mistake(
                _wine_scaled_by_itself,
                "The class of a wine depends on which other wines are asked about with it. "
                "Keep the mean and the deviation of the training part, and use them for all wines.",
            ),
            Mistake(
                _wine_logits,
                "The returned function should give class ids of shape (m,) for wines of shape (m, 13).",
            ),
            Mistake(
                _wine_model,
                "The returned function should give class ids of shape (m,) for wines of shape (m, 13).",
            ),
            Mistake(
                _wine_answer,
                "wine_reader should return a function, which takes wines and gives their classes.",
            ),
        ),
        also_right=(_wine_scikit, _wine_double),
    ),
]
