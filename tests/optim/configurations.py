"""The configurations of optimizers that tests and tools go through, and the problem that they are run on.

Nothing here imports torch or rushlight: a function gets the library that it is to run on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Scalar(NamedTuple):
    """An option that is a tensor of the library."""

    value: float
    dtype: str = "float32"


_DECAYED = {"weight_decay": 0.1}
_BETAS = {"lr": 0.05, "betas": (0.8, 0.95)}
# name: (class, options). A name with "foreach" or "fused" asks PyTorch for another implementation of the same numbers.
CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD default": ("SGD", {}),
    "SGD momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02}),
    "SGD nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    "SGD maximize": ("SGD", {"lr": 0.01, "maximize": True, "momentum": 0.5, "weight_decay": 0.1}),
    "SGD foreach": ("SGD", {"lr": 0.1, "momentum": 0.9, "foreach": True}),
    "SGD fused": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "fused": True}),
    "SGD tensor": ("SGD", {"lr": Scalar(0.1), "weight_decay": Scalar(0.02)}),
    "Adagrad": ("Adagrad", {"lr": 0.1}),
    "Adagrad all": (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-3},
    ),
    "Adagrad maximize": ("Adagrad", {"maximize": True}),
    "Adagrad foreach": ("Adagrad", {"lr": 0.1, "foreach": True, **_DECAYED}),
    "Adagrad fused": ("Adagrad", {"lr": 0.1, "fused": True}),
    "Adagrad tensor": ("Adagrad", {"lr": Scalar(0.1)}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop all": (
        "RMSprop",
        {"lr": 0.02, "alpha": 0.9, "weight_decay": 0.1, "momentum": 0.8, "centered": True, "eps": 1e-4},
    ),
    "RMSprop centered": ("RMSprop", {"centered": True, "eps": 1e-3, "alpha": 0.4}),
    "RMSprop maximize": ("RMSprop", {"maximize": True, "momentum": 0.2}),
    "RMSprop foreach": ("RMSprop", {"foreach": True, "momentum": 0.2, **_DECAYED}),
    "RMSprop tensor": ("RMSprop", {"lr": Scalar(0.02)}),
    "Adadelta": ("Adadelta", {}),
    "Adadelta all": ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1, "maximize": True}),
    "Adadelta foreach": ("Adadelta", {"foreach": True}),
    "Adadelta tensor": ("Adadelta", {"lr": Scalar(0.5)}),
    "Adam": ("Adam", {"lr": 0.05}),
    "Adam all": ("Adam", {**_BETAS, "eps": 1e-4, "amsgrad": True, **_DECAYED}),
    "Adam decoupled": ("Adam", {"lr": 0.05, "decoupled_weight_decay": True, "maximize": True, **_DECAYED}),
    "Adam foreach": ("Adam", {**_BETAS, "foreach": True, "amsgrad": True, **_DECAYED}),
    "Adam fused": ("Adam", {**_BETAS, "fused": True, "amsgrad": True, **_DECAYED}),
    "Adam tensor": ("Adam", {"lr": Scalar(0.05), "betas": (Scalar(0.8), Scalar(0.95)), **_DECAYED}),
    "AdamW": ("AdamW", {"lr": 0.05}),
    "AdamW all": ("AdamW", {**_BETAS, "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
    "AdamW fused": ("AdamW", {**_BETAS, "fused": True}),
    "AdamW foreach": ("AdamW", {**_BETAS, "foreach": True}),
    "Adamax": ("Adamax", {}),
    "Adamax all": ("Adamax", {**_BETAS, "eps": 1e-3, "maximize": True, **_DECAYED}),
    "Adamax foreach": ("Adamax", {**_BETAS, "foreach": True, **_DECAYED}),
    "Adamax tensor": ("Adamax", {**_BETAS, "lr": Scalar(0.05)}),
    "NAdam": ("NAdam", {}),
    "NAdam all": ("NAdam", {**_BETAS, "eps": 1e-3, "momentum_decay": 0.1, **_DECAYED}),
    "NAdam decoupled": ("NAdam", {**_BETAS, "decoupled_weight_decay": True, "maximize": True, **_DECAYED}),
    "NAdam foreach": ("NAdam", {**_BETAS, "foreach": True, **_DECAYED}),
    "NAdam tensor": ("NAdam", {**_BETAS, "lr": Scalar(0.05)}),
    "RAdam": ("RAdam", {"lr": 0.05}),
    "RAdam all": ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-4, "maximize": True, **_DECAYED}),
    "RAdam decoupled": ("RAdam", {"lr": 0.05, "decoupled_weight_decay": True, **_DECAYED}),
    "RAdam foreach": ("RAdam", {**_BETAS, "foreach": True, **_DECAYED}),
    "RAdam tensor": ("RAdam", {**_BETAS, "lr": Scalar(0.05)}),
    "ASGD": ("ASGD", {}),
    "ASGD all": ("ASGD", {"lr": 0.1, "lambd": 0.05, "alpha": 0.5, "t0": 3, **_DECAYED}),
    "ASGD maximize": ("ASGD", {"lr": 0.01, "maximize": True, "t0": 1}),
    "ASGD foreach": ("ASGD", {"lr": 0.1, "t0": 3, "foreach": True}),
    "ASGD tensor": ("ASGD", {"lr": Scalar(0.1), "t0": 3}),
    "Rprop": ("Rprop", {}),
    "Rprop all": ("Rprop", {"lr": 0.2, "etas": (0.4, 1.5), "step_sizes": (0.05, 0.3)}),
    "Rprop maximize": ("Rprop", {"maximize": True}),
    "Rprop foreach": ("Rprop", {"lr": 0.2, "foreach": True}),
    "Rprop tensor": ("Rprop", {"lr": Scalar(0.2)}),
    "Adafactor": ("Adafactor", {}),
    "Adafactor all": (
        "Adafactor",
        {"lr": 0.2, "beta2_decay": -0.5, "eps": (1e-5, 0.5), "d": 1.5, "maximize": True, **_DECAYED},
    ),
    "Adafactor foreach": ("Adafactor", {"foreach": True, **_DECAYED}),
    "Adafactor tensor": ("Adafactor", {"lr": Scalar(0.1)}),
    "Muon": ("Muon", {}),
    "Muon all": (
        "Muon",
        {
            "lr": 0.05,
            "momentum": 0.8,
            "nesterov": False,
            "ns_coefficients": (3.0, -4.0, 2.0),
            "eps": 1e-5,
            "ns_steps": 3,
            "adjust_lr_fn": "match_rms_adamw",
        },
    ),
    "Muon original": ("Muon", {"lr": 0.1, "weight_decay": 0.0, "adjust_lr_fn": "original"}),
    "LBFGS": ("LBFGS", {"lr": 0.3}),
    "LBFGS short": ("LBFGS", {"lr": 0.5, "max_iter": 4, "history_size": 2}),
    "LBFGS evaluations": ("LBFGS", {"max_iter": 5, "max_eval": 3, "line_search_fn": "strong_wolfe"}),
    "LBFGS wolfe": ("LBFGS", {"max_iter": 3, "line_search_fn": "strong_wolfe"}),
    "LBFGS far": ("LBFGS", {"lr": 20.0, "max_iter": 4, "line_search_fn": "strong_wolfe"}),
    "LBFGS tolerant": ("LBFGS", {"tolerance_grad": 1e-2, "tolerance_change": 1e-3, "lr": 0.3}),
    "LBFGS tensor": ("LBFGS", {"lr": Scalar(0.3), "max_iter": 4}),
}
SHAPES = [(), (5,), (3, 4), (2, 1, 3, 2), (4, 2)]
# One group only, and parameters of two dimensions only.
ONE_GROUP, MATRICES = ("LBFGS",), ("Muon",)


def options_of(library: Any, name: str) -> dict[str, Any]:
    """The options of a configuration, with the library's tensors."""

    def made(value: Any) -> Any:
        if isinstance(value, Scalar):
            return library.tensor(value.value, dtype=getattr(library, value.dtype))
        # A NamedTuple is a tuple too.
        return tuple(made(v) for v in value) if type(value) is tuple else value

    return {key: made(value) for key, value in CONFIGURATIONS[name][1].items()}


