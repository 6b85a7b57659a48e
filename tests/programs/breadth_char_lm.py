# A language model of characters: sentences of different lengths, packed; an LSTM of two layers with dropout; tied weights; sampling.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence, unpad_sequence

TEXT = """a small light burns in the hall
rushes grow by the river
the river runs to the sea
light as a reed and dry as hay
dip it in fat and let it burn
the hall is lit till morning"""


class CharModel(nn.Module):
    def __init__(self, symbols, width=24, layers=2, dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(symbols, width, padding_idx=0)
        self.lstm = nn.LSTM(width, width, num_layers=layers, dropout=dropout, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, symbols)
        self.head.weight = self.embedding.weight

    def forward(self, tokens, lengths=None, state=None):
        x = self.drop(self.embedding(tokens))
        if lengths is None:
            x, state = self.lstm(x, state)
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            packed, state = self.lstm(packed, state)
            x, _ = pad_packed_sequence(packed, batch_first=True)
        return self.head(self.drop(x)), state


def encode(line, codes):
    return torch.tensor([codes[c] for c in line])


@torch.no_grad()
def sample(model, codes, start, count, temperature):
    model.eval()
    letters = {code: c for c, code in codes.items()}
    out, state = list(start), None
    token = encode(start, codes).unsqueeze(0)
    for _ in range(count):
        logits, state = model(token, state=state)
        weights = F.softmax(logits[0, -1] / temperature, dim=-1)
        token = torch.multinomial(weights, 1).view(1, 1)
        out.append(letters.get(token.item(), '_'))
    return ''.join(out)


if __name__ == '__main__':
    torch.manual_seed(1)
    lines = TEXT.split('\n')
    codes = {c: i + 1 for i, c in enumerate(sorted(set(TEXT.replace('\n', ''))))}
    sequences = [encode(line, codes) for line in lines]
    lengths = torch.tensor([len(s) - 1 for s in sequences])
    inputs = pad_sequence([s[:-1] for s in sequences], batch_first=True)
    targets = pad_sequence([s[1:] for s in sequences], batch_first=True, padding_value=-100)
    model = CharModel(len(codes) + 1)
    print(model)
    print(inputs.shape, lengths.tolist(), sum(p.numel() for p in model.parameters()))
    print([(name, tuple(p.shape)) for name, p in model.named_parameters()])
    print(list(model.state_dict())[-4:], model.head.weight is model.embedding.weight)

    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3, alpha=0.95)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for step in range(30):
        model.train()
        logits, _ = model(inputs, lengths)
        loss = criterion(logits.transpose(1, 2), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 10 == 0:
            print(f'{step} loss {loss.item():.4f} perplexity {math.exp(loss.item()):.2f} norm {norm:.3f}')
    print(f'{loss.item():.3f}', logits.shape, logits.grad_fn.name(), loss.grad_fn.name())

    packed = pack_sequence(sequences[:3], enforce_sorted=False)
    print(type(packed).__name__, packed.batch_sizes.tolist()[:4], packed.sorted_indices, packed.unsorted_indices)
    padded, counts = pad_packed_sequence(packed, batch_first=True, total_length=40)
    print(padded.shape, counts, [len(s) for s in unpad_sequence(padded, counts, batch_first=True)])
    try:
        pack_padded_sequence(inputs, lengths, batch_first=True)
    except RuntimeError as error:
        print(str(error).split('.')[0])
    print(sample(model, codes, 'the ', 20, 0.5))
    _, (h, c) = model(inputs[:2], lengths[:2])
    print(h.shape, c.shape, model.embedding.weight.grad[0].abs().sum().item() > 0)
