// YOLOX's focus: every 2 x 2 patch of a picture becomes one pixel with four times the channels.
#pragma once

#include <torch/torch.h>

namespace grapnel::detection {

// [B, C, H, W] with even H and W -> [B, 4 C, H / 2, W / 2] in channels-last memory; the channels of the patch's
// upper left, lower left, upper right and lower right pixel, as Megvii's YOLOX orders them.
torch::Tensor focus(const torch::Tensor& x);

}  // namespace grapnel::detection