def parameters(library: Any, name: str, dtype: str = "float32") -> list[Any]:
    """Parameters for a configuration, the same numbers every time."""
    rng = np.random.default_rng(3)
    shapes = [(3, 4), (4, 2), (5, 5)] if CONFIGURATIONS[name][0] in MATRICES else SHAPES
    kind = getattr(library, dtype)
    return [library.nn.Parameter(library.tensor(rng.standard_normal(shape)).to(kind)) for shape in shapes]


def optimizer_of(library: Any, name: str, params: list[Any]) -> Any:
    """The optimizer of a configuration, with two groups where it can have them."""
    kind = CONFIGURATIONS[name][0]
    options = options_of(library, name)
    if kind in ONE_GROUP:
        return getattr(library.optim, kind)(params, **options)
    # A foreach step of Adam takes no tensor, so the second group has a number.
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.03}]
    return getattr(library.optim, kind)(groups, **options)


def train(library: Any, params: list[Any], optimizer: Any, steps: int) -> list[float]:
    """The losses of some steps on a problem of many curvatures, which is not quite quadratic."""
    rng = np.random.default_rng(8)
    goals = [
        (
            library.tensor(rng.standard_normal(tuple(p.shape))).to(p.dtype),
            library.tensor(rng.uniform(0.2, 2.0, tuple(p.shape))).to(p.dtype),
        )
        for p in params
    ]

    def closure() -> Any:
        optimizer.zero_grad()
        loss = sum((w * (p - goal) ** 2).sum() + 0.1 * (p**4).sum() for p, (goal, w) in zip(params, goals, strict=True))
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(steps)]


