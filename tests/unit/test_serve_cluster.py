"""What the environment says of a cluster, and how its processes are kept running."""

import signal
import threading

import pytest

from running import until
from serve.cluster import BUCKET, end
from serve.cluster_settings import ClusterSettings
from serve.supervised import Running, Supervised

SHARED = {
    "BUCKET": "s3://name/prefix",
    "CLUSTER_ADDRESS": "10.0.0.5:7000",
    "CLUSTER_KEY": "k" * 32,
    "ADMIN_TOKEN": "t",
    "ENCRYPTION_KEY": "e",
}


@pytest.mark.parametrize("environment", [{}, {"WORKERS": "1"}, {"WORKERS": ""}])
def test_one_process_without_a_bucket_is_no_cluster(environment: dict[str, str]) -> None:
    assert ClusterSettings.of(environment) is None


def test_several_processes_have_a_bucket_of_their_own() -> None:
    assert ClusterSettings.of({"WORKERS": "3"}) == ClusterSettings(3, None)


def test_each_process_of_a_machine_has_a_port_of_its_own_for_the_others() -> None:
    cluster = ClusterSettings.of(SHARED | {"WORKERS": "2", "BUCKET_ENDPOINT": "http://store"})

    assert cluster
    assert cluster.shared
    told = [cluster.shared.cluster(worker, 25) for worker in range(cluster.workers)]
    assert [each["address"] for each in told] == ["10.0.0.5:7000", "10.0.0.5:7001"]
    assert told[0]["bucketOptions"] == ["aws_region=us-east-1", "aws_endpoint=http://store"]
    assert {**told[0], "address": ""} == {**told[1], "address": ""}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"WORKERS": "two"}, "WORKERS is 'two'"),
        ({"WORKERS": "0"}, "WORKERS is '0'"),
        ({"BUCKET": "name"}, "BUCKET is 'name'"),
        ({"BUCKET": "s3://"}, "BUCKET is 's3://'"),
        ({"BUCKET": ""}, "CLUSTER_ADDRESS is for a cluster of several machines"),
        ({"CLUSTER_KEY": "k" * 31}, "CLUSTER_KEY has fewer than 32 bytes"),
        ({"CLUSTER_KEY": ""}, "CLUSTER_KEY is not set"),
        ({"ENCRYPTION_KEY": ""}, "ENCRYPTION_KEY is not set"),
        ({"CLUSTER_ADDRESS": "0.0.0.0:7000"}, "CLUSTER_ADDRESS is '0.0.0.0:7000'"),
        ({"CLUSTER_ADDRESS": "[::]:7000"}, "CLUSTER_ADDRESS is"),
        ({"CLUSTER_ADDRESS": "10.0.0.5"}, "CLUSTER_ADDRESS is '10.0.0.5'"),
    ],
)
def test_what_cannot_be_used_is_told(changed: dict[str, str], message: str) -> None:
    with pytest.raises(SystemExit, match="^" + message.replace("[", r"\[")):
        ClusterSettings.of(SHARED | changed)


class Process:
    """A process that ends when it is told to, or by itself."""

    def __init__(self, *, fails: bool = False) -> None:
        self.ended = threading.Event()
        self.fails = fails

    def ready(self) -> None:
        if self.fails:
            raise SystemExit("no")

    def wait(self) -> int:
        self.ended.wait(10)
        return 1

    def stop(self) -> None:
        self.ended.set()

    def kill(self) -> None:
        self.ended.set()


class Patient(Process):
    """A process that goes on for ten seconds after it is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()
        self.cut_off: bool | None = None

    def stop(self) -> None:
        self.told.set()
        self.cut_off = self.ended.wait(10)


def begun(name: str, process: Process) -> Supervised:
    supervised = Supervised(name, lambda: process)
    supervised.start()
    assert supervised.ready.wait(10)
    return supervised


@pytest.mark.parametrize("waited_for", [1, 0, 2], ids=["the others", "the last", "the bucket"])
def test_a_second_signal_ends_all_at_once(waited_for: int) -> None:
    processes = [Process(), Process(), Process()]
    slow = processes[waited_for] = Patient()
    names = ("worker 0", "worker 1", BUCKET)
    running = [begun(*each) for each in zip(names, processes, strict=True)]
    signal_again = threading.Thread(target=lambda: slow.told.wait(10) and raise_sigint())
    signal_again.start()

    end(running)

    signal_again.join()
    assert until(lambda: slow.cut_off, "the slow one")
    for each in running:
        each.join(10)
        assert not each.is_alive()


def raise_sigint() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_what_was_not_started_yet_is_ended_too() -> None:
    process = Process()
    running = [begun("worker 0", process), Supervised("worker 1", Process)]

    end(running)

    assert process.ended.is_set()
    running[1].start()
    running[1].join(10)
    assert not running[1].ready.is_set()


@pytest.mark.parametrize("fails", [False, True])
def test_a_process_that_ends_or_does_not_start_is_followed_by_another(fails: bool) -> None:
    made: list[Process] = []

    def start() -> Running:
        made.append(Process(fails=fails and not made))
        return made[-1]

    supervised = Supervised("it", start, first_s=0.01)
    supervised.start()
    until(lambda: made or None, "the first")[0].ended.set()

    until(lambda: len(made) == 2 or None, "the second")
    supervised.stop()
    assert made[1].ended.is_set()


@pytest.mark.parametrize("error", [SystemExit("the port is taken"), OSError("no memory")])
def test_one_that_cannot_be_started_is_started_again(error: BaseException) -> None:
    made: list[Process] = []
    errors = [error]

    def start() -> Running:
        if errors:
            raise errors.pop()
        made.append(Process())
        return made[-1]

    supervised = Supervised("it", start, first_s=0.01)
    supervised.start()

    until(lambda: supervised.ready.is_set() or None, "the second try")
    supervised.kill()
    supervised.join(10)
    assert made[0].ended.is_set()
    assert not supervised.is_alive()


def test_one_that_is_told_to_end_is_not() -> None:
    made: list[Process] = []

    def start() -> Running:
        made.append(Process())
        return made[-1]

    supervised = Supervised("it", start, first_s=0.01)
    supervised.start()
    supervised.ready.wait(10)
    supervised.stop()

    assert len(made) == 1
