# A teacher taught by an adaptive softmax and margins teaches a smaller network: KL divergence, soft targets, every class loss.
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.modules.loss import _Loss, _WeightedLoss

warnings.simplefilter('ignore')


class DistillationLoss(_Loss):
    def __init__(self, temperature=3.0, alpha=0.7, reduction='batchmean'):
        super().__init__(reduction=reduction)
        self.T, self.alpha = temperature, alpha
        self.kl = nn.KLDivLoss(reduction=reduction, log_target=True)

    def forward(self, student, teacher, labels):
        soft = self.kl(F.log_softmax(student / self.T, dim=1), F.log_softmax(teacher / self.T, dim=1)) * self.T ** 2
        return self.alpha * soft + (1 - self.alpha) * F.cross_entropy(student, labels)


class Focal(_WeightedLoss):
    def __init__(self, gamma, weight=None, ignore_index=-100, reduction='mean'):
        super().__init__(weight, reduction=reduction)
        self.gamma, self.ignore_index = gamma, ignore_index

    def forward(self, input, target):
        log_p = F.log_softmax(input, dim=-1)
        ce = F.nll_loss(log_p, target, weight=self.weight, ignore_index=self.ignore_index, reduction='none')
        p = log_p.gather(1, target.clamp(min=0).unsqueeze(1)).squeeze(1).exp()
        out = (1 - p) ** self.gamma * ce
        return out.mean() if self.reduction == 'mean' else out


def clusters(count, generator):
    labels = torch.randint(0, 8, (count,), generator=generator)
    centres = torch.randn(8, 5, generator=torch.Generator().manual_seed(1)) * 2
    return centres[labels] + torch.randn(count, 5, generator=generator) * 0.7, labels


torch.manual_seed(0)
generator = torch.Generator().manual_seed(2)
body = nn.Sequential(nn.Linear(5, 16), nn.Hardsigmoid(), nn.Linear(16, 12), nn.RReLU(0.1, 0.3))
head = nn.AdaptiveLogSoftmaxWithLoss(12, 8, cutoffs=[3, 5], div_value=2.0, head_bias=True)
print(body, head, sep='\n')
print([(k, tuple(v.shape)) for k, v in head.state_dict().items()])
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-2)
for step in range(40):
    x, labels = clusters(32, generator)
    output, loss = head(body(x), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 13 == 0:
        print(f'{step} adaptive {loss.item():.3f} {output.mean().item():.3f}')
body.eval()
with torch.no_grad():
    scores = head.log_prob(body(x))
    print(scores.shape, torch.allclose(scores.exp().sum(1), torch.ones(32), atol=1e-5), torch.equal(head.predict(body(x)), scores.argmax(1)))

student = nn.Sequential(nn.Linear(5, 8), nn.Threshold(0.1, 0.0), nn.Linear(8, 8))
criterion = DistillationLoss()
print(criterion, Focal(2.0, weight=torch.ones(8)), list(Focal(2.0, weight=torch.ones(8)).state_dict()))
optimizer = torch.optim.Adam(student.named_parameters(), lr=2e-2)
print(optimizer.param_groups[0]['param_names'])
for step in range(30):
    x, labels = clusters(32, generator)
    with torch.inference_mode():
        teacher = head.log_prob(body(x))
    loss = criterion(student(x), teacher.clone(), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 9:
        print(f'{step} distilled {loss.item():.3f}')

logits = student(x)
many = F.one_hot(labels, 8) | F.one_hot((labels + 3) % 8, 8)
first = torch.full((32, 8), -1).scatter_(1, torch.zeros(32, 1, dtype=torch.long), labels[:, None])
weight = torch.arange(1.0, 9.0)
pixels = logits.view(2, 16, 8).permute(0, 2, 1)
losses = {
    'cross entropy': F.cross_entropy(logits, labels, weight=weight, label_smoothing=0.1),
    'soft targets': F.cross_entropy(logits, teacher.clone().softmax(1), label_smoothing=0.1),
    'per place': F.cross_entropy(pixels, labels.view(2, 16), ignore_index=3),
    'per place, summed': F.nll_loss(F.log_softmax(pixels, 1), labels.view(2, 16), reduction='sum'),
    'images': F.nll_loss(F.log_softmax(pixels.unflatten(2, (4, 4)), 1), labels.view(2, 4, 4)),
    'multi margin': F.multi_margin_loss(logits, labels, p=2, margin=0.5, weight=weight),
    'multilabel margin': F.multilabel_margin_loss(logits, first),
    'multilabel soft margin': F.multilabel_soft_margin_loss(logits, many.float(), weight=weight),
    'soft margin': F.soft_margin_loss(logits, many.float() * 2 - 1),
    'poisson': F.poisson_nll_loss(logits, many.float(), full=True),
    'gaussian': F.gaussian_nll_loss(logits, teacher.clone(), torch.ones(32, 1), full=True),
    'kl': F.kl_div(F.log_softmax(logits, 1), teacher.clone().exp(), reduction='batchmean'),
    'l1': F.l1_loss(logits, teacher.clone()), 'smooth': F.smooth_l1_loss(logits, teacher.clone(), beta=0.0),
    'focal': Focal(2.0, weight=weight)(logits, labels),
    'gumbel': F.gumbel_softmax(logits, tau=0.5, hard=True).sum(),
    'bce': F.binary_cross_entropy_with_logits(logits, many.float(), weight=weight, pos_weight=weight / 4),
}
for name, value in losses.items():
    print(f'{name}: {value.item():.3f} {value.grad_fn.name()}')
print(F.cross_entropy(logits, labels, reduction='none').grad_fn.name(), F.cross_entropy(logits[0], labels[0]).grad_fn.name())
for wrong in (lambda: F.cross_entropy(logits, labels + 8), lambda: F.cross_entropy(logits, labels[:3]),
              lambda: F.cross_entropy(logits, labels.float()), lambda: F.cross_entropy(logits, labels, reduction='average'),
              lambda: F.nll_loss(logits, labels, weight=torch.ones(3)), lambda: F.multi_margin_loss(logits, labels, p=3),
              lambda: F.kl_div(logits, labels), lambda: F.mse_loss(logits, labels.float()[:, None, None]),
              lambda: nn.AdaptiveLogSoftmaxWithLoss(12, 8, [3, 9]), lambda: teacher.mul_(2).requires_grad_(True) * logits,
              lambda: nn.CrossEntropyLoss(reduce=False, size_average=True)(logits, labels).shape):
    try:
        print(wrong() is not None)
    except Exception as error:
        print(type(error).__name__, str(error)[:32])
