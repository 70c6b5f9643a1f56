"""The commands `adapters run|list|check`, `quarantine list|show|replay` and `demo`."""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import orjson

from adapters import examples
from adapters.backfill import Journal, Progress, backfill, bar
from adapters.codecs.table import text_of
from adapters.contract import DecodeError
from adapters.observations import NotImported, Observations
from adapters.privacy.opt_out import OptOut
from adapters.privacy.report import report
from adapters.privacy.store import PrivacyStore
from adapters.quarantine import Quarantine
from adapters.registry import BrokenAdapter, load, published
from adapters.replay import ReplayError, replay
from adapters.scaffold import next_steps, scaffold
from adapters.service import doors, serve, spare_the_collector, until_stopped
from adapters.settings import AdapterSettings
from adapters.sink import problem_of
from adapters.sources import NotPermitted, SourceError, bind, read
from adapters.surroundings import surroundings

Handler = Callable[[argparse.Namespace], int]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def register(subparsers: Subparsers) -> None:
    """Adds the commands of the adapters to the console script."""
    group = _group(subparsers, "adapters", "the city's sources")
    _command(group, "run", "run the declared sources until stopped", run_sources)
    _command(group, "list", "list the installed adapters and the declared sources", list_sources)
    _command(group, "check", "check the declaration of sources without running them", check_sources)
    past = _command(group, "backfill", "store files of the past through a source, resumed when repeated", fill_back)
    past.add_argument("source")
    past.add_argument("files", nargs="+", type=Path)
    past.add_argument(
        "--copy",
        action="store_true",
        help="take raw tracks into the restricted tenant's history by `yukitsuri import` (needs BROKER_DATABASE_URL)",
    )
    out = _command(group, "opt-out", "ids that are never read any further, whatever source they come from", opt_out)
    out.add_argument("what", choices=("add", "remove", "count"))
    out.add_argument("ids", nargs="*", help="MAC addresses or other identifiers; from standard input when left out")
    new = _command(group, "new", "write the folder of a new adapter", write_adapter)
    new.add_argument("name")
    new.add_argument("--folder", type=Path, default=Path(), help="where; the current folder when left out")
    tried = _command(
        group, "test", "decode the examples of an adapter and compare with what they expect", test_examples
    )
    tried.add_argument("name")
    tried.add_argument("--write", action="store_true", help="write expected.json anew; then look at what changed")
    telling = _command(group, "privacy", "tell every published count of persons with its k, as CSV", tell_privacy)
    telling.add_argument("source", nargs="?", help="only of this source")
    group = _group(subparsers, "quarantine", "messages that could not become entities")
    listing = _of_tenant(_command(group, "list", "list what was set aside, newest first", list_quarantine))
    listing.add_argument("--source", help="only of this source")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--offset", type=int, default=0)
    shown = _of_tenant(_command(group, "show", "show one record and its raw bytes", show_quarantine))
    shown.add_argument("id", type=int)
    again = _of_tenant(_command(group, "replay", "decode records again and store what they say", replay_quarantine))
    again.add_argument("id", type=int, nargs="+")
    _command(subparsers, "demo", "replay the recorded samples through the real transports", run_demo)


def run_sources(args: argparse.Namespace) -> int:
    settings = _start_logging()
    spare_the_collector()
    return _reported(lambda: asyncio.run(_until_stopped(serve(settings, read(settings), lambda: read(settings)))))


def list_sources(args: argparse.Namespace) -> int:
    for name in sorted(published()):
        print(f"adapter {name:14} {_about(name)}")
    return _reported(_list_declared)


def _about(name: str) -> str:
    try:
        adapter = load(name)
    except BrokenAdapter as error:
        return f"broken: {error}"
    return f"usually by {adapter.transport}{', personal' if adapter.personal else ''}"


def _list_declared() -> None:
    for each in read(AdapterSettings()):
        facts = {"tenant": each.tenant, "owner": each.owner, "licence": each.licence}
        told = ", ".join(f"{key} {value}" for key, value in facts.items() if value)
        print(f"source  {each.name:14} {each.adapter}{' (' + told + ')' if told else ''}")


def check_sources(args: argparse.Namespace) -> int:
    return _reported(_check)


def _check() -> None:
    settings = AdapterSettings()
    around, mistakes = surroundings(settings), []
    for declaration in read(settings):
        try:
            bind(declaration, around)
            print(f"ok      {declaration.name}")
        except NotPermitted as reason:
            print(f"silent  {declaration.name}: {reason}")
        except SourceError as error:
            mistakes.append(str(error))
    if mistakes:
        raise SourceError("\n".join(mistakes))


def fill_back(args: argparse.Namespace) -> int:
    settings = _start_logging()
    return _reported(lambda: asyncio.run(_fill_back(settings, args.source, args.files, args.copy)))


async def _fill_back(settings: AdapterSettings, name: str, files: list[Path], copy: bool) -> None:
    declared = {each.name: each for each in read(settings)}
    if name not in declared:
        raise SourceError(f"no source {name} is declared; there are: {', '.join(sorted(declared))}")
    source = bind(declared[name], surroundings(settings))
    if copy and not source.restricted_tenant:
        raise SourceError(f"source {name} has no restricted_tenant, whose history --copy is for")
    observations = Observations(source.restricted_tenant, settings.data / "copy" / name) if copy else None
    spare_the_collector()
    journal, begun = Journal(settings.data / "backfill" / f"{name}.json"), time.monotonic()

    def show(progress: Progress) -> None:
        print(f"\r{bar(progress, time.monotonic() - begun)}", end="", file=sys.stderr, flush=True)

    async with doors(settings) as broker:
        done = await backfill(source, replace(broker, batch=1000), files, journal, show, observations)
    seconds = time.monotonic() - begun
    print(f"\n{done.entities} entities stored, {done.set_aside} set aside, in {seconds:.1f} s", file=sys.stderr)


