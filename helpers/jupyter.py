"""A small extension of the Jupyter server: to open a notebook of the course does not change its file.

JupyterLab writes the version of the reader's Python into every notebook that it opens, and stores that after two minutes.
All else that it writes there is in the stored notebooks already; the version is left out here, when a notebook is saved.
tools/lab.py turns this on; for a course that is installed as a package, pyproject.toml does (shared-data).
"""


def without_version(model, **_):
    """Leave the version of Python out of a notebook of this course, which is about to be saved."""
    if model["type"] == "notebook" and any(cell.get("id") == "setup" for cell in model["content"].get("cells", [])):
        model["content"]["metadata"].get("language_info", {}).pop("version", None)


def _jupyter_server_extension_points():
    return [{"module": "helpers.jupyter"}]


def _load_jupyter_server_extension(app):
    app.contents_manager.register_pre_save_hook(without_version)
