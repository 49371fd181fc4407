"""Trainings cut short, for tests that run a notebook and ask for none of its results."""

import functools
import itertools


def on_few(batches, function):
    """`fit` or `evaluate`, which sees the first few batches of its loader, once."""

    @functools.wraps(function)
    def short(model, loader, *rest, **settings):
        once = {"epochs": 1} if "epochs" in settings else {}
        return function(model, list(itertools.islice(loader, batches)), *rest, **settings | once)

    return short
