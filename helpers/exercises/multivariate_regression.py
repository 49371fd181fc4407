"""The exercises of notebook 03."""

import numpy as np
import torch

from helpers.exercises.engine import Notebook

notebook = Notebook("03")


def matrix(*rows):
    return torch.tensor(rows)  # (n, d), a tuple per row


# -------------------------------------------------------------------------------------------------- two_weight_limit

exercise = notebook.predict(
    "two_weight_limit",
    0.1,
    working="2 / 20, because H (1, -1) = (20, -20)",
    why="Here the steepest way is to raise one weight and lower the other: signs off the diagonal decide, and the diagonal "
    "alone does not tell.",
    rtol=5e-3,  # a mistake may be rounded to 0.154, 0.333, 0.077
)
exercise.hint(
    "The limit is 2 divided by the largest eigenvalue. Multiply H with each of the two directions: what comes out is the "
    "direction again, times its eigenvalue.",
    "H times (1, 1) is (13 - 7, -7 + 13). Do the same for (1, -1), and take the larger of the two numbers.",
)
exercise.mistake(
    "You took the curvature of one weight alone, 13, from the diagonal. Another direction bends more.", 2 / 13
)
exercise.mistake(
    "6 is the curvature along (1, 1), where both weights grow together. Here that is the flattest direction, not the "
    "steepest.",
    2 / 6,
)
exercise.mistake(
    "Half of the limit. Did you leave out the 2 in 2 / lambda, or forget that (1, -1) does not have length 1?", 1 / 20
)
exercise.mistake("That is the largest eigenvalue. The limit is 2 divided by it.", 20.0)
exercise.mistake(
    "The limit is 2 divided by a curvature. Here you have 1/13, which is also 2/26: 13 is one weight alone, 26 the sum of "
    "both eigenvalues; neither is the largest.",
    2 / 26,
)
exercise.mistake("Turned over: 2 / lambda, not lambda / 2.", 10.0)
exercise.also_right(2 / 20, torch.tensor(0.1), np.float32(0.1))


# -------------------------------------------------------------------------------------------------------- scale_like

exercise = notebook.write(
    "scale_like",
    why="This is what StandardScaler does, constant columns included, rounding apart; now the new student and the "
    "training data are measured with the same ruler.",
)


@exercise.right
def scale_like(X_new, X_train):
    """X_new (m, d), standardised with means and standard deviations of X_train (n, d).

    A column that is constant in X_train is divided by 1.
    """
    mean = X_train.mean(dim=0)  # (d,)
    std = X_train.std(dim=0, correction=0)  # (d,)
    std[std == 0] = 1
    return (X_new - mean) / std


exercise.hint(
    "Which of the two tensors knows the mean and the standard deviation that the model was trained with?",
    "A constant column has the standard deviation 0, and 0 / 0 is NaN. Put a 1 into std where it is 0.",
    "mean and std come from X_train, with dim=0, std with correction=0; then std[std == 0] = 1; then scale X_new.",
)
exercise.case(matrix((8.0,)), matrix((1.0,), (3.0,)))
exercise.case(  # the second column is constant at training time, the last one among the new rows; it has the std 0.5
    matrix((8.0, 5.0, -1.0, 3.0), (2.0, 7.0, 40.0, 3.0)),
    matrix((1.0, 5.0, 20.0, 1.0), (3.0, 5.0, 10.0, 2.0), (8.0, 5.0, 60.0, 1.0), (4.0, 5.0, 10.0, 2.0)),
)


