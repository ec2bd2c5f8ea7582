// Boxes follow the pixels: a rectangle of a known colour is drawn into each picture, the pipeline runs, and
// the box must still bound what is left of the colour. Then each option of each transform.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "tasks/detection/data/pipeline.hpp"

namespace grapnel::detection::data {
namespace {

const cv::Scalar kBackground(40, 40, 40);

// Pictures with one rectangle each, of a colour of its own, on grey.
class Rectangles : public PictureSource {
 public:
  struct One {
    cv::Size size;
    cv::Rect box;
    cv::Scalar color;
  };
  explicit Rectangles(std::vector<One> all) : all_(std::move(all)) {}
  int64_t size() const override { return static_cast<int64_t>(all_.size()); }
  Description describe(int64_t index) const override {
    const One& one = all_.at(static_cast<size_t>(index));
    Description description{one.size, {}};
    if (one.box.area() > 0) {
      description.boxes = {{static_cast<float>(one.box.x), static_cast<float>(one.box.y),
                            static_cast<float>(one.box.br().x), static_cast<float>(one.box.br().y),
                            static_cast<int32_t>(index)}};
    }
    return description;
  }
  cv::Mat read(int64_t index, cv::Size size) const override {
    cv::Mat image = picture(index);
    if (size != image.size()) cv::resize(image, image, size, 0, 0, cv::INTER_LINEAR);
    return image;
  }
  PicturePart read_part(int64_t index, int halvings, cv::Rect window) const override {
    const cv::Mat level = read(index, halved(picture(index).size(), halvings));
    return {level(window).clone(), window.tl()};
  }
  cv::Mat picture(int64_t index) const {
    const One& one = all_.at(static_cast<size_t>(index));
    cv::Mat image(one.size, CV_8UC3, kBackground);
    cv::rectangle(image, one.box, one.color, cv::FILLED);
    return image;
  }
  const One& at(size_t i) const { return all_[i]; }

 private:
  std::vector<One> all_;
};

const Rectangles kFour({{{160, 160}, {30, 40, 60, 50}, {0, 0, 255}},
                        {{200, 100}, {20, 10, 90, 70}, {0, 255, 0}},
                        {{80, 200}, {10, 100, 60, 80}, {255, 0, 0}},
                        {{64, 48}, {4, 4, 40, 30}, {255, 255, 0}}});

class Transforms : public ::testing::Test {
 protected:
  static LabelledPicture run(const std::string& pipeline, int64_t index, int64_t position,
                             const PictureSource& source = kFour,
                             const std::vector<std::string>& skipped = {}) {
    const ConfigNode list = parse_value(pipeline);
    const Pipeline made(nullptr, "", &list, "pipeline");
    CounterRng rng(1, 0, position, CounterRng::Purpose::kPipeline);
    LabelledPicture picture = made.run(index, rng, source, skipped);
    picture.pixels();
    return picture;
  }

  static std::string refusal(const std::string& pipeline) {
    try {
      const ConfigNode list = parse_value(pipeline);
      Pipeline(nullptr, "", &list, "pipeline");
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kConfig);
      return failure.what();
    }
    return "accepted";
  }

