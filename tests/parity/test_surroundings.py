"""What programs ask around tensors, beside PyTorch: checkpoints, devices, storages, switches, versions."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest
import torch

import rushlight
from tests.parity.programs import attempt, same_lines


def test_checkpoint_says_what_pytorch_says() -> None:
    def program(t: Any) -> None:
        from importlib import import_module

        c = import_module(f"{t.__name__}.utils.checkpoint")
        x = t.ones(2, requires_grad=True)
        y = c.checkpoint(lambda v: v.sin(), x)
        y.sum().backward()
        print(x.grad)
        c.checkpoint_sequential([t.sin, t.exp], 2, x).sum().backward()
        print(x.grad)
        c.checkpoint(lambda v: v.sin(), t.ones(2), use_reentrant=True)
        attempt(lambda: t.autograd.grad(c.checkpoint(t.sin, x, use_reentrant=True).sum(), x))
        attempt(lambda: c.checkpoint(t.sin, x, use_reentrant=True, a=3))
        attempt(lambda: c.checkpoint(t.sin, x, use_reentrant=True, debug=True))
        attempt(lambda: c.checkpoint(t.sin, x, use_reentrant=False, determinism_check="b"))
        attempt(lambda: c.checkpoint(lambda v: v.detach(), x, use_reentrant=True).requires_grad)
        attempt(lambda: c.detach_variable([x]))
        attempt(lambda: c.create_selective_checkpoint_contexts(3))
        print(c.detach_variable((x, 3)), c.get_device_states(x), c.DefaultDeviceType.get_device_type())
        print([(p.name, p.value) for p in c.CheckpointPolicy], c.noop_context_fn()[0].__enter__())
        with t.no_grad():
            print(c.checkpoint(t.sin, x, use_reentrant=False).requires_grad)

    same_lines(program)


def test_saved_tensors_may_change() -> None:
    def program(t: Any) -> None:
        g = t.autograd.graph
        with g.allow_mutation_on_saved_tensors():
            x = t.ones(3, requires_grad=True)
            y = x.clone()
            z = (y**2).sum() + (y * y).sum()
            y.sin_()
            z.backward()
            print(x.grad)
            attempt(lambda: g.allow_mutation_on_saved_tensors().__enter__())
        with g.allow_mutation_on_saved_tensors():
            out = x.exp().exp()
        attempt(lambda: g.region_activation_memory_budget("a"))
        attempt(lambda: g.region_activation_memory_budget(2.0))
        attempt(lambda: g.region_activation_memory_budget(0.5))
        print(out.requires_grad, g.set_warn_on_accumulate_grad_stream_mismatch(True))

    same_lines(program)


def test_layout_of_gradients() -> None:
    def program(t: Any) -> None:
        for enforce in (True, False):
            leaf = t.nn.Parameter(t.ones(2, 3).t())
            with t.autograd.enforce_grad_layout_policy(enforce):
                (leaf * t.ones(3, 2)).sum().backward()
            print(leaf.grad.stride())
        with t.autograd.set_multithreading_enabled(False):
            print(t.autograd.set_multithreading_enabled(True).mode)
        print(t.no_grad().clone().__class__.__name__, t.set_grad_enabled(True).clone().mode)

    same_lines(program)


def test_devices() -> None:
    def program(t: Any) -> None:
        print(t.get_default_device())
        x = t.ones(2)
        for name in ("cpu", "cuda", "cuda:1", None):
            t.set_default_device(name)
            attempt(lambda: t.get_default_device())
            for make in (
                lambda: t.ones(1), lambda: t.zeros_like(x), lambda: x.new_zeros(1), lambda: t.tensor(3),
                lambda: t.as_tensor([1]), lambda: t.ones(1, device="cpu"), lambda: t.arange(2), lambda: x.double(),
            ):  # fmt: skip
                attempt(make)
        attempt(lambda: t.set_default_device("nowhere"))
        with t.device("cpu") as here:
            print(here, t.get_default_device())
        with t.device("cuda:1"):
            attempt(lambda: t.get_default_device())
        for name in ("cpu", "cuda", "xpu", "mps", "mtia"):
            print(t.get_device_module(name).__name__)
        attempt(lambda: t.get_device_module("meta"))
        attempt(lambda: t.get_device_module("vulkan"))

    same_lines(program)


def test_devices_that_are_not_there() -> None:
    def program(t: Any) -> None:
        c = t.cuda
        for module in (c, t.xpu, t.mtia, t.mps, t.accelerator):
            print(module.is_available(), module.device_count())
        for name in ["is_initialized", "get_arch_list", "get_gencode_flags", "get_rng_state_all", "memory_allocated", "max_memory_reserved", "memory_stats", "host_memory_stats", "is_bf16_supported", "is_tf32_supported", "empty_cache", "seed", "memory_reserved"]:  # fmt: skip
            attempt(getattr(c, name))
        for name in [
            "current_device",
            "get_device_name",
            "get_device_properties",
            "synchronize",
            "current_stream",
            "init",
        ]:
            with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
                getattr(c, name)()
        print(c.manual_seed(1), c.manual_seed_all(2), c.set_device(-1), c.set_stream(None), c.has_half, c.has_magma)
        attempt(lambda: c.set_device("cpu"))
        attempt(lambda: c.Stream())
        attempt(lambda: c.Event())
        attempt(lambda: c.CUDAGraph())
        attempt(lambda: c.FloatTensor(2))
        print(isinstance(t.ones(1), c.FloatTensor))
        with c.stream(None), c.device(-1), c.device_of(t.ones(1)):
            print("inside")
        attempt(lambda: c.device(0).__enter__())
        attempt(lambda: c.nvtx.range_push("a"))
        attempt(lambda: t.accelerator.current_device_index())
        attempt(lambda: t.accelerator.synchronize())
        attempt(lambda: t.xpu.current_device())
        attempt(lambda: t.mtia.current_device())
        attempt(lambda: t.mps.empty_cache())
        print(t.cpu.is_available(), t.cpu.device_count(), t.cpu.current_device(), t.cpu.synchronize())
        s, e = t.cpu.Stream(), t.cpu.Event()
        with t.cpu.stream(s):
            print(t.cpu.current_stream() is s, e.query())
        print(t.Stream(), t.Event(), t.Stream() == t.Stream())
        attempt(lambda: t.Stream("cuda:0"))
        attempt(lambda: t.Event().record())
        attempt(lambda: t.Event().elapsed_time(t.Event()))

    same_lines(program)


def test_the_processors_features() -> None:
    mine, theirs = rushlight.cpu.get_capabilities(), torch.cpu.get_capabilities()
    assert {n for n, has in mine.items() if n in theirs and has != theirs[n]} <= {"amx_tile", "amx_int8", "amx_bf16"}


def test_backends() -> None:
    def program(t: Any) -> None:
        b = t.backends
        print(b.cuda.is_built(), b.cuda.matmul.allow_tf32, b.mkl.VERBOSE_ON, b.nnpack.set_flags(True))
        attempt(lambda: b.cuda.matmul.nothing)
        attempt(lambda: setattr(b.cuda.matmul, "nothing", 1))
        attempt(lambda: b.cuda.preferred_linalg_library("nothing"))
        attempt(lambda: b.cuda.preferred_linalg_library("magma"))
        attempt(lambda: b.cuda.preferred_blas_library("nothing"))
        attempt(lambda: b.cuda.cufft_plan_cache.size)
        print(b.cuda.preferred_rocm_fa_library())
        print(b.cudnn.is_acceptable(t.ones(1)), b.cudnn.enabled)
        with b.cudnn.flags(enabled=False):
            print(b.cudnn.enabled)
        with b.mkl.verbose(0):
            print(b.cudnn.enabled, b.mkldnn.enabled)
        attempt(lambda: b.mps.is_macos_or_newer(13, 0))
        print(t.version.rocm)

    same_lines(program)


def test_storages() -> None:
    def program(t: Any) -> None:
        s = t.FloatStorage([1, 2, 3, 4])
        print(s, len(s), s[1], s[-1], list(s), s.dtype, s.type(), s.nbytes(), s.is_shared(), s.is_pinned())
        for name in ["double", "half", "int", "long", "bool", "complex_float", "byte", "bfloat16"]:
            print(getattr(s, name)())
        for bad in (lambda: s[0:2], lambda: s["a"], lambda: s[9], lambda: s.copy_(t.FloatStorage(2))):
            attempt(bad)
        s[0], s[1:3] = 9, 7
        print(s.tolist(), s.fill_(2).tolist(), s.clone() == s, s == s, 2.0 in s)
        print(pickle.loads(pickle.dumps(s)).tolist(), copy.deepcopy(s).tolist(), copy.copy(s).tolist())
        x = t.ones(2)
        typed = t.TypedStorage(wrap_storage=x.untyped_storage(), dtype=x.dtype)
        typed[0] = 5
        print(x, isinstance(typed, t.FloatStorage), isinstance(typed, t.DoubleStorage), x.storage_type().__name__)
        print(t.is_storage(typed), t.is_storage(3), issubclass(t.FloatStorage, t.TypedStorage))
        for call in (
            lambda: t.FloatStorage(), lambda: t.TypedStorage([1, 2], dtype=t.int8), lambda: t.TypedStorage(dtype=t.int8),
            lambda: t.UntypedStorage([1, 300]), lambda: t.UntypedStorage("a"), lambda: t.UntypedStorage([1, 2, 3])[1:],
            lambda: t.UntypedStorage([1, 2, 3])[::2], lambda: t.TypedStorage(2, dtype="a"),
            lambda: t.FloatStorage.from_buffer(b"\0\0\x80?", "native"), lambda: t.FloatStorage.from_buffer(b"1234"),
            lambda: t.FloatStorage.from_buffer(b"\0\0\x80?1", "native"),
            lambda: t.ByteStorage.from_buffer(b"12345", offset=1, count=2),
            lambda: t.FloatStorage.from_file("/nowhere", False, 2), lambda: t.empty(0).set_(t.FloatStorage([1, 2])),
            lambda: t.empty(0).set_(t.FloatStorage([1, 2, 3]), 1, (2,), (1,)),
            lambda: t.empty(0).set_(t.FloatStorage([1, 2]).untyped()), lambda: t.Tensor(t.FloatStorage([1, 2])),
            lambda: t.empty(0, dtype=t.float64).set_(t.DoubleStorage([1])),
        ):  # fmt: skip
            attempt(call)
        u = t.UntypedStorage([1, 2, 3, 4])
        u.byteswap(t.int16)
        print(u.tolist(), u.float(), u.type(), u.share_memory_().is_shared(), u.resizable(), u.get_device())

    # PyTorch warns of storages of elements once in a process.
    def quiet(t: Any) -> None:
        with warnings.catch_warnings(action="ignore"):
            program(t)

    same_lines(quiet)


def test_files_as_storages(tmp_path: Any) -> None:
    for t in (torch, rushlight):
        path = str(tmp_path / t.__name__)
        storage = t.IntStorage.from_file(path, True, 3)
        storage[1] = 7
        assert t.IntStorage.from_file(path, False, 3).tolist() == [0, 7, 0]
        assert storage.filename == path
        with pytest.raises(RuntimeError, match="is smaller than the required mapping size"):
            t.IntStorage.from_file(path, False, 30)


def test_questions_about_the_process() -> None:
    def program(t: Any) -> None:
        for thing in (3, "a", t.ones(1), t.ones(1, dtype=t.int8), list):
            print(t.typename(thing))
        print(t.compiled_with_cxx11_abi(), t.is_warn_always_enabled(), t.is_vulkan_available(), t.has_lapack)
        t.set_warn_always(True)
        print(t.is_warn_always_enabled())
        t.set_warn_always(False)
        attempt(lambda: t.set_warn_always(3))
        attempt(lambda: t.set_num_interop_threads(0))
        attempt(lambda: t.set_num_interop_threads("a"))
        attempt(lambda: t.set_flush_denormal(3))
        print(t.set_flush_denormal(True), t.tensor([1e-310], dtype=t.float64) * 1, t.set_flush_denormal(False))
        t.set_anomaly_enabled(True, False)
        print(t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled())
        t.set_anomaly_enabled(False)
        attempt(lambda: t.set_anomaly_enabled(1))
        print(t.is_inference(t.ones(1)), t.is_distributed(t.ones(1)))
        for name, args in (
            ("int", (2.7,)), ("int", (-2.7,)), ("float", (2,)), ("max", (1, 2.0)), ("max", (3, 2.0)), ("min", (3, 2)),
            ("max", (True, 2)), ("not", (True,)), ("sqrt", (4,)), ("sum", ([1, 2.5],)), ("ite", (True, 1, 2)),
            ("ite", (1, 1, 2)), ("ite", (True, 1, 2.0)),
        ):  # fmt: skip
            attempt(lambda: getattr(t, f"sym_{name}")(*args))
        print(isinstance(3, t.SymInt), isinstance(2.0, t.SymFloat), isinstance(True, t.SymBool))

    same_lines(program)


def test_versions_are_ordered_as_pytorchs() -> None:
    texts = [
        "2.13.0",
        "2.13.0+cpu",
        "1.9",
        "1.10.0a0",
        "1.10.0rc1",
        "1.10.dev20210101",
        "1.10.0.post1",
        "2.0.0a0+g",
        "x",
    ]
    for a in texts:
        for b in (*texts, (2, 13), (1, 9, 1), [2, 0]):
            for compare in ("__lt__", "__eq__", "__ge__"):
                found = []
                for kind in (torch.torch_version.TorchVersion, rushlight.torch_version.TorchVersion):
                    try:
                        found.append(getattr(kind(a), compare)(b))
                    except Exception as error:
                        found.append(type(error).__name__)
                assert found[0] == found[1], (a, compare, b, found)


def test_swapped_tensors() -> None:
    def program(t: Any) -> None:
        a, b = t.ones(2), t.zeros(3)
        a.note = "a"
        t.utils.swap_tensors(a, b)
        print(a, b, hasattr(a, "note"), b.note)
        attempt(lambda: t.utils.set_module(a, 3))

    same_lines(program)


def test_futures() -> None:
    def program(t: Any) -> None:
        future = t.futures.Future()
        print(future.done())
        later = future.then(lambda f: f.value() + 1)
        future.add_done_callback(lambda f: print("called", f.value()))
        future.set_result(3)
        print(future.wait(), later.wait(), future.value(), future.done())
        attempt(lambda: future.set_result(1))
        failed = t.futures.Future()
        failed.set_exception(ValueError("no"))
        attempt(lambda: failed.wait())
        attempt(lambda: failed.value())
        attempt(lambda: failed.set_exception(3))
        attempt(lambda: t.futures.wait_all([future, later]))
        attempt(lambda: t.futures.wait_all([future, failed]))
        print([f.wait() for f in t.futures.collect_all([future, later]).wait()], t.futures.collect_all([]).wait())
        print(t.wait(t.fork(t.ones, 1)))

    same_lines(program)


@pytest.mark.filterwarnings("ignore:.*private API:FutureWarning")
def test_jacobians_as_matrices() -> None:
    from importlib import import_module

    for seed in range(2):
        found = []
        for t in (torch, rushlight):
            g = import_module(f"{t.__name__}.autograd.gradcheck")
            t.manual_seed(seed)
            x = t.tensor([[0.5, 1.0], [2.0, -1.0]], dtype=t.float64, requires_grad=True)
            numerical = g.get_numerical_jacobian(lambda i: i[0].sin() @ i[0], (x,), eps=1e-6)
            analytical, same, sizes, types = g.get_analytical_jacobian((x,), x.sin() @ x)
            specific = g.get_numerical_jacobian_wrt_specific_input(lambda a: a.exp(), 0, (x,), (x.exp(),), 1e-6)
            found.append((numerical, analytical, specific, same, sizes, types))
        for a, b in zip(*(f[:3] for f in found), strict=True):
            for one, other in zip(a, b, strict=True):
                assert torch.allclose(one.detach(), torch.tensor(other.detach().numpy()), atol=1e-6)
        assert found[0][3:] == found[1][3:]
