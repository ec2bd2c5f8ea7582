// Suppression compares a box only with the survivors of its own class, so its cost grows with what is kept.
#include "tasks/detection/postprocess.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "tasks/detection/simota.hpp"
#include "tasks/detection/yolox_loss.hpp"

namespace grapnel::detection {
namespace {

float area(const std::array<float, 4>& box) { return (box[2] - box[0]) * (box[3] - box[1]); }

float iou_xyxy(const std::array<float, 4>& a, const std::array<float, 4>& b) {
  const float width = std::max(0.0F, std::min(a[2], b[2]) - std::max(a[0], b[0]));
  const float height = std::max(0.0F, std::min(a[3], b[3]) - std::max(a[1], b[1]));
  const float overlap = width * height;
  return overlap / (area(a) + area(b) - overlap);
}

// Reads one image's [A, 5 + C] and keeps the rows whose score reaches the threshold, each with its best
// class.
struct Candidates {
  std::vector<ScoredBox> boxes;
  std::vector<std::array<float, 2>> probabilities;  // objectness, class
};

Candidates filter_by_score(const float* row, int64_t num_anchors, int64_t num_classes, float threshold) {
  Candidates kept;
  for (int64_t anchor = 0; anchor < num_anchors; ++anchor, row += 5 + num_classes) {
    const float* best = std::max_element(row + 5, row + 5 + num_classes);
    const float score = row[4] * *best;
    if (!(score >= threshold)) continue;
    const float half_width = row[2] / 2;
    const float half_height = row[3] / 2;
    kept.boxes.push_back(
        {{row[0] - half_width, row[1] - half_height, row[0] + half_width, row[1] + half_height},
         score,
         best - (row + 5)});
    kept.probabilities.push_back({row[4], *best});
  }
  return kept;
}

}  // namespace

torch::Tensor decode(const HeadOutput& output) {
  const AnchorPoints anchors = make_anchor_points(output.levels);
  const auto count = static_cast<int64_t>(anchors.size());
  torch::Tensor cells = torch::empty({count, 2});
  torch::Tensor strides = torch::empty({count, 1});
  auto* cell = cells.data_ptr<float>();
  for (size_t i = 0; i < anchors.size(); ++i) {
    *cell++ = anchors.column[i];
    *cell++ = anchors.row[i];
  }
  std::copy(anchors.stride.begin(), anchors.stride.end(), strides.data_ptr<float>());
  const torch::Tensor& raw = output.predictions;
  cells = cells.to(raw.options());
  strides = strides.to(raw.options());
  return torch::cat({(raw.narrow(2, 0, 2) + cells) * strides, raw.narrow(2, 2, 2).exp() * strides,
                     raw.narrow(2, 4, raw.size(2) - 4).sigmoid()},
                    2);
}

std::vector<size_t> suppress_overlaps(const std::vector<ScoredBox>& boxes, double iou_threshold) {
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&boxes](size_t a, size_t b) { return boxes[a].score > boxes[b].score; });
  std::vector<size_t> kept;
  std::unordered_map<int64_t, std::vector<size_t>> kept_of_label;
  for (const size_t candidate : order) {
    std::vector<size_t>& rivals = kept_of_label[boxes[candidate].label];
    const bool overlaps = std::any_of(rivals.begin(), rivals.end(), [&](size_t rival) {
      return iou_xyxy(boxes[rival].xyxy, boxes[candidate].xyxy) > iou_threshold;
    });
    if (overlaps) continue;
    rivals.push_back(candidate);
    kept.push_back(candidate);
  }
  return kept;
}

std::vector<torch::Tensor> postprocess(const torch::Tensor& decoded, const PostprocessOptions& options) {
  const torch::Tensor values = decoded.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const int64_t num_anchors = values.size(1);
  const int64_t num_classes = values.size(2) - 5;
  const auto threshold = static_cast<float>(options.score_threshold);
  std::vector<torch::Tensor> detections;
  for (int64_t image = 0; image < values.size(0); ++image) {
    const float* rows = values.data_ptr<float>() + image * num_anchors * (5 + num_classes);
    const Candidates candidates = filter_by_score(rows, num_anchors, num_classes, threshold);
    std::vector<ScoredBox> rivals = candidates.boxes;
    if (options.class_agnostic) {
      for (ScoredBox& box : rivals) box.label = 0;
    }
    const std::vector<size_t> kept = suppress_overlaps(rivals, options.iou_threshold);
    torch::Tensor table = torch::empty({static_cast<int64_t>(kept.size()), 7});
    auto* out = table.data_ptr<float>();
    for (const size_t i : kept) {
      out = std::copy(candidates.boxes[i].xyxy.begin(), candidates.boxes[i].xyxy.end(), out);
      *out++ = candidates.probabilities[i][0];
      *out++ = candidates.probabilities[i][1];
      *out++ = static_cast<float>(candidates.boxes[i].label);
    }
    detections.push_back(table);
  }
  return detections;
}

}  // namespace grapnel::detection
