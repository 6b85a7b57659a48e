"""Pickle streams to objects: an unpickler that runs nothing the file names, and Python's own for files one trusts."""

from __future__ import annotations

import io
import pickle
import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

from rushlight.serialization.errors import CorruptFileError, outside
from rushlight.serialization.globals import find_class
from rushlight.serialization.rebuild import FUNCTIONS, GUARDED, resolve
from rushlight.serialization.safe_globals import user_globals

__all__ = ["RestrictedUnpickler", "read_global_name", "trusting_type"]

_BLOCKED_MODULES = ("sys", "os", "posix", "nt")

# A deep tuple would overflow the C stack when it is hashed.
_DEEPEST_TUPLE = 64

_MAPPINGS = (dict, OrderedDict, Counter)


class Mark:
    """Where a group of items begins on the stack."""


_DAMAGE = (IndexError, KeyError, struct.error, ValueError, TypeError, OverflowError)

_MARK = Mark()


def read_global_name(module: str, name: str) -> str:
    """The full name of a global, in Python 3's modules."""
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"


def _allowed() -> dict[str, Any]:
    from rushlight.nn.parameter import Parameter
    from rushlight.tensor import Tensor

    return {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "builtins.set": set,
        "builtins.complex": complex,
        "torch.nn.parameter.Parameter": Parameter,
        "torch.Tensor": Tensor,
        **GUARDED,
    }


