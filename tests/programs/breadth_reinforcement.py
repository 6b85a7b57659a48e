# Two agents on a corridor made here: a double DQN with a replay memory and a target network; an actor-critic with entropy.
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

Transition = namedtuple('Transition', ('state', 'action', 'next_state', 'reward'))


class Corridor:
    """Five cells; from the middle one to the right end, where the reward is."""

    def reset(self):
        self.cell, self.time = 2, 0
        return self.observe()

    def observe(self):
        return F.one_hot(torch.tensor(self.cell), 5).float()

    def step(self, action):
        self.cell = min(max(self.cell + (1 if action == 1 else -1), 0), 4)
        self.time += 1
        done = self.cell == 4
        return self.observe(), 1.0 if done else -0.05, done, self.time >= 12


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DuelingDQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 16)
        self.value, self.advantage = nn.Linear(16, 1), nn.Linear(16, 2)

    def forward(self, x):
        x = F.mish(self.layer(x))
        a = self.advantage(x)
        return self.value(x) + a - a.mean(dim=-1, keepdim=True)


def optimize(policy, target, memory, optimizer, gamma=0.9):
    batch = Transition(*zip(*memory.sample(16)))
    alive = torch.tensor([s is not None for s in batch.next_state], dtype=torch.bool)
    following = torch.stack([s for s in batch.next_state if s is not None])
    state, action, reward = torch.stack(batch.state), torch.cat(batch.action), torch.cat(batch.reward)
    chosen = policy(state).gather(1, action)
    values = torch.zeros(16)
    with torch.no_grad():
        best = policy(following).argmax(1, keepdim=True)
        values[alive] = target(following).gather(1, best).squeeze(1)
    loss = nn.SmoothL1Loss()(chosen, (reward + gamma * values).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy.parameters(), 100)
    optimizer.step()
    for name, value in target.state_dict().items():
        value.mul_(0.95).add_(policy.state_dict()[name], alpha=0.05)
    return loss, chosen


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Sequential(nn.Linear(5, 16), nn.Dropout(p=0.1), nn.PReLU())
        self.action_head, self.value_head = nn.Linear(16, 2), nn.Linear(16, 1)
        nn.init.orthogonal_(self.action_head.weight, gain=0.01)

    def forward(self, x):
        x = self.affine(x)
        return F.log_softmax(self.action_head(x), dim=-1), self.value_head(x)


random.seed(0)
torch.manual_seed(0)
env, memory = Corridor(), ReplayMemory(200)
policy, target = DuelingDQN(), DuelingDQN()
print(policy, target.load_state_dict(policy.state_dict()))
optimizer = optim.AdamW(policy.parameters(), lr=1e-2, amsgrad=True)
steps = 0
for episode in range(14):
    state, total = env.reset(), 0.0
    while True:
        steps += 1
        if random.random() > 0.9 * 0.97 ** steps + 0.05:
            with torch.no_grad():
                action = policy(state).max(0).indices.view(1, 1)
        else:
            action = torch.tensor([[random.randrange(2)]], dtype=torch.long)
        following, reward, done, late = env.step(action.item())
        total += reward
        memory.push(state, action, None if done else following, torch.tensor([reward]))
        state = following
        if len(memory) >= 16:
            loss, chosen = optimize(policy, target, memory, optimizer)
        if done or late:
            break
    if episode % 4 == 1:
        print(f'DQN {episode} return {total:.2f} after {env.time} loss {loss.item():.4f}' if len(memory) >= 16 else total)
print(chosen.grad_fn.name(), chosen.shape, f'{policy(env.reset())[1].item():.2f}', target.value.weight.grad)

model = ActorCritic()
optimizer = optim.Adam([{'params': model.affine.parameters()}, {'params': model.action_head.parameters(), 'lr': 5e-2},
                        {'params': model.value_head.parameters(), 'lr': 1e-1}], lr=2e-2, eps=1e-5, foreach=False)
for episode in range(14):
    state, logs, values, entropies, rewards = env.reset(), [], [], [], []
    done = late = False
    while not (done or late):
        log_prob, value = model(state)
        action = torch.multinomial(log_prob.detach().exp(), 1)
        state, reward, done, late = env.step(int(action))
        logs.append(log_prob.gather(0, action).squeeze())
        values.append(value)
        entropies.append(-(log_prob.exp() * log_prob).sum())
        rewards.append(reward)
    returns, R = deque(), 0
    for r in reversed(rewards):
        returns.appendleft(R := r + 0.95 * R)
    returns = torch.tensor(returns)
    values = torch.cat(values)
    advantage = returns - values.detach()
    if len(advantage) > 2:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    policy_loss = -(torch.stack(logs) * advantage).sum()
    value_loss = F.huber_loss(values, returns, reduction='sum', delta=0.5)
    loss = policy_loss + value_loss - 0.01 * torch.stack(entropies).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.get_total_norm([p.grad for p in model.parameters()])
    nn.utils.clip_grads_with_norm_(model.parameters(), 2.0, norm)
    optimizer.step()
    if episode % 4 == 1:
        print(f'A2C {episode} after {env.time} loss {loss.item():.4f} norm {norm:.3f}')
print(policy_loss.grad_fn.name(), value_loss.grad_fn.name(), [g['lr'] for g in optimizer.param_groups])
try:
    (values.sum() * 2).backward()
except RuntimeError as error:
    print(str(error).split('.')[0])
