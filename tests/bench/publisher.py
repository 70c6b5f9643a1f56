"""Publishes ELTRES frames at a steady rate: `python -m tests.bench.publisher PORT RATE SECONDS DEVICES TOPIC`.

Each frame carries the moment it was published (monotonic, nanoseconds), so that whoever commits it can tell how long
that took.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import aiomqtt
import orjson

JST = timezone(timedelta(hours=9))
PRESSURE = "85447D50000000000000000000000000"


def device(number: int) -> str:
    return f"{number:010X}"


async def publish(port: int, rate: int, seconds: float, devices: int, topic: str) -> int:
    """`rate` frames a second; a device never sends twice in one second when there are as many devices as that."""
    begun, epoch, total = time.perf_counter(), datetime.now(UTC) - timedelta(days=1), int(rate * seconds)
    async with aiomqtt.Client("127.0.0.1", port, max_inflight_messages=2000) as client:
        sent = 0
        while sent < total:
            due = min(total, int((time.perf_counter() - begun) * rate) + 1)
            for number in range(sent, due):
                at = (epoch + timedelta(seconds=number // devices)).astimezone(JST)
                frame = {
                    "deviceId": device(number % devices),
                    "sendDateTime": at.strftime("%Y-%m-%d %H:%M:%S"),
                    "payload": PRESSURE,
                    "published": time.monotonic_ns(),
                }
                # paho's own call: one acknowledgement awaited per frame would measure the publisher
                client._client.publish(f"{topic}/{number % 8}", orjson.dumps(frame), qos=1)
            sent = due
            await asyncio.sleep(0.002)
        while client._client._out_messages:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return total


if __name__ == "__main__":
    port, rate, seconds, devices = map(int, sys.argv[1:5])
    asyncio.run(publish(port, rate, seconds, devices, sys.argv[5]))
