"""Every error a caller can see.

    GatewayError
    ├── BadBody                 400 7001  a body is not what a model is run on
    ├── BadHeader               400 7001  a request header breaks its rule
    ├── BadParameter            400 7001  a query parameter of the management API breaks its rule
    ├── BadPath                 400 7001  a path does not tell the provider's host
    ├── BadUniversal            400 7001  a universal request breaks its rules
    ├── Invalid                 400 7001  a body of the management API breaks its rules
    ├── BadBaseUrl              400 1002  in the management API
    ├── UnknownGateway          400 2001
    ├── UnknownProvider         400 2008
    ├── UnknownAlias            400 2040
    ├── MissingKey              400 7502
    ├── Unauthorized            401 2009
    ├── BadKey                  401 2009  the provider's key, not the gateway's token
    ├── Unauthenticated         401 10000 in the management API
    ├── Forbidden               403 10000 in the management API
    ├── Unpriced                403 2040
    ├── NotAllowed              403 7506  a binding does not let its holder do this
    ├── NotFound                404 7000  no such route
    ├── CustomProviderNotFound  404 1004  in the management API, as the next eight
    ├── BodyNotFound            404 7002
    ├── DatasetNotFound         404 7002
    ├── EvaluationNotFound      404 7002
    ├── GatewayNotFound         404 7002
    ├── KeyNotFound             404 7002
    ├── LogNotFound             404 7002
    ├── ProviderNotFound        404 7002
    ├── TokenNotFound           404 7002
    ├── MethodNotAllowed        405 7001
    ├── ChangedMeanwhile        409 7508  in the management API
    ├── CustomProviderExists    409 1003
    ├── GatewayExists           409 1003
    ├── RateLimited             429 2003
    ├── SpendLimited            429 2041
    ├── ClientLeft              499 2005  nobody reads this one but the log
    ├── Internal                500 7500  a fault of ours; the console has the trace
    ├── Misconfigured           500 7501  a fault of whoever deployed this gateway
    ├── NotResealed             500 7501  in the management API
    ├── NotBuilt                501 7503
    ├── Unreachable             502 2005
    ├── LimitUnavailable        503 7504
    ├── PurgeFailed             503 7505  in the management API
    ├── TailFailed              503 7507  in the management API
    └── UpstreamTimeout         504 2005

Codes are those of Cloudflare AI Gateway where it has one. 7500 to 7508 are ours.
"""

from errors.base import GatewayError
from errors.calls import (
    BadBody,
    BadHeader,
    BadKey,
    BadPath,
    BadUniversal,
    ClientLeft,
    Internal,
    LimitUnavailable,
    Misconfigured,
    MissingKey,
    NotAllowed,
    NotBuilt,
    NotFound,
    RateLimited,
    SpendLimited,
    Unauthorized,
    UnknownAlias,
    UnknownGateway,
    UnknownProvider,
    Unpriced,
    Unreachable,
    UpstreamTimeout,
)
from errors.management import (
    BadBaseUrl,
    BadParameter,
    BodyNotFound,
    ChangedMeanwhile,
    CustomProviderExists,
    CustomProviderNotFound,
    DatasetNotFound,
    EvaluationNotFound,
    Forbidden,
    GatewayExists,
    GatewayNotFound,
    Invalid,
    KeyNotFound,
    LogNotFound,
    MethodNotAllowed,
    NotResealed,
    ProviderNotFound,
    PurgeFailed,
    TailFailed,
    TokenNotFound,
    Unauthenticated,
)

__all__ = [
    "BadBaseUrl",
    "BadBody",
    "BadHeader",
    "BadKey",
    "BadParameter",
    "BadPath",
    "BadUniversal",
    "BodyNotFound",
    "ChangedMeanwhile",
    "ClientLeft",
    "CustomProviderExists",
    "CustomProviderNotFound",
    "DatasetNotFound",
    "EvaluationNotFound",
    "Forbidden",
    "GatewayError",
    "GatewayExists",
    "GatewayNotFound",
    "Internal",
    "Invalid",
    "KeyNotFound",
    "LimitUnavailable",
    "LogNotFound",
    "MethodNotAllowed",
    "Misconfigured",
    "MissingKey",
    "NotAllowed",
    "NotBuilt",
    "NotFound",
    "NotResealed",
    "ProviderNotFound",
    "PurgeFailed",
    "RateLimited",
    "SpendLimited",
    "TailFailed",
    "TokenNotFound",
    "Unauthenticated",
    "Unauthorized",
    "UnknownAlias",
    "UnknownGateway",
    "UnknownProvider",
    "Unpriced",
    "Unreachable",
    "UpstreamTimeout",
]
