"""Open the course in JupyterLab, from whatever folder this is called.

Usage: lab.py [OPTION ...]   (options of JupyterLab; make lab, or by hand, with the Python where the course is installed)
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    ours = ["--allow-root", "--ServerApp.jpserver_extensions=helpers.jupyter=True"]
    return lab([*ours, *options, str(ROOT / "notebooks")])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
