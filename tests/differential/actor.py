"""Builds the actor (actor.c), the program that the scenarios' units run."""
import pathlib
import shutil
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent / "actor.c"


def missing():
    """Why it cannot be built, or None."""
    return None if shutil.which("cc") else "no C compiler (`cc`) to build tests/differential/actor.c"


def build():
    """The bytes of a static executable, so that it runs in every root file system."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "actor"
        subprocess.run(["cc", "-O1", "-static", "-o", out, SOURCE], check=True)
        return out.read_bytes()
