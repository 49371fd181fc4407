import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from helpers import plotting
from helpers.training import History


@pytest.fixture
def history():
    history = History()
    history.rows += [
        {"loss": 3.0, "val_loss": 4.0, "val_accuracy": 0.5},
        {"loss": 1.0, "val_loss": 2.0, "val_accuracy": 0.9},
    ]
    return history


def test_a_history_is_drawn_from_epoch_one_with_its_names(history):
    ax = plotting.plot_history(history)
    assert [list(line.get_ydata()) for line in ax.lines] == [[3.0, 1.0], [4.0, 2.0]]
    assert all(list(line.get_xdata()) == [1, 2] for line in ax.lines)
    assert all(tick == int(tick) for tick in ax.get_xticks())  # there is no epoch one and a half
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "loss (training)",
        "loss (validation)",
    ]
    ax = plotting.plot_history(history, "val_accuracy")
    assert list(ax.lines[0].get_ydata()) == [0.5, 0.9] and ax.get_ylabel() == "accuracy"


def test_a_history_without_epochs_is_refused():
    with pytest.raises(ValueError, match=r"This history holds no epoch: there is nothing to draw\."):
        plotting.plot_history(History())


def test_panels_are_as_wide_as_a_page():
    left, right = plotting.panels(2, height=3.0, sharey=True, bottom=0.3)
    figure = left.figure
    assert tuple(figure.get_size_inches()) == (9.6, 3.0) and figure.subplotpars.bottom == 0.3
    assert left.get_position().x1 < right.get_position().x0
    assert left.get_shared_y_axes().joined(left, right)
    assert plotting.panels(3, 2, width_ratios=[2, 1, 1]).shape == (2, 3)


@pytest.mark.parametrize("probability", [False, True])
def test_decision_regions_are_where_the_classifier_says(probability):
    X = torch.tensor([[-1.0, -3.0], [2.0, 5.0]], dtype=torch.float64, requires_grad=True)

    def predict(points):  # class 1 in the upper half, so that x and y must not be swapped
        assert points.dtype == torch.float32  # as a model wants them, whatever the data are
        return (points[:, 1:] > 0).float() if probability else (points[:, 1] > 0).long()

    ax = plotting.plot_decision_regions(predict, X, torch.tensor([0, 1]), resolution=50)
    shown = ax.images[0]
    picture = np.asarray(shown.get_array())
    assert shown.origin == "lower" and shown.get_extent()[2] < -3 < 5 < shown.get_extent()[3]
    assert picture.shape == (50, 50) and (picture[0] == 0).all() and (picture[-1] == 1).all()
    low, high = ax.get_ylim()
    assert low < -3.4 and high > 5.4  # a margin around the data


def test_eight_classes_have_a_colour_and_a_marker_each_and_a_legend_that_fits():
    plotting.use_style()
    X, y = torch.rand(16, 2), torch.arange(16) % 8
    ax = plotting.plot_decision_regions(lambda points: torch.full((len(points),), 7), X, y, resolution=5)
    ax.figure.canvas.draw()
    # The palette of Okabe and Ito, as they published it
    published = [(0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)]
    published += [(86, 180, 233), (213, 94, 0), (240, 228, 66), (0, 0, 0)]
    points = ax.collections
    assert [tuple(np.rint(255 * part.get_facecolor()[0, :3]).astype(int)) for part in points] == published
    assert len({part.get_paths()[0].vertices.tobytes() for part in points}) == 8
    (region,) = np.unique(ax.images[0].to_rgba(ax.images[0].get_array(), alpha=1).reshape(-1, 4), axis=0)
    assert region.tolist() == [0, 0, 0, 1]
    legend, page = ax.get_legend().get_window_extent(), ax.figure.bbox
    assert page.x0 <= legend.x0 < legend.x1 <= page.x1 and page.y0 <= legend.y0
    assert legend.y1 <= ax.xaxis.label.get_window_extent().y0


def test_loss_surface_has_the_path_and_the_minimum():
    plotting.use_style()
    path = torch.tensor([[1.0, -1.0], [1.5, 0.5], [2.5, 0.9]])
    ax = plotting.plot_loss_surface(lambda w, b: (w - 3) ** 2 + (b - 1) ** 2, path, minimum=torch.tensor([3.0, 1.0]))
    np.testing.assert_allclose(ax.lines[0].get_xydata(), path.numpy())
    assert ax.lines[-1].get_xydata().tolist() == [[3.0, 1.0]]
    assert (ax.get_xlim(), ax.get_ylim()) == ((0.5, 3.5), (-1.5, 1.5))  # a quarter of the way around
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["descent", "start", "minimum"]
    assert legend.get_frame_on()  # it may lie on lines


def test_images_stand_in_order_on_one_scale():
    images = torch.arange(12).reshape(12, 1, 1).expand(12, 2, 2)
    axes = plotting.show_images(images, titles=range(12), columns=5, title="twelve")
    assert axes.shape == (3, 5)
    shown = [(ax.images[0].get_array().flat[0], ax.get_title()) for ax in axes.flat if ax.images]
    assert shown == [(i, str(i)) for i in range(12)]
    assert axes[0, 0].images[0].get_clim() == (0, 11)  # one scale for all


def test_confusion_matrix_has_the_truth_in_its_rows():
    ax = plotting.plot_confusion_matrix(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 0, 1]), classes=["A", "B"])
    assert [text.get_text() for text in ax.texts] == [
        "1",
        "2",
        "·",
        "1",
    ]  # two of class A were taken for B
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


def test_style_is_set_on_request_only():
    with plt.rc_context():
        plt.rcdefaults()
        before = plt.rcParams["font.size"], plt.rcParams["axes.grid"]
        plotting.use_style()
        assert before != (plt.rcParams["font.size"], plt.rcParams["axes.grid"])


def pixels():
    """Something of all that a style can colour: text, axes, grid, a legend with a frame, bars, an image, a new figure."""
    plotting.use_style()
    left, right = plotting.panels(2)
    plotting.plot_decision_regions(lambda z: (z[:, :1] > 0).float(), torch.eye(2), torch.tensor([0, 1]), ax=left)
    right.bar([0, 1], [2, 1])
    right.plot([0, 1], label="black", color="black")
    right.set(title="title", xlabel="x")
    right.legend()
    left.figure.canvas.draw()
    return np.asarray(left.figure.canvas.buffer_rgba()).copy()


@pytest.mark.parametrize("style", ["dark_background", "ggplot", "classic", "fivethirtyeight"])
def test_figures_look_the_same_whatever_style_was_set_before(style):
    with plt.rc_context():
        plt.rcdefaults()
        expected = pixels()
        assert (expected[0, 0] == 255).all() and (expected[..., :3] == 0).all(axis=-1).any()  # black on white
        plt.style.use(style)
        assert np.array_equal(pixels(), expected)
