// The kernels for AVX2 and FMA (x86-64-v3); CMake gives this file its instruction set.
#if defined(__x86_64__)
#define GRAPNEL_LANES 8
#define GRAPNEL_TILE_ROWS 4
#define GRAPNEL_KERNEL_SET "avx2"
#include "tasks/detection/kernels/kernels.hpp"

namespace grapnel::detection::kernels {

const KernelTable* avx2_table() { return &kTable; }

}  // namespace grapnel::detection::kernels
#endif
