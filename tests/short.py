"""Trainings cut short, for tests that run a notebook and ask for none of its results."""

import functools
import itertools

# What else takes long in notebook 10, and what is done instead: the committee is trained, on little, and what a few steps
# have taught is measured on a few images.
IN_10 = {
    "GO_FAR = False": "GO_FAR = True",
    "9 if GO_FAR": "3 if GO_FAR",
    "[:10_000]": "[:100]",
    "for X, y in val_loader": "for X, y in [next(iter(val_loader))]",
    "for loader in (some, val_loader)": "for loader in (some, some)",
    "{luck(wins, losses)": "{luck(wins, losses, 10)",
    "committee(X_val), y_val": "committee(X_val[:100]), y_val[:100]",
    "committee(rows(test_images)), test_labels": "committee(rows(test_images[:100])), test_labels[:100]",
    "assert on_test > 0.993": "assert on_test > 0",
}


def on_few(batches, function):
    """`fit` or `evaluate`, which sees the first few batches of its loader, once, and the first of what it validates on."""

    @functools.wraps(function)
    def short(model, loader, *rest, **settings):
        if "epochs" in settings:
            settings["epochs"] = 1
        if "val_loader" in settings:
            settings["val_loader"] = list(itertools.islice(settings["val_loader"], 1))
        return function(model, list(itertools.islice(loader, batches)), *rest, **settings)

    return short


def in_10_short(source):
    for long, short in IN_10.items():
        source = source.replace(long, short)
    return source
