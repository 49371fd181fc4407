"""The exercises of notebook 03."""

import numpy as np
import torch

from helpers.exercises.core import Exercise, Mistake


def _matrix(*rows):
    return torch.tensor(rows)  # (n, d), a tuple per row


# scaling with the numbers of the training data


def scale_like(X_new, X_train):
    """X_new (m, d), standardised as X_train (n, d) is: with its means and standard deviations.

    A column that is constant in X_train is divided by 1.
    """
    mean = X_train.mean(dim=0)  # (d,)
    std = X_train.std(dim=0, correction=0)  # (d,)
    std[std == 0] = 1
    return (X_new - mean) / std


def _scale_by_itself(X_new, X_train):
    return (X_new - X_new.mean(dim=0)) / X_new.std(dim=0, correction=0)


def _scale_both_together(X_new, X_train):
    return scale_like(X_new, torch.cat([X_train, X_new]))


def _scale_constant_columns_too(X_new, X_train):
    return (X_new - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)


def _scale_small_columns_too(X_new, X_train):
    return (X_new - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0).clamp(min=1)


def _scale_in_place(X_new, X_train):
    std = X_train.std(dim=0, correction=0)
    std[std == 0] = 1
    X_new -= X_train.mean(dim=0)
    X_new /= std
    return X_new


def _scale_tiny_number(X_new, X_train):
    return (X_new - X_train.mean(dim=0)) / (X_train.std(dim=0, correction=0) + 1e-8)


def _scale_sample_std(X_new, X_train):
    std = X_train.std(dim=0)
    return (X_new - X_train.mean(dim=0)) / torch.where(std == 0, 1.0, std)


def _scale_sample_std_all_columns(X_new, X_train):
    return (X_new - X_train.mean(dim=0)) / X_train.std(dim=0)


def _scale_all_columns_as_one(X_new, X_train):
    return (X_new - X_train.mean()) / X_train.std(correction=0)


def _scale_sklearn(X_new, X_train):
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(X_train.numpy()).transform(X_new.numpy())


def _scale_where(X_new, X_train):
    centred = X_train.double() - X_train.double().mean(dim=0)
    std = (centred**2).mean(dim=0).sqrt()
    return (X_new - X_train.double().mean(dim=0)) / torch.where(std > 0, std, 1.0)


def _two_tables(answer):
    """The example of the text, then four columns: one constant, one with a standard deviation of 0.5."""
    small = _matrix((8.0,)), _matrix((1.0,), (3.0,))
    large = (
        _matrix((8.0, 5.0, -1.0, 3.0), (2.0, 7.0, 40.0, 1.0)),
        _matrix(
            (1.0, 5.0, 20.0, 1.0),
            (3.0, 5.0, 10.0, 2.0),
            (8.0, 5.0, 60.0, 1.0),
            (4.0, 5.0, 10.0, 2.0),
        ),
    )
    for X_new, X_train in (small, large):
        call = f"scale_like({X_new.int().tolist()}, {X_train.int().tolist()})"  # whole numbers
        yield call, answer(X_new, X_train)
        yield f"X_new after {call}", X_new
        yield f"X_train after {call}", X_train


# several targets at once


def mse_gradient(X, y, W, b):
    """The slopes dW (d, k) and db (k,) of the squared errors, mean over students, sum over targets.

    X: (n, d), y: (n, k), W: (d, k), b: (k,).
    """
    error = X @ W + b - y  # (n, k)
    dW = 2 * X.T @ error / len(X)  # (d, n) @ (n, k) = (d, k)
    db = 2 * error.mean(dim=0)  # (k,)
    return dW, db


def _gradient_one_db(X, y, W, b):
    error = X @ W + b - y
    return 2 / len(X) * X.T @ error, 2 * error.mean()


def _gradient_all_entries(X, y, W, b):
    error = X @ W + b - y
    return 2 / error.numel() * X.T @ error, 2 / error.numel() * error.sum(dim=0)


