// The kernels for any processor; CMake gives this file its instruction set.
#define GRAPNEL_LANES 8
#define GRAPNEL_TILE_ROWS 2
#define GRAPNEL_KERNEL_SET "default"
#include "tasks/detection/kernels/kernels.hpp"

namespace grapnel::detection::kernels {

const KernelTable* default_table() { return &kTable; }

}  // namespace grapnel::detection::kernels
