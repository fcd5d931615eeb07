"""What `onex-analytics ingest` does with what it is given, and says of it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from onex_analytics.cli import main
from onex_analytics.sources.formats import FORMATS
from onex_analytics.sources.streams import LOG_SUFFIXES
from onex_analytics.store import EventStore
from tests.sources.reading import lines, written

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


def test_ctrl_c_ends_the_wait_for_whoever_shall_write_into_a_named_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    words = [sys.executable, "-c", CHILD.format(""), "ingest", str(tmp_path / "pipe"), "--store", str(tmp_path / "s")]
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1) as running:
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(1)
        assert "stopped" in stop(running)


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


AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []


def test_a_folder_in_a_folder_that_may_not_be_read_is_an_error():
    program = "import sys; from onex_analytics.sources.streams import log_files; print(list(log_files(sys.argv[1])))"
    with tempfile.TemporaryDirectory() as name:  # which others may enter, unlike pytest's own
        logs = Path(name)
        (logs / "in").mkdir()
        for folder in (logs, logs / "in"):
            (folder / "a.jsonl").write_bytes(lines(1))
        logs.chmod(0o755)
        (logs / "in").chmod(0)
        done = subprocess.run([*AS_NOBODY, sys.executable, "-c", program, name], capture_output=True, text=True)
        (logs / "in").chmod(0o755)
    assert done.returncode == 1
    assert re.search(r"SourceError: .*/in: may not be read\. Mend: .*chmod", done.stderr)


def test_all_files_are_opened_before_the_first_is_stored(tmp_path, capsys):
    good, last = written(tmp_path, "a.jsonl", lines(1)), written(tmp_path, "c.jsonl", lines(2))
    wide = written(tmp_path, "b.jsonl", lines(1).decode().encode("utf-16"))
    store = tmp_path / "s"
    for bad in (wide, tmp_path / "absent.jsonl"):
        assert main(["ingest", str(good), str(bad), str(last), "--store", str(store)]) == 2
        said = capsys.readouterr().err
        assert str(bad) in said
        assert "none of the 3 sources was stored" in said
        assert not store.exists()


def test_what_breaks_while_it_is_read_says_how_many_files_were_stored(tmp_path, capsys):
    good = written(tmp_path, "a.jsonl", lines(1))
    cut = written(tmp_path, "b.parquet", b"PAR1" + bytes(100))
    assert main(["ingest", str(good), str(cut), "--store", str(tmp_path / "s")]) == 2
    said = capsys.readouterr().err
    assert "b.parquet" in said
    assert "1 of 2 sources were stored" in said
    assert stored(str(tmp_path / "s")) == 1


def test_a_mistyped_name_leaves_no_store_behind(tmp_path):
    assert main(["ingest", str(tmp_path / "absent.jsonl"), "--store", str(tmp_path / "s")]) == 2
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("name", ["x.csv", "x.TSV"])
def test_a_csv_file_whose_columns_hold_no_event_is_refused_with_those_that_would(name, tmp_path, capsys):
    path = written(tmp_path, name, b"name\tprice\na\t1\n")
    assert main(["ingest", str(path), "--store", str(tmp_path / "s")]) == 2
    said = capsys.readouterr().err
    assert "missing columns ['event_id'" in said
    assert "['name', 'price']" in said
    assert name in said
    assert not (tmp_path / "s").exists()


def test_the_suffixes_that_a_folder_gives_are_one_list(tmp_path, capsys):
    (tmp_path / "logs").mkdir()
    assert main(["ingest", str(tmp_path / "logs"), "--store", str(tmp_path / "s")]) == 2
    said = capsys.readouterr().err
    told = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    for suffix in LOG_SUFFIXES:
        assert suffix in said
        assert suffix in told


def test_a_file_of_which_little_became_an_event_is_no_quiet_success(tmp_path, capsys):
    store = str(tmp_path / "s")
    assert main(["ingest", str(written(tmp_path, "a.log", b"what\nis\n" + lines(1))), "--store", store]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "2 of 3 lines gave no event, most often because of invalid_json (2)" in said
    assert f"onex-analytics store rejected --store {store}" in said


def test_an_empty_file_is_remarked_on(tmp_path, capsys):
    assert main(["ingest", str(written(tmp_path, "a.jsonl", b"")), "--store", str(tmp_path / "s")]) == 0
    assert "Nothing was read" in capsys.readouterr().err


def test_a_file_that_was_stored_before_says_so_of_its_rejected_lines_too(tmp_path, capsys):
    words = ["ingest", str(written(tmp_path, "a.jsonl", lines(3) + b"broken\n")), "--store", str(tmp_path / "s")]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    assert main(words) == 0
    assert "1 of 1 units were stored before and are skipped" in capsys.readouterr().err


def test_another_form_of_time_is_no_repair(tmp_path, capsys):
    text = lines(2).decode()
    zoned = re.sub(r'("timestamp": ?"[^"Z+]+)"', r'\1Z"', text)
    assert zoned != text
    words = ["ingest", str(written(tmp_path, "a.jsonl", zoned.encode())), "--store", str(tmp_path / "s")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert re.search(r"other form of time +2", printed)
    assert "repaired" not in printed


def test_the_formats_are_named_in_the_help(capsys):
    assert main(["ingest", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in FORMATS)
