"""What make run says when everything runs: where it is, and three commands to try."""

import shutil
from shlex import quote

from deploy import exports
from deploy.plan import Plan
from deploy.servers import install

# -2.5 degrees, 85 %, 420 ppm from the sensor at Kanazawa station, in the 16 bytes of an ELTRES frame
_TERMINAL, _FRAME = "0001234ABC", "82C020000042AA000043D20000000000"
_STATION = f"urn:ngsi-ld:AirQualityObserved:eltres:{_TERMINAL}"
_TRIAL = '{"id": "urn:ngsi-ld:Trial:1", "type": "Trial", "snow": {"type": "Property", "value": 42, "unitCode": "CMT"}}'


def greeting(plan: Plan, seconds: float) -> str:
    """Returns the lines for the person at the terminal."""
    embedded = f"127.0.0.1:{plan.ports.postgres}"
    adapters = f"running; pushes to http://127.0.0.1:{plan.ports.webhook}/push/" if plan.demo else "off (DEMO=0)"
    tries = "\n".join(f"  {command}" for command in (_demo_tries if plan.demo else _empty_tries)(plan))
    return f"""ready after {seconds:.1f} s

  broker      {plan.broker_url}/ngsi-ld/v1, described at {plan.broker_url}/docs
  MQTT        {plan.mqtt_url}
  PostgreSQL  {embedded if plan.database_url is None else "the server of DATABASE_URL"}
  adapters    {adapters}
  demo feed   {"running" if plan.demo else "off (DEMO=0)"}
  data        {plan.data}
  commands    . {quote(str(plan.data / exports.NAME))}   then: yukitsuri --help, psql "$BROKER_DATABASE_URL"

Try:
{tries}

Ctrl-C stops everything.
"""


def _demo_tries(plan: Plan) -> list[str]:
    api, publish = f"{plan.broker_url}/ngsi-ld/v1", shutil.which("mosquitto_pub")
    if publish is None:
        publish = quote(str(install().mosquitto_pub)) if plan.embeds else "mosquitto_pub"
    return [
        f"curl '{api}/entities?type=AirQualityObserved&limit=2'",
        f"{publish} -L {plan.mqtt_url}/eltres/{_TERMINAL} -m {_FRAME}",
        f"curl '{api}/temporal/entities/{_STATION}?attrs=temperature&lastN=3'",
    ]


def _empty_tries(plan: Plan) -> list[str]:
    api = f"{plan.broker_url}/ngsi-ld/v1"
    return [
        f"curl -i {api}/entities -H 'Content-Type: application/json' -d '{_TRIAL}'",
        f"curl '{api}/entities?type=Trial&q=snow>40'",
        f"curl '{api}/temporal/entities/urn:ngsi-ld:Trial:1?lastN=3'",
    ]
