"""Activation functions: modules, functions, their in-place forms, and those along a dimension."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, distinct, fixed, given, integers, normal

# distinct() keeps clear of zero; these steps keep it clear of the other kinks.
_POINTS = distinct(2, 6)
_FAR = given([-60.0, -25.0, -8.0, -3.5, -0.55, 0.55, 2.45, 3.5, 7.0, 25.0, 60.0])


# PyTorch has no second derivative of it.
_ONCE = ("Hardsigmoid", "hardsigmoid")


def module(name: str, inputs: Any = _POINTS, **more: Any) -> Case:
    """A case named as the module is made: `module("ELU(0.5)")`."""
    return Case(name, lambda t: eval(f"nn.{name}", {"nn": t.nn}), (inputs,), second=not name.startswith(_ONCE), **more)


def function(
    name: str, *inputs: Any, draws: bool = False, smooth: bool = True, label: str = "", **options: Any
) -> Case:
    return Case(
        f"{name} {label}".strip(),
        lambda t: getattr(t.nn.functional, name),
        inputs,
        options,
        draws=draws,
        smooth=smooth,
        # Random numbers go to elements in the order in which memory has them.
        stepped=not draws,
    )


def inplace(name: str, *arguments: Any, at: str = "functional", **options: Any) -> Case:
    """A function that writes into its argument, here into a copy of one: what it returns is the copy."""

    def make(t: Any) -> Any:
        home = t.nn.functional if at == "functional" else t

        def call(x: Any) -> Any:
            copied = x * 1
            result = getattr(home, name)(copied, *arguments, **options)
            assert result is copied
            return result

        return call

    label = " ".join(str(value) for value in (*arguments, *options.values()))
    where = "" if at == "functional" else "torch."
    return Case(
        f"{where}{name} into {label}".strip(),
        make,
        (_POINTS,),
        draws=bool(options.get("training")),
        second=name not in _ONCE,
    )


MODULES = [
    *map(
        module,
        (
            "ELU()", "ELU(0.6)", "CELU()", "CELU(alpha=0.6)", "SELU()", "GELU()", "GELU('tanh')", "ReLU()", "ReLU6()",
            "LeakyReLU()", "LeakyReLU(0.3)", "Hardtanh()", "Hardtanh(-0.22, 0.34)", "Hardshrink()", "Hardshrink(0.22)",
            "Softshrink()", "Softshrink(0.22)", "Hardsigmoid()", "Hardswish()", "LogSigmoid()", "Sigmoid()", "SiLU()",
            "Mish()", "Softplus()", "Softplus(2.0, 1.03)", "Softsign()", "Tanh()", "Tanhshrink()",
            "Threshold(0.12, 7.0)", "GLU()", "Softmin(1)", "Softmax(0)", "Softmax(-1)", "LogSoftmax(1)",
        ),
    ),
    module("GLU(0)", distinct(4, 3)),
    module("GLU(dim=1)", distinct(2, 4, 2)),
    module("Softmax2d()", normal(1, 3, 2, 2)),
    module("Softmax()", normal(2, 3, 2)),
    module("Softmin()", normal(2, 3)),
    module("LogSoftmax()", normal(4)),
    module("PReLU()"),
    module("PReLU(3, init=0.4)", distinct(2, 3, 2)),
    module("PReLU(4)", distinct(2, 4)),
    module("PReLU(init=-0.1)", distinct(4)),
    module("RReLU()", training=False),
    module("RReLU(0.1, 0.9)", draws=True),
    module("RReLU(0.3, 0.3)", draws=True),
    # An in-place layer at the head of a network needs an input with a history, which these get from a first layer.
    *(
        Case(
            f"{name} after another",
            lambda t, name=name: t.nn.Sequential(t.nn.Tanhshrink(), eval(f"nn.{name}", {"nn": t.nn})),  # type: ignore[misc]
            (distinct(2, 9),),
            draws=name.startswith("RReLU"),
            second=not name.startswith(_ONCE),
        )
        for name in (
            "ELU(inplace=True)", "CELU(0.7, True)", "SELU(True)", "ReLU(True)", "ReLU6(True)", "LeakyReLU(0.1, True)",
            "Hardtanh(-0.3, 0.34, True)", "Hardsigmoid(True)", "Hardswish(True)", "SiLU(True)", "Mish(True)",
            "Threshold(0.05, 3.0, True)", "RReLU(0.2, 0.6, True)",
        )
    ),
]  # fmt: skip

FAR = [
    Case(f"{name} far out", lambda t, name=name: getattr(t.nn.functional, name), (_FAR,), second=name not in _ONCE)  # type: ignore[misc]
    for name in (
        "celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish", "relu", "relu6",
        "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "hardshrink",
    )
]  # fmt: skip

FUNCTIONS = [
    function("elu", _POINTS, alpha=0.6),
    function("celu", _POINTS, 0.6),
    function("gelu", _POINTS, approximate="tanh"),
    function("leaky_relu", _POINTS, 0.3),
    function("hardtanh", _POINTS, -0.22, 0.34),
    function("hardshrink", _POINTS, 0.22),
    function("softshrink", _POINTS, 0.22),
    function("softplus", _POINTS, 2, 1),
    function("threshold", _POINTS, 0.12, 7.0),
    function("glu", distinct(4, 3), 0),
    function("prelu", distinct(2, 3, 2), normal(3)),
    function("prelu", distinct(5), normal(1), label="vector"),
    function("prelu", given(-2.0), normal(1), label="number"),
    function("rrelu", _POINTS, 0.1, 0.9, label="eval"),
    function("rrelu", _POINTS, 0.1, 0.9, True, draws=True),
    function("softmax", normal(2, 3), 1),
    function("softmax", normal(2, 3, 2), label="no dim"),
    function("softmax", normal(2, 3, 1, 1), label="no dim of four"),
    function("softmax", normal(), 0, label="number"),
    function("softmin", normal(2, 3), dim=0),
    function("softmin", normal(2, 3), label="no dim"),
    function("log_softmax", normal(2, 3), -1),
    function("log_softmax", normal(3), label="no dim"),
    function("softmax", normal(0, 3), 1, label="empty"),
    Case("softmax of another dtype", lambda t: lambda x: t.nn.functional.softmax(x, 1, dtype=t.float64), (normal(2, 3),)),
    Case("softmin of another dtype", lambda t: lambda x: t.nn.functional.softmin(x, 1, dtype=t.float64), (normal(2, 3),)),
    Case("log_softmax of another dtype", lambda t: lambda x: t.nn.functional.log_softmax(x, 1, dtype=t.float64), (normal(2, 3),)),
    Case("softmax of integers", lambda t: lambda x: t.nn.functional.softmax(x, 1, dtype=t.float64), (integers(5, 2, 3),)),
    function("gumbel_softmax", normal(3, 4), draws=True),
    function("gumbel_softmax", normal(3, 4), 0.5, dim=0, draws=True, label="warm"),
    # The hard sample is a step; its gradient is that of the soft one.
    function("gumbel_softmax", normal(3, 4), hard=True, draws=True, smooth=False, label="hard"),
    function("relu", integers(5, 4, low=-5), label="of integers"),
    function("relu6", integers(9, 4, low=-5), label="of integers"),
    function("hardtanh", integers(9, 4, low=-5), -2, 3, label="of integers"),
    function("threshold", integers(9, 4, low=-5), 1, 20, label="of integers"),
    function("relu", fixed(normal(0, 2)), label="empty"),
]  # fmt: skip

INPLACE = [
    inplace("relu_"),
    inplace("relu", inplace=True),
    inplace("relu6", inplace=True),
    inplace("elu_"),
    inplace("elu_", 0.6),
    inplace("elu_", 0.6, 1.5, 0.7),
    inplace("elu", 0.6, True),
    inplace("celu_", 0.6),
    inplace("celu", 0.6, True),
    inplace("selu_"),
    inplace("selu", inplace=True),
    inplace("leaky_relu_"),
    inplace("leaky_relu_", 0.3),
    inplace("leaky_relu", 0.3, True),
    inplace("hardtanh_"),
    inplace("hardtanh_", -0.22, 0.34),
    inplace("hardtanh", -0.22, 0.34, True),
    inplace("hardswish", True),
    inplace("hardsigmoid", True),
    inplace("silu", True),
    inplace("mish", True),
    inplace("threshold_", 0.12, 7.0),
    inplace("threshold", 0.12, 7.0, True),
    inplace("rrelu_"),
    inplace("rrelu_", 0.1, 0.9, training=True),
    inplace("rrelu", 0.1, 0.9, training=True, inplace=True),
    *(
        inplace(name, *arguments, at="torch")
        for name, arguments in (
            ("relu_", ()), ("celu_", (0.6,)), ("selu_", ()), ("threshold_", (0.12, 7.0)), ("rrelu_", (0.1, 0.9)),
            ("sigmoid_", ()), ("tanh_", ()),
        )
    ),
]  # fmt: skip

FRONT = [
    Case(f"torch.{name}", lambda t, name=name: getattr(t, name), arguments)  # type: ignore[misc]
    for name, arguments in (
        ("celu", (_POINTS, 0.6)), ("hardshrink", (_POINTS,)), ("prelu", (distinct(2, 3, 2), normal(3))),
        ("relu", (_POINTS,)), ("rrelu", (_POINTS, 0.1, 0.9)), ("selu", (_POINTS,)), ("sigmoid", (_POINTS,)),
        ("softmax", (_POINTS, 1)), ("log_softmax", (_POINTS, 0)), ("tanh", (_POINTS,)), ("threshold", (_POINTS, 0.12, 7.0)),
    )
]  # fmt: skip

CASES = [*MODULES, *FAR, *FUNCTIONS, *INPLACE, *FRONT]


def refused(name: str, call: str, error: type[Exception], match: str) -> Refusal:
    """A misuse as an expression of `t`, `F` and `nn`."""
    return Refusal(name, lambda t: eval(call, {"t": t, "F": t.nn.functional, "nn": t.nn}), error, match)


REFUSALS = [
    refused("celu alpha", "F.celu(t.ones(2), 0.0)", RuntimeError, "alpha cannot be 0 for CELU"),
    refused("Hardtanh bounds", "nn.Hardtanh(1.0, -1.0)", AssertionError, "must be greater than min_val"),
    refused("hardtanh bounds", "F.hardtanh(t.ones(2), 1.0, -1.0)", ValueError, "min_val cannot be greater than max_val"),
    refused("softshrink lambda", "F.softshrink(t.ones(2), -1.0)", RuntimeError, "lambda must be greater or equal to 0"),
    refused("glu odd", "F.glu(t.ones(3))", RuntimeError, "Halving dimension must be even, but dimension 0 is size 3"),
    refused("glu number", "F.glu(t.tensor(1.0))", RuntimeError, "does not support 0-dimensional tensors"),
    refused("GLU dim", "nn.GLU(2)(t.ones(2, 2))", IndexError, "Dimension out of range"),
    refused("gelu approximate", "F.gelu(t.ones(2), approximate='erf')", RuntimeError, "approximate argument must be either none or tanh"),
    refused("prelu weights", "F.prelu(t.ones(2, 3), t.ones(2))", RuntimeError, "Mismatch of parameter numbers and input channel size"),
    refused("prelu matrix", "F.prelu(t.ones(2, 3), t.ones(3, 1))", RuntimeError, "Expected `weight` to be a scalar or 1D tensor"),
    refused("prelu number", "F.prelu(t.tensor(1.0), t.ones(2))", RuntimeError, "zero-dim"),
    refused("prelu dtypes", "F.prelu(t.ones(2, 3), t.ones(3).double())", RuntimeError, "Type promoting not supported"),
    refused("rrelu bounds", "F.rrelu(t.ones(2), 0.9, 0.1, True)", RuntimeError, "Lower bound should be less than or equal to the upper"),
    refused("softmax dim", "F.softmax(t.ones(2, 3), 2)", IndexError, "Dimension out of range"),
    refused("softmax integers", "F.softmax(t.ones(2, 3).long(), 1)", NotImplementedError, "not implemented for 'Long'"),
    refused("Softmax2d rank", "nn.Softmax2d()(t.ones(2, 3))", ValueError, "expected input to be 3D or 4D, got 2D"),
    refused("relu bools", "F.relu(t.ones(2).bool())", RuntimeError, "Boolean inputs not supported for relu"),
    refused("relu number", "F.relu(1.0)", TypeError, "must be Tensor"),
    refused("relu of a leaf in place", "F.relu_(t.ones(2, requires_grad=True))", RuntimeError, "a leaf Variable that requires grad"),
    refused("elu integers", "F.elu(t.ones(2).long())", NotImplementedError, "not implemented for 'Long'"),
    refused("gumbel_softmax dim", "F.gumbel_softmax(t.ones(2, 3), dim=5)", IndexError, "Dimension out of range"),
    *(
        refused(f"{name} integers", f"F.{name}(t.ones(2).long())", NotImplementedError, "not implemented for 'Long'")
        for name in ("hardsigmoid", "hardswish", "gelu", "mish", "silu", "logsigmoid", "hardshrink", "softshrink")
    ),
]  # fmt: skip
