# The other optimizers that the note names, five steps each.
import torch
import torch.nn as nn
import torch.optim as optim

CHOICES = {
    'SGD': lambda p: optim.SGD(p, lr=0.01),
    'Nesterov-SGD': lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    'AdaGrad': lambda p: optim.Adagrad(p, lr=0.01),
    'RMSProp': lambda p: optim.RMSprop(p, lr=0.01),
    'Adadelta': lambda p: optim.Adadelta(p),
    'Adam': lambda p: optim.Adam(p, lr=0.01),
    'RAdam': lambda p: optim.RAdam(p, lr=0.01),
}

for name, make in CHOICES.items():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    input1, target = torch.randn(16, 6), torch.randn(16, 2)
    criterion = nn.MSELoss()
    optimizer = make(net.parameters())
    print(optimizer)
    for step in range(5):
        optimizer.zero_grad()
        output = net(input1)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        print(name, step, loss)
    print(net[2].bias)
