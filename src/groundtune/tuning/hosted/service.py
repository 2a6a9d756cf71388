"""Bedrock's control plane and S3 in one region: calls that are patient, and refusals that say what to do.

Knows no job and no settings. Time goes through `pause` and `backoff` alone, so that tests need not wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from groundtune.errors import TuningError
from groundtune.http import Backoff, Passing, aws

TIMEOUT = 60.0  # seconds that one reply may take
BUSY = Backoff(attempts=8, base=1.0, longest=60.0)
LAGS = (1.0, 2.0, 5.0, 10.0, 20.0)  # seconds between looks for what was just made: lists of AWS run behind
_TAKEN = frozenset({"ConflictException", "ResourceInUseException"})
_ABSENT = frozenset({"ResourceNotFoundException", "NoSuchKey", "NoSuchBucket", "404"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "403", "UnauthorizedOperation"})
_SIGN_IN = frozenset(
    "ExpiredTokenException ExpiredToken UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId "
    "InvalidSignatureException SignatureDoesNotMatch".split()
)
# what a call needs besides the permission of its own name
_ALSO = {"CreateModelCustomizationJob": " and `iam:PassRole` for `[tuning.bedrock] role_arn`"}
_PERMISSIONS = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket"}
_OF_S3 = frozenset({"PutObject", "GetObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"})
Sought = TypeVar("Sought")


class AwsRefused(TuningError):
    """AWS refused a call for good; `refusal` is how."""

    refusal: aws.Refusal

    @property
    def taken(self) -> bool:
        """Whether the name is in use already, as some services say by code and others in words."""
        said = self.refusal.said.lower()
        return self.refusal.code in _TAKEN or "in use" in said or "already exist" in said

    @property
    def absent(self) -> bool:
        """Whether there is no such thing."""
        return self.refusal.code in _ABSENT

    @property
    def denied(self) -> bool:
        """Whether the credentials may not ask this."""
        return self.refusal.code in _DENIED


class Service:
    """Calls of AWS. `place` names the model in messages; `pause` waits so many seconds."""

    def __init__(
        self,
        place: str,
        region: str,
        backoff: Backoff = BUSY,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = place
        self.region = region
        self.pause = pause
        self._backoff = backoff
        self._bedrock = self._client("bedrock")
        self._s3 = self._client("s3")

    def bedrock(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Call an operation of Bedrock's control plane by its name in boto3. Raises `AwsRefused`, `TuningError`."""
        return self._patiently(lambda: getattr(self._bedrock, operation)(**parameters))

    def s3(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Call an operation of S3 by its name in boto3. Raises `AwsRefused`, `TuningError`."""
        return self._patiently(lambda: getattr(self._s3, operation)(**parameters))

    def upload(self, path: Path, bucket: str, key: str, extra: Mapping[str, str], told: Callable[[int], None]) -> None:
        """Put a file into a bucket, in parts if it is large; `told` gets the bytes of each that has gone."""

        def put() -> dict[str, Any]:
            from boto3.s3.transfer import TransferConfig

            with path.open("rb") as file:  # anew for every try
                self._s3.upload_fileobj(
                    file, bucket, key, ExtraArgs=dict(extra), Callback=told, Config=TransferConfig(use_threads=False)
                )
            return {}

        self._patiently(put)

    def listed(self, operation: str, key: str, **parameters: object) -> Iterator[dict[str, Any]]:
        """Yield what Bedrock lists under `key`, page after page."""
        token: dict[str, object] = {}
        while True:
            page = self.bedrock(operation, **parameters, **token)
            yield from page.get(key, [])
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def found_or_made(self, find: Callable[[], Sought | None], make: Callable[[], object], what: str) -> Sought:
        """Return what `find` finds; where it finds nothing, `make` is called once, and it is looked for again.

        A name that is taken by then was taken by an earlier call of ours that this one did not see.
        """
        if (thing := find()) is not None:
            return thing
        try:
            make()
        except AwsRefused as refused:
            if not refused.taken:
                raise
        for lag in (0.0, *LAGS):
            self.pause(lag)
            if (thing := find()) is not None:
                return thing
        raise self.failure(
            f"AWS does not show {what}, which was just made.",
            "Run the same command again. If you deleted one of this name, it can take some hours until Bedrock no "
            "longer takes the request for the earlier one.",
        )

    def failure(self, message: str, remedy: str) -> TuningError:
        """Return an error that names the model."""
        return TuningError(message, place=self.place, remedy=remedy)

    def _client(self, service: str) -> Any:  # noqa: ANN401
        return aws.client(service, self.region, aws.timeouts(TIMEOUT), f"tuning `{self.place}`", self.failure)

    def _patiently(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return self._backoff.run(
            lambda: aws.once(call, self.failure, self._refused, TIMEOUT, "Correct the settings in `[tuning.bedrock]`."),
            self.failure,
        )

    def _refused(self, refusal: aws.Refusal) -> Exception:
        if refusal.passes:
            remedy = "Run the same command again later: it goes on where it stopped."
            return Passing(f"AWS {refusal.told}", remedy, refusal.wait)
        refused = AwsRefused(f"AWS {refusal.told}", place=self.place, remedy=_remedy(refusal))
        refused.refusal = refusal
        return refused


def _remedy(refusal: aws.Refusal) -> str:
    operation, code = refusal.operation, refusal.code
    if code in _SIGN_IN:
        return "Sign in again, or renew the access keys."
    if code in _DENIED:
        service = "s3" if operation in _OF_S3 else "bedrock"
        permission = _PERMISSIONS.get(operation, f"{service}:{operation}")
        return f"Give the credentials `{permission}`{_ALSO.get(operation, '')}."
    if code == "ServiceQuotaExceededException":
        return "Wait until others have ended, or request a higher quota in Service Quotas."
    known: Mapping[str, str] = {
        "NoSuchBucket": "Create the bucket, or correct `[tuning.bedrock] bucket`.",
        "ResourceNotFoundException": "Check `[model] name`, its region, and what `[tuning.bedrock]` names.",
        "ValidationException": "Correct what it names, in `[tuning.bedrock]` or in the role's permissions.",
    }
    return known.get(code, "Check the credentials and `[tuning.bedrock]`.")
