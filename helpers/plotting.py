"""The figures that return in several notebooks, in one style: legible on a projector, safe for colour-blind readers.

Every function takes tensors on any device, draws on `ax` (a new figure, where not given) and returns the axes.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, LogNorm

# One meaning, one colour, in every notebook. From the palette of Okabe and Ito (2008), "Color Universal Design"; their
# purple is too pale for text on a projector, so it is a darker one here.
DATA, MODEL, TRUTH, ERROR = "#0072B2", "#D55E00", "#009E73", "#AA3377"
NEUTRAL = "#595959"
CLASSES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "osD^vP*X"  # a class has its own marker too, so that no figure depends on colour alone


def use_style():
    """Set the style of the course for all figures that follow, whatever style was set before."""
    if "IPython" in sys.modules:
        # Jupyter would draw each picture twice, the first time to see what to crop. Here a picture is its whole figure.
        from IPython import get_ipython
        from matplotlib_inline.config import InlineBackend

        InlineBackend.instance(parent=get_ipython()).print_figure_kwargs = {"bbox_inches": None}
    plt.rcdefaults()  # a dark style, say: what is black here would stand on black
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.8),
            "figure.dpi": 110,
            # Fixed margins: the automatic layouts take longer than all the rest of a figure.
            "figure.subplot.left": 0.13,
            "figure.subplot.right": 0.97,
            "figure.subplot.bottom": 0.15,
            "figure.subplot.top": 0.9,
            "figure.subplot.wspace": 0.28,
            "figure.subplot.hspace": 0.5,
            "font.size": 12,
            "axes.titlesize": 13,
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.prop_cycle": cycler(color=[MODEL, DATA, TRUTH, ERROR, "#E69F00", "#56B4E9", "#000000"]),
            "lines.linewidth": 2.2,
            "lines.markersize": 6,
            "legend.frameon": False,
            "image.cmap": "gray_r",
        }
    )


def panels(columns, rows=1, *, height=3.8, sharex=False, sharey=False, width_ratios=None, **space):
    """Axes beside each other, on a figure as wide as a page.

    height: of the figure, in inches. space: left, right, bottom, top, wspace, hspace, as `plt.subplots_adjust` takes them.
    Returns the axes: one, an array (columns,), or an array (rows, columns).
    """
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(9.6, height),
        sharex=sharex,
        sharey=sharey,
        width_ratios=width_ratios,
    )
    fig.subplots_adjust(**{"left": 0.09, "right": 0.98} | space)
    return axes


def plot_history(history, *names, ax=None):
    """Curves of a `History` against the epoch, by default the training loss and, where there is one, the validation loss.

    names: which curves. The training loss is drawn in the colour of the model, everything measured on held-out data
    in that of the truth. Raises ValueError for a history without epochs.
    """
    if not len(history):
        raise ValueError("This history holds no epoch: there is nothing to draw.")
    names = names or [name for name in ("loss", "val_loss") if name in history.names]
    ax = ax or plt.subplots()[1]
    epochs = range(1, len(history) + 1)
    for name in names:
        held_out = name.startswith("val_")
        label = name.removeprefix("val_").replace("_", " ") + (" (validation)" if held_out else " (training)")
        style = (
            {"color": TRUTH if held_out else MODEL, "linestyle": "-" if held_out else "--"} if len(names) < 3 else {}
        )
        ax.plot(epochs, history[name], label=label, marker="o" if len(epochs) < 25 else None, **style)
    ax.set(xlabel="epoch", ylabel=names[0].removeprefix("val_").replace("_", " "))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax


def plot_decision_regions(predict, X, y, *, ax=None, resolution=200, names=("$x_1$", "$x_2$"), classes=None):
    """What a classifier says at every point of the plane, with the data on top.

    predict: takes points (m, 2), returns class ids (m,) as integers, drawn as regions, or the probability of class 1
    (m,) or (m, 1) as floats, drawn as shading with a line at 0.5. X: (n, 2). y: (n,) class ids. names: of the two axes.
    classes: their names. The points that `predict` gets lie on the device of X.
    """
    device = X.device if isinstance(X, torch.Tensor) else None
    X, y = _numpy(X), _numpy(y).reshape(-1).astype(int)
    if ax is None:
        more = 0.25 * ((len(np.unique(y)) - 1) // 3)  # inches: the legend has three classes in a row
        height = 4.6 + more
        fig, ax = plt.subplots(figsize=(5.4, height))
        fig.subplots_adjust(bottom=(0.92 + more) / height, top=1 - 0.46 / height)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.08 * (high - low)
    xs, ys = (np.linspace(*ends, resolution) for ends in zip(low - margin, high + margin, strict=True))
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)  # (resolution^2, 2)
    with torch.no_grad():
        z = predict(torch.tensor(grid, dtype=torch.float32, device=device))
    picture = _numpy(z).reshape(resolution, resolution)
    # The points of the grid are the middles of the pixels of one picture.
    dx, dy = (xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2
    place = {
        "extent": (xs[0] - dx, xs[-1] + dx, ys[0] - dy, ys[-1] + dy),
        "origin": "lower",
        "aspect": "auto",
        "interpolation": "nearest",
    }
    if z.is_floating_point():
        shading = LinearSegmentedColormap.from_list("shading", [CLASSES[0], "white", CLASSES[1]])
        shades = ax.imshow(picture, cmap=shading, vmin=0, vmax=1, alpha=0.55, **place)
        ax.contour(xs, ys, picture, levels=[0.5], colors="black", linewidths=1.8)
        ax.figure.colorbar(shades, ax=ax, label=f"probability of {classes[1] if classes else 'class 1'}")
    else:
        colors = ListedColormap(CLASSES)
        ax.imshow(picture, cmap=colors, vmin=-0.5, vmax=colors.N - 0.5, alpha=0.3, **place)
    for c in np.unique(y):
        ax.scatter(
            *X[y == c].T,
            color=CLASSES[c],
            marker=MARKERS[c],
            edgecolor="white",
            s=42,
            label=classes[c] if classes else f"class {c}",
            zorder=3,
        )
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.grid(False)
    ax.legend(
        frameon=True,
        framealpha=0.9,
        loc="upper left",
        bbox_to_anchor=(0, -0.16),
        ncols=3,
        borderaxespad=0,
    )
    return ax


def plot_loss_surface(loss_of, path, *, ax=None, minimum=None, resolution=60, names=("w", "b")):
    """Contours of a loss over two parameters, with the path that an optimizer took.

    loss_of: takes two floats, returns the loss. path: (steps + 1, 2), the parameters after each step, starting with the
    first guess. minimum: (2,), marked where given. names: of the two parameters.
    """
    path = _numpy(path)
    marked = path if minimum is None else np.vstack([path, _numpy(minimum)])
    if ax is None:
        fig, ax = plt.subplots(figsize=(5.6, 4.2))
        fig.subplots_adjust(right=0.92)  # for the label of the colour bar
    low, high = marked.min(axis=0), marked.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 1e-3)
    ps, qs = (np.linspace(*ends, resolution) for ends in zip(low - margin, high + margin, strict=True))
    losses = np.array([[float(loss_of(p, q)) for p in ps] for q in qs])
    levels = np.geomspace(max(losses.min(), 1e-6 * losses.max()), losses.max(), 14)
    # A logarithmic scale, like the levels: else all lines near the minimum have one colour.
    lines = ax.contour(ps, qs, losses, levels=levels, cmap="viridis", norm=LogNorm(), linewidths=1.2)
    ax.figure.colorbar(lines, ax=ax, label="loss", format="%.3g")
    ax.plot(*path.T, "o-", color=MODEL, markersize=3.5, linewidth=1.5, label="descent")
    ax.plot(*path[0], "o", color=DATA, markersize=9, label="start")
    if minimum is not None:
        ax.plot(*_numpy(minimum), "*", color=TRUTH, markersize=16, label="minimum")
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.legend(frameon=True)
    return ax


def show_images(images, titles=None, *, columns=10, title=None, symmetric=False):
    """Images in a grid, dark on light.

    images: (n, height, width), any range: the smallest value is white, the largest black, the same for all images.
    titles: n short texts, one above each image. symmetric: for weights; red is positive, blue negative, white zero.
    Returns the array of axes.
    """
    images = _numpy(images)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    size = min(1.15, 9.6 / columns)  # inches
    caption, heading = 0.28 * (titles is not None), 0.42 * bool(title)
    height = rows * (size + caption) + heading
    fig, axes = plt.subplots(rows, columns, figsize=(size * columns, height), squeeze=False)
    top = 1 - (heading + caption) / height
    space = 0.06 + caption / size
    fig.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=top, wspace=0.06, hspace=space)
    limit = np.abs(images).max()
    colors = (
        {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if symmetric else {"vmin": images.min(), "vmax": images.max()}
    )
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        ax.imshow(image, **colors)
        if titles is not None:
            ax.set_title(str(titles[i]), fontsize=11, fontweight="normal", pad=3)
    if title:
        fig.suptitle(title, fontsize=13, fontweight="bold", y=1 - 0.08 / height, va="top")
    return axes


def plot_confusion_matrix(y_hat, y, *, classes=None, ax=None):
    """How often each true class was taken for each class.

    y_hat, y: (n,) predicted and true class ids. classes: their names. Only the mistakes are coloured, so that they stand out.
    """
    from sklearn.metrics import confusion_matrix

    matrix = confusion_matrix(_numpy(y), _numpy(y_hat))
    classes = range(len(matrix)) if classes is None else classes
    ax = ax or plt.subplots(figsize=(5.6, 5.0))[1]
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    ax.imshow(mistakes, cmap="Oranges", vmax=max(1, 1.4 * mistakes.max()))
    for (row, column), count in np.ndenumerate(matrix):
        weight = "bold" if row == column else "normal"
        ax.text(
            column,
            row,
            str(count) if count else "·",
            ha="center",
            va="center",
            fontsize=10,
            fontweight=weight,
        )
    ax.set_xticks(range(len(matrix)), classes)
    ax.set_yticks(range(len(matrix)), classes)
    ax.set(xlabel="predicted", ylabel="true")
    ax.grid(False)
    return ax


def _numpy(values):
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