MEAN, STD, CONSTANT = "X_train.mean(dim=0)", "X_train.std(dim=0, correction=0)", "std[std == 0] = 1"
exercise.mistake(
    "A standard deviation below 1 is no reason to divide by 1: that column is not constant. Replace only what is 0.",
    exercise.edited(CONSTANT, "std[std < 1] = 1"),
)
exercise.mistake(
    "X_new itself is changed: -= and /= write into the tensor of whoever calls. Compute a new one.",
    exercise.edited("return (X_new - mean) / std", "X_new -= mean; X_new /= std; return X_new"),
)
exercise.mistake(
    "You measured X_new by its own mean and standard deviation. The model knows only those of X_train; and a single new "
    "student would always come out as 0 / 0.",
    exercise.edited(MEAN, "X_new.mean(dim=0)", STD, "X_new.std(dim=0, correction=0)", CONSTANT, ""),
)
exercise.mistake(
    "You measured X_new by its own mean and standard deviation. Then a single new student would always be average; the "
    "model knows only those of X_train.",
    lambda X_new, X_train: scale_like(X_new, X_new),
)
exercise.mistake(
    "The new rows took part in the mean and the standard deviation. Only X_train may: at training time the others are not "
    "known.",
    lambda X_new, X_train: scale_like(X_new, torch.cat([X_train, X_new])),
)
exercise.mistake(
    "A column that is constant in X_train has the standard deviation 0, and gives NaN or infinity. Divide it by 1.",
    exercise.edited(CONSTANT, ""),
)
exercise.mistake(
    "A tiny number added to std avoids the NaN. But a new value that differs in the constant column is then divided by "
    "almost nothing, and comes out as millions. Divide that column by 1.",
    *(exercise.edited(CONSTANT, f"std += {tiny}") for tiny in (1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)),
)
exercise.mistake(
    "Only 0 / 0 is mended. A new value that differs in the constant column, like the 7 among the 5s, keeps its distance: "
    "7 - 5 divided by 1.",
    exercise.edited(CONSTANT, "std[std == 0] = torch.inf"),
    lambda X_new, X_train: ((X_new - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)).nan_to_num(),
)
exercise.mistake(
    "Divided by 1 does not mean left alone: the mean is subtracted from a constant column, too.",
    exercise.edited(CONSTANT, "mean[std == 0] = 0; std[std == 0] = 1"),
)
exercise.mistake(
    "You divided by the variance. The standard deviation is its root.", exercise.edited("X_train.std", "X_train.var")
)
exercise.mistake(
    "Your std divides by n - 1, the default of torch. Here it divides by n: correction=0.",
    exercise.edited("correction=0", "correction=1"),
)
exercise.mistake(
    "Two things: your std divides by n - 1, where correction=0 divides by n; and a constant column gives NaN.",
    exercise.edited("correction=0", "correction=1", CONSTANT, ""),
)
exercise.mistake(
    "You used one mean and one std for the whole table. Each column has its own: dim=0.",
    exercise.edited(MEAN, "X_train.mean()", STD, "X_train.std(correction=0)"),
)


@exercise.also_right
def _(X_new, X_train):
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(X_train.numpy()).transform(X_new.numpy())


@exercise.also_right
def _(X_new, X_train):
    centred = X_train.double() - X_train.double().mean(dim=0)
    std = (centred**2).mean(dim=0).sqrt()
    return (X_new - X_train.double().mean(dim=0)) / torch.where(std > 0, std, 1.0)


# ------------------------------------------------------------------------------------------------------ mse_gradient

exercise = notebook.write(
    "mse_gradient",
    why="The same two lines serve one target or a thousand: a layer of a network has just this gradient.",
    deeper=True,
)


@exercise.right
def mse_gradient(X, y, W, b):
    """The slopes dW (d, k) and db (k,) of the squared errors.

    Mean over students, sum over targets. X: (n, d), y: (n, k), W: (d, k), b: (k,).
    """
    error = X @ W + b - y  # (n, k)
    dW = 2 * X.T @ error / len(X)  # (d, n) @ (n, k) = (d, k)
    db = 2 * error.mean(dim=0)  # (k,)
    return dW, db


exercise.hint(
    "Write the shape next to each thing: the error is (n, k), dW must be (d, k) as W is, and db (k,) as b is.",
    "Each target has its own column of W, and never meets the others. So each column has the gradient that you know, and "
    "the matrix product does all columns at once.",
    "dW = 2 / n * X.T @ error. For db, take twice the mean of the errors over the students only: dim=0.",
)
exercise.case(matrix((1.0, 2.0)), matrix((3.0,)), torch.zeros(2, 1), torch.zeros(1))
exercise.case(
    matrix((1.0, 2.0, 0.0), (0.0, 1.0, -1.0), (3.0, 0.0, 1.0), (2.0, 2.0, 2.0)),
    matrix((3.0, 1.0), (0.0, 2.0), (1.0, -2.0), (4.0, 0.0)),
    matrix((0.5, 1.0), (-1.0, 0.0), (2.0, 1.0)),
    torch.tensor([1.0, -1.0]),
)


