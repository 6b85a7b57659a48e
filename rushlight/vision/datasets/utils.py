"""Files of published data sets: download, check, unpack. A file has its final name only when it is whole."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

__all__ = [
    "DatasetFileError",
    "calculate_md5",
    "check_integrity",
    "download_from_mirrors",
    "download_url",
    "extract_gzip",
    "extract_tar_members",
]

USER_AGENT = "rushlight/vision"
BLOCK_BYTES = 256 * 1024
ATTEMPTS = 3
TIMEOUT_SECONDS = 30.0


class DatasetFileError(RuntimeError):
    """A data file that is missing, corrupt or truncated; the message names it and says what is wrong."""


def calculate_md5(path: str | os.PathLike[str], chunk_size: int = 1024 * 1024) -> str:
    """The MD5 checksum of a file's bytes, as 32 hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(chunk_size):
            digest.update(block)
    return digest.hexdigest()


def check_integrity(path: str | os.PathLike[str], md5: str | None = None) -> bool:
    """Whether the file exists and, when a checksum is given, has it."""
    return os.path.isfile(path) and (md5 is None or calculate_md5(path) == md5)


@contextlib.contextmanager
def _part_file(path: str, md5: str | None) -> Iterator[IO[bytes] | None]:
    """`path.part`, open for appending and locked; None if another process completed the file while this one waited."""
    part = path + ".part"
    while True:
        with open(part, "ab") as file:
            _lock(file)
            if os.path.exists(part) and os.path.samestat(os.fstat(file.fileno()), os.stat(part)):
                yield file
                return
        # Renamed when it was complete, or thrown away.
        if check_integrity(path, md5):
            yield None
            return


def _lock(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:
        return  # no such locks here: the checksum still finds two writers out
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)


def download_url(
    url: str, root: str | os.PathLike[str], filename: str | None = None, md5: str | None = None, progress: bool = True
) -> str:
    """Downloads `url` to `root/filename`, resuming an earlier `.part`, and returns the path.

    A file that is there and has the checksum is left as it is. Raises DatasetFileError when the server can't be
    reached, the connection breaks thrice, or the checksum differs (then the download is thrown away).
    """
    root = os.path.expanduser(root)
    os.makedirs(root, exist_ok=True)
    path = os.path.join(root, filename or os.path.basename(url))
    if check_integrity(path, md5):
        return path
    with _part_file(path, md5) as part:
        if part is None:
            return path
        resumed = os.fstat(part.fileno()).st_size > 0
        _fetch(url, path, part, progress)
        got = calculate_md5(part.name)
        if md5 is not None and got != md5 and resumed:
            # The earlier part may have been of another file: once more from the start.
            part.truncate(0)
            _fetch(url, path, part, progress)
            got = calculate_md5(part.name)
        if md5 is not None and got != md5:
            os.unlink(part.name)
            raise DatasetFileError(f"{path}: the download from {url} has MD5 {got}, expected {md5}; it was removed")
        os.replace(part.name, path)
    return path


def _fetch(url: str, path: str, part: IO[bytes], progress: bool) -> None:
    # Imported when used: a third of the time that importing this package would take.
    import urllib.error
    from http.client import HTTPException

    problem: BaseException | str = ""
    for _ in range(ATTEMPTS):
        try:
            _fetch_rest(url, path, part, progress)
            return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:
                part.truncate(0)  # the part is no beginning of that file
            elif error.code < 500:
                problem = error
                break
            problem = error
        except (OSError, HTTPException) as error:
            problem = error
    if os.fstat(part.fileno()).st_size == 0:
        os.unlink(part.name)
    raise DatasetFileError(f"{path}: can't be downloaded from {url}: {problem}") from (
        problem if isinstance(problem, BaseException) else None
    )


def _fetch_rest(url: str, path: str, part: IO[bytes], progress: bool) -> None:
    """Appends what is missing; raises OSError when the connection ends before the length that the server named."""
    import urllib.request

    from tqdm import tqdm

    done = os.fstat(part.fileno()).st_size
    headers = {"User-Agent": USER_AGENT}
    if done:
        headers["Range"] = f"bytes={done}-"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as response:
        if done and not _continues(response, done):
            part.truncate(0)
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length is not None else None
        with tqdm(
            total=total, initial=done, unit="B", unit_scale=True, desc=os.path.basename(path), disable=not progress
        ) as bar:
            while block := response.read(BLOCK_BYTES):
                part.write(block)
                done += len(block)
                bar.update(len(block))
    part.flush()
    os.fsync(part.fileno())
    if total is not None and done < total:
        raise OSError(f"the connection closed after {done} of {total} bytes")


def _continues(response: Any, start: int) -> bool:
    return bool(response.status == 206) and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def download_from_mirrors(
    mirrors: Iterable[str], root: str | os.PathLike[str], filename: str, md5: str | None = None, progress: bool = True
) -> str:
    """`download_url` of the first mirror that gives the file; DatasetFileError with all their faults if none does."""
    faults = []
    for mirror in mirrors:
        url = mirror + filename if mirror.endswith("/") else f"{mirror}/{filename}"
        try:
            return download_url(url, root, filename, md5, progress)
        except DatasetFileError as error:
            faults.append(str(error))
    raise DatasetFileError(f"Error downloading {filename}: " + "; ".join(faults))


@contextlib.contextmanager
def _write_whole(path: str) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block ends well, and is removed when it doesn't."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def extract_gzip(archive: str, path: str) -> None:
    """Unpacks a .gz to `path`; raises DatasetFileError when the archive is corrupt or cut short."""
    try:
        with _write_whole(path) as target, gzip.open(archive, "rb") as source:
            shutil.copyfileobj(source, target, BLOCK_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetFileError(f"{archive}: not a whole gzip file: {error}") from error


def extract_tar_members(archive: str, folder: str, names: Iterable[str]) -> None:
    """Unpacks the files `folder/name` of a .tar.gz beside it, and nothing else.

    The places written to are made of the wanted names, not the archive's, so no archive can write elsewhere. Raises
    DatasetFileError when the archive is corrupt, cut short or lacks a file.
    """
    target = os.path.join(os.path.dirname(archive), folder)
    os.makedirs(target, exist_ok=True)
    wanted = {f"{folder}/{name}": name for name in names}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = wanted.get(member.name.removeprefix("./"))
                source = tar.extractfile(member) if name is not None and member.isreg() else None
                if name is None or source is None:
                    continue
                with _write_whole(os.path.join(target, name)) as file:
                    shutil.copyfileobj(source, file, BLOCK_BYTES)
                del wanted[f"{folder}/{name}"]
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetFileError(f"{archive}: not a whole tar.gz file: {error}") from error
    if wanted:
        raise DatasetFileError(f"{archive}: lacks {', '.join(sorted(wanted))}")
