"""The exercises of notebook 01."""

import itertools
import math
from fractions import Fraction

import numpy as np
import torch

from helpers.exercises.engine import Notebook, Wrong, numbers

notebook = Notebook("01")


def parabola(a):
    return (2 * a - 3) ** 2


def valley(a):
    return (2 * a - 3).abs()


def quartic(a):
    return a**4 - a


COMPUTED = notebook.text(
    "a = a - ... makes a computed tensor, no leaf any more, and its grad stays None. Change a in place, with the recording "
    "switched off."
)


# ------------------------------------------------------------------------------------------------- composed_gradient

exercise = notebook.predict(
    "composed_gradient",
    40.0,
    working="product 12, difference -5; back: 2 * (-5) = -10, times -1, times v = 4",
    why="Each step needed only its own slope and the number that came from its right.",
)
exercise.hint(
    "Draw three boxes: product, difference, power. First the values, from the left to the right.",
    "The values are 12, then 7 - 12, then its square. Now back: the slope of the power, then the sign with which the "
    "product enters the difference, then the other factor of the product.",
)
exercise.mistake(
    "The sign is lost: the product is subtracted, so its gradient is minus the one of the difference.", -40.0
)
exercise.mistake("A factor of 2 is missing: the slope of a square is twice what is squared.", 20.0)
exercise.mistake("The 2 of the square is missing, and so is the minus of the difference.", -20.0)
exercise.mistake("That is the gradient of the difference. Two steps are left: its minus, and the product.", -10.0)
exercise.mistake("That is the gradient of the product. One step is left, from the product to w.", 10.0)
exercise.mistake("That is the gradient of v. A product passes on its gradient times the other factor.", 30.0)
exercise.mistake("That is the loss itself. Asked for is how fast it changes with w.", 25.0)
exercise.also_right(40, torch.tensor(40.0), np.float64(40.0), Fraction(40))


# ---------------------------------------------------------------------------------------------- accumulated_gradient

exercise = notebook.predict(
    "accumulated_gradient",
    17.0,
    working="4, then reset to 0, then 0 + 5, then 5 + 3 * 2**2",
    why="Every backward() adds to what it finds, and a reset wipes out only what came before it.",
)
exercise.hint(
    "Go line by line and write down what w.grad holds after each. w itself never changes.",
    "The slopes at w = 2 are 2w, then 5, then 3 times w squared. Each is added; one line sets the sum to zero.",
)
exercise.mistake("You added all three. zero_() sets the gradient back to 0 after the first.", 21.0)
exercise.mistake("That is the last slope alone. backward() adds to what is there, it does not replace it.", 12.0)
exercise.mistake("zero_() empties w.grad, not w: w is 2 all the time, so the last slope is not zero.", 5.0)
exercise.mistake("These are the values of the formulas, added. w.grad collects their slopes.", 18.0)
exercise.mistake("zero_() comes before the last two backward passes, and these add to the zero.", 0.0)
exercise.also_right(17, torch.tensor(17.0), np.float32(17.0))


# --------------------------------------------------------------------------------------------------------- walk_down

exercise = notebook.write(
    "walk_down",
    why="Four lines, loss, reset, backward, step: with another loss they train every model of this course.",
)


@exercise.right
def walk_down(f, start, lr, steps):
    """Where `steps` steps down f lead from `start`, a number; f: tensor -> tensor."""
    a = torch.tensor(start, requires_grad=True)
    for _ in range(steps):
        loss = f(a)
        a.grad = None
        loss.backward()
        with torch.no_grad():
            a -= lr * a.grad
    return a.item()


exercise.hint(
    "Look at descend(): what has to change so that it works for any f, and returns the last a only?",
    "Before the loop, make a leaf out of start, with requires_grad=True. In the loop: loss, reset, backward, step, in "
    "this order; the step stands inside torch.no_grad().",
    "The loop holds loss = f(a), a.grad = None, loss.backward(), and then, with torch.no_grad(), a -= lr * a.grad. "
    "After the loop: return a.item().",
)
exercise.case(parabola, 3.0, 0.01, 1)
exercise.case(parabola, 3.0, 0.01, 3)
exercise.case(parabola, -1.0, 0.1, 2)
exercise.case(quartic, 1.0, 0.05, 4)
exercise.case(parabola, 2.5, 0.3, 3)  # the loss rises: the last a is not the best
exercise.case(parabola, 3.0, 0.01, 0)


def path_down(f, start, lr, steps):
    return [walk_down(f, start, lr, k) for k in range(steps + 1)]


