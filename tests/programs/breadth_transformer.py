# Attention twice: nn.Transformer from sequence to sequence with its masks, and a GPT of scaled_dot_product_attention.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer('pe', pe.unsqueeze(0))

    def forward(self, x):
        return self.dropout(x + self.pe[:, :x.size(1)])


class Translator(nn.Module):
    def __init__(self, symbols, d_model=16):
        super().__init__()
        self.embed = nn.Embedding(symbols, d_model)
        self.positions = PositionalEncoding(d_model)
        self.transformer = nn.Transformer(d_model, nhead=2, num_encoder_layers=1, num_decoder_layers=1,
                                          dim_feedforward=32, activation='gelu', batch_first=True)
        self.out = nn.Linear(d_model, symbols)

    def forward(self, source, target):
        causal = nn.Transformer.generate_square_subsequent_mask(target.size(1))
        padding = source == 0
        x = self.positions(self.embed(source) * 4)
        y = self.positions(self.embed(target) * 4)
        return self.out(self.transformer(x, y, tgt_mask=causal, src_key_padding_mask=padding,
                                         memory_key_padding_mask=padding, tgt_is_causal=True))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.RMSNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate='tanh'), nn.Linear(4 * width, width))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.qkv(self.ln_1(x)).split(C, dim=2)
        q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).contiguous().view(B, T, C))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, symbols, width=16, depth=2, context=12):
        super().__init__()
        self.context = context
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(symbols, width), wpe=nn.Embedding(context, width), drop=nn.Dropout(0.1),
            h=nn.ModuleList([Block(width, 4) for _ in range(depth)]), ln_f=nn.LayerNorm(width)))
        self.lm_head = nn.Linear(width, symbols, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        self.apply(self._init_weights)
        for name, p in self.named_parameters():
            if name.endswith('proj.weight'):
                nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * depth))

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if getattr(module, 'bias', None) is not None:
                nn.init.zeros_(module.bias)

    def forward(self, idx, targets=None):
        pos = torch.arange(0, idx.size(1), dtype=torch.long, device=idx.device)
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
        for block in self.transformer.h:
            x = block(x)
        logits = self.lm_head(self.transformer.ln_f(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)

    def configure_optimizers(self, lr):
        params = {n: p for n, p in self.named_parameters() if p.requires_grad}
        decay = [p for p in params.values() if p.dim() >= 2]
        rest = [p for p in params.values() if p.dim() < 2]
        groups = [{'params': decay, 'weight_decay': 0.1}, {'params': rest, 'weight_decay': 0.0}]
        return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=False)

    @torch.no_grad()
    def generate(self, idx, count, top_k):
        for _ in range(count):
            logits = self(idx[:, -self.context:])[0][:, -1, :]
            v, _ = torch.topk(logits, top_k)
            logits[logits < v[:, [-1]]] = -float('Inf')
            idx = torch.cat((idx, torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)), dim=1)
        return idx


torch.manual_seed(1337)
model = Translator(12)
print(model)
source = torch.randint(1, 12, (8, 6))
source[::2, 4:] = 0
target = source.flip(1)
optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
noam = LambdaLR(optimizer, lambda step: 16 ** -0.5 * min((step + 1) ** -0.5, (step + 1) * 20 ** -1.5))
for step in range(15):
    logits = model(source, target[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), label_smoothing=0.1, ignore_index=0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    noam.step()
    if step % 5 == 4:
        print(f'{step} {loss.item():.4f} {noam.get_last_lr()[0]:.5f}')
model.eval()
with torch.no_grad():
    print(model(source[:2], target[:2, :3]).shape, nn.Transformer.generate_square_subsequent_mask(3))

torch.manual_seed(1337)
gpt = GPT(11)
print(gpt)
optimizer = gpt.configure_optimizers(1e-2)
print([(len(g['params']), g['weight_decay']) for g in optimizer.param_groups])
scheduler = OneCycleLR(optimizer, max_lr=[1e-2, 2e-2], total_steps=20, pct_start=0.3)
data = torch.randint(0, 11, (400,))
for step in range(20):
    starts = torch.randint(len(data) - 13, (8,))
    x = torch.stack([data[i:i + 12] for i in starts])
    y = torch.stack([data[i + 1:i + 13] for i in starts])
    logits, loss = gpt(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(gpt.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 5 == 0:
        print(f'{step} loss {loss:.4f} norm {norm.item():.4f} lr', *(f"{g['lr']:.6f}" for g in optimizer.param_groups))
print(logits.grad_fn.name(), loss.grad_fn.name(), sorted(optimizer.state_dict()['state'][0]))
gpt.eval()
print(gpt.generate(torch.zeros((1, 1), dtype=torch.long), 8, top_k=3).shape)
try:
    scheduler.step()
except ValueError as error:
    print(error)