def _gradient_untransposed(X, y, W, b):
    error = X @ W + b - y
    return 2 / len(X) * X @ error, 2 * error.mean(dim=0)


def _gradient_on_its_side(X, y, W, b):
    error = X @ W + b - y
    return 2 / len(X) * error.T @ X, 2 * error.mean(dim=0)


def _gradient_times(factor):
    """As `mse_gradient`, with both slopes multiplied by factor(n)."""

    def gradient(X, y, W, b):
        dW, db = mse_gradient(X, y, W, b)
        return factor(len(X)) * dW, factor(len(X)) * db

    return gradient


def _gradient_sum_in_dW(X, y, W, b):
    dW, db = mse_gradient(X, y, W, b)
    return len(X) * dW, db


def _gradient_sum_in_db(X, y, W, b):
    dW, db = mse_gradient(X, y, W, b)
    return dW, len(X) * db


def _gradient_autograd(X, y, W, b):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    ((X @ W + b - y) ** 2).mean(dim=0).sum().backward()
    return W.grad, b.grad


def _gradient_numpy(X, y, W, b):
    X, y, W, b = (values.double().numpy() for values in (X, y, W, b))
    error = X @ W + b - y
    return np.einsum("nd,nk->dk", X, error) * 2 / len(X), 2 * error.mean(axis=0)


# a valley without flat directions


def ridge(X, y, alpha):
    """The parameters (d + 1, 1), the bias last, with the least MSE + alpha * (sum of squared weights)."""
    A = torch.cat([X, torch.ones(len(X), 1)], dim=1).double()  # (n, d + 1)
    D = torch.eye(A.shape[1], dtype=torch.float64)  # (d + 1, d + 1)
    D[-1, -1] = 0  # the bias is free
    return torch.linalg.solve(A.T @ A / len(A) + alpha * D, A.T @ y.double() / len(A))


def _ridge_with(penalty):
    """As `ridge`, with the matrix penalty(A, alpha) added to A^T A / n."""

    def solve(X, y, alpha):
        A = torch.cat([X, torch.ones(len(X), 1)], dim=1).double()
        return torch.linalg.solve(A.T @ A / len(A) + penalty(A, alpha), A.T @ y.double() / len(A))

    return solve


def _weights_only(A):
    D = torch.eye(A.shape[1], dtype=torch.float64)
    D[-1, -1] = 0
    return D


def _ridge_bias_forgotten(X, y, alpha):
    X = X.double()
    D = alpha * torch.eye(X.shape[1], dtype=torch.float64)
    return torch.linalg.solve(X.T @ X / len(X) + D, X.T @ y.double() / len(X))


def _ridge_centred(X, y, alpha):
    X, y = X.double().numpy(), y.double().numpy()
    dX, dy = X - X.mean(axis=0), y - y.mean(axis=0)
    W = np.linalg.inv(dX.T @ dX + len(X) * alpha * np.eye(X.shape[1])) @ dX.T @ dy
    return np.concatenate([W, (y - X @ W).mean(axis=0, keepdims=True)])


def _ridge_sklearn(X, y, alpha):
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=len(X) * alpha).fit(X.double().numpy(), y.double().numpy().ravel())
    return torch.tensor([*model.coef_, model.intercept_])[:, None]


# two leaks in one function


