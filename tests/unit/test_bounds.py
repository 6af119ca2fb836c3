"""How much a request asks for, in the words of whatever format it has."""

import pytest

from dialects.bounds import Bounds, bounds


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("{}", 1),
        ('{"n":3}', 3),
        ('{"n":2,"best_of":5}', 5),
        ('{"generationConfig":{"candidateCount":2}}', 2),
        ('{"imageGenerationConfig":{"numberOfImages":5}}', 5),
        ('{"instances":[{"prompt":"x"}],"parameters":{"sampleCount":4}}', 4),
        ('{"instances":[{"prompt":"x"},{"prompt":"y"}],"parameters":{"sampleCount":4}}', 8),
        ('{"input":{"num_images":4}}', 4),
        ('{"input":{"num_outputs":4}}', 4),
        ('{"requests":[{"prompt":"a"},{"prompt":"b"}]}', 2),
        ('{"prompt":["a","b"],"n":3}', 6),
        ('{"prompt":[[1,2],[3]]}', 2),
        ('{"prompt":[1,2,3]}', 1),
        ('{"prompt":"a"}', 1),
        ('{"n":0}', 1),
        ('{"n":"3"}', 1),
        ('{"batch":null}', 1),
        ('{"batch":{}}', None),
        ('{"batch":{"inputConfig":{"requests":{}}}}', None),
        ("", 1),
    ],
)
def test_how_many_answers_a_request_asks_for(body: str, count: int | None) -> None:
    assert bounds(body).answers == count


@pytest.mark.parametrize(
    ("body", "documents"),
    [
        ('{"query":"q","documents":["a",{"text":"b"}]}', 2),
        ('{"query":"q","documents":[]}', 0),
        ('{"message":"q","documents":["a","b"]}', None),
        ('{"documents":["a"]}', None),
    ],
)
def test_how_many_documents_it_wants_to_be_ranked(body: str, documents: int | None) -> None:
    assert bounds(body).documents == documents


@pytest.mark.parametrize("body", ["", "[]", "{", '"text"', "null", '{"prompt":{}}'])
def test_what_is_no_request_says_nothing(body: str) -> None:
    assert bounds(body) == Bounds()
