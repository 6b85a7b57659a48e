# The note's hooks: of tensors, before and after forward, and around backward.
import torch
import torch.nn as nn
from torch.nn import Parameter


def hook(grad):
    pass


tensor = torch.rand(1, requires_grad=True)
tensor.register_hook(hook)
print([(key, function.__name__) for key, function in tensor._backward_hooks.items()])


class Add(nn.Module):
    def forward(self, x1, x2):
        return torch.add(x1, x2)


add = Add()


def pre_hook(module, input):
    print(f'pre hook: {module} {input}')
    return input[0] * 2, input[1]


def forward_hook(module, input, output):
    print(f'forward hook: {input} {output}')
    return output + 5


first = add.register_forward_pre_hook(pre_hook)
second = add.register_forward_hook(forward_hook)
x1, x2 = torch.tensor([1.]), torch.tensor([2.])
print(add(x1, x2))
first.remove()
print(add(x1, x2))
second.remove()
print(add(x1, x2))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.W = Parameter(torch.tensor([5.]))

    def forward(self, x1, x2):
        output = x1 * x2
        return output * self.W


model = Model()
answer = []


def module_hook(module, grad_input, grad_output):
    answer.append((grad_input, grad_output))
    print(f'full backward hook: {grad_input} {grad_output}')
    return tuple(g * 10 for g in grad_input)


model.register_full_backward_hook(module_hook)
model.register_full_backward_pre_hook(lambda module, grad_output: print('full backward pre hook:', grad_output))
x1 = torch.rand(1, generator=torch.Generator().manual_seed(0)).requires_grad_()
x2 = torch.tensor([2.], requires_grad=True)
output = model(x1, x2)
print(output)
output.backward()
print(x1.grad, x2.grad, model.W.grad)


def tensor_hook(grad):
    print('tensor hook:', grad)
    return grad / 10


model.W.register_hook(tensor_hook)
model.zero_grad()
model(x1, x2).backward()
print(model.W.grad, len(answer))


class Watched(nn.Linear):
    def _load_from_state_dict(self, state_dict, prefix, *rest):
        print('loading', prefix, sorted(state_dict))
        super()._load_from_state_dict(state_dict, prefix, *rest)


net = nn.Sequential(Watched(2, 2), nn.ReLU())
state = {name: torch.ones_like(value) for name, value in net.state_dict().items()}
net.register_load_state_dict_post_hook(lambda module, keys: print('loaded', keys))
print(net.load_state_dict(state))
print(net(torch.ones(1, 2)))
