# The note's layers one by one, each as a module and as a function.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
in_channels, out_channels, kernel_size, stride = 3, 4, 3, 2
image = torch.randn(2, in_channels, 6, 6)

conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding = 0)
print(conv)
print(conv(image))

p = 0.5
droup = nn.Dropout2d(p)
print(droup)
print(droup(torch.ones(2, 4, 2, 2)))
print(F.dropout(torch.ones(4, 10), p, training = True))
print(F.dropout(torch.ones(4, 3), p, training = False))

in_features, out_features = 8, 5
fc = nn.Linear(in_features, out_features, bias = True)
print(fc)
print(fc(torch.randn(3, in_features)))
print(nn.Linear(in_features, out_features, bias = False).bias)

layer = nn.MaxPool2d(kernel_size, stride)
print(layer)
print(layer(image))
print(F.max_pool2d(image, kernel_size, stride = 1)[0, 0])

layer = nn.ReLU()
x = torch.randn(3, 4)
print(x)
x = layer(x)
print(x)
x = F.relu(x)
print(x)

layer = nn.Softmax(dim = 1)
print(layer)
print(layer(x))
output = F.log_softmax(x, dim = 1)
print(output)

pad = nn.ReflectionPad2d(1)
print(pad)
print(pad(torch.arange(9.).view(1, 1, 3, 3)))
print(nn.ReflectionPad2d((1, 2, 0, 1))(torch.arange(9.).view(1, 1, 3, 3)))

norm = nn.InstanceNorm2d(in_channels)
print(norm)
print(norm(image)[0, 0])
print(norm(image).mean(dim=(2, 3)).abs().max() < 1e-6)
