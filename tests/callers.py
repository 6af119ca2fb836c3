"""Callers at once, each with connections of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from running import TLS


class Callers(ThreadPoolExecutor):
    """Threads, each with a client of its own.

    In one that they share, a thread can close the connection that another one was just given: the
    pool of httpx looks at what waits on it, and whether it is idle, one after the other.
    """

    def __init__(self, count: int, **options: Any) -> None:
        """Take how many there are, and the options of their clients."""
        self._options = options
        self._own = threading.local()
        self._clients: list[httpx.Client] = []
        super().__init__(count, initializer=self._begin)

    def _begin(self) -> None:
        self._own.client = httpx.Client(verify=TLS, **self._options)
        self._clients.append(self._own.client)

    def post(self, url: str, **more: Any) -> httpx.Response:
        """Send a POST from one of them."""
        client: httpx.Client = self._own.client
        return client.post(url, **more)

    def __exit__(self, *error: Any) -> None:
        """Wait for all, and close their connections."""
        super().__exit__(*error)
        for client in self._clients:
            client.close()
