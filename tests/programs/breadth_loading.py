# Loading data: map and iterable datasets, samplers, workers, batches of different lengths, splits, chains, pipes.
import random
from collections import namedtuple

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import (BatchSampler, ChainDataset, ConcatDataset, DataLoader, Dataset, IterableDataset, RandomSampler,
                              SequentialSampler, StackDataset, Subset, SubsetRandomSampler, TensorDataset,
                              WeightedRandomSampler, default_collate, get_worker_info, random_split)
from torch.utils.data.datapipes.iter import IterableWrapper

Pair = namedtuple('Pair', ['left', 'right'])


class Words(Dataset):
    def __init__(self, count):
        self.words = [torch.arange(i % 4 + 1) + i for i in range(count)]

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        return {'tokens': self.words[index], 'length': len(self.words[index]), 'name': f'w{index}',
                'pair': Pair(index, float(index))}


class Stream(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        info = get_worker_info()
        share = range(self.start, self.end) if info is None else range(self.start + info.id, self.end, info.num_workers)
        return iter(share)


class Broken(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == 2:
            raise KeyError(f'no item {index}')
        return index


def collate(batch):
    tokens = pad_sequence([b['tokens'] for b in batch], batch_first=True, padding_value=-1)
    return tokens, torch.tensor([b['length'] for b in batch]), [b['name'] for b in batch]


def seeded(worker):
    random.seed(torch.initial_seed() % 2 ** 32)


def odd(n):
    return n % 2 == 1


def square(n):
    return n * n


if __name__ == '__main__':
    torch.manual_seed(0)
    words = Words(10)
    for tokens, lengths, names in DataLoader(words, batch_size=4, collate_fn=collate, shuffle=True):
        print(tokens.tolist(), lengths, names)
    batch = default_collate([{**words[i], 'tokens': 0} for i in (1, 2)])
    print(batch, type(batch['pair']).__name__)
    try:
        next(iter(DataLoader(words, batch_size=4)))
    except RuntimeError as error:
        print(str(error).split(',')[0])

    first, second, third = random_split(words, [0.5, 0.3, 0.2], generator=torch.Generator().manual_seed(42))
    print(first.indices, second.indices, third.indices, len(ConcatDataset([first, second])), words[3]['name'])
    joined = ConcatDataset([Subset(words, [8, 9]), third])
    print([joined[i]['name'] for i in range(len(joined))], joined.cumulative_sizes, joined[-1]['name'])
    both = StackDataset(number=range(3), square=[0, 1, 4])
    print(both[2], len(both), TensorDataset(torch.eye(3), torch.arange(3))[1])

    print(list(WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3.0], 6)), list(SubsetRandomSampler([3, 5, 7, 9])))
    print(list(BatchSampler(SequentialSampler(range(7)), batch_size=3, drop_last=False)))
    print(list(RandomSampler(range(5), replacement=True, num_samples=8)), list(RandomSampler(range(4), num_samples=6)))
    weights = 1.0 / torch.tensor([4.0, 1.0])[torch.tensor([0, 0, 0, 0, 1])]
    loader = DataLoader(TensorDataset(torch.arange(5)), batch_size=2, sampler=WeightedRandomSampler(weights, 10), drop_last=True)
    print([b[0].tolist() for b in loader], len(loader))

    for workers in (0, 2):
        loader = DataLoader(Stream(3, 11), batch_size=3, num_workers=workers)
        print(workers, [b.tolist() for b in loader])
        print(workers, list(DataLoader(Stream(0, 4) + Stream(7, 9), batch_size=None)))
        loader = DataLoader(Words(6), batch_size=3, shuffle=True, num_workers=workers, collate_fn=collate,
                            worker_init_fn=seeded, generator=torch.Generator().manual_seed(7), persistent_workers=workers > 0)
        print([names for _ in range(2) for _, _, names in loader])
        try:
            list(DataLoader(Broken(), batch_size=2, num_workers=workers))
        except KeyError as error:
            print(type(error).__name__, 'no item 2' in str(error), 'worker process 1' in str(error))
    print(isinstance(Stream(0, 1) + Stream(0, 1), ChainDataset))

    pipe = IterableWrapper(range(12)).filter(odd).map(square).batch(3, drop_last=True)
    print(list(pipe), len(IterableWrapper([1, 2]).zip(IterableWrapper('ab'))))
    torch.manual_seed(5)
    print(list(IterableWrapper(range(8)).shuffle().batch(4)), list(DataLoader(IterableWrapper(range(5)), batch_size=2)))
    for wrong in (lambda: DataLoader(words, batch_size=2, batch_sampler=BatchSampler(range(3), 2, False)),
                  lambda: DataLoader(Stream(0, 3), shuffle=True), lambda: DataLoader(words, num_workers=-1),
                  lambda: random_split(words, [3, 3]), lambda: len(DataLoader(Stream(0, 3))),
                  lambda: DataLoader(words, prefetch_factor=2), lambda: ConcatDataset([]),
                  lambda: TensorDataset(torch.zeros(2), torch.zeros(3)), lambda: RandomSampler([], num_samples=0)):
        try:
            wrong()
        except (ValueError, TypeError, AssertionError) as error:
            print(type(error).__name__, str(error)[:70])
