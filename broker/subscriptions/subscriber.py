"""One subscription being served: what it still has to be told, how its endpoint fares, when to try again."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from broker.store.db import FAILURES
from broker.store.dispatch import Letter
from broker.subscriptions.house import House
from broker.subscriptions.message import Channel, Message, NotTaken, via
from broker.subscriptions.outbox import Counts, Item, Outbox
from ngsi import times
from ngsi.entity import Entity
from ngsi.event import Event
from ngsi.matching import Matcher, matcher
from ngsi.notification import Form
from ngsi.subscription import Subscription

_log = logging.getLogger("broker.subscriptions")

DOWN: Final = 3  # failures in a row after which an endpoint is taken for dead and only probed
_REFUSALS: Final = 10  # an endpoint that says "never" is not asked for a day
_AT_ONCE: Final = 8  # requests under way to one endpoint
_RETRIED: Final = 64  # notifications that wait for another attempt while later ones overtake them
FULL: Final = 512  # notifications in memory for one subscription; the rest waits in the log


@dataclass(slots=True)
class Told:
    """Members of 5.2.14.2."""

    times_sent: int = 0
    times_failed: int = 0
    status: str | None = None
    failure: str | None = None
    last_notification: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None


@dataclass(slots=True, eq=False)
class Subscriber:
    """`live`: it is fed from the head of the log; otherwise it reads behind it at its own pace."""

    no: int
    tenant: int
    tenant_name: str
    subscription: Subscription
    context: Any
    house: House
    outbox: Outbox
    told: Told
    matches: Matcher
    until: int = 0
    live: bool = False
    reading: bool = False
    closed: bool = False
    _failures: int = 0
    _blocked: float = 0.0
    _active: int = 0
    _retrying: int = 0
    _tools: "tuple[Form, Channel] | None" = None
    _tasks: "set[asyncio.Task[None]] | None" = None
    _timer: asyncio.TimerHandle | None = None
    _next: float = 0.0

    # -- changes come in

    def hears(self, event: Event) -> bool:
        """Whether the subscription is to be told of the event."""
        return self._asked(self.matches, event)

    def concerns(self, event: Event) -> bool:
        """Whether only the filters are left to ask: before linked entities are looked up for them."""
        return self._asked(self.matches.concerns, event)

    def _asked(self, matches: Callable[[Event], bool], event: Event) -> bool:
        try:
            return matches(event)
        except Exception:  # its neighbours have a right to the event all the same
            _log.exception("subscription %s: event %s could not be matched", self.subscription.id, event.seq)
            return False

    def take(self, event: Event) -> None:
        """A change that matches."""
        if self.subscription.throttling is None:
            self.outbox.take(event)
            self.pump()
        else:
            if self.until and event.seq > self.until:
                self._form(remembered=True)
            self.outbox.hold(event)
            self._wake_at(0.0)  # once the others that were written with it have been taken in
        self.house.changed(self)

    def tell(self, found: Sequence[Entity]) -> None:
        """What matches at the moment: a periodic notification."""
        self.outbox.renew(found)
        self.house.changed(self)
        self.pump()

    def find(self, oldest: int) -> None:
        """The log begins at `oldest` by now: if that is after what is still to be told, say so and go on from there."""
        if self.outbox.read + 1 >= oldest:
            return
        self.told.failure = f"changes {self.outbox.read + 1} to {oldest - 1} had left the log (BROKER_LOG_DAYS)"
        _log.warning("subscription %s: %s before it was told of them", self.subscription.id, self.told.failure)
        self.outbox.caught_up(oldest - 1)
        self.house.changed(self)

    def caught_up(self, position: int) -> None:
        """Everything up to `position` has been taken in."""
        if self.until and position >= self.until:
            self._form(remembered=True)
        self.outbox.caught_up(position)
        self.house.changed(self)
        self.pump()

    @property
    def full(self) -> bool:
        return len(self.outbox) >= FULL

    @property
    def satisfied(self) -> bool:
        """Whether there is enough in memory; a dead endpoint gets one notification at a time."""
        return self.full or (self.is_down and len(self.outbox) > 0)

    @property
    def is_down(self) -> bool:
        return self._failures >= DOWN

    # -- notifications go out

    def pump(self) -> None:
        """Begin what may be begun."""
        if self.closed:
            return
        if self.outbox.held:
            self._form_when_due()
        ready, loop = self.outbox.ready, asyncio.get_running_loop()
        at_once = _AT_ONCE if self.subscription.throttling is None else 1
        while ready and self._active < at_once and self._retrying < _RETRIED and loop.time() >= self._blocked:
            self._active += 1
            self._begin(self._serve(ready.popleft()))
        if ready and not self._active and not self._retrying:
            self._wake_at(self._blocked)

    def _begin(self, work: Any) -> None:
        if self._tasks is None:
            self._tasks = set()
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self._tasks is not None:
            self._tasks.discard(task)
        self.house.finished(task)

    def _wake_at(self, moment: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(moment, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self.pump()

    def _form_when_due(self) -> None:
        """Throttling (5.2.12): the first change at once, then one notification per period with the last states."""
        if self.outbox.ready or self._active or self._retrying or self.until:
            return  # one at a time; what comes meanwhile is told with the next one
        loop = asyncio.get_running_loop()
        if not self._next:
            self._next = loop.time() + self._left()
        if loop.time() < self._next:
            self._wake_at(self._next)
        else:
            self._form()

    def _left(self) -> float:
        """Seconds of the period that began before this process did; a clock that was set never makes it longer."""
        throttling, last = self.subscription.throttling or 0.0, self.told.last_notification
        if last is None:
            return 0.0
        return min(throttling, max(0.0, throttling - (datetime.now(UTC) - last).total_seconds()))

    def _form(self, *, remembered: bool = False) -> None:
        self.until = 0
        item = self.outbox.form()
        if item is not None:
            item.remembered = remembered
            self._next = asyncio.get_running_loop().time() + (self.subscription.throttling or 0.0)

    async def _serve(self, item: Item) -> None:
        """One notification until it is taken, or given up."""
        try:
            if not item.remembered and self.subscription.throttling is not None:
                await self.house.remember(self, item)  # which changes it tells of must survive a crash
            while not await self._attempt(item):
                self._active -= 1
                self._retrying += 1
                self.pump()
                try:
                    await self._turn(item)
                finally:
                    self._retrying -= 1
                    self._active += 1
        finally:
            self._active -= 1
        self._after(item)

    def _after(self, item: Item) -> None:
        self.house.changed(self)
        if not self.live and len(self.outbox) < FULL // 2:
            self.house.hungry(self)
        self.pump()

    async def _attempt(self, item: Item) -> bool:
        """Whether the notification is settled now."""
        item.attempts += 1
        try:
            form, channel = await self.tools()
            if not item.body:
                await self._write(item, form)
        except (NotTaken, *FAILURES) as error:
            return self._failed(item, error if isinstance(error, NotTaken) else _broken(error))
        except Exception as error:
            _log.exception("subscription %s: notification %s could not be made", self.subscription.id, item.sequence)
            return self._unmade(item, _broken(error))
        try:
            await channel.send(Message(item.id, item.sequence, item.body, via(item.events, self.house.alias)))
        except NotTaken as error:
            return self._failed(item, error)
        except Exception as error:
            _log.exception("subscription %s: notification %s could not be sent", self.subscription.id, item.sequence)
            return self._failed(item, _broken(error))
        self._succeeded()
        self.outbox.settle(item, "delivered")
        return True

    async def tools(self) -> tuple[Form, Channel]:
        if self._tools is None:
            self._tools = await self.house.tools(self)
        return self._tools

    async def _write(self, item: Item, form: Form) -> None:
        """Give the notification its identity and its payload; made again, they are the same but for the time."""
        item.id = notification_id(self.no, item.position if item.events else -item.sequence)
        item.notified_at = times.text(datetime.now(UTC))
        subjects: Sequence[Event | Entity] = item.events or item.entities
        if self.subscription.notification.join is not None:
            parts: Iterable[bytes] = await self.house.joined(self, form, subjects)
        else:
            parts = map(form.part, item.events) if item.events else map(form.entity, item.entities)
        item.body = form.body(item.id, item.notified_at, parts)

    def _succeeded(self) -> None:
        told = self.told
        told.times_sent += 1
        told.status, told.failure = "ok", None
        told.last_notification = told.last_success = datetime.now(UTC)
        if self._failures:
            self._failures, self._blocked = 0, 0.0
            if self.live is False:
                self.house.hungry(self)

    def _failed(self, item: Item, error: NotTaken) -> bool:
        told, loop = self.told, asyncio.get_running_loop()
        told.times_sent += 1
        told.times_failed += 1
        told.status, told.failure = "failed", error.reason
        told.last_notification = told.last_failure = datetime.now(UTC)
        self._failures += 1
        cooldown = self.subscription.notification.endpoint.cooldown or 0.0
        patience = self.house.patience
        self._blocked = loop.time() + max(patience.wait(self._failures), cooldown, error.wait)
        item.due = loop.time() + max(patience.wait(item.attempts), cooldown, error.wait)
        if self._gives_up(item, error):
            self._bury(item, error)
            return True
        if self._failures == DOWN:
            self.outbox.let_go()
            self.live = False
        self.house.changed(self)
        return False

    def _unmade(self, item: Item, error: NotTaken) -> bool:
        """It cannot be made, now or later, which is not its endpoint's fault: the next ones have their turn."""
        self.told.status, self.told.failure, self.told.last_failure = "failed", error.reason, datetime.now(UTC)
        self._bury(item, error)
        return True

    def _bury(self, item: Item, error: NotTaken) -> None:
        self.house.bury(self._letter(item, error.reason))
        self.outbox.settle(item, "dead")

    def _gives_up(self, item: Item, error: NotTaken) -> bool:
        patience = self.house.patience
        if error.refused and item.attempts >= _REFUSALS:
            return True
        if patience.attempts and item.attempts >= patience.attempts:
            return True
        if max(item.attempts, self._failures) < _REFUSALS or not item.events:
            return False  # a clock that was set makes a change look old, but nobody fail ten times
        return (datetime.now(UTC) - item.events[-1].at).total_seconds() > patience.give_up

    def _letter(self, item: Item, reason: str) -> Letter:
        return Letter(self.no, item.sequence, item.id, item.position, item.changes, item.attempts, reason, item.body)

    async def _turn(self, item: Item) -> None:
        """Wait until another attempt makes sense. Of those that a dead endpoint did not take only the oldest probes."""
        loop = asyncio.get_running_loop()
        while True:
            wait = max(item.due, self._blocked) - loop.time()
            if wait <= 0 and self.is_down and item is not self.outbox.tried:
                wait = 0.5
            if wait <= 0:
                return
            await asyncio.sleep(min(wait, 1.0))

    def close(self) -> None:
        """Stop at once; what was under way may have arrived or not."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks or ()):
            task.cancel()


def _broken(error: BaseException) -> NotTaken:
    return NotTaken(f"internal error: {type(error).__name__}")


def notification_id(no: int, position: int) -> str:
    """The id of a subscription's notification of the change at `position`: the same whenever it is made."""
    digest = hashlib.blake2b(b"%d.%d" % (no, position), digest_size=16).hexdigest()
    return f"urn:ngsi-ld:Notification:{digest}"


def subscriber(
    row: dict[str, Any], subscription: Subscription, house: House, position: int, counts: Counts, told: Told
) -> Subscriber:
    """A subscription as it was left, on from `position` of the log."""
    outbox = Outbox(position, row["sequence"], counts)
    return Subscriber(
        row["no"],
        row["tenant"],
        row["tenant_name"],
        subscription,
        row["context"],
        house,
        outbox,
        told,
        matcher(subscription),
        until=row["until"] or 0 if subscription.throttling is not None else 0,
    )


TOLD: Final = (
    "times_sent",
    "times_failed",
    "status",
    "failure",
    "last_notification",
    "last_success",
    "last_failure",
)


def state(one: Subscriber, head: int) -> tuple[Any, ...]:
    """The row of subscription_state, given that the head of the log was read up to `head`."""
    outbox, told, counts = one.outbox, one.told, one.outbox.counts
    settled = one.live and not len(outbox)
    return (
        one.no,
        max(outbox.position, head) if settled else outbox.position,
        not settled,
        outbox.sequence,
        counts.matched,
        counts.delivered,
        outbox.pending,
        counts.dead,
        counts.coalesced,
        *(getattr(told, name) for name in TOLD),
    )
