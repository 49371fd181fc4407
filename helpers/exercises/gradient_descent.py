"""The exercises of notebook 02."""

import copy

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine import Notebook

notebook = Notebook("02")


def column(*values):
    return torch.tensor(values).unsqueeze(1)  # (n, 1)


class Line(nn.Module):
    """The `Line` of the notebook, with a start to choose; unlike nn.Linear it draws no random numbers."""

    def __init__(self, w, b):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))
        self.b = nn.Parameter(torch.tensor(b))

    def forward(self, X):
        return self.w * X + self.b  # (n, 1)


def linear(w, b):
    model = nn.Linear(1, 1)
    model.load_state_dict({"weight": torch.tensor([[w]]), "bias": torch.tensor([b])})
    return model


# ---------------------------------------------------------------------------------------------------- parabola_limit

exercise = notebook.predict(
    "parabola_limit",
    0.04,
    working="2 / L'', and the slope 10 * (5a - 10) = 50a - 100 has the derivative L'' = 50",
    why="You knew it before any run: at 0.039 the descent arrives, at 0.041 it explodes.",
)
exercise.hint(
    "The limit is 2 / L'', and L'' says how much the slope changes when a grows by 1.",
    "Multiply the slope out, to a number times a, minus another number. The first of the two is L''.",
)
exercise.mistake(
    "You took the 10 in front of the bracket for the curvature. But when a grows by 1, the bracket grows by 5, and the "
    "slope by more than 10.",
    2 / 10,
)
exercise.mistake("That is 1 / L'', the fastest learning rate. The limit lies farther out.", 1 / 50)
exercise.mistake(
    "25 is what stands in front of a squared. Differentiate 25 a^2 twice, and a factor 2 comes out.", 2 / 25
)
exercise.mistake("That is the curvature L''. The limit is 2 divided by it.", 50.0)
exercise.mistake("That is the limit of (2a - 3)^2. This valley is narrower: its curvature is larger.", 0.25)
exercise.also_right(2 / 50, torch.tensor(0.04), np.float64(0.04), [0.04])


# ------------------------------------------------------------------------------------------------------- steps_until

exercise = notebook.write(
    "steps_until",
    why="You wrote the loop from memory, and gave it an end of its own: this is how training stops in practice, when the "
    "loss is good enough or the patience is used up.",
    in_place=("model",),
)


@exercise.right
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


exercise.hint(
    "Start from the four lines of the training loop. The end comes after the first of them: there you know the loss, "
    "and have not moved yet.",
    "for step in range(at_most): when the body begins, exactly step steps have been made. So that is what to return if"
    " the loss is below the goal.",
    "In the body: the loss; if loss < goal: return step; then zero_grad, backward, step. After the loop: return "
    "at_most.",
)

COUNT = exercise.text("steps_until for {situation}")
AFTERWARDS = exercise.text("the model's {parameter} after steps_until for {situation}")
THREE_POINTS = column(0.0, 1.0, 2.0), column(1.0, 3.0, 5.0)
# from (0, 0), with 0.125, the losses are 4, 1, 0.25, 0.0625 ...
ONE_POINT = column(1.0), column(2.0)
SITUATIONS = {
    exercise.text("the example in the text"): (Line(0.0, 0.0), *ONE_POINT, 0.125, 0.5, 20),
    exercise.text("x = 0, 1, 2 and y = 1, 3, 5"): (Line(1.0, 2.0), *THREE_POINTS, 0.2, 0.01, 50),
    exercise.text("a good model"): (Line(2.0, 1.0), *THREE_POINTS, 0.2, 0.01, 50),
    exercise.text("a loss that equals the goal"): (Line(0.0, 0.0), *ONE_POINT, 0.125, 0.25, 20),
    exercise.text("a goal out of reach"): (Line(0.0, 0.0), *ONE_POINT, 0.125, 1e-9, 5),
    exercise.text("an nn.Linear"): (linear(0.5, 0.0), *THREE_POINTS, 0.2, 0.01, 50),
}


@exercise.probe
def _(answer):
    for situation, (model, *rest) in SITUATIONS.items():
        model = copy.deepcopy(model)
        yield COUNT(situation=situation), answer(model, *rest)
        for parameter, value in model.named_parameters():
            yield AFTERWARDS(situation=situation, parameter=parameter), value


