"""The exercises of notebook 09."""

import math

import torch

from helpers.exercises.core import Exercise, Mistake


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


class _PolyakWithoutMemory(Polyak):
    def __init__(self, params, lr, momentum=0.9):
        super().__init__(params, lr, momentum)
        self.previous = [p.detach() for p in self.params]  # the same memory, no copy

    @torch.no_grad()
    def step(self):
        for p, previous in zip(self.params, self.previous, strict=True):
            p += self.momentum * (p - previous) - self.lr * p.grad


class _PolyakRecording(Polyak):
    def step(self):
        for i, p in enumerate(self.params):
            change = self.momentum * (p - self.previous[i]) - self.lr * p.grad
            self.previous[i] = p.clone()
            p += change


class _PolyakBackwards(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            change = self.momentum * (self.previous[i] - p) - self.lr * p.grad
            self.previous[i] = p.clone()
            p += change


class _PolyakOutOfPlace(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            change = self.momentum * (p - self.previous[i]) - self.lr * p.grad
            self.previous[i] = p.clone()
            p = p + change


class _PolyakFromTheStart(Polyak):
    @torch.no_grad()
    def step(self):
        for p, start in zip(self.params, self.previous, strict=True):
            p += self.momentum * (p - start) - self.lr * p.grad


class _PolyakTwiceSmall(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            change = self.lr * (self.momentum * (p - self.previous[i]) - p.grad)
            self.previous[i] = p.clone()
            p += change


class _PolyakWithoutList(Polyak):
    def __init__(self, params, lr, momentum=0.9):
        self.lr, self.momentum = lr, momentum
        self.previous = [p.detach().clone() for p in params]
        self.params = params


class _PolyakFromZero(Polyak):
    def __init__(self, params, lr, momentum=0.9):
        super().__init__(params, lr, momentum)
        self.previous = [torch.zeros_like(p) for p in self.params]


class _PolyakStepsTooEarly(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            p -= self.lr * p.grad
            change = self.momentum * (p - self.previous[i])
            self.previous[i] = p.clone()
            p += change


class _PolyakStepsBetween(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            here = p.clone()
            p -= self.lr * p.grad
            p += self.momentum * (p - self.previous[i])
            self.previous[i] = here


class _PolyakStepsThenRemembers(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            p -= self.lr * p.grad
            p += self.momentum * (p - self.previous[i])
            self.previous[i] = p.clone()


class _PolyakIntoTheList(Polyak):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            new = p - self.lr * p.grad + self.momentum * (p - self.previous[i])
            self.previous[i] = p.clone()
            self.params[i] = new


class _PolyakWithoutListButStrict(_PolyakWithoutList):
    @torch.no_grad()
    def step(self):
        for i, (p, previous) in enumerate(zip(self.params, self.previous, strict=True)):
            change = self.momentum * (p - previous) - self.lr * p.grad
            self.previous[i] = p.clone()
            p += change


class _PolyakAsMomentum:
    def __init__(self, params, lr, momentum=0.9):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.velocity = [torch.zeros_like(p) for p in self.params]

    def step(self):
        with torch.no_grad():
            for p, m in zip(self.params, self.velocity, strict=True):
                m *= self.momentum
                m += p.grad
                p -= self.lr * m


class _PolyakThroughData(Polyak):
    def step(self):
        for i, p in enumerate(self.params):
            ahead = p.data - self.lr * p.grad + self.momentum * (p.data - self.previous[i])
            self.previous[i], p.data = p.data, ahead


def _walk(optimizer, params, gradients):
    """The parameters after each step, when the gradients are given."""
    for gradient in gradients:
        for p, g in zip(params, gradient, strict=True):
            p.grad = torch.as_tensor(g).clone()
        optimizer.step()
        yield [p.detach().clone() for p in params]


def _probe_optimizer(optimizer_class, first_gradients, **settings):
    """A single parameter that starts at 1, then two of other shapes, which come as an iterator."""
    p = torch.ones(1, requires_grad=True)
    optimizer = optimizer_class([p], lr=0.1)
    rows = [[torch.tensor([g])] for g in first_gradients]
    for k, (here,) in enumerate(_walk(optimizer, [p], rows), start=1):
        given = ", ".join(f"{g:g}" for g in first_gradients[:k])
        yield f"a parameter that starts at 1, with lr 0.1, after the gradients {given}", here
    generator = torch.Generator().manual_seed(0)
    params = [torch.ones(2, 3, requires_grad=True), torch.zeros(2, requires_grad=True)]
    optimizer = optimizer_class((p for p in params), lr=0.05, **settings)
    rows = [[torch.randn(p.shape, generator=generator) for p in params] for _ in range(12)]
    for k, (weight, bias) in enumerate(_walk(optimizer, params, rows), start=1):
        yield f"the first of two parameters, which come as an iterator, after step {k}", weight
        yield f"the second of two parameters, which come as an iterator, after step {k}", bias


def _probe_polyak(optimizer_class):
    yield from _probe_optimizer(optimizer_class, (1.0, 1.0, 1.0, -2.0), momentum=0.8)


def adamw_step(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    """Step number t = 1, 2, ... of AdamW: p, its gradient g, the averages m and s -> new p, m, s."""
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)
    p = (1 - lr * weight_decay) * p
    return p - lr * m_hat / (s_hat.sqrt() + eps), m, s


def _broken_adamw_step(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    """Step number t = 1, 2, ... of AdamW: p, its gradient g, the averages m and s -> new p, m, s."""
    g = g + weight_decay * p
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0]), s / (1 - betas[1])
    return p - lr * m_hat / (s_hat.sqrt() + eps), m, s


def _adam_with_l2(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    return adamw_step(p, g + weight_decay * p, m, s, t, lr, 0.0, betas, eps)


def _decay_in_both(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    return adamw_step(p, g + weight_decay * p, m, s, t, lr, weight_decay, betas, eps)


def _corrected_as_in_step_1(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0]), s / (1 - betas[1])
    p = (1 - lr * weight_decay) * p
    return p - lr * m_hat / (s_hat.sqrt() + eps), m, s


def _corrected_in_half(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0] ** t), s / (1 - betas[1])
    p = (1 - lr * weight_decay) * p
    return p - lr * m_hat / (s_hat.sqrt() + eps), m, s


def _without_decay(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    return adamw_step(p, g, m, s, t, lr, 0.0, betas, eps)


def _not_corrected(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    p = (1 - lr * weight_decay) * p
    return p - lr * m / (s.sqrt() + eps), m, s


def _hats_kept(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    p, m, s = adamw_step(p, g, m, s, t, lr, weight_decay, betas, eps)
    return p, m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)


def _decay_without_lr(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    return adamw_step((1 - weight_decay) * p, g, m, s, t, lr, 0.0, betas, eps)


def _decay_after_the_step(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    p, m, s = adamw_step(p, g, m, s, t, lr, 0.0, betas, eps)
    return (1 - lr * weight_decay) * p, m, s


def _adamw_in_place(p, g, m, s, t, lr=0.01, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8):
    p *= 1 - lr * weight_decay
    m.lerp_(g, 1 - betas[0])
    s.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
    root = (s / (1 - betas[1] ** t)).sqrt() + eps
    p -= lr / (1 - betas[0] ** t) * m / root
    return [p, m, s]


def warmup_cosine(k, warmup, total, peak):
    """The learning rate of step k = 0, ..., total: a line from 0 up to `peak`, half a cosine down to 0."""
    if k < warmup:
        return peak * k / warmup
    return peak / 2 * (1 + math.cos(math.pi * (k - warmup) / (total - warmup)))


def _cosine_from_step_0(k, warmup, total, peak):
    return peak * k / warmup if k < warmup else peak / 2 * (1 + math.cos(math.pi * k / total))


def _cosine_of_full_length(k, warmup, total, peak):
    if k < warmup:
        return peak * k / warmup
    return peak / 2 * (1 + math.cos(math.pi * (k - warmup) / total))


def _product_of_both(k, warmup, total, peak):
    return min(k / warmup, 1) * peak / 2 * (1 + math.cos(math.pi * k / total))


def _below_zero(k, warmup, total, peak):
    if k < warmup:
        return peak * k / warmup
    return peak * math.cos(math.pi * (k - warmup) / (total - warmup))


def _whole_wave(k, warmup, total, peak):
    if k < warmup:
        return peak * k / warmup
    return peak / 2 * (1 + math.cos(2 * math.pi * (k - warmup) / (total - warmup)))


def _quarter_wave(k, warmup, total, peak):
    if k < warmup:
        return peak * k / warmup
    return peak * math.cos(math.pi / 2 * (k - warmup) / (total - warmup))


def _warmup_from_step_1(k, warmup, total, peak):
    return peak * (k + 1) / warmup if k < warmup else warmup_cosine(k, warmup, total, peak)


def _straight_down(k, warmup, total, peak):
    return peak * k / warmup if k < warmup else peak * (total - k) / (total - warmup)


def _warmup_by_squares(k, warmup, total, peak):
    up = k / warmup
    down = math.cos(math.pi / 2 * (k - warmup) / (total - warmup)) ** 2
    return torch.tensor(peak * (up if up <= 1 else down))


class Lion:
    """Chen and others (2023): steps of length lr, by the sign of a mixture of memory and gradient."""

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


class _LionRecording(Lion):
    def step(self):
        for p in self.params:
            p *= 1 - self.lr * self.weight_decay


class _LionUpdatesFirst(Lion):
    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, m in zip(self.params, self.means, strict=True):
            m *= beta2
            m += (1 - beta2) * p.grad
            p *= 1 - self.lr * self.weight_decay
            p -= self.lr * (beta1 * m + (1 - beta1) * p.grad).sign()


class _LionSwapped(Lion):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, lr, betas[::-1], weight_decay)


class _LionWithOneBeta(Lion):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, lr, (betas[0], betas[0]), weight_decay)


class _LionWithoutSign(Lion):
    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, m in zip(self.params, self.means, strict=True):
            direction = beta1 * m + (1 - beta1) * p.grad
            p *= 1 - self.lr * self.weight_decay
            p -= self.lr * direction
            m *= beta2
            m += (1 - beta2) * p.grad


class _LionWithL2(Lion):
    @torch.no_grad()
    def step(self):
        for p in self.params:
            p.grad += self.weight_decay * p
        decay, self.weight_decay = self.weight_decay, 0.0
        super().step()
        self.weight_decay = decay


class _LionDecaysWithoutLr(Lion):
    @torch.no_grad()
    def step(self):
        for p in self.params:
            p *= 1 - self.weight_decay
        decay, self.weight_decay = self.weight_decay, 0.0
        super().step()
        self.weight_decay = decay


class _LionDecaysAfterTheStep(Lion):
    @torch.no_grad()
    def step(self):
        decay, self.weight_decay = self.weight_decay, 0.0
        super().step()
        self.weight_decay = decay
        for p in self.params:
            p *= 1 - self.lr * self.weight_decay


class _LionWithoutDecay(Lion):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, lr, betas)


class _LionWithoutList(Lion):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay
        self.means = [torch.zeros_like(p) for p in params]
        self.params = params


class _LionWithoutListThatStands(_LionWithoutList):
    """Here zip is not strict, or a loop runs over self.params alone: nothing moves, and nothing complains."""

    def step(self):
        self.params = [p for p, _ in zip(self.params, self.means, strict=False)]
        self.means = self.means[: len(self.params)]
        super().step()


class _LionOfOneFormula(Lion):
    def step(self):
        beta1, beta2 = self.betas
        for i, (p, m) in enumerate(zip(self.params, self.means, strict=True)):
            sign = torch.sign(torch.lerp(p.grad, m, beta1))
            p.data = p.data - self.lr * (sign + self.weight_decay * p.data)
            self.means[i] = torch.lerp(p.grad, m, beta2)


def _probe_lion(optimizer_class):
    yield from _probe_optimizer(optimizer_class, (1.0, -0.085, -0.5), weight_decay=0.2)


EXERCISES = [
    Exercise(
        name="polyak",
        kind="write",
        solution=Polyak,
        why="It walks the path of Momentum, because p minus previous is minus lr times the velocity; and you have written an optimizer with a state.",
        hints=(
            "For each parameter the optimizer remembers one tensor of the same shape. At the start, that is a copy of the parameter itself.",
            "In step, compute the whole change first; then remember a clone of p; then change p in place, with nothing recorded.",
            "The change is self.momentum * (p - previous) - self.lr * p.grad. The rest is as in Momentum: @torch.no_grad(), a loop over the parameters, p += change.",
        ),
        mistakes=(
            Mistake(
                _PolyakWithoutMemory,
                "That is plain SGD, because p minus previous is always zero. Remember a clone, and renew it only after the difference has been taken.",
            ),
            Mistake(
                _PolyakRecording,
                "autograd records the step, and refuses to change a parameter in place while it does. Put @torch.no_grad() in front of step.",
            ),
            Mistake(
                _PolyakBackwards,
                "The momentum points backwards: p should go on in the direction from its previous place to its present one.",
            ),
            Mistake(
                _PolyakOutOfPlace,
                "The parameters do not change, because p = p + ... makes a new tensor and gives it the name p. Change the parameter in place, with += or -=.",
            ),
            Mistake(
                _PolyakIntoTheList,
                "The parameters do not change, because self.params[i] = ... puts a new tensor into your list only. Change the parameter in place, with += or -=.",
            ),
            Mistake(
                _PolyakFromZero,
                "Your previous places start as zeros, so the first step already has a momentum. At the start, the previous place is a copy of the parameter.",
            ),
            *(
                Mistake(
                    early,
                    "p has moved by the gradient before the difference is taken. Compute the whole change before p changes.",
                )
                for early in (_PolyakStepsTooEarly, _PolyakStepsBetween, _PolyakStepsThenRemembers)
            ),
            Mistake(
                _PolyakFromTheStart,
                "The previous place stays the start for ever. Renew it at each step, after the difference has been taken.",
            ),
            Mistake(
                _PolyakTwiceSmall,
                "The learning rate belongs to the gradient alone; p minus previous is a step that was taken, so lr is in it already.",
            ),
            *(
                Mistake(
                    without_list,
                    "It fails when params is an iterator, as model.parameters() is: that can be walked through only once. Make a list of it first.",
                )
                for without_list in (_PolyakWithoutList, _PolyakWithoutListButStrict)
            ),
        ),
        also_right=(_PolyakAsMomentum, _PolyakThroughData),
        probe=_probe_polyak,
    ),
    Exercise(
        name="adam_after_two",
        kind="predict",
        solution=0.8,
        working="1 - 0.3 + 0.3 * (1 / 3): m is 2, then -1; the second m_hat is -1 / 0.75 = -4/3, divided by 4",
        why="The memory of the first gradient shortens the step back: against a sign that flips, Adam's steps get small.",
        hints=(
            "Both gradients have the square 16, so the corrected s_hat is 16 at both steps. Only m takes work.",
            "m is 0.5 * 0 + 0.5 * 4 after the first step. Compute it after the second, and divide by 1 - 0.5**2.",
            "The first step is lr times the sign of the gradient. In the second, m is -1 and m_hat = -1 / 0.75; divide by 4 and multiply by lr.",
        ),
        mistakes=(
            Mistake(
                1.0,
                "The first step has the length lr whatever the gradient, but the second does not: m still remembers the first gradient.",
            ),
            Mistake(
                0.775,
                "In the second step, m is not corrected. Divide it by 1 - 0.5**2, because two steps have been taken.",
            ),
            Mistake(
                0.85,
                "In the second step, m is corrected as in the first. The count t is 2 now, so divide by 1 - 0.5**2.",
            ),
            Mistake(
                0.6,
                "The second step has the right length, and goes the wrong way: m is negative then, and the step goes against its sign.",
            ),
            Mistake(
                0.4,
                "That is p after two equal gradients. The second is -4: mind its sign in m.",
            ),
            Mistake(
                0.7 + 0.3 * 0.01 / 0.19,  # 0.7158
                "You have taken 0.9 for beta1, the default. Here it is 0.5.",
            ),
            Mistake(
                0.725,
                "In the second step the root is missing: m_hat is divided by the root of s_hat, not by s_hat.",
            ),
            Mistake(
                0.95,
                "The root is missing in both steps: m_hat is divided by the root of s_hat, not by s_hat.",
            ),
            Mistake(
                1 - 0.3 * 2 / 0.016**0.5 + 0.3 / 0.031984**0.5,  # -2.0659
                "The corrections are missing. Divide m by 1 - 0.5**t and s by 1 - 0.999**t, at each step.",
            ),
            Mistake(0.7, "That is p after the first step. Take the second."),
            Mistake(0.1, "That is the second change alone. Where is p after both steps?"),
        ),
        also_right=(torch.tensor(0.8), 4 / 5, torch.tensor([0.8], dtype=torch.float64)),
    ),
    Exercise(
        name="adamw_step",
        kind="repair",
        solution=adamw_step,
        stub=_broken_adamw_step,
        why="Now all parameters shrink at the same rate, and the length of the step is right from the first to the last.",
        hints=(
            "Two lines are wrong. One decays in the place that AdamW was invented to avoid; the other is right at the first step only.",
            "What should happen to the weights is p *= 1 - lr * weight_decay, and g stays as it is. And what is the correction at step t?",
            "Take out the line that changes g; divide by 1 - betas[0] ** t and 1 - betas[1] ** t; multiply p by 1 - lr * weight_decay before the step is subtracted.",
        ),
        mistakes=(
            Mistake(
                _adam_with_l2,
                "The corrections are right. But this is Adam with an L2 penalty: the decay is a part of g, and so it is divided by the root of s_hat.",
            ),
            Mistake(
                _decay_in_both,
                "The weights decay twice: once by themselves, and once through the gradient. Leave g as it is.",
            ),
            Mistake(
                _corrected_as_in_step_1,
                "The decay is right. But the correction is that of the first step: after t steps, it is 1 - beta to the power of t.",
            ),
            Mistake(
                _corrected_in_half,
                "The decay is right, and so is m_hat. But s_hat has still the correction of the first step: the power of t belongs there, too.",
            ),
            Mistake(_without_decay, "The corrections are right, but nothing shrinks p now."),
            Mistake(
                _not_corrected,
                "The decay is right. But without any correction m and s are too small at the start, and the first step is three times too long.",
            ),
            Mistake(
                _hats_kept,
                "The new p is right. But what is remembered should be m and s themselves; the hats are made anew at each step.",
            ),
            Mistake(
                _decay_without_lr,
                "The weights lose the whole of weight_decay at each step. The rate of decay is lr * weight_decay.",
            ),
            Mistake(
                _decay_after_the_step,
                "The decay also shrinks the step that was taken. Shrink p first, then subtract the step.",
            ),
        ),
        also_right=(_adamw_in_place,),
        cases=(
            (torch.tensor([1.0]), torch.tensor([0.5]), torch.zeros(1), torch.zeros(1), 1),
            (
                torch.tensor([1.0, -2.0]),
                torch.tensor([0.5, 10.0]),
                torch.tensor([0.1, -1.0]),
                torch.tensor([0.01, 0.3]),
                4,
            ),
            (
                torch.tensor([[2.0], [-1.0]]),
                torch.tensor([[-3.0], [0.2]]),
                torch.tensor([[0.5], [0.1]]),
                torch.tensor([[0.02], [0.01]]),
                9,
                0.1,
                0.5,
            ),
        ),
    ),
    Exercise(
        name="warmup_cosine",
        kind="write",
        solution=warmup_cosine,
        why="Most large language models are trained with this curve; a gentle start, and a calm end.",
        hints=(
            "Two cases: before step `warmup` a straight line through 0, from there on the formula of Cosine with other numbers in it.",
            "For the second part, which fraction of the way from `warmup` to `total` has been gone at step k? That takes the place of k / K.",
            "The line is peak * k / warmup; the fraction is (k - warmup) / (total - warmup), and the cosine of pi times it goes from 1 to -1.",
        ),
        mistakes=(
            Mistake(
                _cosine_from_step_0,
                "Your cosine has begun at step 0, so the curve jumps where the warm-up ends. Its first step is `warmup`.",
            ),
            Mistake(
                _cosine_of_full_length,
                "Your cosine does not come down to 0 at step `total`: after the warm-up, only total - warmup steps are left.",
            ),
            Mistake(
                _product_of_both,
                "You multiply the warm-up by a cosine that starts at step 0, so the peak is never reached. The cosine begins where the warm-up ends.",
            ),
            Mistake(
                _below_zero,
                "A cosine alone goes from 1 to -1, and a learning rate below 0 climbs. Add 1 and take half.",
            ),
            Mistake(
                _whole_wave,
                "That is a whole wave: the curve is down in the middle, and up again at the end. Half a wave is pi.",
            ),
            Mistake(
                _quarter_wave,
                "That is a quarter of a wave: it starts and ends right, but comes down steeply at the end. Half a wave goes from 1 to -1; add 1 and take half.",
            ),
            Mistake(
                _warmup_from_step_1,
                "Your warm-up is one step early: it should be 0 at step 0, and reach the peak at step `warmup`.",
            ),
            Mistake(
                _straight_down,
                "After the warm-up, your curve falls on a straight line. It should fall like half a cosine.",
            ),
        ),
        also_right=(_warmup_by_squares,),
        cases=((5, 10, 110, 0.1), (35, 10, 110, 0.1), (110, 10, 110, 0.1), (20, 20, 100, 3.0)),
    ),
    Exercise(
        name="lion",
        kind="write",
        solution=Lion,
        why="It was found by a search of a computer through programs, and needs half of Adam's memory.",
        hints=(
            "One tensor per parameter is remembered, zeros at first, as `velocity` in Momentum; the step is the sign of a mixture.",
            "The order within a step matters: first the sign of beta1 * m + (1 - beta1) * g with the old m, then the decay and the step, then the new m.",
            "As in AdamW, p *= 1 - lr * weight_decay; then p -= lr * sign; then m *= beta2 and m += (1 - beta2) * p.grad. In front of it all, @torch.no_grad().",
        ),
        mistakes=(
            Mistake(
                _LionRecording,
                "autograd records the step, and refuses to change a parameter in place while it does. Put @torch.no_grad() in front of step.",
            ),
            Mistake(
                _LionUpdatesFirst,
                "You renew m before the sign is taken, so the present gradient counts twice. Take the sign with the old m.",
            ),
            Mistake(
                _LionSwapped,
                "The two betas are swapped: the first, 0.9, mixes for the sign, the second, 0.99, renews the memory.",
            ),
            Mistake(
                _LionWithOneBeta,
                "You use the first beta for both. The memory is renewed with the second, so it lasts longer than the mixture.",
            ),
            Mistake(
                _LionWithoutSign,
                "The length of your steps depends on the gradient. Take the sign of the mixture.",
            ),
            Mistake(
                _LionWithL2,
                "The decay goes through the gradient, where the sign swallows its size. Shrink p itself, as AdamW does.",
            ),
            Mistake(
                _LionDecaysWithoutLr,
                "The weights lose the whole of weight_decay at each step. The factor is 1 - lr * weight_decay.",
            ),
            Mistake(
                _LionDecaysAfterTheStep,
                "The decay also shrinks the step that was taken. Shrink p first, then subtract the step.",
            ),
            Mistake(
                _LionWithoutDecay,
                "The steps are right, but nothing shrinks p: weight_decay has no effect in your class.",
            ),
            *(
                Mistake(
                    without_list,
                    "It fails when params is an iterator, as model.parameters() is: that can be walked through only once. Make a list of it first.",
                )
                for without_list in (_LionWithoutList, _LionWithoutListThatStands)
            ),
        ),
        also_right=(_LionOfOneFormula,),
        probe=_probe_lion,
    ),
]
