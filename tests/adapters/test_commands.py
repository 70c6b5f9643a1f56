"""The source file, the commands and the replay of what was set aside."""

from pathlib import Path

import orjson
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from adapters.__main__ import main
from adapters.privacy.store import PrivacyStore, Publication
from adapters.settings import AdapterSettings
from adapters.sources import SourceError, bind_all, read
from adapters.surroundings import surroundings
from tests.adapters.cases import HOUSE
from tests.adapters.recorder import Recorder, serving

RAIN = '[[source]]\nname = "rain"\nadapter = "rain_gauge"\n'
WIFI = '[[source]]\nname = "wifi"\nadapter = "wifi"\n'
PUSHED = 'via = { transport = "webhook", path = "hill" }\n'


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> Path:
    """A folder with a source file; the environment points to it and to the recorder."""
    monkeypatch.setenv("ADAPTERS_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("ADAPTERS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ADAPTERS_BROKER_URL", recorder.url)
    (tmp_path / "sources.toml").write_text(RAIN + WIFI)
    return tmp_path


def set_aside(recorder: Recorder, source: str, raw: bytes, **metadata: str) -> None:
    import base64

    number = len(recorder.quarantine) + 1
    told = {
        "adapter": "rain_gauge",
        "kind": "row",
        "topic": "rain.csv",
        "receivedAt": "2026-06-20T00:00:00Z",
    } | metadata
    record = {"id": number, "source": source, "reason": "was bad", "receivedAt": told["receivedAt"]}
    recorder.quarantine.append(record | {"raw": base64.b64encode(raw).decode(), "metadata": told})


def test_the_built_in_sources_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "check"]) == 0
    assert capsys.readouterr().out.count("ok ") == len(read(AdapterSettings()))


def test_list_names_adapters_and_sources(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "list"]) == 0
    shown = capsys.readouterr().out
    assert "adapter eltres" in shown
    assert "source  rain" in shown


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (RAIN + RAIN, "unique"),
        (RAIN + PUSHED + WIFI + PUSHED, "one path: hill"),
        (RAIN.replace("rain_gauge", "ran_gauge"), "no adapter 'ran_gauge'"),
        (RAIN + "sttings = {}\n", "sttings"),
        (RAIN + 'settings = { colour = "red" }\n', "colour"),
        (RAIN + 'settings = { stations = "/no/such/file.csv" }\n', "No such file"),
        (RAIN + 'settings = { stations = "${folder}/table.csv" }\n', "table.csv: header: "),
        (RAIN.replace("rain_gauge", "eltres") + 'settings = { devices = "${folder}/table.csv" }\n', "terminalId"),
        (RAIN.replace("rain_gauge", "wifi") + 'settings = { spots = "${folder}/table.csv" }\n', "table.csv: header"),
        (RAIN.replace("rain_gauge", "amedas") + 'settings = { stations = "${folder}/table.json" }\n', "table.json: "),
        (
            RAIN.replace("rain_gauge", "gtfs_realtime") + 'settings = { feed = "f", static = "${folder}/table.csv" }\n',
            "is no zip",
        ),
        (RAIN + 'via = { transport = "pigeon" }\n', "pigeon"),
        (RAIN + 'via = { transport = "mqtt" }\n', "topic"),
        (RAIN + 'via = { transport = "mqtt", topic = "a/#/b" }\n', "topic"),
        (RAIN + 'via = { transport = "mqtt", topic = "a+" }\n', "topic"),
        (RAIN + 'via = { transport = "mqtt", topic = "a", url = "broker.example:1883" }\n', "mqtt://"),
        (RAIN + 'via = { transport = "poll" }\n', "nothing to poll"),
        (RAIN + 'via = { transport = "poll", discovery = "city.example/gbfs.json" }\n', "http://"),
        (RAIN + 'via = { transport = "poll", urls = { a = "http://city.example:port/" } }\n', "port"),
        (RAIN + 'via = { transport = "webhook", path = "/hill" }\n', "path"),
        (RAIN + 'via = { transport = "webhook", token_env = "NO_SUCH_TOKEN" }\n', "NO_SUCH_TOKEN"),
        (RAIN + 'via = { transport = "file", every = 0 }\n', "every"),
        (RAIN + 'via = { transport = "file", every = inf }\n', "every"),
        (RAIN + 'via = { transport = "file", pattern = "**/*" }\n', "pattern"),
        (RAIN.replace('"rain"', '"Rain/../x"'), "name"),
        (WIFI + '[source.privacy]\nprofile = "aggregate"\nk = 2\n', "source.0.privacy: k: 2 is below 5"),
        ("[[source]\n", "sources.toml"),
        (RAIN + 'owner = "${nobody}"\n', "nobody"),
    ],
)
def test_check_names_every_mistake(city: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str) -> None:
    (city / "sources.toml").write_text(text)
    for table in ("table.csv", "table.json"):
        (city / table).write_text("colour,size\nred,1\n")
    assert main(["adapters", "check"]) == 1
    told = capsys.readouterr().err
    assert complaint in told
    assert "pydantic" not in told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ADAPTERS_BATCH", "many", "ADAPTERS_BATCH=many: "),
        ("ADAPTERS_BROKER_URL", "http://broker:port", "ADAPTERS_BROKER_URL: a URL starts with http://"),
    ],
)
def test_a_wrong_setting_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["adapters", "check"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"yukitsuri: {told}")
    assert errors.count("\n") == 1


