"""The random numbers: a Mersenne Twister that gives PyTorch's CPU numbers for PyTorch's seeds.

`Generator` is the state (624 words, a position, one cached normal) and its raw draws; `kernels.reference.random` makes
distributions of them, and `docs/random.md` lists, call by call, which draws PyTorch makes of them.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
from collections.abc import Generator as Iteration
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import cuda
from rushlight.device import check_device, device

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state", "thread_safe_generator",
]  # fmt: skip

_DEFAULT_SEED = 67280421310721
_WORDS = 624
_MASK64 = 2**64 - 1

_beginning = threading.Lock()

# seed, draws left in the block + 1, seeded, position, the block as 64-bit words, three legacy numbers of which the
# second is the cached float64 normal, whether it is valid, and a cached float32 normal that is never used on a CPU.
_STATE = struct.Struct(f"<QiiQ{_WORDS * 8}sdddi4xfI")


class Generator:
    """A stream of random numbers, the same as that of a `torch.Generator` with the same seed on a CPU.

    Raises RuntimeError for a device other than the CPU. It can be pickled and copied; a copy goes on with the same
    numbers.

    >>> import rushlight as torch
    >>> g = torch.Generator().manual_seed(0)
    >>> torch.rand(2, generator=g)
    tensor([0.4963, 0.7682])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Generator.html (the generator:
    M. Matsumoto, T. Nishimura, "Mersenne Twister", 1998)
    """

    __slots__ = ("__weakref__", "_bits", "_seed", "next_normal")

    def __init__(self, device: device | str | int | None = "cpu") -> None:
        check_device(device)
        self._bits: Any = None
        self._seed = _DEFAULT_SEED
        self.next_normal: float | None = None

    @property
    def device(self) -> device:
        """Where the numbers are made: ``device(type='cpu')``."""
        return device("cpu")

    @property
    def bits(self) -> Any:
        """The `numpy.random.MT19937` that holds the state; made at the first draw, since importing it takes 15 ms."""
        bits = self._bits
        if bits is None:
            # Two threads that draw first must not each begin a stream.
            with _beginning:
                bits = self._bits
                if bits is None:
                    bits = self._bits = _twister(self._seed)
        return bits

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of a seed (of which the low 32 bits matter; a negative one stands for itself plus 2**64).

        >>> import rushlight as torch
        >>> torch.Generator().manual_seed(-1).initial_seed()
        18446744073709551615

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Generator.html#torch.Generator.manual_seed
        """
        try:
            number = seed if seed.__class__ is int else seed.__index__()
        except AttributeError:
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}") from None
        if not -(2**63) <= number <= _MASK64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = number & _MASK64
        self._bits = None
        self.next_normal = None
        return self

    def seed(self) -> int:
        """Start the stream of a seed that nobody knows beforehand, and return that seed."""
        number = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(number)
        return number

    def initial_seed(self) -> int:
        """The seed that the stream began with."""
        return self._seed

    def random32(self, n: int) -> npt.NDArray[np.uint32]:
        """The next n draws of 32 bits."""
        return self.bits.random_raw(n).astype(np.uint32)

    def random64(self, n: int) -> npt.NDArray[np.uint64]:
        """The next n draws of 64 bits: two of 32 each, the first in the high half."""
        raw = self.bits.random_raw(2 * n)
        high = raw[0::2] << np.uint64(32)
        high |= raw[1::2]
        return high

    def get_state(self) -> Tensor:
        """The state as a tensor of 5056 uint8, which PyTorch's `set_state` takes too."""
        from rushlight.autograd.variable import wrap

        return wrap(np.frombuffer(bytearray(self._pack()), np.uint8))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that `get_state` gave, here or in PyTorch.

        Raises TypeError for what is no uint8 tensor, RuntimeError for one of another size or without sense.
        """
        self._unpack(_state_bytes(new_state))
        return self

    def clone_state(self) -> Generator:
        """Another generator that goes on with the same numbers."""
        other = Generator()
        other._unpack(self._pack())
        return other

    def graphsafe_get_state(self) -> Generator:
        """Not to be had on a CPU, as in PyTorch: raises NotImplementedError."""
        raise NotImplementedError("graphsafe_get_state is not supported in this Generator")

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Not to be had on a CPU, as in PyTorch: raises NotImplementedError."""
        raise NotImplementedError("graphsafe_set_state is not supported in this Generator")

    def get_offset(self) -> int:
        """Not to be had on a CPU, as in PyTorch: raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> Generator:
        """Not to be had on a CPU, as in PyTorch: raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset")

    def _pack(self) -> bytes:
        state = self.bits.state["state"]
        key, position = state["key"], int(state["pos"])
        if position == _WORDS and key[0] == self._seed & 0xFFFFFFFF:
            position, left = 0, 1  # PyTorch counts from 0 before the first block and to 624 after each
        else:
            left = _WORDS + 1 - position
        normal = self.next_normal
        return _STATE.pack(
            self._seed,
            left,
            1,
            position,
            key.astype("<u8").tobytes(),
            0.0,
            normal or 0.0,
            0.0,
            normal is not None,
            0.0,
            0,
        )

    def _unpack(self, data: bytes) -> None:
        seed, left, seeded, position, words, _, normal, _, valid, _, _ = _STATE.unpack(data)
        key = np.frombuffer(words, "<u8")
        if not seeded or position > _WORDS or not 0 < left <= _WORDS or int(key.max()) > 0xFFFFFFFF:
            raise RuntimeError("Invalid mt19937 state")
        bits = _twister(0)
        # One draw left to make means that the block is spent, whatever the position says.
        bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": key.astype(np.uint32), "pos": _WORDS if left == 1 else position},
        }
        self._bits, self._seed = bits, seed
        self.next_normal = normal if valid else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._pack(),)

    def __copy__(self) -> Generator:
        return self.clone_state()

    def __deepcopy__(self, memo: dict[int, Any]) -> Generator:
        return self.clone_state()

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"


