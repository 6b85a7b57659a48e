# LightNet: definition, parameters, default initial weights, loss, backprop, updates by hand and by optim.SGD.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

N_CHANNEL_IN, N_CHANNEL_OUT, H, W = 1, 6, 6, 6


class LightNet(nn.Module):

    def __init__(self):
        super(LightNet, self).__init__()
        self.conv1 = nn.Conv2d(N_CHANNEL_IN, N_CHANNEL_OUT, 3)
        self.conv2 = nn.Conv2d(N_CHANNEL_OUT, 16, 3)
        self.fc1 = nn.Linear(H * W * 16, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        size = x.size()[1:]
        num_feature = 1
        for s in size:
            num_feature *= s
        return num_feature


torch.manual_seed(0)
net = LightNet()
print(net)

params = list(net.parameters())
print(len(params))
for i in range(len(params)):
    print(params[i].size()) # weight1, bias1, ..., weight5, bias5

stdv = 1. / math.sqrt(net.fc1.weight.size(1))
print(stdv, bool((net.fc1.weight.abs() <= stdv).all()))
net.fc1.weight.data.uniform_(-stdv, stdv)
print(net.fc1.weight)

sample = torch.randn(1, 32, 32)
input1 = sample.unsqueeze(0)
output = net(input1)
print(output)

target = torch.randn(10).view(1, -1)
criterion = nn.MSELoss()
loss = criterion(output, target)
print(loss)
print(loss.grad_fn.name())
print(loss.grad_fn.next_functions[0][0].name())

net.zero_grad() # 모든 파라미터의 gradient 버퍼를 0으로 만든다.

print('conv1.bias.grad before backward')
print(net.conv1.bias.grad)

loss.backward()

print('conv1.bias.grad after backward')
print(net.conv1.bias.grad)

# SGD 다음과 같이 구현할 수 있다.
learning_rate = 0.01
for f in net.parameters():
    f.data.sub_(f.grad.data * learning_rate)
print(net.conv1.bias)

optimizer = optim.SGD(net.parameters(), lr=0.01)

for step in range(3):
    optimizer.zero_grad() # zero the gradient buffer (꼭 해주어야 한다.)
    output = net(input1)
    loss = criterion(output, target)
    loss.backward()
    optimizer.step() # update
    print(step, loss)
