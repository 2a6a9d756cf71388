"""Finding the documents in a folder: which files there are, which are ignored, and what cannot be looked at.

Knows names and links only, not what is in a file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from groundtune.errors import InputError
from groundtune.knowledge.rules import SUFFIX, is_rule, ruled

# What systems and programs leave in folders, in lower case; nobody wrote it to be read.
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "$recycle.bin", "system volume information", "@eadir", "lost+found"})
_HIDDEN = (".", "~$")
_PERMISSIONS = "Check its permissions."


@dataclass(slots=True)
class Found:
    """The paths of a folder's files by document id, sorted; as texts, which are made in a tenth of a `Path`'s time.

    `failed` holds (id, reason) of what could not be looked at. Documents below the folders in `unlisted` ("plans/", or
    "" for all) may be there. `ignored` holds (path, reason), where the reason is one of few. `rules` are the paths of
    the files that say something about documents (`rules.py`), by name, those of the folders above included; "" for one
    that is there and must not be read.
    """

    files: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)

    def may_hold(self, document: str) -> bool:
        """Tell whether the folder holds `document`, as far as can be seen."""
        unseen = {name for name, _ in self.failed}
        return document in self.files or document in unseen or any(document.startswith(part) for part in self.unlisted)


def existing(folder: Path) -> Path:
    """Return the folder's absolute path. Raises `InputError` if there is none."""
    if not folder.is_dir():
        raise InputError(
            "the documents folder does not exist.", place=folder, remedy="Create it, or set [knowledge] documents."
        )
    return folder.resolve()


def scope(root: Path, paths: Sequence[Path] | None) -> list[Path]:
    """Return what is to be brought up to date, as absolute paths. Relative paths start at the current folder.

    Raises `InputError` if a path is missing or outside of `root`.
    """
    if paths is None:
        return [root]
    parts = []
    for path in paths:
        absolute = path.resolve()
        if not absolute.exists():
            raise InputError("no such file or folder.", place=path, remedy="Check the path.")
        if not absolute.is_relative_to(root):
            raise InputError(
                f"is outside the documents folder {root}.", place=path, remedy="Copy it into the folder first."
            )
        parts.append(absolute)
    return parts


def find(root: Path, parts: Sequence[Path]) -> Found:
    """Return the files in `parts` of `root`: none that is hidden, and no link that leads out of the folder."""
    found = Found()
    for part in parts:
        if part.is_file():
            _look_above(part, root, found)
            _look_above(part.with_name(part.name + SUFFIX), root, found)
        else:
            _walk(part, root, found)
        for folder in part.parents:
            if folder.is_relative_to(root):
                _look_above(folder / SUFFIX, root, found)
    found.failed += without_document(found)
    found.files = dict(sorted(found.files.items()))
    return found


def without_document(there: Found) -> list[tuple[str, str]]:
    """Return the rules of one document that is not there, with the reason."""
    seen = {*there.files, *(name for name, _ in (*there.failed, *there.ignored))}
    alone = []
    for name in there.rules:
        document = ruled(name)
        if not name.endswith(f"/{SUFFIX}") and name != SUFFIX and document not in seen:
            beside = document.rpartition("/")[2]
            alone.append((name, f"there is no `{beside}` beside it. Rename or delete it."))
    return alone


def ignored_name(path: str) -> str:
    """Return why what has this path below a folder is no document, by its names alone; "" if it may be one.

    >>> ignored_name("plans/.git/config"), ignored_name("plans/Thumbs.db"), ignored_name("plans/.meta.toml")
    ('hidden', 'system', '')
    """
    *folders, name = path.split("/")
    if reason := "hidden" if _is_hidden("/".join(folders)) else _ignored_file_name(name):
        return reason
    return "system" if any(folder.lower() in _SYSTEM_FOLDERS for folder in folders) else ""


def _ignored_file_name(name: str) -> str:
    if name.startswith(_HIDDEN) and name != SUFFIX:
        return "hidden"
    return "system" if name.lower() in _SYSTEM_FILES else ""


def _look_above(file: Path, root: Path, noted: Found) -> None:
    """Note a file that may be there, whatever folder was walked."""
    if os.path.lexists(file):
        name = file.relative_to(root).as_posix()
        _look_at(str(file), name, root, noted, hidden=_is_hidden(name.removesuffix(SUFFIX)))


def _walk(part: Path, root: Path, found: Found) -> None:
    def not_listed(error: OSError) -> None:
        name = _id(Path(error.filename), root)
        found.unlisted.append("" if name == "." else f"{name}/")
        kept = "What is held of its documents stays."
        found.failed.append((name, f"the folder cannot be listed: {error.strerror}. {kept} {_PERMISSIONS}"))

    for folder, subfolders, names in os.walk(part, onerror=not_listed):
        inside = Path(folder).relative_to(root).as_posix()
        before, hidden = "" if inside == "." else f"{inside}/", inside != "." and _is_hidden(inside)
        for name in sorted(subfolders):
            if reason := _ignored_folder(Path(folder, name)):
                subfolders.remove(name)
                found.ignored.append((shown(f"{before}{name}/"), reason))
        for name in names:
            _look_at(os.path.join(folder, name), f"{before}{name}", root, found, hidden=hidden)  # noqa: PTH118 -- faster


def _is_hidden(path: str) -> bool:
    return any(name.startswith(_HIDDEN) for name in path.split("/"))


def _ignored_folder(path: Path) -> str:
    if path.name.startswith(_HIDDEN):
        return "hidden"
    if path.name.lower() in _SYSTEM_FOLDERS:
        return "system"
    return "a link to a folder" if os.path.islink(path) else ""  # noqa: PTH114 -- it raises nothing


def _look_at(path: str, inside: str, root: Path, found: Found, *, hidden: bool) -> None:
    """Note the file at `path`, which is `inside` the folder; `hidden` if a folder on the way is."""
    id_ = shown(inside)
    name = inside.rpartition("/")[2]
    if reason := "hidden" if hidden else _ignored_file_name(name):
        found.ignored.append((id_, reason))
    elif id_ != inside:
        found.failed.append((id_, "its name is not UTF-8. Rename it."))
    else:
        try:
            reason = _ignored_file(path, root)
            if is_rule(name):
                found.rules[id_] = "" if reason else path
                return
        except (OSError, RuntimeError) as error:  # links in a circle are a RuntimeError before Python 3.13
            if is_rule(name):
                found.rules[id_] = ""
                return
            why = error.strerror if isinstance(error, OSError) else "a link that leads to itself"
            found.failed.append((id_, f"cannot be looked at: {why}. {_PERMISSIONS}"))
            return
        if reason:
            found.ignored.append((id_, reason))
        else:
            found.files[id_] = path


def _ignored_file(path: str, root: Path) -> str:
    mode = os.lstat(path).st_mode
    if S_ISREG(mode):
        return ""
    if not S_ISLNK(mode):
        return "not a file"
    try:
        target = Path(path).resolve(strict=True)
    except FileNotFoundError:
        return "a link to nothing"
    if not target.is_relative_to(root):
        return "a link out of the folder"
    return "" if target.is_file() else "not a file"


def _id(path: Path, root: Path) -> str:
    """Return the document's id: its path below `root`."""
    return shown(path.relative_to(root).as_posix())


def shown(path: str | Path) -> str:
    """Return a path as text that can be printed and stored; bytes that are not UTF-8 are shown as codes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