  // Bounds of the pixels nearer to `color` than half way from the background.
  static cv::Rect bounds(const cv::Mat& image, const cv::Scalar& color) {
    cv::Mat mask(image.size(), CV_8U, cv::Scalar(0));
    double length = 0;
    for (int c = 0; c < 3; ++c) length += (color[c] - kBackground[c]) * (color[c] - kBackground[c]);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < image.cols; ++x) {
        const auto& pixel = image.at<cv::Vec3b>(y, x);
        double distance = 0;
        for (int c = 0; c < 3; ++c) distance += (pixel[c] - color[c]) * (pixel[c] - color[c]);
        if (distance < length / 4) mask.at<uint8_t>(y, x) = 255;
      }
    }
    return cv::boundingRect(mask);
  }

  // `box` bounds the colour within `tolerance_px`, the border of the picture included.
  static void expect_follows(const LabelledPicture& picture, const LabelledBox& box, double tolerance_px,
                             const Rectangles& source = kFour) {
    const cv::Rect seen = bounds(picture.image, source.at(static_cast<size_t>(box.label)).color);
    if (box.x2 - box.x1 < 4 || box.y2 - box.y1 < 4) return;  // too small to be told from its blurred edge
    EXPECT_NEAR(box.x1, seen.x, tolerance_px) << "label " << box.label;
    EXPECT_NEAR(box.y1, seen.y, tolerance_px) << "label " << box.label;
    EXPECT_NEAR(box.x2, seen.br().x, tolerance_px) << "label " << box.label;
    EXPECT_NEAR(box.y2, seen.br().y, tolerance_px) << "label " << box.label;
  }
};

TEST_F(Transforms, ResizeMovesBoxesWithThePixels) {
  for (int64_t i = 0; i < 4; ++i) {
    for (const char* options : {"keep_ratio = true", "keep_ratio = false"}) {
      const auto picture =
          run("[{ type = \"Resize\", scale = [120, 96], " + std::string(options) + " }]", i, 0);
      EXPECT_LE(picture.image.cols, 120);
      EXPECT_LE(picture.image.rows, 96);
      expect_follows(picture, picture.boxes.at(0), 1.01);
      EXPECT_NEAR(picture.scale_x,
                  static_cast<double>(picture.image.cols) / kFour.at(static_cast<size_t>(i)).size.width,
                  1e-6);
    }
  }
  EXPECT_EQ(run("[{ type = \"Resize\", scale = 96, keep_ratio = true }]", 1, 0).image.size(),
            cv::Size(96, 48));
  EXPECT_EQ(run("[{ type = \"Resize\", img_scale = [96, 32] }]", 1, 0).image.size(), cv::Size(96, 32));
}

TEST_F(Transforms, FlipMirrorsPixelsAndBoxes) {
  for (const char* direction : {"horizontal", "vertical", "diagonal"}) {
    const auto picture =
        run("[{ type = \"RandomFlip\", prob = 1.0, direction = \"" + std::string(direction) + "\" }]", 1, 0);
    expect_follows(picture, picture.boxes.at(0), 0);
    EXPECT_EQ(picture.boxes[0].x1, std::string(direction) == "vertical" ? 20 : 90);
    EXPECT_EQ(picture.boxes[0].y1, std::string(direction) == "horizontal" ? 10 : 20);
  }
  EXPECT_EQ(run("[{ type = \"RandomFlip\", prob = 0.0 }]", 1, 0).boxes.at(0).x1, 20);
  EXPECT_EQ(run("[{ type = \"RandomFlip\", flip_ratio = 1.0 }]", 1, 0).boxes.at(0).x1, 90);
  int flipped = 0;
  for (int64_t i = 0; i < 400; ++i) flipped += run("[{ type = \"RandomFlip\" }]", 1, i).boxes.at(0).x1 == 90;
  EXPECT_NEAR(flipped, 200, 50);
}

TEST_F(Transforms, PadAddsAtTheRightAndTheBottom) {
  const auto square = run("[{ type = \"Pad\", pad_to_square = true, pad_val = { img = [1, 2, 3] } }]", 1, 0);
  EXPECT_EQ(square.image.size(), cv::Size(200, 200));
  EXPECT_EQ(square.image.at<cv::Vec3b>(150, 5), cv::Vec3b(1, 2, 3));
  expect_follows(square, square.boxes.at(0), 0);
  EXPECT_EQ(run("[{ type = \"Pad\", size = [256, 128] }]", 1, 0).image.size(), cv::Size(256, 128));
  EXPECT_EQ(run("[{ type = \"Pad\", size = [256, 128] }]", 1, 0).image.at<cv::Vec3b>(127, 255),
            cv::Vec3b(114, 114, 114));
  EXPECT_EQ(run("[{ type = \"Pad\", size_divisor = 64, pad_val = 7 }]", 1, 0).image.size(),
            cv::Size(256, 128));
  EXPECT_EQ(run("[{ type = \"Pad\", size = 50 }]", 1, 0).image.size(), cv::Size(200, 100))
      << "Pad never cuts";
}

