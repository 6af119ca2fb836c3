"""Brings the database up to date before the node starts, through workerd's own D1."""

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from serve.build import WORKERD
from serve.capnp_text import Struct
from serve.config import document
from serve.folder import Folder
from serve.listening import connected, private_socket
from serve.options import Options
from serve.stores import d1_binding, d1_service, disk
from serve.tied import tied

LEAVING_MS = 2_000
PATIENCE_S = 120
"""How long migrations may take in a cluster, the crash of an instance included."""
_MIGRATE = Path(__file__).with_name("migrate.js")


def migrate(folder: Folder, options: Options, migrations: Path) -> None:
    """Apply the migrations that the database does not have. Exits where one fails.

    They are the test of a Worker, which `workerd test` runs: nothing listens anywhere.
    """
    named = [(file.name, list(_statements(file))) for file in sorted(migrations.glob("*.sql"))]
    worker: Struct = {
        "compatibilityDate": options.wrangler["compatibility_date"],
        "modules": [{"name": _MIGRATE.name, "esModule": _MIGRATE.read_text()}],
        "bindings": [d1_binding("DB"), {"name": "MIGRATIONS", "json": json.dumps(named)}],
    }
    services = [{"name": "migrate", "worker": worker}, d1_service(), disk(options, "d1")]
    if options.cluster:
        _as_a_member(folder, options.cluster, services)
        return
    config = folder.configured("migrate.capnp", document({"services": services}))
    command = [WORKERD, "test", config, "--experimental"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The database cannot be migrated\n{done.stdout}{done.stderr}")


def _as_a_member(folder: Folder, cluster: Struct, services: list[Struct]) -> None:
    """Migrate as an instance that leaves the cluster when it has done so.

    One that just ended, as a test does, would hold on to the database for 20 s.
    """
    sockets: list[Struct] = [{"name": "migrate", "http": {}, "service": "migrate"}]
    member = {**cluster, "stopTimeoutMs": LEAVING_MS}
    text = document(
        {
            "cluster": member,
            "logging": {"structuredLogging": True},
            "services": services,
            "sockets": sockets,
        }
    )
    config = folder.configured("migrate.capnp", text)
    with private_socket() as (server, path):
        handed = ["--experimental", f"--socket-fd=migrate={server.fileno()}"]
        command = tied([WORKERD, "serve", config, *handed], signal.SIGTERM)
        with subprocess.Popen(
            command, pass_fds=[server.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        ) as process:
            server.close()
            try:
                told = _answer(path)
            finally:
                process.terminate()
    if told != "migrated":
        sys.exit(f"The database cannot be migrated: {told}")


def _answer(path: str) -> str:
    connection = http.client.HTTPConnection("migrate")
    try:
        connection.sock = connected(path, PATIENCE_S)
        connection.request("POST", "/")
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return "workerd did not start. What it said stands above"


def _statements(file: Path) -> Iterator[str]:
    statement = ""
    for line in file.read_text().splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), f"{file} ends within a statement"
