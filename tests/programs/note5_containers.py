# The note's sections on Module, containers, Parameter and Buffer, and looking inside a module.
import torch
import torch.nn as nn
from torch.nn import Parameter


class TestNet(nn.Module):
    def __init__(self):
        super(TestNet, self).__init__()

    def forward(self, x):
        x_out = x * 2
        return x_out


print(TestNet())
print(TestNet()(torch.arange(3.)))


class Add(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return x + self.value


class Containers(nn.Module):
    def __init__(self):
        super().__init__()
        self.calculator = nn.Sequential(Add(3), Add(2), Add(5))
        self.add_list = nn.ModuleList([Add(2), Add(3), Add(5)])
        self.add_dict = nn.ModuleDict({'add2': Add(2), 'add3': Add(3), 'add5': Add(5)})
        self.plain_list = [Add(1)]

    def forward(self, x):
        x = self.calculator(x)
        x = self.add_list[1](x)
        x = self.add_list[0](x)
        return self.add_dict['add5'](self.plain_list[0](x))


net = Containers()
print(net)
print(net(torch.zeros(1)))


class Linear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.W = Parameter(torch.ones((out_features, in_features)))
        self.b = Parameter(torch.ones(out_features))
        self.register_buffer('buffer', torch.Tensor([7]))
        self.tensor = torch.ones(2)

    def forward(self, x):
        return torch.addmm(self.b, x, self.W.T)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(Linear(4, 3), nn.Sigmoid())
        self.last = Linear(3, 2)

    def forward(self, x):
        return self.last(self.first(x))


model = Model()
print(model)
print(dict(model.state_dict()))  # as a dict: how an OrderedDict prints depends on Python
for name, child in model.named_children():
    print(f'[ Name ] : {name}\n[ Module ]\n{child}')
    print('-' * 30)
for name, module in model.named_modules():
    print(f'[ Name ] : {name}\n[ Module ]\n{module}')
    print('-' * 30)
for name, parameter in model.named_parameters():
    print(f'[ Name ] : {name}\n[ Parameter ]\n{parameter}')
for name, buffer in model.named_buffers():
    print(f'[ Name ] : {name}\n[ Buffer ]\n{buffer}')
print(model.get_submodule('first.0'))
print(model.get_parameter('first.0.b'))
print(model.get_buffer('last.buffer'))
print(model.first[0]._parameters.keys(), model.first[0]._buffers.keys(), model._modules.keys())
output = model(torch.ones(2, 4))
print(output)
