import math
import re

import pytest
import torch
from torch import nn

from helpers import training
from helpers.training import History, accuracy, evaluate, fit


@pytest.fixture
def line():
    """y = 2 x + 1 without noise, as a loader with two batches of different size."""
    x = torch.linspace(-1, 1, 6).unsqueeze(1)
    y = 2 * x + 1
    return [(x[:4], y[:4]), (x[4:], y[4:])]


def linear(value=0.0, n=1):
    model = nn.Linear(n, 1)
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


class Spy(nn.Module):
    """A linear model that notes how it is called."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = linear(), []

    def forward(self, x):
        self.calls.append((self.training, torch.is_grad_enabled()))
        return self.layer(x)


def test_fit_is_the_loop_by_hand(line):
    model, hand = linear(), linear()
    history = fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), epochs=3)
    optimizer, losses = torch.optim.SGD(hand.parameters(), lr=0.1), []
    for _ in range(3):
        total = 0.0
        for x, y in line:
            loss = ((hand(x) - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / 6)
    assert torch.equal(model.weight, hand.weight) and torch.equal(model.bias, hand.bias)
    assert history["loss"] == pytest.approx(losses) and len(history) == 3 and not history.interrupted


def test_fit_finds_the_line(line):
    model = linear()
    history = fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.2), epochs=200)
    assert model.weight.item() == pytest.approx(2, abs=1e-4) and model.bias.item() == pytest.approx(1, abs=1e-4)
    assert history["loss"][-1] < 1e-8


def test_the_loss_of_an_epoch_is_the_mean_over_samples_not_batches(line):
    model = linear()
    history = fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.0), epochs=1)
    assert history["loss"] == pytest.approx([nn.MSELoss()(torch.zeros(6, 1), torch.cat([y for _, y in line])).item()])


def test_fit_trains_in_train_mode_and_validates_in_eval_mode_without_gradients(line):
    model = Spy()
    fit(
        model,
        line,
        nn.MSELoss(),
        torch.optim.SGD(model.parameters(), lr=0.1),
        epochs=2,
        val_loader=line,
    )
    epoch = [(True, True)] * 2 + [(False, False)] * 2  # trains with dropout and gradients, validates without
    assert model.calls == epoch * 2
    assert not model.training


def test_a_second_fit_trains_again(line):
    """`fit` leaves the model in eval mode, so it must not rely on the mode that it finds."""
    model = Spy()
    model.eval()
    fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), epochs=1)
    assert model.calls == [(True, True)] * 2


def test_validation_teaches_nothing(line):
    results = []
    for val_loader in (None, line):
        model = nn.Sequential(nn.BatchNorm1d(1), linear())
        fit(
            model,
            line,
            nn.MSELoss(),
            torch.optim.SGD(model.parameters(), lr=0.1),
            epochs=3,
            val_loader=val_loader,
        )
        results.append([value.clone() for value in model.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_validation_measures_the_loss_and_the_metrics(line):
    model = linear()
    metrics = {"mae": nn.functional.l1_loss, "worst": lambda y_hat, y: (y_hat - y).abs().max()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, line, nn.MSELoss(), optimizer, epochs=2, val_loader=line, metrics=metrics)
    assert history.names == ["loss", "val_loss", "val_mae", "val_worst"]
    x, y = (torch.cat(parts) for parts in zip(*line, strict=True))
    assert history["val_loss"][-1] == pytest.approx(((model(x) - y) ** 2).mean().item())
    assert history["val_worst"][-1] == pytest.approx((model(x) - y).abs().max().item())


def test_scheduler_steps_once_per_batch(line):
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    fit(model, line, nn.MSELoss(), optimizer, epochs=2, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] == 0.5**4


def test_batches_go_to_the_device_of_the_model(line):
    """On the meta device no number exists, so a batch that is not moved to the model's device fails."""
    model = Spy().to("meta")
    loss_fn = lambda y_hat, y: Item((y_hat - y).pow(2).mean())  # noqa: E731
    fit(model, line, loss_fn, torch.optim.Adam(model.parameters()), epochs=1)
    fit(linear(), line, loss_fn, torch.optim.Adam(model.parameters()), epochs=1, device="meta")
    with pytest.raises(RuntimeError, match="meta"):
        model(line[0][0]) + line[0][1]


