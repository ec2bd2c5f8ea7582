#include "detection_batch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace detvis {
namespace {

using grapnel::Error;

bool find(const grapnel::ValuesService& values, int32_t group, const char* name, grapnel_tensor& tensor) {
  for (uint64_t i = 0; i < values.count(group); ++i) {
    const grapnel_named_value value = values.get(group, i);
    if (!value.is_tensor || std::strcmp(value.name, name) != 0) continue;
    tensor = value.tensor;
    return true;
  }
  return false;
}

void require(const char* name, const grapnel_tensor& tensor, int32_t dimensions, uint8_t bits) {
  if (tensor.device.type != GRAPNEL_DEVICE_CPU) throw Error(std::string(name) + " is not on the CPU");
  if (tensor.ndim != dimensions || tensor.dtype.code != GRAPNEL_DTYPE_FLOAT || tensor.dtype.bits != bits) {
    throw Error(std::string(name) + " has " + std::to_string(tensor.ndim) + " dimensions of dtype " +
                std::to_string(tensor.dtype.code) + ", " + std::to_string(tensor.dtype.bits) +
                " bits: expected " + std::to_string(dimensions) + " of float, " + std::to_string(bits) +
                " bits");
  }
}

// Element [i, j, k] of a view, as many indices as it has dimensions.
template <class T>
const T& element(const grapnel_tensor& tensor, int64_t i, int64_t j = 0, int64_t k = 0) {
  const int64_t indices[] = {i, j, k};
  int64_t at = 0;
  for (int32_t d = 0; d < tensor.ndim; ++d) at += indices[d] * tensor.strides[d];
  return reinterpret_cast<const T*>(static_cast<const char*>(tensor.data) + tensor.byte_offset)[at];
}

}  // namespace

DetectionBatch::DetectionBatch(const grapnel::ValuesService& values) {
  const std::pair<const char*, grapnel_tensor*> batch[] = {
      {"inputs", &inputs_}, {"targets", &targets_}, {"image_info", &info_}};
  for (const auto& [name, tensor] : batch) {
    if (missing_.empty() && !find(values, GRAPNEL_VALUES_BATCH, name, *tensor)) missing_ = name;
  }
  if (missing_.empty() && !find(values, GRAPNEL_VALUES_OUTPUTS, "detections", detections_))
    missing_ = "detections";
  if (!missing_.empty()) return;
  require("inputs", inputs_, 4, 32);
  require("targets", targets_, 3, 32);
  require("image_info", info_, 2, 64);
  require("detections", detections_, 2, 32);
  const bool fits = inputs_.shape[1] == 3 && targets_.shape[2] >= 5 && info_.shape[1] >= 5 &&
                    detections_.shape[1] >= 8 && targets_.shape[0] == inputs_.shape[0] &&
                    info_.shape[0] == inputs_.shape[0];
  if (!fits) throw Error("the batch's tensors do not fit together: they are not those of the detection task");
}

int64_t DetectionBatch::size() const { return missing_.empty() ? inputs_.shape[0] : 0; }

cv::Mat DetectionBatch::pixels(int64_t i, int width, int height) const {
  cv::Mat picture(height, width, CV_8UC3);
  const int64_t* stride = inputs_.strides;  // of [B, 3, H, W], in any order in memory
  const float* first =
      reinterpret_cast<const float*>(static_cast<const char*>(inputs_.data) + inputs_.byte_offset);
  for (int y = 0; y < height; ++y) {
    uint8_t* to = picture.ptr<uint8_t>(y);
    const float* row = first + i * stride[0] + y * stride[2];
    for (int x = 0; x < width; ++x) {
      for (int64_t channel = 0; channel < 3; ++channel) {
        *to++ = cv::saturate_cast<uint8_t>(row[x * stride[3] + channel * stride[1]]);
      }
    }
  }
  return picture;
}

Picture DetectionBatch::picture(int64_t i, double score_threshold) const {
  Picture picture;
  picture.image_id = static_cast<int64_t>(element<double>(info_, i, 0));
  const double scale_x = element<double>(info_, i, 1), scale_y = element<double>(info_, i, 2);
  const auto side = [](double original, double scale, int64_t most) {
    return static_cast<int>(std::clamp(std::round(original * scale), 1.0, static_cast<double>(most)));
  };
  const int width = side(element<double>(info_, i, 3), scale_x, inputs_.shape[3]);
  const int height = side(element<double>(info_, i, 4), scale_y, inputs_.shape[2]);
  picture.pixels = pixels(i, width, height);

  for (int64_t m = 0; m < targets_.shape[1]; ++m) {
    const auto at = [&](int64_t k) { return element<float>(targets_, i, m, k); };
    if (at(3) <= 0 || at(4) <= 0) continue;  // padding
    picture.truth.push_back({at(1) - at(3) / 2, at(2) - at(4) / 2, at(1) + at(3) / 2, at(2) + at(4) / 2,
                             static_cast<int64_t>(at(0)), 1});
  }
  const auto sx = static_cast<float>(scale_x), sy = static_cast<float>(scale_y);
  for (int64_t n = 0; n < detections_.shape[0]; ++n) {
    const auto at = [&](int64_t k) { return element<float>(detections_, n, k); };
    const double score = double{at(5)} * double{at(6)};
    if (static_cast<int64_t>(at(0)) != i || score < score_threshold) continue;
    picture.found.push_back(
        {at(1) * sx, at(2) * sy, at(3) * sx, at(4) * sy, static_cast<int64_t>(at(7)), score});
  }
  std::stable_sort(picture.found.begin(), picture.found.end(),
                   [](const Box& a, const Box& b) { return a.score > b.score; });
  return picture;
}

}  // namespace detvis
