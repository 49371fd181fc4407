"""The exercises of notebook 09."""

import math

import numpy as np
import torch

from helpers.exercises.engine import Notebook, Wrong

notebook = Notebook("09")

ALONE = notebook.text("A parameter that starts at 1, with lr 0.1, after a step for each gradient in {gradients}")
FIRST = notebook.text("The first of two parameters from an iterator, with the settings {settings}, after step {step}")
SECOND = notebook.text("The second of two parameters from an iterator, with the settings {settings}, after step {step}")
GRADIENT_CHANGED = notebook.text(
    "Your step changes p.grad or empties it, but it should only read it. Compute a new tensor, and leave the reset to "
    "zero_grad()."
)
RECORDED = notebook.text(
    "autograd records the step, and refuses to change a parameter in place while it does. Put @torch.no_grad() in front "
    "of step."
)
NOT_IN_PLACE = notebook.text(
    "The parameters do not change. One cause: p = p + ... makes a new tensor and gives it the name p. Change the "
    "parameter in place, with += or -=, by something that contains the gradient."
)
NO_LIST = notebook.text(
    "It fails when params is an iterator, as model.parameters() is: that can be walked through only once. Make a list of "
    "it first."
)
NO_GRAD = "    @torch.no_grad()\n"


def walk(optimizer, params, rows):
    """Makes a step for each row of gradients; yields the parameters after it."""
    for row in rows:
        for p, g in zip(params, row, strict=True):
            p.grad = g.clone()
        optimizer.step()
        yield [p.detach().clone() for p in params]
        if any(p.grad is None or not p.grad.equal(g) for p, g in zip(params, row, strict=True)):
            raise Wrong(GRADIENT_CHANGED)


def moves(optimizer_class, gradients, *settings):
    """A single parameter, with lr 0.1 and the defaults; then two of other shapes, from an iterator, with the settings."""
    p = torch.ones(1, requires_grad=True)
    rows = [[torch.tensor([g])] for g in gradients]
    for k, (here,) in enumerate(walk(optimizer_class([p], 0.1), [p], rows), start=1):
        yield ALONE(gradients=gradients[:k]), here
    generator = torch.Generator().manual_seed(0)
    params = [torch.ones(2, 3, requires_grad=True), torch.tensor([0.5, -1.0], requires_grad=True)]
    rows = [[torch.randn(p.shape, generator=generator) for p in params] for _ in range(12)]
    for row in rows:
        row[1][1] = 0.0  # as of a weight that nothing passes through
    optimizer = optimizer_class((p for p in params), *settings)
    for k, (first, second) in enumerate(walk(optimizer, params, rows), start=1):
        yield FIRST(settings=settings, step=k), first
        yield SECOND(settings=settings, step=k), second


# ------------------------------------------------------------------------------------------------------------ polyak

exercise = notebook.write(
    "polyak",
    why="It walks the path of Momentum, because p minus previous is minus lr times the velocity; and you have written an "
    "optimizer with a state.",
)


@exercise.right
class Polyak:
    """Momentum without a velocity: it remembers where each parameter was before."""

    def __init__(self, params, lr, momentum=0.9):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.previous = [p.detach().clone() for p in self.params]

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            change = self.momentum * (p - self.previous[i]) - self.lr * p.grad
            self.previous[i] = p.clone()
            p += change


exercise.hint(
    "For each parameter the optimizer remembers one tensor of the same shape. At the start, that is a copy of the "
    "parameter itself: p.detach().clone() takes its numbers and keeps them when p moves on.",
    "In step, compute the whole change first; then remember a clone of p; then change p in place, with nothing recorded.",
    "The change is self.momentum * (p - previous) - self.lr * p.grad. The rest is as in Momentum: @torch.no_grad(), a "
    "loop over the parameters, p += change.",
)


@exercise.probe
def _(answer):
    yield from moves(answer, [1.0, 1.0, 1.0, -2.0], 0.05, 0.8)