TEST_F(Transforms, AffineBoxIsTheUprightBoxAroundTheMovedCorners) {
  const std::string exact = "[{ type = \"RandomAffine\", max_rotate_degree = 0, max_shear_degree = 0 }]";
  for (int64_t i = 0; i < 60; ++i) {
    const auto picture = run(exact, i % 4, i);
    EXPECT_EQ(picture.image.size(), kFour.at(static_cast<size_t>(i % 4)).size);
    for (const LabelledBox& box : picture.boxes) expect_follows(picture, box, 1.01);
    const auto turned =
        run("[{ type = \"RandomAffine\", max_rotate_degree = 30, max_shear_degree = 10 }]", i % 4, i);
    // A turned rectangle touches its upright box on all sides; a corner's tip may be thinner than a pixel.
    for (const LabelledBox& box : turned.boxes) {
      const cv::Rect seen = bounds(turned.image, kFour.at(static_cast<size_t>(box.label)).color);
      if (seen.area() < 25) continue;
      EXPECT_GE(seen.x, box.x1 - 1.01);
      EXPECT_GE(seen.y, box.y1 - 1.01);
      EXPECT_LE(seen.br().x, box.x2 + 1.01);
      EXPECT_LE(seen.br().y, box.y2 + 1.01);
    }
  }
}

TEST_F(Transforms, AffineOptionsDoWhatTheySay) {
  const std::string still =
      "max_rotate_degree = 0, max_shear_degree = 0, max_translate_ratio = 0, scaling_ratio_range = ";
  const auto same = run("[{ type = \"RandomAffine\", " + still + "[1, 1] }]", 0, 3);
  EXPECT_EQ(cv::norm(same.image, kFour.picture(0), cv::NORM_INF), 0);
  EXPECT_FLOAT_EQ(same.boxes.at(0).x1, 30);
  const auto half =
      run("[{ type = \"RandomAffine\", " + still + "[0.5, 0.5], border_val = [9, 8, 7] }]", 0, 3);
  EXPECT_NEAR(half.boxes.at(0).x2 - half.boxes.at(0).x1, 30, 1e-3);
  EXPECT_EQ(half.image.at<cv::Vec3b>(159, 159), cv::Vec3b(9, 8, 7));
  const auto bordered = run("[{ type = \"RandomAffine\", " + still + "[1, 1], border = [-10, -20] }]", 0, 3);
  EXPECT_EQ(bordered.image.size(), cv::Size(140, 120));
  for (int64_t i = 0; i < 20; ++i) {
    const auto moved =
        run("[{ type = \"RandomAffine\", max_rotate_degree = 0, max_shear_degree = 0, "
            "scaling_ratio_range = [1, 1], max_translate_ratio = 0.05 }]",
            0, i);
    EXPECT_LE(std::abs(moved.boxes.at(0).x1 - 30), 8.001);
    EXPECT_LE(std::abs(moved.boxes.at(0).y1 - 40), 8.001);
  }
}

TEST_F(Transforms, MosaicHoldsFourPicturesWithTheirBoxes) {
  std::map<int32_t, int> labels;
  for (int64_t i = 0; i < 40; ++i) {
    const auto picture = run("[{ type = \"Mosaic\", img_scale = [128, 96], pad_val = 200 }]", i % 4, i);
    ASSERT_EQ(picture.image.size(), cv::Size(256, 192));
    EXPECT_TRUE(picture.is_mosaic);
    std::map<int32_t, int> here;
    for (const LabelledBox& box : picture.boxes) ++here[box.label];
    for (const LabelledBox& box : picture.boxes) {
      ++labels[box.label];
      if (here[box.label] == 1) expect_follows(picture, box, 1.01);
    }
  }
  EXPECT_EQ(labels.size(), 4u);
}

