"""What every test may ask for: the tools of the machine, the shared data, a fresh store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from onex_analytics import EventStore

REPOSITORY = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

settings.register_profile("here", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if IN_CI else "here")


@pytest.fixture(scope="session")
def require_tool() -> Callable[..., Path]:
    """`require_tool("initdb", "/usr/lib/postgresql/*/bin", mend="apt-get install postgresql")` → its path.

    Looks along PATH, then in the folders given (the highest version first). A missing tool skips the test
    with the mend; where CI is set it fails it, so that a green run has truly run everything.
    """

    def find(name: str, *folders: str, mend: str | None = None) -> Path:
        if on_path := shutil.which(name):
            return Path(on_path)
        for pattern in folders:
            found = [p / name for p in Path("/").glob(pattern.lstrip("/")) if os.access(p / name, os.X_OK)]
            if found:
                return max(found, key=lambda p: [int(part) if part.isdigit() else 0 for part in p.parts])
        reason = f"{name} is not on this machine. Mend: {mend or f'apt-get install {name}'}, or `make test`"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)

    return find


@pytest.fixture(scope="session")
def promtool(require_tool: Callable[..., Path]) -> Path:
    """Prometheus' tool that evaluates rules on written series; setup/system-tools unpacks it into build/tools."""
    return require_tool("promtool", f"{REPOSITORY}/build/tools/usr/bin", mend="sh setup/system-tools")


@pytest.fixture(scope="session")
def alertmanager(require_tool: Callable[..., Path]) -> Path:
    """Debian's Alertmanager, which no service runs: a test starts and ends its own, on loopback."""
    return require_tool("prometheus-alertmanager", f"{REPOSITORY}/build/tools/usr/bin", mend="sh setup/system-tools")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real logs, `../shared/data` beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real logs are not here: ../shared/data is absent beside the repository")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    """An empty store in a folder of its own."""
    from onex_analytics import EventStore

    return EventStore(str(tmp_path / "events"))
