"""The exercises of notebook 00."""

import torch

from helpers.exercises.core import Exercise, Mistake


def sizes(answer):
    """A shape given as a tensor counts as well as a tuple, and "Error" as "error"."""
    if isinstance(answer, torch.Tensor):
        answer = tuple(answer.tolist())
    elif isinstance(answer, str):
        answer = answer.strip().lower()
    yield "your answer", answer


def column(*numbers):
    return torch.tensor(numbers).reshape(-1, 1)


def squared_error(prediction, truth):
    """The mean squared error of n predictions; prediction, truth: (n,) or (n, 1)."""
    return ((prediction.reshape(-1) - truth.reshape(-1)) ** 2).mean()


def _squared_error_of_a_table(prediction, truth):
    """The mean squared error of n predictions; prediction, truth: (n,) or (n, 1)."""
    return ((prediction - truth) ** 2).mean()


def _error_with_assertion(prediction, truth):
    assert prediction.shape == truth.shape
    return ((prediction - truth) ** 2).mean()


def vector_bowl(v):
    return v[0] ** 2 + 2 * v[1] ** 2


def product_of_three(v):
    return v[0] * v[1] * v[2]


def nudged_gradient(f, x, h=1e-4):
    """The gradient of f at x, by nudging; f: (d,) -> one number, x: (d,), float64. Returns (d,)."""
    gradient = torch.zeros_like(x)
    for i in range(len(x)):
        right, left = x.clone(), x.clone()
        right[i] += h
        left[i] -= h
        gradient[i] = (f(right) - f(left)) / (2 * h)
    return gradient


def _nudge_one_side(f, x, h=1e-4):
    gradient = torch.zeros_like(x)
    for i in range(len(x)):
        right = x.clone()
        right[i] += h
        gradient[i] = (f(right) - f(x)) / h
    return gradient


def _nudge_without_copy(f, x, h=1e-4):
    gradient = torch.zeros_like(x)
    for i in range(len(x)):
        right, left = x, x
        right[i] += h
        left[i] -= h
        gradient[i] = (f(right) - f(left)) / (2 * h)
    return gradient


def _nudge_and_stay(f, x, h=1e-4):
    gradient = torch.zeros_like(x)
    for i in range(len(x)):
        x[i] += h
        above = f(x)
        x[i] -= 2 * h
        gradient[i] = (above - f(x)) / (2 * h)
    return gradient


def _nudge_along_rows_of_identity(f, x, h=1e-4):
    steps = h * torch.eye(len(x), dtype=x.dtype)
    return torch.stack([(f(x + step) - f(x - step)) / (2 * h) for step in steps])


def chance_given_row(counts):
    """P(column | row) from a table of counts; counts: (r, k), whole numbers. Returns (r, k)."""
    return counts / counts.sum(dim=1, keepdim=True)


def nearest_label(X_new, X_known, y_known):
    """For each row of X_new, the label of the nearest row of X_known.

    X_new: (m, d), X_known: (n, d), y_known: (n,). Returns (m,).
    """
    distances = ((X_new[:, None] - X_known) ** 2).sum(dim=2)  # (m, n)
    return y_known[distances.argmin(dim=1)]


def _nearest_by_loop(X_new, X_known, y_known):
    nearest = [((X_known - row) ** 2).sum(dim=1).argmin() for row in X_new]
    return y_known[torch.stack(nearest)]


def _nearest_mean(X_new, X_known, y_known):
    classes = y_known.unique()
    means = torch.stack([X_known[y_known == label].mean(dim=0) for label in classes])
    return classes[((X_new[:, None] - means) ** 2).sum(dim=2).argmin(dim=1)]


