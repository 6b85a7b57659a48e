// Where the tiles of Winograd's convolution lie: counted through the images, their slices, rows and columns.
#pragma once

#include "conv.h"
#include "conv_winograd.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kChunkBytes = 1 << 20;  // of what one thread transforms by itself
constexpr int64_t kWindow = 9;

template <int M>
constexpr int kSide = M + 2;
template <int M>
constexpr int kPoints = kSide<M> * kSide<M>;

// The tiles of all images: each gives M x M outputs.
struct Tiling {
    int64_t rows, cols, count;
    Tiling(int64_t images, const int64_t (&out)[2], int64_t m)
        : rows(divide_up(out[0], m)), cols(divide_up(out[1], m)), count(images * rows * cols) {}
};

// The depth of a product: slice k of the window reads, for output slice z, input slice z * scale + first + k * step.
struct Depth {
    int64_t in, out, kernel, scale, first, step;
};

RL_INLINE Depth forward_depth(const ConvAxis& s) { return {s.in, s.out, s.kernel, s.stride, -s.padding, s.dilation}; }
RL_INLINE Depth adjoint_depth(const ConvAxis& s) { return {s.out, s.in, s.kernel, 1, s.padding, -s.dilation}; }  // stride 1

// Where a tile's outputs are.
struct Place {
    int64_t at;
    int32_t rows, cols;
};

RL_INLINE uint8_t bits_inside(int64_t first, int64_t count, int64_t size) {
    const int64_t low = larger(0, smaller(count, -first)), high = larger(low, smaller(count, size - first));
    return static_cast<uint8_t>((1u << high) - (1u << low));
}

// The patch of `side` x `side` elements from (y, x) on in image n.
RL_INLINE void find_patch(int64_t n, int64_t image, const int64_t (&size)[2], int64_t y, int64_t x, int64_t side, Patch& patch) {
    patch.at = n * image + y * size[1] + x;
    const uint8_t columns = bits_inside(x, side, size[1]), rows = bits_inside(y, side, size[0]);
    for (int64_t r = 0; r < 8; ++r) patch.inside[r] = rows >> r & 1 ? columns : 0;
}

// The same patch in the slices that output slice z reads, `next` patches apart.
RL_INLINE void spread_patch(const Depth& depth, int64_t z, int64_t plane, int64_t next, Patch* patches) {
    const Patch flat = patches[0];
    for (int64_t k = 0; k < depth.kernel; ++k) {
        const int64_t slice = z * depth.scale + depth.first + k * depth.step;
        Patch& patch = patches[k * next];
        patch = slice >= 0 && slice < depth.in ? flat : Patch{};
        if (slice >= 0 && slice < depth.in) patch.at += slice * plane;
    }
}

// The patches and places of tiles [first, first + count), and empty ones up to `many`; a slice's patches are `room` apart.
RL_INLINE void find_tiles(const Tiling& tiling, const Depth& depth, int64_t m, int64_t first, int64_t count, int64_t many, int64_t room,
                          const int64_t (&in)[2], const int64_t (&out)[2], const int64_t (&padding)[2], int64_t x_image,
                          int64_t y_image, Patch* patches, Place* places) {
    for (int64_t i = 0; i < many; ++i) {
        const int64_t tile = first + i, image = tile / (tiling.rows * tiling.cols), n = image / depth.out, z = image % depth.out;
        const int64_t y = tile / tiling.cols % tiling.rows * m, x = tile % tiling.cols * m;
        if (i >= count) {
            for (int64_t k = 0; k < depth.kernel; ++k) patches[k * room + i] = {};
            places[i] = {};
            continue;
        }
        find_patch(n, x_image, in, y - padding[0], x - padding[1], m + 2, patches[i]);
        spread_patch(depth, z, in[0] * in[1], room, patches + i);
        places[i] = {n * y_image + (z * out[0] + y) * out[1] + x, static_cast<int32_t>(smaller(m, out[0] - y)),
                     static_cast<int32_t>(smaller(m, out[1] - x))};
    }
}

}  // namespace
}  // namespace rl::RL_ISA
