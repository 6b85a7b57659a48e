# nn.Module: the first model of the note, and what happens without super().__init__().
import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 20, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return F.relu(self.conv2(x))


torch.manual_seed(0)
model = Model()
print(model)
output = model(torch.randn(2, 1, 12, 12))
print(output.size())
print(output[0, :3])
print(output.sum())


class Forgetful(nn.Module):
    def __init__(self):
        self.conv1 = nn.Conv2d(1, 20, 5)


try:
    Forgetful()
except AttributeError as error:
    print(f"AttributeError: {error}")
