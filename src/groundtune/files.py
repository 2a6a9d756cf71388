"""Reading and writing the files that people write: JSONL and TOML, with errors that name file and line.

Knows no file format: callers bring a pydantic model for a line or a file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import re
import shutil
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ValidationError

from groundtune.errors import InputError

Row = TypeVar("Row", bound=BaseModel)

_PERMISSIONS = 0o777
_HIDDEN = ".groundtune-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# what writers in other languages say of it: safetensors, numpy's `tofile`
_SAID_OF_FULL = ("No space left", "os error 28", "quota exceeded", "File too large", "os error 27", "requested and")
_TICK = 2_000_000_000  # nanoseconds: the coarsest clock of a file system, FAT's
_NOTHING_LEFT = 1 << 16  # bytes: fewer than any file of weights takes
_appending = threading.Lock()


def _named(value: object) -> object:
    """A number is a name as well; NaN, infinity, true and false are none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    return value


Name = Annotated[str, BeforeValidator(_named)]
"""What files call cases, groups and people by: text, or a number, which is taken as text. Other text must be text."""


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text, without a byte-order mark. Raises `InputError` if missing or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file.", place=path, remedy="Check the path.") from None
    except IsADirectoryError:
        raise InputError("is a folder, not a file.", place=path, remedy="Name a file.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(
            f"not UTF-8 (byte {error.object[error.start]:#04x}).", place=path, line=line, remedy="Save it as UTF-8."
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}.", place=path, remedy="Check its permissions.") from None


def read_jsonl(path: Path, model: type[Row]) -> list[tuple[int, Row]]:
    """Return (line number, row) of every line that is not blank.

    Raises `InputError` with file, line, reason and remedy at the first line that is not what `model` says.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append((number, model.model_validate_json(line)))
        except ValidationError as error:
            raise _explain(error, path, number, model) from None
    return rows


def settled(changed: int, looked: int) -> bool:
    """Tell whether a file that was changed then, and looked at then, keeps its time of change only if it is the same.

    Both in nanoseconds. Within one tick of the clock it may have been changed once more.
    """
    return changed < looked - _TICK


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_toml(path: Path, model: type[Row]) -> Row:
    """Return what a TOML file says. Raises `InputError` with file, reason and remedy if it is not what `model` says."""
    try:
        return model.model_validate(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not valid TOML: {error}.", place=path, remedy="Correct that line.") from None
    except ValidationError as error:
        raise _explain(error, path, None, model) from None


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object a line; `path` is replaced at once or not at all."""
    write_text(path, json_lines(rows))


def json_lines(rows: Iterable[Mapping[str, object]]) -> str:
    """Return one JSON object a line, letters as they are."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def json_text(document: object, indent: int) -> str:
    """Return strict JSON, letters as they are; a number that JSON does not have, NaN or infinity, becomes null."""
    return json.dumps(_finite(document), ensure_ascii=False, indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, its ends of lines as they are, as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` so that after a crash `path` holds either all of the old or all of the new bytes.

    Any number of threads and processes may write the same file at once: it is always what one of them wrote. A new
    file has the permissions that the umask gives, one that is replaced keeps its own.
    """
    write_pieces(path, (data,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write what comes in pieces, as `write_bytes` does; whatever ends them early leaves `path` as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    try:
        with temporary.open("wb") as file:
            file.writelines(pieces)
        with suppress(FileNotFoundError):
            temporary.chmod(path.stat().st_mode & _PERMISSIONS)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def append_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Add one JSON object a line to the end of `path`. Rows that threads add at once do not run into one another."""
    text = json_lines(rows).encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    # one write of an unbuffered file that is open for appending: no other one comes in between
    with _appending, path.open("ab", buffering=0) as file:
        while text:
            text = text[file.write(text) :]


PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What adapters and encoders may be called: the name of a folder on any system."""


def within(folder: Path, name: str) -> Path:
    """Return the path that settings call `name`: it starts at `folder`, unless it is absolute or begins with ~.

    >>> str(within(Path("shop"), "data/cases.jsonl")), str(within(Path("shop"), "/data"))
    ('shop/data/cases.jsonl', '/data')
    """
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:  # nobody is called so: a file may be
        return folder / name


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place when the block ends, and is gone if the block fails.

    What was in `folder` is there until then. Raises `InputError` where the disk is full.
    """
    with full_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary, old = beside(folder), beside(folder)
        try:
            temporary.mkdir()
            yield temporary
            if folder.exists():
                folder.rename(old)
            temporary.rename(folder)
        finally:
            if old.exists() and not folder.exists():
                old.rename(folder)
            for rest in (temporary, old):
                shutil.rmtree(rest, ignore_errors=True)


@contextmanager
def only_one(path: Path, seconds: float = -1) -> Iterator[None]:
    """Hold the lock that the file `path` is, which ends with the process, however that ends.

    Waits `seconds` for whoever holds it, below 0 for as long as it takes. Raises `TimeoutError` after that, and
    `OSError` where the file cannot be made.
    """
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path).acquire(timeout=seconds):
        yield


@contextmanager
def full_disk(place: Path) -> Iterator[None]:
    """Turn what a library raises when the disk of `place` has no room into `InputError`; all else goes through."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not _says_full(error, place):
            raise
        raise InputError(
            f"cannot be written: the disk is full ({free_bytes(place) / 1e6:,.0f} MB are free).",
            place=place,
            remedy="Make room and run the command again. What was there before is unchanged.",
        ) from None


def left_behind(path: Path) -> list[Path]:
    """Return the hidden folders of `replacing` beside `path`: of commands that run now, or were killed."""
    return sorted(folder for folder in path.parent.glob(f"{_HIDDEN}*") if folder.is_dir())


def free_bytes(path: Path) -> int:
    """Return how much fits on the disk where `path` is or will be."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def _says_full(error: BaseException, place: Path) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    if any(said in str(error) for said in _SAID_OF_FULL):
        return True
    # PyTorch's own writer says only that it failed
    return isinstance(error, OSError | RuntimeError) and free_bytes(place) < _NOTHING_LEFT


def beside(path: Path) -> Path:
    """Return the path of a hidden file in the same folder that nobody else uses, in this process or another."""
    return path.with_name(f"{_HIDDEN}{uuid4().hex}")


def _explain(error: ValidationError, path: Path, line: int | None, model: type[BaseModel]) -> InputError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return InputError(
            f"broken JSON: {first['msg']}.", place=path, line=line, remedy="Write one JSON object per line."
        )
    if first["type"] == "missing":
        return InputError(f"`{key}` is missing.", place=path, line=line, remedy="Add it.")
    if first["type"] == "extra_forbidden":
        near = get_close_matches(key, list(model.model_fields), n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(model.model_fields)}."
        return InputError(f"unknown key `{key}`.", place=path, line=line, remedy=hint)
    what = f"`{key}`" if key else "the line"
    remedy = _text_instead(first["input"]) if first["type"] == "string_type" else "Correct the value."
    return InputError(f"{what} is {_shown(first['input'])}: {first['msg']}.", place=path, line=line, remedy=remedy)


def _text_instead(value: object) -> str:
    """Say what to write where text is asked and `value` is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return (
            "Correct the value: write text in quotation marks, or leave it out if there is none. "
            "(pandas writes NaN or null for an empty cell.)"
        )
    example = f": {json.dumps(str(value))}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return f"Correct the value: write text in quotation marks{example}."


def _shown(value: object) -> str:
    """Return a value as its file has it."""
    try:
        return repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # TOML has dates
        return repr(value)