EXERCISES = [
    Exercise(
        name="result_shape",
        kind="predict",
        solution=(5, 2, 4),
        working="(2, 3) @ (3, 4) -> (2, 4); below it, ending on the right, (5, 1, 1)",
        why="Whoever knows the shape beforehand finds most bugs before they run anything.",
        hints=(
            'One after the other: first P @ Q, as in section "Two products", then broadcasting for the plus.',
            "P @ Q sums the inner sizes away. Write what is left below (5, 1, 1), so that both end at the same place "
            "on the right; where there is nothing, think a 1.",
        ),
        probe=sizes,
        mistakes=(
            Mistake(
                "error",
                "It works: align the shapes on the right, not on the left, and a missing size counts as 1.",
            ),
            Mistake(
                (2, 4),
                "That is the shape of P @ Q. Adding r brings one more dimension, the one where P @ Q has nothing.",
            ),
            Mistake(
                (5, 1, 1),
                "That is the shape of r. A size of 1 is stretched to the size it meets.",
            ),
            Mistake(
                (5, 1, 4),
                "Write (2, 4) below (5, 1, 1), ending on the right, and look what the 1 in the middle meets.",
            ),
            Mistake(
                (5, 2, 1),
                "Write (2, 4) below (5, 1, 1), ending on the right, and look what the last 1 meets.",
            ),
            Mistake(
                (5, 2, 3),
                "The inner sizes of a matrix product, 3 and 3, are summed away; the outer ones stay.",
            ),
            Mistake(
                (5, 3, 4),
                "The inner sizes of a matrix product, 3 and 3, are summed away; rows come from P, columns from Q.",
            ),
            Mistake(
                (2, 4, 5),
                "The sizes are right, their order is not: r has its 5 in front, and shapes are aligned on the right.",
            ),
        ),
        also_right=([5, 2, 4], torch.Size([5, 2, 4]), torch.tensor([5, 2, 4])),
    ),
    Exercise(
        name="squared_error",
        kind="repair",
        solution=squared_error,
        stub=_squared_error_of_a_table,
        why="A loss that lines up its shapes itself, or asserts them, cannot fall for the silent bug.",
        hints=(
            "What is the shape of prediction - truth, when one is (n,) and the other (n, 1)?",
            "The function does not know which of the two comes as a column. What could you do to both, so that they "
            "have the same shape in every case?",
            "reshape(-1) makes (n,) out of either shape. Use it on prediction and on truth, before the subtraction.",
        ),
        cases=(
            (torch.tensor([1.0, 3.0]), column(1.0, 2.0)),
            (column(1.0, 3.0), torch.tensor([1.0, 2.0])),
            (column(4.0, 1.0, 0.0), column(1.0, 1.0, 0.0)),
            (torch.tensor([4.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0])),
        ),
        mistakes=(
            Mistake(
                lambda prediction, truth: ((prediction.reshape(-1, 1) - truth) ** 2).mean(),
                "The prediction is a column now, but the truth may come as (n,), and the bug is back. "
                "Bring both to one shape.",
            ),
            Mistake(
                lambda prediction, truth: ((prediction - truth.reshape(-1)) ** 2).mean(),
                "The truth lies flat now, but the prediction may come as a column, and a column against a row still is "
                "a table of (n, n) differences. Bring both to one shape.",
            ),
            Mistake(
                lambda prediction, truth: ((prediction - truth.reshape(-1, 1)) ** 2).mean(),
                "The truth is a column now, but the prediction may come as (n,), and the bug is back. "
                "Bring both to one shape.",
            ),
            Mistake(
                lambda prediction, truth: ((prediction.reshape(-1) - truth) ** 2).mean(),
                "The prediction lies flat now, but the truth may come as a column, and a row against a column still is "
                "a table of (n, n) differences. Bring both to one shape.",
            ),
            Mistake(
                _error_with_assertion,
                "The assertion catches the bug, which is a good habit. Here the function should work for both shapes, "
                "so bring them together.",
            ),
            Mistake(
                lambda prediction, truth: ((prediction.reshape(-1) - truth.reshape(-1)) ** 2).sum(),
                "The shapes are right, but this is the sum of the squares. The mean is asked for.",
            ),
        ),
        also_right=(
            lambda prediction, truth: ((prediction.reshape(truth.shape) - truth) ** 2).mean(),
            lambda prediction, truth: torch.nn.functional.mse_loss(
                prediction.view(-1, 1), truth.view(-1, 1)
            ),
            lambda prediction, truth: (
                (prediction.numpy().ravel() - truth.numpy().ravel()) ** 2
            ).mean(),
        ),
    ),
    Exercise(
        name="nearest_label",
        kind="write",
        solution=nearest_label,
        why="Nothing is averaged, and nothing is lost: of the 797 new images it reads 767, where the ten means read 710.",
        hints=(
            "It is the cell that computes distances once more, with all known images in place of the ten means.",
            "The differences need the shape (m, n, d): every new row against every known row. None in the brackets of "
            "X_new makes room for the n.",
            "Sum the squares over dim=2, take argmin over dim=1: positions in X_known, shape (m,). What you return are "
            "the labels at these positions, y_known[positions].",
        ),
        cases=(
            (
                torch.tensor([[1.0, 1.0]]),
                torch.tensor([[5.0, 5.0], [0.0, 1.0]]),
                torch.tensor([4, 9]),
            ),
            (
                torch.tensor([[0.0, 0.0], [3.0, 1.0], [9.0, 9.0], [6.0, -2.0]]),
                torch.tensor([[3.0, 0.0], [2.0, 2.0], [8.0, 8.0]]),
                torch.tensor([7, 5, 2]),
            ),
            (
                torch.tensor([[1.0, 0.0]]),
                torch.tensor([[0.0, 0.0], [10.0, 0.0], [4.0, 0.0]]),
                torch.tensor([1, 1, 2]),
            ),
        ),
        mistakes=(
            Mistake(
                _nearest_mean,
                "You still compare with the mean of each label. Here nothing is averaged: compare with every known "
                "row, even if several have the same label.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: (
                    ((X_new[:, None] - X_known) ** 2).sum(dim=2).argmin(dim=1)
                ),
                "These are the positions of the nearest rows. Asked for are the labels at these positions.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: y_known[
                    ((X_new[:, None] - X_known) ** 2).sum(dim=2).argmax(dim=1)
                ],
                "That is the label of the farthest row: argmax finds the largest distance.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: y_known[
                    (X_new[:, None] - X_known).sum(dim=2).argmin(dim=1)
                ],
                "Without the square, differences of opposite sign cancel, and a far row can look near.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: y_known[
                    (X_new[:, None] - X_known).abs().sum(dim=2).argmin(dim=1)
                ],
                "You add up absolute differences. Here the distance is the sum of the squares.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: y_known[
                    ((X_new - X_known) ** 2).sum(dim=1).argmin(dim=0)
                ],
                "X_new - X_known compares row with row, or fails. Every new row should meet every known row: "
                "X_new needs one more dimension.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: (
                    ((X_new[:, None] - X_known) ** 2).sum(dim=2).argmin(dim=0)
                ),
                "argmin runs over the new rows, dim=0. For each new row, look through the known ones.",
            ),
            Mistake(
                lambda X_new, X_known, y_known: y_known[
                    ((X_new[:, None] - X_known) ** 2).sum(dim=2).argmin(dim=0)
                ],
                "argmin runs over the new rows, dim=0. For each new row, look through the known ones.",
            ),
        ),
        also_right=(
            _nearest_by_loop,
            lambda X_new, X_known, y_known: y_known[torch.cdist(X_new, X_known).argmin(dim=1)],
            lambda X_new, X_known, y_known: y_known[
                ((X_known**2).sum(dim=1) - 2 * X_new @ X_known.T).argmin(dim=1)
            ],
        ),
    ),
    Exercise(
        name="chance_given_row",
        kind="write",
        solution=chance_given_row,
        why="Each row adds up to 1: one question per row, and all its answers.",
        hints=(
            "Given the row, only the cases of this row count. So each row is divided by its own total.",
            "The totals are sums over the columns, dim=1. Write the shapes (r, k) and (r,) under each other: what does "
            "the broadcasting rule do with them?",
            "The totals must have the shape (r, 1). keepdim=True in the sum does that; then divide.",
        ),
        cases=(
            (torch.tensor([[1, 3], [8, 2]]),),
            (torch.tensor([[1, 3, 4], [6, 2, 2]]),),
            (torch.tensor([[5, 5], [1, 4], [0, 7]]),),
        ),
        mistakes=(
            Mistake(
                lambda counts: counts / counts.sum(),
                "You divide by the number of all cases: that is the chance of row and column together. "
                "Given the row, only the cases of that row count.",
            ),
            Mistake(
                lambda counts: counts / counts.sum(dim=0),
                "You divide by the totals of the columns: that is P(row | column), the other question.",
            ),
            Mistake(
                lambda counts: counts / counts.sum(dim=1),
                "The totals of the rows have the shape (r,), and broadcasting lines them up with the columns. "
                "They should stand as a column, (r, 1).",
            ),
            Mistake(
                lambda counts: counts.sum(dim=1) / counts.sum(),
                "That is how often each row occurs, P(row). Asked for is the share of each column within a row.",
            ),
        ),
        also_right=(
            lambda counts: (counts.T / counts.sum(dim=1)).T,
            lambda counts: torch.nn.functional.normalize(counts.double(), p=1, dim=1),
            lambda counts: counts.numpy() / counts.numpy().sum(axis=1, keepdims=True),
        ),
    ),
    Exercise(
        name="nudged_gradient",
        kind="write",
        solution=nudged_gradient,
        why="It needs two runs of f for each input and no calculus, so it can referee any gradient you will meet.",
        hints=(
            "It is slope() once for each entry of x. Make a tensor of d zeros for the result, and a loop over the "
            "positions i.",
            "In each round you need two changed versions of x. x itself must stay as it is: change copies, made with "
            "x.clone().",
            "In round i: right = x.clone(), left = x.clone(), then right[i] += h and left[i] -= h. Entry i of the "
            "gradient is the difference of the two values of f, divided by 2 * h.",
        ),
        cases=(
            (vector_bowl, torch.tensor([1.0, 1.0], dtype=torch.float64)),
            (vector_bowl, torch.tensor([3.0, -1.0], dtype=torch.float64), 0.1),
            (product_of_three, torch.tensor([2.0, 3.0, -1.0], dtype=torch.float64)),
        ),
        mistakes=(
            Mistake(
                lambda f, x, h=1e-4: (f(x + h) - f(x - h)) / (2 * h),
                "x + h nudges all entries at once, which gives one number. Nudge one entry at a time.",
            ),
            Mistake(
                lambda f, x, h=1e-4: torch.full_like(x, (f(x + h) - f(x - h)) / (2 * h)),
                "All entries come out the same, since x + h nudges all of them at once. Nudge one entry at a time.",
            ),
            Mistake(
                _nudge_one_side,
                "You nudge to one side only, which is off by a multiple of h. Nudge to both sides and divide by 2 * h.",
            ),
            Mistake(
                lambda f, x, h=1e-4: 2 * nudged_gradient(f, x, h),
                "Twice too large: from x - h to x + h it is 2 * h, so divide by that.",
            ),
            Mistake(
                lambda f, x, h=1e-4: nudged_gradient(f, x, h) * h * h,
                "/ 2 * h divides by 2 and then multiplies by h. Put brackets around 2 * h.",
            ),
            Mistake(
                _nudge_without_copy,
                "All zeros: both nudges went into one tensor and cancelled. A second name is not a copy; x.clone() is.",
            ),
            Mistake(
                _nudge_and_stay,
                "A nudged entry does not go back to where it was, so the next one starts from a wrong x. "
                "Nudge a copy, or undo the nudge.",
            ),
        ),
        also_right=(
            _nudge_along_rows_of_identity,
            lambda f, x, h=1e-4: torch.autograd.functional.jacobian(f, x),
            lambda f, x, h=1e-4: nudged_gradient(f, x, h).float().numpy(),
        ),
        rtol=1e-5,
        atol=1e-6,
    ),
]
