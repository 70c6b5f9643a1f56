"""The READMEs tell what there is: every setting, every command, both languages the same."""

import re
from pathlib import Path

import pytest

from broker.settings import Settings
from deploy.cli import parser

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.ja.md")


def _shown(default: object) -> str:
    if default in ("", None):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_stands_in_the_table_with_its_default(readme: str) -> None:
    rows = dict(re.findall(r"^\| `(BROKER_\w+)` \| (.*?) \|", text(readme), re.MULTILINE))
    wanted = {f"BROKER_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert rows.keys() == wanted.keys()
    for name, default in wanted.items():
        assert rows[name] == _shown(default), name


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_is_told(readme: str) -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE)
    assert [name for name in targets if f"make {name}" not in text(readme) and name not in ("help", "setup")] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_told(readme: str) -> None:
    usage = parser().format_help()
    commands = re.findall(r"^    ([a-z]+)\b", usage, re.MULTILINE)
    assert len(commands) > 4
    assert [name for name in commands if not re.search(rf"yukitsuri (\w+\|)*{name}\b", text(readme))] == []


def test_both_languages_show_the_same_commands_and_headings() -> None:
    english, japanese = (text(name) for name in READMES)
    for pattern in (r"^    (?:make|curl|mosquitto_pub|yukitsuri|pg_dump|pg_restore|psql) .*?(?= +#|$)", r"^(#+) "):
        assert re.findall(pattern, english, re.MULTILINE) == re.findall(pattern, japanese, re.MULTILINE)
