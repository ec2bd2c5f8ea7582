// Pictures that are computed: the same ones as record_megvii.py's, or of finer texture. No files.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "tasks/detection/data/drawing.hpp"

namespace grapnel::detection::data {

class PatternSource : public PictureSource {
 public:
  enum class Kind { kSmooth, kTextured };
  explicit PatternSource(Kind kind = Kind::kSmooth);

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  Description describe(int64_t index) const override;
  cv::Mat read(int64_t index, cv::Size size) const override;
  PicturePart read_part(int64_t index, int halvings, cv::Rect window) const override;
  const cv::Mat& picture(int64_t index) const { return pictures_.at(static_cast<size_t>(index)); }

 private:
  std::vector<cv::Mat> pictures_;
};

}  // namespace grapnel::detection::data
