# A program in the style of PyTorch's first years: Variable, FloatTensor, .data, a graph convolution, an RNN written by hand.
import math
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable
from torch.nn.parameter import Parameter

warnings.simplefilter('ignore')


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-bound, bound)
        if self.bias is not None:
            self.bias.data.uniform_(-bound, bound)

    def forward(self, input, adj):
        output = torch.spmm(adj, torch.mm(input, self.weight))
        return output if self.bias is None else output + self.bias

    def __repr__(self):
        return self.__class__.__name__ + ' (' + str(self.in_features) + ' -> ' + str(self.out_features) + ')'


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super(GCN, self).__init__()
        self.gc1, self.gc2 = GraphConvolution(nfeat, nhid), GraphConvolution(nhid, nclass, bias=False)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.dropout(F.relu(self.gc1(x, adj)), self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax()

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        return self.softmax(self.i2o(combined)), F.tanh(self.i2h(combined))

    def initHidden(self):
        return Variable(torch.zeros(1, self.hidden_size))


torch.manual_seed(0)
nodes, rng = 10, np.random.RandomState(0)
edges = np.unique(np.concatenate([rng.randint(0, nodes, (14, 2)), np.arange(nodes).repeat(2).reshape(-1, 2)]), axis=0).T
values = torch.FloatTensor(1.0 / np.bincount(edges[0])[edges[0]].astype(np.float32))
adj = torch.sparse_coo_tensor(torch.LongTensor(edges), values, torch.Size([nodes, nodes]))
labels = torch.LongTensor(np.arange(nodes) % 3)
features = Variable(torch.FloatTensor(rng.rand(nodes, 6)))
print(type(features) is torch.Tensor, features.type(), labels.type(), adj.shape, isinstance(features, torch.FloatTensor))
model = GCN(6, 8, 3, 0.3)
print(model)
optimizer = optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
for epoch in range(12):
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss = F.nll_loss(output[:7], labels[:7], size_average=True)
    loss.backward()
    optimizer.step()
    if epoch % 4 == 3:
        correct = output.max(1)[1].type_as(labels).eq(labels).double().sum()
        print('Epoch: {:04d} loss: {:.4f} right: {}'.format(epoch + 1, loss.data.item(), int(correct)))
try:
    print(loss.data[0])
except IndexError as error:
    print(error)

rnn, criterion = RNN(4, 8, 3), nn.NLLLoss()
for p in rnn.parameters():
    if p.dim() > 1:
        nn.init.xavier_normal(p)
total = 0
for step in range(30):
    line = Variable(torch.eye(4)[torch.LongTensor([step % 3, 3, (step * 2) % 4])].unsqueeze(1))
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line.size()[0]):
        output, hidden = rnn(line[i], hidden)
    loss = criterion(output, Variable(torch.LongTensor([step % 3])))
    loss.backward()
    torch.nn.utils.clip_grad_norm(rnn.parameters(), 1.0)
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-0.2)
    total += loss.data
    if step % 10 == 9:
        print('%d %.4f' % (step + 1, total / 10), F.sigmoid(hidden).size(), output.data.topk(1)[1][0][0].item())
        total = 0

a = torch.DoubleTensor(3, 2).fill_(0.5)
b = torch.ByteTensor([1, 0, 1])
print(a.type(torch.FloatTensor).dtype, a.float().type(), torch.Tensor([1, 2]), torch.LongTensor(range(3)), a.new(2).zero_())
print(torch.masked_select(torch.Tensor([1, 2, 3]), b.bool()), a.view(-1)[:2].numpy(), torch.from_numpy(np.ones(2)).type())
print(torch.IntTensor([1.7, 2]), torch.HalfTensor([1]).dtype, torch.BoolTensor([0, 2]), torch.CharTensor(2).size())
print(nn.Upsample(scale_factor=2, mode='nearest')(torch.Tensor([[[1, 2]]])), F.upsample(torch.ones(1, 1, 2, 2), size=(3, 3)).sum())
print(nn.MSELoss(size_average=False)(torch.ones(3), torch.zeros(3)), nn.CrossEntropyLoss(reduce=False)(torch.zeros(1, 2), labels[:1]))
with torch.no_grad():
    print(Variable(torch.ones(2), requires_grad=True).mul(2).requires_grad)
for wrong in (lambda: torch.FloatTensor(2.5), lambda: torch.LongTensor(-1), lambda: Variable(3)):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, str(error)[:42])
