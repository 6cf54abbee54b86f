"""A real PostgreSQL server for tests: Debian's binaries, a temporary folder, a socket nobody else reaches."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psycopg

#: Newest first.
FOLDERS = sorted(
    Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: -int(each.parent.name.split(".")[0])
)


def server_folder() -> Path | None:
    """The folder of the server's programs: version 15 where there is one, else the newest; None without any."""
    found = [each for each in FOLDERS if (each / "initdb").exists()]
    return next((each for each in found if each.parent.name == "15"), found[0] if found else None)


class Postgres:
    """One server with `fsync` off. It refuses to run as root, so under root it runs as an ordinary user."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._home = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name))
            os.chown(self._home, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._made = 0

    def __enter__(self) -> Self:
        data = self._home / "data"
        initdb = [
            self._programs / "initdb",
            "-D",
            data,
            "-U",
            "ledger",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **self._as)
        self.start()
        return self

    def start(self) -> None:
        """Start the server, after `stop` too."""
        options = {
            "listen_addresses": "",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        command = [self._programs / "postgres", "-D", self._home / "data", "-k", self._home]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                command, stdout=log, stderr=log, cwd="/", start_new_session=True, **self._as
            )
        self._wait()

    def stop(self) -> None:
        """End all sessions and the server; its data stay."""
        self._server.send_signal(2)  # SIGINT: end the sessions, then stop
        try:
            self._server.wait(20)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(10)

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def new_database(self, like: str = "template1", options: str = "") -> str:
        """Create a database, empty or a copy of the one of this name, and return its address."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like} {options}")
        return f"postgresql+psycopg://ledger@/{name}?host={self._home}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the server's superuser, each at once."""
        with self.connect(database) as connection:
            for each in statements:
                connection.execute(each)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Open a session as the server's superuser; every statement is committed at once."""
        return psycopg.connect(host=str(self._home), user="ledger", dbname=database, autocommit=True)

    @staticmethod
    def name(url: str) -> str:
        """The name of the database at an address."""
        return url.rpartition("@/")[2].partition("?")[0]

    def drop_database(self, url: str) -> None:
        """Drop a database, ending whatever is still connected to it."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.name(url)} WITH (FORCE)")

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise RuntimeError((self._home / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
