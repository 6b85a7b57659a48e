"""Modules over several devices and processes: the names of `torch.nn.parallel`."""

from rushlight.nn.parallel.data_parallel import *
from rushlight.nn.parallel.distributed import *
from rushlight.nn.parallel.distributed import DistributedDataParallelCPU as DistributedDataParallelCPU
from rushlight.nn.parallel.parallel_apply import parallel_apply as parallel_apply
from rushlight.nn.parallel.replicate import *
from rushlight.nn.parallel.scatter_gather import gather as gather
from rushlight.nn.parallel.scatter_gather import scatter as scatter