CHECK, MOVE = "        if loss < goal:\n            return step\n", "        optimizer.step()\n"
exercise.mistake(
    "One step too many: compare the loss with the goal before you step. A model that is good already needs 0 steps.",
    exercise.edited(CHECK, "", MOVE, MOVE + CHECK.replace("step\n", "step + 1\n")),
)
exercise.mistake(
    "The number is right, but the model went one step on: return before the step, not after it.",
    exercise.edited(CHECK, "", MOVE, MOVE + CHECK),
)
exercise.mistake(
    "The old gradients are still there: without zero_grad() each step uses the sum of all slopes so far.",
    exercise.edited("optimizer.zero_grad()", ""),
)
exercise.mistake(
    "The model never moves. step() needs what backward() leaves in the parameters: is there a backward(), with the reset "
    "before it, and step() after it?",
    exercise.edited("optimizer.zero_grad()", "", "loss.backward()", "loss.backward(); optimizer.zero_grad()"),
    exercise.edited("        loss.backward()\n", ""),
    exercise.edited(MOVE, ""),
)
exercise.mistake(
    "If the goal is never reached, at_most steps were made; the last number of range(at_most) is one less.",
    exercise.edited("return at_most", "return step"),
)
exercise.mistake(
    "The number is right, but the model is as before: you trained a copy. Train `model` itself.",
    lambda model, *rest: steps_until(copy.deepcopy(model), *rest),
)
exercise.mistake(
    "You stop when the loss equals the goal. Stop only when it is below: loss < goal.",
    exercise.edited("loss < goal", "loss <= goal"),
)


@exercise.also_right
def _(model, X, y, lr, goal, at_most):
    steps = 0
    while steps < at_most and ((model(X) - y) ** 2).mean().item() >= goal:
        model.zero_grad()
        ((model(X) - y) ** 2).mean().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= lr * parameter.grad
        steps += 1
    return torch.tensor(steps)


# ---------------------------------------------------------------------------------------------------------- flat_fit

exercise = notebook.repair(
    "flat_fit",
    why="Both faults run without a word, and both show in the loss: it swings, or it stops at the spread of y.",
    deeper=True,
    in_place=("model",),
)


@exercise.broken
def flat_fit_broken(model, X, y, lr, epochs):
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


@exercise.right
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


exercise.hint(
    'Write the shape next to each of y_hat, y and their difference, as in section "Pitfall: a wrong shape"; then look '
    "for the four lines of the loop.",
    "One line is missing, and one subtraction compares every prediction with every target.",
    "The missing line is optimizer.zero_grad(), before backward(); and y.unsqueeze(1) has the shape of y_hat.",
)
exercise.case(Line(1.0, 0.0), column(0.0, 1.0), torch.tensor([1.0, 3.0]), 0.5, 1)
exercise.case(Line(1.0, 0.0), column(0.0, 1.0), torch.tensor([1.0, 3.0]), 0.5, 4)
exercise.case(Line(0.5, -1.0), column(-1.0, 0.5, 2.0), torch.tensor([0.0, 2.0, 6.0]), 0.1, 20)


exercise.mistake(
    "Half of it is right: the gradients are reset. But every prediction is still compared with every target: look at the "
    "shape of y_hat - y, it should be (n, 1).",
    exercise.edited("y.unsqueeze(1)", "y"),
)
exercise.mistake(
    "Half of it is right: the shapes fit. But the gradients of earlier epochs are still there: one line of the loop is "
    "missing, and it belongs into every epoch.",
    exercise.edited("optimizer.zero_grad()", ""),
)
exercise.mistake(
    "Now the model never moves. Is backward() or step() gone, or does the reset stand between the two, where it deletes the "
    "gradient that step() needs?",
    exercise.edited("optimizer.zero_grad()", "", "loss.backward()", "loss.backward(); optimizer.zero_grad()"),
    exercise.edited("        loss.backward()\n", ""),
    exercise.edited("        optimizer.step()\n", ""),
)
exercise.mistake(
    "The losses are right, but the model is as before: you trained a copy. Train `model` itself.",
    lambda model, *rest: flat_fit(copy.deepcopy(model), *rest),
)


