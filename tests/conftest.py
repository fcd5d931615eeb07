"""What every test may ask for: the tools of the machine, the shared data, a fresh store."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.laws import SOAK, examples

if TYPE_CHECKING:
    from onex_analytics import EventStore

REPOSITORY = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

settings.register_profile("here", deadline=None, max_examples=examples(100))
settings.register_profile(
    "ci", settings.get_profile("here"), derandomize=True, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile(
    SOAK, deadline=None, max_examples=100, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if IN_CI else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Of several workers, one compiles a kernel; another that needs it meanwhile waits, and loads it from the cache.

    A clean checkout has no compiled kernels, and workers that begin together would each compile the same ones.
    """
    if not hasattr(config, "workerinput"):
        return
    import fcntl
    import zlib

    from onex_analytics.machine import is_text

    kernel = type(is_text)
    compile_it = kernel.compile
    # held by the process, so that a kernel may compile others; no closing of the file, which would give up all
    lock = os.open(config.cache.mkdir("kernels") / "lock", os.O_RDWR | os.O_CREAT)

    def compile_alone(self: Any, signature: object) -> object:
        name = f"{self.py_func.__module__}.{self.py_func.__qualname__}"
        if not name.startswith("onex_analytics."):
            return compile_it(self, signature)
        place = zlib.crc32(name.encode())
        fcntl.lockf(lock, fcntl.LOCK_EX, 1, place)
        try:
            return compile_it(self, signature)
        finally:
            fcntl.lockf(lock, fcntl.LOCK_UN, 1, place)

    kernel.compile = compile_alone


BEGUN_FIRST = (
    "tests/notebooks/test_in_jupyterlab.py", "tests/jupyter/widgets/test_in_", "tests/dashboard/test_browser.py",
    "tests/cli/alerts/test_live.py", "tests/store/test_memory.py", "tests/test_readme.py", "tests/views/test_report",
)  # fmt: skip
"""Where these files or folders begin: few tests that take long, mostly in waiting for another program."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files go to workers in this order, so that no worker is left alone with a long one at the end."""
    if not hasattr(config, "workerinput"):
        return
    files = [item.nodeid.partition("::")[0] for item in items]
    tests = Counter(files)
    order = {file: (not file.startswith(BEGUN_FIRST), -tests[file], file) for file in tests}
    items.sort(key=lambda item: order[item.nodeid.partition("::")[0]])


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
