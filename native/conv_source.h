// Where the direct convolutions read, so that every tap of the window is a plain vector load at a fixed offset from the place of its
// outputs: the image itself where nothing sticks out of it and the strides are 1, else a strip of a few rows of all channels in scratch.
//
//     [channel][row residue][column residue][row][column]
//
// Rows and columns are sorted by their residues modulo the strides ("phases"), with zeros around them. Rows are no further apart
// than their columns need, and the zeros to the right of a row are those to the left of the next. What a vector reads
// beyond its row belongs to lanes that nobody asks for, but it is always a number that was written: zero or an image's.
#pragma once

#include "core/vec_bits.h"

namespace rl::RL_ISA {
namespace {

template <class T>
RL_INLINE void clear(T* to, int64_t n) {
    int64_t j = 0;
    for (; j + lanes<T> <= n; j += lanes<T>) store(to + j, Vec<T>{});
    store_n(to + j, Vec<T>{}, n - j);
}

// Elements [first, first + pitch) of rows of `width`, zeros where a row has none, to rows `pitch` apart: written in order and in whole
// vectors, up to lanes - 1 elements beyond the last.
template <class T>
class RowPacker {
public:
    RL_INLINE RowPacker(int64_t width, int64_t first, int64_t pitch)
        : width_(width), first_(first), pitch_(pitch), last_((divide_up(pitch, lanes<T>) - 1) * lanes<T>), left_bits_(bits_at(first)),
          right_bits_(bits_at(first + last_)), left_(left_bits_), right_(right_bits_) {}

    // Rows that are from_row apart.
    RL_INLINE void pack(const T* from, int64_t from_row, int64_t rows, T* to) const {
        constexpr uint32_t all = lanes<T> == 32 ? ~0u : (1u << lanes<T>) - 1;
        const bool plain_between = last_ <= lanes<T> || (first_ + lanes<T> >= 0 && first_ + last_ <= width_);
        for (int64_t r = 0; r < rows; ++r, from += from_row, to += pitch_) {
            const T* const at = from + first_;
            store(to, left_bits_ == all ? load(at) : left_.load(at));
            if (plain_between) {
                for (int64_t j = lanes<T>; j < last_; j += lanes<T>) store(to + j, load(at + j));
            } else {
                for (int64_t j = lanes<T>; j < last_; j += lanes<T>) store(to + j, load_inside(from, width_, first_ + j));
            }
            if (last_ > 0) store(to + last_, right_bits_ == all ? load(at + last_) : right_.load(at + last_));
        }
    }

private:
    RL_INLINE uint32_t bits_at(int64_t at) const {
        const int64_t low = larger(0, smaller(-at, lanes<T>)), high = larger(low, smaller(width_ - at, lanes<T>));
        return static_cast<uint32_t>((uint64_t(1) << high) - (uint64_t(1) << low));
    }

