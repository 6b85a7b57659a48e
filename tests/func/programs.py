"""Programs of the kinds that PyTorch's pages on `torch.func` show, for either library; each returns nested tensors."""

from __future__ import annotations

from typing import Any


def _network(t: Any, *layers: Any) -> Any:
    return t.nn.Sequential(*layers)


def _per_sample(t: Any, model: Any, loss: Any, *batches: Any) -> Any:
    parameters = dict(model.named_parameters())
    gradient = t.func.grad(
        lambda p, *samples: loss(t.func.functional_call(model, p, (samples[0].unsqueeze(0),)), *samples)
    )
    return t.vmap(gradient, in_dims=(None, *[0] * len(batches)))(parameters, *batches)


def per_sample_gradients_of_a_dense_network(t: Any) -> Any:
    nn = t.nn
    model = _network(t, nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = t.randn(5, 3), t.randint(0, 2, (5,))
    return _per_sample(t, model, lambda out, _, y: nn.functional.cross_entropy(out, y.unsqueeze(0)), x, y)


def per_sample_gradients_of_a_convolutional_network(t: Any) -> Any:
    nn = t.nn
    model = _network(
        t, nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )  # fmt: skip
    x, y = t.randn(4, 1, 6, 6), t.randint(0, 3, (4,))
    return _per_sample(t, model, lambda out, _, y: nn.functional.cross_entropy(out, y.unsqueeze(0)), x, y)


def per_sample_gradients_of_attention(t: Any) -> Any:
    model = t.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    return _per_sample(t, model, lambda out, _: out.square().sum(), t.randn(3, 5, 4))


def per_sample_gradients_of_embeddings(t: Any) -> Any:
    nn = t.nn
    model = _network(t, nn.Embedding(5, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    return _per_sample(t, model, lambda out, _: out.square().sum(), t.randint(0, 5, (4, 6)))


def ensembles(t: Any) -> Any:
    nn, call = t.nn, t.func.functional_call
    models = [_network(t, nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)) for _ in range(3)]
    parameters, buffers = t.func.stack_module_state(models)

    def predict(p: Any, b: Any, x: Any) -> Any:
        return call(models[0], (p, b), (x,))

    same = t.vmap(predict, in_dims=(0, 0, None))(parameters, buffers, t.randn(5, 3))
    return same, t.vmap(predict)(parameters, buffers, t.randn(3, 5, 3))


def ensembles_with_statistics(t: Any) -> Any:
    nn, call = t.nn, t.func.functional_call
    found = []
    for training in (True, False):
        models = [
            _network(t, nn.Conv2d(2, 3, 2, padding=1), nn.BatchNorm2d(3), nn.ReLU()).train(training) for _ in range(3)
        ]
        parameters, buffers = t.func.stack_module_state(models)

        def predict(p: Any, b: Any, x: Any, model: Any = models[0]) -> Any:
            return call(model, (p, b), (x,))

        found.append((t.vmap(predict, in_dims=(0, 0, None))(parameters, buffers, t.randn(2, 2, 4, 4)), buffers))
    return found


def _predict(t: Any) -> Any:
    return lambda w, b, x: t.nn.functional.linear(x, w, b).tanh()


def jacobians(t: Any) -> Any:
    f, arguments = _predict(t), (t.randn(4, 3), t.randn(4), t.randn(3))
    ways = [j(f, argnums=a)(*arguments) for j in (t.func.jacrev, t.func.jacfwd) for a in (0, 2, (0, 1))]
    return ways, t.func.jacrev(f, argnums=2, chunk_size=3)(*arguments), t.func.hessian(f, argnums=2)(*arguments)


def hessians(t: Any) -> Any:
    jacrev, jacfwd, x = t.func.jacrev, t.func.jacfwd, t.randn(3)

    def f(x: Any) -> Any:
        return (x.sin() * x.roll(1, 0)).prod()

    all_ways = [t.func.hessian(f)(x), jacfwd(jacfwd(f))(x), jacrev(jacrev(f))(x), jacrev(jacfwd(f))(x)]
    return all_ways, t.vmap(t.func.hessian(lambda x: (x.sin() * x.exp()).sum()))(t.randn(4, 3))


def products_with_hessians(t: Any) -> Any:
    grad, vjp, jvp, x, v = t.func.grad, t.func.vjp, t.func.jvp, t.randn(3), t.randn(3)

    def f(x: Any) -> Any:
        return x.sin().sum()

    return (
        jvp(grad(f), (x,), (v,))[1],
        vjp(grad(f), x)[1](v)[0],
        grad(lambda x: jvp(f, (x,), (v,))[1])(x),
        jvp(lambda x: jvp(f, (x,), (v,))[1], (x,), (v,)),
    )


def neural_tangent_kernels(t: Any) -> Any:
    nn, vmap, jacrev = t.nn, t.vmap, t.func.jacrev
    model = _network(t, nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    one, other = t.randn(3, 3), t.randn(2, 3)

    def f(p: Any, x: Any) -> Any:
        return t.func.functional_call(model, p, (x.unsqueeze(0),)).squeeze(0)

    a, b = (vmap(jacrev(f), (None, 0))(parameters, x) for x in (one, other))
    explicit = sum(
        t.einsum("Naf,Mbf->NMab", x.flatten(2), y.flatten(2)) for x, y in zip(a.values(), b.values(), strict=True)
    )

    def entry(x: Any, y: Any) -> Any:
        def product(v: Any) -> Any:
            pull = t.func.vjp(lambda p: f(p, x), parameters)[1]
            return t.func.jvp(lambda p: f(p, y), (parameters,), pull(v))[1]

        return vmap(product)(t.eye(2))

    return explicit, vmap(vmap(entry, (None, 0)), (0, None))(one, other)


def laplacians(t: Any) -> Any:
    grad, jvp, vmap = t.func.grad, t.func.jvp, t.vmap

    def f(x: Any) -> Any:
        return (x**3).sum() * x[0]

    def forward_over_reverse(x: Any) -> Any:
        return sum(jvp(grad(f), (x,), (e,))[1] @ e for e in t.eye(3))

    def forward_over_forward(x: Any) -> Any:
        return vmap(lambda e: jvp(lambda y: jvp(f, (y,), (e,))[1], (x,), (e,))[1])(t.eye(3)).sum()

    x = t.randn(3)
    return forward_over_reverse(x), forward_over_forward(x), vmap(forward_over_reverse)(t.randn(2, 3))


def learning_to_learn(t: Any) -> Any:
    def loss(w: Any, x: Any, y: Any) -> Any:
        return (((x @ w).sin() - y) ** 2).mean()

    def after_a_step(w: Any, x: Any, y: Any) -> Any:
        return loss(w - 0.1 * t.func.grad(loss)(w, x, y), x, y)

    xs, ys = t.randn(2, 4, 3), t.randn(2, 4)
    return t.func.grad(lambda w: t.vmap(after_a_step, (None, 0, 0))(w, xs, ys).mean())(t.randn(3))


def dimensions_of_batches(t: Any) -> Any:
    vmap, x = t.vmap, t.randn(2, 3, 4)
    a, b = t.randn(3, 2), t.randn(4, 2)
    return (
        vmap(lambda x: x.sum(0), 1, 1)(x),
        vmap(lambda x: (x, x.T), -1, (0, 2))(x),
        vmap(lambda d: d["a"] + d["b"][0], ({"a": 0, "b": [None]},))({"a": x, "b": [t.ones(4)]}),
        vmap(vmap(t.dot, (None, 0)), (0, None))(a, b),
        vmap(vmap(lambda x, y: x * y.sin(), (0, None)), (1, None), 1)(a.expand(4, 3, 2), t.randn(2)),
        vmap(lambda x: t.ones(2))(x),
        vmap(lambda x: x.sum(), chunk_size=1)(x),
    )


def writes_within_batches(t: Any) -> Any:
    def f(x: Any, y: Any) -> Any:
        z = x.clone()
        z[0] = y
        z.mul_(2)
        z[1:] += 1
        z.index_put_((t.tensor([2]),), y.expand(1))
        z.view(-1)[1].zero_()
        return z

    def g(x: Any) -> Any:
        a, b = t.zeros_like(x), x.new_zeros(3)
        a[0], b[1] = x[1], x[0]
        a[2:] = x[3]
        return a, b, t.full_like(x, 2.0) * x

    def squares(x: Any, y: Any) -> Any:
        return f(x, y).square().sum()

    x, y = t.randn(2, 4), t.randn(2)
    return t.vmap(f)(x, y), t.vmap(t.func.grad(squares, (0, 1)))(x, y), t.vmap(g)(x)


def writes_in_forward_mode(t: Any) -> Any:
    def f(x: Any) -> Any:
        out = t.zeros(4)
        out[:3] = x
        out[3] = x.prod()
        out[1:3].mul_(out[0].clone())
        out.t_() if out.dim() > 1 else out.unsqueeze_(0)
        return out.exp_()

    x, v = t.randn(3), t.randn(3)
    return t.func.jvp(f, (x,), (v,)), t.func.jacfwd(f)(x), t.func.jacrev(f)(x)


def indices_of_batches(t: Any) -> Any:
    vmap, x, i = t.vmap, t.randn(3, 4, 2), t.tensor([[0, 1], [1, 2], [3, 0]])
    w = t.randn(4, 3)
    return (
        vmap(lambda x, i: x[i])(x, i),
        vmap(lambda x: x[[0, 2], [1, 1]])(x),
        vmap(lambda x, i: x[i, 0])(x, i),
        vmap(lambda x, i: x.gather(0, i.unsqueeze(1)))(x, i),
        vmap(lambda x, i: x.index_select(0, i))(x, i),
        vmap(lambda x, i: x[..., i % 2])(x, i),
        vmap(lambda i: w[i])(i),
        vmap(lambda x, i: x.index_add(0, i, x[:2]))(x, i),
        vmap(lambda x: x.topk(2, 0))(x),
        vmap(lambda x: x.argmax(0))(x),
    )


def numbers_drawn_in_batches(t: Any) -> Any:
    found = []
    for mode in ("different", "same"):
        for draw in (
            lambda x: x * 0 + t.rand(2),
            lambda x: t.nn.functional.dropout(x),
            lambda x: x.clone().normal_(),
            lambda x: x * 0 + t.randint(0, 9, (2,)),
        ):
            t.manual_seed(3)
            found.append(t.vmap(draw, randomness=mode)(t.ones(3, 2)))
    t.manual_seed(3)
    found.append(t.vmap(lambda x: t.randn_like(x), randomness="different")(t.ones(3, 2)))
    found.append(t.vmap(lambda x: t.rand(1), randomness="different", chunk_size=2)(t.ones(3)))
    return found


def functions_of_ones_own(t: Any) -> Any:
    class Cube(t.autograd.Function):  # type: ignore[misc,name-defined]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x**3, x * 2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x * x + 2 * h

        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            (x,) = ctx.saved_tensors
            return tangent * 3 * x * x, 2 * tangent

    class Product(t.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(x: Any, y: Any) -> Any:
            return x * y

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, y = ctx.saved_tensors
            return g * y, g * x

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any, y: Any) -> Any:
            x, y = (v if d is None else v.movedim(d, 0) for v, d in zip((x, y), in_dims, strict=True))
            return Product.apply(x, y), 0

    x, grad, vmap = t.randn(3, 2), t.func.grad, t.vmap

    def f(x: Any) -> Any:
        return Cube.apply(x)[0].sum() + Cube.apply(x)[1].sum()

    return (
        vmap(Cube.apply)(x),
        grad(f)(x),
        vmap(grad(f))(x),
        t.func.jvp(Cube.apply, (x,), (x,)),
        vmap(Product.apply, (0, None))(x, x[0]),
        t.func.jacrev(t.func.jacrev(f))(x[0]),
        t.func.jacfwd(f)(x[0]),
        t.func.jacrev(lambda x: Cube.apply(x)[0])(x[0]),
        vmap(grad(lambda x: Product.apply(x, x).sum()))(x),
    )


def results_beside(t: Any) -> Any:
    f, x = t.func, t.randn(3)

    def loss(x: Any, scale: float = 2.0) -> Any:
        return (x * scale).sum(), {"y": x + 1}

    def pair(x: Any) -> Any:
        return x * 2, x + 1

    return (
        f.grad(loss, has_aux=True)(x),
        f.grad(loss, has_aux=True)(x, scale=3.0),
        f.grad_and_value(loss, has_aux=True)(x),
        f.vjp(pair, x, has_aux=True)[::2],
        f.jvp(pair, (x,), (x,), has_aux=True),
        f.jacrev(pair, has_aux=True)(x),
        f.jacfwd(pair, has_aux=True)(x),
    )


def nested_arguments(t: Any) -> Any:
    def f(d: Any) -> Any:
        return {"s": d["a"].sin() * d["b"][0], "t": (d["a"].sum(),)}

    x = t.randn(3)
    d = {"a": x, "b": [x + 1]}
    out, pull = t.func.vjp(f, d)
    return (
        out,
        pull(out),
        t.func.jvp(f, (d,), (d,)),
        t.func.jacrev(f)(d),
        t.func.jacfwd(f)(d),
        t.func.grad(lambda d: f(d)["t"][0])(d),
    )


def linear_approximations(t: Any) -> Any:
    x = t.randn(3)
    out, push = t.func.linearize(lambda x: x.sin().sum(), x)
    pull = t.func.vjp(lambda x: x.sin().cumsum(0), x)[1]
    return out, push(x), push(2 * x), t.vmap(pull)(t.eye(3))


def where_nothing_is_recorded(t: Any) -> Any:
    x, w = t.randn(3), t.ones(3, requires_grad=True)

    def f(x: Any) -> Any:
        with t.no_grad():
            c = x**2
        return (x**3 - c).sum()

    with t.no_grad():
        outside = t.func.grad(lambda x: (x**2 * w).sum())(x)
    captured = [t.func.grad(lambda x: (x * x + w).sum())(x), t.func.grad(lambda x: (x * x * w).sum())(x)]
    return outside, captured, t.func.grad(f)(x), t.func.grad(t.func.grad(lambda x: f(x.expand(2))))(x[0])


def matrices(t: Any) -> Any:
    a, b, vmap = t.randn(2, 3, 3) + 3 * t.eye(3), t.randn(2, 3), t.vmap
    return (
        vmap(t.linalg.solve)(a, b),
        vmap(t.linalg.inv)(a),
        vmap(t.det)(a),
        vmap(t.func.jacrev(t.linalg.inv))(a),
        t.func.jacfwd(t.linalg.inv)(a[0]),
        vmap(lambda a: t.linalg.eigvalsh(a @ a.T))(a),
    )


def convolutions(t: Any) -> Any:
    conv, vmap, grad = t.nn.functional.conv2d, t.vmap, t.func.grad
    x, w, b = t.randn(2, 3, 2, 5, 5), t.randn(2, 4, 2, 3, 3), t.randn(2, 4)
    return (
        vmap(conv)(x, w, b),
        vmap(conv, (0, None, None))(x, w[0], b[0]),
        vmap(conv, (None, 0, None))(x[0], w, b[0]),
        vmap(conv, (0, None, 0))(x, w[0], b),
        vmap(t.nn.functional.conv_transpose2d)(x, t.randn(2, 2, 3, 3, 3)),
        vmap(lambda x, w: conv(x, w, groups=2, stride=2, padding=1))(x, t.randn(2, 4, 1, 3, 3)),
        vmap(grad(lambda x, w: conv(x, w, padding=1).square().sum(), (0, 1)))(x, w),
        t.func.jacrev(lambda w: conv(x[0, :1], w))(w[0, :1]),
        t.func.jacfwd(lambda w: conv(x[0, :1], w))(w[0, :1]),
    )


def batched_gradients(t: Any) -> Any:
    x = t.randn(3, requires_grad=True)
    return t.autograd.grad(x.sin() * x.sum(), x, t.eye(3), is_grads_batched=True)


def complex_derivatives(t: Any) -> Any:
    z = t.complex(t.randn(3), t.randn(3))
    f = lambda z: (z.exp() * z.conj()).abs()  # noqa: E731
    return t.func.jvp(f, (z,), (z * 1j,)), t.func.vjp(f, z)[1](t.ones(3)), t.func.grad(lambda z: f(z).sum())(z)
