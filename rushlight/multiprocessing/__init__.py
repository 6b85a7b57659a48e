"""Python's `multiprocessing`, whose queues and pipes send tensors as memory that both sides then share."""

import multiprocessing as _python
from multiprocessing import *

from rushlight.multiprocessing import reductions as reductions
from rushlight.multiprocessing.reductions import init_reductions as init_reductions
from rushlight.multiprocessing.sharing import get_all_sharing_strategies, get_sharing_strategy, set_sharing_strategy
from rushlight.multiprocessing.spawn import ENV_VAR_PARALLEL_START as ENV_VAR_PARALLEL_START
from rushlight.multiprocessing.spawn import ProcessContext as ProcessContext
from rushlight.multiprocessing.spawn import ProcessExitedException as ProcessExitedException
from rushlight.multiprocessing.spawn import ProcessRaisedException as ProcessRaisedException
from rushlight.multiprocessing.spawn import SpawnContext as SpawnContext
from rushlight.multiprocessing.spawn import spawn as spawn
from rushlight.multiprocessing.spawn import start_processes as start_processes

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", *_python.__all__]

init_reductions()
