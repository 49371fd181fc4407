"""The exercises of notebook 07."""

import math

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine import Notebook

notebook = Notebook("07")


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --------------------------------------------------------------------------------------------------- hidden_gradient

exercise = notebook.predict(
    "hidden_gradient",
    0.05,
    working="((-0.1) * 2 + 0.3 * 1) * 0.5 * (1 - 0.5) * 2",
    why="The two paths are added first, at the hidden unit, and everything left of it uses the sum.",
)
exercise.hint(
    "Two paths lead from this weight to the loss. What they share is the slope of h0 and the input.",
    "First dh0, the sum of dz2[k] * W2[0][k] over both outputs; then times the slope h0 (1 - h0); then times the "
    "value at the left end of the weight.",
)
exercise.mistake("This is the path by way of output 0 alone. Output 1 hears from h0 as well: add the two.", -0.1)
exercise.mistake("This is the path by way of output 1 alone. Output 0 hears from h0 as well: add the two.", 0.15)
exercise.mistake("This is the gradient at the weighted sum of h0. The weight multiplies an input: which one?", 0.025)
exercise.mistake("The slope of the sigmoid, h0 (1 - h0), is missing.", 0.2)
exercise.mistake(
    "That is dh0, the sum over the two paths, before the slope h0 (1 - h0) and the input come in. Or the weights on "
    "the paths have been left out, or h0 stands in place of its slope.",
    0.1,
)
exercise.mistake(
    "The two paths have been added without their signs: the first one is negative. Or the two weights have changed "
    "places: the 2 leads to output 0.",
    0.25,
)
exercise.also_right(torch.tensor(0.05), np.float64(0.05), 1 / 20)


# --------------------------------------------------------------------------------------------------- linear_backward

exercise = notebook.write(
    "linear_backward", why="These three lines are what autograd does at every nn.Linear, of every size."
)


@exercise.right
def linear_backward(dZ, X, W):
    """dX, dW, db of Z = X @ W + b. dZ: (n, k), gradient at Z; X: (n, d); W: (d, k)."""
    dX = dZ @ W.T  # (n, k) @ (k, d) = (n, d)
    dW = X.T @ dZ  # (d, n) @ (n, k) = (d, k)
    db = dZ.sum(dim=0)  # (k,)
    return dX, dW, db


