"""Debian packages without installing them: a private apt state, downloads checked against Debian's signature.

Only the standard library: this runs before the virtual environment exists. Nothing outside the given folder changes.
"""

import os
import re
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import GroundError
from deploy.mirror import find_mirror
from deploy.process import dying_with_parent, run
from deploy.progress import Step

SUITE = "trixie"  # Debian's stable release whose packages the embedded servers are

# what the machine's apt needs to reach the network; never what weakens the signature check
_KEPT_SETTINGS = re.compile(
    r"^Acquire::(http|https|ftp|Retries|ForceIPv|Check-Valid-Until|Check-Date|Queue-Mode)\b", re.I
)
_FOLDERS = (
    "etc/apt.conf.d",
    "etc/preferences.d",
    "etc/sources.list.d",
    "state/lists/partial",
    "cache/archives/partial",
)


@dataclass(frozen=True)
class Package:
    """A file of the archive as apt announces it; size in bytes."""

    file: str
    size: int


class Archive:
    """A private apt state under `folder` for one suite of the machine's Debian mirror."""

    def __init__(self, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        self._environ = {**environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C.UTF-8"}

    def update(self) -> None:
        """Fetches the package index. Raises GroundError when the mirror, the key or the network fails."""
        mirror = find_mirror(self._environ)
        for name in _FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        lines = [f"deb [signed-by={mirror.keyring}] {mirror.archive} {SUITE} main"]
        if mirror.security:
            lines.append(f"deb [signed-by={mirror.keyring}] {mirror.security} {SUITE}-security main")
        (self.folder / "etc/sources.list").write_text("\n".join(lines) + "\n")
        (self.folder / "apt.conf").write_text(self._settings())
        with Step(f"reading the index of Debian {SUITE}"):
            self._apt("update")

    def download(self, names: Sequence[str], into: Path) -> list[Path]:
        """Downloads the named packages into a folder and returns the files. Raises GroundError."""
        into.mkdir(parents=True, exist_ok=True)
        wanted = self._announced(names)
        with Step("downloading Debian packages") as step, ThreadPoolExecutor(1) as pool:
            download = pool.submit(self._apt, "download", *names, cwd=into)
            while wait([download], timeout=0.2).not_done:
                step.at(_how_far(wanted, into))
            step.at(_how_far(wanted, into))
            download.result()
        return sorted(into.glob("*.deb"))

    def _announced(self, names: Sequence[str]) -> list[Package]:
        lines = self._apt("download", "--print-uris", *names).splitlines()
        fields = [line.split() for line in lines if line.startswith("'")]
        return [Package(field[1], int(field[2])) for field in fields]

    def _apt(self, *arguments: str, cwd: Path | None = None) -> str:
        command = [*dying_with_parent(signal.SIGTERM), "apt-get", "-qq", *arguments]
        done = run(command, env=self._environ, cwd=cwd or self.folder)
        if done.returncode:
            sources = (self.folder / "etc/sources.list").read_text().strip()
            raise GroundError(f"apt-get {arguments[0]} failed:\n{done.stderr.strip()}\nasked: {sources}")
        return done.stdout

    def _settings(self) -> str:
        dump = _output(["apt-config", "dump"]).splitlines()
        kept = [line for line in dump if _KEPT_SETTINGS.match(line) and not line.endswith('"";')]
        folder = self.folder
        return "\n".join(
            [
                *kept,
                f'Dir::Etc "{folder}/etc"; Dir::State "{folder}/state"; Dir::State::status "{folder}/status";',
                f'Dir::Cache "{folder}/cache"; Dir::Etc::netrc "/etc/apt/auth.conf";',
                'Dir::Etc::netrcparts "/etc/apt/auth.conf.d"; APT::Sandbox::User ""; Acquire::Languages "none";',
                f'APT::Architecture "{architecture()}"; APT::Architectures "{architecture()}";',
                "",
            ]
        )


def unpack(package: Path, into: Path) -> None:
    """Unpacks a package's files under a folder; its scripts are not run. Raises GroundError."""
    done = run(["dpkg-deb", "-x", package, into])
    if done.returncode:
        raise GroundError(f"{package.name} could not be unpacked: {done.stderr.strip()}")


def architecture() -> str:
    """Returns Debian's name of this machine's architecture, as amd64. Raises GroundError without dpkg."""
    return _output(["dpkg", "--print-architecture"]).strip()


def _output(command: Sequence[str]) -> str:
    try:
        done = run(command)
    except FileNotFoundError as error:
        raise GroundError(f"{command[0]} is missing; the embedded servers need Debian or Ubuntu") from error
    if done.returncode:
        raise GroundError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _how_far(wanted: Sequence[Package], folder: Path) -> str:
    # the unfinished file has apt's own name in the same folder, so the sum counts it too
    total = sum(package.size for package in wanted)
    got = sum(path.stat().st_size for path in list(folder.iterdir()) if path.is_file())
    ready = sum((folder / package.file).exists() for package in wanted)
    return f"{ready} of {len(wanted)} packages, {min(got, total) / 1e6:.0f} of {total / 1e6:.0f} MB"
