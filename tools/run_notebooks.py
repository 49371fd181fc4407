"""Execute notebooks in place, each in a fresh kernel, and clean what varies from run to run.

Usage: run_notebooks.py PATH ...   (notebooks, or folders with notebooks)
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbstripout import strip_output

WIDGET = "application/vnd.jupyter.widget-view+json"

# What a front end or a machine writes into a notebook, and no reader needs
VOLATILE = [
    "metadata.widgets",
    "metadata.language_info.version",
    "metadata.vscode",
    "metadata.colab",
    "cell.metadata.execution",
    "cell.metadata.ExecuteTime",
    "cell.metadata.collapsed",
    "cell.metadata.scrolled",
    "cell.metadata.outputId",
    "cell.metadata.colab",
]


def clean(notebook):
    """Drop from an executed notebook what differs between two runs or two machines; keep outputs, counts, ids and tags."""
    notebook = strip_output(notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=VOLATILE)
    # What JupyterLab writes there, so that to open a notebook does not change it (helpers/jupyter.py does the rest)
    notebook.metadata.kernelspec = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # A live widget cannot be stored; the static figure beside it stays.
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
            for output in cell.outputs:
                if output.output_type == "error":
                    # The frames hold paths of this machine; what a reader learns from is the last line.
                    output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


def find_notebooks(paths):
    """The notebooks among `paths` and below them, sorted."""
    found = [p for path in map(Path, paths) for p in ([path] if path.suffix == ".ipynb" else path.rglob("*.ipynb"))]
    return sorted(p for p in found if ".ipynb_checkpoints" not in p.parts)


def main(paths):
    for path in find_notebooks(paths):
        print(f"{path} ...", flush=True)
        notebook = nbformat.read(path, as_version=4)
        # A cell that ought to raise carries the tag `raises-exception`; any other error stops here, naming the cell.
        here = {"metadata": {"path": path.parent}}
        NotebookClient(notebook, kernel_name="python3", timeout=300, coalesce_streams=True, resources=here).execute()
        nbformat.write(clean(notebook), path)


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit(__doc__))
