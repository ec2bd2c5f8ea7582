// The list of transforms between a decoded picture and a sample, with MMDetection 3.x's type names and
// options. Immutable: a change makes a new pipeline, so loader threads never see half of one.
//
// - LoadImageFromFile, LoadAnnotations, PackDetInputs: taken and without effect, they are always done
// - Mosaic: img_scale (640, 640), center_ratio_range (0.5, 1.5), pad_val 114, prob 1
// - MixUp: img_scale (640, 640), ratio_range (0.5, 1.5), flip_ratio 0.5, pad_val 114, max_iters 15, prob 1,
//   outside_val (pad_val): the colour beyond a picture that was made smaller; Megvii's code has 0
// - RandomAffine: max_rotate_degree 10, max_translate_ratio 0.1, scaling_ratio_range (0.5, 1.5),
//   max_shear_degree 2, border (width, height), border_val 114. After a Mosaic `border` is by default
//   -img_scale / 2, which cuts the canvas back to img_scale (MMDetection's YOLOX configs write it out); a
//   pipeline without Mosaic has (0, 0). With such a border it belongs to the Mosaic: pictures that were not
//   mosaicked (prob, skipped) pass it untouched, as in Megvii's YOLOX; MMDetection would crop them.
// - YOLOXHSVRandomAug: hue_delta 5, saturation_delta 30, value_delta 30
// - RandomFlip: prob 0.5 (or 2.x's flip_ratio), direction horizontal | vertical | diagonal
// - Resize: scale (width, height) or one number (or 2.x's img_scale), keep_ratio false, rounding "nearest" as
//   MMCV's or "down" as Megvii's code (the boxes then by the exact ratio)
// - Pad: size (width, height) | pad_to_square, size_divisor, pad_val 114 (MMCV: 0)
// - FilterAnnotations: min_gt_bbox_wh (1, 1), keep_empty true; false draws another picture instead
//
// Where Megvii's code differs: its MixUp pads with black beyond the other picture (outside_val = 0) and is
// left out when the mosaic has no box; boxes that lie outside of the canvas are dropped here and in
// MMDetection, while it keeps their flattened rest, drops what is not above 1 px at the end
// (FilterAnnotations), and if nothing is left takes the picture of before the colours and the flip with those
// boxes. Its shear angles are in the other order and its rotation has the other sign: the same distribution.
//
// A mosaic is drawn in one pass from its sources (drawing.hpp): boxes are those of the passes one after the
// other, pixels differ by the interpolation.
//
// Sizes are (width, height) as MMDetection 3.x documents them; 2.x wrote (height, width) for some.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/config_node.hpp"
#include "core/philox.hpp"
#include "core/table_shape.hpp"
#include "tasks/detection/data/transform.hpp"

namespace grapnel::detection::data {

class Pipeline {
 public:
  // `inner` runs on every picture that is read, the further ones of Mosaic and MixUp included
  // (MultiImageMixDataset's inner dataset); `outer` then once. Null: none. Failure(kConfig) for an unknown
  // type or a wrong option.
  Pipeline(const ConfigNode* inner, const std::string& inner_path, const ConfigNode* outer,
           const std::string& outer_path);

  // All transforms in order, those without effect included.
  std::vector<std::string> types() const;
  // The size of the last transform that gives one; empty when none does.
  std::optional<cv::Size> output_size() const;
  // How pictures may be fit when they are read: as the first resizing transform does, if everything before it
  // commutes with resizing; else not. Independent of what is skipped, so that the cache stays good.
  Fit load_fit() const;

  // Runs `index` through the pipeline, without the skipped types. The picture may still be unread or a
  // drawing.
  LabelledPicture run(int64_t index, CounterRng& rng, const PictureSource& source,
                      const std::vector<std::string>& skipped) const;

 private:
  std::vector<TransformPointer> inner_;
  std::vector<TransformPointer> outer_;
};

// The types of transforms, and what the table of one may hold.
std::vector<std::string> transform_types();
TableShape transform_shape(const std::string& type);

// Resizes and pads to `size` and draws what is not drawn yet: what no transform has sized, or what is larger,
// is fit inside with its aspect kept.
void letterbox(LabelledPicture& picture, cv::Size size);

}  // namespace grapnel::detection::data
