"""Memory stays flat: an append holds a few units and 8 bytes for each id that is stored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import resource, sys
from pathlib import Path
from onex_analytics import EventStore
store = EventStore(sys.argv[1])
for log in sys.argv[2:]:
    report = store.append(log)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(report.read, report.stored, report.duplicate, report.rejected, peak)
"""
MOST_BYTES = 1_500_000_000


def millions(path: Path, events: int, first: int) -> Path:
    """A log of events of about 335 bytes; every thousandth line is broken."""
    with path.open("w") as log:
        for n in range(first, first + events):
            if n % 1000 == 999:
                log.write(f"broken {n}\n")
                continue
            time = f"2026-11-{1 + n // 200_000 % 28:02}T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}"
            log.write(
                f'{{"event_id":"{n * 0x9E3779B97F4A7C15 % 2**128:032x}","timestamp":"{time}.{n % 10**6:06}",'
                f'"node_id":"node_{n % 37}","event_type":"NODE_SUCCESS","correlation_id":"{n:032x}",'
                f'"metadata":{{"input_state":{{"tenant":"t{n % 9}","size":{n}}},'
                f'"output_state":{{"status":"success","message":"done {n}"}},"execution_time_ms":{n / 7:.3f}}}}}\n'
            )
    return path


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_two_millions_twice_and_once_more_shifted_take_less_than_a_gigabyte_and_a_half(tmp_path):
    logs = [millions(tmp_path / f"{n}.jsonl", 2_000_000, n * 2_000_000) for n in range(2)]
    shifted = tmp_path / "shifted.jsonl"
    shifted.write_bytes(b"\n" + b"broken too\n" + logs[0].read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "store"), *map(str, [*logs, shifted])],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [[int(n) for n in text.split()] for text in done.stdout.splitlines()]
    assert [counts[:4] for counts in told] == [
        [2_000_000, 1_998_000, 0, 2000], [2_000_000, 1_998_000, 0, 2000], [2_000_001, 0, 1_998_000, 2001],
    ]  # fmt: skip
    assert max(counts[4] for counts in told) < MOST_BYTES, told
    assert told[1][4] < 1.3 * told[0][4], told
