"""The exercises of notebook 01."""

import math

import numpy as np
import torch

from helpers.exercises.core import Exercise, Mistake


def parabola(a):
    return (2 * a - 3) ** 2


def valley(a):
    return (2 * a - 3).abs()


def quartic(a):
    return a**4 - a


def walk_down(f, start, lr, steps):
    """The number to which `steps` steps down f lead from `start`; f: tensor -> tensor."""
    a = torch.tensor(start, requires_grad=True)
    for _ in range(steps):
        loss = f(a)
        a.grad = None
        loss.backward()
        with torch.no_grad():
            a -= lr * a.grad
    return a.item()


def _walk_with(update, reset=True):
    """walk_down with another update, which returns what is a in the next step."""

    def walk(f, start, lr, steps):
        a = torch.tensor(start, requires_grad=True)
        for _ in range(steps):
            loss = f(a)
            if reset:
                a.grad = None
            loss.backward()
            a = update(a, lr)
        return a.item()

    return walk


def _down(a, lr):
    with torch.no_grad():
        a -= lr * a.grad
    return a


def _up(a, lr):
    with torch.no_grad():
        a += lr * a.grad
    return a


def _recorded(a, lr):
    a -= lr * a.grad
    return a


def _computed(a, lr):
    # the grad of a computed tensor is None; asking for it would warn whoever made another mistake
    return a - lr * (a.grad if a.is_leaf else None)


def _without_requires_grad(a, lr):
    with torch.no_grad():
        return a - lr * a.grad


def _fresh_leaf(a, lr):
    return (a - lr * a.grad).detach().requires_grad_()


def _walk_with_early_zero(f, start, lr, steps):
    a = torch.tensor(start, requires_grad=True)
    for _ in range(steps):
        loss = f(a)
        a.grad.zero_()
        loss.backward()
        with torch.no_grad():
            a -= lr * a.grad
    return a.item()


def _walk_with_grad(f, start, lr, steps):
    a = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(f(a), a)
        a.data -= lr * slope
    return a


def leaf(number):
    return torch.tensor(number, requires_grad=True)


def best_seen(f, a, lr, steps):
    """Walk a, a leaf, down f. Returns the best of the first `steps` points."""
    smallest, best = math.inf, None
    for _ in range(steps):
        loss = f(a)
        if loss < smallest:
            smallest, best = loss.item(), a.detach().clone()
        a.grad = None
        loss.backward()
        with torch.no_grad():
            a -= lr * a.grad
    return best


def _best_seen_broken(f, a, lr, steps):
    """Walk a, a leaf, down f. Returns the best of the first `steps` points."""
    smallest, best = math.inf, None
    for _ in range(steps):
        loss = f(a)
        if loss < smallest:
            smallest, best = loss.item(), a.detach()
        a.grad = None
        loss.backward()
        a -= lr * a.grad
    return best


def _best_with(update, snapshot=lambda a: a.detach(), reset=True):
    """best_seen with another update and another snapshot."""

    def best_of(f, a, lr, steps):
        smallest, best = math.inf, None
        for _ in range(steps):
            loss = f(a)
            if loss < smallest:
                smallest, best = loss.item(), snapshot(a)
            if reset:
                a.grad = None
            loss.backward()
            a = update(a, lr)
        return best

    return best_of


class Dual:
    """A number that takes its slope along: how fast it changes when x changes."""

    def __init__(self, value, slope):
        self.value = value
        self.slope = slope

    def __add__(self, other):
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        slope = self.slope * other.value + self.value * other.slope
        return Dual(self.value * other.value, slope)

    def exp(self):
        value = math.exp(self.value)
        return Dual(value, value * self.slope)


def dual_steps(dual):
    """Each operation of Dual, and its slope, on u = 3 with slope 2, v = 0.5 with slope -1."""
    u, v = dual(3.0, 2.0), dual(0.5, -1.0)
    for what, result in (
        ("u + v", u + v),
        ("u * v", u * v),
        ("u * u", u * u),
        ("v.exp()", v.exp()),
    ):
        here = f"with u = Dual(3, 2) and v = Dual(0.5, -1), the {{}} of {what}"
        yield here.format("value"), result.value
        yield here.format("slope"), result.slope


class _SlopesMultiplied(Dual):
    def __mul__(self, other):
        return Dual(self.value * other.value, self.slope * other.slope)


class _OneTermOfTheProduct(Dual):
    def __mul__(self, other):
        return Dual(self.value * other.value, self.slope * other.value)


class _OtherTermOfTheProduct(Dual):
    def __mul__(self, other):
        return Dual(self.value * other.value, self.value * other.slope)


class _OwnValuesInTheProduct(Dual):
    def __mul__(self, other):
        slope = self.slope * self.value + other.slope * other.value
        return Dual(self.value * other.value, slope)


class _LocalSlopesAlone(Dual):
    def __mul__(self, other):
        return Dual(self.value * other.value, self.value + other.value)


class _ExpWithoutInnerSlope(Dual):
    def exp(self):
        return Dual(math.exp(self.value), math.exp(self.value))


