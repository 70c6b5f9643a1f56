"""The supervisor with real child processes: restarts, order, signals, nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.errors import GroundError
from deploy.supervisor import Service, Supervisor

_SLEEPER = "import time; print('started', flush=True); time.sleep(60)"
_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def service(name: str, code: str, *arguments: str, **options: object) -> Service:
    return Service(name, lambda: python(code, *arguments), **options)  # type: ignore[arg-type]


async def until(condition, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is a file or a process, which wakes nobody
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ")[1][0] != "Z"
    except OSError:
        return False


async def test_a_crashed_child_is_started_again_after_a_second(tmp_path: Path) -> None:
    code = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(60)"
    pids = tmp_path / "pids"
    supervisor = Supervisor()

    def started() -> list[int]:
        return [int(pid) for pid in pids.read_text().split()] if pids.exists() else []

    await supervisor.start(service("child", code, str(pids)))
    await until(lambda: len(started()) == 1)
    began = time.monotonic()
    os.kill(started()[0], signal.SIGKILL)
    await until(lambda: len(started()) == 2)
    assert 0.9 < time.monotonic() - began < 4
    await supervisor.stop(asyncio.Event())
    assert not any(map(alive, started()))


async def test_start_waits_for_readiness(tmp_path: Path) -> None:
    flag = tmp_path / "ready"

    async def ready() -> bool:
        return flag.exists()

    supervisor = Supervisor()
    code = "import pathlib, sys, time; time.sleep(0.3); pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    await supervisor.start(service("slow", code, str(flag), ready=ready))
    assert flag.exists()
    await supervisor.stop(asyncio.Event())


async def test_a_child_that_never_starts_is_an_error_not_a_wait() -> None:
    async def never() -> bool:
        return False

    supervisor = Supervisor()
    with pytest.raises(GroundError, match="broken does not start"):
        await supervisor.start(service("broken", "raise SystemExit(3)", ready=never))
    await supervisor.stop(asyncio.Event())


async def test_work_that_is_done_is_not_started_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    supervisor = Supervisor()
    code = "import sys; open(sys.argv[1], 'a').write('x')"
    await supervisor.start(service("demo", code, str(runs), once=True))
    await asyncio.sleep(1.5)
    assert runs.read_text() == "x"
    await supervisor.stop(asyncio.Event())


async def test_children_are_stopped_last_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        "def end(*_): open(sys.argv[1], 'a').write(sys.argv[2]); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); open(sys.argv[3], 'w'); time.sleep(60)"
    )
    supervisor = Supervisor()
    for name in "abc":
        flag = tmp_path / name
        await supervisor.start(service(name, code, str(order), name, str(flag)))
        await until(flag.exists)
    await supervisor.stop(asyncio.Event())
    assert order.read_text() == "cba"


async def test_a_second_signal_ends_the_patience(capfd: pytest.CaptureFixture[str]) -> None:
    supervisor, hurry = Supervisor(), asyncio.Event()
    heard = ""
    await supervisor.start(service("deaf", _DEAF, patience=60.0))
    while "deaf | deaf" not in heard:
        await asyncio.sleep(0.05)
        heard += capfd.readouterr().err
    began = time.monotonic()
    asyncio.get_running_loop().call_later(0.3, hurry.set)
    await supervisor.stop(hurry)
    assert time.monotonic() - began < 3


async def test_lines_of_any_length_are_passed_on_with_the_name(capfd: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor()
    await supervisor.run_once(service("talker", "print('雪'); print('x' * 300_000); print('end', end='')"))
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(" | ")[0].strip() for line in lines] == ["talker"] * 3
    assert [len(line.split(" | ")[1]) for line in lines] == [1, 300_000, 3]


async def test_a_failed_step_names_its_exit_code() -> None:
    with pytest.raises(GroundError, match="migrate failed with exit code 7"):
        await Supervisor().run_once(service("migrate", "raise SystemExit(7)"))


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_a_killed_parent(tmp_path: Path, end: signal.Signals) -> None:
    code = (
        "import asyncio, sys\n"
        "from deploy.supervisor import Service, Supervisor\n"
        "async def main():\n"
        "    code = \"import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)\"\n"
        "    await Supervisor().start(Service('child', lambda: [sys.executable, '-c', code, sys.argv[1]]))\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    note = tmp_path / "pid"
    parent = subprocess.Popen(python(code, str(note)))
    deadline = time.monotonic() + 10
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(note.read_text())
    parent.send_signal(end)
    parent.wait(10)
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


async def test_an_error_in_preparing_the_first_start_is_told_at_once() -> None:
    def no_command() -> list[str]:
        raise GroundError("no such server")

    supervisor = Supervisor()
    with pytest.raises(GroundError, match="no such server"):
        await supervisor.start(Service("server", no_command))
    await supervisor.stop(asyncio.Event())


async def test_an_error_in_preparing_a_restart_is_tried_again(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = "import sys, time; open(sys.argv[1], 'a').write('x'); time.sleep(0.3); sys.exit(1)"

    def command() -> list[str]:
        tries.append(1)
        if len(tries) == 2:
            raise GroundError("disk full")
        return python(code, str(starts))

    tries: list[int] = []
    supervisor = Supervisor()
    await supervisor.start(Service("server", command))
    await until(lambda: starts.exists() and starts.read_text() == "xx")
    await supervisor.stop(asyncio.Event())
