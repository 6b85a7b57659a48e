# What libraries on top of PyTorch do: optimizers, schedules and layers of their own, by the names inside torch.nn that they use.
import math
from collections import defaultdict

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor, nn as also_nn
from torch.nn import Module, Parameter, init
from torch.nn.modules.activation import MultiheadAttention
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.module import _addindent, register_module_forward_hook
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _MaxPoolNd
from torch.nn.modules.utils import _ntuple, _pair, _reverse_repeat_tuple, _single, _triple
from torch.nn.parameter import is_lazy
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, _LRScheduler
from torch.optim.optimizer import Optimizer, required


class Lion(Optimizer):
    def __init__(self, params, lr=required, betas=(0.9, 0.99), weight_decay=0.0):
        if lr is not required and lr <= 0.0:
            raise ValueError(f'Invalid learning rate: {lr}')
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault('maximize', False)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group['betas']
            for p in group['params']:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state['step'] = 0
                    state['exp_avg'] = torch.zeros_like(p, memory_format=torch.preserve_format)
                state['step'] += 1
                p.data.mul_(1 - group['lr'] * group['weight_decay'])
                update = state['exp_avg'] * beta1 + p.grad * (1 - beta1)
                p.add_(torch.sign(update), alpha=-group['lr'])
                state['exp_avg'].mul_(beta2).add_(p.grad, alpha=1 - beta2)
        return loss


class Lookahead(Optimizer):
    def __init__(self, base, k=3, alpha=0.5):
        self.base, self.k, self.alpha, self.count = base, k, alpha, 0
        self.param_groups, self.defaults, self.state = base.param_groups, base.defaults, defaultdict(dict)

    def step(self, closure=None):
        loss = self.base.step(closure)
        self.count += 1
        for group in self.param_groups:
            for p in group['params']:
                slow = self.state[p].setdefault('slow', p.detach().clone())
                if self.count % self.k == 0:
                    slow.lerp_(p.detach(), self.alpha)
                    p.data.copy_(slow)
        return loss

    def zero_grad(self, set_to_none=True):
        self.base.zero_grad(set_to_none=set_to_none)


class WarmupInverse(LRScheduler):
    def __init__(self, optimizer, warmup, last_epoch=-1):
        self.warmup = warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if not self._get_lr_called_within_step:
            print('get_last_lr is meant')
        scale = min((self._step_count) / self.warmup, math.sqrt(self.warmup / max(1, self._step_count)))
        return [base * scale for base in self.base_lrs]


class Conv2dWS(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        w = self.weight
        var, mean = torch.var_mean(w, dim=[1, 2, 3], keepdim=True, correction=0)
        return self._conv_forward(x, (w - mean) / torch.sqrt(var + 1e-5), self.bias)


class DropPath(Module):
    def __init__(self, p: float = 0.0):
        super().__init__()
        self.p = p

    def forward(self, x):
        if self.p == 0.0 or not self.training:
            return x
        keep = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * keep.div_(1 - self.p)


class Frozen(nn.BatchNorm2d):
    def _check_input_dim(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f'3 or 4 dimensions, not {input.dim()}')


def initialise(m):
    if isinstance(m, (_ConvNd, nn.Linear)):
        fan_in, fan_out = init._calculate_fan_in_and_fan_out(m.weight)
        init.xavier_uniform_(m.weight, gain=init.calculate_gain('leaky_relu', 0.2))
        if m.bias is not None:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(m.bias, -bound, bound)
        print(type(m).__name__, fan_in, fan_out, f'{m.weight.std().item():.4f}')
    elif isinstance(m, _NormBase):
        m.reset_running_stats()
        init.ones_(m.weight)


torch.manual_seed(0)
model = nn.Sequential(Conv2dWS(1, 4, _pair(3), padding=1), Frozen(4), nn.Hardswish(), DropPath(0.2), nn.MaxPool2d(2),
                      nn.Conv2d(4, 4, 1, groups=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
model.apply(initialise)
print(model, also_nn is nn)
print([[c.__name__ for c in (_ConvNd, _BatchNorm, _MaxPoolNd, _AdaptiveAvgPoolNd, _DropoutNd, _InstanceNorm) if isinstance(m, c)] for m in model])
print(_single(1), _pair(2), _triple((1, 2, 3)), _ntuple(4)(7), _reverse_repeat_tuple((1, 2), 2), issubclass(nn.ConvTranspose1d, _ConvTransposeNd))
print(_addindent('a\nb', 2), is_lazy(model[0].weight), _LRScheduler is LRScheduler, issubclass(WarmupInverse, _LRScheduler))
x, y = torch.randn(12, 1, 6, 6), torch.arange(12) % 3
try:
    Lion(model.parameters())
except ValueError as error:
    print(error)
optimizer = Lion([{'params': [p for p in model.parameters() if p.ndim > 1], 'weight_decay': 0.1},
                  {'params': [p for p in model.parameters() if p.ndim <= 1]}], lr=2e-3)
schedule = WarmupInverse(optimizer, 4)
schedule.get_lr()
counted = []
handle = register_module_forward_hook(lambda m, args, out: counted.append(type(m).__name__))
for step in range(8):
    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss
    loss = optimizer.step(closure)
    schedule.step()
    if step % 3 == 0:
        print(f'{step} {loss.item():.4f} {schedule.get_last_lr()[0]:.6f}')
handle.remove()
print(len(counted), counted[-1], optimizer)
state = optimizer.state_dict()
print(sorted(state), sorted(state['state'][0]), state['param_groups'][0]['params'], schedule.state_dict()['warmup'])
other = Lion([{'params': [p for p in model.parameters() if p.ndim > 1]}, {'params': [p for p in model.parameters() if p.ndim <= 1]}], lr=1.0)
other.load_state_dict(state)
print(other.param_groups[0]['weight_decay'], torch.equal(other.state[model[0].weight]['exp_avg'], optimizer.state[model[0].weight]['exp_avg']))
ahead = Lookahead(torch.optim.Adam(model.parameters(), lr=1e-2))
decay = LambdaLR(ahead.base, lr_lambda=[lambda epoch: 0.95 ** epoch])
for step in range(6):
    ahead.zero_grad()
    loss = F.multi_margin_loss(model(x), y)
    loss.backward()
    ahead.step()
    decay.step()
print(f'{loss.item():.4f}', decay.get_last_lr(), len(ahead.state))
attention = MultiheadAttention(8, 2, batch_first=True)
print(attention._qkv_same_embed_dim, attention.out_proj, [k for k, v in attention.state_dict().items()])
print(F._Reduction.get_enum('mean'), isinstance(attention.in_proj_weight, Parameter))
