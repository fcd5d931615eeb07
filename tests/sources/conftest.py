"""A PostgreSQL server of our own, and reading a source to its end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BINARIES = "/usr/lib/postgresql/*/bin"


class Server:
    """A server that listens on a socket in a folder of its own, and on no network."""

    def __init__(self, folder: Path, find: Callable[..., Path]) -> None:
        self.folder = folder
        self.binary = {name: find(name, BINARIES, mend="apt-get install postgresql") for name in ("initdb", "postgres")}
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
        # whatever ends these tests ends the server, too
        tool = find("setpriv", mend="apt-get install util-linux")
        self.as_user = [str(tool), "--pdeathsig=INT"]
        self.process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self.as_user += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]

    def start(self) -> None:
        data = self.folder / "data"
        subprocess.run(
            [*self.as_user, self.binary["initdb"], "-D", data, "-U", "onex", "--auth=trust", "-E", "UTF8", "--no-sync"],
            check=True, env=self.env, capture_output=True, cwd=self.folder,
        )  # fmt: skip
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self.as_user, self.binary["postgres"], "-D", data, "-k", self.folder, "-h", "", "-c", "fsync=off"],
                env=self.env, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        import adbc_driver_postgresql.dbapi as postgres

        for _ in range(200):
            try:
                postgres.connect(self.address()).close()
            except postgres.Error:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text())

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://onex@/{database}?host={self.folder}"

    def run(self, *statements: str) -> None:
        import adbc_driver_postgresql.dbapi as postgres

        with postgres.connect(self.address(), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def postgres_server(require_tool: Callable[..., Path]) -> Iterator[Server]:
    """A running server; its socket's path must be short, so that it does not lie among pytest's folders."""
    pytest.importorskip("adbc_driver_postgresql", reason="the extra postgres is not installed: `make setup`")
    folder = Path(tempfile.mkdtemp(prefix="onex-pg-"))
    try:
        server = Server(folder, require_tool)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
