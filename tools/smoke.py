"""A training step with an installed Rushlight, from outside its repository: what a new user's first program needs."""

from __future__ import annotations

from pathlib import Path

import rushlight as torch
from rushlight import nn

here = Path(__file__).resolve().parent
package = Path(torch.__file__).resolve()
if here == package.parent.parent:
    raise SystemExit(f"imported the source tree ({package}), not the installed package")

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
images, labels = torch.randn(32, 1, 8, 8), torch.randint(0, 10, (32,))
losses = []
for _ in range(20):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
if not losses[-1] < losses[0]:
    raise SystemExit(f"twenty steps of training did not lower the loss: {losses[0]} to {losses[-1]}")
torch.save(model.state_dict(), here / "model.pt")
model.load_state_dict(torch.load(here / "model.pt"))
print(f"rushlight {torch.__version__}: loss {losses[0]:.3f} to {losses[-1]:.3f} in 20 steps")
torch.__config__.show()
