"""One workerd: started, asked, and ended when nothing is left to do."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from serve.build import WORKERD
from serve.capnp_text import Struct
from serve.listening import connected, private_socket
from serve.report import report
from serve.tied import tied

READY_S = 60
KEEPER: Struct = {"name": "keeper", "http": {}, "service": "keeper"}
"""The socket that the configuration of a node must have."""
_Broken = (OSError, http.client.HTTPException, ValueError)


class Node:
    """A process of workerd that runs."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", sockets: Sequence[socket.socket], keeper: str
    ) -> None:
        self.process = process
        self._sockets = sockets
        self._keeper = keeper

    def health(self) -> dict[str, Any]:
        """Return what `/healthz` tells, as soon as workerd runs.

        Exits where it does not, and where the Worker refuses to serve as it is configured.
        """
        connection = self._connect(READY_S)
        try:
            connection.request("GET", "/healthz")
            told: dict[str, Any] = json.loads(connection.getresponse().read())
        except _Broken:
            sys.exit("workerd did not start. What it said stands above")
        if "status" not in told:
            sys.exit(told.get("message", "the Worker does not tell how it is"))
        return told

    def stop(self, patience_s: float) -> None:
        """Let it finish what is under way, for so long at most or until a second signal comes."""
        until = time.monotonic() + patience_s
        try:
            with contextlib.suppress(*_Broken):
                self._finish(patience_s)
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            report("warn", f"what was not done within {patience_s:g} s is cut off")
        except KeyboardInterrupt:
            report("warn", "what is not done is cut off")
        finally:
            self.process.kill()
            self.process.wait()

    def _finish(self, patience_s: float) -> None:
        # The first to connect is the first to be accepted.
        with connected(self._keeper, patience_s) as idle:
            connection = self._connect(patience_s)
            try:
                answer = _ask_for_rest(connection)
            finally:
                self.process.terminate()
            # workerd closes connections without a request when it takes no more of them. Before
            # that it would not stand it that its socket is shut; after it, who comes is refused.
            idle.recv(1)
            for opened in self._sockets:
                opened.shutdown(socket.SHUT_RD)
            connection.send(b"0\r\n\r\n")
            answer.read()

    def _connect(self, patience_s: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("keeper")
        connection.sock = connected(self._keeper, patience_s)
        return connection


def _ask_for_rest(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """Send all but the end of a request that is answered when nothing is left to do."""
    connection.putrequest("POST", "/rest")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    answer = connection.getresponse()
    answer.readline()
    return answer


@contextlib.contextmanager
def started(
    arguments: Sequence[str | Path],
    sockets: Mapping[str, socket.socket],
    secrets: Mapping[str, str],
    locks: Sequence[int] = (),
    orphaned: signal.Signals = signal.SIGKILL,
) -> Generator[Node, None, None]:
    """Start workerd. It is the block's to stop it.

    `arguments` follow `workerd serve`; `sockets` listen, by their names in the configuration;
    `secrets` are for its environment; `locks` are descriptors of what is locked while it runs.
    It gets `orphaned` where this program dies before it. Told politely it would finish what is
    under way, however long that takes, and let others wait at its socket.
    """
    with private_socket() as (server, path):
        named = {name: opened.fileno() for name, opened in sockets.items()}
        named["keeper"] = server.fileno()
        handed = (f"--socket-fd={name}={number}" for name, number in named.items())
        process = subprocess.Popen(
            tied([WORKERD, "serve", *arguments, "--experimental", *handed], orphaned),
            env=os.environ | secrets,
            pass_fds=[*named.values(), *locks],
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for this program alone, which then ends workerd as it should be ended.
            start_new_session=True,
        )
        # Who is connected is to notice when workerd ends.
        server.close()
        yield Node(process, list(sockets.values()), path)
