"""The embedded MQTT broker: loopback only, messages for absent clients kept on disk."""

import signal
from pathlib import Path

from deploy.account import give, server_account
from deploy.ports import LOOPBACK, is_free
from deploy.process import dying_with_parent
from deploy.servers import install
from deploy.supervisor import Service

_SETTINGS = """\
# written at each start
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 30
persistent_client_expiration 14d
max_inflight_messages 1000
max_queued_messages 1000000
log_dest stderr
log_type error
log_type warning
"""


def service(folder: Path, port: int) -> Service:
    """Returns the MQTT broker on a loopback port with its files in a folder."""

    def command() -> list[str]:
        account, program = server_account(), install().mosquitto
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = folder / "mosquitto.conf"
        settings.write_text(_SETTINGS.format(port=port, host=LOOPBACK, folder=folder))
        give(folder, account.owner)
        # changing the user clears the death signal that the supervisor sets, so it is set once more
        return [*account.prefix, *dying_with_parent(signal.SIGTERM), str(program), "-c", str(settings)]

    async def ready() -> bool:
        return not is_free(port)

    return Service("mqtt", command, ready=ready)
