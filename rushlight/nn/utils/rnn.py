"""Sequences of several lengths: the names of `torch.nn.utils.rnn`."""

from rushlight.nn.packing import PackedSequence as PackedSequence
from rushlight.nn.packing import __all__ as __all__
from rushlight.nn.packing import invert_permutation as invert_permutation
from rushlight.nn.packing import pack_padded_sequence as pack_padded_sequence
from rushlight.nn.packing import pack_sequence as pack_sequence
from rushlight.nn.packing import pad_packed_sequence as pad_packed_sequence
from rushlight.nn.packing import pad_sequence as pad_sequence
from rushlight.nn.packing import unpack_sequence as unpack_sequence
from rushlight.nn.packing import unpad_sequence as unpad_sequence