exercise.hint(
    "Write the shapes beside it: dX is like X, dW is like W, db is like b. In which order, and with which transpose, "
    "do two matrices give that shape?",
    "The weights: value at the left times gradient at the right, summed over the examples by the product. The input: "
    "the sum over the paths, with W transposed.",
    "dX is dZ @ W.T, dW is X.T @ dZ, and db is the sum of the rows of dZ.",
)
exercise.case(torch.tensor([[0.5]]), torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
exercise.case(
    torch.tensor([[1.0, 0.0], [2.0, -1.0]]),
    torch.tensor([[1.0, 2.0], [0.0, 1.0]]),
    torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
)
exercise.case(random(30, 4), random(30, 3, seed=1), random(3, 4, seed=2))

DX, DW, DB = "dZ @ W.T", "X.T @ dZ", "dZ.sum(dim=0)"
exercise.mistake(
    "Here dW and db are divided by n. The 1/n of the mean is in dZ already; sum over the examples.",
    exercise.edited(DW, f"{DW} / len(X)", DB, "dZ.mean(dim=0)"),
    exercise.edited("    dX = ", "    dZ = dZ / len(X)\n    dX = "),
)
exercise.mistake(
    "Your db is the mean of the rows of dZ. The 1/n is in dZ already: sum them.", exercise.edited(DB, "dZ.mean(dim=0)")
)
exercise.mistake("In dX, W must be transposed: backward, it leads from k to d.", exercise.edited(DX, "dZ @ W"))
exercise.mistake("Your dW comes out transposed. It must have the shape of W, (d, k).", exercise.edited(DW, "dZ.T @ X"))
exercise.mistake(
    "The shape of db must be that of b, (k,): the bias is added to every row, so it collects from all rows.",
    exercise.edited(DB, "dZ"),
)
exercise.mistake("Your db has the shape (1, k), it should be (k,).", exercise.edited(DB, "dZ.sum(dim=0, keepdim=True)"))
exercise.mistake(
    "Your db is one number for all outputs. Each output has a bias of its own: sum over the rows only, dim=0.",
    exercise.edited(DB, "dZ.sum()"),
)
exercise.mistake(
    "The order is not the one asked for: dX first, then dW, then db.",
    exercise.edited("return dX, dW, db", "return dW, db, dX"),
    exercise.edited("return dX, dW, db", "return dW, dX, db"),
)
exercise.also_right(
    lambda dZ, X, W: (dZ.numpy() @ W.numpy().T, X.numpy().T @ dZ.numpy(), dZ.numpy().sum(axis=0)),
    lambda dZ, X, W: [torch.einsum("nk,dk->nd", dZ, W), torch.einsum("nd,nk->dk", X, dZ), torch.ones(len(X)) @ dZ],
)


@exercise.also_right
def _(dZ, X, W):
    X, W = X.requires_grad_(), W.requires_grad_()
    b = torch.zeros(W.shape[1], requires_grad=True)
    return torch.autograd.grad(X @ W + b, (X, W, b), grad_outputs=dZ)


@exercise.also_right
def _(dZ, X, W):
    layer, X = nn.Linear(*W.shape), X.clone().requires_grad_()
    layer.weight.data = W.T
    layer(X).backward(dZ)
    return X.grad, layer.weight.grad.T, layer.bias.grad


# ------------------------------------------------------------------------------------------------------------ he_std

exercise = notebook.write(
    "he_std",
    why="With slope 0 it is He's rule, with slope 1 (no bend at all) it is gain 1: one formula for everything between.",
    deeper=True,
)


@exercise.right
def he_std(inputs, slope):
    """The standard deviation of weights behind a leaky ReLU; slope: that below 0."""
    return math.sqrt(2 / ((1 + slope**2) * inputs))


exercise.hint(
    "ReLU keeps half of the square. The leaky ReLU keeps that half, too, and something of the other half.",
    "A value that is multiplied by s has s squared of its square left. So how much of the whole is kept, and by what "
    "must inputs * variance make up for it?",
    "The share that is kept is (1 + s**2) / 2. The variance is 1 / (share * inputs), and its root is asked for.",
)
for inputs, slope in ((200, 0.0), (50, 1.0), (8, 0.5), (128, 0.1)):
    exercise.case(inputs, slope)

exercise.mistake("This is the variance. The standard deviation is its root.", exercise.edited("math.sqrt", ""))
exercise.mistake(
    "This is He's rule for ReLU, whatever the slope. The negative half is not lost here: s squared of its square is "
    "kept.",
    exercise.edited("(1 + slope**2) * inputs", "inputs"),
)
exercise.mistake(
    "The negative half is multiplied by s, so its square is multiplied by s squared, not by s.",
    exercise.edited("slope**2", "slope"),
)
exercise.mistake(
    "Each of the two halves has only half of the square: the share that is kept is (1 + s squared) / 2.",
    exercise.edited("2 / (", "1 / ("),
)
exercise.mistake(
    "The share that is kept stands in the numerator. Weights must make up for a loss, so they grow where less is kept.",
    exercise.edited("2 / ((1 + slope**2) * inputs)", "(1 + slope**2) / (2 * inputs)"),
)
exercise.also_right(
    lambda inputs, slope: nn.init.calculate_gain("leaky_relu", slope) / inputs**0.5,
    lambda inputs, slope: np.sqrt(2 / inputs / (1 + slope * slope)),
    lambda inputs, slope: torch.tensor(2 / (inputs * (1 + slope**2))).sqrt(),
)


# ------------------------------------------------------------------------------------------------ two_layer_backward

exercise = notebook.repair(
    "two_layer_backward",
    why="Both faults leave every shape right in a square network, and most signs, too: only a gradient check sees "
    "them.",
    deeper=True,
    atol=1e-6,
)


@exercise.broken
def two_layer_backward_broken(X, H, Y_hat, Y, W2):
    """dW1, db1, dW2, db2 of the mean squared error of two sigmoid layers."""
    dZ2 = 2 * (Y_hat - Y) / len(Y) * Y_hat * (1 - Y_hat)
    dZ1 = dZ2 @ W2 * H * (1 - H)
    return X.T @ dZ1, dZ1.sum(dim=0), H.T @ dZ2, dZ2.sum(dim=0)


@exercise.right
def two_layer_backward(X, H, Y_hat, Y, W2):
    """dW1, db1, dW2, db2 of the mean squared error of two sigmoid layers."""
    dZ2 = 2 * (Y_hat - Y) / Y.numel() * Y_hat * (1 - Y_hat)
    dZ1 = dZ2 @ W2.T * H * (1 - H)
    return X.T @ dZ1, dZ1.sum(dim=0), H.T @ dZ2, dZ2.sum(dim=0)


exercise.hint(
    'Write the shapes of section "The same with matrices" beside each line, as if all widths were different. Which '
    "product does not fit?",
    "And the first line: the loss is the mean over how many squared errors, for n examples with k outputs?",
    "The way back needs W2 transposed, and the mean is over Y.numel() entries, not over len(Y) rows.",
)


def forward_pass(n, inputs, hidden, outputs):
    """X, H, Y_hat, Y, W2 of a network with random weights."""
    X, W1, W2 = random(n, inputs), random(inputs, hidden, seed=1), random(hidden, outputs, seed=2)
    H = torch.sigmoid(X @ W1)
    return X, H, torch.sigmoid(H @ W2), random(n, outputs, seed=3), W2


exercise.case(
    torch.tensor([[1.0]]),
    torch.tensor([[0.5, 0.5]]),
    torch.tensor([[0.5, 0.5]]),
    torch.tensor([[0.0, 1.0]]),
    torch.tensor([[2.0, 1.0], [0.0, 4.0]]),
)
exercise.case(*forward_pass(30, 3, 3, 3))
exercise.case(*forward_pass(30, 2, 3, 2))

MEAN = "Y.numel()"
exercise.mistake(
    "The way back is right now, but all gradients are too large, by the number of outputs. Over what is the mean "
    "taken?",
    exercise.edited(MEAN, "len(Y)"),
)
exercise.mistake(
    "The gradients of the output layer are right now, those of the hidden layer are not. Which way does W2 lead on "
    "the way back?",
    exercise.edited("W2.T", "W2"),
)
exercise.mistake(
    "The biases are divided by n twice. The mean is in dZ2 already, so their gradients are sums.",
    exercise.edited("dZ1.sum", "dZ1.mean", "dZ2.sum", "dZ2.mean"),
)
exercise.mistake(
    "The gradients are n times too large: the mean is over all entries of Y, not over the outputs of one example.",
    exercise.edited(MEAN, "Y.shape[1]"),
)
exercise.mistake(
    "All gradients are half of what they should be. The 2 of the square stays in the first line, since Y.numel() "
    "counts all entries.",
    exercise.edited("2 * ", ""),
)
exercise.also_right(
    lambda *given: list(two_layer_backward(*given)),
    exercise.edited("dZ1.sum(dim=0)", "torch.ones(len(X)) @ dZ1", "dZ2.sum(dim=0)", "torch.ones(len(X)) @ dZ2"),
)


@exercise.also_right
def _(X, H, Y_hat, Y, W2):
    X, H, Y_hat, Y, W2 = (tensor.numpy() for tensor in (X, H, Y_hat, Y, W2))
    dZ2 = 2 / Y.size * (Y_hat - Y) * (Y_hat - Y_hat**2)
    dZ1 = (W2 @ dZ2.T).T * (H - H**2)
    return X.T @ dZ1, dZ1.sum(axis=0), H.T @ dZ2, dZ2.sum(axis=0)


# -------------------------------------------------------------------------------------------------- softmax_backward

exercise = notebook.write(
    "softmax_backward",
    why="It passes back the gradient of any loss on probabilities. With cross-entropy, p - onehot comes out of it.",
    deeper=True,
)


@exercise.right
def softmax_backward(P, dP):
    """The gradient at the logits. P: (n, k), probabilities; dP: (n, k), that at P."""
    shared = (P * dP).sum(dim=1, keepdim=True)  # (n, 1)
    return P * (dP - shared)


exercise.hint(
    "Begin with one row, and let J be its table of slopes: J[i, j] = p_i (1 - p_i) where i = j, else -p_i p_j. The "
    "sum over the paths is a matrix product of J and dp.",
    "J is torch.diag(p) - torch.outer(p, p). Multiply it out: what is left of the second part is p times a single "
    "number, the sum of p_i dp_i.",
    "For each row, dz = p * (dp - s), where s is the sum of p * dp over this row, kept as a column (n, 1).",
)
exercise.case(torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[-2.0, 0.0, 0.0]]))
exercise.case(torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]))
exercise.case(torch.softmax(random(5, 5), dim=1), random(5, 5, seed=1))

