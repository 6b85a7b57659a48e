"""`torch.testing`: the same verdicts in the same words, and the same numbers for the same seed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

COMPARISONS = [
    "A(T([1.,2.]),T([1.,2.1]))",
    "A(T([1.,2.]),T([1.,2.]))",
    "A(T([1,2]),T([1,3]))",
    "A(T(1.),T(2.))",
    "A(T(0.),T(0.1),rtol=0,atol=0)",
    "A(1,2)",
    "A(1.,1.0000000001)",
    "A(1,1.)",
    "A(1,1.,check_dtype=False)",
    "A(1+1j,1+2j)",
    "A(True,False)",
    "A(None,None)",
    "A(None,1)",
    "A('a','a')",
    "A([1,2],[1])",
    "A([1,[2,3]],[1,[2,4]])",
    "A({'a':T([1.]),'b':{'c':2}},{'a':T([1.]),'b':{'c':3}})",
    "A({'a':1},{'b':1})",
    "A([1],(1,))",
    "A(T([1.]),T([1.]).double())",
    "A(T([1.]),T([1.]).double(),check_dtype=False)",
    "A(T([1.,2.]),T([[1.,2.]]))",
    "A(T([1.]),T([1.]).to_sparse())",
    "A(T([1.]),T([1.]).to_sparse(),check_layout=False)",
    "A(T([[1.,2.],[3.,4.]]).t(),T([[1.,3.],[2.,4.]]),check_stride=True)",
    "A(T([[1.,2.],[3.,4.]]).t(),T([[1.,3.],[2.,4.]]))",
    "A(T([nan]),T([nan]))",
    "A(T([nan]),T([nan]),equal_nan=True)",
    "A(nan,nan,equal_nan=True)",
    "A(nan,nan)",
    "A(T([inf]),T([inf]))",
    "A(T([inf,1.]),T([-inf,1.]))",
    "A(T([1.]),T([1.]),rtol=1)",
    "A(T([1.]),T([1.]),atol=1)",
    "A(T([1.]),T([1.2]),rtol=.1,atol=0)",
    "A(T([1.]),T([1.2]),msg='hello')",
    "A(T([1.]),T([1.2]),msg=lambda m:'X'+m+'Y')",
    "A([T([1.]),T([2.])],[T([1.]),T([3.])],msg=lambda m:'X'+m)",
    "A(np.ones(2),np.ones(2))",
    "A(np.ones(2),np.zeros(2))",
    "A(np.ones(2),T([1.,1.]).double())",
    "A(np.float64(1),np.float64(2))",
    "A(np.float32(1),1.)",
    "A(np.bool_(True),True)",
    "A(q([1.,2.]),q([1.,3.]))",
    "A(q([1.,2.]),T([1.,2.]))",
    "A(T([0.,1.]).to_sparse(),T([1.,1.]).to_sparse())",
    "A(T([0.,1.]).to_sparse(),T([0.,2.]).to_sparse())",
    "A(T([0.,1.]).to_sparse(),T([1.,0.]).to_sparse())",
    "A(T([True,False]),T([True,True]))",
    "A(T([1+1j]),T([1+2j]))",
    "A(T([1.,2.]).half(),T([1.,2.01]).half())",
    "A(T([1.,2.]).bfloat16(),T([1.,2.02]).bfloat16())",
    "A(torch.ones(2,3),torch.ones(2,3)*T([1.,2.,1.]))",
    "A(object(),object())",
    "A(T([]),T([]))",
    "A(T([1.]),[1.])",
    "A(T(1.),1.)",
    "A(torch.nn.Parameter(T([1.])),T([1.]))",
    "A(torch.nn.Parameter(T([1.])),T([1.]),allow_subclasses=False)",
    "A(T([200],dtype=torch.uint8),T([100],dtype=torch.uint8))",
    "A(T([1,2],dtype=torch.int8),T([1,2]),check_dtype=False)",
    "A(T([1.]).to(torch.float8_e5m2),T([2.]).to(torch.float8_e5m2))",
    "A(T([1.]).to(torch.float8_e5m2),T([1.]).to(torch.float8_e5m2),rtol=1,atol=1)",
    "A({2:1,'a':2},{2:1,'a':3})",
    "A(range(3),range(3))",
    "A([[1,2],[3]],[[1,2],[4]])",
    "A(T(1),T(2))",
    "A(T(nan),T(1.))",
    "A(T([1.],requires_grad=True),T([2.]))",
    "torch.testing.assert_allclose(T([1.]),[1.])",
    "torch.testing.assert_allclose(T([1.]),T([2.]))",
    "torch.testing.assert_allclose(1.,2)",
    "torch.testing.assert_allclose(T([nan]),T([nan]))",
    "torch.testing.assert_allclose(T([1.]),T([1.01]),rtol=.1)",
    "torch.testing.assert_allclose(T([1.]),T([2.]),msg='oh')",
    "A(torch.ones(3,dtype=torch.uint16),torch.ones(3,dtype=torch.int32),check_dtype=False)",
    "A({},{})",
    "A([],[])",
    "A(T([5.]),T([0.]))",
]


def environment(t: Any) -> dict[str, Any]:
    def quantized(values: list[float]) -> Any:
        return t.quantize_per_tensor(t.tensor(values), 1.0, 0, t.qint8)

    return {
        "torch": t, "T": t.tensor, "A": t.testing.assert_close, "M": t.testing.make_tensor, "q": quantized, "np": np,
        "nan": float("nan"), "inf": float("inf"),
    }  # fmt: skip


def verdict(t: Any, program: str) -> tuple[str, str]:
    """What a comparison raises, and its words, with names of modules left out."""
    try:
        return "", str(eval(program, environment(t)))
    except Exception as error:
        said = str(error).replace("rushlight.tensor.", "torch.").replace("rushlight.", "torch.")
        return type(error).__name__, said


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", COMPARISONS)
def test_the_same_words(program: str) -> None:
    if "object()" in program:
        assert verdict(rushlight, program)[0] == verdict(torch, program)[0]
    else:
        assert verdict(rushlight, program) == verdict(torch, program)


BOUNDS = [
    "M(3,dtype=torch.float32,device='cpu',low=2,high=1)",
    "M(3,dtype=torch.float32,device='cpu',low=nan)",
    "M(3,dtype=torch.uint8,device='cpu',low=-5,high=-1)",
    "M(3,dtype=torch.int64,device='cpu',requires_grad=True)",
    "M(3,dtype=torch.float32,device='cpu',requires_grad=True)",
    "M(3,dtype=torch.float32,device='cpu',noncontiguous=True,memory_format=torch.contiguous_format)",
    "M(3,dtype=torch.float32,device='cpu',low=-inf,high=inf)",
    "M(3,dtype=torch.float32,device='cpu',low=1,high=1)",
    "M(3,dtype=torch.int64,device='cpu',low=1,high=1)",
    "M(3,dtype=torch.int8,device='cpu',low=-1000,high=1000)",
    "M(3,dtype=torch.float16,device='cpu',low=-1e9,high=1e9)",
    "M(3,dtype=torch.float64,device='cpu',low=-1e309,high=1e309)",
    "M(3,dtype=torch.complex64,device='cpu',requires_grad=True)",
    "M(3,dtype=torch.int64,device='cpu',low=-inf,high=inf)",
]
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128", "float8_e5m2",
)  # fmt: skip
MADE = [
    "2, 3", "(3,), low=0, high=5", "[2, 2], noncontiguous=True", "4, exclude_zero=True, low=0, high=2",
    "2, 3, 1, 1, memory_format=torch.channels_last", "()", "5, low=1.5, high=3.5", "0, 2",
]  # fmt: skip


def made(t: Any, program: str) -> Any:
    t.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tensor = eval(program, environment(t))
        except Exception as error:
            return type(error).__name__, str(error)
    numbers = tensor.detach()
    numbers = numbers.tolist() if numbers.element_size() > 1 else numbers.float().tolist()
    return str(tensor.dtype), numbers, tensor.stride() if tensor.numel() else (), tensor.requires_grad


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_numbers(dtype: str) -> None:
    for arguments in MADE:
        if "exclude_zero" in arguments and dtype in ("uint16", "float8_e5m2"):
            continue  # PyTorch can't fill these
        program = f"M({arguments}, dtype=torch.{dtype}, device='cpu')"
        assert made(rushlight, program) == made(torch, program), program


@pytest.mark.parametrize("program", BOUNDS)
def test_bounds_and_refusals(program: str) -> None:
    assert made(rushlight, program) == made(torch, program)
