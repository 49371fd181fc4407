"""The exercises of notebook 02."""

import numpy as np
import torch
from torch import nn

from helpers.exercises.core import Exercise, Mistake


def _column(*values):
    return torch.tensor(values).unsqueeze(1)  # (n, 1)


class Line(nn.Module):
    """The `Line` of the notebook, with a start to choose; unlike nn.Linear it draws no random numbers."""

    def __init__(self, w, b):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))
        self.b = nn.Parameter(torch.tensor(b))

    def forward(self, X):
        return self.w * X + self.b  # (n, 1)


# a bend instead of a line


def curve_slopes(w, b, X, y):
    """The slopes (dw, db) of the MSE of y_hat = w x^2 + b; X, y: (n, 1)."""
    error = w * X**2 + b - y  # (n, 1)
    return (2 * error * X**2).mean(), (2 * error).mean()


def _curve_error(w, b, X, y):
    return w * X**2 + b - y


def _curve_slopes_with(inner):
    """As `curve_slopes`, with another inner slope for w."""

    def slopes(w, b, X, y):
        error = _curve_error(w, b, X, y)
        return (2 * error * inner(X)).mean(), (2 * error).mean()

    return slopes


def _line_slopes(w, b, X, y):
    error = w * X + b - y
    return (2 * error * X).mean(), (2 * error).mean()


def _curve_slopes_numpy(w, b, X, y):
    X, y = X.double().numpy(), y.double().numpy()
    error = w * X**2 + b - y
    return 2 * np.mean(error * X**2), 2 * np.mean(error)


def _curve_slopes_autograd(w, b, X, y):
    w, b = torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)
    (_curve_error(w, b, X, y) ** 2).mean().backward()
    return w.grad, b.grad


# the training loop, with an end


def steps_until(model, X, y, lr, goal, at_most):
    """The steps until the MSE of `model` is below `goal`, or `at_most`."""
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(at_most):
        loss = loss_fn(model(X), y)
        if loss < goal:
            return step
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return at_most


def _steps_one_too_many(model, X, y, lr, goal, at_most):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(at_most):
        loss = nn.functional.mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < goal:
            return step + 1
    return at_most


def _steps_without_reset(model, X, y, lr, goal, at_most):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(at_most):
        loss = nn.functional.mse_loss(model(X), y)
        if loss < goal:
            return step
        loss.backward()
        optimizer.step()
    return at_most


def _steps_reset_too_late(model, X, y, lr, goal, at_most):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(at_most):
        loss = nn.functional.mse_loss(model(X), y)
        if loss < goal:
            return step
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
    return at_most


def _steps_last_number(model, X, y, lr, goal, at_most):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(at_most):  # noqa: B007
        loss = nn.functional.mse_loss(model(X), y)
        if loss < goal:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return step


def _steps_while(model, X, y, lr, goal, at_most):
    steps = 0
    while steps < at_most and ((model(X) - y) ** 2).mean().item() >= goal:
        model.zero_grad()
        ((model(X) - y) ** 2).mean().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= lr * parameter.grad
        steps += 1
    return torch.tensor(steps)


def _steps_of(answer):
    """The number of steps in four situations. The model is made anew for each."""
    one_point = _column(1.0), _column(2.0)  # the losses are 4, 1, 0.25, 0.0625 ...
    three_points = _column(0.0, 1.0, 2.0), _column(1.0, 3.0, 5.0)
    for what, start, data, lr, goal, at_most in (
        ("steps_until for the example in the text", (0.0, 0.0), one_point, 0.125, 0.5, 20),
        ("steps_until for x = 0, 1, 2 and y = 1, 3, 5", (1.0, 2.0), three_points, 0.2, 0.01, 50),
        ("steps_until for a model that is good already", (2.0, 1.0), three_points, 0.2, 0.01, 50),
        (
            "steps_until for a goal out of reach within 5 steps",
            (0.0, 0.0),
            one_point,
            0.125,
            1e-9,
            5,
        ),
    ):
        yield what, answer(Line(*start), *data, lr=lr, goal=goal, at_most=at_most)


# two faults in one loop


