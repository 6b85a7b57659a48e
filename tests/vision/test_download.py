"""Downloading: resume, checksums, mirrors, archives; after a failure nothing lies there under a final name."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import pickle
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from rushlight.vision import datasets
from rushlight.vision.datasets import utils
from rushlight.vision.datasets.utils import DatasetFileError, download_from_mirrors, download_url, extract_tar_members

CONTENT = bytes(range(256)) * 2000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`; the server's switches make it break off, ignore ranges or fail."""

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        content = server.files.get(self.path.lstrip("/"))
        if content is None or server.failures > 0:
            server.failures -= content is not None
            self.send_error(404 if content is None else 503)
            return
        start = 0
        if self.headers.get("Range") and server.ranges:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content)
        if server.breaks > 0:
            server.breaks -= 1
            end = min(end, start + server.break_after)
        self.wfile.write(content[start:end])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files = {"file.bin": CONTENT}
        server.requests = []
        server.ranges = True
        server.breaks = server.failures = 0
        server.break_after = 100_000
        server.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def names(folder):
    return sorted(os.listdir(folder))


def fetch(server, folder, md5=MD5):
    return download_url(server.url + "file.bin", folder, md5=md5, progress=False)


def test_downloads_with_progress(server, tmp_path, capfd):
    path = download_url(server.url + "file.bin", tmp_path / "new", "renamed", MD5)
    assert Path(path).read_bytes() == CONTENT
    assert names(tmp_path / "new") == ["renamed"]
    assert "100%" in capfd.readouterr().err
    assert download_url(server.url + "file.bin", tmp_path / "new", "renamed", MD5) == path
    assert len(server.requests) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_resumed(server, tmp_path, ranges):
    server.breaks, server.ranges = 2, ranges
    assert Path(fetch(server, tmp_path)).read_bytes() == CONTENT
    assert [r for _, r in server.requests][1] == "bytes=100000-"
    assert names(tmp_path) == ["file.bin"]


def test_an_earlier_part_is_continued(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:5000])
    fetch(server, tmp_path)
    assert server.requests == [("/file.bin", "bytes=5000-")]


@pytest.mark.parametrize("part", [b"another file" * 9, CONTENT + b"and more"])
def test_a_part_of_another_file_is_thrown_away(server, tmp_path, part):
    (tmp_path / "file.bin.part").write_bytes(part)
    assert Path(fetch(server, tmp_path)).read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


def test_a_connection_that_keeps_breaking_is_an_error(server, tmp_path):
    server.breaks = 99
    server.break_after = 1000
    with pytest.raises(DatasetFileError, match=r"file\.bin: can't be downloaded .*closed after 3000 of 512000 bytes"):
        fetch(server, tmp_path)
    assert names(tmp_path) == ["file.bin.part"]


def test_a_wrong_checksum_is_an_error_and_leaves_nothing(server, tmp_path):
    with pytest.raises(
        DatasetFileError, match=rf"file\.bin: the download from .* has MD5 {MD5}, expected 00; it was removed"
    ):
        fetch(server, tmp_path, "00")
    assert names(tmp_path) == []


