"""Amazon Bedrock: its runtime, and `bedrock-mantle`, which speaks OpenAI's and Anthropic's formats.

https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html
"""

import re
from typing import NoReturn

from dialects.bedrock import BEDROCK
from errors import BadPath
from providers.base import Example, Key, Provider
from signing.sigv4 import authorize

# A region becomes part of the host, and may not be anything else.
_PATH = re.compile(
    r"(bedrock-runtime|bedrock-mantle)/([a-z]{2,4}(?:-[a-z]{2,12}){1,2}-[0-9]{1,2})/(.*)"
)
_RULE = "Use bedrock-runtime/{region}/… or bedrock-mantle/{region}/…, the region as in us-east-1"
# China and Europe have clouds of their own:
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
_DOMAINS = {
    ("bedrock-runtime", "cn"): "amazonaws.com.cn",
    ("bedrock-runtime", "eusc"): "amazonaws.eu",
    ("bedrock-runtime", ""): "amazonaws.com",
    ("bedrock-mantle", "cn"): "api.amazonwebservices.com.cn",
    ("bedrock-mantle", ""): "api.aws",
}


def _address(_account: str, path: str) -> str:
    surface, region, rest = (_PATH.fullmatch(path) or _refuse(path)).groups()
    cloud = region.partition("-")[0]
    domain = _DOMAINS.get((surface, cloud)) or _DOMAINS[surface, ""]
    # Byte for byte: a caller's signature covers the path as it is written.
    return f"https://{surface}.{region}.{domain}/{rest}"


def _refuse(path: str) -> NoReturn:
    raise BadPath(path, _RULE)


PROVIDER = Provider(
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    docs="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html",
    dialect=BEDROCK,
    key=Key(also=("x-api-key",)),
    # What callers sign with, and what AWS's SDKs add and may sign.
    headers=("x-amz-*", "amz-sdk-*", "x-amzn-bedrock-*", "anthropic-*", "openai-*"),
    prices="aws",
    otel_name="aws.bedrock",
    example=Example(
        "bedrock-runtime/us-east-1/model/amazon.nova-lite-v1%3A0/converse",
        '{"messages": [{"role": "user", "content": [{"text": "Hello!"}]}]}',
    ),
    address=_address,
    authorize=authorize(
        {"bedrock-runtime": "bedrock", "bedrock-mantle": "bedrock-mantle"},
        re.compile("bedrock-mantle/[^/]+/anthropic/"),
    ),
)
