// A mosaic that is drawn in one pass is what the passes one after the other give: the same boxes bit for bit,
// pixels up to the interpolation. And the loops of that pass give the same bytes on every processor.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "core/config_text.hpp"
#include "pattern_source.hpp"
#include "tasks/detection/data/hsv_shift.hpp"
#include "tasks/detection/data/pipeline.hpp"
#include "tasks/detection/data/warp.hpp"

namespace grapnel::detection::data {
namespace {

// The transforms as MMDetection has them, each with a picture of its own, for the draws of `rng`.
struct PassByPass {
  const PictureSource& source;
  cv::Size size;
  std::array<double, 2> scales;
  bool mixes;

  cv::Mat run(int64_t index, CounterRng rng) const {
    rng.uniform();
    const int cx = static_cast<int>(rng.uniform(0.5, 1.5) * size.width);
    const int cy = static_cast<int>(rng.uniform(0.5, 1.5) * size.height);
    cv::Mat canvas(size.height * 2, size.width * 2, CV_8UC3, cv::Scalar::all(114));
    for (int corner = 0; corner < 4; ++corner) {
      const cv::Mat part = fitted(corner == 0 ? index : rng.integer(0, source.size() - 1));
      const cv::Point at(corner % 2 ? cx : cx - part.cols, corner / 2 ? cy : cy - part.rows);
      const cv::Rect place = cv::Rect(at, part.size()) & cv::Rect({0, 0}, canvas.size());
      if (place.area() > 0) part(place - at).copyTo(canvas(place));
    }
    const auto radians = [](double degrees) { return degrees * CV_PI / 180; };
    const double angle = radians(rng.uniform(-10, 10));
    const double scale = rng.uniform(scales[0], scales[1]);
    const double shear_x = std::tan(radians(rng.uniform(-2, 2)));
    const double shear_y = std::tan(radians(rng.uniform(-2, 2)));
    const double shift_x = rng.uniform(-0.1, 0.1) * size.width;
    const double shift_y = rng.uniform(-0.1, 0.1) * size.height;
    const double c = std::cos(angle) * scale;
    const double s = std::sin(angle) * scale;
    const cv::Matx23d matrix(c + shear_x * s, -s + shear_x * c, shift_x, shear_y * c + s, -shear_y * s + c,
                             shift_y);
    cv::Mat image;
    cv::warpAffine(canvas, image, matrix, size, cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar::all(114));
    if (mixes) image = mixed(image, rng);
    return image;
  }

  cv::Mat fitted(int64_t index) const {
    return source.read(index, Fit{size}.size_of(source.describe(index).size));
  }

