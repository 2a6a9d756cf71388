"""One index of Amazon Kendra: its address, its settings and the five calls that are made of it.

Shapes, limits and errors are those of botocore's model of Kendra (2019-02-03), which is Amazon's API reference. Knows
no revisions and no access lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import Field

from groundtune.errors import SettingsError, StoreError
from groundtune.secrets import masked
from groundtune.settings import Table

if TYPE_CHECKING:
    from groundtune.http import Backoff, aws

SCHEME = "kendra"
BATCH = 10  # documents of one call
BATCH_BYTES = 5 * 2**20  # of text in one call, and so of a document
MOST_RESULTS = 100  # of a question, on all its pages
ATTEMPTS, FIRST_WAIT = 8, 1.0  # a unit of capacity takes one question in ten seconds
TIMEOUT = 60.0
Batched = TypeVar("Batched")
_ADDRESS = re.compile(r"kendra://([a-zA-Z0-9][a-zA-Z0-9-]{35})@([a-z]{2,}(?:-[a-z0-9]+)+)/?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_READY = ("ACTIVE", "UPDATING", "SYSTEM_UPDATING")  # while it is updated it answers
_SIGN_IN = frozenset(
    "UnrecognizedClientException InvalidSignatureException ExpiredTokenException InvalidClientTokenId "
    "MissingAuthenticationTokenException IncompleteSignatureException".split()
)
_REMEDIES = {
    "ResourceNotFoundException": "Check the index id and the region in [knowledge] store.",
    "ValidationException": "Check the index and [store.kendra]; docs/stores.md says what an index needs.",
    "ConflictException": "The index is being changed, or a connector of it owns such an id. Try again later.",
    "ServiceQuotaExceededException": "Give the index more capacity, or hold fewer documents in it.",
}


class KendraSettings(Table):
    """`[store.kendra]`: an index of Amazon Kendra."""

    access: Literal["kendra", "here"] = Field(
        "kendra",
        description="Who keeps to access lists. kendra: the index, which filters by groups, and groundtune once more. "
        "here: groundtune alone, for indexes that cannot; only where nobody else may search the index.",
    )
    language: str = Field(
        "en",
        description="Language of documents and questions, as Kendra codes it. Change it before the first ingestion.",
    )
    index_seconds: float = Field(
        1800.0,
        gt=0,
        description="Seconds to wait for documents to be indexed, and for another writer.",
    )

    def check(self) -> None:
        """Raise `SettingsError` for a language that cannot be one."""
        if not _LANGUAGE.fullmatch(self.language):
            raise SettingsError(
                f"`store.kendra.language` is {masked(self.language)!r}.",
                remedy="Write the code of a language, as de or pt-BR.",
            )


@dataclass(frozen=True, slots=True)
class KendraAddress:
    """An index and its region."""

    index: str
    region: str

    @property
    def url(self) -> str:
        """What `[knowledge] store` calls it."""
        return f"{SCHEME}://{self.index}@{self.region}"

    @classmethod
    def of(cls, url: str) -> KendraAddress:
        """Return the address in `url`. Raises `SettingsError`."""
        match = _ADDRESS.fullmatch(url)
        if match is None:
            raise SettingsError(
                f"`knowledge.store` is {masked(url)!r}, which names no index of Kendra and its region.",
                remedy="Write kendra://INDEX_ID@REGION, with the id of 36 characters that the console shows.",
            )
        return cls(match[1], match[2])


@dataclass(frozen=True, slots=True)
class IndexAbout:
    """What an index is: its edition, its policy of user context, and the text fields that it can search by."""

    edition: str
    policy: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class DocumentState:
    """How far Kendra is with a document, and why it failed."""

    status: str
    reason: str = ""

    @property
    def absent(self) -> bool:
        """Whether there is no such document, or no longer."""
        return self.status == "NOT_FOUND"

    @property
    def indexed(self) -> bool:
        """Whether it is found from now on."""
        return self.status in ("INDEXED", "UPDATED")

    @property
    def coming(self) -> bool:
        """Whether it is found, or will be without being sent again."""
        return self.indexed or self.status == "PROCESSING"

    @property
    def failed(self) -> bool:
        """Whether it will not be indexed."""
        return self.status in ("FAILED", "UPDATE_FAILED")


class KendraService:
    """The calls. Raises `StoreError` for what Kendra refuses; what it is too busy for is asked again."""

    def __init__(self, address: KendraAddress, client: Any | None = None, backoff: Backoff | None = None) -> None:  # noqa: ANN401
        from groundtune.http import Backoff, aws  # not before it is needed: every command asks whose a store's URL is

        self.address = address
        self.place = address.url
        self._backoff = backoff or Backoff(attempts=ATTEMPTS, base=FIRST_WAIT)
        self._client = client or aws.client(
            "kendra", address.region, aws.timeouts(TIMEOUT), "a knowledge base in Amazon Kendra", self.failure
        )

    def about(self) -> IndexAbout:
        """Look at the index. Raises `StoreError` while it is not ready."""
        told = self._call("describe_index", Id=self.address.index)
        status = told.get("Status", "")
        if status not in _READY:
            why = f": {masked(told['ErrorMessage'])}" if told.get("ErrorMessage") else ""
            raise self.failure(f"says that the index is {status}{why}.", "Wait until it is active, or see its console.")
        fields = {
            each["Name"]
            for each in told.get("DocumentMetadataConfigurations", [])
            if each["Type"] == "STRING_VALUE" and each.get("Search", {}).get("Searchable")
        }
        policy = told.get("UserContextPolicy", "ATTRIBUTE_FILTER")
        return IndexAbout(told.get("Edition", ""), policy, frozenset(fields))

    def put(self, documents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Send documents to be indexed; return why some were not taken, by their ids in Kendra."""
        refused: dict[str, str] = {}
        for batch in batches(documents, BATCH, BATCH_BYTES, lambda document: len(document["Blob"])):
            told = self._call("batch_put_document", IndexId=self.address.index, Documents=batch)
            refused |= _failures(told)
        return refused

    def states(self, ids: Sequence[str]) -> dict[str, DocumentState]:
        """Return how far Kendra is with each of these documents."""
        states = {}
        for batch in batches(ids, BATCH):
            asked = [{"DocumentId": each} for each in batch]
            told = self._call("batch_get_document_status", IndexId=self.address.index, DocumentInfoList=asked)
            for each in told.get("DocumentStatusList", []):
                reason = each.get("FailureReason") or each.get("FailureCode") or ""
                states[each["DocumentId"]] = DocumentState(each["DocumentStatus"], reason)
            for each in told.get("Errors", []):
                states[each["DocumentId"]] = DocumentState("UNKNOWN", each.get("ErrorMessage", ""))
        return {each: states.get(each, DocumentState("UNKNOWN", "Kendra did not say.")) for each in ids}

    def delete(self, ids: Sequence[str]) -> dict[str, str]:
        """Ask for at most ten documents to be deleted; return why some will not be, by id."""
        return _failures(self._call("batch_delete_document", IndexId=self.address.index, DocumentIdList=list(ids)))

    def pages(self, size: int, asked: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Yield the results of a question page by page, best first, as long as there are more."""
        for number in range(1, -(-MOST_RESULTS // size) + 1):
            told = self._call("retrieve", IndexId=self.address.index, PageNumber=number, PageSize=size, **asked)
            items = told.get("ResultItems", [])
            yield items
            if len(items) < size:
                return

    def failure(self, message: str, remedy: str) -> StoreError:
        """Return an error whose subject is the index."""
        return StoreError(message, place=self.place, remedy=remedy)

    def _call(self, operation: str, **parameters: object) -> dict[str, Any]:
        from groundtune.http import aws

        call: Callable[[], dict[str, Any]] = lambda: getattr(self._client, operation)(**parameters)  # noqa: E731
        form = "Check the index id in [knowledge] store."
        return self._backoff.run(lambda: aws.once(call, self.failure, self._refused, TIMEOUT, form), self.failure)

    def _refused(self, refusal: aws.Refusal) -> Exception:
        from groundtune.http import Passing

        told = f"{refusal.told.rstrip('.')}."
        if refusal.passes:
            return Passing(told, "Try again later, or give the index more capacity.", refusal.wait)
        remedy = _REMEDIES.get(refusal.code, "Check the index, and the AWS profile.")
        if refusal.code in _SIGN_IN:
            remedy = "Check the access keys or the profile, and sign in again if they have expired."
        elif "AccessDenied" in refusal.code:
            remedy = f"Give the credentials `kendra:{refusal.operation}` on this index; docs/stores.md has the policy."
        return self.failure(told, remedy)


def batches(
    items: Sequence[Batched],
    most: int,
    most_bytes: float = float("inf"),
    size: Callable[[Batched], int] = lambda item: 0,
) -> Iterator[list[Batched]]:
    """Yield `items` in order, at most so many and so many bytes at a time; one that is larger goes alone."""
    batch: list[Batched] = []
    taken = 0
    for item in items:
        if batch and (len(batch) == most or taken + size(item) > most_bytes):
            yield batch
            batch, taken = [], 0
        batch.append(item)
        taken += size(item)
    if batch:
        yield batch


def _failures(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        each["Id"]: each.get("ErrorMessage") or each.get("ErrorCode") or "no reason was given"
        for each in told.get("FailedDocuments", [])
    }
