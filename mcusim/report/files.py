"""Writing files whole or not at all."""

from __future__ import annotations

import os
import secrets

from mcusim.report.report import ReportError


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Put ``content`` into the file at ``path``: written beside it under a temporary name, then renamed.

    A reader sees the old file or the new one. What is there and no regular file (a pipe, /dev/null) is written to
    directly. Text becomes UTF-8. ReportError when it cannot be written; then nothing is left behind.
    """
    name = os.path.realpath(os.fspath(path))
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if os.path.exists(name) and not os.path.isfile(name):
            _write(name, os.O_WRONLY, data)
        else:
            _replace(name, data)
    except OSError as error:
        raise ReportError(f"{os.fspath(path)}: cannot be written: {error.strerror or error}") from None


def check_writable(path: str | os.PathLike[str]) -> None:
    """ReportError when ``write_atomically`` could not write ``path``: asked before a long run, not after it.

    It is tried with an empty file under a temporary name, for rights alone do not tell (root's, in /proc).
    """
    name = os.path.realpath(os.fspath(path))
    folder = os.path.dirname(name)
    if os.path.isdir(name):
        raise ReportError(f"{os.fspath(path)}: cannot be written: it is a folder")
    if not os.path.isdir(folder):
        raise ReportError(f"{os.fspath(path)}: cannot be written: there is no folder {folder}")
    if os.path.exists(name) and not os.path.isfile(name):
        if not os.access(name, os.W_OK):
            raise ReportError(f"{os.fspath(path)}: cannot be written: no permission")
        return
    try:
        _try(name)
    except OSError as error:
        raise ReportError(f"{os.fspath(path)}: cannot be written: {error.strerror or error}") from None


def _try(name: str) -> None:
    temporary = _temporary(name)
    _write(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, b"")
    os.unlink(temporary)


def _replace(name: str, data: bytes) -> None:
    temporary = _temporary(name)
    try:
        _write(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, data)
        os.replace(temporary, name)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def _temporary(name: str) -> str:
    return f"{name}.{secrets.token_hex(4)}.part"


def _write(name: str, flags: int, data: bytes) -> None:
    with os.fdopen(os.open(name, flags, 0o666), "wb") as file:
        file.write(data)
