# A whole training: random_split, shuffled loaders with workers, dropout, Adam, a schedule, a checkpoint, resumption.
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Blobs(Dataset):
    def __init__(self, count):
        generator = torch.Generator().manual_seed(7)
        self.labels = torch.randint(0, 4, (count,), generator=generator)
        self.images = torch.randn(count, 1, 12, 12, generator=generator) + self.labels.view(-1, 1, 1, 1) * 0.5

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], int(self.labels[index])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.dropout = nn.Dropout(0.25)
        self.fc = nn.Linear(64, 4)

    def forward(self, x):
        x = F.relu(self.norm(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.conv2(x)), 4)
        return self.fc(self.dropout(x.flatten(1)))


def train(model, loader, optimizer, scheduler):
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    scheduler.step()
    return total / len(loader.dataset)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def make():
    model = Net()
    optimizer = optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    return model, optimizer, CosineAnnealingLR(optimizer, T_max=4)


if __name__ == '__main__':
    torch.manual_seed(0)
    learn, check = random_split(Blobs(200), [160, 40])
    print(learn.indices[:10], check.indices[:10])
    learning = DataLoader(learn, batch_size=32, shuffle=True, num_workers=2)
    checking = DataLoader(check, batch_size=40)
    model, optimizer, scheduler = make()
    path = os.path.join(tempfile.mkdtemp(), 'checkpoint.pt')
    for epoch in range(2):
        loss = train(model, learning, optimizer, scheduler)
        print(f'{epoch} {loss:.4f} {accuracy(model, checking):.3f} {scheduler.get_last_lr()[0]:.6f}')
    torch.save({'model': model.state_dict(), 'optimizer': optimizer.state_dict(),
                'scheduler': scheduler.state_dict(), 'rng': torch.get_rng_state()}, path)
    for again in range(2):
        if again:
            model, optimizer, scheduler = make()
            state = torch.load(path)
            model.load_state_dict(state['model'])
            optimizer.load_state_dict(state['optimizer'])
            scheduler.load_state_dict(state['scheduler'])
            torch.set_rng_state(state['rng'])
        for epoch in range(2, 4):
            loss = train(model, learning, optimizer, scheduler)
            print(f'{epoch} {loss:.4f} {accuracy(model, checking):.3f} {scheduler.get_last_lr()[0]:.6f}')

    x = torch.linspace(-1, 1, 50).view(-1, 1)
    dataset = TensorDataset(x, 3 * x + 1)
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = StepLR(optimizer, step_size=10, gamma=0.5)
    for epoch in range(20):
        for a, b in DataLoader(dataset, batch_size=10, shuffle=True):
            loss = nn.MSELoss()(model(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
    print(round(model.weight.item(), 3), round(model.bias.item(), 3), loss.item() < 1e-2)