RESET, UPDATE = "        a.grad = None\n", "        with torch.no_grad():\n            a -= lr * a.grad\n"
BACKWARD, FORWARD, LOOP = "        loss.backward()\n", "        loss = f(a)\n", "    for _ in range(steps):\n"
LEAF = "    a = torch.tensor(start, requires_grad=True)\n"
exercise.mistake(
    "The gradients of all steps add up, since nothing resets them. One line is missing before backward().",
    exercise.edited(RESET, ""),
)
exercise.mistake("You walk uphill. The step goes against the slope: minus.", exercise.edited("-=", "+="))
exercise.mistake(
    "Before the first backward() there is no gradient yet that zero_() could fill with zeros. The other reset, "
    "a.grad = None, works there too.",
    exercise.edited("a.grad = None", "a.grad.zero_()"),
)
exercise.mistake(
    "The step finds no gradient. backward() comes before it, and no reset stands between the two.",
    exercise.edited(BACKWARD, "", UPDATE, UPDATE + BACKWARD),
    exercise.edited(RESET, "", BACKWARD, BACKWARD + RESET),
)
exercise.mistake(
    "a never moves. Does the step find a gradient (backward() before it, no reset between), and is it applied?",
    exercise.edited(RESET, "", BACKWARD, BACKWARD + "        a.grad.zero_()\n"),
    exercise.edited(UPDATE, ""),
    lambda f, start, lr, steps: start,
)
exercise.mistake(
    "Each backward pass needs a forward pass of its own: loss = f(a) belongs into the loop.",
    exercise.edited(LOOP + FORWARD, FORWARD[4:] + LOOP),
)
exercise.mistake(
    "Each round begins at start again. Make the leaf once, before the loop.",
    exercise.edited(LEAF + LOOP, f"{LOOP}    {LEAF}"),
)
exercise.mistake(
    "That is one step too many. range(steps) gives as many rounds as are wanted.",
    exercise.edited("range(steps)", "range(steps + 1)"),
)
exercise.mistake(
    "That is one step too few. range(steps) gives as many rounds as are wanted.",
    exercise.edited("range(steps)", "range(steps - 1)"),
)
exercise.mistake(
    "The walk ends after its first step: return stands inside the loop. It belongs behind it.",
    exercise.edited("    return", "        return"),
)
exercise.mistake("With 0 steps nobody moves: you should return start.", exercise.edited("(steps)", "(max(1, steps))"))
exercise.mistake("That is the loss at the end. Asked for is a itself.", exercise.edited("a.item()", "f(a).item()"))
exercise.mistake(
    "That is the best a on the way. Asked for is the last one, even where it is not the best.",
    lambda f, *rest: min(path_down(f, *rest), key=lambda a: f(torch.tensor(a))),
)
exercise.mistake(
    "That is the whole path. Asked for is its last a only, as one number.",
    lambda *args: torch.tensor(path_down(*args)),
    lambda *args: path_down(*args),
)
exercise.mistake(
    "This walk goes down the parabola, whatever f is. Let f say what the loss is, and backward() what its slope is.",
    exercise.edited("f(a)", "(2 * a - 3) ** 2"),
)
exercise.mistake(
    "The loss has no record. So a needs requires_grad=True, and only the step may stand inside torch.no_grad().",
    exercise.edited(", requires_grad=True", ""),
    torch.no_grad()(walk_down),
)
exercise.mistake(
    "A leaf that is being recorded may not be overwritten. Switch the recording off for the update.",
    exercise.edited(UPDATE, "        a -= lr * a.grad\n"),
)
exercise.mistake(COMPUTED, exercise.edited(UPDATE, "        a = a - lr * a.grad\n"))
exercise.mistake(
    "Inside no_grad, a = a - ... makes a new tensor that requires no gradient, and the next backward() finds nothing to "
    "do. Change a in place: a -= ...",
    exercise.edited("a -= lr", "a = a - lr"),
)


FRESH_LEAF = "        a = (a - lr * a.grad).detach().requires_grad_()\n"
exercise.also_right(
    exercise.edited(UPDATE, FRESH_LEAF),
    exercise.edited(RESET, "", UPDATE, UPDATE + "        a.grad.zero_()\n"),
    lambda *args: torch.tensor([walk_down(*args)]),
)


@exercise.also_right
def _(f, start, lr, steps):
    a = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(f(a), a)
        a.data -= lr * slope
    return a


# --------------------------------------------------------------------------------------------------------- best_seen

# Whether the caller's a moves is left open: the best is right with a new leaf, too, and without the last step.
exercise = notebook.repair(
    "best_seen",
    why="The same two lines guard every real training: an update that is not recorded, a snapshot with its own memory.",
    deeper=True,
    in_place=("a",),
)


@exercise.broken
def best_seen_broken(f, a, lr, steps):
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


@exercise.right
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


exercise.hint(
    "Make a leaf a of 3.0 and run best_seen(lambda a: (2 * a - 3).abs(), a, 0.2, 5) in a new cell. You know the error "
    'from section "One hundred steps downhill".',
    "When it no longer stops, it returns the last a and not the best. Which two names share one number?",
    "The update stands inside torch.no_grad() and stays in place, with -=. The snapshot needs a storage of its own: see "
    "the table above.",
)

