"""The front door: short, written down, and quick to open."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import onex_analytics as ox

SLOW_OR_OPTIONAL = {
    "adbc_driver_manager", "adbc_driver_postgresql", "boto3", "dask", "deltalake", "duckdb", "numba",
    "opentelemetry", "panel", "plotly", "pyarrow", "rich", "scipy", "typer",
}  # fmt: skip


def fresh_python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_names_are_sorted_and_each_stands_once():
    assert ox.__all__ == sorted(set(ox.__all__))


@pytest.mark.parametrize("name", ox.__all__)
def test_every_name_opens(name):
    assert getattr(ox, name) is not None
    assert name in dir(ox)


def test_a_type_checker_sees_the_same_names():
    tree = ast.parse(Path(ox.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = set()
    for node in guarded.body:
        if isinstance(node, ast.ImportFrom):
            seen |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.AnnAssign):
            seen.add(ast.unparse(node.target))
    assert seen == set(ox.__all__)


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(AttributeError, match="no attribute 'EventStor'; it has EventStore, "):
        _ = ox.EventStor


def test_importing_the_package_loads_nothing_slow_or_optional():
    loaded = fresh_python("import sys, onex_analytics; print(*{name.partition('.')[0] for name in sys.modules})")
    assert not SLOW_OR_OPTIONAL & set(loaded.split())


def test_importing_the_package_builds_no_model():
    loaded = fresh_python("import sys, onex_analytics; print(*(n for n in sys.modules if n.startswith('onex_')))")
    below_all_rooms = {"onex_analytics.kernel_cache", "onex_analytics.loading"}
    assert set(loaded.split()) == {"onex_analytics", *below_all_rooms}


def test_the_words_load_no_plotting_and_no_store():
    loaded = fresh_python("import sys, onex_analytics.model; print(*{name.partition('.')[0] for name in sys.modules})")
    assert not SLOW_OR_OPTIONAL & set(loaded.split())


def test_the_version_is_the_one_that_is_installed():
    assert ox.__version__[0].isdigit()
