"""Calling AWS: its clients, what its SDK raises as our errors, and how models on Bedrock are named.

Callers say what a refusal means to them. botocore is imported inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from groundtune.errors import SettingsError
from groundtune.extras import not_installed
from groundtune.http.endpoint import CONNECT_SECONDS, MOST_TIMEOUTS, Passing
from groundtune.http.headers import request_id, retry_after

PREFIX = "bedrock:"
FORM = "Write bedrock:MODEL_ID@REGION, for example bedrock:amazon.nova-lite-v1:0@eu-west-1."
PASSING = frozenset(
    "ThrottlingException ModelTimeoutException InternalServerException ServiceUnavailableException "
    "ModelNotReadyException TooManyRequestsException RequestLimitExceeded SlowDown".split()
)
_SIGN_IN = "Set up a profile, a role or access keys, and sign in again if they have expired."
_EXCERPT = 300  # characters of what the service says
Called = TypeVar("Called")
MakeError = Callable[[str, str], Exception]


@dataclass(frozen=True, slots=True)
class Refusal:
    """How AWS refused a call: the operation, the error's code, the HTTP status, its words, and how long it asks to wait
    (seconds; None if it does not say)."""

    operation: str
    code: str
    status: int
    said: str
    wait: float | None = None

    @property
    def told(self) -> str:
        """What an error message says of it."""
        return f"answered {self.status} {self.code}: {self.said[:_EXCERPT]}"

    @property
    def passes(self) -> bool:
        """Whether the same call may be taken later."""
        return self.code in PASSING or self.status == 429 or self.status >= 500


def model_and_region(name: str, setting: str = "model.name") -> tuple[str, str]:
    """Return model id and region of `bedrock:MODEL_ID@REGION`, where an ARN is an id as well. Raises `SettingsError`.

    >>> model_and_region("bedrock:amazon.nova-lite-v1:0@eu-west-1")
    ('amazon.nova-lite-v1:0', 'eu-west-1')
    """
    model, _, region = name.removeprefix(PREFIX).rpartition("@")
    if not name.startswith(PREFIX) or not model or not region or len(f"{model} {region}".split()) != 2:
        raise SettingsError(f"`{setting}` is {name!r}.", remedy=FORM)
    return model, region


def client(service: str, region: str | None, config: Mapping[str, object], what: str, failure: MakeError) -> Any:  # noqa: ANN401
    """Return a boto3 client that never retries by itself: `Backoff` does, and says what it waited for.

    Without a `region` it is the profile's. `what` needs the client, in a message. Raises `NotInstalled`, or `failure`
    where profile or region are not what AWS knows.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise not_installed("aws", what, error) from None
    try:
        # a session of its own: the default one keeps the first credentials it saw for the life of the process
        return boto3.Session().client(
            service, region_name=region, config=Config(retries={"total_max_attempts": 1}, **config)
        )
    except (BotoCoreError, ValueError) as error:
        raise failure(f"cannot be asked: {error}.", "Check the region and the AWS profile.") from None


def credentials(region: str | None, what: str, failure: MakeError) -> tuple[Any, str]:
    """Return credentials, which renew themselves, and the region: the profile's where none is given.

    `what` needs them, in a message. Raises `NotInstalled`, or `failure` where there are none.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise not_installed("aws", what, error) from None
    try:
        session = boto3.Session(region_name=region)
        signing = session.get_credentials()
    except (BotoCoreError, ValueError) as error:
        raise failure(f"cannot be asked: {error}.", _SIGN_IN) from None
    if signing is None:
        raise failure("cannot be asked: there are no AWS credentials.", _SIGN_IN)
    if not session.region_name:
        raise failure("cannot be asked: no region is known.", "Set `region`, or one in the AWS profile.")
    return signing, str(session.region_name)


def timeouts(seconds: float) -> dict[str, object]:
    """Return the part of a client's `config` that says how long a reply may take."""
    return {"connect_timeout": min(CONNECT_SECONDS, seconds), "read_timeout": seconds}


def once(
    call: Callable[[], Called],
    failure: MakeError,
    refused: Callable[[Refusal], Exception],
    timeout: float,
    form: str,
) -> Called:
    """Call, and turn what the SDK raises into our errors: `Passing` for what may go better next time.

    `refused` makes an error of a refusal, `failure` of all else. `form` is the remedy where the SDK itself refuses the
    request.
    """
    from botocore import exceptions as sdk

    try:
        return call()
    except sdk.ClientError as error:
        raise refused(refusal(error)) from None
    except (sdk.NoCredentialsError, sdk.PartialCredentialsError, sdk.CredentialRetrievalError, sdk.SSOError) as error:
        raise failure(f"there are no AWS credentials ({error}).", _SIGN_IN) from None
    except sdk.ParamValidationError as error:
        raise failure(f"refuses this request: {error}", form) from None
    except sdk.ReadTimeoutError:
        late = f"did not reply within {timeout:g} seconds."
        raise Passing(late, "Raise the timeout.", most=MOST_TIMEOUTS) from None
    except sdk.BotoCoreError as error:
        unreached = isinstance(error, (sdk.EndpointConnectionError, sdk.ConnectTimeoutError, sdk.ProxyConnectionError))
        reason = f"cannot be reached ({error})."
        raise Passing(reason, "Check the region and the network.", unreached=unreached) from None
    except Exception as error:  # of a broken reply, the SDK's parsers raise whatever Python does
        raise failure(f"sent a reply that cannot be read ({error}).", "Try again.") from None


def refusal(error: Any) -> Refusal:  # noqa: ANN401 -- botocore is imported inside functions
    """Return what a `ClientError` of the SDK says."""
    details, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, headers = details.get("Code", ""), meta.get("HTTPHeaders", {})
    return Refusal(
        error.operation_name,
        f"{code[:1].upper()}{code[1:]}",  # in the middle of a stream it begins with a small letter
        meta.get("HTTPStatusCode", 0),
        details.get("Message", "") + request_id(headers),
        retry_after(headers.get("retry-after", "")),
    )
