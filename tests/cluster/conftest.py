"""A bucket, and what instances need to share it."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from cluster.instances import ENCRYPTION_KEY, KEY, Instance, Wire, serving
from serve.bucket import Bucket
from worker.scripted import ScriptedUpstream

_prefixes = count()


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """Run an S3-compatible server."""
    bucket = Bucket.of(tmp_path_factory.mktemp("bucket"))
    running = bucket.start()
    running.ready()
    yield bucket
    running.stop()


@pytest.fixture(scope="session")
def wire(bucket: Bucket) -> Iterator[Wire]:
    """Lead to the bucket by a way that can be cut."""
    wire = Wire(bucket)
    wire.mend()
    yield wire
    wire.cut()


@pytest.fixture(scope="session")
def upstreams(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}


def told(bucket: Bucket, wire: Wire, upstreams: dict[str, str]) -> dict[str, str]:
    """Return what all instances of a new cluster are told."""
    opened = dict(line.split("=", 1) for line in Path(bucket.credentials).read_text().split())
    return {
        **upstreams,
        **opened,
        "BUCKET": f"s3://sluice/test-{next(_prefixes)}",
        "BUCKET_ENDPOINT": wire.endpoint,
        "CLUSTER_ADDRESS": "127.0.0.1:0",
        "CLUSTER_KEY": KEY,
        "ENCRYPTION_KEY": ENCRYPTION_KEY,
    }


@pytest.fixture
def shared(bucket: Bucket, wire: Wire, upstreams: dict[str, str]) -> dict[str, str]:
    """What all instances of a cluster are told that a test begins and ends."""
    return told(bucket, wire, upstreams)


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, bucket: Bucket, wire: Wire, upstreams: dict[str, str]
) -> Iterator[tuple[Instance, Instance]]:
    """Run two instances, which all tests of a module ask."""
    folder, shared = tmp_path_factory.mktemp("pair"), told(bucket, wire, upstreams)
    with serving(folder / "a", **shared) as a, serving(folder / "b", **shared) as b:
        yield a, b


@pytest.fixture
def mortals(tmp_path: Path, shared: dict[str, str]) -> Iterator[tuple[Instance, Instance]]:
    """Run two instances, which a test may end."""
    with serving(tmp_path / "a", **shared) as a, serving(tmp_path / "b", **shared) as b:
        yield a, b