ERROR, PRODUCT, MEAN_OF_N = "error = X @ W + b - y", "X.T @ error", "error.mean(dim=0)"
exercise.mistake(
    "db is a single number, but b has an entry for each target. Take the mean over the students only.",
    exercise.edited(MEAN_OF_N, "error.mean()"),
)
exercise.mistake(
    "You divided by all n times k errors. This loss is a mean over the students, but a sum over the targets.",
    exercise.edited("len(X)", "error.numel()", MEAN_OF_N, "error.sum(dim=0) / error.numel()"),
)
exercise.mistake(
    "X @ error does not fit: (n, d) times (n, k). Which order and which transpose give back the shape of W?",
    exercise.edited(PRODUCT, "X @ error"),
)
exercise.mistake(
    "dW lies on its side: it is (k, d), and W is (d, k). Exchange the two factors, and transpose the other one.",
    exercise.edited(PRODUCT, "error.T @ X"),
)
exercise.mistake(
    "n times too large: the mean over the students is missing. Divide by n.",
    exercise.edited("/ len(X)", "", "mean(", "sum("),
)
exercise.mistake(
    "db is right, but dW is n times too large: the mean over the students is missing there.",
    exercise.edited("/ len(X)", ""),
)
exercise.mistake(
    "dW is right, but db is n times too large: the mean over the students is missing there.",
    exercise.edited("mean(", "sum("),
)
exercise.mistake(
    "Two factors are missing: the 2 that the square brings down, and the 1 / n of the mean.",
    exercise.edited("2 * X", "X", "/ len(X)", "", f"2 * {MEAN_OF_N}", "error.sum(dim=0)"),
)
exercise.mistake(
    "Half of the right slopes: the square brings a factor 2 down.",
    exercise.edited("2 * X", "X", "2 * error", "error"),
)
exercise.mistake(
    "The sign is turned around: the error is the prediction minus the truth.",
    exercise.edited(ERROR, "error = y - X @ W - b"),
)
exercise.mistake(
    "y itself is changed: -= writes into the tensor of whoever calls. Give the error a tensor of its own.",
    exercise.edited(ERROR, "y -= X @ W + b; error = -y"),
)


@exercise.also_right
def _(X, y, W, b):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    ((X @ W + b - y) ** 2).mean(dim=0).sum().backward()
    return W.grad, b.grad


@exercise.also_right
def _(X, y, W, b):
    X, y, W, b = (values.double().numpy() for values in (X, y, W, b))
    error = X @ W + b - y
    return np.einsum("nd,nk->dk", X, error) * 2 / len(X), 2 * error.mean(axis=0)


# ------------------------------------------------------------------------------------------------------------- ridge

exercise = notebook.write(
    "ridge",
    why="Every weight's curvature has grown by 2 alpha, so no direction of the weights is flat any more: the data alone "
    "could not pin them down, now they are.",
    deeper=True,
)


@exercise.right
def ridge(X, y, alpha):
    """Parameters (d + 1, 1), bias last: least MSE + alpha * sum of squared weights."""
    A = torch.cat([X, torch.ones(len(X), 1)], dim=1).double()  # (n, d + 1)
    D = torch.eye(A.shape[1], dtype=torch.float64)  # (d + 1, d + 1)
    D[-1, -1] = 0  # the bias is free
    return torch.linalg.solve(A.T @ A / len(A) + alpha * D, A.T @ y.double() / len(A))


exercise.hint(
    "Set the gradient to zero, as for the normal equation. The new term adds 2 alpha w_j to the slope of each weight, and "
    "nothing to that of the bias.",
    "Divided by 2, that is (A^T A / n + alpha D) theta = A^T y / n. D is a diagonal matrix: which numbers stand on its "
    "diagonal?",
    "D = torch.eye(d + 1, dtype=torch.float64), and D[-1, -1] = 0 for the bias. Then torch.linalg.solve, as in solve.",
)
exercise.case(matrix((-1.0,), (1.0,)), matrix((1.0,), (5.0,)), 3.0)
exercise.case(matrix((-1.0,), (1.0,)), matrix((1.0,), (5.0,)), 0.0)
exercise.case(
    matrix((1.0, 2.0), (2.0, 1.0), (4.0, 5.0), (5.0, 5.0), (7.0, 6.0)),
    matrix((3.0,), (4.0,), (9.0,), (8.0,), (15.0,)),
    0.5,
)


