# An encoder and a decoder of GRUs with attention over the source, teacher forcing by chance: reversing strings of digits.
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

START, STOP, PAD = 10, 11, 12


class Encoder(nn.Module):
    def __init__(self, symbols, width):
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.gru = nn.GRU(width, width, bidirectional=True)
        self.join = nn.Linear(2 * width, width)

    def forward(self, source, lengths):
        packed = pack_padded_sequence(self.embed(source), lengths.cpu())
        out, hidden = self.gru(packed)
        out, _ = pad_packed_sequence(out)
        hidden = torch.tanh(self.join(torch.cat([hidden[0], hidden[1]], dim=1)))
        return out, hidden


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.project = nn.Linear(3 * width, width)
        self.score = nn.Parameter(torch.empty(width).uniform_(-0.1, 0.1))

    def forward(self, hidden, memory, mask):
        expanded = hidden.unsqueeze(0).expand(memory.size(0), -1, -1)
        energy = torch.tanh(self.project(torch.cat((expanded, memory), dim=2))) @ self.score
        return F.softmax(energy.t().masked_fill(mask == 0, float('-inf')), dim=1)


class Decoder(nn.Module):
    def __init__(self, symbols, width):
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.attention = Attention(width)
        self.cell = nn.GRUCell(3 * width, width)
        self.out = nn.Linear(4 * width, symbols)

    def forward(self, token, hidden, memory, mask):
        x = self.embed(token)
        weights = self.attention(hidden, memory, mask)
        context = torch.bmm(weights.unsqueeze(1), memory.permute(1, 0, 2)).squeeze(1)
        hidden = self.cell(torch.cat([x, context], 1), hidden)
        return self.out(torch.cat([hidden, context, x], 1)), hidden, weights


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, source, lengths, target, teacher_forcing=0.5):
        memory, hidden = self.encoder(source, lengths)
        mask = (source != PAD).permute(1, 0)
        outputs = torch.zeros(*target.shape, self.decoder.out.out_features)
        token = target[0]
        for step in range(1, len(target)):
            outputs[step], hidden, weights = self.decoder(token, hidden, memory, mask)
            token = target[step] if random.random() < teacher_forcing else outputs[step].argmax(-1)
        return outputs, weights


def batch(count, generator):
    lengths = torch.randint(3, 7, (count,), generator=generator).sort(descending=True).values
    source = torch.full((6, count), PAD)
    target = torch.full((8, count), PAD)
    target[0] = START
    for i, n in enumerate(lengths.tolist()):
        digits = torch.randint(0, 10, (n,), generator=generator)
        source[:n, i] = digits
        target[1:n + 1, i] = digits.flip(0)
        target[n + 1, i] = STOP
    return source, lengths, target


def init_weights(m):
    for name, param in m.named_parameters():
        if 'weight' in name:
            nn.init.normal_(param.data, mean=0, std=0.1)
        else:
            nn.init.constant_(param.data, 0)


random.seed(3)
torch.manual_seed(3)
generator = torch.Generator().manual_seed(5)
model = Seq2Seq(Encoder(13, 16), Decoder(13, 16))
print(model.apply(init_weights))
print(f'{sum(p.numel() for p in model.parameters() if p.requires_grad):,} parameters')
optimizer = optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(20):
    source, lengths, target = batch(16, generator)
    optimizer.zero_grad()
    output, _ = model(source, lengths, target)
    loss = criterion(output[1:].view(-1, 13), target[1:].view(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    if step % 5 == 4:
        print(f'{step + 1:3d} | {loss.item():.4f}')
print(output.grad_fn.name(), output.shape, output.is_contiguous())

model.eval()
with torch.no_grad():
    output, weights = model(source[:, :3], lengths[:3], target[:, :3], 0)
print(output.requires_grad, weights.shape, torch.allclose(weights.sum(1), torch.ones(3)), (weights == 0).sum(1).tolist())
print(output.argmax(-1).t().shape)
try:
    model.encoder(source.flip(1), lengths.flip(0))
except RuntimeError as error:
    print(type(error).__name__, '`lengths`' in str(error))
