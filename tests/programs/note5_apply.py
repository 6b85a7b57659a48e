# The note's apply: initial weights, and a method given to every module.
from functools import partial

import torch
import torch.nn as nn
from torch.nn import Parameter


class Function_A(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name
        self.W = Parameter(torch.rand(1))

    def forward(self, x):
        return x + self.W


class Function_B(Function_A):
    def forward(self, x):
        return x * self.W


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Function_A('duck')
        self.layers = nn.Sequential(Function_B('goose'), nn.ReLU(), Function_A('swan'))

    def forward(self, x):
        return self.layers(self.a(x))


torch.manual_seed(0)
model = Model()
print([parameter for parameter in model.parameters()])
print(model(torch.rand(1)))


def weight_initialization(module):
    module_name = module.__class__.__name__
    if 'Function' in module_name:
        module.W.data.fill_(1)


returned = model.apply(weight_initialization)
print(returned is model)
print([parameter for parameter in model.parameters()])
print(model(torch.ones(1)))


def function_repr(self):
    return f'name={self.name}'


def add_repr(module):
    module_name = module.__class__.__name__
    if 'Function' in module_name:
        module.extra_repr = partial(function_repr, module)


model.apply(add_repr)
print(model)
model.apply(lambda module: print(type(module).__name__))