FREE, PENALTY = "D[-1, -1] = 0", "alpha * D"
exercise.mistake(
    "The bias is held back, too. It only says where zero lies; leave its place on the diagonal free.",
    exercise.edited(FREE, ""),
)
exercise.mistake(
    "You left the first place on the diagonal free, which belongs to a weight. The bias is the last parameter.",
    exercise.edited(FREE, "D[0, 0] = 0"),
)
exercise.mistake(
    "The bias comes first in your parameters. It should come last, as in `solve`.",
    lambda *args: ridge(*args).roll(1, dims=0),
)
exercise.mistake(
    "The n got lost: the MSE is a mean, and the penalty is not. Divide A^T A by n, or multiply alpha by n.",
    exercise.edited(PENALTY, "alpha / len(A) * D"),
)
exercise.mistake(
    "n counts twice: A^T A is divided by n already, so alpha must not be multiplied by n as well.",
    exercise.edited(PENALTY, "alpha * len(A) * D"),
)
exercise.mistake(
    "The penalty counts double. Both terms of the gradient have a factor 2, so it cancels in both.",
    exercise.edited(PENALTY, "2 * alpha * D"),
)
exercise.mistake(
    "The penalty counts half. The slope of alpha w_j^2 is 2 alpha w_j: the 2 belongs to both terms, and cancels in both.",
    exercise.edited(PENALTY, "alpha / 2 * D"),
)
exercise.mistake(
    "alpha belongs on the diagonal only. A number that you add to a matrix goes to every entry.",
    exercise.edited(PENALTY, "alpha"),
)
exercise.mistake("This is least squares: alpha has no effect yet.", lambda X, y, alpha: ridge(X, y, 0.0))
exercise.mistake(
    "The bias is missing. Give X the column of ones first; then leave that column unpunished.",
    exercise.edited("torch.cat([X, torch.ones(len(X), 1)], dim=1)", "X", FREE, ""),
)


@exercise.also_right
def _(X, y, alpha):
    X, y = X.double().numpy(), y.double().numpy()
    dX, dy = X - X.mean(axis=0), y - y.mean(axis=0)
    W = np.linalg.inv(dX.T @ dX + len(X) * alpha * np.eye(X.shape[1])) @ dX.T @ dy
    return np.concatenate([W, (y - X @ W).mean(axis=0, keepdims=True)])


@exercise.also_right
def _(X, y, alpha):
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=len(X) * alpha).fit(X.double().numpy(), y.double().numpy().ravel())
    return torch.tensor([*model.coef_, model.intercept_])[:, None]


# ---------------------------------------------------------------------------------------------------- honest_columns

exercise = notebook.repair(
    "honest_columns",
    why="Now the test rows can change nothing but their own entries: alter them as you like, and the training part stays "
    "the same.",
    deeper=True,
)


@exercise.broken
def honest_columns_broken(X, y, train_rows, test_rows, k):
    """The k columns that go best with y, standardised: (n_train, k) and (n_test, k)."""
    Z = (X - X.mean(dim=0)) / X.std(dim=0, correction=0)  # (n, d)
    correlation = (Z * (y - y.mean())).mean(dim=0).abs()  # (d,)
    chosen = correlation.topk(k).indices  # (k,)
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