class RestrictedUnpickler:
    """Runs a pickle stream in which only listed globals may be named, called and made.

    `persistent_load` turns the reference to a storage into the storage. Raises pickle.UnpicklingError for a stream that
    asks for more, CorruptFileError for one that makes no sense.
    """

    def __init__(self, file: BinaryIO, persistent_load: Callable[[Any], Any], encoding: str = "utf-8") -> None:
        self._file = file
        self._persistent_load = persistent_load
        self._encoding = encoding
        self._allowed = _allowed()
        self._user = user_globals()
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._depths: dict[int, tuple[int, Any]] = {}

    def load(self) -> Any:
        """The object of the stream, which is read up to its end mark."""
        steps = _STEPS
        read = self._file.read
        try:
            while True:
                code = read(1)
                if code == b".":
                    return self._pop()
                step = steps.get(code)
                if step is None:
                    if not code:
                        raise CorruptFileError("the pickle stream ends too early")
                    raise CorruptFileError(f"Unsupported operand {code[0]}")
                step(self)
        except _DAMAGE as error:
            raise CorruptFileError(f"the pickle stream is damaged: {type(error).__name__}: {error}") from error

    def _read(self, count: int) -> bytes:
        # In pieces, so that a false length does not ask for memory that the file cannot fill.
        data = self._file.read(min(count, 1 << 20))
        while len(data) < count:
            more = self._file.read(min(count - len(data), 1 << 20))
            if not more:
                raise CorruptFileError(f"the pickle stream ends too early: expected {count} bytes, got {len(data)}")
            data += more
        return data

    def _unpack(self, form: str) -> int:
        return struct.unpack(form, self._read(struct.calcsize(form)))[0]

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise CorruptFileError("the pickle stream is damaged: a mark where a value should be")
        return value

    def _pop_group(self) -> list[Any]:
        stack = self._stack
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is _MARK:
                group = stack[place + 1 :]
                del stack[place:]
                return group
        raise CorruptFileError("the pickle stream is damaged: a group without a beginning")

    def _push_tuple(self, items: list[Any]) -> None:
        made = tuple(items)
        depth = 1 + max((self._depth(item) for item in made if isinstance(item, tuple)), default=0)
        if depth > _DEEPEST_TUPLE:
            raise CorruptFileError(f"the pickle stream nests tuples deeper than {_DEEPEST_TUPLE}")
        if depth > 1:
            self._depths[id(made)] = (depth, made)
        self._stack.append(made)

    def _depth(self, item: tuple[Any, ...]) -> int:
        return self._depths.get(id(item), (1, None))[0]

    def _find(self, full: str) -> Any:
        found = self._allowed.get(full)
        if found is None:
            found = resolve(full)
        return self._user.get(full) if found is None else found

    def allows(self, full: str) -> bool:
        """Whether a global, by its full name, is on the list."""
        return self._find(full) is not None

    def _global(self, module: str, name: str) -> Any:
        full = read_global_name(module, name)
        root = full.partition(".")[0]
        if root in _BLOCKED_MODULES:
            raise pickle.UnpicklingError(f"Trying to load unsupported GLOBAL {full} whose module {root} is blocked.")
        found = self._find(full)
        if found is None:
            shown = full.removeprefix("builtins.")
            raise pickle.UnpicklingError(
                f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
                f"`torch.serialization.add_safe_globals([{shown}])` or the "
                f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this global if you trust "
                "this class/function."
            )
        return found

    def _is_users(self, value: Any) -> bool:
        return any(value is allowed for allowed in self._user.values())

    def _is_listed(self, value: Any) -> bool:
        listed = (*self._allowed.values(), *FUNCTIONS.values())
        return any(value is allowed for allowed in listed) or self._is_users(value)

    def _call(self, function: Any, args: Any) -> Any:
        from rushlight.tensor import Tensor

        # The class Tensor is listed as an argument of what rebuilds tensors; called, it would allocate at will.
        if not self._is_listed(function) or function is Tensor:
            raise pickle.UnpicklingError(f"Trying to call reduce for unrecognized function {function}")
        arguments = self._arguments(args)
        return outside(function, *arguments) if self._is_users(function) else function(*arguments)

    def _create(self, kind: Any, args: Any) -> Any:
        from rushlight.nn.parameter import Parameter
        from rushlight.tensor import Tensor

        if not self._is_listed(kind) or not isinstance(kind, type) or kind is Tensor:
            raise pickle.UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` "
                f"but got {kind}"
            )
        if kind is Parameter:
            return FUNCTIONS["torch._utils._rebuild_parameter"](*self._arguments(args), None)
        arguments = self._arguments(args)
        return outside(kind.__new__, kind, *arguments) if self._is_users(kind) else kind.__new__(kind, *arguments)

    @staticmethod
    def _arguments(args: Any) -> tuple[Any, ...]:
        if not isinstance(args, tuple):
            raise CorruptFileError(f"expected a tuple of arguments, got {type(args).__name__}")
        return args

    def _build(self, target: Any, state: Any) -> None:
        kind = type(target)
        if kind is OrderedDict:
            if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
                raise CorruptFileError(f"expected the attributes of an OrderedDict, got {type(state).__name__}")
            target.__dict__.update(state)
        elif self._is_users(kind):
            outside(_set_state, target, state)
        else:
            raise pickle.UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, "
                f"but got {kind}"
            )

    def _reference(self, saved: Any) -> Any:
        if not isinstance(saved, tuple) or not saved or saved[0] not in ("storage", b"storage"):
            raise pickle.UnpicklingError(f"Only persistent_load of storage is allowed, but got {saved!r:.100}")
        return self._persistent_load(saved)


def _set_state(target: Any, state: Any) -> None:
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        target.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(target, name, value)


Step = Callable[[RestrictedUnpickler], None]


def _constant(value: Any) -> Step:
    return lambda machine: machine._stack.append(value)


def _fresh(kind: Callable[[], Any]) -> Step:
    return lambda machine: machine._stack.append(kind())


def _number(form: str) -> Step:
    return lambda machine: machine._stack.append(machine._unpack(form))


def _text(form: str) -> Step:
    return lambda machine: machine._stack.append(str(machine._read(machine._unpack(form)), "utf-8", "surrogatepass"))


def _data(form: str) -> Step:
    return lambda machine: machine._stack.append(machine._read(machine._unpack(form)))


def _python2_text(form: str) -> Step:
    def step(machine: RestrictedUnpickler) -> None:
        data = machine._read(machine._unpack(form))
        machine._stack.append(data if machine._encoding == "bytes" else data.decode(machine._encoding))

    return step


def _long(form: str) -> Step:
    return lambda machine: machine._stack.append(pickle.decode_long(machine._read(machine._unpack(form))))


def _get(form: str) -> Step:
    return lambda machine: machine._stack.append(machine._memo[machine._unpack(form)])


def _put(form: str) -> Step:
    def step(machine: RestrictedUnpickler) -> None:
        machine._memo[machine._unpack(form)] = machine._stack[-1]

    return step


def _memoize(machine: RestrictedUnpickler) -> None:
    machine._memo[len(machine._memo)] = machine._stack[-1]


def _tuple_of(count: int) -> Step:
    def step(machine: RestrictedUnpickler) -> None:
        items = [machine._pop() for _ in range(count)]
        machine._push_tuple(items[::-1])

    return step


def _proto(machine: RestrictedUnpickler) -> None:
    protocol = machine._unpack("B")
    if protocol > 5:
        raise CorruptFileError(f"unsupported pickle protocol: {protocol}")


def _frame(machine: RestrictedUnpickler) -> None:
    # A frame only says how much may be read at once.
    machine._read(8)


def _drop(machine: RestrictedUnpickler) -> None:
    machine._stack.pop()


def _global_by_line(machine: RestrictedUnpickler) -> None:
    lines = [machine._file.readline(1024) for _ in range(2)]
    if not all(line.endswith(b"\n") for line in lines):
        raise CorruptFileError("the pickle stream ends too early: in the name of a global")
    module, name = (line[:-1].decode() for line in lines)
    machine._stack.append(machine._global(module, name))


def _global_by_stack(machine: RestrictedUnpickler) -> None:
    name, module = machine._pop(), machine._pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise CorruptFileError("expected text as the name of a global")
    machine._stack.append(machine._global(module, name))


def _reduce(machine: RestrictedUnpickler) -> None:
    args, function = machine._pop(), machine._pop()
    machine._stack.append(machine._call(function, args))


def _newobj(machine: RestrictedUnpickler) -> None:
    args, kind = machine._pop(), machine._pop()
    machine._stack.append(machine._create(kind, args))


def _build(machine: RestrictedUnpickler) -> None:
    state = machine._pop()
    machine._build(machine._stack[-1], state)


def _persistent(machine: RestrictedUnpickler) -> None:
    machine._stack.append(machine._reference(machine._pop()))


def _target(machine: RestrictedUnpickler, kinds: tuple[type, ...], doing: str) -> Any:
    target = machine._stack[-1]
    if type(target) not in kinds:
        names = ", ".join(kind.__name__ for kind in kinds)
        raise pickle.UnpicklingError(f"Can only {doing} for {names}, but got {type(target)}")
    return target


def _append(machine: RestrictedUnpickler) -> None:
    value = machine._pop()
    _target(machine, (list,), "APPEND").append(value)


def _appends(machine: RestrictedUnpickler) -> None:
    values = machine._pop_group()
    _target(machine, (list,), "APPENDS").extend(values)


def _additems(machine: RestrictedUnpickler) -> None:
    values = machine._pop_group()
    _target(machine, (set,), "ADDITEMS").update(values)


def _setitem(machine: RestrictedUnpickler) -> None:
    value, key = machine._pop(), machine._pop()
    _target(machine, _MAPPINGS, "SETITEM")[key] = value


def _setitems(machine: RestrictedUnpickler) -> None:
    values = machine._pop_group()
    target = _target(machine, _MAPPINGS, "SETITEMS")
    if len(values) % 2:
        raise CorruptFileError("the pickle stream is damaged: a key without a value")
    for key, value in zip(values[::2], values[1::2], strict=True):
        target[key] = value


_STEPS: dict[bytes, Step] = {
    pickle.PROTO: _proto,
    pickle.FRAME: _frame,
    pickle.MARK: _constant(_MARK),
    pickle.POP: _drop,
    pickle.NONE: _constant(None),
    pickle.NEWTRUE: _constant(True),
    pickle.NEWFALSE: _constant(False),
    pickle.EMPTY_TUPLE: _constant(()),
    pickle.EMPTY_LIST: _fresh(list),
    pickle.EMPTY_DICT: _fresh(dict),
    pickle.EMPTY_SET: _fresh(set),
    pickle.BININT: _number("<i"),
    pickle.BININT1: _number("<B"),
    pickle.BININT2: _number("<H"),
    pickle.BINFLOAT: _number(">d"),
    pickle.LONG1: _long("<B"),
    pickle.LONG4: _long("<I"),
    pickle.BINUNICODE: _text("<I"),
    pickle.SHORT_BINUNICODE: _text("<B"),
    pickle.BINUNICODE8: _text("<Q"),
    pickle.BINBYTES: _data("<I"),
    pickle.SHORT_BINBYTES: _data("<B"),
    pickle.BINBYTES8: _data("<Q"),
    pickle.BYTEARRAY8: lambda machine: machine._stack.append(bytearray(machine._read(machine._unpack("<Q")))),
    pickle.BINSTRING: _python2_text("<I"),
    pickle.SHORT_BINSTRING: _python2_text("<B"),
    pickle.BINGET: _get("<B"),
    pickle.LONG_BINGET: _get("<I"),
    pickle.BINPUT: _put("<B"),
    pickle.LONG_BINPUT: _put("<I"),
    pickle.MEMOIZE: _memoize,
    pickle.TUPLE: lambda machine: machine._push_tuple(machine._pop_group()),
    pickle.TUPLE1: _tuple_of(1),
    pickle.TUPLE2: _tuple_of(2),
    pickle.TUPLE3: _tuple_of(3),
    pickle.GLOBAL: _global_by_line,
    pickle.STACK_GLOBAL: _global_by_stack,
    pickle.REDUCE: _reduce,
    pickle.NEWOBJ: _newobj,
    pickle.BUILD: _build,
    pickle.BINPERSID: _persistent,
    pickle.APPEND: _append,
    pickle.APPENDS: _appends,
    pickle.ADDITEMS: _additems,
    pickle.SETITEM: _setitem,
    pickle.SETITEMS: _setitems,
}


def trusting_type(pickle_module: Any = pickle) -> type[Any]:
    """`pickle_module`'s Unpickler, with PyTorch's names standing for Rushlight's."""

    class Unpickler(pickle_module.Unpickler):  # type: ignore[misc]
        """Python's unpickler: it calls whatever the file names."""

        def __init__(self, file: BinaryIO, persistent_load: Callable[[Any], Any], **options: Any) -> None:
            super().__init__(file, **options)
            self._load_reference = persistent_load

        def persistent_load(self, saved: Any) -> Any:
            return self._load_reference(saved)

        def find_class(self, module: str, name: str) -> Any:
            found = resolve(f"{module}.{name}")
            if found is not None:
                return found
            if f"{module}.{name}" == "torch.storage._load_from_bytes":
                return _load_from_bytes
            if module == "torch" or module.startswith("torch."):
                return find_class(module, name)
            return super().find_class(module, name)

    return Unpickler


def _load_from_bytes(data: bytes) -> Any:
    """A storage that was pickled by itself, as a checkpoint within the stream."""
    from rushlight.serialization.api import load

    return load(io.BytesIO(data), weights_only=False)
