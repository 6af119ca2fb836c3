"""Several nodes that share their data through a bucket: of one machine, or of several."""

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from serve.bucket import NAME, Bucket
from serve.build import Build, built
from serve.cluster_settings import ClusterSettings, Shared
from serve.config import configuration
from serve.folder import CLUSTER, WORKERS, Folder, claim
from serve.listening import listening
from serve.migrations import migrate
from serve.node import Node, started
from serve.options import Options
from serve.report import report
from serve.settings import Settings
from serve.single import options_of, secrets_of, tell
from serve.supervised import Supervised

BUCKET = "bucket"
"""What the bucket is called among the processes of this program."""
LOOK_UP_S = 0.2
"""How often it is looked whether a second signal has come."""


def run_cluster(settings: Settings, cluster: ClusterSettings, config: Path) -> int:
    """Serve until told to end. Returns the exit status."""
    folder = claim(settings.state, CLUSTER if cluster.shared else WORKERS)
    # The sockets of the nodes share the port with each other, and with nobody else.
    listening(settings.host, settings.port).close()
    running: list[Supervised] = []
    with built(config) as build:
        try:
            shared = cluster.shared or _own_bucket(folder, running)
            team = _Team(settings, shared, folder, build)
            migrate(team.folder_of(0), team.options(0), config.parent / "migrations")
            for worker in range(cluster.workers):
                _begin(team.supervised(worker), running)
            threading.Event().wait()
        except KeyboardInterrupt:
            report("info", "ending when what is under way is done")
        finally:
            end(running)
    return 0


@dataclass(frozen=True)
class _Team:
    """What the nodes of this machine have in common."""

    settings: Settings
    shared: Shared
    folder: Folder
    build: Build

    def folder_of(self, worker: int) -> Folder:
        return self.folder.part(f"workers/{worker}")

    def options(self, worker: int) -> Options:
        secrets = secrets_of(self.settings, self.folder)
        options = options_of(self.settings, self.folder_of(worker), self.build, list(secrets))
        cluster = self.shared.cluster(worker, self.settings.stop_s)
        return replace(options, cluster=cluster, variables={"CLUSTER": "1"})

    def supervised(self, worker: int) -> Supervised:
        """Return a node that, once begun, is started again whenever it ends."""
        folder = self.folder_of(worker)
        file = folder.configured("config.capnp", configuration(self.options(worker)))
        arguments = [file, "-I", folder.path, *self.build.arguments]
        secrets = secrets_of(self.settings, self.folder)
        locks = (self.folder.lock.fileno(), self.build.lock.fileno())

        def start() -> _Member:
            held = ExitStack()
            opened = listening(self.settings.host, self.settings.port, shared=True)
            held.enter_context(opened)
            # The cluster's configuration says how long it may take to leave.
            run = started(arguments, {"http": opened}, secrets, locks, signal.SIGTERM)
            return _Member(held.enter_context(run), held, self.settings)

        return Supervised(f"worker {worker}", start)


class _Member:
    """A node, and its socket, which nobody else answers on."""

    def __init__(self, node: Node, held: ExitStack, settings: Settings) -> None:
        self._node = node
        self._held = held
        self._settings = settings
        self._serves = False

    def ready(self) -> None:
        tell(self._settings, self._node.health())
        self._serves = True

    def wait(self) -> int:
        status = self._node.process.wait()
        # Who waits at its socket is refused, and turns to another one.
        self._held.close()
        return status

    def stop(self) -> None:
        if not self._serves:
            self._node.process.kill()
            return
        self._node.stop(self._settings.stop_s)

    def kill(self) -> None:
        self._node.process.kill()


def _own_bucket(folder: Folder, running: list[Supervised]) -> Shared:
    """Start a bucket in a folder, and wait until it is of use."""
    bucket = Bucket.of(folder.path / "bucket")
    supervised = Supervised(BUCKET, lambda: bucket.start([folder.lock.fileno()]))
    _begin(supervised, running)
    supervised.ready.wait()
    key = folder.kept("cluster-key")
    place = f"s3://{NAME}/cluster"
    return Shared(place, bucket.endpoint, "us-east-1", "127.0.0.1", 0, key, bucket.credentials)


def _begin(supervised: Supervised, running: list[Supervised]) -> None:
    # In this order: a signal that comes between finds all that was started.
    running.append(supervised)
    supervised.start()


def end(running: Sequence[Supervised]) -> None:
    """End all nodes but one together, then that one, and the bucket last.

    Whoever ends hands the database to another one, and still writes to it: one must be left.
    A second signal ends all at once.
    """
    bucket = [each for each in running if each.name == BUCKET]
    nodes = [each for each in running if each.name != BUCKET]
    with ThreadPoolExecutor(len(running) + 1) as pool:
        try:
            for together in (nodes[1:], nodes[:1], bucket):
                _wait([pool.submit(each.stop) for each in together])
        except KeyboardInterrupt:
            report("warn", "what is not done is cut off")
        finally:
            for each in running:
                each.kill()


def _wait(stops: Sequence[Future[None]]) -> None:
    # A signal that comes just before a wait does not end it: each one is short.
    while wait(stops, LOOK_UP_S).not_done:
        pass
    for each in stops:
        each.result()
