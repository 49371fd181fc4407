"""Nothing assumes that tensors live on the CPU: the helpers, the checks and the notebooks, on a stand-in for a GPU."""

import ast
import contextlib
import copy
import functools
import inspect
import io
import os
import subprocess
import sys
import types
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from exercise_cells import cells_of
from other_device import is_there, other_device
from processes import in_a_copy, needs_fork
from short import in_10_short, on_few
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from helpers import device, plotting, training
from helpers import exercises as course
from helpers.data import batch_loader
from helpers.exercises.engine.examine import examine
from helpers.graph import draw_graph
from helpers.training import accuracy, evaluate, fit

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def gpu():
    with other_device():
        yield


# The stand-in is as strict as a GPU, and no stricter


REFUSED = {
    "a sum of two devices": lambda x, cpu: cpu + x,
    "weights on the CPU": lambda x, cpu: nn.Linear(2, 1)(x),
    "targets on the CPU": lambda x, cpu: F.cross_entropy(x, torch.tensor([0, 1, 1])),
    "a comparison": lambda x, cpu: torch.equal(x, cpu),
    "rows of the CPU, chosen there": lambda x, cpu: cpu[x > 0],
    "one number here, one there": lambda x, cpu: torch.stack([x[0, 0], cpu[0, 0]]),
    "a running sum on the CPU": lambda x, cpu: torch.tensor(0.0).add_(x.sum()),
    "a gradient on the CPU": lambda x, cpu: setattr(x, "grad", cpu),
    "random numbers of the CPU": lambda x, cpu: x.normal_(generator=torch.Generator()),
    "NumPy": lambda x, cpu: x.numpy(),
    "a plot": lambda x, cpu: plt.plot(x),
}
STAYS_THERE = {
    "a plain number": lambda x, cpu: 2 * x,
    "one number on the CPU": lambda x, cpu: x * torch.tensor(2.0),
    "rows chosen on the CPU": lambda x, cpu: x[cpu[:, 0] > 0],
    "rows in a list": lambda x, cpu: x[[0, 2]],
    "a copy from the CPU": lambda x, cpu: x.copy_(cpu),
    "made beside it": lambda x, cpu: torch.rand(3, device=x.device),
    "a parameter": lambda x, cpu: nn.Parameter(x.T[0]),
    "a model that was moved": lambda x, cpu: nn.Linear(2, 1).to(x.device)(x),
    "a result with two parts": lambda x, cpu: x.max(dim=1).values,
}
COMES_BACK = {
    "moved": lambda x, cpu: x.cpu() + cpu,
    "moved to another tensor": lambda x, cpu: x.to(cpu) + cpu,
    "copied": lambda x, cpu: cpu.copy_(x),
    "plain numbers": lambda x, cpu: torch.tensor([x.sum().item(), float(x[0, 0]), *x[0].tolist()]),
    "numbers one by one": lambda x, cpu: torch.tensor([*x[0]]),
    "a row chosen by one number": lambda x, cpu: cpu[x[0].argmax()],
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_stand_in_refuses(gpu, what):
    x, cpu = torch.ones(3, 2).to("cuda"), torch.ones(3, 2)
    with pytest.raises((RuntimeError, TypeError), match="device"):
        REFUSED[what](x, cpu)


@pytest.mark.parametrize("what", [*STAYS_THERE, *COMES_BACK])
def test_the_stand_in_allows(gpu, what):
    x, cpu = torch.ones(3, 2, device="cuda"), torch.ones(3, 2)
    result = (STAYS_THERE | COMES_BACK)[what](x, cpu)
    assert result.device.type == ("cuda" if what in STAYS_THERE else "cpu")


# The helpers


def points(device="cpu"):
    X = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    return X.to(device), (X[:, 0] > X[:, 1]).long().to(device)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


LOADERS = {
    "a list": lambda X, y, order: list(zip(X.split(7), y.split(7), strict=True)),
    "a DataLoader": lambda X, y, order: DataLoader(TensorDataset(X, y), batch_size=7, shuffle=True, generator=order),
    "batch_loader": lambda X, y, order: batch_loader(X, y, batch_size=7, shuffle=True, generator=order),
}


def train(kind, model_device, data_device, fused):
    """Twelve steps of AdamW: the model, and all that was measured."""
    model, loss_fn = network(), nn.CrossEntropyLoss()
    loader = LOADERS[kind](*points(data_device), torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=fused)
    more = {"val_loader": [points(data_device)], "metrics": {"accuracy": accuracy}}
    more["scheduler"] = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=12)
    history = fit(model, loader, loss_fn, optimizer, epochs=4, device=model_device, **more)
    return model, [*history.rows, evaluate(model, loader, loss_fn, {"accuracy": accuracy})]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("data_device", ["cpu", "cuda"])
