# Weights that aren't what they seem: pruning, weight norm, orthogonal and own parametrizations, through training and checkpoints.
import copy
import io

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.parametrize as parametrize
from torch.nn.utils import parametrizations, prune


class Symmetric(nn.Module):
    def forward(self, X):
        return X.triu() + X.triu(1).transpose(-1, -2)

    def right_inverse(self, A):
        return A.triu()


class Positive(nn.Module):
    def __init__(self, floor):
        super().__init__()
        self.register_buffer('floor', torch.tensor(floor))

    def forward(self, X):
        return F.softplus(X) + self.floor

    def right_inverse(self, Y):
        return torch.log(torch.expm1((Y - self.floor).clamp(min=0.05)))


class EveryOther(prune.BasePruningMethod):
    PRUNING_TYPE = 'unstructured'

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


def lenet():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU6(), nn.Flatten(), nn.Linear(64, 8), nn.Tanhshrink(), nn.Linear(8, 3))


def train(model, x, y, steps=8, lr=0.05):
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr, momentum=0.5)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return f'{loss.item():.4f}'


def save_and_load(model, into):
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    return into.load_state_dict(torch.load(file, weights_only=True))


torch.manual_seed(0)
x, y = torch.randn(12, 1, 6, 6), torch.arange(12) % 3
model = lenet()
print(train(model, x, y))
prune.random_unstructured(model[0], 'weight', amount=0.25)
prune.l1_unstructured(model[0], 'weight', amount=5)
prune.ln_structured(model[3], 'weight', amount=0.5, n=2, dim=0)
EveryOther.apply(model[5], 'bias')
print(list(model.state_dict()), type(model[0]._forward_pre_hooks[next(iter(model[0]._forward_pre_hooks))]).__name__)
prune.global_unstructured([(model[3], 'weight'), (model[5], 'weight')], pruning_method=prune.L1Unstructured, amount=0.4)
print(train(model, x, y), [round((m.weight == 0).float().mean().item(), 3) for m in model if hasattr(m, 'weight')])
print([n for n, _ in model.named_parameters()], prune.is_pruned(model), model[5].bias_mask, model[0].weight.grad_fn.name())
twin = lenet()
for layer in (twin[0], twin[3], twin[5]):
    prune.identity(layer, 'weight')
prune.identity(twin[5], 'bias')
print(save_and_load(model, twin), torch.equal(twin(x), model(x)))
for layer in (model[0], model[3], model[5]):
    prune.remove(layer, 'weight')
prune.remove(model[5], 'bias')
print(list(model.state_dict())[:2], prune.is_pruned(model), torch.allclose(twin(x), model(x)))
try:
    prune.remove(model[0], 'weight')
except ValueError as error:
    print(error)
try:
    prune.l1_unstructured(model[0], 'weight', amount=1.5)
except ValueError as error:
    print(error)

torch.manual_seed(1)
net = nn.Sequential(parametrizations.orthogonal(nn.Linear(6, 6)), parametrizations.weight_norm(nn.Linear(6, 4), dim=0),
                    nn.GLU(), nn.Linear(2, 2), nn.Linear(2, 3))
parametrize.register_parametrization(net[3], 'weight', Symmetric())
parametrize.register_parametrization(net[4], 'bias', Positive(0.1))
print(net)
print([(n, tuple(p.shape)) for n, p in net.named_parameters()])
x = torch.randn(12, 6)
print(train(net, x, y), torch.allclose(net[0].weight @ net[0].weight.t(), torch.eye(6), atol=1e-5),
      torch.equal(net[3].weight, net[3].weight.t()), (net[4].bias > 0.1).all().item())
print(type(net[3]).__name__, isinstance(net[3], nn.Linear), parametrize.is_parametrized(net[4], 'bias'), parametrize.is_parametrized(net[2]))
net[3].weight = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
print(net[3].parametrizations.weight.original, net[3].weight.grad_fn.name())
with parametrize.cached():
    print(net[0].weight is net[0].weight, net(x).shape)
twin = copy.deepcopy(net)
with torch.no_grad():
    for p in twin.parameters():
        p.add_(0.1)
print(save_and_load(net, twin), torch.equal(twin(x), net(x)))
parametrize.remove_parametrizations(net[3], 'weight')
parametrize.remove_parametrizations(net[1], 'weight', leave_parametrized=True)
print(list(net.state_dict()), type(net[3]).__name__, net[1])
for call in (lambda: parametrize.register_parametrization(net[3], 'width', Symmetric()),
             lambda: parametrize.register_parametrization(net[3], 'weight', nn.Flatten(0)),
             lambda: parametrize.remove_parametrizations(net[3], 'weight'),
             lambda: net[3].register_parametrization('weight', Symmetric())):
    try:
        call()
    except (ValueError, AttributeError) as error:
        print(type(error).__name__, str(error).splitlines()[0])
