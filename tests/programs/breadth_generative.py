# Two ways to make images: a variational autoencoder, and a DCGAN with spectral norm in its critic and an optimizer for each side.
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import autograd, optim
from torch.nn.utils import parameters_to_vector, spectral_norm, vector_to_parameters


class VAE(nn.Module):
    def __init__(self, size=64, hidden=32, latent=4):
        super().__init__()
        self.fc1 = nn.Linear(size, hidden)
        self.fc21, self.fc22 = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.fc3, self.fc4 = nn.Linear(latent, hidden), nn.Linear(hidden, size)

    def encode(self, x):
        h = F.elu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar)
        return torch.sigmoid(self.fc4(F.softplus(self.fc3(z)))), mu, logvar


def elbo(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x.view(-1, 64), reduction='sum')
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find('Conv') != -1:
        nn.init.normal_(getattr(m, 'weight_orig', m.weight), 0.0, 0.1)
    elif classname.find('BatchNorm') != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self, nz=6, ngf=4):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 2), nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf), nn.ReLU(True),
            nn.Conv2d(ngf, 1, 3, padding=1), nn.Sigmoid())

    def forward(self, noise):
        return self.main(noise)


class Critic(nn.Module):
    def __init__(self, ndf=4):
        super().__init__()
        self.main = nn.Sequential(
            spectral_norm(nn.Conv2d(1, ndf, 4, 2, 1, bias=False)), nn.LeakyReLU(0.2, inplace=True),
            spectral_norm(nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False)), nn.LeakyReLU(0.2, inplace=True),
            nn.Dropout2d(0.1), nn.utils.parametrizations.spectral_norm(nn.Conv2d(ndf * 2, 1, 2)), nn.Flatten(0))

    def forward(self, x):
        return self.main(x)


def squares(count):
    generator = torch.Generator().manual_seed(9)
    images = torch.zeros(count, 1, 8, 8)
    for image, (y, x) in zip(images, torch.randint(0, 5, (count, 2), generator=generator).tolist()):
        image[0, y:y + 4, x:x + 4] = 1
    return images


torch.manual_seed(0)
data = squares(32)
vae = VAE()
optimizer = optim.Adamax(vae.parameters(), lr=1e-2)
for epoch in range(10):
    recon, mu, logvar = vae(data)
    loss = elbo(recon, data, mu, logvar)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 3 == 0:
        print(f'VAE {epoch} {loss.item() / len(data):.3f} {mu.std().item():.3f}')
print(recon.grad_fn.name(), loss.grad_fn.name())
vector = parameters_to_vector(vae.parameters())
vector_to_parameters(torch.zeros_like(vector), vae.parameters())
with torch.no_grad():
    print(vector.shape, vae(data[:2])[0].unique())
try:
    F.binary_cross_entropy(recon + 1, data.view(-1, 64))
except RuntimeError as error:
    print(str(error).splitlines()[0])

torch.manual_seed(1)
netG, netD = Generator().apply(weights_init), Critic().apply(weights_init)
print(netG, netD, sep='\n')
print(list(netD.state_dict()))
optimizerD = optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999), amsgrad=True)
criterion = nn.BCEWithLogitsLoss()
fixed = torch.randn(2, 6, 1, 1)
for step in range(12):
    real = data[(step * 8) % 32:(step * 8) % 32 + 8]
    label = torch.full((8,), 0.9)
    netD.zero_grad()
    errD_real = criterion(netD(real), label)
    errD_real.backward()
    fake = netG(torch.randn(8, 6, 1, 1))
    label.fill_(0.0)
    errD_fake = criterion(netD(fake.detach()), label)
    errD_fake.backward()
    share = torch.rand(8, 1, 1, 1)
    between = (share * real + (1 - share) * fake.detach()).requires_grad_(True)
    slopes, = autograd.grad(netD(between).sum(), between, create_graph=True)
    penalty = ((slopes.flatten(1).norm(2, dim=1) - 1) ** 2).mean()
    (0.1 * penalty).backward()
    optimizerD.step()
    netG.zero_grad()
    for p in netD.parameters():
        p.requires_grad_(False)
    errG = criterion(netD(fake), torch.ones(8))
    errG.backward()
    for p in netD.parameters():
        p.requires_grad_(True)
    optimizerG.step()
    if step % 4 == 3:
        print(f'{step} D {(errD_real + errD_fake).item():.3f} G {errG.item():.3f} penalty {penalty.item():.3f}')
netG.eval()
print(netG(fixed).shape, netD.main[0].weight_u.shape, netD.main[0].weight.grad_fn is not None)
for k, m in netD.main.named_children():
    if hasattr(m, 'weight_orig'):
        nn.utils.remove_spectral_norm(m)
print(list(netD.state_dict()))
