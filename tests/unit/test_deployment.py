import pytest

from deployment import Deployment
from errors import Misconfigured


@pytest.mark.parametrize("token", [None, ""])
def test_without_an_admin_token_there_is_none(token: str | None) -> None:
    assert Deployment.of({"ADMIN_TOKEN": token}, local=False) == Deployment(None, {})


def test_an_admin_token_is_read() -> None:
    assert Deployment.of({"ADMIN_TOKEN": "secret"}, local=False).admin_token == "secret"


def test_a_local_run_may_replace_the_addresses_of_providers() -> None:
    variables = {"UPSTREAMS": '{"openai":"http://127.0.0.1:9100/v1/"}'}

    deployment = Deployment.of(variables, local=True)

    assert deployment.upstreams == {"openai": "http://127.0.0.1:9100/v1"}


@pytest.mark.parametrize("upstreams", ["{}", '{"openai":"http://elsewhere"}', "x"])
def test_a_deployed_worker_may_not_replace_the_addresses_of_providers(upstreams: str) -> None:
    with pytest.raises(Misconfigured, match="UPSTREAMS is for local runs"):
        Deployment.of({"UPSTREAMS": upstreams}, local=False)


@pytest.mark.parametrize("upstreams", [None, ""])
@pytest.mark.parametrize("local", [True, False])
def test_no_addresses_replace_nothing(upstreams: str | None, local: bool) -> None:
    assert Deployment.of({"UPSTREAMS": upstreams}, local).upstreams == {}


@pytest.mark.parametrize("upstreams", ["x", "[]", '"http://x"', '{"openai":1}', '{"openai":null}'])
def test_addresses_that_cannot_be_read_are_told(upstreams: str) -> None:
    with pytest.raises(Misconfigured, match="UPSTREAMS is not a JSON object"):
        Deployment.of({"UPSTREAMS": upstreams}, local=True)
