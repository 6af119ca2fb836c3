"""What the benchmark makes of what it measured: medians, words and a table."""

import json

import pytest

from bench.choice import chosen
from bench.measures import Measure, Value, added, as_json, median_of_rounds
from bench.sites import Door
from bench.table import cell, table
from bench.told import Reply, told


def measure(value: Value, target: str = "ours", metric: str = "p50") -> Measure:
    return Measure(target, "json1", metric, value, "ms")


def answer(body: str, *, broken: bool = False) -> Reply:
    return Reply(200, None, body, broken)


def test_of_several_rounds_the_median_counts() -> None:
    rounds = [measure(9.0), measure(1.0), measure(2.0)]

    assert median_of_rounds(rounds) == [measure(2.0)]


def test_what_differs_in_target_or_metric_is_not_mixed() -> None:
    different = [measure(1.0), measure(2.0, "theirs"), measure(3.0, metric="p99")]

    assert median_of_rounds(different) == different


def test_a_round_that_failed_is_not_hidden_by_those_that_did_not() -> None:
    rounds = [measure(1.0), measure("fails: 500"), measure(1.0), measure("fails: 500")]

    assert median_of_rounds(rounds) == [measure("fails: 500")]


def test_a_target_without_the_feature_has_no_number() -> None:
    assert median_of_rounds([measure(None), measure(None)]) == [measure(None)]


def test_what_a_gateway_adds_is_the_difference_to_asking_the_provider_itself() -> None:
    measures = [measure(0.5, "direct"), measure(2.0), measure("fails: 500", "theirs")]

    assert added(measures, "json1", "p50") == [measure(1.5, metric="added p50")]


def test_without_the_floor_nothing_is_added_to_it() -> None:
    assert added([measure(2.0)], "json1", "p50") == []


def test_the_file_is_a_list_of_plain_measures() -> None:
    written = json.loads(as_json([measure(2.5), measure(None, "theirs")]))

    assert written == [
        {"target": "ours", "scenario": "json1", "metric": "p50", "value": 2.5, "unit": "ms"},
        {"target": "theirs", "scenario": "json1", "metric": "p50", "value": None, "unit": "ms"},
    ]


def test_the_table_has_a_column_for_each_target_and_a_row_for_each_thing() -> None:
    measures = [measure(2.0), measure(12.34, "theirs"), measure(3.0, metric="p99")]

    assert table(measures, ["ours", "theirs"]) == (
        "| scenario | what    | ours | theirs |\n"
        "| -------- | ------- | ---- | ------ |\n"
        "| json1    | p50, ms | 2    | 12.3   |\n"
        "| json1    | p99, ms | 3    |        |\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0714, "0.07"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (-0.5, "-0.50"),
        (0.0, "0"),
        (None, "-"),
        ("429 | 503", "429 / 503"),
    ],
)
def test_a_cell_has_the_digits_that_mean_something(value: Value, written: str) -> None:
    assert cell(value) == written


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (None, "no answer"),
        (Reply(0, None, "", broken=True), "cut off"),
        (Reply(503, None, "{}", broken=False), "503"),
        (Reply(429, "7", "{}", broken=False), "429, after 7"),
        (answer('{"id": 1}'), "whole"),
        (answer('{"id": '), "half"),
        (answer('{"id": ', broken=True), "cut"),
        (answer('data: {"id": 1}\n\ndata: [DONE]\n\n'), "1 events, done"),
        (answer('data: {"id": 1}\n\ndata: {"i\n\ndata: [DONE]\n\n'), "1+1 bad, done"),
        (answer('data: {"id": 1}\n\n', broken=True), "1 events, cut"),
        (answer('data: {"id": 1}\n\n'), "1 events, ended"),
        (answer('data: {"id": 1}\n\ndata: {"error": {}}\n\n'), "1 events, error"),
    ],
)
def test_an_answer_is_told_as_its_caller_sees_it(reply: Reply | None, words: str) -> None:
    assert told(reply) == words


def test_without_a_choice_all_is_chosen() -> None:
    assert chosen("", ["a", "b"], "target") == ["a", "b"]
    assert chosen(None, ["a", "b"], "target") == ["a", "b"]


def test_a_choice_keeps_the_order_of_the_whole() -> None:
    assert chosen("c, a", ["a", "b", "c"], "target") == ["a", "c"]


def test_a_name_that_is_none_ends_the_run_and_says_which_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no target d\. There are: a, b"):
        chosen("a,d", ["a", "b"], "target")


def test_a_prompt_has_the_length_that_was_asked_for() -> None:
    call = Door("http://gateway.test").call("json", "prompt", prompt=20_000)

    text = json.loads(call.body)["messages"][0]["content"]
    assert len(text) == 20_000
    assert text.startswith("play:json prompt ")


def test_requests_of_two_scenarios_are_never_the_same_to_a_cache() -> None:
    door = Door("http://gateway.test")

    assert door.call("json", "one").body != door.call("json", "another").body


def test_a_door_may_want_another_body() -> None:
    door = Door("http://gateway.test", wrap=lambda chat: [chat | {"model": "limited"}])

    (target,) = json.loads(door.call("json", "x", stream=True).body)
    assert (target["model"], target["stream"]) == ("limited", True)
