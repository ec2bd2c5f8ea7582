// What becomes of an image's rows, against a slow and plain way to say the same, and against what Megvii's
// postprocess and torchvision's batched_nms gave for recorded inputs (tests/golden/nms).
#include "tasks/detection/nms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "core/failure.hpp"
#include "tasks/detection/yolox_config.hpp"

namespace grapnel::detection {
namespace {

using Rows = std::vector<std::vector<float>>;  // [A][5 + C]

std::vector<Detection> select(const Rows& rows, const PostprocessOptions& options) {
  std::vector<float> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  const auto classes = rows.empty() ? 1 : static_cast<int64_t>(rows[0].size()) - 5;
  return select_detections(flat.data(), static_cast<int64_t>(rows.size()), classes, options);
}

// ---- the slow way: every pair, one rule after the other ------------------------------------------

struct Slow {
  Detection detection;
  float score;
};

// A float, as torchvision's, from numbers that are exact in double: rounded once.
float iou(const std::array<float, 4>& a, const std::array<float, 4>& b) {
  const auto side = [&](size_t low, size_t high) {
    return std::max(0.0, double{std::min(a[high], b[high])} - double{std::max(a[low], b[low])});
  };
  const auto area = [](const std::array<float, 4>& box) {
    return (double{box[2]} - box[0]) * (double{box[3]} - box[1]);
  };
  const double overlap = side(0, 2) * side(1, 3);
  return static_cast<float>(overlap / (area(a) + area(b) - overlap));
}

std::vector<Slow> slowly(const Rows& rows, const PostprocessOptions& options) {
  std::vector<Slow> candidates;
  for (const auto& row : rows) {
    size_t best = 5;
    for (size_t c = 5; c < row.size(); ++c) best = row[c] > row[best] ? c : best;
    for (size_t c = 5; c < row.size(); ++c) {
      if (!options.multi_label && c != best) continue;
      const float score = row[4] * row[c];
      if (score < static_cast<float>(options.score_threshold)) continue;
      const std::array<float, 4> box = {row[0] - row[2] / 2, row[1] - row[3] / 2, row[0] + row[2] / 2,
                                        row[1] + row[3] / 2};
      candidates.push_back({{box, row[4], row[c], static_cast<int64_t>(c) - 5}, score});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Slow& a, const Slow& b) { return a.score > b.score; });
  if (options.nms_pre > 0 && candidates.size() > static_cast<size_t>(options.nms_pre)) {
    candidates.resize(static_cast<size_t>(options.nms_pre));
  }
  std::vector<Slow> kept;
  for (const Slow& candidate : candidates) {
    bool stays = true;
    for (const Slow& rival : kept) {
      const bool competes = options.class_agnostic || rival.detection.label == candidate.detection.label;
      stays =
          stays && !(competes && iou(rival.detection.xyxy, candidate.detection.xyxy) > options.iou_threshold);
    }
    if (stays) kept.push_back(candidate);
  }
  if (options.max_per_img > 0 && kept.size() > static_cast<size_t>(options.max_per_img)) {
    kept.resize(static_cast<size_t>(options.max_per_img));
  }
  return kept;
}

// Whole numbers and halves, so that float and double agree; few distinct scores, so that many are equal.
Rows random_rows(uint32_t seed, int anchors, int classes) {
  std::mt19937 draw(seed);
  const auto upto = [&](uint32_t n) { return static_cast<float>(draw() % n); };
  Rows rows;
  for (int a = 0; a < anchors; ++a) {
    std::vector<float> row = {20 + upto(60), 20 + upto(60), 2 + upto(20) * 2, 2 + upto(20) * 2,
                              upto(9) / 8.0F};
    for (int c = 0; c < classes; ++c) row.push_back(upto(9) / 8.0F);
    rows.push_back(row);
  }
  return rows;
}

void expect_same(const std::vector<Detection>& fast, const std::vector<Slow>& slow, const std::string& what) {
  ASSERT_EQ(fast.size(), slow.size()) << what;
  for (size_t i = 0; i < fast.size(); ++i) {
    EXPECT_EQ(fast[i].xyxy, slow[i].detection.xyxy) << what << ", row " << i;
    EXPECT_EQ(fast[i].objectness, slow[i].detection.objectness) << what << ", row " << i;
    EXPECT_EQ(fast[i].probability, slow[i].detection.probability) << what << ", row " << i;
    EXPECT_EQ(fast[i].label, slow[i].detection.label) << what << ", row " << i;
  }
}

TEST(SelectDetections, AgreesWithTheSlowWayUnderEveryOption) {
  uint32_t seed = 1;
  size_t largest = 0;
  for (const bool agnostic : {false, true}) {
    for (const bool multi_label : {false, true}) {
      for (const int64_t nms_pre : {-1, 40}) {
        for (const int64_t max_per_img : {-1, 7}) {
          for (const double score : {0.001, 0.25, 0.6}) {
            for (const double overlap : {0.0, 0.3, 0.65, 1.0}) {
              PostprocessOptions options;
              options.score_threshold = score;
              options.iou_threshold = overlap;
              options.class_agnostic = agnostic;
              options.multi_label = multi_label;
              options.nms_pre = nms_pre;
              options.max_per_img = max_per_img;
              ++seed;
              const Rows rows = random_rows(seed, 60, static_cast<int>(seed % 5) + 1);
              const auto slow = slowly(rows, options);
              largest = std::max(largest, slow.size());
              expect_same(select(rows, options), slow, "seed " + std::to_string(seed));
              if (HasFailure()) return;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(largest, 50U);
}

TEST(SelectDetections, ManySurvivorsOfOneClassAreAllCompared) {
  PostprocessOptions options;
  options.score_threshold = 0.01;
  options.iou_threshold = 0.8;
  for (const int anchors : {15, 16, 17, 33, 400}) {
    const Rows rows = random_rows(static_cast<uint32_t>(anchors), anchors, 1);
    expect_same(select(rows, options), slowly(rows, options), std::to_string(anchors));
  }
}

TEST(SelectDetections, EqualScoresAreTakenInTheOrderOfAnchorsAndClasses) {
  PostprocessOptions options;
  options.multi_label = true;
  const Rows rows = {{10, 10, 4, 4, 0.5F, 0.5F, 0.5F},
                     {50, 10, 4, 4, 0.5F, 0.5F, 0.5F},
                     {10, 10, 4, 4, 1, 0.25F, 0.25F}};  // suppressed by its equals before it
  const auto found = select(rows, options);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].xyxy[0], 8);
  EXPECT_EQ(found[0].label, 0);
  EXPECT_EQ(found[1].xyxy[0], 8);
  EXPECT_EQ(found[1].label, 1);
  EXPECT_EQ(found[2].xyxy[0], 48);
  EXPECT_EQ(found[3].label, 1);
  EXPECT_EQ(found[0].objectness, 0.5F);
}

TEST(SelectDetections, ScoresAndOverlapsAtTheThresholdStay) {
  PostprocessOptions options;
  options.score_threshold = 0.25;
  options.iou_threshold = 0.5;
  const Rows rows = {{5, 5, 10, 10, 0.5F, 0.5F}, {5, 2.5F, 10, 5, 0.5F, 0.75F}};
  EXPECT_EQ(select(rows, options).size(), 2U);
  options.iou_threshold = 0.49;
  EXPECT_EQ(select(rows, options).size(), 1U);
  options.score_threshold = std::nextafter(0.375F, 1.0F);
  EXPECT_EQ(select(rows, options).size(), 0U);
}

TEST(SelectDetections, NumbersThatAreNoneAreNoDetections) {
  const float nan = std::nanf("");
  PostprocessOptions options;
  EXPECT_TRUE(select({{5, 5, 10, 10, nan, 0.5F}, {5, 5, 10, 10, 0.5F, nan}}, options).empty());
  // Boxes without extent overlap nothing, not even each other.
  EXPECT_EQ(select({{5, 5, 0, 0, 1, 1}, {5, 5, 0, 0, 1, 1}, {5, 5, 8, 8, 1, 1}}, options).size(), 3U);
  EXPECT_TRUE(select({}, options).empty());
}

// ---- the config
// ---------------------------------------------------------------------------------------------

ConfigNode model_with(ConfigNode test_cfg) {
  return ConfigNode::table({{"type", ConfigNode::string("YOLOX")},
                            {"variant", ConfigNode::string("s")},
                            {"test_cfg", std::move(test_cfg)}});
}

TEST(PostprocessConfig, TakesMmdetectionsKeys) {
  const ConfigNode nms = ConfigNode::table({{"type", ConfigNode::string("nms")},
                                            {"iou_threshold", ConfigNode::number(0.7)},
                                            {"class_agnostic", ConfigNode::boolean(true)}});
  const ConfigNode model = model_with(ConfigNode::table({{"score_thr", ConfigNode::number(0.001)},
                                                         {"multi_label", ConfigNode::boolean(true)},
                                                         {"nms_pre", ConfigNode::integer(30000)},
                                                         {"max_per_img", ConfigNode::integer(300)},
                                                         {"nms", nms}}));
  const PostprocessOptions options = read_yolox_config(Section(model, "model")).postprocess;
  EXPECT_EQ(options.score_threshold, 0.001);
  EXPECT_EQ(options.iou_threshold, 0.7);
  EXPECT_TRUE(options.class_agnostic);
  EXPECT_TRUE(options.multi_label);
  EXPECT_EQ(options.nms_pre, 30000);
  EXPECT_EQ(options.max_per_img, 300);
  const ConfigNode plain = model_with(ConfigNode::table());
  EXPECT_EQ(read_yolox_config(Section(plain, "model")).postprocess.max_per_img, -1);
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, ConfigNode>>{{"nms_pre", ConfigNode::integer(-2)},
                                                       {"max_per_img", ConfigNode::number(1.5)},
                                                       {"multi_label", ConfigNode::integer(1)},
                                                       {"score_thr", ConfigNode::number(1.5)},
                                                       {"max_per_image", ConfigNode::integer(1)}}) {
    const ConfigNode wrong = model_with(ConfigNode::table({{key, value}}));
    EXPECT_THROW(read_yolox_config(Section(wrong, "model")), Failure) << key;
  }
}

// ---- recorded results
// ---------------------------------------------------------------------------------------

// "case NAME anchors classes score_thr iou_thr class_agnostic detections", the anchors' rows, then a line for
// each detection: its anchor and its class. Written by tests/golden/nms/record.py.
TEST(SelectDetections, AgreesWithMegviisPostprocessOnRecordedInputs) {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/nms/megvii_postprocess.txt");
  ASSERT_TRUE(file);
  int cases = 0;
  std::string word;
  while (file >> word) {
    ASSERT_EQ(word, "case");
    std::string name;
    size_t anchors = 0, classes = 0, count = 0;
    PostprocessOptions options;
    file >> name >> anchors >> classes >> options.score_threshold >> options.iou_threshold >>
        options.class_agnostic >> count;
    Rows rows(anchors, std::vector<float>(5 + classes));
    for (auto& row : rows) {
      for (float& value : row) file >> value;
    }
    const auto found = select(rows, options);
    ASSERT_EQ(found.size(), count) << name;
    for (size_t i = 0; i < count; ++i) {
      size_t anchor = 0;
      int64_t label = 0;
      file >> anchor >> label;
      ASSERT_LT(anchor, anchors);
      EXPECT_EQ(found[i].label, label) << name << ", detection " << i;
      EXPECT_EQ(found[i].xyxy[0], rows[anchor][0] - rows[anchor][2] / 2) << name << ", detection " << i;
      EXPECT_EQ(found[i].xyxy[3], rows[anchor][1] + rows[anchor][3] / 2) << name << ", detection " << i;
      EXPECT_EQ(found[i].objectness, rows[anchor][4]) << name << ", detection " << i;
    }
    ASSERT_TRUE(file);
    ++cases;
  }
  EXPECT_EQ(cases, 8);
}

}  // namespace
}  // namespace grapnel::detection
