"""The wheel as a stranger gets it: built, installed without any extra into an empty environment, used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, cwd=REPOSITORY)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an empty environment that has the wheel and what it needs, at the locked versions."""
    home = tmp_path_factory.mktemp("stranger")
    run(sys.executable, "-m", "venv", home / "env", cwd=home)
    locked = (REPOSITORY / "requirements.lock.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9].*?==.*?(?= \\\\$)", locked, re.M)  # pip takes no hashes in constraints
    (home / "constraints.txt").write_text("\n".join(pins), encoding="utf-8")
    pip = (home / "env/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "install", "--only-binary", ":all:", "-c", "constraints.txt", wheel, cwd=home)
    return home / "env/bin"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"onex_analytics"}
    assert "onex_analytics/py.typed" in names
    files = (REPOSITORY / "onex_analytics").rglob("*")
    data = {str(p.relative_to(REPOSITORY)) for p in files if p.suffix in (".csv", ".yaml", ".js", ".css")}
    assert {Path(name).suffix for name in data} == {".csv", ".yaml", ".js", ".css"}
    assert data <= set(names)


def test_a_stranger_sees_the_version_and_every_name_of_the_front_door(stranger: Path, tmp_path: Path):
    program = "import onex_analytics as ox; print(ox.__version__, *[getattr(ox, n) is not None for n in ox.__all__])"
    assert "False" not in run(stranger / "python", "-c", program, cwd=tmp_path)


def test_the_demo_runs_from_the_wheel_alone(stranger: Path, tmp_path: Path):
    run(stranger / "onex-analytics", "demo", "--events", "5000", cwd=tmp_path)
    reports = list(tmp_path.rglob("report.html"))
    assert len(reports) == 1
    assert reports[0].stat().st_size > 10_000
