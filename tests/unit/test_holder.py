"""What the props of a binding let its holder do."""

from dataclasses import replace

import pytest

from bound.holder import Holder
from call import Ask, Target
from errors import NotAllowed
from fakes import a_call
from providers.base import Named


def holder(props: str | None = None) -> Holder:
    return Holder.of(props, "main")


@pytest.mark.parametrize("props", [None, "", "{}"])
def test_without_props_every_gateway_of_the_account_and_every_model_is_open(
    props: str | None,
) -> None:
    assert holder(props) == Holder("main")
    assert holder(props).gateway_of("any") == "any"


@pytest.mark.parametrize("asked", [None, "", 5])
def test_who_names_no_gateway_uses_the_default_one(asked: object) -> None:
    assert holder().gateway_of(asked) == "default"
    assert holder('{"gateway": "red"}').gateway_of(asked) == "red"


def test_another_gateway_than_that_of_the_props_is_refused() -> None:
    with pytest.raises(NotAllowed, match=r"gateway 'blue'.*Use 'red'"):
        holder('{"gateway": "red"}').gateway_of("blue")


@pytest.mark.parametrize(
    ("props", "where"),
    [
        ("[]", "the object"),
        ("{", "the object"),
        ('{"gatway": "red"}', "gatway"),
        ('{"gateway": 5}', "gateway"),
        ('{"models": "openai/*"}', "models"),
        ('{"gateway": ""}', "gateway"),
        ('{"account": ""}', "account"),
        ('{"metadata": {"a": []}}', "metadata"),
        ('{"metadata": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}}', "metadata"),
    ],
)
def test_props_that_break_their_rules_open_nothing(props: str, where: str) -> None:
    with pytest.raises(NotAllowed, match=f"its props are wrong at '{where}"):
        holder(props)


def test_metadata_of_the_props_comes_first_and_stays() -> None:
    asked = a_call({"cf-aig-metadata": '{"team": "blue", "a": 1, "b": 2, "c": 3, "d": 4}'})

    admitted = holder('{"metadata": {"team": "red", "app": "web"}}').admit(asked)

    # No more than a request may have.
    assert admitted.options.metadata == {"team": "red", "app": "web", "a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("pattern", "model", "allowed"),
    [
        ("openai/gpt-5*", "gpt-5-mini", True),
        ("openai/gpt-5*", "gpt-4", False),
        ("openai/*", "gpt-4", True),
        ("*", "gpt-4", False),
        ("anthropic/*", "gpt-4", False),
        ("openai/GPT-4", "gpt-4", False),
    ],
)
def test_a_star_stands_for_a_part_of_a_name_without_a_slash(
    pattern: str, model: str, allowed: bool
) -> None:
    call = a_call(ask=Ask(model))

    admitted = replace(holder(), models=(pattern,)).admit(call)

    assert (admitted.problem is None) is allowed
    assert admitted.admitted


@pytest.mark.parametrize("name", ["xai/grok-4", "grok/grok-4"])
def test_a_model_is_allowed_under_each_of_its_author_s_names(name: str) -> None:
    call = replace(a_call(ask=Ask("grok-4")), target=Target("grok", "v1/chat/completions", ""))

    assert replace(holder(), models=(name,)).admit(call).problem is None


def test_a_request_whose_model_nobody_can_tell_is_refused() -> None:
    refused = replace(holder(), models=("openai/*",)).admit(a_call(ask=Ask(None)))

    assert isinstance(refused.problem, NotAllowed)


@pytest.mark.parametrize(("other", "allowed"), [("gpt-5-mini", True), ("o3", False)])
def test_models_that_may_take_the_place_of_the_first_are_held_to_the_props(
    other: str, allowed: bool
) -> None:
    call = a_call(ask=Ask("gpt-5", others=(other,)))

    for name in (None, "openai/gpt-5"):
        admitted = replace(holder(), models=("openai/gpt-5*",)).admit(call, name)
        assert (admitted.problem is None) is allowed


def test_every_step_of_a_list_is_held_to_the_props() -> None:
    steps = (a_call(ask=Ask("gpt-5")), a_call(ask=Ask("o3")))

    admitted = replace(holder(), models=("openai/gpt-5",)).admit(
        replace(steps[0], fallbacks=(steps[1],))
    )

    assert admitted.problem is None
    assert isinstance(admitted.fallbacks[0].problem, NotAllowed)


def test_bytes_that_name_the_model_are_refused_where_models_are_confined() -> None:
    in_path, in_body = Named("run/@cf/x", {"language": "it"}), Named("audio", {"model": "gpt-5"})
    confined = replace(holder(), models=("*/*",))

    confined.admit_bytes("@cf/x", in_path)
    holder().admit_bytes("openai/gpt-5", in_body)
    with pytest.raises(NotAllowed, match="bytes as the input of 'openai/gpt-5'"):
        confined.admit_bytes("openai/gpt-5", in_body)


@pytest.mark.parametrize(
    ("patch", "metadata"),
    [
        ({"metadata": {"team": "blue", "a": 1}}, {"team": "red", "a": 1}),
        ({"metadata": None}, {"team": "red"}),
        ({"metadata": {}}, {"team": "red"}),
        ({"metadata": "wrong"}, "wrong"),
    ],
)
def test_metadata_of_the_props_stays_when_a_row_is_changed(
    patch: dict[str, object], metadata: object
) -> None:
    red = holder('{"metadata": {"team": "red"}}')

    assert red.marked(patch | {"score": 1}) == {"metadata": metadata, "score": 1}
    assert red.marked({"score": 1}) == holder().marked({"score": 1}) == {"score": 1}
    assert holder().marked({"metadata": None}) == {"metadata": None}


@pytest.mark.parametrize(
    ("metadata", "owned"),
    [({"team": "red", "a": 1}, True), ({"team": "blue"}, False), ({}, False), (None, False)],
)
def test_a_row_is_the_holder_s_that_bears_its_metadata(
    metadata: dict[str, object] | None, owned: bool
) -> None:
    assert holder('{"metadata": {"team": "red"}}').owns({"metadata": metadata}) is owned
    assert holder().owns({"metadata": metadata})
