"""A vendor that answers what it is told to, and keeps what it was asked."""

import contextlib
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str
    """With its query, as it was written."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    body: bytes
    kind: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Vendor:
    """The server. An answer is found by the end of the path; what has none is a 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, Answer] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, asked: Asked) -> Answer:
        """Keep a request, and return what is answered."""
        self.asked.append(asked)
        path = asked.path.partition("?")[0]
        found = (answer for end, answer in self.answers.items() if path.endswith(end))
        return next(found, Answer(b"{}", status=404))

    def forget(self) -> None:
        """Begin anew."""
        self.asked.clear()
        self.answers.clear()

    @contextlib.contextmanager
    def running(self) -> Generator["Vendor", None, None]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            answer = vendor.answer(Asked(self.command, self.path, headers, body))
            self.send_response(answer.status)
            # HTTP/1.0: the end of the connection is the end of a stream.
            told = {"content-type": answer.kind, **answer.headers}
            if answer.kind.startswith("application/json"):
                told["content-length"] = str(len(answer.body))
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _answer  # noqa: N815 - as the library wants them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