TEST_F(Transforms, MosaicOptionsDoWhatTheySay) {
  const auto centred =
      run("[{ type = \"Mosaic\", img_scale = [64, 64], center_ratio_range = [1.0, 1.0] }]", 0, 1);
  // The first picture fills its quadrant exactly: 160 x 160 becomes 64 x 64, its box 12..36 by 16..36.
  EXPECT_NEAR(centred.boxes.at(0).x1, 12, 1e-4);
  EXPECT_NEAR(centred.boxes.at(0).y2, 36, 1e-4);
  EXPECT_EQ(run("[{ type = \"Mosaic\", img_scale = [64, 64], prob = 0.0 }]", 0, 1).image.size(),
            cv::Size(64, 64))
      << "not mosaicked, read at the size that fits img_scale";
  int drawn = 0;
  for (int64_t i = 0; i < 400; ++i) {
    drawn += run("[{ type = \"Mosaic\", img_scale = [64, 64], prob = 0.25 }]", 0, i).is_mosaic;
  }
  EXPECT_NEAR(drawn, 100, 40);
}

TEST_F(Transforms, AffineAfterMosaicCutsTheCanvasBack) {
  const std::string both =
      "[{ type = \"Mosaic\", img_scale = [128, 96], prob = 0.5 }, "
      "{ type = \"RandomAffine\", max_rotate_degree = 0, max_shear_degree = 0 }]";
  int mosaics = 0;
  for (int64_t i = 0; i < 60; ++i) {
    const auto picture = run(both, 1, i);
    if (picture.image.size() ==
        cv::Size(128, 64)) {  // the mosaic was not drawn: the picture passes untouched
      EXPECT_NEAR(picture.boxes.at(0).x1, 20 * 0.64, 1e-3);
      continue;
    }
    ++mosaics;
    ASSERT_EQ(picture.image.size(), cv::Size(128, 96));
    std::map<int32_t, int> here;
    for (const LabelledBox& box : picture.boxes) ++here[box.label];
    for (const LabelledBox& box : picture.boxes) {
      if (here[box.label] == 1) expect_follows(picture, box, 1.6);
    }
  }
  EXPECT_GT(mosaics, 15);
  EXPECT_LT(mosaics, 45);
  // Skipping the Mosaic alone leaves whole pictures, not quarters of them.
  EXPECT_EQ(run(both, 1, 0, kFour, {"Mosaic"}).image.size(), cv::Size(128, 64));
}

TEST_F(Transforms, MixUpAveragesWithAnotherPicture) {
  const Rectangles two(
      {{{100, 100}, {10, 10, 40, 40}, {0, 0, 255}}, {{100, 100}, {50, 50, 40, 40}, {0, 255, 0}}});
  bool both_labels = false;
  for (int64_t i = 0; i < 40; ++i) {
    const auto picture = run(
        "[{ type = \"MixUp\", img_scale = [100, 100], ratio_range = [1, 1], flip_ratio = 0.0 }]", 0, i, two);
    ASSERT_EQ(picture.image.size(), cv::Size(100, 100));
    ASSERT_EQ(picture.boxes.size(), 2u);
    if (picture.boxes[1].label != 1) continue;
    both_labels = true;
    EXPECT_EQ(picture.image.at<cv::Vec3b>(20, 20), cv::Vec3b(20, 20, 147));  // (0,0,255) with grey 40
    EXPECT_EQ(picture.image.at<cv::Vec3b>(70, 70), cv::Vec3b(20, 147, 20));
    EXPECT_FLOAT_EQ(picture.boxes[1].x1, 50);
    const auto flipped = run(
        "[{ type = \"MixUp\", img_scale = [100, 100], ratio_range = [1, 1], flip_ratio = 1.0 }]", 0, i, two);
    EXPECT_FLOAT_EQ(flipped.boxes[1].x1, 10);
    EXPECT_FLOAT_EQ(flipped.boxes[1].x2, 50);
  }
  EXPECT_TRUE(both_labels);
  EXPECT_EQ(run("[{ type = \"MixUp\", img_scale = [100, 100], prob = 0.0 }]", 0, 0, two).boxes.size(), 1u);
}