    int64_t width_, first_, pitch_, last_;
    uint32_t left_bits_, right_bits_;
    LanesOf<T> left_, right_;
};

template <class T>
constexpr int64_t kBehind = 2 * lanes<T>;  // zeros behind a phase
constexpr int64_t kMostBehind = 64;        // and an image

// Images that are read in place: those that the second-level cache holds, or of so few channels that the processor foresees what is
// read next of each. Packing a strip reads one channel after the other, whatever lies between them.
constexpr int64_t kNearBytes = 256 << 10;
constexpr int64_t kFewStreams = 4;

struct Source {
    int64_t channels, height, width;
    int64_t row_phases, phases;  // the strides
    int64_t col0;                // column j of phase p is column `col0 + j * phases + p`
    int64_t pitch;               // between rows: at least the columns of outputs
    bool in_place = false;
    int64_t rows = 0, part = 0;  // of one phase, in the largest strip, and its elements
    int64_t plane() const { return row_phases * phases * part; }
    int64_t row_size() const { return row_phases * phases * pitch; }
    int64_t size() const { return channels * plane() + (in_place ? kMostBehind : 0); }  // of scratch
    // From where an output reads its first row and column to where it reads another.
    int64_t offset(int64_t channel, int64_t row, int64_t column) const {
        return ((channel * row_phases + row % row_phases) * phases + column % phases) * part + row / row_phases * pitch + column / phases;
    }
};

// For `outputs` columns of outputs, whose taps read as many columns from col0 on and `reach` further. `rows_inside`: no row that is
// read lies outside.
template <class T>
RL_INLINE Source source_of(int64_t channels, int64_t height, int64_t width, int64_t row_phases, int64_t phases, int64_t col0,
                           int64_t outputs, int64_t reach, bool rows_inside) {
    const int64_t columns = outputs + reach, left = larger(0, -col0), right = larger(0, col0 + columns - width);
    const bool near = channels <= kFewStreams || channels * height * width * static_cast<int64_t>(sizeof(T)) <= kNearBytes;
    if (near && rows_inside && row_phases == 1 && phases == 1 && col0 == 0 && right == 0) return {channels, height, width, 1, 1, 0, width, true};
    const int64_t shared = phases == 1 ? smaller(smaller(left, right), smaller(reach, lanes<T>)) : 0;
    return {channels, height, width, row_phases, phases, col0, columns - shared};
}

template <class T>
RL_INLINE void set_rows(Source& s, int64_t rows) {
    s.rows = rows;
    s.part = s.in_place ? s.height * s.width : divide_up(rows * s.pitch + kBehind<T>, lanes<T>) * lanes<T>;
}

// The rows of one row residue of one channel that exist, for strides of columns above 1.
template <class T>
void pack_phases(const Source& s, const T* from, int64_t rows, T* to) {
    const int64_t from_row = s.row_phases * s.width;
    for (int64_t r = 0; r < rows; ++r, from += from_row, to += s.pitch) {
        if (s.phases == 2) {
            part_row(from, s.width, s.col0, to, s.pitch, s.part);
            continue;
        }
        for (int64_t p = 0; p < s.phases; ++p) {
            const int64_t column = s.col0 + p;
            T* const own = to + p * s.part;
            const int64_t before = column < 0 ? smaller(divide_up(-column, s.phases), s.pitch) : 0;
            const int64_t stop =
                larger(before, smaller(column < s.width ? divide_up(s.width - column, s.phases) : 0, s.pitch));
            clear(own, before);
            for (int64_t j = before; j < stop; ++j) own[j] = from[column + j * s.phases];
            clear(own + stop, s.pitch - stop);
        }
    }
}

// `rows` rows of each residue from row0 on, of all channels. What lies outside the image is zero already unless the scratch is `fresh`.
template <class T>
void pack(const Source& s, const T* from, int64_t row0, int64_t rows, T* to, bool fresh) {
    const RowPacker<T> packer(s.width, s.col0, s.pitch);
    for (int64_t residue = 0; residue < s.row_phases; ++residue) {
        const int64_t first = row0 + residue;
        const int64_t low = smaller(rows, first < 0 ? divide_up(-first, s.row_phases) : 0);
        const int64_t high = larger(low, smaller(rows, first < s.height ? divide_up(s.height - first, s.row_phases) : 0));
        for (int64_t channel = 0; channel < s.channels; ++channel) {
            T* const own = to + channel * s.plane() + residue * s.phases * s.part;
            for (int64_t p = 0; fresh && p < s.phases; ++p) clear(own + p * s.part, low * s.pitch);
            if (low < high) {
                const T* const begin = from + (channel * s.height + first + low * s.row_phases) * s.width;
                if (s.phases == 1) packer.pack(begin, s.row_phases * s.width, high - low, own + low * s.pitch);
                else pack_phases(s, begin, high - low, own + low * s.pitch);
            }
            // Rows that were packed run over into what comes after the last.
            const int64_t behind = fresh ? (rows - high) * s.pitch + kBehind<T> : lanes<T>;
            for (int64_t p = 0; p < s.phases; ++p) clear(own + p * s.part + high * s.pitch, behind);
        }
    }
}

// Where a strip of an image is read from row0 on: where it lies or, if vectors would read beyond `end`, and where it can't be, in
// scratch, which is `fresh` or had the same rows of another image.
template <class T>
const T* located(const Source& s, const T* from, const T* end, int64_t row0, int64_t rows, T* scratch, bool fresh) {
    if (!s.in_place) {
        pack(s, from, row0, rows, scratch, fresh);
        return scratch;
    }
    const int64_t size = s.channels * s.height * s.width;
    if (end - from >= size + lanes<T>) return from + row0 * s.width;
    __builtin_memcpy(scratch, from, static_cast<size_t>(size) * sizeof(T));
    clear(scratch + size, kMostBehind);
    return scratch + row0 * s.width;
}

}  // namespace
}  // namespace rl::RL_ISA
