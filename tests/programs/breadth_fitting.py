# Fitting curves: L-BFGS with strong Wolfe, schedules that follow the loss, cyclic rates, and hooks at every stage of a step.
import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler
from torch.optim.optimizer import register_optimizer_step_post_hook


def wave(count=24):
    x = torch.linspace(-2, 2, count).unsqueeze(1)
    return x, torch.sin(2 * x) + 0.3 * x


def net():
    torch.manual_seed(4)
    return nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))


x, y = wave()
for search in (None, 'strong_wolfe'):
    model, calls = net(), 0
    optimizer = optim.LBFGS(model.parameters(), lr=1 if search else 0.05, max_iter=8, history_size=5, line_search_fn=search)

    def closure():
        global calls
        calls += 1
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    for step in range(3):
        loss = optimizer.step(closure)
        print(f'LBFGS {search} {step} {loss.item():.3f} {calls}')
    state = optimizer.state_dict()
    print(sorted(state['state'][0]), state['param_groups'][0]['line_search_fn'], len(state['state'][0]['old_dirs']))
try:
    optim.LBFGS([{'params': [model[0].weight]}, {'params': [model[2].weight]}])
except ValueError as error:
    print(error)

model = net()
optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9, dampening=0.1)
plateau = lr_scheduler.ReduceLROnPlateau(optimizer, mode='min', factor=0.5, patience=1, threshold=0.05, cooldown=1, min_lr=1e-3)
for step in range(25):
    loss = nn.HuberLoss()(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    plateau.step(loss.item())
print(plateau.get_last_lr(), plateau.num_bad_epochs, f'{plateau.best:.3f}', type(plateau).__mro__[1].__name__)

cyclic = lr_scheduler.CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=3, mode='triangular2', base_momentum=0.8)
rates = []
for step in range(9):
    optimizer.step()
    cyclic.step()
    rates.append((round(cyclic.get_last_lr()[0], 4), round(optimizer.param_groups[0]['momentum'], 4)))
print(rates)
optimizer = optim.ASGD(model.parameters(), lr=0.1)
chained = lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(optimizer, 0.5, total_iters=2),
                                         lr_scheduler.MultiStepLR(optimizer, [3, 5], gamma=0.1)])
restarts = lr_scheduler.CosineAnnealingWarmRestarts(optim.Rprop(model.parameters(), lr=1.0), T_0=3, T_mult=2)
polynomial = lr_scheduler.PolynomialLR(optim.Adam(model.parameters(), lr=1.0), total_iters=4, power=2)
lines = []
for step in range(6):
    for s in (chained, restarts, polynomial):
        getattr(s, 'optimizer', optimizer).step()
        s.step()
    lines.append([round(s.get_last_lr()[0], 5) for s in (chained, restarts, polynomial)])
print(lines, sorted(k for k in polynomial.state_dict() if not k.startswith('_')))
try:
    lr_scheduler.CyclicLR(optimizer, 0.1, 0.2)
except ValueError as error:
    print(error)
try:
    lr_scheduler.StepLR(model, 2)
except TypeError as error:
    print(str(error).split()[-1])

model = net()
log = []
handles = [
    model[0].register_forward_pre_hook(lambda m, args: log.append(f'pre {tuple(args[0].shape)}')),
    model[1].register_forward_hook(lambda m, args, out: out * 2),
    model[2].register_forward_hook(lambda m, args, kwargs, out: log.append(f'{type(m).__name__} {kwargs}'), with_kwargs=True),
    model[2].register_full_backward_hook(lambda m, gi, go: log.append(f'back {gi[0].shape} {go[0].sum():.3f}')),
    model[2].register_full_backward_pre_hook(lambda m, go: (go[0] * 0.5,)),
    model[0].weight.register_hook(lambda g: g.clamp(-0.01, 0.01)),
    model[0].bias.register_post_accumulate_grad_hook(lambda p: log.append(f'grad {p.grad.shape}')),
    model.register_state_dict_pre_hook(lambda m, prefix, keep: log.append('saving')),
    model.register_load_state_dict_post_hook(lambda m, keys: log.append(f'loaded {keys.missing_keys}')),
]
optimizer = optim.Adam(model.parameters(), lr=0.01)
handles += [optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append('before step')),
            optimizer.register_step_post_hook(lambda o, args, kwargs: log.append('after step')),
            register_optimizer_step_post_hook(lambda o, args, kwargs: log.append(type(o).__name__))]
loss = (model(x) - y).abs().mean()
loss.backward()
optimizer.step()
print(*log, sep='\n')
print(f'{loss.item():.4f}', model[0].weight.grad.abs().max(), model[2].weight.grad_fn, loss.grad_fn.name())
del log[:]
model.load_state_dict({k: v for k, v in model.state_dict().items() if k != '2.bias'}, strict=False)
for handle in handles:
    handle.remove()
model(x).sum().backward()
optimizer.step()
print(log)

features = {}
for name, module in model.named_modules():
    if isinstance(module, (nn.Linear, nn.Tanh)):
        module.register_forward_hook(lambda m, i, o, name=name: features.__setitem__(name, o.detach()))
with torch.autograd.set_detect_anomaly(True):
    model(x).mean().backward()
print({k: tuple(v.shape) for k, v in features.items()}, len(model[0]._forward_hooks))
