"""The channel to a worker: what goes in comes out, by either way, and belongs to the receiver."""

from __future__ import annotations

import multiprocessing
import os
import threading

import ml_dtypes
import numpy as np
import pytest

import rushlight as torch
from rushlight.utils.data._utils import transport
from rushlight.utils.data._utils.transport import Channel

ARRAYS = [
    np.arange(5),
    np.zeros((0, 3), np.float32),
    np.array(7.0),
    np.ones((200, 50), np.float32),
    np.ones((60, 70), np.float64).T,
    np.arange(4000).astype(ml_dtypes.bfloat16),
    np.array(["text", "more"]),
    np.array([{"a": 1}, None], object),
    np.broadcast_to(np.float32(3), (900,)),
    np.ones(3, np.complex128),
]


@pytest.fixture(params=["inline", "shared", "no memfd"])
def channels(request, monkeypatch):
    if request.param == "no memfd":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    elif request.param == "shared" and not hasattr(os, "memfd_create"):
        pytest.skip("this system has no memfd")
    monkeypatch.setattr(transport, "SHARED_FROM_BYTES", 0 if request.param == "shared" else 10**12)
    ends = [Channel(end) for end in multiprocessing.Pipe()]
    yield ends
    for end in ends:
        end.shut_down()


def sent(channels, obj):
    """What arrives; sent from a thread, since a large message waits for its reader."""
    sender = threading.Thread(target=channels[0].send, args=(obj,))
    sender.start()
    arrived = channels[1].receive()
    sender.join()
    return arrived


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays_arrive_whole_aligned_and_writable(channels, array):
    got = sent(channels, array)
    assert got.dtype == array.dtype
    assert got.dtype.isbuiltin == array.dtype.isbuiltin or array.dtype == object
    assert got.shape == array.shape
    assert np.array_equal(got, array)
    assert got.flags.writeable
    assert got.flags.aligned


def test_nests_of_tensors_arrive(channels):
    leaf = torch.ones(300, requires_grad=True)
    batch = {"x": [torch.arange(1000), leaf], "y": ("a", 3)}
    got = sent(channels, batch)
    assert got["y"] == ("a", 3)
    assert got["x"][0].tolist() == list(range(1000))
    assert got["x"][1].requires_grad
    got["x"][0].zero_()
    assert batch["x"][0][1] == 1


def test_several_messages_keep_their_order(channels):
    for i in range(5):
        channels[0].send((i, np.full(10, i)))
    for i in range(5):
        number, array = channels[1].receive()
        assert number == i
        assert (array == i).all()


def test_memory_outlives_the_channel(channels):
    got = sent(channels, np.arange(5000))
    for end in channels:
        end.shut_down()
    assert got.sum() == 4999 * 2500


def test_a_tensor_with_a_history_is_refused_and_nothing_is_sent(channels):
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"):
        channels[0].send(torch.ones(2, requires_grad=True) * 2)
    channels[0].send("next")
    assert channels[1].receive() == "next"


def test_the_other_end_learns_of_the_closing(channels):
    channels[0].shut_down()
    with pytest.raises((EOFError, OSError)):
        channels[1].receive()
    with pytest.raises(OSError):
        channels[1].send(1)


def test_a_system_without_room_for_shared_memory_uses_the_socket(channels, monkeypatch):
    def full(*args):
        raise OSError("no space")

    monkeypatch.setattr(os, "pwritev", full, raising=False)
    assert sent(channels, np.arange(1000)).sum() == 499500