def test_a_file_with_a_wrong_checksum_is_replaced(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"old")
    fetch(server, tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    server.failures = 2
    fetch(server, tmp_path)


def test_mirrors_are_tried_in_turn(server, tmp_path):
    mirrors = [server.url + "absent/", server.url.rstrip("/")]
    assert download_from_mirrors(mirrors, tmp_path, "file.bin", MD5, progress=False)
    with pytest.raises(DatasetFileError, match=r"Error downloading other: .*404.*404"):
        download_from_mirrors(mirrors, tmp_path, "other", progress=False)
    assert names(tmp_path) == ["file.bin"]


def test_two_at_once_download_once(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(server, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]
    assert len(server.requests) == 1


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def small_mnist(server):
    files = {
        "train-images-idx3-ubyte.gz": idx(np.ones((3, 28, 28), np.uint8)),
        "train-labels-idx1-ubyte.gz": idx(np.array([1, 2, 3], np.uint8)),
        "t10k-images-idx3-ubyte.gz": idx(np.zeros((2, 28, 28), np.uint8)),
        "t10k-labels-idx1-ubyte.gz": idx(np.array([0, 9], np.uint8)),
    }
    server.files.update(files)

    resources = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
    places = {"mirrors": [server.url + "down/", server.url], "resources": resources}
    return type("MNIST", (datasets.MNIST,), places)


def test_mnist_downloads_itself_once(server, tmp_path):
    kind = small_mnist(server)
    assert len(kind(tmp_path, download=True)) == 3
    count = len(server.requests)
    assert kind(tmp_path, train=False, download=True).targets.tolist() == [0, 9]
    assert len(server.requests) == count == 8
    assert "train-images-idx3-ubyte" in names(tmp_path / "MNIST" / "raw")


def test_a_truncated_gzip_is_named_and_leaves_no_half_file(server, tmp_path):
    kind = small_mnist(server)
    name = kind.resources[0][0]
    server.files[name] = server.files[name][:-12]
    kind.resources[0] = (name, None)
    with pytest.raises(DatasetFileError, match=rf"{name}: not a whole gzip file: Compressed file ended"):
        kind(tmp_path, download=True)
    assert names(tmp_path / "MNIST" / "raw") == [name]


def archive_of(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def test_cifar_downloads_itself_once(server, tmp_path):
    batch = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}
    contents = {
        "data_batch_1": pickle.dumps(batch, 2),
        "test_batch": pickle.dumps(batch, 2),
        "batches.meta": pickle.dumps({"label_names": [str(i) for i in range(10)]}, 2),
    }
    server.files["c.tar.gz"] = archive_of({f"cifar-10-batches-py/{name}": c for name, c in contents.items()})
    sums = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}

    places = {
        "url": server.url + "c.tar.gz",
        "filename": "c.tar.gz",
        "tgz_md5": hashlib.md5(server.files["c.tar.gz"]).hexdigest(),
        "train_list": [["data_batch_1", sums["data_batch_1"]]],
        "test_list": [["test_batch", sums["test_batch"]]],
        "meta": {**datasets.CIFAR10.meta, "md5": sums["batches.meta"]},
    }
    kind = type("CIFAR10", (datasets.CIFAR10,), places)
    assert len(kind(tmp_path, download=True)) == 2
    assert len(kind(tmp_path, download=True)) == 2
    assert len(server.requests) == 1


ARCHIVES = [
    (archive_of({"f/a": b"x", "f/b": b"y"})[:-30], r"t\.tar\.gz: not a whole tar\.gz file"),
    (b"no archive", r"t\.tar\.gz: not a whole tar\.gz file"),
    (archive_of({"f/a": b"x"}), r"t\.tar\.gz: lacks f/b"),
    (archive_of({"../f/a": b"x", "/f/b": b"y"}), r"t\.tar\.gz: lacks f/a, f/b"),
]


@pytest.mark.parametrize(
    ("content", "text"), ARCHIVES, ids=["cut short", "no archive", "a file missing", "paths outside"]
)
def test_a_broken_archive_is_named(tmp_path, content, text):
    (tmp_path / "t.tar.gz").write_bytes(content)
    with pytest.raises(DatasetFileError, match=text):
        extract_tar_members(str(tmp_path / "t.tar.gz"), "f", ["a", "b"])
    assert not [name for name in names(tmp_path / "f") if name.endswith(".tmp")]


def test_an_archive_can_only_write_what_was_asked_for(tmp_path):
    (tmp_path / "t.tar.gz").write_bytes(archive_of({"f/a": b"x", "f/evil": b"", "../evil": b"", "f/../../evil": b""}))
    extract_tar_members(str(tmp_path / "t.tar.gz"), "f", ["a"])
    assert names(tmp_path / "f") == ["a"]
    assert names(tmp_path) == ["f", "t.tar.gz"]


def test_checksums(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert utils.calculate_md5(tmp_path / "x", chunk_size=2) == "900150983cd24fb0d6963f7d28e17f72"
    assert utils.check_integrity(tmp_path / "x", "900150983cd24fb0d6963f7d28e17f72")
    assert not utils.check_integrity(tmp_path / "x", "0")
    assert not utils.check_integrity(tmp_path / "absent")
