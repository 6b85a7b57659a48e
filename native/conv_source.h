// Where the direct convolutions read: a strip of a few rows of all channels of one image lies in scratch so that every tap of the
// window is a plain vector load at a fixed offset from the place of its outputs.
//
//     [channel][row residue][column residue][row][column]
//
// Rows and columns are sorted by their residues modulo the strides ("phases"), with zeros around them. Rows are no further apart
// than their columns need, and the zeros to the right of a row are those to the left of the next. What a vector reads
// beyond its row belongs to lanes that nobody asks for, but it is always a number that was written: zero or the image's.
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

// Elements [first, first + pitch) of each of `rows` rows of `width`, from_row apart, zeros where a row has none, to rows `pitch`
// apart: written in order and in whole vectors, up to lanes - 1 elements beyond the last.
template <class T>
RL_INLINE void pack_rows(const T* from, int64_t from_row, int64_t width, int64_t first, int64_t rows, T* to, int64_t pitch) {
    constexpr uint32_t all = lanes<T> == 32 ? ~0u : (1u << lanes<T>) - 1;
    const auto bits_at = [=](int64_t at) {
        const int64_t low = larger(0, smaller(-at, lanes<T>)), high = larger(low, smaller(width - at, lanes<T>));
        return static_cast<uint32_t>((uint64_t(1) << high) - (uint64_t(1) << low));
    };
    const int64_t last = (divide_up(pitch, lanes<T>) - 1) * lanes<T>;
    const bool plain_between = last <= lanes<T> || (first + lanes<T> >= 0 && first + last <= width);
    const uint32_t left_bits = bits_at(first), right_bits = bits_at(first + last);
    const LanesOf<T> left(left_bits), right(right_bits);
    for (int64_t r = 0; r < rows; ++r, from += from_row, to += pitch) {
        const T* const at = from + first;
        store(to, left_bits == all ? load(at) : left.load(at));
        if (plain_between) {
            for (int64_t j = lanes<T>; j < last; j += lanes<T>) store(to + j, load(at + j));
        } else {
            for (int64_t j = lanes<T>; j < last; j += lanes<T>) store(to + j, load_inside(from, width, first + j));
        }
        if (last > 0) store(to + last, right_bits == all ? load(at + last) : right.load(at + last));
    }
}

struct Source {
    int64_t channels, height, width;
    int64_t row_phases, phases;  // the strides
    int64_t col0;                // column j of phase p is column `col0 + j * phases + p`
    int64_t pitch;               // between rows: at least the columns of outputs
    int64_t rows;                // of one phase, in the largest strip
    int64_t part;                // elements of one phase
    int64_t plane() const { return row_phases * phases * part; }
    int64_t row_size() const { return row_phases * phases * pitch; }
};

template <class T>
constexpr int64_t kBehind = 2 * lanes<T>;  // zeros behind a phase

// For `outputs` columns of outputs, whose taps read as many columns from col0 on and `reach` further.
template <class T>
RL_INLINE Source source_of(int64_t channels, int64_t height, int64_t width, int64_t row_phases, int64_t phases, int64_t col0,
                           int64_t outputs, int64_t reach) {
    const int64_t columns = outputs + reach, left = larger(0, -col0), right = larger(0, col0 + columns - width);
    const int64_t shared = phases == 1 ? smaller(smaller(left, right), smaller(reach, lanes<T>)) : 0;
    return {channels, height, width, row_phases, phases, col0, columns - shared, 0, 0};
}

template <class T>
RL_INLINE void set_rows(Source& s, int64_t rows) {
    s.rows = rows;
    s.part = divide_up(rows * s.pitch + kBehind<T>, lanes<T>) * lanes<T>;
}

// The rows of one row residue of one channel that exist.
template <class T>
void pack_part(const Source& s, const T* from, int64_t rows, T* to) {
    const int64_t from_row = s.row_phases * s.width;
    if (s.phases == 1) {
        pack_rows(from, from_row, s.width, s.col0, rows, to, s.pitch);
        return;
    }
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

// `rows` rows of each residue from row0 on, of all channels.
template <class T>
void pack(const Source& s, const T* from, int64_t row0, int64_t rows, T* to) {
    for (int64_t residue = 0; residue < s.row_phases; ++residue) {
        const int64_t first = row0 + residue;
        const int64_t low = smaller(rows, first < 0 ? divide_up(-first, s.row_phases) : 0);
        const int64_t high = larger(low, smaller(rows, first < s.height ? divide_up(s.height - first, s.row_phases) : 0));
        for (int64_t channel = 0; channel < s.channels; ++channel) {
            T* const own = to + channel * s.plane() + residue * s.phases * s.part;
            for (int64_t p = 0; p < s.phases; ++p) clear(own + p * s.part, low * s.pitch);
            if (low < high)
                pack_part(s, from + (channel * s.height + first + low * s.row_phases) * s.width, high - low, own + low * s.pitch);
            for (int64_t p = 0; p < s.phases; ++p) clear(own + p * s.part + high * s.pitch, (rows - high) * s.pitch + kBehind<T>);
        }
    }
}

}  // namespace
}  // namespace rl::RL_ISA
