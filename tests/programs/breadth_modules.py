# Modules as material: lazy layers, dictionaries and lists of parameters, functional_call, skip_init, copies, ensembles, buffers.
import copy
import io
import pickle
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, stack_module_state
from torch.nn.parameter import Buffer, UninitializedParameter


class Mixture(nn.Module):
    __constants__ = ['experts']

    def __init__(self, experts):
        super().__init__()
        self.experts = experts
        self.gate = nn.LazyLinear(experts)
        self.paths = nn.ModuleDict({'relu': nn.ReLU(), 'wave': nn.Softsign()})
        self.paths['last'] = nn.ModuleList(nn.LazyLinear(3) for _ in range(experts))
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(3) * (i + 1)) for i in range(experts)])
        self.extras = nn.ParameterDict({'shift': torch.zeros(3), 'name': 'free'})
        self.count = Buffer(torch.zeros((), dtype=torch.long))
        self.register_buffer('last_gate', None)

    def forward(self, x, *, kind='relu'):
        self.count += len(x)
        g = F.softmax(self.gate(x), dim=-1)
        self.last_gate = g.detach()
        x = self.paths[kind](x)
        return sum(g[:, i:i + 1] * s * layer(x) for i, (layer, s) in enumerate(zip(self.paths['last'], self.scales))) + self.extras['shift']

    def extra_repr(self):
        return f'experts={self.experts}'

    def get_extra_state(self):
        return {'version': 2}

    def set_extra_state(self, state):
        print('extra', state)


torch.manual_seed(0)
model = Mixture(2)
print(model)
print(isinstance(model.gate.weight, UninitializedParameter), model.gate.weight, type(model.gate).__name__)
try:
    sum(p.numel() for p in model.parameters())
except (ValueError, RuntimeError) as error:
    print(type(error).__name__, str(error)[:44])
x = torch.randn(5, 4)
out = model(x, kind='wave')
print(model.gate, type(model.gate).__name__, out.shape, model.count, model.last_gate.shape)
print([(k, tuple(v.shape) if hasattr(v, 'shape') else v) for k, v in model.state_dict().items()])
print([n for n, _ in model.named_buffers()], [n for n, _ in model.named_children()], len(list(model.modules())))
twin = copy.deepcopy(model)
print(twin.load_state_dict(model.state_dict()), torch.equal(twin(x), model(x)), twin.scales[0] is model.scales[0])
lazy = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
print(lazy(torch.randn(2, 3, 5, 5)).shape, lazy)

net = nn.Sequential(OrderedDict([('fc1', nn.Linear(4, 8)), ('act', nn.GELU()), ('drop', nn.Dropout(0.2)), ('fc2', nn.Linear(8, 3))]))
print(net[:2], net.fc2 is net[-1], net[1:3] + nn.Sequential(nn.Identity()), len(net))
try:
    net.insert(1, nn.BatchNorm1d(8))
except KeyError as error:
    print('names of its own keep a Sequential from inserting', error)
net = nn.Sequential(*net).insert(1, nn.BatchNorm1d(8))
net.append(nn.LogSoftmax(dim=1)).extend([nn.Identity()])
print(list(net.named_parameters())[2][0], [type(m).__name__ for m in net], net.pop(-1))
del net[1]
zeros = {k: torch.zeros_like(v) for k, v in net.state_dict().items()}
print(list(zeros), functional_call(net.eval(), zeros, (x,))[0])
print(net.get_submodule('0'), net.get_parameter('3.bias').shape, sum(p.abs().sum() for p in net.parameters()) > 0)

members = [nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1)) for _ in range(3)]
params, buffers = stack_module_state(members)
print({k: tuple(v.shape) for k, v in params.items()}, buffers)
outs = torch.stack([functional_call(members[0], {k: v[i] for k, v in params.items()}, x) for i in range(3)])
outs.var(0).sum().backward()
print(outs.shape, params['0.weight'].grad.shape, torch.allclose(outs[2], members[2](x)), members[0][0].weight.grad)

skipped = nn.utils.skip_init(nn.Linear, 4, 2, bias=False)
print(skipped, skipped.weight.shape, nn.utils.skip_init(nn.Conv1d, 1, 2, 3).weight.device)
wrapped = nn.DataParallel(net)
print(list(wrapped.state_dict())[:2], torch.equal(wrapped(x), net(x)), type(wrapped.module).__name__)
half = copy.deepcopy(net).to(torch.float64)
print(half(x.double()).dtype, next(half.parameters()).dtype, net.double() is net, net.float()[0].weight.dtype)
frozen = net.requires_grad_(False)
print([p.requires_grad for p in frozen.parameters()], frozen(x).requires_grad, frozen.training, frozen.train().training)
file = io.BytesIO()
torch.save(net, file)
file.seek(0)
again = torch.load(file, weights_only=False)
print(again, torch.equal(again.eval()(x), net.eval()(x)), torch.equal(pickle.loads(pickle.dumps(net))(x), net(x)))
file.seek(0)
try:
    torch.load(file)
except pickle.UnpicklingError as error:
    print('Weights only load failed' in str(error))

for wrong in (lambda: setattr(net, '0', 'text'), lambda: net.register_buffer('a.b', x), lambda: net.get_submodule('9.1'),
              lambda: nn.Linear(4, 2)(torch.zeros(3, 5)), lambda: nn.ModuleList([nn.ReLU, 3]), lambda: net.missing,
              lambda: setattr(nn.Linear(2, 2), 'weight', torch.zeros(2, 2)), lambda: nn.ModuleDict({'keys': nn.ReLU()}),
              lambda: model.load_state_dict({'gate.weight': torch.zeros(2, 4)}), lambda: nn.Module()(x),
              lambda: functional_call(net, {'nowhere': x}, (x,)), lambda: nn.Module.__init__(net, 3)):
    try:
        wrong()
        print('accepted')
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0].split('.')[-1][:70])
