"""What the environment says of a cluster."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serve.capnp_text import Struct

KEY_BYTES = 32
"""The least length of a cluster's key."""
LONGEST_STOP_S = 18
"""Nine tenths of it requests may still take. At three quarters workerd takes no more of them, and
that must be before it closes connections without a request, which it does after 15 s."""
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - refused


@dataclass(frozen=True)
class Shared:
    """A bucket that is there already, and how other instances reach those of this machine."""

    bucket: str
    """`s3://name/prefix`."""
    endpoint: str | None
    """Of what is not Amazon's own."""
    region: str
    host: str
    port: int
    """Of the first process of this machine; the others have the next ones. 0 is any."""
    key: str
    credentials: Path | None = None
    """The file of what opens the bucket. None: workerd finds it in its environment."""

    def cluster(self, worker: int, stop_s: float) -> Struct:
        """Return what workerd is told of the cluster."""
        options = [f"aws_region={self.region}"]
        if self.endpoint:
            options.append(f"aws_endpoint={self.endpoint}")
        if self.credentials:
            options.append(f"aws_credentials_file={self.credentials}")
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = self.port + worker if self.port else 0
        return {
            "bucket": self.bucket,
            "bucketOptions": options,
            "address": f"{host}:{port}",
            "key": self.key,
            "stopTimeoutMs": round(min(stop_s, LONGEST_STOP_S) * 1000),
        }


@dataclass(frozen=True)
class ClusterSettings:
    """The environment, as far as it is about a cluster."""

    workers: int
    """Processes on this machine."""
    shared: Shared | None
    """None: the processes of this machine have a bucket of their own."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "ClusterSettings | None":
        """Read an environment. None: no cluster. Exits with a message."""
        given = {name: value for name, value in environment.items() if value}
        workers = _workers(given.get("WORKERS"))
        shared = _shared(given) if "BUCKET" in given else None
        if shared is None:
            if lone := sorted({"BUCKET_ENDPOINT", "CLUSTER_ADDRESS", "CLUSTER_KEY"} & set(given)):
                sys.exit(f"{lone[0]} is for a cluster of several machines, which needs a BUCKET")
            if workers < 2:
                return None
        return cls(workers, shared)


def _workers(text: str | None) -> int:
    if text is None:
        return 1
    if not (text.isdecimal() and 0 < int(text) <= 64):
        sys.exit(f"WORKERS is {text!r}. Use a number of processes, one for each core")
    return int(text)


def _shared(given: Mapping[str, str]) -> Shared:
    bucket = given["BUCKET"]
    if not (bucket.startswith("s3://") and bucket.removeprefix("s3://").strip("/")):
        sys.exit(f"BUCKET is {bucket!r}. Use s3://name/prefix; BUCKET_ENDPOINT says whose")
    needed = ("CLUSTER_ADDRESS", "CLUSTER_KEY", "ADMIN_TOKEN", "ENCRYPTION_KEY")
    if missing := [name for name in needed if name not in given]:
        sys.exit(f"{missing[0]} is not set: all instances of a cluster must have the same")
    key = given["CLUSTER_KEY"]
    if len(key.encode()) < KEY_BYTES:
        sys.exit(
            f"CLUSTER_KEY has fewer than {KEY_BYTES} bytes. Make one with `openssl rand -hex 32`"
        )
    host, port = _address(given["CLUSTER_ADDRESS"])
    region = given.get("AWS_REGION", "us-east-1")
    return Shared(bucket, given.get("BUCKET_ENDPOINT"), region, host, port, key)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host in _WILDCARDS or not (port.isdecimal() and int(port) < 65536):
        sys.exit(
            f"CLUSTER_ADDRESS is {text!r}. Use the address and port at which the other instances "
            "reach this one, like 10.0.0.5:7000, on a private network"
        )
    return host, int(port)
