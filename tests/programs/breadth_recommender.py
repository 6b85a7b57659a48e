# Recommending: bags of what a user liked, sparse gradients with SparseAdam and Adagrad, negatives, ranking, matching by distance.
import torch
import torch.nn as nn
import torch.nn.functional as F


class TwoTower(nn.Module):
    def __init__(self, items, width=8):
        super().__init__()
        self.history = nn.EmbeddingBag(items, width, mode='sum', sparse=True, include_last_offset=True)
        self.item = nn.Embedding(items, width, sparse=True, max_norm=2.0)
        self.bias = nn.Embedding(items, 1, sparse=True)
        self.tower = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.CELU())
        self.mix = nn.Bilinear(width, width, 1, bias=False)

    def forward(self, flat, offsets, weights, items):
        user = self.tower(self.history(flat, offsets, per_sample_weights=weights))
        chosen = self.item(items)
        return (user * chosen).sum(-1) + self.mix(user, chosen).squeeze(-1) + self.bias(items).squeeze(-1)


def events(count, generator):
    taste = torch.randint(0, 3, (count,), generator=generator)
    lengths = torch.randint(1, 5, (count,), generator=generator)
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
    who = torch.repeat_interleave(taste, lengths)
    flat = who * 10 + torch.randint(0, 10, (len(who),), generator=generator)
    weights = torch.rand(len(who), generator=generator) + 0.5
    liked = taste * 10 + torch.randint(0, 10, (count,), generator=generator)
    other = torch.randint(0, 30, (count,), generator=generator)
    return flat, offsets, weights, liked, other


torch.manual_seed(0)
generator = torch.Generator().manual_seed(1)
model = TwoTower(30)
print(model)
sparse = [p for n, p in model.named_parameters() if n.startswith(('history', 'item', 'bias'))]
dense = [p for n, p in model.named_parameters() if n.startswith(('tower', 'mix'))]
optimizers = [torch.optim.SparseAdam(sparse, lr=2e-2), torch.optim.Adagrad(dense, lr=5e-2, lr_decay=1e-3)]
for step in range(25):
    flat, offsets, weights, liked, other = events(24, generator)
    good, bad = model(flat, offsets, weights, liked), model(flat, offsets, weights, other)
    loss = F.margin_ranking_loss(good, bad, torch.ones(24), margin=0.3) - F.logsigmoid(good - bad).mean()
    for o in optimizers:
        o.zero_grad()
    loss.backward()
    for o in optimizers:
        o.step()
    if step % 6 == 0:
        print(f'{step} {loss.item():.3f} {(good > bad).float().mean():.3f}')
grad = model.item.weight.grad
print(grad.is_sparse, grad.layout, grad.shape, grad.coalesce().indices().shape, grad.coalesce().values().shape)
print(model.item.weight.norm(dim=1).max().item() <= 2.0 + 1e-5, sorted(optimizers[0].state[sparse[0]]))
print(good.grad_fn.name(), optimizers[1])
try:
    torch.optim.Adam(sparse).step()
except RuntimeError as error:
    print(error)
try:
    torch.optim.SparseAdam([torch.zeros(2).to_sparse()])
except ValueError as error:
    print(str(error)[:60])

for mode in ('mean', 'max'):
    bag = nn.EmbeddingBag.from_pretrained(torch.arange(12.0).view(6, 2), mode=mode, padding_idx=0)
    print(mode, bag(torch.tensor([[0, 2, 5], [1, 1, 0]])), bag)
rows = nn.Parameter(torch.randn(6, 3))
state = torch.optim.Adagrad([rows], lr=0.5, initial_accumulator_value=0.1)
F.embedding(torch.tensor([1, 4, 1]), rows, sparse=True).pow(2).sum().backward()
before = rows.detach().clone()
state.step()
print((rows.detach() - before).abs().sum(1) > 0)
sgd = torch.optim.SGD([rows], lr=0.1)
sgd.zero_grad()
F.embedding(torch.tensor([0]), rows, sparse=True, scale_grad_by_freq=False).sum().backward()
sgd.step()
print(rows.grad)

# Metric learning: an encoder whose classes part.
torch.manual_seed(2)
labels = torch.arange(24) % 3
points = torch.randn(24, 6) + 2 * F.one_hot(labels, 6)
encoder = nn.Sequential(nn.Linear(6, 12), nn.SELU(), nn.AlphaDropout(0.05), nn.Linear(12, 4))
triplet = nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: 1.0 - F.cosine_similarity(x, y), margin=0.5, swap=True)
cosine = nn.CosineEmbeddingLoss(margin=0.2)
optimizer = torch.optim.Adadelta(encoder.parameters(), lr=1.0)
for step in range(15):
    z = F.normalize(encoder(points), p=2, dim=1)
    a, p, n = z, z.roll(3, 0), z.roll(1, 0)
    t = triplet(a, p, n)
    c = cosine(a, n, -torch.ones(24)) + cosine(a, p, torch.ones(24))
    m = F.triplet_margin_loss(a, p, n, margin=1.0, p=2, swap=False)
    distances = torch.cdist(z, z)
    same = labels[:, None] == labels[None, :]
    contrast = F.cross_entropy((z @ z.t() / 0.2).masked_fill(torch.eye(24, dtype=torch.bool), -1e9), labels.roll(-3) + torch.arange(0, 24) // 24)
    spread = F.pdist(z).mul(-2).exp().mean().log()
    loss = t + 0.5 * c + 0.1 * m + 0.05 * contrast + 0.1 * spread
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 4:
        print(f'{step} triplet {t.item():.3f} cosine {c.item():.3f} margin {m.item():.3f} contrast {contrast.item():.2f} spread {spread.item():.3f}')
print(t.grad_fn.name(), c.grad_fn.name(), m.grad_fn.name(), distances.grad_fn.name(), spread.grad_fn.name())
print(distances[same].mean() < distances[~same].mean(), triplet, nn.PairwiseDistance(p=1)(a[:2], n[:2]).shape)
hinge = F.hinge_embedding_loss(distances, same.float() * 2 - 1, margin=1.0)
print(f'{hinge.item():.3f}', F.pairwise_distance(a, p, keepdim=True).shape)
try:
    F.cosine_embedding_loss(a, p, torch.ones(24, 1))
except RuntimeError as error:
    print(error)