class Item:
    """A loss whose value can be read on a device without numbers."""

    def __init__(self, loss):
        self.loss = loss

    def item(self):
        return 1.0

    def backward(self):
        self.loss.backward()


def test_an_interrupt_keeps_what_was_learned(line):
    model = linear()
    calls = []

    def loss_fn(y_hat, y):
        calls.append(1)
        if len(calls) == 6:  # in the second batch of the third epoch
            raise KeyboardInterrupt
        return ((y_hat - y) ** 2).mean()

    history = fit(model, line, loss_fn, torch.optim.SGD(model.parameters(), lr=0.1), epochs=100)
    assert history.interrupted and len(history) == 2 and "interrupted" in repr(history)
    assert not model.training and model.weight.item() != 0 and torch.isfinite(model(line[0][0])).all()


def test_a_loss_that_explodes_stops_the_training(line):
    model = linear()
    with pytest.raises(FloatingPointError, match=r"(inf|nan) in epoch \d+, at step \d+.*learning rate") as error:
        fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=1e10), epochs=100)
    epoch, step = map(int, re.findall(r"epoch (\d+), at step (\d+)", str(error.value))[0])
    assert epoch == math.ceil(step / 2) > 1


# What PyTorch says, word for word: CUDA's allocator, CUDA itself, and MPS
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 4.00 GiB"
        ),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GiB, other allocations: 1.00 GiB)"),
    ],
    ids=lambda error: str(error)[:12],
)
@pytest.mark.parametrize("where", ["to", "forward"])
def test_a_full_memory_ends_in_what_helps(line, monkeypatch, error, where):
    def full(*_):
        raise error

    model = linear()
    monkeypatch.setattr(model, where, full)
    said = (
        "The memory of cpu is full. Make the batches smaller, those of val_loader, too; or restart the kernel and "
        "run on the CPU, with %env COURSE_DEVICE=cpu in the first cell."
    )
    with pytest.raises(torch.OutOfMemoryError, match=re.escape(said)) as caught:
        fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters()), epochs=1)
    assert caught.value.__cause__ is error and not model.training


def test_another_error_stays_as_it_is(line):
    model = linear(n=2)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        fit(model, line, nn.MSELoss(), torch.optim.SGD(model.parameters()), epochs=1)
    assert caught.value.__cause__ is None


def test_nan_in_the_data_is_found_at_the_first_step():
    x = torch.tensor([[1.0], [math.nan]])
    model = linear(1.0)
    said = (
        "The loss became nan in epoch 1, at step 1 of the training. The usual reason is a learning rate that is too large: "
        "make a new model and try a tenth of it. If it happens at step 1, look for NaN or huge numbers in the data."
    )
    with pytest.raises(FloatingPointError, match=re.escape(said)):
        fit(model, [(x, x)], nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), epochs=1)
    assert model.weight.item() == 1.0  # not poisoned


@pytest.mark.parametrize("loader", [[], torch.utils.data.DataLoader([(0, 0)], batch_size=2, drop_last=True)])
def test_a_loader_without_batches_is_refused(line, loader):
    model = linear()
    said = "The loader yields no batch. Is the data set empty, or smaller than batch_size with drop_last=True?"
    with pytest.raises(ValueError, match=re.escape(said)):
        fit(model, loader, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), epochs=1)
    with pytest.raises(ValueError, match="no batch"):
        evaluate(model, loader, nn.MSELoss())


def test_shapes_that_would_broadcast_are_refused(line):
    model = linear()
    flat = [(x, y.squeeze(1)) for x, y in line]
    said = (
        "Predictions have the shape (4, 1), targets (4,). A loss would broadcast them against each other and average over "
        "pairs that do not belong together. Give both the same shape, for instance with y.unsqueeze(1); class ids are "
        "integers of shape (n,) for predictions (n, k)."
    )
    with pytest.raises(ValueError, match=re.escape(said)):
        fit(model, flat, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), epochs=1)
    with pytest.raises(ValueError, match=r"\(6, 1\), targets \(6,\)"):
        evaluate(model, flat, nn.MSELoss())


