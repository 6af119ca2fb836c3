import pytest

from costs.terms import asked
from providers import PROVIDERS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"service_tier":"flex","messages":[]}', {"service_tier": "flex"}),
        ('{"serviceTier": "PRIORITY"}', {"service_tier": "priority"}),
        ('{"speed":"fast"}', {"speed": "fast"}),
        ('{"service_tier":"batch"}', {"service_tier": "batch", "processing": "batch"}),
        ('{"tools":[{"service_tier":"flex"}]}', {}),
        ('{"service_tier":7,"speed":""}', {}),
        ('{"service_tier":"flex"', {}),
        ('{"messages":[{"content":"\\"service_tier\\":\\"flex\\""}]}', {}),
        ("", {}),
        (None, {}),
    ],
)
def test_a_request_tells_on_what_terms_it_is_to_be_served(
    body: str | None, expected: dict[str, str]
) -> None:
    assert asked(body) == expected


@pytest.mark.parametrize(
    ("slug", "answer", "expected"),
    [
        ("openai", '{"service_tier":"priority","usage":{}}', {"service_tier": "priority"}),
        ("mistral", '{"usage":{"service_tier":"flex"}}', {"service_tier": "flex"}),
        (
            "anthropic",
            '{"type":"message","usage":{"service_tier":"standard","speed":"fast"}}',
            {"service_tier": "standard", "speed": "fast"},
        ),
        (
            "google-ai-studio",
            '{"usageMetadata":{"promptTokenCount":1,"serviceTier":"flex"}}',
            {"service_tier": "flex"},
        ),
        (
            "google-vertex-ai",
            '{"usageMetadata":{"promptTokenCount":1,"trafficType":"ON_DEMAND_PRIORITY"}}',
            {"service_tier": "priority"},
        ),
        (
            "google-vertex-ai",
            '{"usageMetadata":{"promptTokenCount":1,"trafficType":"ON_DEMAND"}}',
            {},
        ),
    ],
)
def test_an_answer_tells_on_what_terms_it_was_served(
    slug: str, answer: str, expected: dict[str, str]
) -> None:
    assert PROVIDERS[slug].dialect.report(answer).terms == expected


def test_a_stream_tells_on_what_terms_it_was_served() -> None:
    chat = 'data: {"service_tier":"flex","choices":[],"usage":{"prompt_tokens":1}}\n\n'
    responses = (
        'data: {"type":"response.completed",'
        '"response":{"service_tier":"flex","usage":{"input_tokens":1}}}\n\n'
    )
    messages = (
        'data: {"type":"message_start","message":{"usage":{"input_tokens":1,"speed":"fast"}}}\n\n'
    )

    assert PROVIDERS["openai"].dialect.stream_report(chat).terms == {"service_tier": "flex"}
    assert PROVIDERS["openai"].dialect.stream_report(responses).terms == {"service_tier": "flex"}
    assert PROVIDERS["anthropic"].dialect.stream_report(messages).terms == {"speed": "fast"}
