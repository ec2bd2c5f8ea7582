// A validation batch of the detection task as plain pictures and boxes, read from the SDK's views.
#pragma once

#include <grapnel/hook.hpp>

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace detvis {

// In px of the picture that the network saw.
struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  int64_t label = 0;
  double score = 1;
};

struct Picture {
  int64_t image_id = 0;
  cv::Mat pixels;  // uint8 BGR, without the padding of the letterbox
  std::vector<Box> truth;
  std::vector<Box> found;  // best score first, none below the threshold
};

class DetectionBatch {
 public:
  // What the batch and the outputs of this point hold. `missing()` names what a detection batch has and this
  // one lacks
  // ("" if it is one).
  explicit DetectionBatch(const grapnel::ValuesService& values);
  const std::string& missing() const { return missing_; }
  int64_t size() const;

  // The i-th picture of it. Throws grapnel::Error for tensors of another shape or dtype than the detection
  // task's.
  Picture picture(int64_t i, double score_threshold) const;

 private:
  cv::Mat pixels(int64_t i, int width, int height) const;

  std::string missing_;
  grapnel_tensor inputs_{}, targets_{}, info_{}, detections_{};
};

}  // namespace detvis