@pytest.mark.parametrize(("labels", "found"), [([0, 3], "0 to 3"), ([-1, 2], "-1 to 2"), ([1, 2], None)])
def test_labels_outside_the_classes_are_refused(labels, found):
    model = nn.Linear(2, 3)
    loader = [(torch.randn(2, 2), torch.tensor(labels))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if found is None:
        fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=1)
    else:
        said = (
            f"Labels go from {found}, but the model has 3 outputs: class ids must be in 0..2. "
            "Renumber the classes, or change the size of the last layer."
        )
        with pytest.raises(ValueError, match=re.escape(said)):
            fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=1)


def test_evaluate_restores_the_mode_even_after_an_error(line):
    model = nn.Sequential(nn.Dropout(), linear())
    model.train()
    evaluate(model, line, nn.MSELoss())
    assert model.training
    with pytest.raises(RuntimeError):
        evaluate(model, [(torch.randn(2, 5), torch.randn(2, 1))], nn.MSELoss())
    assert model.training


def test_evaluate_sees_all_samples_at_once(line):
    model = linear()
    y = torch.cat([y for _, y in line])
    result = evaluate(model, line, nn.MSELoss(), {"rmse": lambda y_hat, y: ((y_hat - y) ** 2).mean().sqrt()})
    assert result == pytest.approx({"loss": (y**2).mean().item(), "rmse": (y**2).mean().sqrt().item()})
    assert all(isinstance(value, float) for value in result.values())


def test_a_history_tells_its_epochs_and_the_names_it_has():
    history = History()
    assert len(history) == 0 and "nothing yet" in repr(history)
    history.rows += [{"loss": 2.0}, {"loss": 1.0}]
    assert history["loss"] == [2.0, 1.0] and repr(history) == "History of 2 epochs: loss 1.0000"
    with pytest.raises(KeyError, match="no curve 'val_loss' in this history; it has loss"):
        history["val_loss"]
    history.rows = [{"loss": 2.0, "val_loss": 3.0}]
    with pytest.raises(KeyError, match="no curve 'accuracy' in this history; it has loss, val_loss"):
        history["accuracy"]
    with pytest.raises(KeyError, match="no curve 'loss' in this history; it has no epochs"):
        History()["loss"]


def test_accuracy_is_the_fraction_of_rows_that_are_right():
    logits = torch.tensor([[2.0, 1.0], [0.0, 5.0], [3.0, 1.0], [0.0, 1.0]])
    assert accuracy(logits, torch.tensor([0, 1, 1, 1])) == 0.75


@pytest.mark.parametrize(("logits", "y"), [((3, 2), (2,)), ((0, 2), (0,)), ((3, 1), (3, 1)), ((3,), (3,))])
def test_accuracy_refuses_shapes_that_do_not_fit(logits, y):
    said = (
        f"accuracy needs logits (n, k) and class ids (n,), got {logits} and {y}. "
        "For one logit per row, compare it with 0 yourself."
    )
    with pytest.raises(ValueError, match=re.escape(said)):
        accuracy(torch.zeros(logits), torch.zeros(y))


def test_the_bar_shows_the_loss(line, monkeypatch):
    shown = []

    class Bar(training.tqdm):
        def close(self):
            if not self.disable:
                shown.append((self.total, self.n, self.unit, self.desc.strip(": "), self.postfix))
            super().close()

    monkeypatch.setattr(training, "tqdm", Bar)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, line, nn.MSELoss(), optimizer, epochs=3)
    # one bar, two batches in each of three epochs
    assert shown == [(6, 6, "batch", "epoch 3/3", f"loss {history['loss'][-1]:.4f}")]
    monkeypatch.setenv("TQDM_DISABLE", "1")
    fit(model, line, nn.MSELoss(), optimizer, epochs=3)
    assert len(shown) == 1
