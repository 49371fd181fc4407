"""Whether an answer is still the stub, as it is written in the notebook."""

import ast
import inspect
import textwrap


def untouched(answer, exercise):
    """Whether nobody has answered yet: a function, a class or a value as the notebook has it."""
    if exercise.stub is not None and _same(answer, exercise.stub):
        return True
    if inspect.isclass(exercise.solution) and inspect.isclass(answer):
        own = vars(answer)
        asked = [name for name, part in vars(exercise.solution).items() if inspect.isfunction(part)]
        return any(_is_empty(own.get(name)) for name in asked)
    return answer is ... or _is_empty(answer) or _all_dots(answer)


def _all_dots(value):
    return type(value) in (tuple, list) and len(value) > 0 and all(v is ... for v in value)


def _is_empty(function):
    """Whether a function does nothing: beside its docstring there is at most a `...` or a `pass`."""
    written = _written(function)
    if written is None or hasattr(function, "registry"):  # a single dispatch: others are registered
        return False
    return all(isinstance(s, ast.Pass) or ast.unparse(s) == "..." for s in _without_docstring(written))


def _same(answer, stub):
    """Whether two functions are written alike; name, docstring, comments and annotations do not count."""
    answer, stub = _written(answer), _written(stub)
    if answer is None or stub is None:
        return False
    for function in (answer, stub):
        function.name, function.body = "", _without_docstring(function)
        for argument in ast.walk(function.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        function.returns = None
        function.decorator_list = [d for d in function.decorator_list if ast.unparse(d) != "exercise.broken"]
    return ast.dump(answer) == ast.dump(stub)


def _without_docstring(function):
    return function.body[ast.get_docstring(function) is not None :]


def _written(function):
    """A function as it is written, or None where that is not a `def`, or cannot be read any more."""
    if not inspect.isfunction(function):
        return None
    try:
        source = inspect.getsource(inspect.unwrap(function))  # under a decorator such as @torch.no_grad()
        (node,) = ast.parse(textwrap.dedent(source)).body
    except (OSError, TypeError, ValueError, SyntaxError):
        return None
    return node if isinstance(node, ast.FunctionDef) else None
