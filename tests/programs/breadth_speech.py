# Tiny speech: frames of tones, a convolution in time and a bidirectional LSTM trained by CTC; greedy decoding.
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler


class Utterances(Dataset):
    """Each symbol of 1..4 is three to five noisy frames of its tone."""

    def __init__(self, count):
        generator = torch.Generator().manual_seed(3)
        tones = torch.sin(torch.arange(8) * torch.arange(1.0, 6).view(-1, 1) * 0.7)
        self.items = []
        for _ in range(count):
            text = torch.randint(1, 5, (int(torch.randint(2, 5, (1,), generator=generator)),), generator=generator)
            holds = torch.randint(3, 6, (len(text),), generator=generator)
            frames = tones[text.repeat_interleave(holds)]
            self.items.append((frames + 0.2 * torch.randn(frames.shape, generator=generator), text))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class ByLength(Sampler):
    """Batches of utterances of about the same length."""

    def __init__(self, dataset, size):
        self.order = sorted(range(len(dataset)), key=lambda i: len(dataset[i][0]))
        self.size = size

    def __iter__(self):
        batches = [self.order[i:i + self.size] for i in range(0, len(self.order), self.size)]
        return iter([batches[i] for i in torch.randperm(len(batches))])

    def __len__(self):
        return -(-len(self.order) // self.size)


def collate(batch):
    batch.sort(key=lambda item: len(item[0]), reverse=True)
    frames, texts = zip(*batch)
    return (pad_sequence(list(frames)), torch.tensor([len(f) for f in frames]),
            torch.cat(texts), torch.tensor([len(t) for t in texts]))


class Listener(nn.Module):
    def __init__(self, features=8, hidden=12, symbols=5):
        super().__init__()
        self.conv = nn.Conv1d(features, hidden, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm1d(hidden)
        self.rnn = nn.LSTM(hidden, hidden, bidirectional=True, proj_size=6)
        self.head = nn.Linear(12, symbols)

    def forward(self, frames, lengths):
        x = F.hardtanh(self.norm(self.conv(frames.permute(1, 2, 0))), 0, 20).permute(2, 0, 1)
        packed, _ = self.rnn(pack_padded_sequence(x, lengths))
        logits = PackedSequence(self.head(packed.data), packed.batch_sizes)
        return F.log_softmax(pad_packed_sequence(logits)[0], dim=-1)


def greedy(log_probs, lengths):
    out = []
    for path, n in zip(log_probs.argmax(-1).t(), lengths.tolist()):
        path = torch.unique_consecutive(path[:n])
        out.append(path[path != 0].tolist())
    return out


torch.manual_seed(0)
dataset = Utterances(24)
loader = DataLoader(dataset, batch_sampler=ByLength(dataset, 6), collate_fn=collate)
print(len(loader), loader.batch_size, [tuple(t.shape) for t in next(iter(loader))])
model = Listener()
print(model)
criterion = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = torch.optim.RAdam(model.parameters(), lr=2e-2, decoupled_weight_decay=True, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
for epoch in range(6):
    total = 0.0
    for frames, lengths, texts, counts in loader:
        optimizer.zero_grad()
        log_probs = model(frames, lengths)
        loss = criterion(log_probs, texts, lengths, counts)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f'epoch {epoch} loss {total / len(loader):.3f} lr {scheduler.get_last_lr()[0]:.5f}')
print(loss.grad_fn.name(), log_probs.grad_fn.name(), criterion)
model.eval()
with torch.no_grad():
    log_probs = model(frames, lengths)
found = greedy(log_probs, lengths)
print(len(found), len(found[0]) >= 1)
print(F.ctc_loss(log_probs, texts, lengths, counts, reduction='none').shape)
short = F.ctc_loss(log_probs[:2], texts, torch.full((len(lengths),), 2), counts, reduction='sum')
print(short, F.ctc_loss(log_probs[:2], texts, torch.full((len(lengths),), 2), counts, zero_infinity=True))
padded = pad_sequence(texts.split(counts.tolist()), batch_first=True)
print(torch.allclose(criterion(log_probs, padded, lengths, counts), criterion(log_probs, texts, lengths, counts)))
try:
    criterion(log_probs, texts, lengths[:2], counts)
except RuntimeError as error:
    print(str(error)[:40])