TEST_F(Transforms, MixUpBoxesFollowTheEnlargedOrReducedPicture) {
  const Rectangles two(
      {{{90, 70}, {1, 1, 2, 2}, {40, 40, 41}}, {{60, 80}, {20, 25, 30, 40}, {255, 255, 255}}});
  int seen = 0;
  for (int64_t i = 0; i < 80; ++i) {
    auto picture = run("[{ type = \"MixUp\", img_scale = [96, 96], ratio_range = [0.5, 1.8], pad_val = 40 }]",
                       0, i, two);
    if (picture.boxes.size() != 2 || picture.boxes[1].label != 1) continue;
    // Undo the averaging with the grey picture, so that the rectangle is white again.
    for (int y = 0; y < picture.image.rows; ++y) {
      for (int x = 0; x < picture.image.cols; ++x) {
        auto& pixel = picture.image.at<cv::Vec3b>(y, x);
        for (int c = 0; c < 3; ++c) pixel[c] = cv::saturate_cast<uint8_t>(pixel[c] * 2 - 40);
      }
    }
    expect_follows(picture, picture.boxes[1], 1.6, two);
    ++seen;
  }
  EXPECT_GT(seen, 10);
}

TEST_F(Transforms, MixUpSkipsPicturesWithoutBoxes) {
  const Rectangles empty({{{50, 50}, {5, 5, 20, 20}, {0, 0, 255}}, {{50, 50}, {0, 0, 0, 0}, {0, 0, 0}}});
  for (int64_t i = 0; i < 30; ++i) {
    EXPECT_EQ(run("[{ type = \"MixUp\", img_scale = 50 }]", 1, i, empty).boxes.size(), 1u);
  }
}

TEST_F(Transforms, HsvShiftsEachChannelWithinItsLimitAndKeepsBoxes) {
  const Rectangles coloured({{{64, 64}, {8, 8, 48, 48}, {60, 120, 180}}});
  const auto hsv_of = [](const cv::Mat& image) {
    cv::Mat hsv;
    cv::cvtColor(image, hsv, cv::COLOR_BGR2HSV);
    return hsv.at<cv::Vec3b>(32, 32);
  };
  const cv::Vec3b before = hsv_of(coloured.picture(0));
  std::array<int, 3> largest{};
  for (int64_t i = 0; i < 200; ++i) {
    const auto picture =
        run("[{ type = \"YOLOXHSVRandomAug\", hue_delta = 8, saturation_delta = 20, value_delta = 40 }]", 0,
            i, coloured);
    ASSERT_EQ(picture.boxes.size(), 1u);
    EXPECT_EQ(picture.boxes[0].x1, 8);
    const cv::Vec3b after = hsv_of(picture.image);
    for (size_t c = 0; c < 3; ++c) {
      largest[c] = std::max(largest[c], std::abs(after[static_cast<int>(c)] - before[static_cast<int>(c)]));
    }
  }
  const std::array<int, 3> limits = {8, 20, 40};
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_LE(largest[c], limits[c] + 2) << c;  // two roundings to 8 bits
    EXPECT_GE(largest[c], limits[c] * 3 / 4) << c;
  }
  // To HSV and back, as the originals do also where nothing is shifted.
  const auto untouched =
      run("[{ type = \"YOLOXHSVRandomAug\", hue_delta = 0, saturation_delta = 0, value_delta = 0 }]", 0, 1,
          coloured);
  EXPECT_LE(cv::norm(untouched.image, coloured.picture(0), cv::NORM_INF), 3);
}