SUM = "(dim=1, keepdim=True)"
exercise.mistake(
    "Only the paths with i = j are there. Each logit changes all the probabilities of its row: add the paths with the "
    "slope -p_i p_j.",
    lambda P, dP: P * (1 - P) * dP,
)
exercise.mistake(
    "The sign of the other paths is wrong: a logit that rises lets the other probabilities fall.",
    exercise.edited("dP - shared", "dP + shared"),
)
exercise.mistake(
    "The sum runs over the whole batch. Examples do not hear of each other: one sum for each row.",
    exercise.edited(SUM, "()"),
)
exercise.mistake(
    "The sum over each row has the shape (n,), which does not fit beside (n, k). Keep it as a column: keepdim=True.",
    exercise.edited(SUM, "(dim=1)"),
)
exercise.mistake(
    "The sum runs over the examples. It must run over the classes, dim=1.", exercise.edited(SUM, "(dim=0)")
)
exercise.mistake(
    "The formula p - onehot holds for the cross-entropy only. Here dP may be the gradient of any loss.",
    lambda P, dP: P - (dP != 0).to(P.dtype),
    lambda P, dP: P - (dP < 0).to(P.dtype),
    lambda P, dP: P * (dP + 1),
)
exercise.mistake(
    "The slope of the other paths is -p_i p_j: in the sum, each dp_i is to be multiplied by its p_i.",
    exercise.edited("(P * dP)", "dP"),
)
exercise.also_right(
    lambda P, dP: torch.stack([(torch.diag(p) - torch.outer(p, p)) @ dp for p, dp in zip(P, dP, strict=True)]),
    lambda P, dP: torch.einsum("ni,nij->nj", dP, P[:, :, None] * (torch.eye(P.shape[1]) - P[:, None])),
    # the logits log(P) have the probabilities P
    lambda P, dP: torch.autograd.functional.vjp(lambda Z: torch.softmax(Z, dim=1), P.log(), dP)[1],
    lambda P, dP: P.numpy() * (dP.numpy() - np.einsum("nk,nk->n", P.numpy(), dP.numpy())[:, None]),
)
