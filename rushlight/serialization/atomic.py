"""Writing a file so that its name always means a whole one."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["replacing"]


def _sync_folder(folder: str) -> None:
    # Without this the new name may be lost in a power cut; where folders cannot be synced there is nothing to do.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write, which takes the name `path` only once it is whole and on disk.

    Killed at any moment, the process leaves under `path` what was there before. A symbolic link keeps pointing where it
    points; a device or pipe is written directly. Raises RuntimeError if the folder does not exist.

    >>> import pathlib, tempfile
    >>> from rushlight.serialization.atomic import replacing
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "note"
    >>> with replacing(path) as file:
    ...     size = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    final = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(final)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(path))} does not exist.")
    mode = None
    if os.path.exists(final):
        mode = os.stat(final).st_mode
        if not stat.S_ISREG(mode):
            with open(final, "wb") as file:
                yield file
            return
    # A long name plus the suffix could pass the file system's limit of 255 bytes.
    part = os.path.join(folder, f".{name[:40]}.{os.urandom(6).hex()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.chmod(part, stat.S_IMODE(mode))
            os.fsync(file.fileno())
        os.replace(part, final)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    _sync_folder(folder)