@pytest.mark.parametrize("kind", LOADERS)
def test_fit_and_evaluate_give_the_numbers_of_the_cpu_there(kind, data_device, fused):
    """Wherever the data are, the model trains on the GPU, to the numbers of the CPU."""
    _, expected = train(kind, "cpu", "cpu", fused)
    with other_device():
        model, measured = train(kind, "cuda", data_device, fused)
    assert measured == expected
    assert all(map(is_there, model.state_dict().values()))


PICTURES = {
    "plot_decision_regions": lambda X, y, model: plotting.plot_decision_regions(
        lambda points: model(points).argmax(dim=1), X, y, resolution=20
    ),
    "plot_decision_regions, shaded": lambda X, y, model: plotting.plot_decision_regions(
        lambda points: model(points).softmax(dim=1)[:, 1], X, y, resolution=20
    ),
    "plot_loss_surface": lambda X, y, model: plotting.plot_loss_surface(
        lambda w, b: ((w * X[:, 0] + b - X[:, 1]) ** 2).mean(), X, minimum=X[0], resolution=5
    ),
    "show_images": lambda X, y, model: plotting.show_images(model[0].weight.unsqueeze(0)),
    "plot_confusion_matrix": lambda X, y, model: plotting.plot_confusion_matrix(model(X).argmax(dim=1), y),
    "draw_graph": lambda X, y, model: draw_graph(lambda w, x: (w * x - 1) ** 2, w=X[0, 0].requires_grad_(), x=X[0, 1]),
}


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_are_drawn_of_tensors_from_there(gpu, picture):
    PICTURES[picture](*points("cuda"), network().eval().to("cuda"))


def test_no_plot_is_left_out():
    plots = {name for name in vars(plotting) if name.startswith(("plot_", "show_"))}
    # plot_history draws the numbers that `fit` returns, never a tensor
    assert plots - {"plot_history"} == {name.split(",")[0] for name in PICTURES} - {"draw_graph"}


# The checks


def moved(answer):
    """The same answer, with what it gives on the GPU."""
    if inspect.isfunction(answer):
        return functools.wraps(answer)(lambda *args, **kwargs: moved(answer(*args, **kwargs)))
    if isinstance(answer, tuple):
        return tuple(map(moved, answer))
    return answer.to("cuda") if isinstance(answer, torch.Tensor | nn.Module) else answer


@pytest.mark.parametrize("number", course.notebooks())
def test_checks_take_answers_from_there(gpu, number):
    for exercise in course.exercises(number):
        answer, expected = exercise.solution, exercise.why
        if exercise.busy:  # it is trained for seconds: a wrong one has to do that is found out at once
            answer, expected = exercise.mistakes[0]
        elif inspect.isclass(answer):
            continue  # its tensors are those that the check hands in
        elif exercise.kind == "predict":
            answer = torch.as_tensor(answer)
        with contextlib.redirect_stdout(io.StringIO()):
            _, text = examine(exercise, moved(answer))
        assert text.says(expected.words), f"{exercise.name}: {text}"


def test_a_check_takes_a_tensor_for_a_tuple(gpu):
    exercise = course.find("curve_slopes")
    state, text = examine(exercise, lambda *args: moved(torch.stack(exercise.solution(*args))))
    assert state == "solved", text


# The notebooks


code_cells = functools.cache(cells_of)


def a_kernel():
    """The namespace of a notebook that runs in this process, which must be a copy."""
    plt.switch_backend("agg")
    os.chdir(ROOT / "notebooks")
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.display = lambda *_: None
    return main


