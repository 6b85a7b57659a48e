# A residual network and a small vision transformer: warm-up then cosine, smoothed labels, mixup, averaged weights and update_bn.
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 3, padding='same', bias=False),
                                  nn.BatchNorm2d(widths[0]), nn.ReLU(True), nn.MaxPool2d(2, ceil_mode=True))
        blocks = [BasicBlock(i, o, s) for i, o, s in zip(widths, widths[1:], [1, 2])]
        self.layers = nn.Sequential(*blocks)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(widths[-1], classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_out', nonlinearity='relu')
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)
        for m in self.modules():
            if isinstance(m, BasicBlock):
                nn.init.zeros_(m.bn2.weight)

    def forward(self, x):
        return self.fc(torch.flatten(self.avgpool(self.layers(self.stem(x))), 1))


class ViT(nn.Module):
    def __init__(self, size=12, patch=4, width=16, depth=2, heads=2, classes=5):
        super().__init__()
        self.patches = nn.Conv2d(1, width, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.pos = nn.Parameter(torch.empty(1, (size // patch) ** 2 + 1, width))
        nn.init.trunc_normal_(self.pos, std=0.02)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, activation=F.gelu,
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.pos
        return self.head(self.encoder(x)[:, 0])


def mixup(x, y, generator, alpha=0.4):
    order = torch.randperm(len(x), generator=generator)
    targets = F.one_hot(y, 5).float()
    share = 0.7
    return share * x + (1 - share) * x[order], share * targets + (1 - share) * targets[order]


def blobs(count):
    generator = torch.Generator().manual_seed(11)
    y = torch.randint(0, 5, (count,), generator=generator)
    ramp = torch.linspace(-1, 1, 12)
    x = torch.randn(count, 1, 12, 12, generator=generator) + torch.cos(ramp * (y.view(-1, 1) + 1)).view(-1, 1, 1, 12) * 2
    return TensorDataset(x, y)


def fit(name, model, decay):
    generator = torch.Generator().manual_seed(2)
    loader = DataLoader(blobs(96), batch_size=32, shuffle=True, drop_last=True, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=decay, nesterov=True)
    warm = LinearLR(optimizer, start_factor=0.1, total_iters=3)
    scheduler = SequentialLR(optimizer, [warm, CosineAnnealingLR(optimizer, T_max=9, eta_min=1e-3)], milestones=[3])
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    for epoch in range(3):
        model.train()
        for x, y in loader:
            x, y = mixup(x, y, generator)
            loss = F.cross_entropy(model(x), y, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            ema.update_parameters(model)
        print(f'{name} {epoch} {loss.item():.3f} {scheduler.get_last_lr()[0]:.5f} {optimizer.param_groups[0]["lr"]:.5f}')
    swa = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
    swa.step()
    print(f'{swa.get_last_lr()[0]:.5f}', ema.n_averaged, list(ema.state_dict())[:2])
    update_bn(loader, ema)
    ema.eval()
    x, y = loader.dataset[:32]
    with torch.no_grad():
        scores = ema(x)
    print(f'{F.cross_entropy(scores, y).item():.3f}', scores.topk(2).indices.shape)
    return loss.grad_fn.name()


torch.manual_seed(0)
resnet = ResNet([4, 4, 8], 5)
print(resnet)
print(fit('resnet', resnet, 1e-4), resnet.stem[1].num_batches_tracked)
print({k: tuple(v.shape) for k, v in resnet.state_dict().items() if 'layers.1' in k})
vit = ViT()
print(vit.encoder.layers[1])
print(fit('vit', vit, 0.0))
missing = copy.deepcopy(vit).load_state_dict({k: v for k, v in vit.state_dict().items() if 'head' not in k}, strict=False)
print(missing)
try:
    resnet.load_state_dict(ResNet([4, 4, 6], 5).state_dict())
except RuntimeError as error:
    print(error)
try:
    resnet(torch.zeros(2, 3, 12, 12))
except RuntimeError as error:
    print(error)