def run(library: Any, name: str, dtype: str) -> dict[str, Any]:
    """What comes of a configuration: the losses, the parameters at the end, and the state at the end."""
    params = parameters(library, name, dtype)
    optimizer = optimizer_of(library, name, params)
    # A step of LBFGS is many iterations: after a few, there would be nothing left but rounding.
    steps = 2 if CONFIGURATIONS[name][0] == "LBFGS" else 12
    found: dict[str, Any] = {"losses": np.array(train(library, params, optimizer, steps))}
    found |= {f"param.{i}": p.detach().numpy() for i, p in enumerate(params)}
    if CONFIGURATIONS[name][0] == "LBFGS" and dtype == "float32":
        # Its memory is of differences of near numbers, of which float32 leaves too little to compare.
        return found
    return found | flat_state(optimizer)


def close(name: str, dtype: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Assert that two runs of a configuration gave the same numbers under the same names."""
    assert list(ours) == list(theirs)
    tolerance = 3e-5 if dtype == "float32" else 1e-9
    if dtype == "float64" and name.endswith((" tensor", " foreach")):
        # Some of PyTorch's numbers are float32 then, and its powers of them differ in the last bit.
        tolerance = 1e-7
    for key, value in ours.items():
        assert value.shape == theirs[key].shape, key
        np.testing.assert_allclose(value, theirs[key], rtol=tolerance, atol=tolerance, err_msg=key)


def flat_state(optimizer: Any) -> dict[str, Any]:
    """An optimizer's state as NumPy arrays, under names that say where they stand."""
    found: dict[str, Any] = {}

    def visit(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                visit(f"{path}.{key}", inner)
        elif isinstance(value, (list, tuple)):
            for i, inner in enumerate(value):
                visit(f"{path}.{i}", inner)
        elif value is not None:
            found[path] = value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)

    visit("state", optimizer.state_dict()["state"])
    return found
