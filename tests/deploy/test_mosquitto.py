"""The embedded MQTT broker for real: a retained message is there again after a restart."""

import asyncio
import subprocess
from pathlib import Path

from deploy.mosquitto import service
from deploy.ports import claim_next
from deploy.servers import install
from deploy.supervisor import Supervisor


def client(name: str, port: int, *arguments: str) -> str:
    command = [str(install().home / "usr/bin" / name), "-h", "127.0.0.1", "-p", str(port), "-t", "eltres/1", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout


async def test_messages_survive_a_restart(tmp_path: Path) -> None:
    claim = claim_next(21883)  # no other instance's meanwhile
    for step in (["mosquitto_pub", "-r", "-q", "1", "-m", "雪"], ["mosquitto_sub", "-C", "1", "-W", "5"]):
        supervisor = Supervisor()
        await supervisor.start(service(tmp_path / "mosquitto", claim.port))
        said = await asyncio.to_thread(client, step[0], claim.port, *step[1:])
        await supervisor.stop(asyncio.Event())
    claim.release()
    assert said == "雪\n"
