"""Several processes behind one port, with a bucket of their own."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cluster.instances import YEAR, Instance, ask, begin, serving
from running import SETTINGS, Gateway, gone, until

RULE = {"id": "r", "limit": 50, "limitType": "requests", "window": YEAR}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers") / "state"


@pytest.fixture(scope="module")
def two(data: Path, upstreams: dict[str, str]) -> Iterator[Instance]:
    with serving(data, WORKERS="2", **upstreams) as two:
        until(lambda: two.told().count('"ready"') == 2 or None, "both")
        yield two


def test_two_workers_share_a_port_and_their_limits(two: Instance) -> None:
    gateway = two.gateway
    another = gateway.another("limited", rate_limiting_rules=[RULE])
    with another as limited, ThreadPoolExecutor(40) as callers:
        answers = list(callers.map(ask, [limited] * 120))

    assert len(two.nodes()) == 2
    assert [answer.status_code for answer in answers].count(200) == 50


def test_one_that_dies_is_started_again(two: Instance) -> None:
    first, second = two.nodes()

    os.kill(first, signal.SIGKILL)

    until(lambda: len(set(two.nodes()) - {first, second}) == 1 or None, "another one")
    until(lambda: two.told().count('"ready"') == 3 or None, "it is ready", patience=60)
    assert second in two.nodes()


def test_all_of_them_end_together_and_what_was_logged_is_there_when_they_are_back(
    two: Instance, data: Path, upstreams: dict[str, str]
) -> None:
    lasting = replace(two.gateway, name="lasting")
    # The database may be one of those that just died.
    until(lambda: is_made(lasting), "a gateway", patience=60)
    answers = [ask(lasting) for _ in range(20)]
    processes = two.children()

    assert two.end() == 0

    assert all(gone(pid) for pid in processes)
    with pytest.raises(httpx.ConnectError):
        ask(lasting)
    with serving(data, WORKERS="2", **upstreams) as again:
        back = replace(again.gateway, name="lasting")
        assert all(back.row_of(answer)["status_code"] == 200 for answer in answers)


def is_made(gateway: Gateway) -> bool | None:
    asked = SETTINGS | {"id": gateway.name, "authentication": False}
    headers = {"authorization": f"Bearer {gateway.admin_token}"}
    made = httpx.post(f"{gateway.account}/gateways", json=asked, headers=headers, timeout=60)
    return made.is_success or None


@pytest.mark.parametrize("others", [{}, {"WORKERS": "1"}])
def test_the_data_of_several_is_refused_by_one_alone(
    data: Path, two: Instance, others: dict[str, str]
) -> None:
    one = begin(data, None, **others)

    assert one.process.wait(30) == 1
    assert "WORKERS=2 or more, without BUCKET" in one.told().splitlines()[-1]


def test_the_data_of_one_is_refused_by_several(tmp_path: Path, upstreams: dict[str, str]) -> None:
    with serving(tmp_path / "one", **upstreams):
        pass

    several = begin(tmp_path / "one", None, WORKERS="2", **upstreams)

    assert several.process.wait(30) == 1
    assert "one process alone" in several.told().splitlines()[-1]