  cv::Mat mixed(const cv::Mat& image, CounterRng& rng) const {
    rng.uniform();
    int64_t index = rng.integer(0, source.size() - 1);
    while (source.describe(index).boxes.empty()) index = rng.integer(0, source.size() - 1);
    const double jitter = rng.uniform(0.5, 1.5);
    const bool flip = rng.uniform() < 0.5;
    cv::Mat other(size, CV_8UC3, cv::Scalar::all(114));
    const cv::Mat part = fitted(index);
    part.copyTo(other(cv::Rect({0, 0}, part.size())));
    cv::resize(other, other, {static_cast<int>(size.width * jitter), static_cast<int>(size.height * jitter)});
    if (flip) cv::flip(other, other, 1);
    cv::Mat layer(std::max(other.rows, size.height), std::max(other.cols, size.width), CV_8UC3,
                  cv::Scalar::all(114));
    other.copyTo(layer(cv::Rect({0, 0}, other.size())));
    const int y =
        other.rows > size.height ? static_cast<int>(rng.integer(0, other.rows - size.height - 1)) : 0;
    const int x = other.cols > size.width ? static_cast<int>(rng.integer(0, other.cols - size.width - 1)) : 0;
    cv::Mat result = image.clone();
    const cv::Mat window = layer(cv::Rect({x, y}, size)).clone();
    average_bytes(result.data, window.data, result.total() * 3);
    return result;
  }
};

double mean_difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / (static_cast<double>(a.total()) * 3);
}

std::string pipeline_text(cv::Size size, const std::string& scales, bool mixes) {
  const std::string side = "[" + std::to_string(size.width) + ", " + std::to_string(size.height) + "]";
  return "[{ type = \"Mosaic\", img_scale = " + side +
         " }, { type = \"RandomAffine\", scaling_ratio_range = " + scales + " }" +
         (mixes ? ", { type = \"MixUp\", img_scale = " + side + ", ratio_range = [0.5, 1.5] }" : "") + "]";
}

// Mean difference of all samples.
double compare(PatternSource::Kind kind, cv::Size size, std::array<double, 2> scales, bool mixes) {
  const PatternSource source(kind);
  const ConfigNode list = parse_value(
      pipeline_text(size, "[" + std::to_string(scales[0]) + ", " + std::to_string(scales[1]) + "]", mixes));
  const Pipeline pipeline(nullptr, "", &list, "pipeline");
  const PassByPass passes{source, size, scales, mixes};
  double sum = 0;
  constexpr int kSamples = 24;
  for (int i = 0; i < kSamples; ++i) {
    CounterRng rng(3, 0, i, CounterRng::Purpose::kPipeline);
    const cv::Mat expected = passes.run(i % source.size(), rng);
    LabelledPicture sample = pipeline.run(i % source.size(), rng, source, {});
    EXPECT_EQ(sample.pixels().size(), size);
    sum += mean_difference(sample.pixels(), expected);
  }
  ::testing::Test::RecordProperty(
      std::string(kind == PatternSource::Kind::kSmooth ? "smooth_" : "textured_") +
          std::to_string(size.width) + "_px",
      std::to_string(sum / kSamples));
  return sum / kSamples;
}

TEST(OnePass, GivesThePixelsOfThePassesOneAfterTheOther) {
  // Smooth pictures: interpolations agree, so what is left would be geometry.
  EXPECT_LT(compare(PatternSource::Kind::kSmooth, {256, 256}, {0.5, 1.5}, false), 0.6);
  EXPECT_LT(compare(PatternSource::Kind::kSmooth, {256, 160}, {0.1, 2.0}, true), 0.8);
  EXPECT_LT(compare(PatternSource::Kind::kSmooth, {640, 640}, {0.9, 1.5}, true), 0.4);
  // Textured ones: bilinear shrinking keeps what lies above the new resolution as noise, means do not.
  EXPECT_LT(compare(PatternSource::Kind::kTextured, {256, 256}, {0.5, 1.5}, false), 1.5);
  EXPECT_LT(compare(PatternSource::Kind::kTextured, {640, 640}, {0.9, 1.5}, true), 0.5);
}

TEST(OnePass, DrawsNothingBeforeSomebodyWantsThePixels) {
  // A source without pixels: describing is enough for the boxes.
  struct Blind : PatternSource {
    cv::Mat read(int64_t, cv::Size) const override { throw std::logic_error("read"); }
    PicturePart read_part(int64_t, int, cv::Rect) const override { throw std::logic_error("read"); }
  };
  const Blind blind;
  const PatternSource seeing;
  std::string text = pipeline_text({96, 96}, "[0.5, 1.5]", true);
  text.insert(
      text.size() - 1,
      ", { type = \"YOLOXHSVRandomAug\" }, { type = \"RandomFlip\" }, "
      "{ type = \"Resize\", scale = 96, keep_ratio = true }, { type = \"Pad\", pad_to_square = true }");
  const ConfigNode list = parse_value(text);
  const Pipeline pipeline(nullptr, "", &list, "pipeline");
  for (int i = 0; i < 30; ++i) {
    CounterRng rng(5, 0, i, CounterRng::Purpose::kPipeline);
    CounterRng again = rng;
    LabelledPicture unseen = pipeline.run(i % 6, rng, blind, {});
    LabelledPicture seen = pipeline.run(i % 6, again, seeing, {});
    EXPECT_EQ(unseen.size(), cv::Size(96, 96));
    EXPECT_THROW(unseen.pixels(), std::logic_error);
    seen.pixels();
    ASSERT_EQ(unseen.boxes.size(), seen.boxes.size());
    for (size_t k = 0; k < seen.boxes.size(); ++k) EXPECT_EQ(unseen.boxes[k].x1, seen.boxes[k].x1);
  }
}

TEST(OnePass, ChoosesTheScaleThatIsFineEnoughForBothSteps) {
  EXPECT_EQ(choose_halvings(1.0, 1.0), 0);
  EXPECT_EQ(choose_halvings(0.4, 1.5), 1) << "no finer than the resized picture of two passes";
  EXPECT_EQ(choose_halvings(0.4, 0.3), 1);
  EXPECT_EQ(choose_halvings(0.4, 0.2), 2);
  EXPECT_EQ(choose_halvings(0.4, 0.01), kMostHalvings);
  EXPECT_EQ(choose_halvings(0.505, 1), 1) << "half a pixel of rounding costs no scale";
  EXPECT_EQ(choose_halvings(3, 4), 0);
}

TEST(SampleLine, InsideGivesWhatTheCheckedLoopGives) {
  cv::Mat picture(61, 83, CV_8UC3);
  cv::randu(picture, cv::Scalar::all(0), cv::Scalar::all(256));
  CounterRng rng(1, 0, 0, CounterRng::Purpose::kTest);
  for (int round = 0; round < 3000; ++round) {
    const int count = static_cast<int>(rng.integer(1, 40));
    const double x1 = rng.uniform(0, 80.9);
    const double y1 = rng.uniform(0, 59.9);
    const double x2 = rng.uniform(0, 80.9);
    const double y2 = rng.uniform(0, 59.9);
    const auto fixed = [](double v) { return static_cast<int64_t>(v * 4294967296.0); };
    const SampleLine line{fixed(x1), fixed(y1), fixed((x2 - x1) / count), fixed((y2 - y1) / count)};
    std::vector<uint8_t> quick(static_cast<size_t>(count) * 3 + 4, 77);
    std::vector<uint8_t> checked = quick;
    sample_inside(picture, line, count, quick.data());
    sample_clamped(picture, line, count, checked.data());
    ASSERT_EQ(quick, checked) << "round " << round;
  }
}

TEST(SampleLine, TakesTheNearestColourOutside) {
  cv::Mat picture(2, 2, CV_8UC3);
  picture.at<cv::Vec3b>(0, 0) = {10, 20, 30};
  picture.at<cv::Vec3b>(0, 1) = {50, 60, 70};
  picture.at<cv::Vec3b>(1, 0) = {90, 100, 110};
  picture.at<cv::Vec3b>(1, 1) = {130, 140, 150};
  std::array<uint8_t, 15> out{};
  sample_clamped(picture, {-2 * (int64_t{1} << 32), -3 * (int64_t{1} << 32), int64_t{1} << 32, 0}, 5,
                 out.data());
  EXPECT_EQ(out, (std::array<uint8_t, 15>{10, 20, 30, 10, 20, 30, 10, 20, 30, 50, 60, 70, 50, 60, 70}));
}

TEST(HsvShift, IsOpenCvsRoundTripForEveryColour) {
  // Wide rows, so that none of OpenCV's pixels is one of a row's last: those it rounds differently.
  cv::Mat all(4096, 4096, CV_8UC3);
  for (int i = 0; i < 1 << 24; ++i) {
    uint8_t* pixel = all.data + 3 * static_cast<size_t>(i);
    pixel[0] = static_cast<uint8_t>(i);
    pixel[1] = static_cast<uint8_t>(i >> 8);
    pixel[2] = static_cast<uint8_t>(i >> 16);
  }
  for (const HsvShift shift : {HsvShift{0, 0, 0}, HsvShift{-5, 30, -30}}) {
    cv::Mat expected;
    cv::cvtColor(all, expected, cv::COLOR_BGR2HSV);
    cv::Mat table(1, 256, CV_8UC3);
    for (int i = 0; i < 256; ++i) {
      table.at<cv::Vec3b>(i) = {static_cast<uint8_t>(((i + shift.hue) % 180 + 180) % 180),
                                static_cast<uint8_t>(std::clamp(i + shift.saturation, 0, 255)),
                                static_cast<uint8_t>(std::clamp(i + shift.value, 0, 255))};
    }
    cv::LUT(expected, table, expected);
    cv::cvtColor(expected, expected, cv::COLOR_HSV2BGR);
    cv::Mat own = all.clone();
    shift_hsv(own.data, 1 << 24, shift);
    cv::Mat difference;
    cv::absdiff(own, expected, difference);
    EXPECT_LE(cv::norm(difference, cv::NORM_INF), 1);
    // Without fused multiply-add on one of the sides a few results lie on the other side of a whole number.
    EXPECT_LT(cv::countNonZero(difference.reshape(1)), 50000) << "of 50 million";
  }
}

}  // namespace
}  // namespace grapnel::detection::data