LOOP, GRADIENT = "in enumerate(self.params):\n", " - self.lr * p.grad"
REMEMBER, MOVE = "            self.previous[i] = p.clone()\n", "            p += change"
PAIRS = "zip(self.params, self.previous, strict=True)"
EARLY = LOOP + "            p -= self.lr * p.grad\n"
exercise.mistake(
    "That is plain SGD. If the momentum is there, p minus previous is always zero: remember a clone, after the difference "
    "has been taken and before p moves.",
    exercise.edited("self.momentum * (p - self.previous[i]) - ", "-"),
    exercise.edited("p.clone()", "p"),
    exercise.edited(REMEMBER, "", MOVE, f"{MOVE}\n{REMEMBER}"),
)
exercise.mistake(RECORDED, exercise.edited(NO_GRAD, ""))
exercise.mistake(
    "The momentum points backwards: p should go on in the direction from its previous place to its present one.",
    exercise.edited("p - self.previous[i]", "self.previous[i] - p"),
)
exercise.mistake(
    NOT_IN_PLACE,
    exercise.edited("p += change", "p = p + change"),
    exercise.edited(MOVE, ""),
    exercise.edited(GRADIENT, ""),
)
exercise.mistake(
    GRADIENT_CHANGED,
    exercise.edited(MOVE, f"{MOVE}\n            p.grad = None"),
    exercise.edited(MOVE, f"{MOVE}\n            p.grad.zero_()"),
)
exercise.mistake(
    "The parameters do not change, because self.params[i] = ... puts a new tensor into your list only. Change the "
    "parameter in place, with += or -=.",
    exercise.edited("p += change", "self.params[i] = p + change"),
)
exercise.mistake(
    "Your previous places start as zeros, so the first step already has a momentum. At the start, the previous place is a "
    "copy of the parameter.",
    exercise.edited("p.detach().clone()", "torch.zeros_like(p)"),
)
exercise.mistake(
    "p has moved by the gradient before the difference is taken. Compute the whole change before p changes.",
    exercise.edited(LOOP, EARLY, GRADIENT, ""),
    exercise.edited("= p.clone()", "= here", GRADIENT, "", LOOP, EARLY.replace("p -=", "here = p.clone(); p -=")),
    exercise.edited(LOOP, EARLY, GRADIENT, "", REMEMBER, "", MOVE, f"{MOVE}\n{REMEMBER}"),
)
exercise.mistake(
    "The previous place stays the start for ever. Renew it at each step, after the difference has been taken.",
    exercise.edited(REMEMBER, ""),
)
exercise.mistake(
    "The learning rate belongs to the gradient alone; p minus previous is a step that was taken, so lr is in it already.",
    exercise.edited("self.momentum * (p", "self.lr * self.momentum * (p"),
)
exercise.mistake(
    "With momentum 0.9 it is right. But another number may be given: keep it in __init__, and use it in step.",
    exercise.edited("lr, momentum\n", "lr, 0.9\n"),
)
exercise.mistake(
    NO_LIST,
    exercise.edited("list(params)", "params"),
    exercise.edited("list(params)", "params", "p in enumerate(self.params)", f"(p, _) in enumerate({PAIRS})"),
)


@exercise.also_right
class _:
    def __init__(self, params, lr, momentum=0.9):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.velocity = [torch.zeros_like(p) for p in self.params]

    def step(self):
        with torch.no_grad():
            for p, m in zip(self.params, self.velocity, strict=True):
                m *= self.momentum
                m += p.grad
                p -= self.lr * m


exercise.also_right(
    exercise.edited(NO_GRAD, "", "(p -", "(p.data -", "p.clone()", "p.data", "p += change", "p.data = p.data + change"),
)

# ---------------------------------------------------------------------------------------------------- adam_after_two