@exercise.also_right
def _(model, X, y, lr, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        loss = nn.functional.mse_loss(model(X).squeeze(1), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return torch.stack(losses)


# ------------------------------------------------------------------------------------------------------ curve_slopes

exercise = notebook.write(
    "curve_slopes",
    why="The outer slope stays the same for every model with this loss, only the inner one changes; so the bend costs you "
    "one symbol.",
    deeper=True,
)


@exercise.right
def curve_slopes(w, b, X, y):
    """The slopes (dw, db) of the MSE of y_hat = w x^2 + b; X, y: (n, 1)."""
    error = w * X**2 + b - y  # (n, 1)
    return (2 * error * X**2).mean(), (2 * error).mean()


exercise.hint(
    "The chain rule: the outer slope of the squared error, times the inner slope of the prediction. x is data: nobody "
    "moves it.",
    "How much does w x^2 + b change when w grows by 1? That number takes the place that x_i has in the formula for the"
    " line.",
    "error = w * X**2 + b - y; each slope is a mean: of 2 * error times the inner slope of w, and of 2 * error times "
    "1.",
)
exercise.case(1.0, 0.0, column(3.0), column(8.0))
exercise.case(0.5, 1.0, column(-1.0, 2.0, 4.0), column(2.0, 0.0, 5.0))


INNER = "error * X**2)"
exercise.mistake(
    "The inner slope is missing in dw: when w grows by 1, the prediction does not grow by 1.",
    exercise.edited(INNER, "error)"),
)
exercise.mistake(
    "You used the inner slope of the line, x. Here w is multiplied by something else.",
    exercise.edited(INNER, "error * X)"),
)
exercise.mistake(
    "2x is the derivative of x^2 toward x. But the step moves w, and x stays where it is.",
    exercise.edited(INNER, "error * 2 * X)"),
)
exercise.mistake(
    "These are the slopes of the line w x + b. Here the prediction is w x^2 + b, which changes the error, and the inner "
    "slope of w.",
    exercise.edited("w * X**2", "w * X", INNER, "error * X)"),
)
exercise.mistake(
    "Half of the right slopes: the square brings a factor 2 down.",
    lambda *args: tuple(slope / 2 for slope in curve_slopes(*args)),
)
exercise.mistake(
    "You added the points up. The MSE is a mean, so its slopes are means.",
    lambda w, b, X, y: tuple(len(X) * slope for slope in curve_slopes(w, b, X, y)),
)
exercise.mistake(
    "The sign is turned around: the error is the prediction minus the truth.",
    lambda *args: tuple(-slope for slope in curve_slopes(*args)),
)
exercise.mistake(
    "These are the slopes of every single point. The mean over the points is missing.",
    exercise.edited("X**2).mean()", "X**2)", "(2 * error).mean()", "2 * error"),
)


@exercise.also_right
def _(w, b, X, y):
    X, y = X.double().numpy(), y.double().numpy()
    error = w * X**2 + b - y
    return 2 * np.mean(error * X**2), 2 * np.mean(error)


@exercise.also_right
def _(w, b, X, y):
    w, b = torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)
    ((w * X**2 + b - y) ** 2).mean().backward()
    return w.grad, b.grad


# -------------------------------------------------------------------------------------------------------- robust_fit

exercise = notebook.write(
    "robust_fit",
    why="A misprint pulls no harder than an error of delta, and near the minimum the steps still grow small.",
    deeper=True,
)


@exercise.right
def robust_fit(X, y, delta, lr, epochs):
    """The line (w, b) after `epochs` full-batch steps on Huber's loss from zero."""
    w, b = 0.0, 0.0
    for _ in range(epochs):
        error = w * X + b - y  # (n, 1)
        outer = error.clamp(-delta, delta)  # the slope of the loss toward the error
        w, b = w - lr * (outer * X).mean(), b - lr * outer.mean()
    return w, b


exercise.hint(
    "Only the outer slope is new: the derivative of Huber's loss toward the error. Work it out for the two pieces, for"
    " positive and for negative errors.",
    "In the middle the slope is the error itself (the half takes the 2 away). Beyond delta the loss is a straight "
    "line, with the slope delta on the right and -delta on the left.",
    "That is error.clamp(-delta, delta). Put it in place of 2 * error in fit_torch, with w = b = 0.0 at the start.",
)
exercise.case(column(2.0), column(5.0), 1.0, 0.1, 1)
exercise.case(column(0.0, 1.0, 2.0, 3.0), column(0.2, 8.0, -6.0, 0.5), 0.5, 0.1, 1)
exercise.case(column(0.0, 1.0, 2.0, 3.0), column(0.2, 8.0, -6.0, 0.5), 0.5, 0.1, 30)


OUTER = "error.clamp(-delta, delta)"
exercise.mistake(
    "Large errors still pull with their full size. Beyond delta the loss is a straight line: what is the slope there?",
    exercise.edited(OUTER, "error"),
)
exercise.mistake(
    "All errors pull with delta, small ones too. Up to delta the loss is a square, so there the slope is in proportion to "
    "the error.",
    exercise.edited(OUTER, "delta * error.sign()"),
)
exercise.mistake(
    "Twice the right slopes: the square has a one half in front, which takes the 2 away.",
    exercise.edited(OUTER, f"2 * {OUTER}"),
)
exercise.mistake(
    "Errors below -delta still pull with their full size. The slope has a bound on both sides.",
    exercise.edited(OUTER, "error.clamp(max=delta)"),
)
exercise.mistake(
    "The sign got lost beyond delta: a prediction that is far too low must pull the other way.",
    exercise.edited(OUTER, "torch.where(error.abs() <= delta, error, delta)"),
)
exercise.mistake(
    "You cut off error times x. The bound belongs to the outer slope, before the inner slope x is multiplied.",
    exercise.edited("(outer * X)", "(error * X).clamp(-delta, delta)"),
)
exercise.mistake(
    "The inner slope is missing for w: the error of point i changes x_i times as much as w.",
    exercise.edited("(outer * X)", "outer"),
)


@exercise.also_right
def _(X, y, delta, lr, epochs):
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


@exercise.also_right
def _(X, y, delta, lr, epochs):
    X, y = X.double().numpy(), y.double().numpy()
    w, b = 0.0, 0.0
    for _ in range(epochs):
        error = w * X + b - y
        outer = np.where(abs(error) <= delta, error, delta * np.sign(error))
        w, b = w - lr * (outer * X).mean(), b - lr * outer.mean()
    return [w, b]
