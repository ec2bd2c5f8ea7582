// The kernels for AVX-512 F, BW, DQ and VL (x86-64-v4); CMake gives this file its instruction set.
#if defined(__x86_64__)
#define GRAPNEL_LANES 16
#define GRAPNEL_TILE_ROWS 8
#define GRAPNEL_KERNEL_SET "avx512"
#include "tasks/detection/kernels/kernels.hpp"

namespace grapnel::detection::kernels {

const KernelTable* avx512_table() { return &kTable; }

}  // namespace grapnel::detection::kernels
#endif