PERMITTED = """owner = "city"
[source.privacy]
legal_basis = "consent"
profile = "aggregate"
"""


@pytest.mark.parametrize("left_out", ["owner", "legal_basis", "profile"])
def test_a_personal_source_is_silent_until_everything_is_said(
    city: Path, capsys: pytest.CaptureFixture[str], left_out: str
) -> None:
    said = "".join(line for line in PERMITTED.splitlines(keepends=True) if not line.startswith(left_out))
    (city / "sources.toml").write_text(WIFI + said)
    assert main(["adapters", "check"]) == 0
    shown = capsys.readouterr().out
    assert "silent  wifi" in shown
    assert left_out in shown
    assert bind_all(read(AdapterSettings()), surroundings(AdapterSettings())) == []
    (city / "sources.toml").write_text(WIFI + PERMITTED)
    assert main(["adapters", "check"]) == 0
    assert "ok      wifi" in capsys.readouterr().out
    assert len(bind_all(read(AdapterSettings()), surroundings(AdapterSettings()))) == 1


def test_the_privacy_report_lists_each_cell_with_its_k(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = PrivacyStore(city / "data/privacy.db")
    store.publish("wifi", [Publication("26", "", 0, 1800, 12, 10), Publication("27", "", 0, 1800, None, 10)])
    store.publish("wifi", [Publication("26", "27", 0, 1800, 11, 10), Publication("", "*", 0, 1800, None, 10)])
    assert main(["adapters", "privacy"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "source,cell,destination,from,until,persons,k",
        "wifi,26,,1970-01-01T00:00:00Z,1970-01-01T00:30:00Z,12,10",
        "wifi,26,27,1970-01-01T00:00:00Z,1970-01-01T00:30:00Z,11,10",
        "wifi,27,,1970-01-01T00:00:00Z,1970-01-01T00:30:00Z,withheld,10",
        "# wifi: 2 published, 1 withheld; the smallest published number is 11",
    ]


def test_names_of_settings_are_replaced_in_the_file(city: Path) -> None:
    (city / "sources.toml").write_text(RAIN + 'via = { transport = "file", folder = "${data}/rain" }\n')
    assert read(AdapterSettings())[0].via["folder"] == f"{city}/data/rain"
    (city / "sources.toml").write_text(RAIN + 'settings = { stations = "${folder}/mine.csv" }\n')
    assert read(AdapterSettings())[0].settings["stations"] == f"{city}/mine.csv"
    (city / "sources.toml").write_text(RAIN + 'via = { transport = "mqtt", topic = "$share/city/rain" }\n')
    assert read(AdapterSettings())[0].via["topic"] == "$share/city/rain"


@pytest.mark.parametrize("command", ["check", "privacy", "run"])
def test_a_ledger_that_is_none_is_one_line(city: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    (city / "data").mkdir()
    (city / "data/privacy.db").write_text("no ledger" * 100)
    assert main(["adapters", command]) == 1
    assert capsys.readouterr().err == f"yukitsuri: {city}/data/privacy.db: file is not a database\n"


def test_a_broken_memory_is_begun_anew(city: Path, caplog: pytest.LogCaptureFixture) -> None:
    (city / "data").mkdir()
    (city / "data/quality.json").touch()  # as a power cut may leave it
    assert main(["adapters", "check"]) == 0
    assert "quality.json is broken" in caplog.text


def test_a_missing_source_file_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTERS_SOURCES", "/no/such/sources.toml")
    with pytest.raises(SourceError, match=r"/no/such/sources\.toml"):
        read(AdapterSettings())


def test_quarantine_is_listed_and_shown(city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    set_aside(recorder, "rain", b"\x00raw")
    assert main(["quarantine", "list", "--source", "rain"]) == 0
    assert "was bad" in capsys.readouterr().out
    assert main(["quarantine", "show", "1"]) == 0
    assert "b'\\x00raw'" in capsys.readouterr().out
    set_aside(recorder, "rain", "金沢,－".encode("cp932"))
    assert main(["quarantine", "show", "2"]) == 0
    assert "7 bytes: \n金沢,－" in capsys.readouterr().out
    assert main(["quarantine", "show", "9"]) == 1
    assert "no record 9" in capsys.readouterr().err


def test_a_row_is_replayed_with_todays_table(
    city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "観測所名,観測日時,10分雨量\n新しい所,2026/06/19 12:40,1.5\n".encode()
    set_aside(recorder, "rain", row)
    assert main(["quarantine", "replay", "1"]) == 1  # the station is still unknown
    assert recorder.replayed == []
    (city / "sources.toml").write_text(RAIN + 'settings = { stations = "${folder}/none.csv" }\n')
    assert main(["quarantine", "replay", "1"]) == 1
    assert "none.csv" in capsys.readouterr().err
    (city / "stations.csv").write_text("code,name,latitude,longitude\nnew,新しい所,36.5,136.6\n")
    (city / "sources.toml").write_text(RAIN + f'settings = {{ stations = "{city}/stations.csv" }}\n')
    assert main(["quarantine", "replay", "1"]) == 0
    assert recorder.stored[0]["precipitation"]["value"] == 1.5
    assert recorder.stored[0]["source"]["value"] == "rain"  # as if it had come in good order
    assert recorder.replayed == [1]


def test_a_refused_entity_is_replayed_as_it_is(city: Path, recorder: Recorder) -> None:
    entity = {"id": "urn:ngsi-ld:Device:a:1", "type": "Device"}
    set_aside(recorder, "rain", orjson.dumps(entity), kind="entity")
    assert main(["quarantine", "replay", "1"]) == 0
    assert recorder.stored == [entity]


def test_what_the_broker_refuses_again_stays(
    city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    set_aside(recorder, "rain", b'{"id": "urn:a:1", "type": "Device"}', kind="entity")
    problem = {"entityId": "urn:a:1", "error": {"title": "still no good"}}
    recorder.answer = lambda entities: JSONResponse({"success": [], "errors": [problem]}, 207)
    assert main(["quarantine", "replay", "1"]) == 1
    assert "still no good" in capsys.readouterr().err
    assert recorder.replayed == []


def test_a_truncated_record_cannot_be_replayed(
    city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    set_aside(recorder, "rain", b"half", kind="truncated")
    assert main(["quarantine", "replay", "1"]) == 1
    assert "too large" in capsys.readouterr().err


def test_a_personal_record_cannot_be_replayed(
    city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    set_aside(recorder, "wifi", b"99:99", kind="redacted")
    assert main(["quarantine", "replay", "1"]) == 1
    assert "drop the corrected file again" in capsys.readouterr().err


def test_an_unreachable_broker_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ADAPTERS_BROKER_URL", "http://127.0.0.1:9")
    assert main(["quarantine", "list"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_server_that_is_no_broker_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(PlainTextResponse("hello")) as port:
        monkeypatch.setenv("ADAPTERS_BROKER_URL", f"http://127.0.0.1:{port}")
        for command in (["list"], ["show", "1"], ["replay", "1"]):
            assert main(["quarantine", *command]) == 1
            told = capsys.readouterr().err
            assert "gives no JSON, so it is no broker" in told
            assert told.count("\n") == 1


def test_no_module_of_the_house_names_a_missing_file() -> None:
    assert (HOUSE / "sources.toml").is_file()
