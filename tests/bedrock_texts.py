"""What Bedrock might send: texts for the tests of its dialect."""

import json

from hypothesis import strategies as st

DEEP = "[" * 100_000
GARBAGE = [
    "",
    " ",
    "x",
    "null",
    "[]",
    "1",
    '"a"',
    '{"a":',
    DEEP,
    '{"usage":1,"metadata":1}',
    "{\n}",
]
NAMES = st.sampled_from(
    ["type", "usage", "metadata", "stopReason", "bytes", "message", "error", "inputTokens"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)