TEST_F(Transforms, FilterDropsSmallBoxesAndDrawsAnotherPictureWhenTold) {
  const Rectangles pair({{{50, 50}, {5, 5, 3, 20}, {0, 0, 255}}, {{50, 50}, {5, 5, 20, 20}, {0, 255, 0}}});
  EXPECT_TRUE(run("[{ type = \"FilterAnnotations\", min_gt_bbox_wh = [3, 3] }]", 0, 0, pair).boxes.empty());
  EXPECT_EQ(run("[{ type = \"FilterAnnotations\", min_gt_bbox_wh = [2.9, 3] }]", 0, 0, pair).boxes.size(),
            1u);
  for (int64_t i = 0; i < 20; ++i) {
    const auto other =
        run("[{ type = \"FilterAnnotations\", min_gt_bbox_wh = [3, 3], keep_empty = false }]", 0, i, pair);
    ASSERT_EQ(other.boxes.size(), 1u);
    EXPECT_EQ(other.index, 1);
  }
}

TEST_F(Transforms, RefusesWrongOptions) {
  using ::testing::HasSubstr;
  EXPECT_THAT(refusal("[{ type = \"Pad\" }]"), HasSubstr("nothing to pad to"));
  EXPECT_THAT(refusal("[{ type = \"Pad\", size = [64, 64], pad_to_square = true }]"),
              HasSubstr("pad_to_square"));
  EXPECT_THAT(refusal("[{ type = \"Resize\" }]"), HasSubstr("scale"));
  EXPECT_THAT(refusal("[{ type = \"Resize\", scale = [0, 5] }]"), HasSubstr("scale"));
  EXPECT_THAT(refusal("[{ type = \"RandomAffine\", scaling_ratio_range = [1.5, 0.5] }]"),
              HasSubstr("wrong range"));
  EXPECT_THAT(refusal("[{ type = \"Mosaic\", bbox_clip_border = false }]"), HasSubstr("bbox_clip_border"));
  EXPECT_THAT(refusal("[{ type = \"LoadAnnotations\", with_mask = true }]"), HasSubstr("masks"));
  EXPECT_THAT(
      refusal(
          "[{ type = \"Mosaic\", img_scale = [64, 64] }, { type = \"RandomAffine\", border = [-64, -64] }]"),
      HasSubstr("border"));
  EXPECT_THAT(refusal("[{ type = \"RandomFlip\", direction = \"sideways\" }]"), HasSubstr("direction"));
}

TEST_F(Transforms, ReadsPicturesAtTheSizeThatTheFirstResizingTransformWants) {
  const auto load_fit = [](const std::string& text) {
    const ConfigNode list = parse_value(text);
    return Pipeline(nullptr, "", &list, "pipeline").load_fit();
  };
  const Fit mosaic = load_fit("[{ type = \"Mosaic\", img_scale = [64, 32] }, { type = \"Resize\", scale = 96 }]");
  EXPECT_EQ(mosaic.box, cv::Size(64, 32));
  EXPECT_FALSE(mosaic.rounds);
  const Fit resize = load_fit("[{ type = \"RandomFlip\" }, { type = \"Resize\", scale = 96, keep_ratio = true }]");
  EXPECT_EQ(resize.box, cv::Size(96, 96));
  EXPECT_TRUE(resize.rounds);
  EXPECT_FALSE(load_fit("[{ type = \"Resize\", scale = 96 }]").wanted());
  EXPECT_FALSE(
      load_fit("[{ type = \"RandomAffine\" }, { type = \"Resize\", scale = 96, keep_ratio = true }]").wanted());
}

}  // namespace
}  // namespace grapnel::detection::data
