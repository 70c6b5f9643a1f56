"""Makes the virtual environment from a lock file; only the standard library, and nothing to do the second time.

A stamp written last says what the environment was made from. Without a stamp the environment is half-made and is made
anew, so an interruption at any moment is harmless.
"""

import hashlib
import importlib.util
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.debian import Archive, unpack
from deploy.errors import GroundError
from deploy.lock import locked
from deploy.process import dying_with_parent, run
from deploy.progress import Step, say

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"run": ["requirements.lock"], "dev": ["requirements-dev.lock", "requirements.lock"]}  # the first is installed


def main(arguments: Sequence[str]) -> int:
    """Makes the environment of a kind, run or dev; returns the exit code."""
    try:
        prepare(arguments[0], ROOT)
    except GroundError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next time begins where it is safe")
        return 130
    return 0


def prepare(kind: str, root: Path) -> None:
    """Makes root/.venv hold what the kind's lock file and pyproject.toml say. Raises GroundError."""
    wanted = _fingerprints(kind, root)
    # two commands in one clone take turns; a file that is there anyway is locked, so nothing is left lying about
    with locked(root / "pyproject.toml"):
        venv = root / ".venv"
        made = _stamp(venv)
        if made is not None and wanted.items() <= made.items():
            return
        if made is None:
            _create(venv)
        (venv / "stamp.json").unlink(missing_ok=True)
        _install(venv, root, LOCKS[kind][0])
        (venv / "stamp.json").write_text(json.dumps({"venv": str(venv), "python": _version(venv), **wanted}))


def _fingerprints(kind: str, root: Path) -> dict[str, str]:
    files = [*LOCKS[kind], "pyproject.toml"]  # pyproject names the console script and the entry points
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in files}


def _stamp(venv: Path) -> dict[str, str] | None:
    """What a whole and usable environment was made from; None for one to be made anew."""
    try:
        made: dict[str, str] = json.loads((venv / "stamp.json").read_text())
    except (OSError, ValueError):
        return None
    # its scripts hold absolute paths, and its packages belong to one Python
    return made if made.get("venv") == str(venv) and made.get("python") == _version(venv) else None


def _version(venv: Path) -> str:
    try:
        return run([venv / "bin/python", "-c", "import sys; print(sys.version)"]).stdout.strip()
    except OSError:
        return "none"


def _create(venv: Path) -> None:
    with Step(f"making the virtual environment with Python {sys.version.split()[0]}"):
        shutil.rmtree(venv, ignore_errors=True)
        _checked([sys.executable, "-m", "venv", "--without-pip", venv])
        if importlib.util.find_spec("ensurepip"):
            _checked([venv / "bin/python", "-m", "ensurepip", "--default-pip"])
            return
    # Debian keeps ensurepip in python3-venv; without root we take pip from its package and leave the machine alone
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        archive = Archive(work / "apt")
        archive.update()
        for package in archive.download(["python3-pip-whl"], work / "packages"):
            unpack(package, work)
        wheel = next((work / "usr/share/python-wheels").glob("pip-*.whl"))
        _checked([venv / "bin/python", wheel / "pip", "install", "--no-index", "--no-deps", wheel])


def _install(venv: Path, root: Path, lock: str) -> None:
    count = sum("==" in line for line in (root / lock).read_text().splitlines())
    with Step(f"installing Python packages from {lock}") as step:
        _pip(venv, step, count, "--require-hashes", "--only-binary", ":all:", "-r", str(root / lock))
        _pip(venv, step, 0, "--no-deps", "--no-build-isolation", "-e", str(root))


def _pip(venv: Path, step: Step, count: int, *arguments: str) -> None:
    quiet = ["--no-input", "--progress-bar=off", "--disable-pip-version-check", "--root-user-action=ignore"]
    pip = [str(venv / "bin/python"), "-m", "pip", "install", *quiet, *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603
            [*dying_with_parent(signal.SIGTERM), *pip], stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            if count and line.startswith(("Collecting", "Processing", "Requirement already")):
                seen += 1
                step.at(f"{seen} of {count} packages")
            elif count and line.startswith("Installing"):
                step.at(f"unpacking {seen} packages")
        if process.wait():
            errors.seek(0)
            told = [line for line in errors if not line.startswith("WARNING")]  # about mirrors that have no such folder
            raise GroundError(f"pip failed; the first time it needs a network:\n{''.join(told).strip()}")


def _checked(command: Sequence[str | Path]) -> None:
    done = run(command)
    if done.returncode:
        raise GroundError(f"{' '.join(map(str, command))} failed:\n{(done.stderr or done.stdout).strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
