"""Serves subscriptions from the log: one process leads, the others stand by.

    log --head--> index --match--> outbox of each live subscriber --> its endpoint
     \\--behind--> the same, at its own pace, for a subscriber that is new, slow or was dead

The head never waits for an endpoint. What is saved, and how often, only decides how much is sent twice after a crash.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from broker.contexts import Contexts, served
from broker.log.reader import WINDOW, Reader
from broker.settings import Settings
from broker.store import dispatch, log
from broker.store.db import Database
from broker.store.dispatch import LOST, Leader, Letter
from broker.subscriptions.delivery import Post
from broker.subscriptions.house import Patience
from broker.subscriptions.index import Index, types_of
from broker.subscriptions.interval import tick
from broker.subscriptions.linked import learn, parts
from broker.subscriptions.message import Channel, Message, NotTaken, via
from broker.subscriptions.outbox import Counts, Item
from broker.subscriptions.subscriber import FULL, TOLD, Subscriber, Told, state, subscriber
from ngsi.entity import Entity
from ngsi.errors import NgsiLdError
from ngsi.event import Event
from ngsi.notification import Form
from ngsi.subscription import read

_log = logging.getLogger("broker.subscriptions")

_SAVE_EVERY: Final = 0.1  # seconds
_LOOK_EVERY: Final = 1.0  # the safety net under pg_notify
_PATIENT: Final = 20  # looks at a log that holds nothing of interest, before they become fewer:
_REST: Final = 0.01  # at least so long between two of them
_READERS: Final = 4  # subscribers that read behind the head at a time
_MARK_EVERY: Final = 256  # notifications between two marks, the places where a replay can begin
_UPKEEP_EVERY: Final = 600.0


class Dispatcher:
    """Runs as a task of the broker; takes over when the leading process ends."""

    def __init__(self, settings: Settings, database: Database, contexts: Contexts, alias: str) -> None:
        self._settings = settings
        self._alias = alias
        self._database = database
        self._contexts = contexts
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                leader = await Leader.elect(self._settings.database_url)
                if leader is not None:
                    await _Term(leader, self._settings, self._database, self._contexts, self._alias).serve()
            except LOST:
                pass
            except Exception:
                _log.exception("the dispatcher failed and begins again")
            await asyncio.sleep(_LOOK_EVERY / 2)


class _Term:
    """One time of leading."""

    def __init__(self, leader: Leader, settings: Settings, database: Database, contexts: Contexts, alias: str) -> None:
        self.patience = Patience(
            settings.notification_retry,
            settings.notification_retry_longest,
            settings.notification_give_up,
            settings.notification_attempts,
        )
        self._leader = leader
        self._settings = settings
        self._database = database
        self._contexts = contexts
        self.alias = alias
        self._post = Post(settings)
        self._index: Index[Subscriber] = Index()
        self._head = Reader(database, 0, self._index.types)
        self._subscribers: dict[int, Subscriber] = {}
        self._changed: set[Subscriber] = set()
        self._letters: list[Letter] = []
        self._marked: dict[int, int] = {}
        self._reload: set[int] = set()
        self._woken = asyncio.Event()
        self._behind = asyncio.Semaphore(_READERS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._saved_head = self._oldest = 0
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Until cancelled; raises LOST when leadership is gone."""
        try:
            await self._leader.listen({"log": self._wake, "subscription": self._told, "redrive": self._redriven})
            self._head.position = self._saved_head = await self._leader.position()
            self._oldest = await log.oldest(self._database)
            self._admit(await dispatch.load(self._database))
            for no in self._subscribers:
                self._begin(self._redrive(no))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._keep_saving())
                group.create_task(self._keep_up())
                group.create_task(self._watch())
        except* LOST as lost:
            _log.warning(
                "the database is away (%s); notifications go on when it is back", type(lost.exceptions[0]).__name__
            )
        finally:
            await self._end()

    async def _end(self) -> None:
        for one in self._subscribers.values():
            one.close()
        for task in list(self._tasks):
            task.cancel()
        with suppress(*LOST):
            await self._save()
        await self._leader.close()
        await self._post.close()

    # -- what the log says

    def _wake(self, _: str) -> None:
        self._woken.set()

    async def _follow(self) -> None:
        unheard = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._woken.wait()
            self._woken.clear()
            if self._reload:
                numbers, self._reload = self._reload, set()
                await self._renew(numbers)
            heard = await self._pass_on() if self._subscribers else 0
            unheard = 0 if heard else unheard + 1
            if unheard > _PATIENT:
                await asyncio.sleep(_REST)

    async def _pass_on(self) -> int:
        """Tell the live subscribers what is new in the log; how often one of them heard something."""
        heard = 0
        while not self._reload:
            events = await self._head.window()
            for event in events:
                for one in self._index.candidates(event):
                    if not one.live or event.seq <= one.outbox.read:
                        continue
                    if one.matches.links:
                        heard += self._leave(one, event)
                    elif one.hears(event):
                        one.take(event)
                        one.live = one.live and not one.full
                        heard += 1
            if len(events) < WINDOW:
                break
        return heard

    def _leave(self, one: Subscriber, event: Event) -> bool:
        """To answer what is asked of linked entities takes the database: the subscriber goes on alone from `event`."""
        if not one.concerns(event):
            return False
        one.outbox.caught_up(event.seq - 1)
        one.live = False
        self.hungry(one)
        return True

    async def _catch_up(self, one: Subscriber) -> None:
        """Read behind the head until it is reached, or there is enough in memory."""
        try:
            async with self._behind:
                await self._read_behind(one)
        finally:
            one.reading = False

    async def _read_behind(self, one: Subscriber) -> None:
        types = types_of(one.subscription)
        one.find(await log.oldest(self._database))
        reader = Reader(self._database, one.outbox.read, lambda: types, one.tenant, FULL // 2)
        while not (one.closed or one.satisfied):
            reader.position = began = one.outbox.read
            if began >= self._head.position:
                one.live = True
                return
            events = await reader.window(self._head.position)
            if one.outbox.read != began:
                continue  # it let go of what it had, meanwhile: these events are not the next ones any more
            for event in events:
                if one.matches.links and one.concerns(event):
                    await learn(self._database.lookups, one.tenant, one.matches, event.entity, event.earlier)
                    if one.outbox.read != began:
                        break
                if one.hears(event):
                    one.take(event)
                    began = one.outbox.read
                    if one.closed or one.satisfied:
                        return
            else:
                one.caught_up(reader.position)

    # -- which subscriptions there are

    def _told(self, number: str) -> None:
        self._reload.add(int(number))
        self._woken.set()

    async def _renew(self, numbers: set[int]) -> None:
        """Take subscriptions from the database once more: they are new, changed or gone."""
        for no in numbers:
            old = self._subscribers.pop(no, None)
            if old is not None:
                old.close()
                self._index.remove(old)
                self._changed.add(old)
        await self._save()  # the new one goes on where the old one was
        self._oldest = await log.oldest(self._database)
        self._admit(await dispatch.load(self._database, list(numbers)))

    def _admit(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            try:
                one = self._subscriber(row)
            except Exception:  # one that cannot be served must not keep the others from being served
                _log.exception("subscription %s cannot be served", row["no"])
            else:
                if one is not None:
                    self._welcome(one)

    def _subscriber(self, row: dict[str, Any]) -> Subscriber | None:
        """A subscription as it was left; None when it is paused or expired."""
        found = read(row["document"])
        if not found.is_active or found.expired(datetime.now(UTC)):
            return None
        position = max(row["position"], row["active_from"], 0 if row["behind"] else self._saved_head)
        settled = row["delivered"] + row["dead"] + row["coalesced"]
        counts = Counts(settled, row["delivered"], row["dead"], row["coalesced"])
        told = Told(*(row[name] for name in TOLD))
        self._marked[row["no"]] = row["sequence"] if row["marked"] else -1
        return subscriber(row, found, self, position, counts, told)

    def _welcome(self, one: Subscriber) -> None:
        position = one.outbox.position
        if not self._subscribers:
            self._head.position = max(self._head.position, position)
        self._subscribers[one.no] = one
        self._changed.add(one)
        if one.subscription.time_interval is not None:
            self._begin(tick(self._database, one, datetime.now(UTC)))
            return
        one.find(self._oldest)
        self._index.add(one)
        one.live = position >= self._head.position
        if one.live:
            one.caught_up(position)
        else:
            self.hungry(one)

    # -- what subscribers need

    def changed(self, one: Subscriber) -> None:
        self._changed.add(one)

    def hungry(self, one: Subscriber) -> None:
        periodic = one.subscription.time_interval is not None  # it is told what is, not what changed
        if not (one.reading or one.live or one.closed or periodic):
            one.reading = True
            self._begin(self._catch_up(one))

    def bury(self, letter: Letter) -> None:
        self._letters.append(letter)

    async def remember(self, one: Subscriber, item: Item) -> None:
        await self._leader.save([], [(one.no, item.sequence, item.position)], [], None)

    async def tools(self, one: Subscriber) -> tuple[Form, Channel]:
        """How to write and where to send. Raises NotTaken when the @context cannot be had."""
        source = one.subscription.jsonld_context or one.context
        try:
            context = await self._contexts.load(source, one.tenant_name)
            url = await self._contexts.link_url(context, one.tenant_name)
        except NgsiLdError as error:
            raise NotTaken(f"no notification can be made: {error.detail}") from None
        form = Form(one.subscription, context, served(context))
        return form, self._post.channel(one.subscription, one.tenant_name, url)

    async def joined(self, one: Subscriber, form: Form, subjects: Sequence[Event | Entity]) -> Iterable[bytes]:
        return await parts(self._database.lookups, one.tenant, one.subscription.notification, form, subjects)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.finished(task)

    def finished(self, task: asyncio.Task[None]) -> None:
        """Work that ends by an error leaves something undone: the term ends, and the next one does it."""
        if not task.cancelled() and task.exception() is not None and not self._broken.done():
            self._broken.set_exception(task.exception() or RuntimeError())

    async def _watch(self) -> None:
        await self._broken

    # -- what is kept

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY)
            await self._save()

    async def _save(self) -> None:
        head = self._head.position
        if not (self._changed or self._letters or head > self._saved_head):
            return
        changed, self._changed = self._changed, set()
        letters, self._letters = self._letters, []
        states = [state(one, head) for one in changed]
        marks = [mark for one in changed if (mark := self._mark(one)) is not None]
        try:
            await self._leader.save(states, marks, letters, head if head > self._saved_head else None)
        except BaseException:  # cut off by the end of the term, too: its last save must know all that this one knew
            self._changed |= changed
            self._letters = letters + self._letters
            self._marked |= dict.fromkeys((no for no, *_ in marks), -1)
            raise
        self._saved_head = head

    def _mark(self, one: Subscriber) -> tuple[int, int, int] | None:
        if one.subscription.throttling is not None and self._marked[one.no] >= 0:
            return None  # each of its notifications has a mark of its own
        if self._marked[one.no] >= 0 and one.outbox.sequence - self._marked[one.no] < _MARK_EVERY:
            return None
        self._marked[one.no] = one.outbox.sequence
        return one.no, one.outbox.sequence, one.outbox.position

    async def _keep_up(self) -> None:
        """Let go of subscriptions that expired, and of places in the log that are no more."""
        due = 0.0
        loop = asyncio.get_running_loop()
        while True:
            now = datetime.now(UTC)
            for one in list(self._subscribers.values()):
                if one.subscription.expired(now):
                    self._reload.add(one.no)
            if loop.time() >= due:
                due = loop.time() + _UPKEEP_EVERY
                await self._leader.forget()
            await asyncio.sleep(_LOOK_EVERY)

    # -- dead letters

    def _redriven(self, number: str) -> None:
        self._begin(self._redrive(int(number)))

    async def _redrive(self, no: int) -> None:
        while (one := self._subscribers.get(no)) and (letters := await self._leader.wanted_again([no])):
            for letter in letters:
                await self._send_again(one, letter)

    async def _send_again(self, one: Subscriber, letter: Letter) -> None:
        try:
            _, channel = await one.tools()
            if not letter.body:
                raise NotTaken("there is no payload to send: none could be made")
            await channel.send(Message(letter.id, letter.sequence, letter.body, via((), self.alias)))
        except NotTaken as error:
            await self._leader.leave(letter, error.reason)
            return
        one.outbox.counts.dead -= letter.changes
        one.outbox.counts.delivered += letter.changes
        await self._leader.unbury([letter], [state(one, self._head.position)])
