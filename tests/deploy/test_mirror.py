"""Where Debian packages come from, by apt's configuration in both of its formats."""

from pathlib import Path

import pytest

from deploy.errors import GroundError
from deploy.mirror import Source, deb822_sources, find_mirror, one_line_sources

DEB822 = """\
# written by the installer
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main
"""

ONE_LINE = """\
# deb http://old.example/debian stretch main
deb [arch=amd64 signed-by=/etc/apt/keyrings/debian.gpg] https://mirror.example/debian bookworm main contrib
deb-src https://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
"""


def test_deb822_gives_address_and_keyring() -> None:
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.pgp")
    assert list(deb822_sources(DEB822)) == [
        Source("http://mirror.example/debian", keyring),
        Source("http://mirror.example/debian-security"),
    ]


@pytest.mark.parametrize(
    "stanza",
    [
        "Types: deb-src\nURIs: http://m.example/debian\nSuites: trixie\n",
        "Enabled: no\nTypes: deb\nURIs: http://m.example/debian\nSuites: trixie\n",
        "",
    ],
)
def test_deb822_leaves_out_what_apt_leaves_out(stanza: str) -> None:
    assert list(deb822_sources(stanza)) == []


def test_deb822_with_the_key_itself_written_in_names_no_file() -> None:
    stanza = (
        "Types: deb\nURIs: http://m.example/debian\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB\n"
    )
    assert list(deb822_sources(stanza)) == [Source("http://m.example/debian")]


def test_one_line_gives_address_and_keyring() -> None:
    assert list(one_line_sources(ONE_LINE)) == [
        Source("https://mirror.example/debian", Path("/etc/apt/keyrings/debian.gpg")),
        Source("http://mirror.example/debian-security"),
    ]


def apt_folder(tmp_path: Path, text: str, name: str = "sources.list.d/debian.sources") -> Path:
    path = tmp_path / "apt" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return tmp_path / "apt"


def keyring(tmp_path: Path) -> Path:
    path = tmp_path / "keyring.gpg"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("uri", "security"),
    [
        ("http://mirror.example/debian", "http://mirror.example/debian-security"),
        ("mirror+file:/etc/apt/mirrors/debian.list", "mirror+file:/etc/apt/mirrors/debian-security.list"),
    ],
)
def test_the_machines_mirror_is_found(tmp_path: Path, uri: str, security: str) -> None:
    text = f"Types: deb\nURIs: {security}\n\nTypes: deb\nURIs: {uri}\nSigned-By: {keyring(tmp_path)}\n"
    mirror = find_mirror({}, apt_folder(tmp_path, text))
    assert (mirror.archive, mirror.security, mirror.keyring) == (uri, security, keyring(tmp_path))


def test_a_given_mirror_and_keyring_win(tmp_path: Path) -> None:
    given = {"DEB_MIRROR": "http://near.example/debian/", "DEB_KEYRING": str(keyring(tmp_path))}
    mirror = find_mirror(given, apt_folder(tmp_path, ONE_LINE, "sources.list"))
    assert (mirror.archive, mirror.security) == ("http://near.example/debian", None)


def test_ubuntu_is_told_what_to_set(tmp_path: Path) -> None:
    text = "Types: deb\nURIs: http://archive.ubuntu.example/ubuntu/\nSuites: noble\n"
    with pytest.raises(GroundError, match="DEB_MIRROR="):
        find_mirror({}, apt_folder(tmp_path, text))


def test_a_missing_keyring_is_told(tmp_path: Path) -> None:
    given = {"DEB_MIRROR": "http://near.example/debian", "DEB_KEYRING": str(tmp_path / "none.gpg")}
    with pytest.raises(GroundError, match="debian-archive-keyring"):
        find_mirror(given, tmp_path)
