// The matching runs on plain floats; only the rows of foreground anchors then enter the differentiable part.
#include "tasks/detection/yolox_loss.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <string>

#include "core/failure.hpp"

namespace grapnel::detection {
namespace {

constexpr double kIouWeight = 5.0;
constexpr double kIouUnionEpsilon = 1e-16;
constexpr float kL1LogEpsilon = 1e-8F;

// An image's boxes and the rows of the targets they come from.
struct ImageTruths {
  std::vector<TruthBox> boxes;
  std::vector<int64_t> rows;
};

void check_shapes(const torch::Tensor& predictions, const torch::Tensor& targets) {
  if (targets.dim() == 3 && targets.size(0) == predictions.size(0) && targets.size(2) == 5) return;
  std::ostringstream got;
  std::ostringstream expected;
  got << targets.sizes();
  expected << "[" << predictions.size(0) << ", M, 5]";
  throw Failure(FailureKind::kRun,
                {"wrong shape of a batch's boxes", "YOLOX loss", got.str(), expected.str(), ""});
}

std::vector<ImageTruths> read_truths(const torch::Tensor& targets, int64_t num_classes) {
  const torch::Tensor table = targets.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const float* row = table.data_ptr<float>();
  std::vector<ImageTruths> truths(static_cast<size_t>(table.size(0)));
  for (ImageTruths& image : truths) {
    for (int64_t i = 0; i < table.size(1); ++i, row += 5) {
      if (!(row[3] > 0 && row[4] > 0)) continue;
      if (!(row[0] >= 0 && row[0] < static_cast<float>(num_classes))) {
        throw Failure(FailureKind::kRun, {"a box's class is out of range", "YOLOX loss",
                                          std::to_string(row[0]), "0 to " + std::to_string(num_classes - 1),
                                          "compare model.num_classes with the data set's classes"});
      }
      image.boxes.push_back({row[1], row[2], row[3], row[4], static_cast<int64_t>(row[0])});
      image.rows.push_back(i);
    }
  }
  return truths;
}

std::vector<std::vector<AnchorMatch>> match_images(const torch::Tensor& predictions,
                                                   const AnchorPoints& anchors,
                                                   const std::vector<ImageTruths>& truths) {
  const torch::Tensor values = predictions.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const float* image_values = values.data_ptr<float>();
  SimOta assigner(anchors, values.size(2) - 5);
  std::vector<std::vector<AnchorMatch>> matches;
  matches.reserve(truths.size());
  for (const ImageTruths& image : truths) {
    matches.push_back(assigner.assign(image_values, image.boxes));
    image_values += values.size(1) * values.size(2);
  }
  return matches;
}

// What the foreground anchors of the batch, F of them, are compared with.
struct Foreground {
  torch::Tensor index;          // [F] int64 into the [B * A] anchors of the batch
  torch::Tensor cell;           // [F, 2] column, row
  torch::Tensor stride;         // [F, 1] px
  torch::Tensor box;            // [F, 4] cx, cy, w, h in px
  torch::Tensor raw_box;        // [F, 4] what the head would have to say for `box`
  torch::Tensor class_target;   // [F, C]
  torch::Tensor object_target;  // [B * A] 1 for foreground
};

Foreground gather_foreground(const torch::Tensor& predictions, const AnchorPoints& anchors,
                             const std::vector<ImageTruths>& truths,
                             const std::vector<std::vector<AnchorMatch>>& matches) {
  int64_t count = 0;
  for (const auto& image : matches) count += static_cast<int64_t>(image.size());
  const int64_t num_anchors = predictions.size(1);
  const int64_t num_classes = predictions.size(2) - 5;

  Foreground foreground;
  foreground.index = torch::empty({count}, torch::kLong);
  foreground.object_target = torch::zeros({predictions.size(0) * num_anchors});
  foreground.class_target = torch::zeros({count, num_classes});
  torch::Tensor geometry = torch::empty({count, 11});  // cell 2, stride 1, box 4, raw box 4
  auto* index = foreground.index.data_ptr<int64_t>();
  auto* objects = foreground.object_target.data_ptr<float>();
  auto* classes = foreground.class_target.data_ptr<float>();
  auto* row = geometry.data_ptr<float>();
  for (size_t image = 0; image < matches.size(); ++image) {
    for (const AnchorMatch& match : matches[image]) {
      const auto anchor = static_cast<size_t>(match.anchor);
      const TruthBox& truth = truths[image].boxes[static_cast<size_t>(match.truth)];
      const float column = anchors.column[anchor];
      const float line = anchors.row[anchor];
      const float stride = anchors.stride[anchor];
      *index = static_cast<int64_t>(image) * num_anchors + match.anchor;
      objects[*index] = 1.0F;
      classes[truth.label] = match.iou;
      const std::array<float, 11> values{column,
                                         line,
                                         stride,
                                         truth.cx,
                                         truth.cy,
                                         truth.w,
                                         truth.h,
                                         truth.cx / stride - column,
                                         truth.cy / stride - line,
                                         std::log(truth.w / stride + kL1LogEpsilon),
                                         std::log(truth.h / stride + kL1LogEpsilon)};
      row = std::copy(values.begin(), values.end(), row);
      classes += num_classes;
      ++index;
    }
  }

  geometry = geometry.to(predictions.options());
  foreground.index = foreground.index.to(predictions.device());
  foreground.object_target = foreground.object_target.to(predictions.options());
  foreground.class_target = foreground.class_target.to(predictions.options());
  foreground.cell = geometry.narrow(1, 0, 2);
  foreground.stride = geometry.narrow(1, 2, 1);
  foreground.box = geometry.narrow(1, 3, 4);
  foreground.raw_box = geometry.narrow(1, 7, 4);
  return foreground;
}

// Sum of 1 - IoU^2 over pairs of boxes [F, 2] centre, [F, 2] size.
torch::Tensor iou_loss_sum(const torch::Tensor& centre, const torch::Tensor& size,
                           const torch::Tensor& truth) {
  const torch::Tensor truth_centre = truth.narrow(1, 0, 2);
  const torch::Tensor truth_size = truth.narrow(1, 2, 2);
  const torch::Tensor low = torch::maximum(centre - size / 2, truth_centre - truth_size / 2);
  const torch::Tensor high = torch::minimum(centre + size / 2, truth_centre + truth_size / 2);
  const torch::Tensor extent = high - low;
  const torch::Tensor overlaps = (extent.detach() > 0).all(1).to(extent.scalar_type());
  const torch::Tensor intersection = extent.select(1, 0) * extent.select(1, 1) * overlaps;
  const torch::Tensor area = size.select(1, 0) * size.select(1, 1);
  const torch::Tensor truth_area = truth_size.select(1, 0) * truth_size.select(1, 1);
  const torch::Tensor iou = intersection / (area + truth_area - intersection + kIouUnionEpsilon);
  return (1 - iou * iou).sum();
}

torch::Tensor cross_entropy_sum(const torch::Tensor& logits, const torch::Tensor& target) {
  return torch::binary_cross_entropy_with_logits(logits, target, {}, {}, at::Reduction::Sum);
}

}  // namespace

AnchorPoints make_anchor_points(const std::vector<FeatureLevel>& levels) {
  AnchorPoints anchors;
  for (const FeatureLevel& level : levels) {
    for (int64_t row = 0; row < level.height; ++row) {
      for (int64_t column = 0; column < level.width; ++column) {
        anchors.column.push_back(static_cast<float>(column));
        anchors.row.push_back(static_cast<float>(row));
        anchors.stride.push_back(static_cast<float>(level.stride));
      }
    }
  }
  return anchors;
}

std::vector<std::vector<AnchorMatch>> assign_anchors(const HeadOutput& output, const torch::Tensor& targets) {
  check_shapes(output.predictions, targets);
  const AnchorPoints anchors = make_anchor_points(output.levels);
  const std::vector<ImageTruths> truths = read_truths(targets, output.predictions.size(2) - 5);
  std::vector<std::vector<AnchorMatch>> matches = match_images(output.predictions, anchors, truths);
  for (size_t image = 0; image < matches.size(); ++image) {
    for (AnchorMatch& match : matches[image])
      match.truth = truths[image].rows[static_cast<size_t>(match.truth)];
  }
  return matches;
}

YoloxLosses compute_losses(const HeadOutput& output, const torch::Tensor& targets, bool use_l1) {
  const torch::Tensor& predictions = output.predictions;
  check_shapes(predictions, targets);
  const AnchorPoints anchors = make_anchor_points(output.levels);
  const std::vector<ImageTruths> truths = read_truths(targets, predictions.size(2) - 5);
  const Foreground foreground =
      gather_foreground(predictions, anchors, truths, match_images(predictions, anchors, truths));

  const torch::Tensor flat = predictions.reshape({-1, predictions.size(2)});  // [B * A, 5 + C]
  // index_select's gradient adds row by row on one thread; indexing with a tensor would add in a random
  // order.
  const torch::Tensor rows = flat.index_select(0, foreground.index);  // [F, 5 + C]
  const torch::Tensor centre = (rows.narrow(1, 0, 2) + foreground.cell) * foreground.stride;
  const torch::Tensor size = rows.narrow(1, 2, 2).exp() * foreground.stride;

  YoloxLosses losses;
  losses.foreground = foreground.index.size(0);
  for (const ImageTruths& image : truths) losses.boxes += static_cast<int64_t>(image.boxes.size());
  const auto norm = static_cast<double>(std::max<int64_t>(losses.foreground, 1));
  losses.iou = iou_loss_sum(centre, size, foreground.box) * (kIouWeight / norm);
  losses.objectness = cross_entropy_sum(flat.select(1, 4), foreground.object_target) / norm;
  losses.classification =
      cross_entropy_sum(rows.narrow(1, 5, predictions.size(2) - 5), foreground.class_target) / norm;
  losses.total = losses.iou + losses.objectness + losses.classification;
  if (use_l1) {
    losses.l1 = (rows.narrow(1, 0, 4) - foreground.raw_box).abs().sum() / norm;
    losses.total = losses.total + losses.l1;
  } else {
    losses.l1 = torch::zeros({}, predictions.options());
  }
  return losses;
}

}  // namespace grapnel::detection
