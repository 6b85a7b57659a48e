# The note's section on Module: to(), parameters(), train(), eval(), state_dict(), load_state_dict(), children().
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module) :
    # nn.Module을 상속받는 class를 정의
    def __init__(self):
        super(Model, self).__init__()
        # nn.Module class의 attribute를 inherit하고 initialize
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 4, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        x = F.dropout(x.flatten(1), 0.5, training=self.training)
        return F.log_softmax(self.fc(x), dim=1)


torch.manual_seed(0)
model = Model()

is_cuda = torch.cuda.is_available()
device = torch.device('cuda' if is_cuda else 'cpu')

model = model.to(device)
data = torch.randn(5, 1, 6, 6, device=device)

print(model) # summury
output = model(data)
print(output)

model.train()
print(model.training, model.norm.training)
print(model(data))

model.eval()
print(model.training, model.norm.training)
print(model(data))

parameter = model.state_dict()
print(dict(parameter))  # as a dict: how an OrderedDict prints depends on Python
parameter = copy.deepcopy(model.state_dict())
with torch.no_grad():
    model.fc.bias.fill_(7)
print(model.state_dict()['fc.bias'], parameter['fc.bias'])
print(model.load_state_dict(parameter))
print(model.fc.bias)

del parameter['fc.bias']
parameter['extra'] = torch.zeros(1)
parameter['fc.weight'] = torch.zeros(2, 2)
try:
    model.load_state_dict(parameter)
except RuntimeError as error:
    print(error)

for param in model.parameters():
            param.requires_grad = False
print([(name, param.requires_grad) for name, param in model.named_parameters()])
print(model(data).requires_grad)
for param in model.parameters():
    param.requires_grad = True

resnet = nn.Sequential(
    nn.Conv2d(3, 8, 7, stride=2, padding=3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
    nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)),
    nn.Conv2d(8, 16, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
)
ct = 0
for child in resnet.children():
    ct +=1
    if ct < 6:
        for param in child.parameters():
            param.requires_grad = False
print(ct)
for name, param in resnet.named_parameters():
    print(name, param.requires_grad)
print(resnet(torch.randn(2, 3, 32, 32)))
