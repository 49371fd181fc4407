"""Make the environment that the course runs in, or leave it alone where it fits. make calls this before all else.

Usage: ready.py FOLDER REQUIREMENTS   (ready.py .venv requirements.txt)

It fits while its Python starts and has the version that it was made with, and while the requirements say what they said;
the time of a file proves neither. A course that was moved or renamed needs no other environment: no part of it that is
used says where it lies. `helpers` is found from the notebook (tools/setup_cell.py), and no script in bin/ is called,
since each names the Python that it starts.
"""

import os
import subprocess
import sys
from pathlib import Path

FIRST, LAST = (3, 11), (3, 14)
ANOTHER = "Name another one: make lab PYTHON=python3.13"


def version(python):
    """The version of the Python at that path, as "3.11", or "" where none starts."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output([str(python), "-c", code], stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def main(folder, requirements):
    folder, requirements = Path(folder), Path(requirements)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "ready"  # says what was installed, and for which Python; nothing before all of it is
    stamped = stamp.is_file()
    made_for, _, installed = (stamp.read_text(encoding="utf-8") if stamped else "").partition("\n")
    here, wanted = version(python), requirements.read_text(encoding="utf-8")
    if here and (here, wanted) == (made_for, installed):
        return

    clear = []
    if os.path.lexists(python) and (not here or (made_for and here != made_for)):
        print(
            f"The Python that {folder} was made with is gone, or is another version now: it is made anew.", flush=True
        )
        stamped, clear = False, ["--clear"]
    if not stamped:
        if not FIRST <= sys.version_info[:2] <= LAST:
            promised = f"{FIRST[0]}.{FIRST[1]} to {LAST[0]}.{LAST[1]}"
            name, this = os.environ.get("PYTHON", sys.executable), "{}.{}".format(*sys.version_info)
            sys.exit(f"This course needs Python {promised}; {name} is Python {this}. {ANOTHER}")
        if subprocess.run([sys.executable, "-m", "venv", *clear, folder]).returncode:
            sys.exit(f"No environment could be made in {folder}: the reason stands above.")
    stamp.unlink(missing_ok=True)
    install = ["-m", "pip", "install", "--disable-pip-version-check", "-r", requirements]
    if subprocess.run([python, *install]).returncode:
        sys.exit("Not everything could be installed: the reason stands above. Check the network, then try again.")
    stamp.write_text(f"{version(python)}\n{wanted}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