def _honest_columns_broken(X, y, train_rows, test_rows, k):
    """The k columns of X that go best with y, standardised: (n_train, k) and (n_test, k)."""
    Z = (X - X.mean(dim=0)) / X.std(dim=0, correction=0)  # (n, d)
    correlation = (Z * (y - y.mean())).mean(dim=0).abs()  # (d,)
    chosen = correlation.topk(k).indices  # (k,)
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def honest_columns(X, y, train_rows, test_rows, k):
    """The k columns of X that go best with y, standardised: (n_train, k) and (n_test, k)."""
    X_train, y_train = X[train_rows], y[train_rows]
    Z = (X - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)  # (n, d)
    correlation = (Z[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs()  # (d,)
    chosen = correlation.topk(k).indices  # (k,)
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_chosen_with_all(X, y, train_rows, test_rows, k):
    X_train = X[train_rows]
    Z = (X - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)
    correlation = ((X - X.mean(dim=0)) / X.std(dim=0, correction=0) * (y - y.mean())).mean(dim=0)
    chosen = correlation.abs().topk(k).indices
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_scaled_with_all(X, y, train_rows, test_rows, k):
    Z = (X - X.mean(dim=0)) / X.std(dim=0, correction=0)
    y_train = y[train_rows]
    chosen = (Z[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs().topk(k).indices
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_chosen_with_all_scales(X, y, train_rows, test_rows, k):
    X_train, y_train = X[train_rows], y[train_rows]
    Z = (X - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)
    Z_all = (X - X.mean(dim=0)) / X.std(dim=0, correction=0)
    chosen = (Z_all[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs().topk(k).indices
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_by_covariance(X, y, train_rows, test_rows, k):
    X_train, y_train = X[train_rows], y[train_rows]
    centred = X - X_train.mean(dim=0)
    Z = centred / X_train.std(dim=0, correction=0)
    chosen = (centred[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs().topk(k).indices
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_in_table_order(X, y, train_rows, test_rows, k):
    X_train, y_train = X[train_rows], y[train_rows]
    Z = (X - X_train.mean(dim=0)) / X_train.std(dim=0, correction=0)
    correlation = (Z[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs()
    chosen = correlation.topk(k).indices.sort().values
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_sample_std(X, y, train_rows, test_rows, k):
    X_train, y_train = X[train_rows], y[train_rows]
    Z = (X - X_train.mean(dim=0)) / X_train.std(dim=0)
    chosen = (Z[train_rows] * (y_train - y_train.mean())).mean(dim=0).abs().topk(k).indices
    return Z[train_rows][:, chosen], Z[test_rows][:, chosen]


def _columns_each_by_itself(X, y, train_rows, test_rows, k):
    Z_train, Z_test = (
        (part - part.mean(dim=0)) / part.std(dim=0, correction=0)
        for part in (X[train_rows], X[test_rows])
    )
    y_train = y[train_rows]
    chosen = (Z_train * (y_train - y_train.mean())).mean(dim=0).abs().topk(k).indices
    return Z_train[:, chosen], Z_test[:, chosen]


def _columns_numpy(X, y, train_rows, test_rows, k):
    X, y = X.double().numpy(), y.double().numpy()
    fit, rest = X[train_rows.numpy()], X[test_rows.numpy()]
    mean, std = fit.mean(axis=0), fit.std(axis=0)
    correlation = abs((fit - mean).T @ y[train_rows.numpy()])[:, 0] / std
    chosen = np.argsort(-correlation)[:k]
    return ((fit - mean) / std)[:, chosen], ((rest - mean) / std)[:, chosen]


def _patients(n, d):
    """Columns with different scales, and a y that goes with the last two; the same numbers each time."""
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(n, d, generator=generator) * torch.arange(1.0, d + 1) + 10
    y = X[:, -1:] - X[:, -2:-1] + torch.randn(n, 1, generator=generator)
    # one test patient who is far from all others
    X[-1], y[-1] = X[-1] + 100 * torch.arange(d, 0.0, -1), y[-1] + 500
    return X, y


EXERCISES = [
    Exercise(
        name="two_weight_limit",
        kind="predict",
        solution=0.1,
        working="2 / 20, because H (1, -1) = (20, -20)",
        rtol=5e-3,  # a mistake may be rounded to 0.154, 0.333, 0.077
        why="Here the steepest way is to raise one weight and lower the other: signs off the diagonal decide, and "
        "the diagonal alone does not tell.",
        hints=(
            "The limit is 2 divided by the largest eigenvalue. Multiply H with each of the two directions: what "
            "comes out is the direction again, times its eigenvalue.",
            "H times (1, 1) is (13 - 7, -7 + 13). Do the same for (1, -1), and take the larger of the two numbers.",
        ),
        mistakes=(
            Mistake(
                2 / 13,
                "You took the curvature of one weight alone, 13, from the diagonal. Another direction bends more.",
            ),
            Mistake(
                2 / 6,
                "6 is the curvature along (1, 1), where both weights grow together. Here that is the flattest "
                "direction, not the steepest.",
            ),
            Mistake(
                1 / 20,
                "Half of the limit. Did you leave out the 2 in 2 / lambda, or forget that (1, -1) does not have "
                "length 1?",
            ),
            Mistake(20.0, "That is the largest eigenvalue. The limit is 2 divided by it."),
            Mistake(
                2 / 26,
                "The limit is 2 divided by a curvature. Here you have 1/13, which is also 2/26: 13 is one weight alone, "
                "26 the sum of both eigenvalues; neither is the largest.",
            ),
            Mistake(10.0, "Turned over: 2 / lambda, not lambda / 2."),
        ),
        also_right=(2 / 20, torch.tensor(0.1), np.float32(0.1)),
    ),
    Exercise(
        name="scale_like",
        kind="write",
        solution=scale_like,
        why="This is what StandardScaler does, constant columns included, rounding apart; now the new student and "
        "the training data are measured with the same ruler.",
        hints=(
            "Which of the two tensors knows the mean and the standard deviation that the model was trained with?",
            "A constant column has the standard deviation 0, and 0 / 0 is NaN. Put a 1 into std where it is 0.",
            "mean and std come from X_train, with dim=0, std with correction=0; then std[std == 0] = 1; then scale "
            "X_new.",
        ),
        probe=_two_tables,
        mistakes=(
            Mistake(
                _scale_small_columns_too,
                "A standard deviation below 1 is no reason to divide by 1: that column is not constant. Replace only "
                "what is 0.",
            ),
            Mistake(
                _scale_in_place,
                "The result is right, but X_new itself is changed: -= and /= write into the tensor of whoever calls. "
                "Compute a new one.",
            ),
            Mistake(
                _scale_by_itself,
                "You measured X_new by its own mean and standard deviation. The model knows only those of X_train; "
                "and a single new student would always come out as 0 / 0.",
            ),
            Mistake(
                lambda X_new, X_train: scale_like(X_new, X_new),
                "You measured X_new by its own mean and standard deviation. Then a single new student would always "
                "be average; the model knows only those of X_train.",
            ),
            Mistake(
                _scale_both_together,
                "The new rows took part in the mean and the standard deviation. Only X_train may: at training time "
                "the others are not known.",
            ),
            Mistake(
                _scale_constant_columns_too,
                "A column that is constant in X_train has the standard deviation 0, and gives NaN or infinity. Divide it "
                "by 1.",
            ),
            Mistake(
                _scale_tiny_number,
                "A tiny number added to std avoids the NaN. But a new value that differs in the constant column is "
                "then divided by almost nothing, and comes out as millions. Divide that column by 1.",
            ),
            Mistake(
                _scale_sample_std,
                "Your std divides by n - 1, the default of torch. Here it divides by n: correction=0.",
            ),
            Mistake(
                _scale_sample_std_all_columns,
                "Two things: your std divides by n - 1, where correction=0 divides by n; and a constant column "
                "gives NaN.",
            ),
            Mistake(
                _scale_all_columns_as_one,
                "You used one mean and one std for the whole table. Each column has its own: dim=0.",
            ),
        ),
        also_right=(_scale_sklearn, _scale_where),
    ),
    Exercise(
        name="mse_gradient",
        kind="write",
        solution=mse_gradient,
        why="The same two lines serve one target or a thousand: a layer of a network has just this gradient.",
        hints=(
            "Write the shape next to each thing: the error is (n, k), dW must be (d, k) as W is, and db (k,) as b is.",
            "Each target has its own column of W, and never meets the others. So each column has the gradient that "
            "you know, and the matrix product does all columns at once.",
            "dW = 2 / n * X.T @ error. For db, take twice the mean of the errors over the students only: dim=0.",
        ),
        cases=(
            (_matrix((1.0, 2.0)), _matrix((3.0,)), torch.zeros(2, 1), torch.zeros(1)),
            (
                _matrix((1.0, 2.0, 0.0), (0.0, 1.0, -1.0), (3.0, 0.0, 1.0), (2.0, 2.0, 2.0)),
                _matrix((3.0, 1.0), (0.0, 2.0), (1.0, -2.0), (4.0, 0.0)),
                _matrix((0.5, 1.0), (-1.0, 0.0), (2.0, 1.0)),
                torch.tensor([1.0, -1.0]),
            ),
        ),
        mistakes=(
            Mistake(
                _gradient_one_db,
                "db is a single number, but b has an entry for each target. Take the mean over the students only.",
            ),
            Mistake(
                _gradient_all_entries,
                "You divided by all n times k errors. This loss is a mean over the students, but a sum over the "
                "targets.",
            ),
            Mistake(
                _gradient_untransposed,
                "X @ error does not fit: (n, d) times (n, k). Which order and which transpose give back the shape "
                "of W?",
            ),
            Mistake(
                _gradient_on_its_side,
                "dW lies on its side: it is (k, d), and W is (d, k). Exchange the two factors, and transpose the "
                "other one.",
            ),
            Mistake(
                _gradient_times(lambda n: n),
                "n times too large: the mean over the students is missing. Divide by n.",
            ),
            Mistake(
                _gradient_sum_in_dW,
                "db is right, but dW is n times too large: the mean over the students is missing there.",
            ),
            Mistake(
                _gradient_sum_in_db,
                "dW is right, but db is n times too large: the mean over the students is missing there.",
            ),
            Mistake(
                _gradient_times(lambda n: n / 2),
                "Two factors are missing: the 2 that the square brings down, and the 1 / n of the mean.",
            ),
            Mistake(
                _gradient_times(lambda n: 1 / 2),
                "Half of the right slopes: the square brings a factor 2 down.",
            ),
            Mistake(
                _gradient_times(lambda n: -1),
                "The sign is turned around: the error is the prediction minus the truth.",
            ),
        ),
        also_right=(_gradient_autograd, _gradient_numpy),
    ),
    Exercise(
        name="ridge",
        kind="write",
        solution=ridge,
        why="Every weight's curvature has grown by 2 alpha, so no direction of the weights is flat any more: the data "
        "alone could not pin them down, now they are.",
        hints=(
            "Set the gradient to zero, as for the normal equation. The new term adds 2 alpha w_j to the slope of "
            "each weight, and nothing to that of the bias.",
            "Divided by 2, that is (A^T A / n + alpha D) theta = A^T y / n. D is a diagonal matrix: which numbers "
            "stand on its diagonal?",
            "D = torch.eye(d + 1, dtype=torch.float64), and D[-1, -1] = 0 for the bias. Then torch.linalg.solve, as "
            "in solve.",
        ),
        cases=(
            (_matrix((-1.0,), (1.0,)), _matrix((1.0,), (5.0,)), 3.0),
            (_matrix((-1.0,), (1.0,)), _matrix((1.0,), (5.0,)), 0.0),
            (
                _matrix((1.0, 2.0), (2.0, 1.0), (4.0, 5.0), (5.0, 5.0), (7.0, 6.0)),
                _matrix((3.0,), (4.0,), (9.0,), (8.0,), (15.0,)),
                0.5,
            ),
        ),
        mistakes=(
            Mistake(
                _ridge_with(lambda A, alpha: alpha * torch.eye(A.shape[1], dtype=torch.float64)),
                "The bias is held back, too. It only says where zero lies; leave its place on the diagonal free.",
            ),
            Mistake(
                _ridge_with(lambda A, alpha: alpha / len(A) * _weights_only(A)),
                "The n got lost: the MSE is a mean, and the penalty is not. Divide A^T A by n, or multiply alpha "
                "by n.",
            ),
            Mistake(
                _ridge_with(lambda A, alpha: 2 * alpha * _weights_only(A)),
                "The penalty counts double. Both terms of the gradient have a factor 2, so it cancels in both.",
            ),
            Mistake(
                _ridge_with(lambda A, alpha: alpha / 2 * _weights_only(A)),
                "The penalty counts half. The slope of alpha w_j^2 is 2 alpha w_j: the 2 belongs to both terms, and "
                "cancels in both.",
            ),
            Mistake(
                _ridge_with(lambda A, alpha: alpha * torch.ones_like(A.T @ A)),
                "alpha belongs on the diagonal only. A number that you add to a matrix goes to every entry.",
            ),
            Mistake(
                _ridge_with(lambda A, alpha: 0 * A.T @ A),
                "This is least squares: alpha has no effect yet.",
            ),
            Mistake(
                _ridge_bias_forgotten,
                "The bias is missing. Give X the column of ones first; then leave that column unpunished.",
            ),
        ),
        also_right=(_ridge_centred, _ridge_sklearn),
    ),
    Exercise(
        name="honest_columns",
        kind="repair",
        solution=honest_columns,
        stub=_honest_columns_broken,
        why="Now the test rows can change nothing but their own entries: alter them as you like, and the training "
        "part stays the same.",
        hints=(
            "Ask of each line which rows it computes something from. Only the training rows may be asked.",
            "There are two leaks: the mean and std of the scaling, and the correlation behind the choice. The test "
            "rows are scaled, too, but with the numbers of the training rows.",
            "Take the mean and std of X[train_rows]; and compute the correlation from Z[train_rows] and "
            "y[train_rows].",
        ),
        cases=(
            (
                _matrix((1.0, 1.0), (3.0, 0.0), (5.0, 2.0), (4.0, 19.0)),
                _matrix((1.0,), (2.0,), (3.0,), (20.0,)),
                torch.tensor([0, 1, 2]),
                torch.tensor([3]),
                1,
            ),
            # a test row with a huge entry in the best column
            (
                _matrix((1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0), (500.0, 2.5)),
                _matrix((1.0,), (2.0,), (3.0,), (4.0,), (5.0,)),
                torch.arange(4),
                torch.tensor([4]),
                1,
            ),
            # the second column has larger numbers, the first one goes better with y
            (
                _matrix((1.0, 10.0), (2.0, 30.0), (3.0, 20.0), (4.0, 40.0), (2.5, 25.0)),
                _matrix((1.0,), (2.0,), (3.0,), (4.0,), (5.0,)),
                torch.arange(4),
                torch.tensor([4]),
                1,
            ),
            (*_patients(12, 5), torch.arange(8), torch.arange(8, 12), 2),
        ),
        mistakes=(
            Mistake(
                _columns_chosen_with_all_scales,
                "The output is scaled honestly, but the choice still uses the mean and std of all rows: a huge entry "
                "in a test row can change which columns are chosen.",
            ),
            Mistake(
                _columns_by_covariance,
                "Without the division by std, the column with the largest numbers wins the choice. Compute the "
                "correlation from standardised columns.",
            ),
            Mistake(
                _columns_in_table_order,
                "The right columns, but in the order of the table. The best one comes first.",
            ),
            Mistake(
                _columns_chosen_with_all,
                "Half of it is done: the scaling is honest. But the choice of the columns still looks at the y of "
                "the test rows.",
            ),
            Mistake(
                _columns_scaled_with_all,
                "Half of it is done: the choice is honest. But the mean and std still come from all rows.",
            ),
            Mistake(
                _columns_sample_std,
                "Both leaks are closed, but correction=0 got lost on the way: std now divides by n - 1.",
            ),
            Mistake(
                _columns_each_by_itself,
                "The test rows are scaled by their own mean and std. They must be measured with the ruler of the "
                "training rows; a single patient has no std at all.",
            ),
        ),
        also_right=(_columns_numpy,),
    ),
]
