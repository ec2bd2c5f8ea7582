// Samples are Megvii's for the same draws: boxes to a hundredth of a pixel, pictures up to the interpolation.
// The numbers are recorded by record_megvii.py from Megvii's own code.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "core/config_text.hpp"
#include "pattern_source.hpp"
#include "tasks/detection/data/pipeline.hpp"

namespace grapnel::detection::data {
namespace {

std::string with_size(std::string text, const std::string& size) {
  for (size_t at = text.find("SIZE"); at != std::string::npos; at = text.find("SIZE"))
    text.replace(at, 4, size);
  return text;
}

// MMDetection's names for what Megvii's recipes do.
std::string pipeline_text(const std::string& recipe, cv::Size size) {
  std::string text = "[";
  if (recipe == "default") {
    text += R"({ type = "Mosaic", img_scale = SIZE },
      { type = "RandomAffine", scaling_ratio_range = [0.1, 2.0] },
      { type = "MixUp", img_scale = SIZE, ratio_range = [0.5, 1.5], outside_val = 0, max_iters = 1000 },)";
  } else if (recipe == "nano") {
    text +=
        R"({ type = "Mosaic", img_scale = SIZE },
      { type = "RandomAffine", scaling_ratio_range = [0.5, 1.5] },)";
  }
  text += R"({ type = "YOLOXHSVRandomAug" }, { type = "RandomFlip", prob = 0.5 },
    { type = "Resize", scale = SIZE, keep_ratio = true, rounding = "down" },
    { type = "FilterAnnotations", min_gt_bbox_wh = [1, 1] }])";
  return with_size(text, "[" + std::to_string(size.width) + ", " + std::to_string(size.height) + "]");
}

ConfigNode recorded() {
  std::ifstream file(GRAPNEL_SOURCE_DIR "/tests/golden/transforms/megvii.json");
  EXPECT_TRUE(file.good());
  return parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
}

// Means of 16 x 16 blocks, as recorded.
std::vector<double> block_means(const cv::Mat& image) {
  std::vector<double> means;
  const cv::Size block(image.cols / 16, image.rows / 16);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) {
      const cv::Scalar mean = cv::mean(image(cv::Rect({x * block.width, y * block.height}, block)));
      for (int c = 0; c < 3; ++c) means.push_back(mean[c]);
    }
  }
  return means;
}

TEST(BesideMegvii, SamplesAreThoseOfTheSameDraws) {
  const PatternSource source;
  const ConfigNode all = recorded();
  size_t boxes = 0;
  double worst_mean = 0;
  for (const ConfigNode& one : all.find("cases")->items()) {
    const std::string recipe = one.find("recipe")->as_string();
    const auto& sides = one.find("size")->items();
    const cv::Size size(static_cast<int>(sides[0].as_int()), static_cast<int>(sides[1].as_int()));
    const int64_t position = one.find("position")->as_int();
    SCOPED_TRACE(recipe + ", " + std::to_string(size.width) + " px, position " + std::to_string(position));
    const ConfigNode list = parse_value(pipeline_text(recipe, size));
    const Pipeline pipeline(nullptr, "", &list, "pipeline");
    CounterRng rng(static_cast<uint64_t>(one.find("seed")->as_int()), 0, position,
                   CounterRng::Purpose::kPipeline);
    LabelledPicture sample = pipeline.run(one.find("index")->as_int(), rng, source, {});
    letterbox(sample, size);
    ASSERT_EQ(sample.image.size(), size);

    const auto& expected = one.find("boxes")->items();
    ASSERT_EQ(sample.boxes.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto& row = expected[i].items();
      const LabelledBox& box = sample.boxes[i];
      EXPECT_EQ(box.label, row[0].as_float()) << i;
      const float own[4] = {box.x1, box.y1, box.x2, box.y2};
      for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(own[k], row[k + 1].as_float(), 0.01) << "box " << i;
      ++boxes;
    }
    const std::vector<double> means = block_means(sample.image);
    const auto& theirs = one.find("means")->items();
    ASSERT_EQ(means.size(), theirs.size());
    double sum = 0;
    for (size_t i = 0; i < means.size(); ++i) sum += std::abs(means[i] - theirs[i].as_float());
    worst_mean = std::max(worst_mean, sum / static_cast<double>(means.size()));
    // A picture that no mosaic touched goes through the very same functions. The recorded means are rounded.
    EXPECT_LT(sum / static_cast<double>(means.size()), recipe == "plain" ? 0.06 : 1.5);
  }
  EXPECT_GT(boxes, 90u);
  RecordProperty("worst_mean_difference", std::to_string(worst_mean));
}

}  // namespace
}  // namespace grapnel::detection::data
