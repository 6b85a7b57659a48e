#pragma once

#include <cstdint>

namespace rl {

// Element (i, j) of a matrix is data[i * rows + j * columns]; one of the strides is 1, or the matrix has one row or column.
template <class T>
struct Matrix {
    const T* data;
    int64_t rows;     // stride between rows, in elements
    int64_t columns;  // stride between columns
};

}  // namespace rl
