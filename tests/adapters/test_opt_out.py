"""Identifiers on the opt-out list are dropped before anything is made of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.__main__ import main
from adapters.contract import Message, Restricted
from adapters.privacy.guard import Privacy
from adapters.privacy.opt_out import OptOut
from adapters.privacy.profile import Profile
from adapters.privacy.store import PrivacyStore
from adapters.registry import load

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def opted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OptOut:
    monkeypatch.setattr("adapters.privacy.opt_out.LOOK", 0.0)
    return OptOut(tmp_path)


def privacy(opted: OptOut, seen: list[str], store: PrivacyStore) -> Privacy:
    def pseudonym(identifier: str) -> str:
        seen.append(identifier)
        return f"p-{identifier}"

    return Privacy(pseudonym, "test", Profile.model_validate({"profile": "synthetic", "k": 1}), store, opted)


def test_one_spelling_is_as_good_as_another(opted: OptOut) -> None:
    assert opted.add(["02-00-00-FF-FF-01", "02:00:00:ff:ff:01", " KNZ0001 "]) == 2
    assert opted.has("0200.00ff.ff01")
    assert opted.has("ＫＮＺ0001")
    assert not opted.has("02-00-00-FF-FF-02")


@pytest.mark.parametrize("damage", [Path.unlink, lambda key: key.write_text(""), lambda key: key.write_text("zz")])
def test_without_its_key_the_list_lets_nobody_in(
    opted: OptOut, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    opted.add(["02-00-00-FF-FF-01"])
    damage(tmp_path / "opt-out.key")
    with pytest.raises(OSError, match=r"opt-out\.key: holds no key"):
        OptOut(tmp_path).has("02-00-00-FF-FF-01")


def test_the_list_tells_nobody_s_name_and_is_found_again(opted: OptOut, tmp_path: Path) -> None:
    opted.add(["02-00-00-FF-FF-01"])
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ffff01" not in written.lower()
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    other = OptOut(tmp_path)
    assert other.has("02-00-00-FF-FF-01")
    other.remove(["02-00-00-FF-FF-01"])
    assert not opted.has("02-00-00-FF-FF-01"), "a running source sees the change"


def test_a_phone_on_the_list_is_not_even_given_a_pseudonym(opted: OptOut) -> None:
    opted.add(["02-00-00-ff-ff-01"])
    seen: list[str] = []
    adapter, store = load("wifi"), PrivacyStore()
    decode = adapter.decoder(adapter.settings(), privacy(opted, seen, store))
    log = "施設名,端末ID,接続開始,接続終了\n" + "".join(
        f"近江町市場,02-00-00-FF-FF-0{n},2026/06/19 12:0{n}:00,2026/06/19 12:20:00\n" for n in (1, 2)
    )
    told = list(decode(Message(log.encode(), AT, "log.csv")))
    assert seen == ["020000ffff02"]
    assert {each.people_count for each in told} <= {0, 1, "urn:ngsi-ld:null"}  # type: ignore[union-attr]
    assert not [stay for stay in store.stays("test") if "01" in stay.pseudonym]


def test_a_bike_on_the_list_goes_nowhere(opted: OptOut) -> None:
    opted.add(["KNZ0001"])
    seen: list[str] = []
    adapter = load("bike_gps")
    decode = adapter.decoder(adapter.settings(), privacy(opted, seen, PrivacyStore()))
    rows = "".join(f"KNZ000{n},利用可能,2026-06-02 10:00:00,36.5,136.6\n" for n in (1, 2))
    told = list(decode(Message(("識別番号,車両状態,AT通知受信日時,lat,lon\n" + rows).encode(), AT, "day.csv")))
    assert seen == ["KNZ0002"]
    assert len([each for each in told if isinstance(each, Restricted)]) == 1


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ADAPTERS_DATA", str(tmp_path))
    assert main(["adapters", "opt-out", "add", "02-00-00-FF-FF-01"]) == 0
    assert main(["adapters", "opt-out", "count"]) == 0
    assert capsys.readouterr().out.splitlines() == ["add: 1", "on the list: 1", "on the list: 1"]
    assert OptOut(tmp_path).has("0200.00FF.FF01")