def run(cell, body, main):
    """Execute a cell without its figures; returns the error that it stops with, or None."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(ast.unparse(body), cell.id, "exec"), vars(main))
    except Exception as error:
        return error
    finally:
        plt.close("all")


def run_all(number):
    """Execute the cells of a notebook on the GPU; returns where that was, or which cell failed.

    A notebook that calls `fit` gets a short one. Then its claims do not hold, but they must be computed without error.
    """
    main = a_kernel()
    device.pick_device = lambda: torch.device("cuda")
    training.fit, training.evaluate = on_few(2, fit), on_few(2, evaluate)
    for cell in code_cells(number):
        body = ast.parse(in_10_short(cell.source) if number == "10" else cell.source).body
        if hasattr(main, "fit"):
            body = [ast.Expr(node.test) if isinstance(node, ast.Assert) else node for node in body]
        with other_device():
            error = run(cell, body, main)
        if error and "raises-exception" not in cell.metadata.get("tags", []):
            return f"cell {cell.id}: {error!r}"
    return f"ran on {main.device}"


def picks_device(number):
    return any("pick_device()" in cell.source for cell in code_cells(number))


@needs_fork
@pytest.mark.parametrize("number", [n for n in course.notebooks() if picks_device(n)])
def test_notebooks_run_on_the_device_that_they_pick(number):
    assert in_a_copy(lambda: run_all(number)) == "ran on cuda"


def statements(number, *kinds):
    nodes = [node for cell in code_cells(number) for node in ast.parse(cell.source).body]
    return [node for node in nodes if isinstance(node, kinds)]


def models(number):
    """The names of the classes of models that a notebook defines, and can call."""
    found = {"nn.Module"}
    for node in statements(number, ast.ClassDef):
        if found & set(map(ast.unparse, node.bases)) and "forward" in (getattr(part, "name", "") for part in node.body):
            found.add(node.name)
    return found - {"nn.Module"}


def used_there(number):
    """Run a notebook until it has used each of its models, and use a copy of that one on the GPU.

    Returns, by the name of its class, what went wrong with it there.
    """
    main, wanted, found = a_kernel(), models(number), {}

    def use(model, inputs):
        name = type(model).__name__
        if name in wanted - found.keys():
            found[name] = None
            found[name] = fault_there(copy.deepcopy(model), [x.detach().clone() for x in inputs])

    nn.modules.module.register_module_forward_pre_hook(use)
    for cell in code_cells(number):
        run(cell, ast.parse(cell.source).body, main)
        if wanted == found.keys():
            break
        if inspect.isfunction(getattr(main, "train", None)):  # a model is used in the first epoch, or never
            main.train = functools.partial(
                lambda train, *rest, **named: train(*rest, **named | {"epochs": 1}), main.train
            )
    return found


def fault_there(model, inputs):
    """What goes wrong in a step of training on the GPU, or None."""
    try:
        with other_device():
            model.to("cuda")
            result = model(*[x.to("cuda") for x in inputs])
            if parameters := list(model.parameters()):
                before = [parameter.clone() for parameter in parameters]
                (result - 100).square().mean().backward()
                torch.optim.Adam(parameters, lr=0.1).step()
                assert not any(map(torch.equal, before, parameters)), "a parameter does not learn"
            assert all(map(is_there, [result, *model.state_dict().values()])), "something stayed on the CPU"
    except Exception as error:
        return repr(error)


@needs_fork
@pytest.mark.parametrize("number", [n for n in course.notebooks() if models(n) and not picks_device(n)])
def test_models_of_the_notebooks_learn_there(number):
    """Those of the others are used there while the notebook runs."""
    assert in_a_copy(lambda: used_there(number)) == dict.fromkeys(models(number))


def optimizers():
    """The classes of optimizers in notebook 09, made without what it computes."""
    namespace = {"__name__": "notebook"}
    for node in statements("09", ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef):
        with contextlib.suppress(NameError):  # a default value that would have to be computed
            exec(ast.unparse(node), namespace)
    base = namespace["Optimizer"]
    return [c for c in namespace.values() if inspect.isclass(c) and issubclass(c, base) and c is not base]


@pytest.mark.parametrize("optimizer_class", optimizers(), ids=lambda kind: kind.__name__)
def test_optimizers_of_notebook_09_work_there(gpu, optimizer_class):
    weight = torch.ones(3, device="cuda", requires_grad=True)
    _, *settings = inspect.signature(optimizer_class).parameters.values()
    asked = [p.name for p in settings if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    optimizer = optimizer_class([weight], **{"lr": 0.1} | dict.fromkeys(asked, 0.1))
    weight.square().sum().backward()
    optimizer.step()
    assert is_there(weight) and (weight < 1).all()


@pytest.mark.parametrize("as_argument", [False, True])
@pytest.mark.parametrize(("device", "option"), [("cuda", "--nbval-lax"), ("cpu", "--nbval")])
def test_make_compares_outputs_on_the_cpu_only(device, option, as_argument):
    """`make nbval COURSE_DEVICE=cuda` and `COURSE_DEVICE=cuda make nbval` are the same."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command, env = ["make", "--dry-run", "nbval"], own | {"COURSE_DEVICE": device}
    if as_argument:
        command, env = [*command, f"COURSE_DEVICE={device}"], own
    made = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert option in made.stdout.split()
