"""What `onex-analytics ingest` does with what it is given, and says of it."""

import os
import signal
import subprocess
import sys
import time

from onex_analytics.store import EventStore
from tests.sources.reading import lines

SMALL_UNITS = "from onex_analytics.sources import units; units.line_units.__kwdefaults__['unit_bytes'] = 50_000; "
CHILD = (
    "import sys, signal; signal.signal(signal.SIGINT, signal.default_int_handler); import onex_analytics.store; {}"
    "from onex_analytics.cli import main; print('ready', flush=True); sys.exit(main())"
)


def stored(uri: str) -> int:
    """Events that are in a store, which may not be there yet."""
    if not (os.path.exists(f"{uri}/events/_delta_log") and os.path.exists(f"{uri}/rejected/_delta_log")):
        return 0
    return EventStore(uri).scan().collect().height


def stop(running: subprocess.Popen[bytes]) -> str:
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert "Fatal" not in said
    return said


def test_ctrl_c_ends_the_wait_for_a_pipe_that_says_nothing(tmp_path):
    words = [sys.executable, "-c", CHILD.format(""), "ingest", "-", "--store", str(tmp_path / "s")]
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1) as running:
        assert running.stdin is not None and running.stdout is not None
        keep_open = os.dup(running.stdin.fileno())
        running.stdout.readline()
        time.sleep(1)
        assert "stopped" in stop(running)
        os.close(keep_open)


def test_ctrl_c_while_a_pipe_pauses_keeps_what_was_stored(tmp_path):
    store = str(tmp_path / "s")
    words = [sys.executable, "-c", CHILD.format(SMALL_UNITS), "ingest", "-", "--store", store]
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1) as running:
        assert running.stdin is not None
        keep_open = os.dup(running.stdin.fileno())
        running.stdin.write(lines(2000))
        running.stdin.flush()
        until = time.monotonic() + 60
        while not stored(store) and time.monotonic() < until:
            time.sleep(0.1)
        stop(running)
        os.close(keep_open)
    assert stored(store) > 0
