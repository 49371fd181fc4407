"""Open the course in JupyterLab, from whatever folder this is called.

Usage: lab.py [OPTION ...]   (options of JupyterLab; make lab, or by hand, with the Python where the course is installed)
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYOUT = ROOT / ".jupyterlab"


def put_first(name, folder):
    """Let the environment variable `name`, a list of folders, begin with this one."""
    os.environ[name] = os.pathsep.join(filter(None, [str(folder), os.environ.get(name)]))


def main(options):
    try:
        from jupyterlab.labapp import main as lab
    except ModuleNotFoundError:
        sys.exit(
            f"JupyterLab is not installed for this Python, {sys.executable}. "
            f'Install the course: "{sys.executable}" -m pip install -r "{ROOT / "requirements.txt"}"'
        )
    # For the server's extension, and for notebooks of the reader's own, which have no set-up cell
    sys.path[0] = str(ROOT)
    put_first("PYTHONPATH", ROOT)
    # No window about news, and no dates beside the names of the notebooks. What the reader has chosen comes before that.
    put_first("JUPYTER_CONFIG_PATH", ROOT / "tools" / "jupyter")
    ours = ["--allow-root", "--ServerApp.jpserver_extensions=helpers.jupyter=True"]
    if not LAYOUT.exists():
        ours.append("--LabApp.default_url=/lab/tree/00_tensors.ipynb")
    if os.access(ROOT, os.W_OK):
        # From then on, what was open last is opened again: of this folder, and not of the reader's other projects.
        ours.append(f"--LabApp.workspaces_dir={LAYOUT}")
    return lab([*ours, *options, str(ROOT / "notebooks")])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