def test_examples(args: argparse.Namespace) -> int:
    return _reported(lambda: _test_examples(args.name, args.write))


def _test_examples(name: str, write: bool) -> None:
    adapter, failed = load(name), 0
    for folder in examples.folders(name):
        if write:
            examples.write(adapter, folder)
        differences = list(examples.check(adapter, folder))
        failed += bool(differences)
        print(f"{'differs' if differences else 'ok     '} {folder.name}", *differences, sep="\n    ")
    if failed:
        raise SourceError(f"examples of {name} that differ: {failed} (- expected, + found)")


def write_adapter(args: argparse.Namespace) -> int:
    return _reported(lambda: _write_adapter(args.name, args.folder))


def _write_adapter(name: str, folder: Path) -> None:
    try:
        for path in scaffold(name, folder):
            print(path)
    except ValueError as error:
        raise SourceError(str(error)) from error
    print(next_steps(name, folder))


def opt_out(args: argparse.Namespace) -> int:
    return _reported(lambda: _opt_out(OptOut(AdapterSettings().data), args.what, args.ids))


def _opt_out(listed: OptOut, what: str, ids: list[str]) -> None:
    if what != "count":
        # Not among the arguments, an identifier is in no history of the shell.
        told = ids or [line.strip() for line in sys.stdin if line.strip()]
        print(f"{what}: {listed.add(told) if what == 'add' else listed.remove(told)}")
    print(f"on the list: {len(listed)}")


def tell_privacy(args: argparse.Namespace) -> int:
    return _reported(lambda: _tell_privacy(args.source))


def _tell_privacy(only: str | None) -> None:
    store = PrivacyStore(AdapterSettings().data / "privacy.db")
    for source in [only] if only else store.sources():
        for line in report(store, source):
            print(line)


def list_quarantine(args: argparse.Namespace) -> int:
    return _reported(lambda: asyncio.run(_list_quarantine(args.source, args.limit, args.offset, args.tenant)))


async def _list_quarantine(source: str | None, limit: int, offset: int, tenant: str) -> None:
    async with httpx.AsyncClient() as client:
        for record in await _quarantine(client).list(source, limit, offset, tenant):
            mark = "replayed" if record.get("replayedAt") else record["metadata"].get("kind", "")
            times = f"x{record.get('times', 1)}"
            about = f"{times:>4}  {record['receivedAt']}  {record['source']:14} {mark:9} {record['reason']}"
            print(f"{record['id']:>6} {about}")


def show_quarantine(args: argparse.Namespace) -> int:
    return _reported(lambda: asyncio.run(_show_quarantine(args.id, args.tenant)))


def _quarantine(client: httpx.AsyncClient) -> Quarantine:
    return Quarantine(client, AdapterSettings().broker_url)


async def _show_quarantine(number: int, tenant: str) -> None:
    async with httpx.AsyncClient() as client:
        record = await _quarantine(client).show(number, tenant)
    raw: bytes = record.pop("raw")
    print(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
    print(f"raw, {len(raw)} bytes: {_readable(raw[:2000])}")


def _readable(raw: bytes) -> str:
    """As text where it is text, else as Python writes bytes."""
    with suppress(DecodeError, UnicodeDecodeError):
        text = text_of(raw)
        if all(each.isprintable() or each in "\r\n\t\u3000" for each in text):
            return f"\n{text}"
    return repr(raw)


def replay_quarantine(args: argparse.Namespace) -> int:
    return _reported(lambda: asyncio.run(replay(AdapterSettings(), args.id, print, args.tenant)))


def run_demo(args: argparse.Namespace) -> int:
    # Imported here: the other commands need none of the demo's parts.
    from adapters.demo.feed import feed

    settings = _start_logging()
    return _reported(lambda: asyncio.run(_until_stopped(feed(settings))))


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    await until_stopped(asyncio.create_task(work))


def _reported(work: Callable[[], None]) -> int:
    """Runs `work`; a mistake of the operator or an unreachable broker is one line, not a traceback."""
    code = 0
    try:
        work()
    except* (SourceError, NotImported, ReplayError, LookupError, OSError, httpx.HTTPError) as failures:
        for failure in failures.exceptions:
            print(f"yukitsuri: {_sentence(failure)}", file=sys.stderr)
        code = 1
    return code


def _sentence(failure: Exception) -> str:
    match failure:
        case httpx.HTTPStatusError():
            return f"the broker answered {problem_of(failure.response)}"
        case httpx.HTTPError():
            return f"the broker at {AdapterSettings().broker_url} (ADAPTERS_BROKER_URL) does not answer: {failure}"
        case OSError(filename=str(name), strerror=str(why)):
            return f"{name}: {why}"
        case _:
            return str(failure)


def _start_logging() -> AdapterSettings:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return AdapterSettings()


def _group(subparsers: Subparsers, name: str, about: str) -> Subparsers:
    parser = subparsers.add_parser(name, help=about, description=about)
    return parser.add_subparsers(required=True, metavar="command")


def _of_tenant(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--tenant", default="", help="of this tenant; the default one when left out")
    return parser


def _command(subparsers: Subparsers, name: str, about: str, handler: Handler) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=about, description=about)
    parser.set_defaults(handler=handler)
    return parser
