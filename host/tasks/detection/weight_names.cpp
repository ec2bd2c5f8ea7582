#include "tasks/detection/weight_names.hpp"

#include <array>
#include <utility>

namespace grapnel::detection {
namespace {

struct Renaming {
  std::string_view mmdet;
  std::string_view megvii;
};

// Modules, up to the dot. Strides 8, 16, 32 are levels 0, 1, 2 in both heads; MMDetection counts the way down
// from the coarsest map, and its neck has the 1x1 convolutions that are the head's stems in Megvii's.
constexpr std::array<Renaming, 21> kModules = {{
    {"backbone.stem.", "backbone.backbone.stem."},
    {"backbone.stage1.", "backbone.backbone.dark2."},
    {"backbone.stage2.", "backbone.backbone.dark3."},
    {"backbone.stage3.", "backbone.backbone.dark4."},
    {"backbone.stage4.", "backbone.backbone.dark5."},
    {"neck.reduce_layers.0.", "backbone.lateral_conv0."},
    {"neck.reduce_layers.1.", "backbone.reduce_conv1."},
    {"neck.top_down_blocks.0.", "backbone.C3_p4."},
    {"neck.top_down_blocks.1.", "backbone.C3_p3."},
    {"neck.downsamples.0.", "backbone.bu_conv2."},
    {"neck.downsamples.1.", "backbone.bu_conv1."},
    {"neck.bottom_up_blocks.0.", "backbone.C3_n3."},
    {"neck.bottom_up_blocks.1.", "backbone.C3_n4."},
    {"neck.out_convs.0.", "head.stems.0."},
    {"neck.out_convs.1.", "head.stems.1."},
    {"neck.out_convs.2.", "head.stems.2."},
    {"bbox_head.multi_level_cls_convs.", "head.cls_convs."},
    {"bbox_head.multi_level_reg_convs.", "head.reg_convs."},
    {"bbox_head.multi_level_conv_cls.", "head.cls_preds."},
    {"bbox_head.multi_level_conv_reg.", "head.reg_preds."},
    {"bbox_head.multi_level_conv_obj.", "head.obj_preds."},
}};

// Parts of a CSP layer and of a depthwise convolution, wherever they occur.
constexpr std::array<Renaming, 6> kParts = {{
    {"main_conv", "conv1"},   // goes through the blocks
    {"short_conv", "conv2"},  // goes around them
    {"final_conv", "conv3"},
    {"blocks", "m"},
    {"depthwise_conv", "dconv"},
    {"pointwise_conv", "pconv"},
}};

bool starts_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

std::string rename_parts(std::string_view rest) {
  std::string renamed;
  while (true) {
    const size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    for (const Renaming& renaming : kParts) {
      if (part == renaming.mmdet) {
        part = renaming.megvii;
        break;
      }
    }
    renamed += part;
    if (dot == std::string_view::npos) return renamed;
    renamed += '.';
    rest.remove_prefix(dot + 1);
  }
}

// Megvii's files have none of these; a backbone alone, as for pre-training, is MMDetection's too.
bool is_mmdet_yolox(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (const char* module : {"backbone.stage1.", "neck.reduce_layers.", "bbox_head.multi_level_"}) {
      if (starts_with(name, module)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> megvii_name(std::string_view mmdet_name) {
  for (const Renaming& module : kModules) {
    if (starts_with(mmdet_name, module.mmdet)) {
      return std::string(module.megvii) + rename_parts(mmdet_name.substr(module.mmdet.size()));
    }
  }
  return std::nullopt;
}

bool translate_mmdet_names(std::vector<std::string>& names) {
  if (!is_mmdet_yolox(names)) return false;
  for (std::string& name : names) {
    if (starts_with(name, "data_preprocessor.") || starts_with(name, "ema_")) {
      name.clear();
    } else if (auto renamed = megvii_name(name)) {
      name = std::move(*renamed);
    }
  }
  return true;
}

}  // namespace grapnel::detection
