from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import StoreFull
from onex_analytics.store.known_ids import KnownIds

HASHES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 20), max_size=30)


@given(st.lists(HASHES, max_size=12), HASHES, st.sampled_from([1, 4, 16, 1 << 20]))
def test_a_hash_is_known_just_if_it_was_taken_in_however_little_memory_there_is(runs, asked, memory):
    known = KnownIds(memory_hashes=memory)
    for run in runs:
        known.add(np.array(run, np.uint64))
    taken = {h for run in runs for h in run}
    probe = np.array([*asked, *taken], np.uint64)
    assert known.contains(probe).tolist() == [int(h) in taken for h in probe]


def test_what_is_beyond_memory_lies_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    known = KnownIds(memory_hashes=1000)
    for begin in range(0, 20_000, 500):
        known.add(np.arange(begin, begin + 500, dtype=np.uint64))
    assert known._table.nbytes <= 8 * 2048
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.u64")) >= 8 * 18_900
    assert known.contains(np.arange(21_000, dtype=np.uint64)).tolist() == [True] * 20_000 + [False] * 1000


def test_a_full_disk_for_temporary_files_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    known = KnownIds(memory_hashes=1)
    with pytest.raises(Exception, match="Mend:"):
        known.add(np.arange(5, dtype=np.uint64))
    assert issubclass(StoreFull, OSError)
