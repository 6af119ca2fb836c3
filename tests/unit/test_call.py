from dataclasses import replace

import pytest

from call import Call
from fakes import ID, a_call


def of_a_silent_gateway(call: Call) -> Call:
    return replace(call, gateway=replace(call.gateway, collect_logs=False))


def test_the_event_of_a_call_is_the_callers_or_the_call_itself() -> None:
    assert a_call({"cf-aig-event-id": "order-7"}).event_id == "order-7"
    assert a_call().event_id == ID


@pytest.mark.parametrize(("wish", "logged"), [("true", True), ("false", False)])
def test_a_caller_decides_whether_a_call_is_logged(wish: str, logged: bool) -> None:
    call = a_call({"cf-aig-collect-log": wish})

    assert call.logged is logged
    assert of_a_silent_gateway(call).logged is logged


@pytest.mark.parametrize("headers", [{}, {"cf-aig-collect-log": "maybe"}])
def test_where_a_caller_does_not_say_the_gateway_decides(headers: dict[str, str]) -> None:
    call = a_call(headers)

    assert call.logged is True
    assert of_a_silent_gateway(call).logged is False