class _ExpKeepsTheSlope(Dual):
    def exp(self):
        return Dual(math.exp(self.value), self.slope)


class _ExpOfTheSlope(Dual):
    def exp(self):
        return Dual(math.exp(self.value), math.exp(self.slope))


class _BareNumbers(Dual):
    def __add__(self, other):
        return self.value + other.value


class _DualInPlace(Dual):
    def __add__(self, other):
        self.value += other.value
        self.slope += other.slope
        return self


class _DualOfTensors(Dual):
    def exp(self):
        value = torch.tensor(self.value).exp()
        return Dual(value, value * self.slope)


EXERCISES = [
    Exercise(
        name="composed_gradient",
        kind="predict",
        solution=40.0,
        working="product 12, difference -5; back: 2 * (-5) = -10, times -1, times v = 4",
        why="Each step needed only its own slope and the number that came from its right.",
        hints=(
            "Draw three boxes: product, difference, power. First the values, from the left to the right.",
            "The values are 12, then 7 - 12, then its square. Now back: the slope of the power, then the sign with "
            "which the product enters the difference, then the other factor of the product.",
        ),
        mistakes=(
            Mistake(
                -40.0,
                "The sign is lost: the product is subtracted, so its gradient is minus the one of the difference.",
            ),
            Mistake(
                20.0,
                "A factor of 2 is missing: the slope of a square is twice what is squared.",
            ),
            Mistake(
                -20.0, "The 2 of the square is missing, and so is the minus of the difference."
            ),
            Mistake(
                -10.0,
                "That is the gradient of the difference. Two steps are left: its minus, and the product.",
            ),
            Mistake(
                10.0,
                "That is the gradient of the product. One step is left, from the product to w.",
            ),
            Mistake(
                30.0,
                "That is the gradient of v. A product passes on its gradient times the other factor.",
            ),
            Mistake(25.0, "That is the loss itself. Asked for is how fast it changes with w."),
        ),
        also_right=(40, torch.tensor(40.0), np.float64(40.0)),
    ),
    Exercise(
        name="accumulated_gradient",
        kind="predict",
        solution=17.0,
        working="4, then reset to 0, then 0 + 5, then 5 + 3 * 2**2",
        why="Every backward() adds to what it finds, and a reset wipes out only what came before it.",
        hints=(
            "Go line by line and write down what w.grad holds after each. w itself never changes.",
            "The slopes at w = 2 are 2w, then 5, then 3 times w squared. Each is added; one line sets the sum to zero.",
        ),
        mistakes=(
            Mistake(
                21.0, "You added all three. zero_() sets the gradient back to 0 after the first."
            ),
            Mistake(
                12.0,
                "That is the last slope alone. backward() adds to what is there, it does not replace it.",
            ),
            Mistake(
                5.0,
                "zero_() empties w.grad, not w: w is 2 all the time, so the last slope is not zero.",
            ),
            Mistake(
                18.0, "These are the values of the formulas, added. w.grad collects their slopes."
            ),
            Mistake(
                0.0, "zero_() comes before the last two backward passes, and these add to the zero."
            ),
        ),
        also_right=(17, torch.tensor(17.0), np.float32(17.0)),
    ),
    Exercise(
        name="walk_down",
        kind="write",
        solution=walk_down,
        why="Four lines, loss, reset, backward, step: with another loss they train every model of this course.",
        hints=(
            "Look at descend(): what has to change so that it works for any f, and returns the last a only?",
            "Before the loop, make a leaf out of start, with requires_grad=True. In the loop: loss, reset, backward, "
            "step, in this order; the step stands inside torch.no_grad().",
            "The loop holds loss = f(a), a.grad = None, loss.backward(), and then, with torch.no_grad(), "
            "a -= lr * a.grad. After the loop: return a.item().",
        ),
        cases=(
            (parabola, 3.0, 0.01, 1),
            (parabola, 3.0, 0.01, 3),
            (parabola, -1.0, 0.1, 2),
            (quartic, 1.0, 0.05, 4),
        ),
        mistakes=(
            Mistake(
                _walk_with(_down, reset=False),
                "The gradients of all steps add up, since nothing resets them. One line is missing before backward().",
            ),
            Mistake(_walk_with(_up), "You walk uphill. The step goes against the slope: minus."),
            Mistake(
                _walk_with_early_zero,
                "Before the first backward() there is no gradient yet that zero_() could fill with zeros. "
                "The other reset, a.grad = None, works there too.",
            ),
            Mistake(
                lambda f, start, lr, steps: walk_down(f, start, lr, steps + 1),
                "That is one step too many. range(steps) gives as many rounds as are wanted.",
            ),
            Mistake(
                lambda f, start, lr, steps: walk_down(f, start, lr, steps - 1),
                "That is one step too few. range(steps) gives as many rounds as are wanted.",
            ),
            Mistake(
                lambda f, start, lr, steps: f(torch.tensor(walk_down(f, start, lr, steps))).item(),
                "That is the loss at the end. Asked for is a itself.",
            ),
            Mistake(
                _walk_with(_recorded),
                "A leaf that is being recorded may not be overwritten. Switch the recording off for the update.",
            ),
            Mistake(
                _walk_with(_computed),
                "a = a - ... makes a computed tensor, no leaf any more, and its grad stays None. "
                "Change a in place, with the recording switched off.",
            ),
            Mistake(
                _walk_with(_without_requires_grad),
                "Inside no_grad, a = a - ... makes a new tensor that requires no gradient, and the next backward() "
                "finds nothing to do. Change a in place: a -= ...",
            ),
        ),
        also_right=(
            _walk_with(_fresh_leaf),
            _walk_with_grad,
            lambda f, start, lr, steps: torch.tensor([walk_down(f, start, lr, steps)]),
        ),
    ),
    Exercise(
        name="best_seen",
        kind="repair",
        solution=best_seen,
        stub=_best_seen_broken,
        why="The same two lines guard every real training: an update that is not recorded, a snapshot with its own "
        "memory.",
        hints=(
            "Make a leaf a of 3.0 and run best_seen(lambda a: (2 * a - 3).abs(), a, 0.2, 5) in a new cell. You know the "
            'error from section "One hundred steps downhill".',
            "When it no longer stops, it returns the last a and not the best. Which two names share one number?",
            "The update stands inside torch.no_grad() and stays in place, with -=. The snapshot needs a storage of "
            "its own: see the table above.",
        ),
        cases=(
            (valley, leaf(3.0), 0.2, 2),
            (valley, leaf(3.0), 0.2, 5),
            (parabola, leaf(2.5), 0.3, 3),
        ),
        mistakes=(
            Mistake(
                _best_with(_down),
                "The update is right now, but best still shares its memory with a, and moves when a moves. "
                "It should have a number of its own.",
            ),
            Mistake(
                _best_with(_recorded, snapshot=lambda a: a.detach().clone()),
                "The snapshot is right now, but the update still overwrites a leaf that is being recorded.",
            ),
            Mistake(
                _best_with(_computed),
                "a = a - ... makes a computed tensor, no leaf any more, and its grad stays None. "
                "Change a in place, with the recording switched off.",
            ),
            Mistake(
                _best_with(_without_requires_grad),
                "The new a requires no gradient, so the next backward() finds nothing to do. "
                "Change a in place, a -= ..., with the recording switched off.",
            ),
            Mistake(
                _best_with(_down, snapshot=lambda a: a.detach().clone(), reset=False),
                "Both bugs are gone, but the reset is gone, and the gradients add up.",
            ),
        ),
        also_right=(
            _best_with(_fresh_leaf),
            _best_with(_down, snapshot=lambda a: a.item()),
            _best_with(_down, snapshot=lambda a: a.clone()),
        ),
    ),
    Exercise(
        name="dual",
        kind="write",
        solution=Dual,
        why="This is the forward mode: no record, no way back, but one walk for each input, and a network has half a "
        "million of them; backward needs one walk for all.",
        hints=(
            "Each method returns a new Dual. Its value is what the operation gives for the values; its slope says how "
            "fast that changes when all parts move at their own speeds.",
            "A sum changes by what its parts change by. A product changes through its first factor and through its "
            'second, and both add up: see section "Two arrows out of one number".',
            "The product rule: self.slope * other.value + self.value * other.slope. The exponential is its own local "
            "slope, times the slope that arrives; math.exp works on numbers.",
        ),
        probe=dual_steps,
        mistakes=(
            Mistake(
                _SlopesMultiplied,
                "The slope of a product is not the product of the slopes. Move one factor, then the other: "
                "each counts times what stands still.",
            ),
            Mistake(
                _OneTermOfTheProduct,
                "The product also changes through its second factor. That term is missing.",
            ),
            Mistake(
                _OtherTermOfTheProduct,
                "The product also changes through its first factor. That term is missing.",
            ),
            Mistake(
                _OwnValuesInTheProduct,
                "In a product, the slope of each factor is multiplied by the other factor, not by itself.",
            ),
            Mistake(
                _LocalSlopesAlone,
                "These are the local slopes of the product. Each must be multiplied by the slope that its factor has.",
            ),
            Mistake(
                _ExpWithoutInnerSlope,
                "exp has its local slope, but the chain rule wants it times the slope of what stands inside.",
            ),
            Mistake(
                _ExpKeepsTheSlope,
                "exp hands the slope of its inside on unchanged here. The chain rule wants it times the local slope "
                "of exp.",
            ),
            Mistake(
                _ExpOfTheSlope,
                "The slope of exp is not exp of the slope. The exponential is its own derivative.",
            ),
            Mistake(
                _BareNumbers,
                "u + v is a bare number here. Each method should return a Dual: a value and a slope.",
            ),
            Mistake(
                _DualInPlace,
                "u + v changes u, so the next formula starts from a wrong u. Return a new Dual and leave u alone.",
            ),
        ),
        also_right=(_DualOfTensors,),
    ),
]
