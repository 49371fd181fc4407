"""A small extension of the Jupyter server: to open a notebook of the course does not change it.

JupyterLab writes the version of the reader's Python into every notebook that it opens, marks the notebook as changed, and
stores it after two minutes. All else that it writes there is in the stored notebooks already. So the version is put in when
a notebook is read, and left out when it is saved: JupyterLab finds what it would write, and the file stays as it is.
tools/lab.py turns this on; for a course that is installed as a package, pyproject.toml does (shared-data).
"""

import inspect
import sys


def _language(model):
    """The `language_info` of a notebook of this course; of any other model that the server reads or saves, an empty one."""
    content = model["content"] if model["type"] == "notebook" else None
    ours = content and any(cell.get("id") == "setup" for cell in content.get("cells", []))
    return content["metadata"].get("language_info", {}) if ours else {}


def with_version(model):
    """The notebook that was just read, with the version of Python as ipykernel gives it."""
    language = _language(model)
    if language:
        language["version"] = sys.version.split()[0]
    return model


def without_version(model, **_):
    """Leave the version of Python out of a notebook of this course, which is about to be saved."""
    _language(model).pop("version", None)


def _jupyter_server_extension_points():
    return [{"module": "helpers.jupyter"}]


def _load_jupyter_server_extension(app):
    manager = app.contents_manager
    manager.register_pre_save_hook(without_version)
    read = manager.get  # the server has a hook for saving, and none for reading

    async def later(model):
        return with_version(await model)

    def get(*args, **options):
        model = read(*args, **options)
        return later(model) if inspect.isawaitable(model) else with_version(model)

    manager.get = get
