"""The objects below a prefix in Amazon S3, or in a service that speaks its protocol: `s3://BUCKET/PREFIX`.

Needs `s3:ListBucket` on the bucket and `s3:GetObject` below the prefix. Credentials, and the address of another
service (AWS_ENDPOINT_URL_S3), are boto3's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from pydantic import Field

from groundtune.errors import FetchFailed, NotReached, SettingsError
from groundtune.http import Backoff, Passing, aws
from groundtune.knowledge.folder import ignored_name
from groundtune.knowledge.sources import Content, NotThere, Remote, SourceListing
from groundtune.settings import KnowledgeSettings, Table

_FORM = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_PIECE = 1_000_000  # bytes
_RIGHTS = "It needs s3:ListBucket on the bucket and s3:GetObject below the prefix."


class S3Settings(Table):
    """`[knowledge.s3]`: how documents in Amazon S3 are fetched."""

    region: str | None = Field(None, description="Region of the buckets. If not set, that of the AWS profile.")
    timeout: float = Field(60.0, gt=0, description="Maximum time for one reply, in seconds.")


class S3Source:
    """The objects of `bucket` below the folder `prefix`, which is all of them if it is ""."""

    def __init__(self, bucket: str, prefix: str, settings: S3Settings, backoff: Backoff | None = None) -> None:
        self._bucket, self._settings = bucket, settings
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._backoff = backoff or Backoff()
        self.beginnings = (f"s3://{bucket}/{self._prefix}",)

    def listing(self) -> SourceListing:
        """Return the objects; what systems and programs leave behind is ignored, as in a folder."""
        remotes, ignored = [], []
        for each in self._objects():
            document = f"s3://{self._bucket}/{each['Key']}"
            if each["Key"].endswith("/") and not each["Size"]:
                continue  # how consoles show an empty folder
            if reason := ignored_name(each["Key"].removeprefix(self._prefix)):
                ignored.append((document, reason))
            else:
                mark = f"{each['ETag']} {each['Size']}"
                remotes.append(Remote(document, mark, each["Key"].rpartition("/")[2], each["Size"]))
        return SourceListing(tuple(remotes), tuple(ignored))

    def fetch(self, remote: Remote, known: Mapping[str, str]) -> Content | None:
        """Return an object as it is now."""
        key = remote.document.removeprefix(f"s3://{self._bucket}/")
        reply = self._ask(lambda: self._client.get_object(Bucket=self._bucket, Key=key), remote.document)
        return Content(remote.name, self._pieces(reply["Body"], remote.document))

    def _objects(self) -> Iterator[Mapping[str, Any]]:
        more: dict[str, str] = {}
        while True:
            listed = partial(self._client.list_objects_v2, Bucket=self._bucket, Prefix=self._prefix, **more)
            page = self._ask(listed, self.beginnings[0])
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _pieces(self, body: Any, place: str) -> Iterator[bytes]:  # noqa: ANN401 -- boto3's
        chunks = body.iter_chunks(_PIECE)
        try:
            while piece := self._once(lambda: next(chunks, b""), place):
                yield piece
        except Passing as error:
            raise self._failed(place)(error.message, error.remedy) from None

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 -- boto3's clients have no types
        config = aws.timeouts(self._settings.timeout)
        return aws.client("s3", self._settings.region, config, "A source in S3", self._failed(self.beginnings[0]))

    def _ask(self, call: Callable[[], aws.Called], place: str) -> aws.Called:
        return self._backoff.run(lambda: self._once(call, place), self._failed(place))

    def _once(self, call: Callable[[], aws.Called], place: str) -> aws.Called:
        def refused(refusal: aws.Refusal) -> Exception:
            if refusal.passes:
                return Passing(refusal.told, "Try again later.", refusal.wait)
            if refusal.operation == "GetObject" and refusal.code in ("NoSuchKey", "404"):
                return NotThere("is not there any more.", place=place)
            return FetchFailed(refusal.told, place=place, remedy=_RIGHTS)

        return aws.once(call, self._failed(place), refused, self._settings.timeout, _RIGHTS)

    @staticmethod
    def _failed(place: str) -> Callable[[str, str], Exception]:
        return lambda message, remedy: NotReached(message, place=place, remedy=remedy)


def groundtune_source(url: str, settings: KnowledgeSettings) -> S3Source | None:
    """Hook of `sources`. Raises `SettingsError` for a bucket that cannot be."""
    if not url.startswith("s3://"):
        return None
    match = _FORM.fullmatch(url)
    if match is None:
        raise SettingsError(f"`knowledge.sources` names {url!r}.", remedy="Write s3://BUCKET or s3://BUCKET/PREFIX.")
    return S3Source(match["bucket"], match["prefix"] or "", settings.part("s3", S3Settings))


def groundtune_settings() -> dict[str, type[Table]]:
    """Hook for settings."""
    return {"knowledge.s3": S3Settings}
