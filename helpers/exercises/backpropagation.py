"""The exercises of notebook 07."""

import math

import numpy as np
import torch
from torch import nn

from helpers.exercises.core import Exercise, Mistake


def _numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


# linear_backward: one linear layer, a batch of examples


def linear_backward(dZ, X, W):
    """dX, dW, db of Z = X @ W + b. dZ: (n, k), the gradient at Z; X: (n, d); W: (d, k)."""
    dX = dZ @ W.T  # (n, k) @ (k, d) = (n, d)
    dW = X.T @ dZ  # (d, n) @ (n, k) = (d, k)
    db = dZ.sum(dim=0)  # (k,)
    return dX, dW, db


def _linear_in_numpy(dZ, X, W):
    dZ, X, W = dZ.numpy(), X.numpy(), W.numpy()
    return dZ @ W.T, X.T @ dZ, dZ.sum(axis=0)


def _linear_by_sums(dZ, X, W):
    dX = torch.einsum("nk,dk->nd", dZ, W)
    return [dX, torch.einsum("nd,nk->dk", X, dZ), torch.ones(len(dZ), dtype=dZ.dtype) @ dZ]


def _linear_by_autograd(dZ, X, W):
    X, W = X.requires_grad_(), W.requires_grad_()
    b = torch.zeros(W.shape[1], dtype=W.dtype, requires_grad=True)
    return torch.autograd.grad(X @ W + b, (X, W, b), grad_outputs=dZ)


# he_std: the start for a leaky ReLU


def he_std(inputs, slope):
    """The standard deviation of weights whose inputs come from a leaky ReLU; slope: that below 0."""
    return math.sqrt(2 / ((1 + slope**2) * inputs))


# two_layer_backward: a repair


def two_layer_backward(X, H, Y_hat, Y, W2):
    """dW1, db1, dW2, db2 of the mean squared error of a network with two sigmoid layers."""
    dZ2 = 2 * (Y_hat - Y) / Y.numel() * Y_hat * (1 - Y_hat)
    dZ1 = dZ2 @ W2.T * H * (1 - H)
    return X.T @ dZ1, dZ1.sum(dim=0), H.T @ dZ2, dZ2.sum(dim=0)


def _broken_two_layer_backward(X, H, Y_hat, Y, W2):
    """dW1, db1, dW2, db2 of the mean squared error of a network with two sigmoid layers."""
    dZ2 = 2 * (Y_hat - Y) / len(Y) * Y_hat * (1 - Y_hat)
    dZ1 = dZ2 @ W2 * H * (1 - H)
    return X.T @ dZ1, dZ1.sum(dim=0), H.T @ dZ2, dZ2.sum(dim=0)


def _only_the_transpose(X, H, Y_hat, Y, W2):
    dZ2 = 2 * (Y_hat - Y) / len(Y) * Y_hat * (1 - Y_hat)
    dZ1 = dZ2 @ W2.T * H * (1 - H)
    return X.T @ dZ1, dZ1.sum(dim=0), H.T @ dZ2, dZ2.sum(dim=0)


def _only_the_mean(X, H, Y_hat, Y, W2):
    dZ2 = 2 * (Y_hat - Y) / Y.numel() * Y_hat * (1 - Y_hat)
    dZ1 = dZ2 @ W2 * H * (1 - H)
    return X.T @ dZ1, dZ1.sum(dim=0), H.T @ dZ2, dZ2.sum(dim=0)


def _mean_once_more(X, H, Y_hat, Y, W2):
    dW1, db1, dW2, db2 = two_layer_backward(X, H, Y_hat, Y, W2)
    return dW1, db1 / len(Y), dW2, db2 / len(Y)


def _outputs_instead_of_entries(X, H, Y_hat, Y, W2):
    return [gradient * len(Y) for gradient in two_layer_backward(X, H, Y_hat, Y, W2)]


def _no_factor_two(X, H, Y_hat, Y, W2):
    return [gradient / 2 for gradient in two_layer_backward(X, H, Y_hat, Y, W2)]


