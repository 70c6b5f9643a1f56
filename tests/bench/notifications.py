"""Speed of notifications: fan-out, latency, many subscriptions, idle ones, a backlog.

python -m tests.bench.notifications            on an embedded server in data/bench
"""

import asyncio
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import uvloop

from broker.guard import Guard
from broker.store import migrate
from broker.subscriptions.wire import Wire
from deploy.ports import next_free
from deploy.postgres import EmbeddedPostgres
from ngsi.endpoint import address

_V1 = "/ngsi-ld/v1"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH = b"content-length:"
_SENT = b'"sentAt":{"type":"Property","value":'


class _Sink(asyncio.Protocol):
    """Counts requests, and notes how long ago the value `sentAt` in them was."""

    shared: Any
    late: Any

    def __init__(self) -> None:
        self._held = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while True:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._held[:end].lower()
            at = head.index(_LENGTH) + len(_LENGTH)
            size = int(head[at:].split(b"\r\n", 1)[0])
            if len(self._held) < end + 4 + size:
                return
            body, self._held = self._held[end + 4 : end + 4 + size], self._held[end + 4 + size :]
            place = self.shared.value
            found = body.find(_SENT)
            if found >= 0 and place < len(self.late):
                sent = float(body[found + len(_SENT) :].split(b"}", 1)[0])
                self.late[place] = time.monotonic() - sent
            self.shared.value = place + 1
            self._transport.write(_OK)


def _sink(port: int, count: Any, late: Any) -> None:
    _Sink.shared, _Sink.late = count, late

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", port, backlog=1000)
        await server.serve_forever()

    uvloop.run(serve())


