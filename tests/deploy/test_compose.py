"""deploy/compose.yaml: valid by the compose specification, closed by default."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPOSE = Path(__file__).parents[2] / "deploy/compose.yaml"

TOOLS = {
    "check-jsonschema": ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
    "docker": ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_file_is_valid(tool: str) -> None:
    program = shutil.which(tool, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None or (tool == "docker" and subprocess.run(["docker", "compose", "version"]).returncode):
        pytest.skip(f"{' '.join(TOOLS[tool][:2])} is not installed here")
    checked = subprocess.run([program, *TOOLS[tool][1:]], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_everything_is_published_on_loopback_only() -> None:
    published = re.findall(r"ports: (\[.*\])", COMPOSE.read_text())
    assert len(published) == COMPOSE.read_text().count("ports:") >= 3
    assert all(ports.startswith('["127.0.0.1:') and "," not in ports for ports in published)