def _network_in_numpy(X, H, Y_hat, Y, W2):
    X, H, Y_hat, Y, W2 = (tensor.numpy() for tensor in (X, H, Y_hat, Y, W2))
    dZ2 = 2 / Y.size * (Y_hat - Y) * (Y_hat - Y_hat**2)
    dZ1 = (W2 @ dZ2.T).T * (H - H**2)
    return X.T @ dZ1, dZ1.sum(axis=0), H.T @ dZ2, dZ2.sum(axis=0)


def _network_case(n, inputs, hidden, outputs):
    """X, H, Y_hat, Y, W2 of a forward pass with random weights."""
    X, W1, W2 = (
        _numbers(n, inputs),
        _numbers(inputs, hidden, seed=1),
        _numbers(hidden, outputs, seed=2),
    )
    H = torch.sigmoid(X @ W1)
    return X, H, torch.sigmoid(H @ W2), _numbers(n, outputs, seed=3), W2


_SMALL_NETWORK = (
    _double([[1.0]]),
    _double([[0.5, 0.5]]),
    _double([[0.5, 0.5]]),
    _double([[0.0, 1.0]]),
    _double([[2.0, 1.0], [0.0, 4.0]]),
)

# softmax_backward: k paths from every logit


def softmax_backward(P, dP):
    """The gradient at the logits. P: (n, k), the probabilities; dP: (n, k), the gradient at them."""
    shared = (P * dP).sum(dim=1, keepdim=True)  # (n, 1)
    return P * (dP - shared)


def _softmax_row_by_row(P, dP):
    rows = [(torch.diag(p) - torch.outer(p, p)) @ dp for p, dp in zip(P, dP, strict=True)]
    return torch.stack(rows)


def _softmax_by_autograd(P, dP):
    Z = P.log().requires_grad_()  # these logits have the probabilities P
    return torch.autograd.grad(torch.softmax(Z, dim=1), Z, grad_outputs=dP)[0]


def _softmax_in_numpy(P, dP):
    P, dP = P.numpy(), dP.numpy()
    return P * dP - P * np.einsum("nk,nk->n", P, dP)[:, None]


