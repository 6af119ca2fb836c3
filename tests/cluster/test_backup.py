"""A copy of the data, made while nothing runs, and instances that go on from it."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import httpx

from cluster.instances import Instance, ask, serving
from running import SETTINGS, gone, until


def logged(instance: Instance) -> httpx.Response:
    """Make a gateway, and ask by it what it logs."""
    instance.gateway.manage(
        "POST", "/gateways", SETTINGS | {"id": "lasting", "authentication": False}
    )
    lasting = replace(instance.gateway, name="lasting")
    answer = ask(lasting)
    assert lasting.row_of(answer)["status_code"] == 200
    return answer


def has(instance: Instance, answer: httpx.Response) -> bool:
    """Return whether an instance has the row of an answer, and answers by the same gateway."""
    lasting = replace(instance.gateway, name="lasting")
    return lasting.row_of(answer)["status_code"] == ask(lasting).status_code == 200


def copy(shared: dict[str, str], new: str) -> None:
    """Copy all that is below the prefix of a cluster."""
    session: Any = boto3.Session(shared["AWS_ACCESS_KEY_ID"], shared["AWS_SECRET_ACCESS_KEY"])
    s3 = session.client("s3", endpoint_url=shared["BUCKET_ENDPOINT"], region_name="us-east-1")
    name, _, prefix = shared["BUCKET"].removeprefix("s3://").partition("/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=f"{prefix}/"):
        for each in page["Contents"]:
            source, key = {"Bucket": name, "Key": each["Key"]}, each["Key"]
            target = key.replace(prefix, new, 1)
            s3.copy_object(Bucket=name, CopySource=source, Key=target)


def test_several_workers_go_on_from_a_copy_of_their_folder_and_end_with_who_started_them(
    tmp_path: Path, upstreams: dict[str, str]
) -> None:
    with serving(tmp_path / "state", WORKERS="2", **upstreams) as before:
        answer = logged(before)
    subprocess.run(["cp", "-a", tmp_path / "state", tmp_path / "copy"], check=True)

    with serving(tmp_path / "copy", WORKERS="2", **upstreams) as after:
        assert has(after, answer)
        processes = after.children()
        after.process.kill()
        until(lambda: all(gone(pid) for pid in processes) or None, "their end", patience=40)


def test_instances_with_empty_folders_go_on_from_a_copy_of_the_prefix(
    tmp_path: Path, shared: dict[str, str]
) -> None:
    with serving(tmp_path / "a", **shared) as before:
        answer = logged(before)
    copy(shared, "restored")
    changed = {"BUCKET": "s3://sluice/restored"}

    with (
        serving(tmp_path / "b", **shared | changed) as b,
        serving(tmp_path / "c", **shared | changed) as c,
    ):
        assert has(b, answer)
        assert has(c, answer)
