"""PostgreSQL refuses to run as root: how a command runs as somebody else who still reaches root's folders.

As an ordinary user nothing is to be done. As root there are two ways, tried in this order:
a user namespace where root's files belong to an ordinary account (nothing is chowned); and, where namespaces
are forbidden as in many containers, that account with the one capability that lets it reach folders under a
closed home.
"""

import functools
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import GroundError
from deploy.process import run

_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A command prefix, and the user id that the server's own files must have on disk."""

    prefix: tuple[str, ...]
    owner: int


@functools.cache
def server_account() -> Account:
    """Returns how servers are run on this machine. Raises GroundError when root cannot become anybody else."""
    if os.geteuid() != 0:
        return Account((), os.geteuid())
    for account in root_ways():
        if run([*account.prefix, "true"]).returncode == 0:
            return account
    raise GroundError("PostgreSQL does not run as root and this root may not change its user: run make as a user")


def root_ways() -> tuple[Account, Account]:
    """Returns the two ways in which root becomes somebody else, the better one first. Raises GroundError."""
    entry = _entry()
    ids = (entry.pw_uid, entry.pw_gid)
    namespace = Account(("unshare", "--user", f"--map-user={ids[0]}", f"--map-group={ids[1]}", "--"), 0)
    # the secure bit lets access(2), with which PostgreSQL looks for its own program, see the capability
    caps = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--securebits=+no_setuid_fixup")
    drop = Account(("setpriv", f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups", *caps, "--"), ids[0])
    return namespace, drop


def give(folder: Path, owner: int) -> None:
    """Makes a folder and all in it belong to `owner`; nothing is touched when its top does already."""
    if os.geteuid() != 0 or folder.stat().st_uid == owner:
        return
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.lchown(os.path.join(parent, name), owner, -1)
    os.chown(folder, owner, -1)  # last: an interrupted walk is done again


def _entry() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise GroundError(f"PostgreSQL does not run as root and none of these users exists: {', '.join(_ACCOUNTS)}")
