# The note's Layer, Model, MLP and Linear in the style of DeZero, with tensors below them.
import math
import weakref

import numpy as np
import torch
import torch.nn.functional as F


class Parameter:
    """What DeZero calls a parameter: a named value that may come later."""

    def __init__(self, data, name=None):
        self.data = data if data is None else torch.from_numpy(data).requires_grad_()
        self.name = name

    def cleargrad(self):
        self.data.grad = None


def linear(x, W, b=None):
    y = torch.matmul(x, W.data)
    return y if b is None else y + b.data


class utils:
    @staticmethod
    def plot_dot_graph(output, verbose=True, to_file='model.png'):
        # The graph as text: each operation and those that it came from.
        lines, queue = [], [output.grad_fn]
        while queue:
            node = queue.pop(0)
            inputs = [parent for parent, _ in node.next_functions if parent is not None]
            lines.append(f'{node.name()} <- ' + ', '.join(parent.name() for parent in inputs))
            queue.extend(inputs)
        return '\n'.join(lines)


class Layer:
    def __init__(self):
        self._params = set()

    def __setattr__(self, name, value):
        if isinstance(value, (Parameter, Layer)):
            self._params.add(name)
        super().__setattr__(name, value)

    def __call__(self, *inputs):
        outputs = self.forward(*inputs)
        if not isinstance(outputs, tuple):
            outputs = (outputs, )
        self.inputs = [weakref.ref(x) for x in inputs]
        self.outputs = [weakref.ref(y) for y in outputs]
        return outputs if len(outputs) > 1 else outputs[0]

    def forward(self, inputs):
        raise NotImplementedError()

    def params(self):
        for name in sorted(self._params):
            obj = self.__dict__[name]

            if isinstance(obj, Layer):
                yield from obj.params()
            else:
                yield obj

    def cleargrads(self):
        for param in self.params():
            param.cleargrad()


class Model(Layer):
    def plot(self, *inputs, to_file='model.png'):
        y = self.forward(*inputs)
        return utils.plot_dot_graph(y, verbose=True, to_file=to_file)


class Linear(Layer):
    def __init__(self, out_size, nobias=False, dtype=np.float32, in_size=None):
        super().__init__()
        self.in_size = in_size
        self.out_size = out_size
        self.dtype = dtype

        self.W = Parameter(None, name='W')
        if self.in_size is not None:
            self._init_W()
        if nobias:
            self.b = None
        else:
            self.b = Parameter(np.zeros(out_size, dtype=dtype), name='b')

    def _init_W(self):
        I, O = self.in_size, self.out_size
        W_data = torch.randn(I, O) * math.sqrt(1/I)
        self.W.data = W_data.requires_grad_()

    def forward(self, x):
        if self.W.data is None:
            self.in_size = x.shape[1]
            self._init_W()

        y = linear(x, self.W, self.b)
        return y


class MLP(Model):
    def __init__(self, fc_output_sizes, activation=torch.sigmoid):
        super().__init__()
        self.activation = activation
        self.layers = []

        for i, out_size in enumerate(fc_output_sizes):
            layer = Linear(out_size)
            setattr(self, 'l' + str(i), layer)
            self.layers.append(layer)

    def forward(self, x):
        for l in self.layers[:-1]:
            x = self.activation(l(x))
        return self.layers[-1](x)


torch.manual_seed(0)
x = torch.rand(8, 1)
y = torch.sin(2 * math.pi * x)
model = MLP((10, 1))
for step in range(3):
    loss = F.mse_loss(model(x), y)
    model.cleargrads()
    loss.backward()
    for p in model.params():
        p.data.data -= 0.2 * p.data.grad
    print(step, loss)
print([(p.name, tuple(p.data.shape)) for p in model.params()])
print(model.layers[0].outputs[0]() is None)
print(model.plot(x))
