"""How child processes are run: what they die with, and how they are asked to end."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO


def dying_with_parent(death: signal.Signals) -> list[str]:
    """Returns a command prefix: the child gets this signal when the thread that started it ends, even by kill -9."""
    return ["setpriv", "--pdeathsig", death.name.removeprefix("SIG"), "--"]


def run(
    command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path | None = None, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end with `text` as its input; its output is in the result, its exit code unchecked."""
    return subprocess.run(command, env=env, cwd=cwd, input=text, capture_output=True, text=True)  # noqa: S603


def spawn(command: Sequence[str | Path], output: BinaryIO) -> subprocess.Popen[bytes]:
    """Starts a command in a session of its own, so that Ctrl-C reaches only the one who started it."""
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", start_new_session=True
    )


def end(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Sends the signals in order, each with its seconds of patience, then kills."""
    for request, patience in steps:
        process.send_signal(request)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()