BEST = exercise.text("best_seen({f}, a, {lr}, {steps}) with a at {start}")


@exercise.probe
def _(answer):
    for f, start, lr, steps in (
        (valley, 3.0, 0.2, 1),
        (valley, 3.0, 0.2, 2),
        (valley, 3.0, 0.2, 5),
        (parabola, 2.5, 0.3, 3),  # the start is the best
        (quartic, 1.0, 0.5, 5),  # the loss rises, and falls lower
    ):
        a = torch.tensor(start, requires_grad=True)
        yield BEST(f=f.__name__, start=start, lr=lr, steps=steps), answer(f, a, lr, steps)


SNAPSHOT = "        if loss < smallest:\n            smallest, best = loss.item(), a.detach().clone()\n"
exercise.mistake(
    "The update is right now, but best still shares its memory with a, and moves when a moves. It should have a number of "
    "its own.",
    exercise.edited(".clone()", ""),
)
exercise.mistake(
    "The update still overwrites a leaf that is being recorded. Switch the recording off for it.",
    exercise.edited(UPDATE, "        a -= lr * a.grad\n"),
)
exercise.mistake(COMPUTED, exercise.edited(".clone()", "", UPDATE, "        a = a - lr * a.grad\n"))
exercise.mistake(
    "The new a requires no gradient, so the next backward() finds nothing to do. Change a in place, a -= ..., with the "
    "recording switched off.",
    exercise.edited(".clone()", "", "a -= lr", "a = a - lr"),
)
exercise.mistake(
    "The whole loop stands inside torch.no_grad(), so the loss has no record, and backward() finds nothing to do. Only the "
    "update belongs there.",
    torch.no_grad()(best_seen),
)
exercise.mistake("Both bugs are gone, but the reset is gone, and the gradients add up.", exercise.edited(RESET, ""))
exercise.mistake(
    "You stop when the loss rises. It may fall again, and lower than before: look at all the points.",
    exercise.edited(SNAPSHOT, f"{SNAPSHOT}        else:\n            break\n"),
)
exercise.mistake(
    "The snapshot comes after the step, so it is one step farther than the point whose loss you compare.",
    exercise.edited(SNAPSHOT, "", UPDATE, UPDATE + SNAPSHOT),
)
exercise.mistake(
    "You also look at the point after the last step. Asked for is the best of the first `steps` points, and the start is "
    "the first of them.",
    exercise.edited("(steps)", "(steps + 1)"),
)
exercise.mistake("That is the smallest loss. Asked for is the a that has it.", exercise.edited("n best", "n smallest"))
exercise.also_right(
    exercise.edited(".clone()", "", UPDATE, FRESH_LEAF),
    exercise.edited(".clone()", "", UPDATE, "        a.data = a.data - lr * a.grad\n"),  # a gets a new storage
    exercise.edited("a.detach().clone()", "a.item()"),
    exercise.edited("a.detach().clone()", "a.clone()"),
)


@exercise.also_right
def _(f, a, lr, steps):
    path = [a.item()]
    while len(path) < steps:
        path.append(walk_down(f, path[-1], lr, 1))
    return min(path, key=lambda point: f(torch.tensor(point)))


# -------------------------------------------------------------------------------------------------------------- dual

exercise = notebook.write(
    "dual",
    why="This is the forward mode: no record, no way back, but one walk for each input, and a network has half a million "
    "of them; backward needs one walk for all.",
    deeper=True,
)


@exercise.right
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


exercise.hint(
    "Each method returns a new Dual. Its value is what the operation gives for the values; its slope says how fast that "
    "changes when all parts move at their own speeds.",
    "A sum changes by what its parts change by. A product changes through its first factor and through its second, and "
    'both add up: see section "Two arrows out of one number".',
    "The product rule: self.slope * other.value + self.value * other.slope. The exponential is its own local slope, times "
    "the slope that arrives; math.exp works on numbers.",
)

PART = exercise.text("With u = Dual{u} and v = Dual{v}, the {part} of {formula}")
ATTRIBUTE, NUMBER = exercise.text("{name}.{part}"), exercise.text("a number")
NO_DUAL = exercise.text("{formula} is no Dual here. Each method should return a Dual: a value and a slope.")
NOTHING = exercise.text("The {part} of {formula} is None. Each method should work out both, the value and the slope.")
CHANGES = exercise.text(
    "{formula} changes {name}, so the next formula starts from a wrong {name}. Return a new Dual and leave {name} alone."
)
FORMULAS = {
    "u + v": lambda u, v: u + v,
    "u * v": lambda u, v: u * v,
    "u * u": lambda u, v: u * u,
    "v.exp()": lambda u, v: v.exp(),
    "(u * v + u).exp()": lambda u, v: (u * v + u).exp(),
}


