"""Nested tuples, lists and dicts of values, taken apart into leaves and a structure, and put together again.

Source: https://docs.pytorch.org/docs/2.13/func.api.html
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = [
    "TreeSpec", "register_pytree_node", "tree_all", "tree_any", "tree_flatten", "tree_iter", "tree_leaves", "tree_map",
    "tree_map_", "tree_map_only", "tree_structure", "tree_unflatten",
]  # fmt: skip


class _Kind(NamedTuple):
    flatten: Callable[[Any], tuple[list[Any], Any]]
    unflatten: Callable[[list[Any], Any], Any]


def _dict_of(children: list[Any], keys: list[Any]) -> dict[Any, Any]:
    return dict(zip(keys, children, strict=True))


_KINDS: dict[Any, _Kind] = {
    tuple: _Kind(lambda t: (list(t), None), lambda children, _: tuple(children)),
    list: _Kind(lambda t: (t, None), lambda children, _: children),
    dict: _Kind(lambda t: (list(t.values()), list(t)), _dict_of),
    OrderedDict: _Kind(lambda t: (list(t.values()), list(t)), lambda c, keys: OrderedDict(_dict_of(c, keys))),
    defaultdict: _Kind(
        lambda t: (list(t.values()), [t.default_factory, list(t)]),
        lambda c, context: defaultdict(context[0], _dict_of(c, context[1])),
    ),
    deque: _Kind(lambda t: (list(t), t.maxlen), lambda children, longest: deque(children, longest)),
}
# A named tuple's fields stand by position; its class is what puts it together again.
_NAMED = _Kind(lambda t: (list(t), type(t)), lambda children, made: made(*children))
_RESULTS = _Kind(lambda t: (list(t), type(t)), lambda children, made: made(children))


def _kind_of(tree: Any) -> tuple[Any, _Kind | None]:
    kind = type(tree)
    known = _KINDS.get(kind)
    if known is None and isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind, _NAMED if hasattr(kind, "_make") else _RESULTS
    return kind, known


class TreeSpec:
    """The structure of a tree: its outermost container, what tells it from others of its type, and its children."""

    def __init__(self, type: Any, context: Any, children: list[TreeSpec], kind: _Kind | None = None) -> None:
        self.type = type
        self.context = context
        self.children_specs = children
        self.kind = kind
        self.num_leaves: int = sum([c.num_leaves for c in children]) if type is not None else 1
        self.num_nodes: int = 1 + sum([c.num_nodes for c in children])
        self.num_children: int = len(children)

    def is_leaf(self) -> bool:
        """Whether this is the structure of one value."""
        return self.type is None

    def unflatten(self, leaves: Any) -> Any:
        """The tree of this structure with these leaves."""
        return tree_unflatten(leaves, self)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The parts of a tree that stand where this structure has its leaves; ValueError where it is another one."""
        if self.is_leaf():
            return [tree]
        type_, kind = _kind_of(tree)
        if kind is None or type_ is not self.type:
            raise ValueError(f"Type mismatch; expected {self.type!r}, but got {type_!r}.")
        children, context = kind.flatten(tree)
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if context != self.context:
            if not isinstance(tree, dict) or set(tree) != set(_keys(self.context)):
                raise ValueError(f"Node context mismatch for custom node type {self.type!r}.")
            children = [tree[key] for key in _keys(self.context)]
        return [
            part
            for spec, child in zip(self.children_specs, children, strict=True)
            for part in spec.flatten_up_to(child)
        ]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TreeSpec)
            and self.type is other.type
            and self.context == other.context
            and self.children_specs == other.children_specs
        )

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves, self.num_children))

    def __repr__(self, indent: int = 0) -> str:
        if self.is_leaf():
            return "*"
        named = self.kind is _NAMED
        name = "namedtuple" if named else self.type.__name__
        context = None if self.kind is _RESULTS else self.context
        inner = (",\n" + " " * (indent + 2)).join(c.__repr__(indent + 2) for c in self.children_specs)
        if self.num_children and not self.children_specs[0].is_leaf():
            inner = "\n" + " " * (indent + 2) + inner if not named else inner
        return f"TreeSpec({name}, {context!r}, [{inner}])"


def _keys(context: Any) -> Any:
    """The keys of a dict, from what its structure keeps."""
    return context[1] if len(context) == 2 and isinstance(context[1], list) else context


def register_pytree_node(
    cls: type[Any],
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Any, Any], Any],
    **others: Any,
) -> None:
    """Make a class a container: `flatten_fn` gives its children and a context, `unflatten_fn` puts them together."""
    _KINDS[cls] = _Kind(flatten_fn, unflatten_fn)


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree in order, and its structure."""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves, is_leaf)


def _flatten(tree: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> TreeSpec:
    type_, kind = _kind_of(tree)
    if kind is None or (is_leaf is not None and is_leaf(tree)):
        leaves.append(tree)
        return _LEAF
    children, context = kind.flatten(tree)
    return TreeSpec(type_, context, [_flatten(child, leaves, is_leaf) for child in children], kind)


_LEAF = TreeSpec(None, None, [])


def tree_unflatten(leaves: Any, treespec: TreeSpec) -> Any:
    """The tree of a structure with these leaves; ValueError if there are too many or too few."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            f"tree_unflatten(leaves, treespec): Expected `treespec` to be instance of PyTreeSpec but got item of type "
            f"{type(treespec)}."
        )
    values = list(leaves)
    if len(values) != treespec.num_leaves:
        raise ValueError(
            f"treespec.unflatten(leaves): `leaves` has length {len(values)} but the spec refers to a pytree that holds "
            f"{treespec.num_leaves} items ({treespec!r})."
        )
    return _unflatten(iter(values), treespec)


def _unflatten(leaves: Iterator[Any], spec: TreeSpec) -> Any:
    if spec.type is None:
        return next(leaves)
    assert spec.kind is not None
    return spec.kind.unflatten([_unflatten(leaves, child) for child in spec.children_specs], spec.context)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The tree with `func` applied to each leaf, and to what stands in its place in `rests`."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return tree_unflatten([func(*values) for values in zip(leaves, *others, strict=True)], spec)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Call `func` on each leaf, for what it does; the tree is returned as it was."""
    leaves, spec = tree_flatten(tree, is_leaf)
    for values in zip(leaves, *[spec.flatten_up_to(rest) for rest in rests], strict=True):
        func(*values)
    return tree


def tree_map_only(
    type_: Any, func: Callable[[Any], Any], tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """The tree with `func` applied to the leaves of a type."""
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, type_) else leaf, tree, is_leaf=is_leaf)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of a tree, in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_iter(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> Iterator[Any]:
    """The leaves of a tree, one by one."""
    return iter(tree_leaves(tree, is_leaf))


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The structure of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether all leaves satisfy a predicate."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether some leaf satisfies a predicate."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def broadcast_and_flatten(tree: Any, treespec: TreeSpec) -> list[Any] | None:
    """A prefix of a structure as one value for each of its leaves: what stands for a part stands for all within.

    None where the tree is no prefix.
    """
    type_, kind = _kind_of(tree)
    if kind is None:
        return [tree] * treespec.num_leaves
    if treespec.is_leaf() or type_ is not treespec.type:
        return None
    children, context = kind.flatten(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    result: list[Any] = []
    for child, spec in zip(children, treespec.children_specs, strict=True):
        part = broadcast_and_flatten(child, spec)
        if part is None:
            return None
        result += part
    return result
