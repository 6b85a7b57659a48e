# Segmentation by a U-Net, with dice and focal losses; then a spatial transformer that learns to turn images back.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def double_conv(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, kernel_size=3, padding=1, padding_mode='reflect'), nn.GroupNorm(2, cout), nn.SiLU(),
        nn.Conv2d(cout, cout, (3, 3), padding=(1, 1), groups=2), nn.InstanceNorm2d(cout, affine=True), nn.LeakyReLU(0.1))


class UNet(nn.Module):
    def __init__(self, width=4, bilinear=False):
        super().__init__()
        self.down = nn.ModuleList([double_conv(1, width) if i == 0 else double_conv(width * 2 ** (i - 1), width * 2 ** i)
                                   for i in range(3)])
        self.pool = nn.MaxPool2d(2)
        if bilinear:
            self.up = nn.ModuleList([nn.Sequential(nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True),
                                                   nn.Conv2d(width * 2 ** i, width * 2 ** (i - 1), 1)) for i in (2, 1)])
        else:
            self.up = nn.ModuleList([nn.ConvTranspose2d(width * 2 ** i, width * 2 ** (i - 1), 2, stride=2) for i in (2, 1)])
        self.join = nn.ModuleList([double_conv(width * 2 ** i, width * 2 ** (i - 1)) for i in (2, 1)])
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        kept = []
        for i, layer in enumerate(self.down):
            x = layer(x)
            if i < 2:
                kept.append(x)
                x = self.pool(x)
        for up, join, skip in zip(self.up, self.join, reversed(kept)):
            x = up(x)
            dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            x = join(torch.cat([skip, x], dim=1))
        return self.out(x)


def dice_loss(logits, target, smooth=1.0):
    p = torch.sigmoid(logits).flatten(1)
    t = target.flatten(1)
    return (1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth)).mean()


def focal_loss(logits, target, gamma=2.0):
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction='none', pos_weight=torch.tensor(2.0))
    return ((1 - torch.exp(-bce)) ** gamma * bce).mean()


def discs(count, size=18):
    generator = torch.Generator().manual_seed(4)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing='ij')
    centre = torch.rand(count, 2, 1, 1, generator=generator) * (size - 8) + 4
    mask = ((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < 12).float().unsqueeze(1)
    return mask + 0.3 * torch.randn(mask.shape, generator=generator), mask


class SpatialTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.localization = nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(2, stride=2), nn.ReLU(True),
                                          nn.Conv2d(4, 4, 3), nn.AdaptiveMaxPool2d(3), nn.Hardswish())
        self.fc_loc = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 6))
        self.fc_loc[-1].weight.data.zero_()
        self.fc_loc[-1].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def forward(self, x):
        theta = self.fc_loc(self.localization(x)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return F.grid_sample(x, grid, mode='bilinear', padding_mode='border', align_corners=False), theta


torch.manual_seed(0)
images, masks = discs(8)
for bilinear in (False, True):
    model = UNet(bilinear=bilinear)
    print(sum(p.numel() for p in model.parameters()), model.up)
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-2)
    for step in range(12):
        optimizer.zero_grad()
        logits = model(images)
        loss = dice_loss(logits, masks) + focal_loss(logits, masks)
        loss.backward()
        optimizer.step()
        if step % 4 == 3:
            print(f'{step} {loss.item():.3f}')
    found = model(images).sigmoid() > 0.5
    print(found.dtype, logits.shape, logits.grad_fn.name())

half = F.interpolate(images, scale_factor=0.5, mode='area')
print([tuple(F.interpolate(half, size=(11, 13), mode=m).shape) for m in ('nearest', 'bilinear', 'bicubic', 'nearest-exact')])
print(f'{F.interpolate(images, scale_factor=0.5, mode="bilinear", antialias=True).std().item():.4f}')
shuffled = F.pixel_shuffle(F.unfold(half, 2, stride=1).view(8, 4, 8, 8), 2)
print(shuffled.shape, f'{shuffled.sum().item():.2f}', nn.PixelUnshuffle(2)(shuffled).shape)

angle = torch.tensor(0.6)
turn = torch.stack([torch.stack([angle.cos(), -angle.sin(), torch.zeros(())]),
                    torch.stack([angle.sin(), angle.cos(), torch.zeros(())])]).expand(8, 2, 3)
turned = F.grid_sample(masks, F.affine_grid(turn, masks.shape, align_corners=False), align_corners=False)
stn = SpatialTransformer()
optimizer = torch.optim.Adam(stn.parameters(), 1e-2)
for step in range(16):
    out, theta = stn(turned)
    loss = F.smooth_l1_loss(out, masks, beta=0.5)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 0:
        print(f'{step} {loss.item():.4f}', [round(t, 2) for t in theta[0].flatten().tolist()])
print(out.grad_fn.name(), theta.grad_fn.name())
try:
    F.interpolate(images, scale_factor=2, size=3)
except ValueError as error:
    print(error)
try:
    nn.ConvTranspose2d(1, 2, 3, stride=2)(images, output_size=(40, 40))
except ValueError as error:
    print(error)
