"""Contract of sources.

class TestMine(SourceContract):
    def make(self) -> DocumentSource:
        return MySource()
    def put(self, name: str, text: str) -> str:
        ...                          # there is a document `name` with this text now; return its id
    def delete(self, name: str) -> None: ...
    def break_(self) -> None: ...    # from now on it cannot be listed
"""

from __future__ import annotations

from pathlib import Path

import pytest

from groundtune.errors import FetchFailed
from groundtune.knowledge.readers import reader_for
from groundtune.knowledge.sources import Content, DocumentSource, NotThere, Remote


class SourceContract:
    """Every source passes these tests. Override `make`, `put`, `delete` and `break_`."""

    def make(self) -> DocumentSource:
        """Return the source under test, as it is opened by each command anew."""
        raise NotImplementedError

    def put(self, name: str, text: str) -> str:
        """Let the source have a document, or have another text in it; return its id."""
        raise NotImplementedError

    def delete(self, name: str) -> None:
        """Take a document away from the source, and out of its list."""
        raise NotImplementedError

    def break_(self) -> None:
        """Let the source fail when it is listed."""
        raise NotImplementedError

    def listed(self) -> dict[str, Remote]:
        """Return what it lists, by id."""
        return {remote.document: remote for remote in self.make().listing().remotes}

    def fetched(self, document: str) -> Content:
        """Fetch what it lists."""
        content = self.make().fetch(self.listed()[document], {})
        assert content is not None, "it was not told anything that could be the same"
        return content

    def test_it_lists_what_it_has(self) -> None:
        """Ids are addresses, and no file of a folder can have one."""
        assert not self.listed()
        documents = {self.put("brook.txt", "Brook costs 7 euros."), self.put("delta.txt", "Delta costs 9 euros.")}
        assert self.listed().keys() == documents
        assert all("//" in document and document.startswith(self.make().beginnings) for document in documents)
        self.delete("brook.txt")
        assert len(self.listed()) == 1

    def test_it_fetches_what_it_lists(self) -> None:
        """The suffix of the name picks a reader."""
        content = self.fetched(self.put("brook.txt", "Brook costs 7 euros."))
        assert b"".join(content.pieces) == b"Brook costs 7 euros."
        assert ".txt" in reader_for(Path(content.name)).suffixes

    def test_a_change_is_seen(self) -> None:
        """By its mark, or by asking with what the last fetch gave."""
        document = self.put("brook.txt", "Brook costs 7 euros.")
        before, known = self.listed()[document], self.fetched(document).known
        self.put("brook.txt", "Brook costs 8 euros.")
        now = self.listed()[document]
        assert not now.mark or now.mark != before.mark
        content = self.make().fetch(now, known)
        assert content is not None
        assert b"".join(content.pieces) == b"Brook costs 8 euros."

    def test_what_is_gone_is_not_there(self) -> None:
        """Also if it went after it was listed."""
        document = self.put("brook.txt", "Brook costs 7 euros.")
        remote = self.listed()[document]
        self.delete("brook.txt")
        with pytest.raises(NotThere):
            self.make().fetch(remote, {})

    def test_a_failed_list_is_no_empty_list(self) -> None:
        """Else all documents would be removed."""
        self.put("brook.txt", "Brook costs 7 euros.")
        self.break_()
        with pytest.raises(FetchFailed):
            self.make().listing()
