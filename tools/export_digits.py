"""Train the last rung of notebook 10 and write it, in 8 bits, for the digit pad of the book.

Usage: python -m tools.export_digits

Writes book/_static/digit_weights.js, and prints how many of the 10,000 test images the network reads right, as it was
trained and as it was written. It takes about a minute on two CPU cores. Do it anew where the last rung changes.
"""

import base64
import contextlib
import io
import os
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from helpers.data import batch_loader
from helpers.training import accuracy, evaluate
from tools.bench import notebook_10

FILE = Path(__file__).resolve().parent.parent / "book" / "_static" / "digit_weights.js"


def main():
    os.environ |= {"COURSE_DEVICE": "cpu", "COURSE_PROGRESS": "off"}
    notebook, cells = notebook_10()
    with contextlib.redirect_stderr(io.StringIO()):  # where the bar is drawn
        for cell in ("rung-norm", "rung-upright", "rung-patience"):  # the first two define what the third trains
            exec(cells[cell], notebook)
    model = notebook["ladder"]["upright, 16 epochs"][0].eval()
    test = batch_loader(notebook["rows"](notebook["test_images"]), notebook["test_labels"], batch_size=1000)

    def share_right(network):
        return evaluate(network, test, nn.CrossEntropyLoss(), {"accuracy": accuracy})["accuracy"]

    written = [in_8_bits(layer) for layer in without_norms(model)]
    share = share_right(model)
    FILE.write_text(as_script(written, share), encoding="utf-8", newline="\n")
    print(f"as trained: {share:.2%}")
    print(f"in 8 bits:  {share_right(nn.Sequential(model[0], *as_layers(written))):.2%}")
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")


def without_norms(model):
    """The linear layers of the last rung; what its norms do in eval mode has become part of weight and bias."""
    _, *blocks, last = model
    return [*(fuse_linear_bn_eval(linear, norm) for linear, norm, _ in blocks), last]


def in_8_bits(layer):
    """W (d, k) in whole numbers from -127 to 127, the scale (k,) and the bias (k,) of a layer: W * scale + bias."""
    W = layer.weight.detach().T  # (d, k)
    scale = W.abs().amax(dim=0) / 127  # (k,): each unit uses all 8 bits
    return (W / scale).round().to(torch.int8), scale, layer.bias.detach()


def as_layers(written):
    """The layers that `in_8_bits` describes, with a ReLU behind all but the last."""
    layers = []
    for W, scale, bias in written:
        layer = nn.Linear(*W.shape)
        layer.weight.data, layer.bias.data = (W * scale).T, bias
        layers += [layer, nn.ReLU()]
    return layers[:-1]


def as_script(written, share):
    """The weights as a script, since a page that was opened as a file may load nothing else. Numbers are base64."""
    lines = [
        "// The last rung of notebook 10 in 8 bits, its norms folded in: written by tools/export_digits.py.",
        "// A layer: weights (inputs, outputs) as int8; one scale and one bias for each output, as float32, low byte first.",
        "globalThis.course = globalThis.course || {};",
        f"course.digitWeights = {{accuracy: {share:.4f}, layers: [",
    ]
    for W, scale, bias in written:
        W, scale, bias = (
            base64.b64encode(values.contiguous().numpy().astype(form).tobytes()).decode()
            for values, form in ((W, "i1"), (scale, "<f4"), (bias, "<f4"))
        )
        lines.append(f'{{scale: "{scale}",\nbias: "{bias}",\nweight: "{W}"}},')
    return "\n".join([*lines, "]};", ""])


if __name__ == "__main__":
    main()
