"""Compiled kernels have a folder, also where neither the package nor the user has one that can be written to."""

import logging
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from onex_analytics.kernel_cache import VARIABLE, see_to_kernel_cache

REPOSITORY = Path(__file__).parents[1]


def nobody_may(_: Path) -> bool:
    return False


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_where_nothing_can_be_written_a_folder_of_ones_own_is_named_and_told(temporary, caplog):
    environment = {"HOME": "/nonexistent"}
    with caplog.at_level(logging.WARNING):
        folder = see_to_kernel_cache(Path("/package"), environment, nobody_may)
    assert folder is not None and folder.parent == temporary
    assert environment[VARIABLE] == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (record,) = caplog.records
    assert f"Mend: name a folder that stays in {VARIABLE}." in record.getMessage()


def test_the_next_process_finds_the_same_folder_again(temporary):
    first, second = (see_to_kernel_cache(Path("/package"), {"HOME": "/nonexistent"}, nobody_may) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_a_folder_that_others_may_enter_is_not_trusted(mode, temporary):
    found = see_to_kernel_cache(Path("/package"), {"HOME": "/nonexistent"}, nobody_may)
    assert found is not None
    found.chmod(mode)
    another = see_to_kernel_cache(Path("/package"), {"HOME": "/nonexistent"}, nobody_may)
    assert another not in (None, found)


def test_a_link_in_the_folders_place_is_not_followed(temporary):
    (temporary / "elsewhere").mkdir(mode=0o700)
    (temporary / f"onex-analytics-kernels-{os.getuid()}").symlink_to(temporary / "elsewhere")
    found = see_to_kernel_cache(Path("/package"), {"HOME": "/nonexistent"}, nobody_may)
    assert found is not None and found.is_dir() and not found.is_symlink()
    assert not any((temporary / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("environment", "writable"),
    [
        ({VARIABLE: "/named"}, set()),
        ({"HOME": "/nonexistent"}, {Path("/package")}),
        ({"HOME": "/tmp"}, {Path("/tmp")}),
        ({"XDG_CACHE_HOME": "/tmp"}, {Path("/tmp")}),
    ],
    ids=["it is named", "beside the package", "in the home folder", "in the cache folder"],
)
def test_where_numba_finds_a_folder_nothing_is_named(environment, writable):
    before = dict(environment)
    assert see_to_kernel_cache(Path("/package"), environment, writable.__contains__) is None
    assert environment == before


def test_a_home_folder_that_may_not_be_entered_is_none(tmp_path):
    (tmp_path / "home" / ".cache").mkdir(parents=True)
    (tmp_path / "home").chmod(0)
    program = (
        "from pathlib import Path; from onex_analytics.kernel_cache import see_to_kernel_cache; "
        f"print(see_to_kernel_cache(Path('/nowhere'), {{'HOME': {str(tmp_path / 'home')!r}}}))"
    )
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    words = [*nobody, sys.executable, "-c", program]
    environment = {**os.environ, VARIABLE: "/named", "TMPDIR": "/tmp"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=environment)
    (tmp_path / "home").chmod(0o700)
    assert "onex-analytics-kernels-" in done.stdout
    shutil.rmtree(done.stdout.strip(), ignore_errors=True)