exercise = notebook.predict(
    "adam_after_two",
    0.8,
    working="1 - 0.3 + 0.3 * (1 / 3): m is 2, then -1; the second m_hat is -1 / 0.75 = -4/3, divided by 4",
    why="The memory of the first gradient shortens the step back: against a sign that flips, Adam's steps get small.",
)
exercise.hint(
    "Both gradients have the square 16, so the corrected s_hat is 16 at both steps. Only m takes work.",
    "m is 0.5 * 0 + 0.5 * 4 after the first step. Compute it after the second, and divide by 1 - 0.5**2.",
    "The first step is lr times the sign of the gradient. In the second, m is -1 and m_hat = -1 / 0.75; divide by 4 and "
    "multiply by lr.",
)
exercise.mistake(
    "The first step has the length lr whatever the gradient, but the second does not: m still remembers the first "
    "gradient.",
    1.0,
)
exercise.mistake(
    "In the second step, m is not corrected. Divide it by 1 - 0.5**2, because two steps have been taken.", 0.775
)
exercise.mistake(
    "In the second step, m is corrected as in the first. The count t is 2 now, so divide by 1 - 0.5**2.", 0.85
)
exercise.mistake(
    "The second step has the right length, and goes the wrong way: m is negative then, and the step goes against its "
    "sign.",
    0.6,
)
exercise.mistake("You walk uphill: both steps have the right length, and go the wrong way.", 1.2)
exercise.mistake("That is p after two equal gradients. The second is -4: mind its sign in m.", 0.4)
exercise.mistake("You have taken 0.9 for beta1, the default. Here it is 0.5.", 0.7 + 0.3 * 0.01 / 0.19)  # 0.7158
exercise.mistake("In the second step the root is missing: m_hat is divided by the root of s_hat, not by s_hat.", 0.725)
exercise.mistake("The root is missing in both steps: m_hat is divided by the root of s_hat, not by s_hat.", 0.95)
exercise.mistake(
    "The corrections are missing. Divide m by 1 - 0.5**t and s by 1 - 0.999**t, at each step.",
    1 - 0.3 * 2 / 0.016**0.5 + 0.3 / 0.031984**0.5,  # -2.0659
)
exercise.mistake(
    "m is corrected, but s is not: divide it by 1 - 0.999**t, at each step.",
    1 - 0.3 * 4 / 0.016**0.5 + 0.4 / 0.031984**0.5,  # -6.2502
)
exercise.mistake("That is p after the first step. Take the second.", 0.7)
exercise.mistake("That is the second change alone. Where is p after both steps?", 0.1)
exercise.also_right(torch.tensor(0.8), 4 / 5, torch.tensor([0.8], dtype=torch.float64))


# -------------------------------------------------------------------------------------------------------- adamw_step

exercise = notebook.repair(
    "adamw_step",
    why="Now all parameters shrink at the same rate, and the length of the step is right from the first to the last.",
    deeper=True,
)


@exercise.broken
def adamw_step_broken(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    """Step t = 1, 2, ... of AdamW: p, gradient g, averages m and s -> new p, m, s."""
    g = g + weight_decay * p
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0]), s / (1 - betas[1])
    return p - lr * m_hat / (s_hat.sqrt() + eps), m, s


@exercise.right
def adamw_step(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    """Step t = 1, 2, ... of AdamW: p, gradient g, averages m and s -> new p, m, s."""
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)
    p = (1 - lr * weight_decay) * p
    return p - lr * m_hat / (s_hat.sqrt() + eps), m, s


exercise.hint(
    "Two lines are wrong. One decays in the place that AdamW was invented to avoid; the other is right at the first step "
    "only.",
    "What should happen to the weights is p = (1 - lr * weight_decay) * p, and g stays as it is. And what is the "
    "correction at step t?",
    "Take out the line that changes g; divide by 1 - betas[0] ** t and 1 - betas[1] ** t; multiply p by 1 - lr * "
    "weight_decay before the step is subtracted.",
)
vector = torch.tensor
exercise.case(vector([1.0]), vector([0.5]), vector([0.0]), vector([0.0]), 1)
exercise.case(vector([1.0, -2.0]), vector([0.5, 10.0]), vector([0.1, -1.0]), vector([0.01, 0.3]), 4)
exercise.case(vector([1.0]), vector([1e-8]), vector([0.0]), vector([0.0]), 1)  # as small as eps
COLUMNS = [vector(values).unsqueeze(1) for values in ([2.0, -1.0], [-3.0, 0.2], [0.5, 0.1], [0.02, 0.01])]
exercise.case(*COLUMNS, 9, 0.1, 0.5)
exercise.case(*COLUMNS, 2, 0.1, 0.5, (0.5, 0.8), 0.3)