class Bench:
    """One broker on one database, one sink process."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.port = next_free(12026)
        self.sink_port = next_free(13026)
        self.count = multiprocessing.Value("q", 0, lock=False)
        self.late = multiprocessing.Array("d", 200_000, lock=False)
        self._sink = multiprocessing.Process(target=_sink, args=(self.sink_port, self.count, self.late), daemon=True)

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[httpx.AsyncClient]:
        environment = {
            **os.environ,
            "BROKER_DATABASE_URL": self.dsn,
            "BROKER_PORT": str(self.port),
            "BROKER_REMOTE_ALLOW": "127.0.0.0/8",
            "BROKER_LOG_LEVEL": "error",
        }
        program = [sys.executable, "-m", "deploy.cli", "serve"]
        process = await asyncio.create_subprocess_exec(*program, env=environment)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=120) as client:
                for _ in range(600):
                    try:
                        if (await client.get("/ready")).status_code == 200:
                            break
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(0.1)
                self.pid = process.pid
                yield client
        finally:
            process.terminate()
            await process.wait()

    async def clean(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(
            "truncate subscription, subscription_state, notification_mark, dead_letter, entity, log"
        )
        await connection.execute(
            "update dispatch set position = (select case when is_called then last_value else 0 end from log_seq_seq)"
        )
        await connection.close()
        self.count.value = 0

    async def subscribe(self, client: httpx.AsyncClient, count: int, kind: str, begin: int = 0) -> None:
        for number in range(begin, begin + count):
            body = {
                "id": f"urn:ngsi-ld:Subscription:{number}",
                "type": "Subscription",
                "entities": [{"type": kind.format(number)}],
                "notification": {"endpoint": {"uri": f"http://127.0.0.1:{self.sink_port}/{number}"}},
            }
            answer = await client.post(f"{_V1}/subscriptions", json=body)
            assert answer.status_code == 201, answer.text

    async def many(self, count: int, kind: str) -> None:
        """Subscriptions straight into the tables: what is measured is not their creation."""
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(
            """
            with made as (
                insert into subscription (tenant, id, document, active_from, created_at, modified_at)
                select t.no, 'urn:ngsi-ld:Subscription:m' || n,
                       jsonb_build_object('id', 'urn:ngsi-ld:Subscription:m' || n, 'type', 'Subscription',
                                          'entities', jsonb_build_array(jsonb_build_object('type', $2::text || n)),
                                          'q', 'a>' || n,
                                          '@terms', jsonb_build_object('a', $4::text),
                                          'notification',
                                          jsonb_build_object('endpoint', jsonb_build_object('uri', $3::text))),
                       (select coalesce(max(seq), 0) from log), now(), now()
                from generate_series(1, $1::integer) as n, tenant t where t.name = ''
                returning no, active_from
            )
            insert into subscription_state (subscription, position, behind) select no, active_from, false from made
            """,
            count,
            "https://uri.etsi.org/ngsi-ld/default-context/" + kind,
            f"http://127.0.0.1:{self.sink_port}/many",
            "https://uri.etsi.org/ngsi-ld/default-context/a",
        )
        await connection.close()

    async def come(self, count: int, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while self.count.value < count:
            assert time.monotonic() < end, f"{self.count.value} of {count} came"
            await asyncio.sleep(0.005)

    # -- what is measured

    async def fan_out(self) -> str:
        await self.clean()
        async with self.broker() as client:
            await self.subscribe(client, 100, "Room")
            await asyncio.sleep(2)
            rates, spent = [], _cpu(self.pid)
            for turn in range(3):
                begun, first = time.perf_counter(), self.count.value
                for batch in range(4):
                    await self._upsert(client, 50, turn * 10 + batch)
                await self.come(first + 20_000)
                rates.append(20_000 / (time.perf_counter() - begun))
            cost = (_cpu(self.pid) - spent) / 60_000 * 1e6
            return (
                f"100 subscriptions match each update: {statistics.median(rates):,.0f} notifications/s, "
                f"{cost:.0f} us of the broker's processor each"
            )

    async def latency(self) -> str:
        await self.clean()
        async with self.broker() as client:
            await self.subscribe(client, 1, "Room")
            await asyncio.sleep(2)
            await self._upsert(client, 20, 0)
            await self.come(20)
            first = self.count.value

            # the client shares the machine, so it is a lean one
            wire, place = Wire(Guard("127.0.0.0/8"), 5), address(f"http://127.0.0.1:{self.port}/")

            async def one(number: int) -> None:
                body = b'{"sentAt":{"type":"Property","value":%b}}' % repr(time.monotonic()).encode()
                path = f"{_V1}/entities/urn:ngsi-ld:Room:{number % 20}/attrs"
                head = (
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
                )
                asked = time.monotonic()
                status, _ = await wire.post(place, head.encode() + b"\r\n\r\n" + body, 30)
                assert status == 204, status
                answered.append(time.monotonic() - asked)

            answered: list[float] = []
            begun, tasks = time.perf_counter(), []
            for number in range(2000):
                await asyncio.sleep(max(0.0, begun + number / 200 - time.perf_counter()))
                tasks.append(asyncio.create_task(one(number)))
            await asyncio.gather(*tasks)
            await self.come(first + 2000)
            late = sorted(self.late[first + 100 : first + 2000])
            p50, p99 = late[len(late) // 2] * 1000, late[int(len(late) * 0.99)] * 1000
            write = statistics.median(answered) * 1000
            return (
                f"one subscription, 200 updates/s, request to notification: p50 {p50:.1f} ms, p99 {p99:.1f} ms "
                f"(of which the write itself: p50 {write:.1f} ms)"
            )

    async def among_many(self) -> str:
        costs = {}
        for others in (0, 9_990):
            await self.clean()
            if others:
                await self.many(others, "Other")
            async with self.broker() as client:
                await self.subscribe(client, 10, "Room")
                await asyncio.sleep(4)
                times = []
                for turn in range(5):
                    first, begun = self.count.value, time.perf_counter()
                    await self._upsert(client, 100, turn)
                    await self.come(first + 1000)
                    times.append(time.perf_counter() - begun)
                costs[others] = statistics.median(times)
        return f"10 matching among 10,000 subscriptions: {costs[9_990] / costs[0]:.2f} times the cost of 10 alone"

    async def memory(self) -> str:
        await self.clean()
        await self.many(50_000, "Other")
        async with self.broker():
            before = 0
            for _ in range(60):
                await asyncio.sleep(1)
                size = _megabytes(self.pid)
                if size == before:
                    break
                before = size
            return f"broker with 50,000 subscriptions: {before} MB"

    async def idle(self) -> str:
        rates: dict[int, list[float]] = {0: [], 100: []}
        for count in (0, 100, 0, 100):
            await self.clean()
            async with self.broker() as client:
                if count:
                    await self.subscribe(client, count, "Nothing")
                await asyncio.sleep(2)
                for turn in range(6):
                    begun = time.perf_counter()
                    for batch in range(5):
                        await asyncio.gather(
                            *(self._upsert(client, 100, turn * 100 + batch * 10 + part, part) for part in range(4))
                        )
                    rates[count].append(2000 / (time.perf_counter() - begun))
        none, some = (statistics.median(rates[count]) for count in (0, 100))
        return f"writes with 100 idle subscriptions: {some:,.0f} entities/s, {some / none:.0%} of {none:,.0f} without"

    async def backlog(self) -> str:
        await self.clean()
        self._sink.terminate()
        self._sink.join()
        async with self.broker() as client:
            await self.subscribe(client, 1, "Room")
            for batch in range(100):
                await self._upsert(client, 100, batch)
            self.start_sink()
            await self.come(1)  # the endpoint is back, and the broker has found out
            begun, spent = time.perf_counter(), _cpu(self.pid)
            await self.come(10_000)
            return (
                f"a backlog of 10,000 changes is told in {time.perf_counter() - begun:.1f} s, "
                f"{(_cpu(self.pid) - spent) * 100:.0f} us of the broker's processor each"
            )

    def start_sink(self) -> None:
        self._sink = multiprocessing.Process(target=_sink, args=(self.sink_port, self.count, self.late), daemon=True)
        self._sink.start()

    def stop_sink(self) -> None:
        self._sink.terminate()

    async def _upsert(self, client: httpx.AsyncClient, count: int, value: int, part: int = 0) -> None:
        readings = {f"a{place}": {"type": "Property", "value": value + place / 10} for place in range(10)}
        batch = [{"id": f"urn:ngsi-ld:Room:{part}-{n}" if part else f"urn:ngsi-ld:Room:{n}", "type": "Room", **readings}
                 for n in range(count)]  # fmt: skip
        answer = await client.post(
            f"{_V1}/entityOperations/upsert?options=update",
            content=orjson.dumps(batch),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in (201, 204), answer.text


def _megabytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) // 1024


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(_: float) -> None:
    """Prints every figure; each takes the time it needs."""
    with EmbeddedPostgres(Path("data/bench")) as dsn:
        await some(dsn, [])


async def some(dsn: str, names: list[str]) -> None:
    """Prints the named figures, or all of them."""
    await migrate.run(dsn)
    bench = Bench(dsn)
    bench.start_sink()
    try:
        for name in names or ("fan_out", "latency", "among_many", "memory", "idle", "backlog"):
            print(await getattr(bench, name)(), flush=True)
        await bench.clean()
    finally:
        bench.stop_sink()


def main() -> None:
    with EmbeddedPostgres(Path("data/bench")) as dsn:
        asyncio.run(some(dsn, sys.argv[1:]))


if __name__ == "__main__":
    main()
