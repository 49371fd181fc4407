"""Nothing assumes that tensors live on the CPU: the helpers, the checks and the notebooks, on a stand-in for a GPU."""

import ast
import contextlib
import functools
import inspect
import io
import itertools
import multiprocessing
import os
import subprocess
import sys
import types
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from exercise_cells import cells_of
from other_device import is_there, other_device
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from helpers import device, plotting
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
def test_fit_and_evaluate(kind, data_device, fused):
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
def test_pictures(gpu, picture):
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


def short_fit(model, loader, *rest, **settings):
    return fit(model, list(itertools.islice(loader, 2)), *rest, **settings | {"epochs": 1})


def short_evaluate(model, loader, *rest):
    return evaluate(model, list(itertools.islice(loader, 2)), *rest)


def run_all(number):
    """Execute the cells of a notebook on the GPU; returns where that was, or which cell failed.

    A notebook that calls `fit` gets a short one. Then its claims do not hold, but they must be computed without error.
    """
    plt.switch_backend("agg")
    os.chdir(ROOT / "notebooks")
    main = sys.modules["__main__"] = types.ModuleType("__main__")  # as in a kernel
    main.display = lambda *_: None
    device.pick_device = lambda: torch.device("cuda")
    for cell in code_cells(number):
        body = ast.parse(cell.source).body
        if hasattr(main, "fit"):
            main.fit, main.evaluate = short_fit, short_evaluate
            body = [ast.Expr(node.test) if isinstance(node, ast.Assert) else node for node in body]
        try:
            with contextlib.redirect_stdout(io.StringIO()), other_device():
                exec(compile(ast.unparse(body), cell.id, "exec"), vars(main))
            plt.close("all")
        except Exception as error:
            if "raises-exception" not in cell.metadata.get("tags", []):
                return f"cell {cell.id}: {error!r}"
    return f"ran on {main.device}"


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize(
    "number",
    [n for n in course.notebooks() if any("pick_device()" in cell.source for cell in code_cells(n))],
)
def test_notebooks_run_on_the_device_that_they_pick(number):
    fork = multiprocessing.get_context("fork")  # this process has imported torch already
    with ProcessPoolExecutor(max_workers=1, mp_context=fork) as pool:
        assert pool.submit(run_all, number).result() == "ran on cuda"


# How to make the models that notebooks define, and how many numbers they take
MODELS = [
    ("02", "Line()", 1),
    ("03", "ScaledLinear(torch.rand(5, 3))", 3),
    ("05", "zero_linear(4, 3)", 4),
    ("06", "ProductNeuron()", 2),
    ("08", "make_network(0)", 5),
    ("09", "small_network().float()", 64),
    ("10", "nn.Sequential(RandomAffine(), block(784, 16))", 784),
    ("10", "nn.Sequential(Upright(), block(784, 16))", 784),
    ("10", "nn.Sequential(Scramble(torch.randperm(784)), block(784, 16))", 784),
    ("10", "nn.Sequential(View('as written'), block(784, 16))", 784),
    ("10", "nn.Sequential(View('equally wide'), block(784, 16))", 784),
]


def statements(number, *kinds):
    nodes = [node for cell in code_cells(number) for node in ast.parse(cell.source).body]
    return [node for node in nodes if isinstance(node, kinds)]


@functools.cache
def names(number):
    """What a notebook imports and defines, without what it computes."""
    namespace = {"__name__": "notebook"}
    for node in statements(number, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef):
        with contextlib.suppress(NameError):  # a default value that would have to be computed
            exec(ast.unparse(node), namespace)
    return namespace


@pytest.mark.parametrize(("number", "model", "n_in"), MODELS)
def test_models_of_the_notebooks(gpu, number, model, n_in):
    model = eval(model, names(number)).to("cuda")
    before = [parameter.clone() for parameter in model.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    (model(torch.rand(6, n_in, device="cuda")) - 1).square().mean().backward()
    optimizer.step()
    assert all(map(is_there, model.state_dict().values()))
    assert not any(map(torch.equal, before, model.parameters()))


def test_optimizers_of_notebook_09(gpu):
    base = names("09")["Optimizer"]
    classes = {c for c in names("09").values() if inspect.isclass(c) and issubclass(c, base)}
    assert len(classes) >= 8
    for optimizer_class in classes - {base}:
        weight = torch.ones(3, device="cuda", requires_grad=True)
        decay = {"weight_decay": 0.1} if optimizer_class.__name__ == "DecayingSGD" else {}
        optimizer = optimizer_class([weight], lr=0.1, **decay)
        weight.square().sum().backward()
        optimizer.step()
        assert is_there(weight) and (weight < 1).all()


def test_no_model_class_is_left_out():
    made = " ".join(model for _, model, _ in MODELS)
    modules = {"nn.Module"}
    for number in course.notebooks():
        for node in statements(number, ast.ClassDef):
            if modules & set(map(ast.unparse, node.bases)) and node.name != "Forgotten":
                modules.add(node.name)
                assert f"{node.name}(" in made, node.name


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
