// MMDetection's names of YOLOX's tensors (its CSPDarknet, YOLOXPAFPN and YOLOXHead of 2.x and 3.x) in
// Megvii's, which are Grapnel's own. Both projects' modules compute the same from the same tensors: only
// names differ. No LibTorch in here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grapnel::detection {

// "backbone.stage4.1.conv1.bn.weight" -> "backbone.backbone.dark5.1.conv1.bn.weight"; empty for a name that
// is none of MMDetection's YOLOX.
std::optional<std::string> megvii_name(std::string_view mmdet_name);

// When `names`, those of one file, are MMDetection's: makes them Megvii's and says true. "" stands for
// tensors that YOLOX has no use for: the preprocessor's, and the second copy that MMDetection 2's EMA hook
// keeps. A name that is neither stays.
bool translate_mmdet_names(std::vector<std::string>& names);

}  // namespace grapnel::detection