def _flat_fit_broken(model, X, y, lr, epochs):
    """Train `model` in place; X: (n, 1), y: (n,). Returns the loss before each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        y_hat = model(X)  # (n, 1)
        loss = ((y_hat - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def flat_fit(model, X, y, lr, epochs):
    """Train `model` in place; X: (n, 1), y: (n,). Returns the loss before each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        y_hat = model(X)  # (n, 1)
        loss = ((y_hat - y.unsqueeze(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _flat_fit_all_pairs(model, X, y, lr, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        loss = ((model(X) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _flat_fit_without_reset(model, X, y, lr, epochs):
    return _flat_fit_broken(model, X, y.unsqueeze(1), lr, epochs)


def _flat_fit_reset_too_late(model, X, y, lr, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        loss = ((model(X) - y.unsqueeze(1)) ** 2).mean()
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _flat_fit_flattened(model, X, y, lr, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        loss = nn.functional.mse_loss(model(X).squeeze(1), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return torch.stack(losses)


# a line that does not listen to the loudest


def robust_fit(X, y, delta, lr, epochs):
    """The line (w, b) after `epochs` full-batch steps on Huber's loss from zero."""
    w, b = 0.0, 0.0
    for _ in range(epochs):
        error = w * X + b - y  # (n, 1)
        outer = error.clamp(-delta, delta)  # the slope of the loss toward the error
        w, b = w - lr * (outer * X).mean(), b - lr * outer.mean()
    return w, b


def _fit_with(outer):
    """As `robust_fit`, with another outer slope."""

    def fit(X, y, delta, lr, epochs):
        w, b = 0.0, 0.0
        for _ in range(epochs):
            slope = outer(w * X + b - y, delta)
            w, b = w - lr * (slope * X).mean(), b - lr * slope.mean()
        return w, b

    return fit


def _robust_fit_clipped_late(X, y, delta, lr, epochs):
    w, b = 0.0, 0.0
    for _ in range(epochs):
        error = w * X + b - y
        dw, db = (error * X).clamp(-delta, delta).mean(), error.clamp(-delta, delta).mean()
        w, b = w - lr * dw, b - lr * db
    return w, b


def _robust_fit_without_inner(X, y, delta, lr, epochs):
    w, b = 0.0, 0.0
    for _ in range(epochs):
        slope = (w * X + b - y).clamp(-delta, delta).mean()
        w, b = w - lr * slope, b - lr * slope
    return w, b


def _robust_fit_autograd(X, y, delta, lr, epochs):
    w = torch.zeros(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(epochs):
        loss = nn.functional.huber_loss(w * X + b, y, delta=delta)
        w.grad = b.grad = None
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            b -= lr * b.grad
    return w.detach(), b.detach()


def _robust_fit_numpy(X, y, delta, lr, epochs):
    X, y = X.double().numpy(), y.double().numpy()
    w, b = 0.0, 0.0
    for _ in range(epochs):
        error = w * X + b - y
        outer = np.where(abs(error) <= delta, error, delta * np.sign(error))
        w, b = w - lr * (outer * X).mean(), b - lr * outer.mean()
    return [w, b]


EXERCISES = [
    Exercise(
        name="parabola_limit",
        kind="predict",
        solution=0.04,
        working="2 / L'', and the slope 10 * (5a - 10) = 50a - 100 has the derivative L'' = 50",
        why="You knew it before any run: at 0.039 the descent arrives, at 0.041 it explodes.",
        hints=(
            "The limit is 2 / L'', and L'' says how much the slope changes when a grows by 1.",
            "Multiply the slope out, to a number times a, minus another number. The first of the two is L''.",
        ),
        mistakes=(
            Mistake(
                2 / 10,
                "You took the 10 in front of the bracket for the curvature. But when a grows by 1, the bracket "
                "grows by 5, and the slope by more than 10.",
            ),
            Mistake(
                1 / 50,
                "That is 1 / L'', the fastest learning rate. The limit lies farther out.",
            ),
            Mistake(
                2 / 25,
                "25 is what stands in front of a squared. Differentiate 25 a^2 twice, and a factor 2 comes out.",
            ),
            Mistake(50.0, "That is the curvature L''. The limit is 2 divided by it."),
            Mistake(
                0.25,
                "That is the limit of (2a - 3)^2. This valley is narrower: its curvature is larger.",
            ),
        ),
        also_right=(2 / 50, torch.tensor(0.04), np.float64(0.04), [0.04]),
    ),
    Exercise(
        name="steps_until",
        kind="write",
        solution=steps_until,
        why="You wrote the loop from memory, and gave it an end of its own: this is how training stops in practice, "
        "when the loss is good enough or the patience is used up.",
        hints=(
            "Start from the four lines of the training loop. The end comes after the first of them: there you know "
            "the loss, and have not moved yet.",
            "for step in range(at_most): when the body begins, exactly step steps have been made. So that is what to "
            "return if the loss is below the goal.",
            "In the body: the loss; if loss < goal: return step; then zero_grad, backward, step. After the loop: "
            "return at_most.",
        ),
        probe=_steps_of,
        mistakes=(
            Mistake(
                _steps_one_too_many,
                "One step too many: compare the loss with the goal before you step. A model that is good already "
                "needs 0 steps.",
            ),
            Mistake(
                _steps_without_reset,
                "The old gradients are still there: without zero_grad() each step uses the sum of all slopes so far.",
            ),
            Mistake(
                _steps_reset_too_late,
                "The model never moves. step() needs what backward() leaves in the parameters, so the reset comes "
                "before backward(), and step() after it.",
            ),
            Mistake(
                _steps_last_number,
                "If the goal is never reached, at_most steps were made; the last number of range(at_most) is one less.",
            ),
        ),
        also_right=(_steps_while,),
    ),
    Exercise(
        name="flat_fit",
        kind="repair",
        solution=flat_fit,
        stub=_flat_fit_broken,
        why="Both faults run without a word, and both show in the loss: it swings, or it stops at the spread of y.",
        hints=(
            'Write the shape next to each of y_hat, y and their difference, as in section "Pitfall: a wrong shape"; '
            "then look for the four lines of the loop.",
            "One line is missing, and one subtraction compares every prediction with every target.",
            "The missing line is optimizer.zero_grad(), before backward(); and y.unsqueeze(1) has the shape of y_hat.",
        ),
        cases=(
            (Line(1.0, 0.0), _column(0.0, 1.0), torch.tensor([1.0, 3.0]), 0.5, 1),
            (Line(1.0, 0.0), _column(0.0, 1.0), torch.tensor([1.0, 3.0]), 0.5, 4),
            (Line(0.5, -1.0), _column(-1.0, 0.5, 2.0), torch.tensor([0.0, 2.0, 6.0]), 0.1, 20),
        ),
        mistakes=(
            Mistake(
                _flat_fit_all_pairs,
                "Half of it is right: the gradients are reset. But every prediction is still compared with every "
                "target: look at the shape of y_hat - y, it should be (n, 1).",
            ),
            Mistake(
                _flat_fit_without_reset,
                "Half of it is right: the shapes fit. But the gradients of earlier epochs are still there: one line "
                "of the loop is missing, and it belongs into every epoch.",
            ),
            Mistake(
                _flat_fit_reset_too_late,
                "Now the model never moves. The reset stands between backward() and step(), so it deletes the gradient "
                "that step() needs.",
            ),
        ),
        also_right=(_flat_fit_flattened,),
    ),
    Exercise(
        name="curve_slopes",
        kind="write",
        solution=curve_slopes,
        why="The outer slope stays the same for every model with this loss, only the inner one changes; so the bend "
        "costs you one symbol.",
        hints=(
            "The chain rule: the outer slope of the squared error, times the inner slope of the prediction. "
            "x is data: nobody moves it.",
            "How much does w x^2 + b change when w grows by 1? That number takes the place that x_i has in the "
            "formula for the line.",
            "error = w * X**2 + b - y; each slope is a mean: of 2 * error times the inner slope of w, and of "
            "2 * error times 1.",
        ),
        cases=(
            (1.0, 0.0, _column(3.0), _column(8.0)),
            (0.5, 1.0, _column(-1.0, 2.0, 4.0), _column(2.0, 0.0, 5.0)),
        ),
        mistakes=(
            Mistake(
                _curve_slopes_with(torch.ones_like),
                "The inner slope is missing in dw: when w grows by 1, the prediction does not grow by 1.",
            ),
            Mistake(
                _curve_slopes_with(lambda X: X),
                "You used the inner slope of the line, x. Here w is multiplied by something else.",
            ),
            Mistake(
                _line_slopes,
                "These are the slopes of the line w x + b. Here the prediction is w x^2 + b, which changes the error, "
                "and the inner slope of w.",
            ),
            Mistake(
                _curve_slopes_with(lambda X: 2 * X),
                "2x is the derivative of x^2 toward x. But the step moves w, and x stays where it is.",
            ),
            Mistake(
                lambda w, b, X, y: tuple(slope / 2 for slope in curve_slopes(w, b, X, y)),
                "Half of the right slopes: the square brings a factor 2 down.",
            ),
            Mistake(
                lambda w, b, X, y: tuple(len(X) * slope for slope in curve_slopes(w, b, X, y)),
                "You added the points up. The MSE is a mean, so its slopes are means.",
            ),
            Mistake(
                lambda w, b, X, y: tuple(-slope for slope in curve_slopes(w, b, X, y)),
                "The sign is turned around: the error is the prediction minus the truth.",
            ),
            Mistake(
                lambda w, b, X, y: (
                    2 * _curve_error(w, b, X, y) * X**2,
                    2 * _curve_error(w, b, X, y),
                ),
                "These are the slopes of every single point. The mean over the points is missing.",
            ),
        ),
        also_right=(_curve_slopes_numpy, _curve_slopes_autograd),
    ),
    Exercise(
        name="robust_fit",
        kind="write",
        solution=robust_fit,
        why="A misprint pulls no harder than an error of delta, and near the minimum the steps still grow small.",
        hints=(
            "Only the outer slope is new: the derivative of Huber's loss toward the error. Work it out for the two "
            "pieces, for positive and for negative errors.",
            "In the middle the slope is the error itself (the half takes the 2 away). Beyond delta the loss is a "
            "straight line, with the slope delta on the right and -delta on the left.",
            "That is error.clamp(-delta, delta). Put it in place of 2 * error in fit_torch, with w = b = 0.0 at the "
            "start.",
        ),
        cases=(
            (_column(2.0), _column(5.0), 1.0, 0.1, 1),
            (_column(0.0, 1.0, 2.0, 3.0), _column(0.2, 8.0, -6.0, 0.5), 0.5, 0.1, 1),
            (_column(0.0, 1.0, 2.0, 3.0), _column(0.2, 8.0, -6.0, 0.5), 0.5, 0.1, 30),
        ),
        mistakes=(
            Mistake(
                _fit_with(lambda error, delta: error),
                "Large errors still pull with their full size. Beyond delta the loss is a straight line: what is "
                "the slope there?",
            ),
            Mistake(
                _fit_with(lambda error, delta: delta * error.sign()),
                "All errors pull with delta, small ones too. Up to delta the loss is a square, so there the slope "
                "is in proportion to the error.",
            ),
            Mistake(
                _fit_with(lambda error, delta: 2 * error.clamp(-delta, delta)),
                "Twice the right slopes: the square has a one half in front, which takes the 2 away.",
            ),
            Mistake(
                _fit_with(lambda error, delta: error.clamp(max=delta)),
                "Errors below -delta still pull with their full size. The slope has a bound on both sides.",
            ),
            Mistake(
                _fit_with(lambda error, delta: torch.where(error.abs() <= delta, error, delta)),
                "The sign got lost beyond delta: a prediction that is far too low must pull the other way.",
            ),
            Mistake(
                _robust_fit_clipped_late,
                "You cut off error times x. The bound belongs to the outer slope, before the inner slope x is "
                "multiplied.",
            ),
            Mistake(
                _robust_fit_without_inner,
                "The inner slope is missing for w: the error of point i changes x_i times as much as w.",
            ),
        ),
        also_right=(_robust_fit_autograd, _robust_fit_numpy),
    ),
]
