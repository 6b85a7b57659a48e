"""The channel between a DataLoader and a worker: Python objects over a socket, large arrays through shared memory.

A message is one pickle plus the memory of its arrays (pickle protocol 5, out of band). A small message goes through the
socket whole. A large one is written to an anonymous file in memory (`memfd`) whose descriptor goes through the socket:
the receiver maps it, so the arrays are copied once, by the sender, and nothing has a name that a killed process could
leave behind. Where the system has no memfd, all goes through the socket.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import socket
import struct
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.tensor import Tensor

__all__ = ["Channel"]

# Mapping costs less than the socket from about 1 MB on, but a message that fills the socket's buffer (200 KB) stalls
# its sender.
SHARED_FROM_BYTES = 256 * 1024
# Arrays below this travel inside the pickle.
OUT_OF_BAND_FROM_BYTES = 512
ALIGNMENT = 64
# One pwritev takes at most IOV_MAX (1024) pieces.
PIECES_PER_WRITE = 512

_COUNT = struct.Struct("<cI")
_SIZE = struct.Struct("<Q")
_INLINE, _SHARED = b"i", b"s"

_NON_LEAF = (
    "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support crossing "
    "process boundaries.  If you just want to transfer the data, call detach() on the tensor before serializing "
    "(e.g., putting it on the queue)."
)


def _rebuild_array(memory: Any, dtype: np.dtype | str, shape: tuple[int, ...]) -> np.ndarray:
    if isinstance(memory, bytes):
        memory = bytearray(memory)  # so that the array can be written to
    return np.ndarray(shape, dtype, memory)


def _rebuild_tensor(array: np.ndarray, requires_grad: bool) -> Tensor:
    tensor = wrap(array)
    tensor.requires_grad = requires_grad
    return tensor


class _Pickler(ForkingPickler):
    """Pickles tensors as arrays, and arrays of any dtype (NumPy's own reduction copies those of ml_dtypes)."""

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is np.ndarray:
            return self._reduce_array(obj)
        if kind is Tensor:
            if obj.requires_grad and not obj.is_leaf:
                raise RuntimeError(_NON_LEAF)
            return _rebuild_tensor, (obj._array, obj.requires_grad)
        return NotImplemented

    @staticmethod
    def _reduce_array(array: np.ndarray) -> Any:
        if array.dtype.hasobject:
            return NotImplemented
        # A text makes the receiver's own dtype object; an unpickled one would be equal, but not built in.
        dtype = array.dtype.str if array.dtype.isbuiltin == 1 else array.dtype
        if array.nbytes < OUT_OF_BAND_FROM_BYTES:
            return _rebuild_array, (array.tobytes(), dtype, array.shape)
        memory: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return _rebuild_array, (pickle.PickleBuffer(memory), dtype, array.shape)


def _dump(obj: Any) -> list[memoryview]:
    """The pieces of a message: the pickle, then each array's memory."""
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, 5, True, buffers.append).dump(obj)
    return [stream.getbuffer(), *(buffer.raw() for buffer in buffers)]


def _padding(size: int) -> int:
    return -size % ALIGNMENT


def _write_to_memory(pieces: Sequence[memoryview]) -> int:
    """A memfd with the pieces, each at a multiple of ALIGNMENT."""
    fd = os.memfd_create("rushlight-batch", os.MFD_CLOEXEC)
    try:
        parts: list[Any] = []
        for piece in pieces:
            parts += (piece, bytes(_padding(piece.nbytes)))
        offset = 0
        for start in range(0, len(parts), PIECES_PER_WRITE):
            rest = [memoryview(part).cast("B") for part in parts[start : start + PIECES_PER_WRITE] if len(part)]
            while rest:
                written = os.pwritev(fd, rest, offset)
                offset += written
                while rest and written >= rest[0].nbytes:
                    written -= rest.pop(0).nbytes
                if rest:
                    rest[0] = rest[0][written:]
    except BaseException:
        os.close(fd)
        raise
    return fd


def _split(memory: memoryview, sizes: Sequence[int]) -> list[memoryview]:
    pieces, offset = [], 0
    for size in sizes:
        pieces.append(memory[offset : offset + size])
        offset += size + _padding(size)
    return pieces


class Channel:
    """One end of a duplex connection to another process."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._socket: socket.socket | None = None
        if hasattr(os, "memfd_create"):
            # The connection's own descriptor stays its owner's: this is a second one for the same socket.
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            # A process-wide default timeout would make the shared descriptor non-blocking.
            self._socket.settimeout(None)

    def send(self, obj: Any) -> None:
        """Sends an object; raises what pickling it raises (and sends nothing), OSError when the other end is gone."""
        pieces = _dump(obj)
        sizes = [piece.nbytes for piece in pieces]
        table = b"".join(map(_SIZE.pack, sizes))
        fd = self._shared(pieces) if sum(sizes) >= SHARED_FROM_BYTES else None
        if fd is None:
            head = _COUNT.pack(_INLINE, len(sizes)) + table
            parts: list[Any] = []
            for piece in (head, *pieces):
                parts += (piece, bytes(_padding(len(piece))))
            self.connection.send_bytes(b"".join(parts))
            return
        try:
            assert self._socket is not None
            self.connection.send_bytes(_COUNT.pack(_SHARED, len(sizes)) + table)
            socket.send_fds(self._socket, [b"\0"], [fd])
        finally:
            os.close(fd)

    def _shared(self, pieces: list[memoryview]) -> int | None:
        if self._socket is None:
            return None
        try:
            return _write_to_memory(pieces)
        except OSError:
            return None  # no descriptor or no shared memory left: the socket still works

    def receive(self) -> Any:
        """The next object; raises EOFError or OSError when the other end is gone."""
        message = bytearray(self.connection.recv_bytes())
        kind, count = _COUNT.unpack_from(message)
        end = _COUNT.size + count * _SIZE.size
        sizes = [size for (size,) in _SIZE.iter_unpack(message[_COUNT.size : end])]
        memory = memoryview(message)[end + _padding(end) :] if kind == _INLINE else self._map(sizes)
        pickled, *buffers = _split(memory, sizes)
        return pickle.loads(pickled, buffers=buffers)

    def _map(self, sizes: list[int]) -> memoryview:
        assert self._socket is not None
        _, fds, _, _ = socket.recv_fds(self._socket, 1, 1)
        if not fds:
            raise EOFError("the connection closed within a message")
        total = sum(size + _padding(size) for size in sizes)
        try:
            return memoryview(mmap.mmap(fds[0], total, flags=mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)))
        finally:
            os.close(fds[0])

    def poll(self) -> bool:
        """Whether `receive` would return (or raise) at once."""
        return self.connection.poll()

    def shut_down(self) -> None:
        """Ends the conversation in both directions, even if another process holds a copy of the descriptor."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the other end went first
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        self.connection.close()