@exercise.right
def honest_columns(X, y, train_rows, test_rows, k):
    """The k columns that go best with y, standardised: (n_train, k) and (n_test, k)."""
    X_train, y_train = X[train_rows], y[train_rows]
    Z = (X - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)  # (n, d)
    correlation = (Z[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs()  # (d,)
    chosen = correlation.topk(k).indices  # (k,)
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


exercise.hint(
    "Ask of each line which rows it computes something from. Only the training rows may be asked.",
    "There are two leaks: the mean and std of the scaling, and the correlation behind the choice. The test rows are "
    "scaled, too, but with the numbers of the training rows.",
    "Take the mean and std of X[train_rows]; and compute the correlation from Z[train_rows] and y[train_rows].",
)


def patients():
    """Columns with different scales, a y that goes with two of them, and rows in no order; one is in neither part."""
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(32, 5, generator=generator) * torch.arange(1.0, 6.0) + 10
    y = X[:, 4:] - 2 * X[:, 1:2] + torch.randn(32, 1, generator=generator)
    order = torch.randperm(32, generator=generator)
    far = order[-2:]  # from all others: the last test row, and the row in neither part
    X[far], y[far] = X[far] + 100 * torch.arange(5.0, 0.0, -1), y[far] + 500
    return X, y, order[:26], order[26:31], 3


# The row numbers are in no order. No column lies on a line with y: a test statistic of scikit-learn would be infinite.
exercise.case(
    matrix((3.0, 0.0), (4.0, 19.0), (1.0, 1.0), (6.0, 2.0)),
    matrix((2.0,), (20.0,), (1.0,), (3.0,)),
    torch.tensor([2, 0, 3]),
    torch.tensor([1]),
    1,
)
exercise.case(  # a test row with a huge entry in the best column
    matrix((2.5, 500.0), (1.0, 1.0), (3.0, 2.0), (2.0, 3.0), (4.0, 4.0)),
    matrix((5.0,), (1.0,), (2.0,), (3.0,), (5.0,)),
    torch.tensor([1, 2, 3, 4]),
    torch.tensor([0]),
    1,
)
exercise.case(  # the second column has larger numbers, the first one goes better with y
    matrix((1.0, 10.0), (2.0, 30.0), (2.5, 25.0), (3.0, 20.0), (4.0, 40.0)),
    matrix((1.0,), (2.0,), (5.0,), (3.0,), (5.0,)),
    torch.tensor([4, 0, 3, 1]),
    torch.tensor([2]),
    1,
)
exercise.case(*patients())


CHOICE, RESULT = "Z[train_rows] * (y_train - y_train.mean())", "return Z[train_rows]"
LEAKY = "(X - X.mean(dim=0)) / X.std(dim=0, correction=0)"
exercise.mistake(
    "The output is scaled honestly, but the choice still uses the mean and std of all rows: a huge entry in a test row can "
    "change which columns are chosen.",
    exercise.edited("Z[train_rows] *", f"({LEAKY})[train_rows] *"),
)
exercise.mistake(
    "Without the division by std, the column with the largest numbers wins the choice. Compute the correlation from "
    "standardised columns.",
    exercise.edited("Z[train_rows] *", "X_train *"),
)
exercise.mistake(
    "The right columns, but in the order of the table. The best one comes first.",
    exercise.edited("topk(k).indices", "topk(k).indices.sort().values"),
)
exercise.mistake(
    "Half of it is done: the scaling is honest. But the choice of the columns still looks at the y of the test rows.",
    exercise.edited(CHOICE, "Z * (y - y.mean())"),
    exercise.edited(CHOICE, f"{LEAKY} * (y - y.mean())"),
)
exercise.mistake(
    "Half of it is done: the choice no longer looks at the y of the test rows. But the mean and std still come from all "
    "rows.",
    exercise.edited("X_train.mean", "X.mean", "X_train.std", "X.std"),
    exercise.edited(RESULT, f"Z = {LEAKY}; {RESULT}"),
)
exercise.mistake(
    "Both leaks are closed, but correction=0 got lost on the way: std now divides by n - 1.",
    exercise.edited("correction=0", "correction=1"),
)
exercise.mistake(
    "The test rows are scaled by their own mean and std. They must be measured with the ruler of the training rows; a "
    "single patient has no std at all.",
    exercise.edited(RESULT, f"own = X[test_rows]; Z[test_rows] = {LEAKY.replace('X', 'own')}; {RESULT}"),
)
exercise.mistake(
    "The training rows need not be the first ones. train_rows says which they are: X[train_rows], y[train_rows].",
    lambda X, y, train, test, k: honest_columns(X, y, torch.arange(len(train)), torch.arange(len(train), len(X)), k),
    lambda X, y, train, test, k: honest_columns(X, y, torch.arange(len(train)), test, k),
)
exercise.mistake(
    "The right rows, but in the order of the table. They come in the order of train_rows and test_rows.",
    lambda X, y, train, test, k: honest_columns(X, y, train.sort().values, test.sort().values, k),
    lambda X, y, train, test, k: honest_columns(X, y, train.sort().values, test, k),
)
exercise.mistake(
    "A column that falls where y rises goes well with it, too: what counts is the size of the correlation.",
    exercise.edited(".abs()", ""),
)


@exercise.also_right
def _(X, y, train_rows, test_rows, k):
    X, y = X.double().numpy(), y.double().numpy()
    fit, rest = X[train_rows.numpy()], X[test_rows.numpy()]
    mean, std = fit.mean(axis=0), fit.std(axis=0)
    correlation = abs((fit - mean).T @ y[train_rows.numpy()])[:, 0] / std
    chosen = np.argsort(-correlation)[:k]
    return ((fit - mean) / std)[:, chosen], ((rest - mean) / std)[:, chosen]


@exercise.also_right
def _(X, y, train_rows, test_rows, k):
    from sklearn.feature_selection import f_regression
    from sklearn.preprocessing import StandardScaler

    X_train, X_test = X[train_rows].numpy(), X[test_rows].numpy()
    chosen = np.argsort(f_regression(X_train, y[train_rows].numpy().ravel())[0])[::-1][:k]
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train)[:, chosen], scaler.transform(X_test)[:, chosen]