def attributes(**duals):
    pairs = itertools.product(duals, ("value", "slope"))
    return [(n, numbers(ATTRIBUTE(name=n, part=p), getattr(duals[n], p), instead=NUMBER)) for n, p in pairs]


@exercise.probe
def _(dual):
    # positive and negative values, a zero, a constant; the slopes have another sum each time
    for u, v in ((3.0, 2.0), (0.5, -1.0)), ((-2.0, 0.25), (1.5, 3.0)), ((0.0, 3.0), (-0.5, 0.0)):
        for formula, of in FORMULAS.items():
            duals = {"u": dual(*u), "v": dual(*v)}
            before = attributes(**duals)
            result = of(**duals)
            if not hasattr(result, "value") or not hasattr(result, "slope"):
                raise Wrong(NO_DUAL(formula=formula))
            for part in ("value", "slope"):
                if getattr(result, part) is None:
                    raise Wrong(NOTHING(part=part, formula=formula))
                yield PART(u=u, v=v, part=part, formula=formula), getattr(result, part)
            for (name, old), (_, new) in zip(before, attributes(**duals), strict=True):
                if not torch.equal(old, new):
                    raise Wrong(CHANGES(formula=formula, name=name))


PRODUCT, SUM = "self.slope * other.value + self.value * other.slope", "self.slope + other.slope"
EXP = "value * self.slope)"
exercise.mistake(
    "The slope of a product is not the product of the slopes. Move one factor, then the other: each counts times what "
    "stands still.",
    exercise.edited(PRODUCT, "self.slope * other.slope"),
)
exercise.mistake(
    "The product also changes through its second factor. That term is missing.",
    exercise.edited(PRODUCT, "self.slope * other.value"),
)
exercise.mistake(
    "The product also changes through its first factor. That term is missing.",
    exercise.edited(PRODUCT, "self.value * other.slope"),
)
exercise.mistake(
    "In a product, the slope of each factor is multiplied by the other factor, not by itself.",
    exercise.edited(PRODUCT, "self.slope * self.value + other.slope * other.value"),
)
exercise.mistake(
    "These are the local slopes of the product. Each must be multiplied by the slope that its factor has.",
    exercise.edited(PRODUCT, "self.value + other.value"),
)
exercise.mistake(
    "A sum changes by what both its parts change by: its slope is the sum of their slopes.",
    exercise.edited(SUM, "1.0"),
    exercise.edited(SUM, "self.slope"),
    exercise.edited(SUM, "self.slope * other.slope"),
)
exercise.mistake(
    "exp has its local slope, but the chain rule wants it times the slope of what stands inside.",
    exercise.edited(EXP, "value)"),
)
exercise.mistake(
    "exp hands the slope of its inside on unchanged here. The chain rule wants it times the local slope of exp.",
    exercise.edited(EXP, "self.slope)"),
)
exercise.mistake(
    "The slope of exp is not exp of the slope. The exponential is its own derivative.",
    exercise.edited(EXP, "math.exp(self.slope))"),
)
exercise.mistake(
    NO_DUAL(formula="u + v"), exercise.edited(f"Dual(self.value + other.value, {SUM})", "self.value + other.value")
)
exercise.mistake(NOTHING(part="value", formula="v.exp()"), exercise.edited("Dual(value, value", "Dual(None, value"))
exercise.mistake(NO_DUAL(formula="v.exp()"), exercise.edited("Dual(value, value * self.slope)", "value, self.slope"))

PRODUCT_VALUE, SUM_VALUE = "Dual(self.value * other.value", "Dual(self.value + other.value"
exercise.mistake(
    "A value may be negative, and keeps its sign.",
    exercise.edited(PRODUCT_VALUE, "Dual(abs(self.value * other.value)"),
    exercise.edited(SUM_VALUE, "Dual(abs(self.value + other.value)"),
    exercise.edited("math.exp(self.value)", "math.exp(abs(self.value))"),
)
IN_PLACE = "self.value, self.slope = "
exercise.mistake(
    CHANGES(formula="u + v", name="u"),
    exercise.edited(f"return {SUM_VALUE}, {SUM})", f"{IN_PLACE}self.value + other.value, {SUM}; return self"),
)
exercise.mistake(
    CHANGES(formula="v.exp()", name="v"),
    exercise.edited("return Dual(value, value * self.slope)", f"{IN_PLACE}value, value * self.slope; return self"),
)
exercise.also_right(
    exercise.edited("math.exp(self.value)", "torch.tensor(self.value).exp()"),
    exercise.edited(
        "self.value = value", "self.value = torch.tensor([value])", "math.exp(self.value)", "self.value.exp()"
    ),
)
