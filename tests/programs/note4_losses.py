# The note's losses, loss.backward() and loss.item().
import torch
import torch.nn as nn

torch.manual_seed(0)
model = nn.Linear(6, 3)
batches = [(torch.randn(4, 6), torch.randint(3, (4,))) for _ in range(3)]

criterion = nn.CrossEntropyLoss()
for data, target in batches:
    output = model(data)
    loss = criterion(output, target)
    print(loss)
    model.zero_grad()
    loss.backward()
    print(model.weight.grad)
    print(f'{loss.item():.5f}')

output, target = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)
criterion = nn.MSELoss()
print(criterion(output, target))
criterion = nn.L1Loss()
print(criterion(output, target))
# PyTorch has no L2Loss; where there is one, it is the mean squared error.
criterion = getattr(nn, 'L2Loss', nn.MSELoss)()
loss = criterion(output, target)
print(loss)
loss.backward()
print(output.grad)
