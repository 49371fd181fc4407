"""A plugin of pytest that makes nbval stricter in two ways.

Figures are outputs, too. nbval compares all but pictures. Here a figure may differ from the stored one by TOLERANCE, as
long as it has the same size; where it differs more, the cell fails, and both pictures and their difference lie in .figures/
to look at. A cell whose figure cannot be equal on every machine (a timing, a training that chaos decides) carries the tag
`figure-varies`; then only its size is compared. And pictures of two versions of matplotlib are not compared at all.

A cell that runs out of time fails, also where it swallows nbval's interrupt, as `fit` does.
"""

import base64
import io
from pathlib import Path

from matplotlib.testing.compare import compare_images
from nbval.plugin import IPyNbCell
from PIL import Image

TOLERANCE = 0.5  # root mean square over the pixels, from 0 to 255; a label of one letter that vanishes changes more
FOLDER = Path(".figures")


def pytest_configure():
    compare_all_else = IPyNbCell.compare_outputs

    def compare_outputs(self, test, ref, skip_compare=None):
        return compare_all_else(self, test, ref, skip_compare) and compare_figures(self, test, ref)

    run_cell = IPyNbCell.runtest

    def runtest(self):
        late_before = self.parent.timed_out
        run_cell(self)
        if self.parent.timed_out and not late_before:
            self.raise_cell_error("The cell ran out of time")

    IPyNbCell.compare_outputs, IPyNbCell.runtest = compare_outputs, runtest


def compare_figures(cell, test, ref):
    """Whether the figures of a cell are those that are stored. Notes on the cell what differs."""
    now, stored = figures(test), figures(ref)
    if len(now) != len(stored):
        cell.comparison_traceback.append(f"{len(stored)} figures are stored, {len(now)} are drawn")
        return False
    return all(is_the_same(cell, *pair) for pair in zip(now, stored, strict=True))


def figures(outputs):
    pictures = [output.get("data", {}).get("image/png") for output in outputs]
    return [base64.b64decode(picture) for picture in pictures if picture]


def drawn_by(picture):
    """The version of matplotlib that drew it: another draws letters differently, and so it cannot be compared."""
    return Image.open(io.BytesIO(picture)).info.get("Software")


def is_the_same(cell, now, stored):
    if now == stored or drawn_by(now) != drawn_by(stored):
        return True
    folder = FOLDER / Path(cell.parent.path).stem / cell.cell["id"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "now.png").write_bytes(now)
    (folder / "stored.png").write_bytes(stored)
    varies = "figure-varies" in cell.cell.metadata.get("tags", [])
    try:
        difference = compare_images(str(folder / "stored.png"), str(folder / "now.png"), 255 if varies else TOLERANCE)
    except ValueError as error:  # another size
        difference = str(error)
    if difference is None:
        return True
    cell.comparison_traceback.append(f"The figure of cell {cell.cell['id']} differs; see {folder}. {difference}")
    return False