EXERCISES = [
    Exercise(
        name="hidden_gradient",
        kind="predict",
        solution=0.05,
        working="((-0.1) * 2 + 0.3 * 1) * 0.5 * (1 - 0.5) * 2",
        why="The two paths are added first, at the hidden unit, and everything left of it uses the sum.",
        hints=(
            "Two paths lead from this weight to the loss. What they share is the slope of h0 and the input.",
            "First dh0, the sum of dz2[k] * W2[0][k] over both outputs; then times the slope h0 (1 - h0); "
            "then times the value at the left end of the weight.",
        ),
        mistakes=(
            Mistake(
                -0.1,
                "This is the path by way of output 0 alone. Output 1 hears from h0 as well: add the two.",
            ),
            Mistake(
                0.15,
                "This is the path by way of output 1 alone. Output 0 hears from h0 as well: add the two.",
            ),
            Mistake(
                0.025,
                "This is the gradient at the weighted sum of h0. The weight multiplies an input: which one?",
            ),
            Mistake(0.2, "The slope of the sigmoid, h0 (1 - h0), is missing."),
            Mistake(
                0.1,
                "That is dh0, the sum over the two paths, before the slope h0 (1 - h0) and the input come in. Or the "
                "weights on the paths have been left out, or h0 stands in place of its slope.",
            ),
            Mistake(
                0.25,
                "The two paths have been added without their signs: the first one is negative.",
            ),
        ),
        also_right=(torch.tensor(0.05), np.float64(0.05), 1 / 20),
    ),
    Exercise(
        name="linear_backward",
        kind="write",
        solution=linear_backward,
        why="These three lines are what autograd does at every nn.Linear, of every size.",
        hints=(
            "Write the shapes beside it: dX is like X, dW is like W, db is like b. In which order, and with which "
            "transpose, do two matrices give that shape?",
            "The weights: value at the left times gradient at the right, summed over the examples by the product. The "
            "input: the sum over the paths, with W transposed.",
            "dX is dZ @ W.T, dW is X.T @ dZ, and db is the sum of the rows of dZ.",
        ),
        cases=(
            (_double([[0.5]]), _double([[1.0, 2.0]]), _double([[3.0], [4.0]])),
            (
                _double([[1.0, 0.0], [2.0, -1.0]]),
                _double([[1.0, 2.0], [0.0, 1.0]]),
                _double([[1.0, 2.0], [3.0, 4.0]]),
            ),
            (_numbers(5, 4), _numbers(5, 3, seed=1), _numbers(3, 4, seed=2)),
        ),
        mistakes=(
            Mistake(
                lambda dZ, X, W: (dZ @ W.T, X.T @ dZ / len(X), dZ.mean(dim=0)),
                "Here dW and db are divided by n. The 1/n of the mean is in dZ already; sum over the examples.",
            ),
            Mistake(
                lambda dZ, X, W: (dZ @ W.T, X.T @ dZ, dZ.mean(dim=0)),
                "Your db is the mean of the rows of dZ. The 1/n is in dZ already: sum them.",
            ),
            Mistake(
                lambda dZ, X, W: (dZ @ W, X.T @ dZ, dZ.sum(dim=0)),
                "In dX, W must be transposed: backward, it leads from k to d.",
            ),
            Mistake(
                lambda dZ, X, W: (dZ @ W.T, dZ.T @ X, dZ.sum(dim=0)),
                "Your dW comes out transposed. It must have the shape of W, (d, k).",
            ),
            Mistake(
                lambda dZ, X, W: (dZ @ W.T, X.T @ dZ, dZ),
                "The shape of db must be that of b, (k,): the bias is added to every row, so it collects from all rows.",
            ),
            Mistake(
                lambda dZ, X, W: (dZ @ W.T, X.T @ dZ, dZ.sum(dim=0, keepdim=True)),
                "Your db has the shape (1, k), it should be (k,).",
            ),
            Mistake(
                lambda dZ, X, W: (X.T @ dZ, dZ.sum(dim=0), dZ @ W.T),
                "The order is not the one asked for: dX first, then dW, then db.",
            ),
        ),
        also_right=(_linear_in_numpy, _linear_by_sums, _linear_by_autograd),
    ),
    Exercise(
        name="he_std",
        kind="write",
        solution=he_std,
        why="With slope 0 it is He's rule, with slope 1 (no bend at all) it is gain 1: one formula for everything between.",
        hints=(
            "ReLU keeps half of the square. The leaky ReLU keeps that half, too, and something of the other half.",
            "A value that is multiplied by s has s squared of its square left. So how much of the whole is kept, and "
            "by what must inputs * variance make up for it?",
            "The share that is kept is (1 + s**2) / 2. The variance is 1 / (share * inputs), and its root is asked for.",
        ),
        cases=((200, 0.0), (50, 1.0), (8, 0.5), (128, 0.1)),
        mistakes=(
            Mistake(
                lambda inputs, slope: 2 / ((1 + slope**2) * inputs),
                "This is the variance. The standard deviation is its root.",
            ),
            Mistake(
                lambda inputs, slope: math.sqrt(2 / inputs),
                "This is He's rule for ReLU, whatever the slope. The negative half is not lost here: s squared of its "
                "square is kept.",
            ),
            Mistake(
                lambda inputs, slope: math.sqrt(2 / ((1 + slope) * inputs)),
                "The negative half is multiplied by s, so its square is multiplied by s squared, not by s.",
            ),
            Mistake(
                lambda inputs, slope: math.sqrt(1 / ((1 + slope**2) * inputs)),
                "Each of the two halves has only half of the square: the share that is kept is (1 + s squared) / 2.",
            ),
            Mistake(
                lambda inputs, slope: math.sqrt((1 + slope**2) / (2 * inputs)),
                "The share that is kept stands in the numerator. Weights must make up for a loss, so they grow where "
                "less is kept.",
            ),
        ),
        also_right=(
            lambda inputs, slope: nn.init.calculate_gain("leaky_relu", slope) / inputs**0.5,
            lambda inputs, slope: np.sqrt(2 / inputs / (1 + slope * slope)),
            lambda inputs, slope: torch.tensor(2 / (inputs * (1 + slope**2))).sqrt(),
        ),
    ),
    Exercise(
        name="two_layer_backward",
        kind="repair",
        solution=two_layer_backward,
        stub=_broken_two_layer_backward,
        why="Both faults leave every shape right in a square network, and most signs, too: only a gradient check sees them.",
        hints=(
            'Write the shapes of section "The same with matrices" beside each line, as if all widths were different. Which '
            "product does not fit?",
            "And the first line: the loss is the mean over how many squared errors, for n examples with k outputs?",
            "The way back needs W2 transposed, and the mean is over Y.numel() entries, not over len(Y) rows.",
        ),
        cases=(_SMALL_NETWORK, _network_case(4, 3, 3, 3), _network_case(5, 2, 3, 2)),
        mistakes=(
            Mistake(
                _only_the_transpose,
                "The way back is right now, but all gradients are too large, by the number of outputs. Over what is the "
                "mean taken?",
            ),
            Mistake(
                _only_the_mean,
                "The gradients of the output layer are right now, those of the hidden layer are not. Which way does W2 "
                "lead on the way back?",
            ),
            Mistake(
                _mean_once_more,
                "The biases are divided by n twice. The mean is in dZ2 already, so their gradients are sums.",
            ),
            Mistake(
                _outputs_instead_of_entries,
                "The gradients are n times too large: the mean is over all entries of Y, not over the outputs of one "
                "example.",
            ),
            Mistake(
                _no_factor_two,
                "All gradients are half of what they should be. The 2 of the square stays in the first line, since "
                "Y.numel() counts all entries.",
            ),
        ),
        also_right=(_network_in_numpy, lambda *given: list(two_layer_backward(*given))),
    ),
    Exercise(
        name="softmax_backward",
        kind="write",
        solution=softmax_backward,
        why="It passes back the gradient of any loss on probabilities. With cross-entropy, p - onehot comes out of it.",
        hints=(
            "Begin with one row, and let J be its table of slopes: J[i, j] = p_i (1 - p_i) where i = j, else -p_i p_j. "
            "The sum over the paths is a matrix product of J and dp.",
            "J is torch.diag(p) - torch.outer(p, p). Multiply it out: what is left of the second part is p times a "
            "single number, the sum of p_i dp_i.",
            "For each row, dz = p * (dp - s), where s is the sum of p * dp over this row, kept as a column (n, 1).",
        ),
        cases=(
            (_double([[0.5, 0.3, 0.2]]), _double([[-2.0, 0.0, 0.0]])),
            (
                _double([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]),
                _double([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]),
            ),
            (torch.softmax(_numbers(4, 4), dim=1), _numbers(4, 4, seed=1)),
        ),
        mistakes=(
            Mistake(
                lambda P, dP: P * (1 - P) * dP,
                "Only the paths with i = j are there. Each logit changes all the probabilities of its row: add the "
                "paths with the slope -p_i p_j.",
            ),
            Mistake(
                lambda P, dP: P * (dP + (P * dP).sum(dim=1, keepdim=True)),
                "The sign of the other paths is wrong: a logit that rises lets the other probabilities fall.",
            ),
            Mistake(
                lambda P, dP: P * (dP - (P * dP).sum()),
                "The sum runs over the whole batch. Examples do not hear of each other: one sum for each row.",
            ),
            Mistake(
                lambda P, dP: P * (dP - (P * dP).sum(dim=1)),
                "The sum over each row has the shape (n,), which does not fit beside (n, k). Keep it as a column: "
                "keepdim=True.",
            ),
            Mistake(
                lambda P, dP: P * (dP - (P * dP).sum(dim=0)),
                "The sum runs over the examples. It must run over the classes, dim=1.",
            ),
            Mistake(
                lambda P, dP: P - (dP != 0).to(P.dtype),
                "The formula p - onehot holds for the cross-entropy only. Here dP may be the gradient of any loss.",
            ),
            Mistake(
                lambda P, dP: P * (dP - dP.sum(dim=1, keepdim=True)),
                "The slope of the other paths is -p_i p_j: in the sum, each dp_i is to be multiplied by its p_i.",
            ),
        ),
        also_right=(_softmax_row_by_row, _softmax_by_autograd, _softmax_in_numpy),
    ),
]
