"""Which Debian archive this machine uses, read from apt's own configuration.

No host name is written here: a machine behind a local mirror keeps using it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import GroundError

APT_FOLDER = Path("/etc/apt")
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)

# cloud images say mirror+file:/etc/apt/mirrors/debian.list; apt understands that as it stands
_ARCHIVE = re.compile(r"/debian(\.list)?/?$")
_SECURITY = re.compile(r"/debian-security(\.list)?/?$")
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+\S+")


@dataclass(frozen=True)
class Source:
    """One archive address of apt's configuration and the keyring it names, if any."""

    uri: str
    signed_by: Path | None = None


@dataclass(frozen=True)
class Mirror:
    """Where Debian packages come from, and the keyring that must have signed them."""

    archive: str
    security: str | None
    keyring: Path


def find_mirror(environ: Mapping[str, str], apt_folder: Path = APT_FOLDER) -> Mirror:
    """Returns the machine's Debian mirror; DEB_MIRROR and DEB_KEYRING in environ come first.

    Raises GroundError when there is no Debian mirror or no keyring, with what to set or install.
    """
    sources = list(machine_sources(apt_folder))
    archive = next((s for s in sources if _ARCHIVE.search(s.uri)), None)
    security = next((s for s in sources if _SECURITY.search(s.uri)), None)
    if given := environ.get("DEB_MIRROR"):
        archive, security = Source(given.rstrip("/")), None
    if archive is None:
        raise GroundError(
            "apt on this machine knows no Debian mirror (on Ubuntu that is normal). The embedded servers are Debian's\n"
            "packages, so name one: make run DEB_MIRROR=http://your.mirror.example/debian\n"
            "or use servers of your own: make run DATABASE_URL=postgresql://... MQTT_URL=mqtt://..."
        )
    return Mirror(archive.uri, security.uri if security else None, _keyring(environ, archive))


def _keyring(environ: Mapping[str, str], archive: Source) -> Path:
    given = environ.get("DEB_KEYRING")
    candidates = [Path(given)] if given else [*filter(None, [archive.signed_by]), *KEYRINGS]
    for path in candidates:
        if path.is_file():
            return path
    raise GroundError(
        "no keyring to check Debian's signatures with: sudo apt-get install debian-archive-keyring\n"
        f"or set DEB_KEYRING=file (looked at {', '.join(map(str, candidates))})"
    )


def machine_sources(apt_folder: Path) -> Iterator[Source]:
    """Yields the binary package sources of an apt folder, in apt's order, both file formats."""
    yield from _sources_of_file(apt_folder / "sources.list")
    for path in sorted((apt_folder / "sources.list.d").glob("*")):
        yield from _sources_of_file(path)


def _sources_of_file(path: Path) -> Iterator[Source]:
    parse = {".list": one_line_sources, ".sources": deb822_sources}.get(path.suffix)
    if parse and path.is_file():
        yield from parse(path.read_text(errors="replace"))


def one_line_sources(text: str) -> Iterator[Source]:
    """Yields the sources of a sources.list: deb [signed-by=keyring] uri suite components."""
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.strip()):
            options = dict(o.split("=", 1) for o in (match["options"] or "").split() if "=" in o)
            yield Source(match["uri"].rstrip("/"), _key_path(options.get("signed-by", "")))


def deb822_sources(text: str) -> Iterator[Source]:
    """Yields the sources of a .sources file: stanzas of Types, URIs, Suites, Signed-By."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            for uri in fields.get("uris", "").split():
                yield Source(uri.rstrip("/"), _key_path(fields.get("signed-by", "")))


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():  # a continued value
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
        elif ":" in line:
            key, value = line.split(":", 1)
            name = key.strip().lower()
            fields[name] = value.strip()
    return fields


def _key_path(value: str) -> Path | None:
    # a Signed-By may also be a key written out in place or a fingerprint: then the known keyrings serve
    first = re.split(r"[\s,]+", value.strip())[0]
    return Path(first) if first.startswith("/") else None