def _restore(data: bytes) -> Generator:
    generator = Generator()
    generator._unpack(data)
    return generator


def _twister(seed: int) -> Any:
    """NumPy's Mersenne Twister with the classic one-word seeding of its authors."""
    bits = np.random.MT19937(0)
    np.random.RandomState(bits).seed(seed & 0xFFFFFFFF)
    return bits


def _state_bytes(state: Any) -> bytes:
    array = getattr(state, "_array", None)
    if array is None:
        raise TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}")
    if array.dtype != np.uint8:
        raise TypeError("RNG state must be a torch.ByteTensor")
    if not array.flags.c_contiguous:
        raise RuntimeError("RNG state must be contiguous")
    if array.size != _STATE.size:
        raise RuntimeError(
            f"Expected a CPUGeneratorImplState of size {_STATE.size} but found the input RNG state size to be "
            f"{array.size}"
        )
    return array.tobytes()


default_generator: Generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the default generator's stream of a seed, and return that generator.

    Numbers that can be made whole are taken, as PyTorch does; ValueError for one outside [-2**63, 2**64).

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.rand(1)
    tensor([0.4963])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.manual_seed.html
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator's stream of a seed that nobody knows beforehand, and return that seed.

    >>> import rushlight as torch
    >>> torch.seed() == torch.initial_seed()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.seed.html
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator's stream began with.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(7)
    >>> torch.initial_seed()
    7

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.initial_seed.html
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state: a tensor of 5056 uint8, laid out as PyTorch's.

    >>> import rushlight as torch
    >>> state = torch.get_rng_state()
    >>> a = torch.rand(3)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(3), a)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_rng_state.html
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator go on from a state that `get_rng_state` gave, here or in PyTorch.

    Raises TypeError for what is no uint8 tensor, RuntimeError for one of another size or without sense.

    >>> import rushlight as torch
    >>> state = torch.get_rng_state()
    >>> first = torch.rand(3)
    >>> torch.set_rng_state(state)
    >>> bool((torch.rand(3) == first).all())
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_rng_state.html
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iteration[None]:
    """Within the block, draw as one likes: the default generator's state is put back at its end.

    `devices` are numbers of accelerators, of the kind `device_type`, whose generators are put back too: here there are
    none. Nothing is put back for the type "meta", or unless `enabled`. Raises RuntimeError for an unknown type.

    >>> import rushlight as torch
    >>> with torch.random.fork_rng():
    ...     noise = torch.rand(3)

    Source: https://docs.pytorch.org/docs/2.13/random.html#torch.random.fork_rng
    """
    if device_type is not None:
        device(device_type)
    if not enabled or device_type == "meta":
        yield
        return
    for index in devices or ():
        # Raises what every use of an accelerator does.
        cuda.get_rng_state(index)
    state = default_generator._pack()
    try:
        yield
    finally:
        default_generator._unpack(state)


def thread_safe_generator() -> Generator | None:
    """The generator of this thread's own, in a worker of a DataLoader that is a thread; elsewhere None, standing for
    the default generator wherever one is asked for.

    >>> import rushlight as torch
    >>> torch.random.thread_safe_generator() is None
    True

    Source: https://docs.pytorch.org/docs/2.13/random.html#torch.random.thread_safe_generator
    """
    # Whoever is a worker has imported the loader, which stands above this module.
    loader = sys.modules.get("rushlight.utils.data._utils.info")
    worker = loader._worker_info if loader is not None else None
    if worker is None or worker.worker_method != "thread":
        return None
    return getattr(getattr(worker, "rng", None), "torch_generator", None)