DECAY, START, L2 = "    p = (1 - lr * weight_decay) * p\n", "    m = betas[0]", "    g = g + weight_decay * p\n"
MEAN, SQUARES = "m = betas[0] * m + (1 - betas[0]) * g", "s = betas[1] * s + (1 - betas[1]) * g**2"
STEP = "lr * m_hat / (s_hat.sqrt() + eps)"
exercise.mistake(
    "The corrections are right. But this is Adam with an L2 penalty: the decay is a part of g, and so it is divided by the "
    "root of s_hat.",
    exercise.edited(START, L2 + START, DECAY, ""),
)
exercise.mistake(
    "The weights decay twice: once by themselves, and once through the gradient. Leave g as it is.",
    exercise.edited(START, L2 + START),
)
exercise.mistake(
    "The decay is right. But the correction is that of the first step: after t steps, it is 1 - beta to the power of t.",
    exercise.edited("[0] ** t", "[0]", "[1] ** t", "[1]"),
)
exercise.mistake(
    "The decay is right, and so is m_hat. But s_hat has still the correction of the first step: the power of t belongs "
    "there, too.",
    exercise.edited("[1] ** t", "[1]"),
)
exercise.mistake(
    "The decay is right, and so is s_hat. But m_hat has still the correction of the first step: the power of t belongs "
    "there, too.",
    exercise.edited("[0] ** t", "[0]"),
)
exercise.mistake(
    "The decay is right. But ** is the power: the correction is 1 - beta ** t, not 1 - beta * t.",
    exercise.edited("[0] ** t", "[0] * t", "[1] ** t", "[1] * t"),
)
exercise.mistake("The corrections are right, but nothing shrinks p now.", exercise.edited(DECAY, ""))
exercise.mistake(
    "The decay is right. But without any correction m and s are too small at the start, and the first step is three times "
    "too long.",
    exercise.edited("m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)", "m, s"),
)
exercise.mistake(
    "The new p is right. But what is remembered should be m and s themselves; the hats are made anew at each step.",
    exercise.edited("eps), m, s", "eps), m_hat, s_hat"),
)
exercise.mistake(
    "The weights lose the whole of weight_decay at each step. The rate of decay is lr * weight_decay.",
    exercise.edited("1 - lr * weight_decay", "1 - weight_decay"),
)
exercise.mistake(
    "The decay also shrinks the step that was taken. Shrink p first, then subtract the step.",
    exercise.edited(DECAY, "", f"p - {STEP}", f"(1 - lr * weight_decay) * (p - {STEP})"),
)
exercise.mistake(
    "The tensors of the caller are changed: *=, += and all names that end in _ work in place. Make new ones, as in p = (1 "
    "- lr * weight_decay) * p.",
    exercise.edited(DECAY, DECAY.replace("= (", "*= (").replace(" * p", "")),
    exercise.edited(MEAN, "m.lerp_(g, 1 - betas[0])"),
    exercise.edited(SQUARES, "s *= betas[1]; s += (1 - betas[1]) * g**2"),
)
exercise.mistake(
    "With the default settings it is right. But others may be given: use betas and eps, not their usual values.",
    lambda *args: adamw_step(*args[:7]),
    exercise.edited("betas[0] ** t", "0.9**t", "betas[1] ** t", "0.999**t"),
)
exercise.mistake(
    "Where settings are left out, those of the signature should be used: lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), "
    "eps=1e-8.",
    *(exercise.edited(old, new) for old, new in (("lr=0.01", "lr=0.001"), ("decay=0.1", "decay=0.01"))),
    *(exercise.edited(old, new) for old, new in (("0.999", "0.99"), ("eps=1e-8", "eps=1e-6"))),
)
exercise.mistake(
    "eps has moved into the root. Take the root of s_hat, then add eps.",
    exercise.edited("(s_hat.sqrt() + eps)", "(s_hat + eps).sqrt()"),
)


