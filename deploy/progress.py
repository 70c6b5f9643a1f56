"""Says on the terminal what is happening and how far it is; plain lines where there is no terminal."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Self


class Step:
    """One piece of work with a name: `with Step("downloading") as step: step.at("3 of 60 packages")`.

    On a terminal one line is rewritten; elsewhere a line is written at the start and one at the end.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._started = time.monotonic()
        self._live = sys.stderr.isatty()
        self._detail = ""

    def __enter__(self) -> Self:
        self._write("..." if self._live else "...\n")
        return self

    def at(self, detail: str) -> None:
        """Shows how far the work is."""
        self._detail = detail
        if self._live:
            self._write(detail)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        seconds = f"{time.monotonic() - self._started:.1f} s"
        outcome = "stopped" if kind else "done"
        self._write(", ".join(filter(None, [self._detail, outcome, seconds])) + "\n")

    def _write(self, text: str) -> None:
        _write(f"yukitsuri: {self.name}: {text}", self._live)


def say(text: str) -> None:
    """Writes something for the person at the terminal."""
    write_line(f"yukitsuri: {text}")


def write_line(text: str) -> None:
    """Writes a line, over a step that is being shown if there is one."""
    _write(f"{text}\n", sys.stderr.isatty())


def _write(text: str, over: bool) -> None:
    with contextlib.suppress(OSError):  # the terminal was closed: the work goes on, or ends in good order
        sys.stderr.write(("\r\033[K" if over else "") + text)
        sys.stderr.flush()
