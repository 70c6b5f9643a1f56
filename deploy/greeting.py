"""What make run says when everything runs: where it is, and what to try."""

from deploy.plan import Plan
from deploy.servers import install


def greeting(plan: Plan, seconds: float) -> str:
    """Returns the lines for the person at the terminal."""
    database = (
        "the given server"
        if plan.database_url
        else f"127.0.0.1:{plan.ports.postgres}, password in {plan.data}/postgres"
    )
    return f"""ready after {seconds:.1f} s

  broker      {plan.broker_url}/ngsi-ld/v1    pages: {plan.broker_url}/docs
  MQTT        mqtt://127.0.0.1:{plan.ports.mqtt}
  PostgreSQL  {database}
  data        {plan.data}
  demo feed   {"running" if plan.demo else "off (DEMO=0), and no adapters"}

Try:
{_tries(plan)}
Ctrl-C stops everything.
"""


def _tries(plan: Plan) -> str:
    api = f"{plan.broker_url}/ngsi-ld/v1"
    publish = install().mosquitto_pub
    return f"""
  curl '{api}/entities?type=AirQualityObserved&limit=2'
  {publish} -p {plan.ports.mqtt} -t TODO -m TODO
  curl '{api}/temporal/entities/TODO?lastN=5'
"""
