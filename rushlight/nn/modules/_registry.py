"""What a module holds: its parameters, buffers and submodules; how they come in, are found, and are walked through."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rushlight.nn.modules._hooks import (
    _global_buffer_registration_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
)
from rushlight.nn.parameter import Buffer, Parameter
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module

__all__ = ["Registry"]

Member = TypeVar("Member")


def _typename(obj: Any) -> str:
    """The type of `obj` as error texts name it: a tensor by its tensor type, else module and class.

    A class or function is named itself: it stands where something that it makes was meant.
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    cls = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(cls, "__module__", None)
    return cls.__qualname__ if module in ("builtins", None) else f"{module}.{cls.__qualname__}"


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__torch_function__")


def _check_name(name: Any, kind: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")


def _check_key(name: str, kind: str) -> None:
    if "." in name:
        got = f", got: {name}" if kind == "module" else ""
        raise KeyError(f'{kind} name can\'t contain "."{got}')
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')


def _remove(name: str, *places: Any) -> None:
    for place in places:
        if name in place:
            if isinstance(place, dict):
                del place[name]
            else:
                place.discard(name)


def _through_registration_hooks(hooks: dict[int, Callable[..., Any]], module: Registry, name: str, value: Any) -> Any:
    for hook in hooks.values():
        replaced = hook(module, name, value)
        if replaced is not None:
            value = replaced
    return value


class _Found:
    """Where a class finds what its instances registered under a name.

    `__getattr__` would find it, but Python asks that only after a search has failed, at several times the cost.
    """

    __slots__ = ("kind", "name", "owner")

    def __init__(self, owner: type[Registry], kind: str, name: str) -> None:
        self.owner = owner
        self.kind = kind
        self.name = name

    def __get__(self, module: Any, owner: type[Any]) -> Any:
        # A derived class may have a `__getattr__` of its own, which is to be asked.
        if owner is self.owner and module is not None:
            try:
                return module.__dict__[self.kind][self.name]
            except KeyError:
                pass
        raise AttributeError(f"type object '{owner.__name__}' has no attribute '{self.name}'")


def _note(module: Registry, kind: str, name: str) -> None:
    """Let a module's class find a member, unless it has something else of that name or finds members in its own way."""
    cls = type(module)
    if name in cls.__dict__ or not name.isidentifier() or cls.__getattr__ is not Registry.__getattr__:
        return
    inherited = next((base.__dict__[name] for base in cls.__mro__ if name in base.__dict__), None)
    if inherited is None or isinstance(inherited, _Found):
        type.__setattr__(cls, name, _Found(cls, kind, name))


class Registry:
    """The part of `Module` that keeps parameters, buffers and submodules by name, in the order they came in."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Module | None]

    # Coming in

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter that is then found as the attribute `name`; None says that there may be one but is none.

        KeyError for a name with a dot, an empty one, or one that another attribute has; TypeError for what is no
        Parameter; ValueError for a tensor that an operation made.

        >>> import rushlight as torch
        >>> module = torch.nn.Module()
        >>> module.register_parameter("scale", torch.nn.Parameter(torch.ones(2)))
        >>> module.scale
        Parameter containing:
        tensor([1., 1.], requires_grad=True)

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        _check_name(name, "parameter")
        _check_key(name, "parameter")
        if hasattr(self, name) and name not in self._parameters:
            raise KeyError(f"attribute '{name}' already exists")
        _note(self, "_parameters", name)
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = _through_registration_hooks(_global_parameter_registration_hooks, self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state without being a parameter, such as a running mean.

        It moves with the module and, if `persistent`, is saved in its state_dict. KeyError for a name that can't be
        used or is taken; TypeError for what is no tensor.

        >>> import rushlight as torch
        >>> module = torch.nn.Module()
        >>> module.register_buffer("mean", torch.zeros(2))
        >>> list(module.state_dict())
        ['mean']

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        _check_name(name, "buffer")
        _check_key(name, "buffer")
        if hasattr(self, name) and name not in self._buffers:
            raise KeyError(f"attribute '{name}' already exists")
        if tensor is not None and not _is_tensor_like(tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        _note(self, "_buffers", name)
        self._buffers[name] = _through_registration_hooks(_global_buffer_registration_hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule that is then found as the attribute `name`.

        TypeError for what is no Module; KeyError for a name that can't be used or is taken.

        >>> import rushlight as torch
        >>> parent = torch.nn.Module()
        >>> parent.add_module("act", torch.nn.Identity())
        >>> parent.act
        Identity()

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if module is not None and not isinstance(module, Registry):
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        _check_name(name, "module")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        _check_key(name, "module")
        _note(self, "_modules", name)
        self._modules[name] = _through_registration_hooks(_global_module_registration_hooks, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    # As attributes

    def __getattr__(self, name: str) -> Any:
        # Only called for what is no ordinary attribute.
        own = self.__dict__
        if "_parameters" in own:
            members = own["_parameters"]
            if name in members:
                return members[name]
        if "_buffers" in own:
            members = own["_buffers"]
            if name in members:
                return members[name]
        if "_modules" in own:
            members = own["_modules"]
            if name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        parameters = own.get("_parameters")
        if isinstance(value, Tensor) and isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            _remove(name, own, self._buffers, self._modules, self._non_persistent_buffers_set)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        elif isinstance(value, Registry) or name in own.get("_modules", ()):
            self._assign_module(name, value)
        elif name in own.get("_buffers", ()) or (isinstance(value, Tensor) and isinstance(value, Buffer)):
            self._assign_buffer(name, value)
        else:
            super().__setattr__(name, value)

    def _assign_module(self, name: str, value: Any) -> None:
        modules = self.__dict__.get("_modules")
        if modules is None:
            raise AttributeError("cannot assign module before Module.__init__() call")
        if isinstance(value, Registry):
            _remove(name, self.__dict__, self._parameters, self._buffers, self._non_persistent_buffers_set)
        elif value is not None:
            raise TypeError(
                f"cannot assign '{_typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
            )
        _note(self, "_modules", name)
        modules[name] = _through_registration_hooks(_global_module_registration_hooks, self, name, value)

    def _assign_buffer(self, name: str, value: Any) -> None:
        if value is not None and not _is_tensor_like(value):
            raise TypeError(
                f"cannot assign '{_typename(value)}' as buffer '{name}' "
                "(torch.nn.Buffer, torch.Tensor or None expected)"
            )
        if isinstance(value, Buffer):
            persistent = value.persistent
        else:
            persistent = name not in self._non_persistent_buffers_set
        register = self.register_buffer
        own_register = getattr(register, "__func__", None) is Registry.register_buffer
        if own_register or "persistent" in inspect.signature(register).parameters:
            register(name, value, persistent)
        elif persistent:
            register(name, value)
        else:
            raise RuntimeError(
                "Registering a non-persistent buffer on a Module subclass that implements register_buffer() without "
                "the persistent argument is not allowed."
            )

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        cls = type(self)
        of_class = [name for name in dir(cls) if not isinstance(inspect.getattr_static(cls, name, None), _Found)]
        names = [*of_class, *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        # What begins with a digit can't be written as an attribute.
        return sorted(name for name in names if not name[0].isdigit())

    # By path

    def _get_name(self) -> str:
        return type(self).__name__

    def get_submodule(self, target: str) -> Module:
        """The submodule at the dotted path `target`; "" is the module itself.

        AttributeError if the path leads nowhere, or to what is no module.

        >>> import rushlight as torch
        >>> net = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Identity()))
        >>> net.get_submodule("0.0")
        Identity()

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        module = cast("Module", self)
        for name in target.split(".") if target else ():
            module = _member(module, name)
            if not isinstance(module, Registry):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put `module` at the dotted path `target`, in place of the submodule there or, unless `strict`, as a new one.

        ValueError for an empty path or for what is no module; AttributeError if the path leads nowhere.

        >>> import rushlight as torch
        >>> net = torch.nn.Sequential(torch.nn.Identity())
        >>> net.set_submodule("0", torch.nn.Flatten())
        >>> net[0]
        Flatten(start_dim=1, end_dim=-1)

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Registry):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if (strict or hasattr(parent, name)) and not isinstance(_member(parent, name), Registry):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`; AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        param = _member(self.get_submodule(path), name)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`; AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = _member(module, name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return cast(Tensor, buffer)

    # Walking

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Every module of the tree with its path, the module itself first, each once if `remove_duplicate`.

        >>> import rushlight as torch
        >>> net = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Flatten())
        >>> [name for name, module in net.named_modules()]
        ['', '0', '1']

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if memo is None:
            memo = set()
        this = cast("Module", self)
        if this in memo:
            return
        if remove_duplicate:
            memo.add(this)
        yield prefix, this
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Every module of the tree, the module itself first, each once if `remove_duplicate`."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self,
        get_members_fn: Callable[[Module], Iterable[tuple[str, Member | None]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Member]]:
        seen: set[int] = set()
        modules: Iterable[tuple[str, Module]] = [(prefix, cast("Module", self))]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths, of the whole tree if `recurse`, each once if `remove_duplicate`.

        >>> import rushlight as torch
        >>> [name for name, param in torch.nn.Sequential(torch.nn.Linear(2, 3)).named_parameters(prefix="net")]
        ['net.0.weight', 'net.0.bias']

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        yield from self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, of the whole tree if `recurse`, each once: what an optimizer is given."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths, of the whole tree if `recurse`, each once if `remove_duplicate`."""
        yield from self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, of the whole tree if `recurse`, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer


def _member(module: Any, name: str) -> Any:
    if not hasattr(module, name):
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    return getattr(module, name)