@exercise.also_right
def _(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    p, m, s = p.clone(), m.clone(), s.clone()
    p *= 1 - lr * weight_decay
    m.lerp_(g, 1 - betas[0])
    s.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
    root = (s / (1 - betas[1] ** t)).sqrt() + eps
    p -= lr / (1 - betas[0] ** t) * m / root
    return [p, m, s]


exercise.also_right(exercise.edited(DECAY, "", f"p - {STEP}", f"p - lr * weight_decay * p - {STEP}"))


# ----------------------------------------------------------------------------------------------------- warmup_cosine

exercise = notebook.write(
    "warmup_cosine",
    why="Most large language models are trained with this curve; a gentle start, and a calm end.",
    deeper=True,
)


@exercise.right
def warmup_cosine(k, warmup, total, peak):
    """The lr of step k = 0, ..., total: a line from 0 to `peak`, half a cosine to 0."""
    if k < warmup:
        return peak * k / warmup
    return peak / 2 * (1 + math.cos(math.pi * (k - warmup) / (total - warmup)))


exercise.hint(
    "Two cases: before step `warmup` a straight line through 0, from there on the formula of Cosine with other numbers in "
    "it.",
    "For the second part, which fraction of the way from `warmup` to `total` has been gone at step k? That takes the place "
    "of k / K.",
    "The line is peak * k / warmup; the fraction is (k - warmup) / (total - warmup), and the cosine of pi times it goes "
    "from 1 to -1.",
)
for step in (5, 0, 2, 10, 35, 60, 110):
    exercise.case(step, 10, 110, 0.1)
for step in (5, 20, 50):
    exercise.case(step, 20, 100, 3.0)


LINE, PART = "peak * k / warmup", "(k - warmup) / (total - warmup)"
DOWN = f"peak / 2 * (1 + math.cos(math.pi * {PART}))"
exercise.mistake(
    "Your cosine has begun at step 0, so the curve jumps where the warm-up ends. Its first step is `warmup`.",
    exercise.edited(PART, "k / total"),
    exercise.edited("(k - warmup)", "k"),
)
exercise.mistake(
    "Your cosine does not come down to 0 at step `total`: after the warm-up, only total - warmup steps are left.",
    exercise.edited("(total - warmup)", "total"),
)
exercise.mistake(
    "You multiply the warm-up by a cosine that starts at step 0, so the peak is never reached. The cosine begins where the "
    "warm-up ends.",
    lambda k, warmup, total, peak: min(k / warmup, 1) * peak / 2 * (1 + math.cos(math.pi * k / total)),
)
exercise.mistake(
    "A cosine alone goes from 1 to -1, and a learning rate below 0 climbs. Add 1 and take half.",
    exercise.edited(DOWN, f"peak * math.cos(math.pi * {PART})"),
)
exercise.mistake(
    "That is a whole wave: the curve is down in the middle, and up again at the end. Half a wave is pi.",
    exercise.edited("math.pi *", "2 * math.pi *"),
)
exercise.mistake(
    "That is a quarter of a wave: it starts and ends right, but comes down steeply at the end. Half a wave goes from 1 to "
    "-1; add 1 and take half.",
    exercise.edited(DOWN, f"peak * math.cos(math.pi / 2 * {PART})"),
)
exercise.mistake(
    "Your warm-up is one step early: it should be 0 at step 0, and reach the peak at step `warmup`.",
    exercise.edited(LINE, "peak * (k + 1) / warmup"),
)
exercise.mistake(
    "Your warm-up is no straight line: at step k, it should have come k / warmup of the way up to `peak`.",
    exercise.edited(LINE, "peak / 2 * (1 - math.cos(math.pi * k / warmup))"),
    exercise.edited(LINE, "peak / 2"),
)
exercise.mistake(
    "After the warm-up, your curve falls on a straight line. It should fall like half a cosine.",
    exercise.edited(DOWN, "peak * (total - k) / (total - warmup)"),
)


@exercise.also_right
def _(k, warmup, total, peak):
    up = k / warmup
    down = math.cos(math.pi / 2 * (k - warmup) / (total - warmup)) ** 2
    return torch.tensor(peak * (up if up <= 1 else down))


@exercise.also_right
def _(k, warmup, total, peak):
    angle = np.pi * np.maximum(0, k - warmup) / (total - warmup)
    return np.minimum(1, k / warmup) * peak * (1 + np.cos(angle)) / 2


# -------------------------------------------------------------------------------------------------------------- lion

exercise = notebook.write(
    "lion",
    why="It was found by a search of a computer through programs, and needs half of Adam's memory.",
    deeper=True,
)


@exercise.right
class Lion:
    """Chen and others (2023): steps of lr by the sign of memory mixed with gradient."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        self.params, self.lr = list(params), lr
        self.betas, self.weight_decay = betas, weight_decay
        self.means = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, m in zip(self.params, self.means, strict=True):
            direction = (beta1 * m + (1 - beta1) * p.grad).sign()
            p *= 1 - self.lr * self.weight_decay
            p -= self.lr * direction
            m *= beta2
            m += (1 - beta2) * p.grad


exercise.hint(
    "One tensor per parameter is remembered, zeros at first, as `velocity` in Momentum; the step is the sign of a mixture.",
    "The order within a step matters: first the sign of beta1 * m + (1 - beta1) * g with the old m, then the decay and the "
    "step, then the new m.",
    "As in AdamW, p *= 1 - lr * weight_decay; then p -= lr * sign; then m *= beta2 and m += (1 - beta2) * p.grad. In front "
    "of it all, @torch.no_grad().",
)


RESET = exercise.text("A gradient of 1, after zero_grad()")


@exercise.probe
def _(answer):
    yield from moves(answer, [1.0, -0.085, -0.5], 0.05, (0.8, 0.95), 0.2)
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    answer([p], 0.1).zero_grad()
    yield RESET, torch.zeros(1) if p.grad is None else p.grad


BETAS, DIRECTION = "beta1, beta2 = self.betas", "            direction = "
SHRINK, GO = "            p *= 1 - self.lr * self.weight_decay\n", "            p -= self.lr * direction\n"
PENALTY = "            g = p.grad + self.weight_decay * p\n"
MEMORY = "            m *= beta2\n            m += (1 - beta2) * p.grad"
exercise.mistake(RECORDED, exercise.edited(NO_GRAD, ""))
exercise.mistake(
    "You renew m before the sign is taken, so the present gradient counts twice. Take the sign with the old m.",
    exercise.edited(MEMORY, "", DIRECTION, f"{MEMORY}\n{DIRECTION}"),
)
exercise.mistake(
    "The two betas are swapped: the first, 0.9, mixes for the sign, the second, 0.99, renews the memory.",
    exercise.edited(BETAS, "beta2, beta1 = self.betas"),
)
exercise.mistake(
    "You use the first beta for both. The memory is renewed with the second, so it lasts longer than the mixture.",
    exercise.edited(BETAS, "beta1 = beta2 = self.betas[0]"),
)
exercise.mistake(
    "With the betas 0.9 and 0.99 it is right. But others may be given: keep them in __init__, and use them in step.",
    exercise.edited(BETAS, "beta1, beta2 = 0.9, 0.99"),
)
exercise.mistake(
    "The memory stays zero, or is not asked, so the gradient of the moment decides alone. One cause: m = ... gives the name "
    "m to a new tensor. Change the one in your list, with *= and +=.",
    exercise.edited(MEMORY, "            m = beta2 * m + (1 - beta2) * p.grad"),
    exercise.edited("(beta1 * m + (1 - beta1) * p.grad)", "p.grad"),
)
exercise.mistake(
    "The length of your steps depends on the gradient. Take the sign of the mixture.", exercise.edited(".sign()", "")
)
exercise.mistake(
    "Where the mixture is exactly zero, so is its sign, and the step. torch.sign knows that.",
    exercise.edited(GO, "            p -= self.lr * torch.where(direction >= 0, 1.0, -1.0)\n"),
    exercise.edited(GO, "            p -= self.lr * torch.where(direction > 0, 1.0, -1.0)\n"),
    exercise.edited(GO, "            p -= self.lr * direction / direction.abs()\n"),
)
exercise.mistake(
    "The decay goes through the gradient, where the sign swallows its size. Shrink p itself, as AdamW does.",
    exercise.edited(SHRINK, "", DIRECTION, PENALTY.replace("g = p.grad +", "p.grad +=") + DIRECTION),
    exercise.edited(SHRINK, "", "p.grad).sign()", "(p.grad + self.weight_decay * p)).sign()"),
    exercise.edited(
        "p.grad).sign()", "g).sign()", "beta2) * p.grad", "beta2) * g", SHRINK, "", DIRECTION, PENALTY + DIRECTION
    ),
)
exercise.mistake(
    "The weights lose the whole of weight_decay at each step. The factor is 1 - lr * weight_decay.",
    exercise.edited("1 - self.lr * self", "1 - self"),
)
exercise.mistake(
    "The decay also shrinks the step that was taken. Shrink p first, then subtract the step.",
    exercise.edited(SHRINK + GO, GO + SHRINK),
)
exercise.mistake(
    "The steps are right, but nothing shrinks p: weight_decay has no effect in your class.", exercise.edited(SHRINK, "")
)
exercise.mistake(
    NOT_IN_PLACE,
    exercise.edited(SHRINK + GO, "            p = (1 - self.lr * self.weight_decay) * p - self.lr * direction\n"),
)
exercise.mistake(
    NO_LIST,
    exercise.edited("list(params)", "params"),
    exercise.edited("list(params)", "params", "strict=True", "strict=False"),
)


@exercise.also_right
class _(Lion):
    def step(self):
        beta1, beta2 = self.betas
        for i, (p, m) in enumerate(zip(self.params, self.means, strict=True)):
            sign = torch.sign(torch.lerp(p.grad, m, beta1))
            p.data = p.data - self.lr * (sign + self.weight_decay * p.data)
            self.means[i] = torch.lerp(p.grad, m, beta2)
