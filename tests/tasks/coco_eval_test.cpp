// COCO evaluation against numbers that pycocotools gave (tests/golden/coco_eval, made by running
// pycocotools 2.0 on synthetic sets), and against cases small enough to work out by hand.
#include "tasks/detection/data/coco_eval.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <simdjson.h>

#include "core/failure.hpp"

namespace grapnel::detection::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CocoEval : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("grapnel_coco_eval_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const fs::path path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  static std::string message_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kRun);
      return failure.what();
    }
    return "no failure";
  }

  fs::path folder_;
};

const char* const kTruth = R"({"images": [{"id": 5}, {"id": 9}],
  "annotations": [{"id": 1, "image_id": 5, "category_id": 3, "bbox": [10, 10, 40, 40], "area": 1600,
                   "iscrowd": 0},
                  {"id": 2, "image_id": 9, "category_id": 3, "bbox": [0, 0, 20, 20], "area": 400,
                   "iscrowd": 0}],
  "categories": [{"id": 3, "name": "thing"}, {"id": 8, "name": "absent"}]})";

class CocoEvalGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(CocoEvalGolden, AgreesWithPycocotools) {
  const std::string path = std::string(GRAPNEL_SOURCE_DIR "/tests/golden/coco_eval/") + GetParam() + ".json";
  simdjson::dom::parser parser;
  const simdjson::dom::element golden = parser.load(path);
  const fs::path folder = fs::temp_directory_path() / ("grapnel_golden_" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "truth.json") << simdjson::minify(golden["ground_truth"].value());
  std::ofstream(folder / "found.json") << simdjson::minify(golden["detections"].value());
  const CocoEvaluation result = evaluate_coco_files(folder / "truth.json", folder / "found.json");
  fs::remove_all(folder);

  size_t i = 0;
  for (const double expected : golden["stats"].get_array()) {
    EXPECT_NEAR(result.stats.at(i), expected, 1e-12) << kCocoStatNames[i];
    ++i;
  }
  EXPECT_EQ(i, 12u);
  ASSERT_EQ(result.classes.size(), golden["ap_per_class"].get_object().size());
  for (const CocoClassResult& one : result.classes) {
    const double expected = golden["ap_per_class"].at_key(std::to_string(one.category_id));
    EXPECT_NEAR(one.ap, expected, 1e-12) << one.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, CocoEvalGolden,
                         ::testing::Values("plain", "crowds_and_odd_ids", "tied_scores",
                                           "over_100_detections", "class_without_truth"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(CocoEval, GivesOneForPerfectDetectionsAndMinusOneForAbsentSizesAndClasses) {
  const std::string truth = write("truth.json", kTruth);
  const std::string found = write("found.json", R"([
    {"image_id": 5, "category_id": 3, "bbox": [10, 10, 40, 40], "score": 0.9},
    {"image_id": 9, "category_id": 3, "bbox": [0, 0, 20, 20], "score": 0.8}])");
  const CocoEvaluation result = evaluate_coco_files(truth, found);
  EXPECT_DOUBLE_EQ(result.stats[0], 1);
  EXPECT_DOUBLE_EQ(result.stats[3], 1);   // 20 x 20 is small
  EXPECT_DOUBLE_EQ(result.stats[4], 1);   // 40 x 40 is medium
  EXPECT_DOUBLE_EQ(result.stats[5], -1);  // nothing is large
  ASSERT_EQ(result.classes.size(), 2u);
  EXPECT_DOUBLE_EQ(result.classes[0].ap, 1);
  EXPECT_DOUBLE_EQ(result.classes[1].ap, -1);
  EXPECT_THAT(coco_table(result),
              HasSubstr("Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 1.000"));
  EXPECT_THAT(coco_table(result), HasSubstr("thing"));
  EXPECT_THAT(coco_json(result), HasSubstr("\"AP50\""));
}

TEST_F(CocoEval, GivesZeroWithoutDetections) {
  const CocoEvaluation result = evaluate_coco_files(write("truth.json", kTruth), write("found.json", "[]"));
  EXPECT_DOUBLE_EQ(result.stats[0], 0);
  EXPECT_DOUBLE_EQ(result.stats[8], 0);
}

TEST_F(CocoEval, EvaluatesTheSelectedImagesOnly) {
  const CocoAnnotations truth = read_coco_annotations(write("truth.json", kTruth), {false, true, false});
  CocoEvalOptions options;
  options.image_ids = {9};
  options.category_ids = {3};
  const CocoEvaluation result =
      evaluate_coco(truth, {{9, 3, {0, 0, 20, 20}, 0.5}, {5, 3, {0, 0, 5, 5}, 0.9}}, options);
  EXPECT_DOUBLE_EQ(result.stats[0], 1);
  EXPECT_EQ(result.classes.size(), 1u);
}

// pycocotools marks a match by the annotation's id, so an id of 0 reads as 'no match'.
TEST_F(CocoEval, CountsAnAnnotationWithIdZeroAsNeverFoundAsPycocotoolsDoes) {
  CocoAnnotations truth;
  truth.images = {{1, "a", 0, 0}};
  truth.categories = {{1, "thing"}};
  truth.annotations = {{0, 1, 1, {0, 0, 50, 50}, 2500, false}};
  EXPECT_DOUBLE_EQ(evaluate_coco(truth, {{1, 1, {0, 0, 50, 50}, 0.9}}).stats[0], 0);
  truth.annotations[0].id = 1;
  EXPECT_DOUBLE_EQ(evaluate_coco(truth, {{1, 1, {0, 0, 50, 50}, 0.9}}).stats[0], 1);
}

TEST_F(CocoEval, RefusesWrongResultsNamingFileAndEntry) {
  const std::string truth = write("truth.json", kTruth);
  const auto refusal = [&](const std::string& text) {
    const std::string found = write("found.json", text);
    return message_of([&] { evaluate_coco_files(truth, found); });
  };
  EXPECT_THAT(
      refusal(R"([{"image_id": 6, "category_id": 3, "bbox": [0, 0, 1, 1], "score": 1}])"),
      ::testing::AllOf(HasSubstr("found.json, result 0"), HasSubstr("unknown image id"), HasSubstr("6")));
  EXPECT_THAT(refusal(R"([{"image_id": 5, "category_id": 4, "bbox": [0, 0, 1, 1], "score": 1}])"),
              HasSubstr("unknown category"));
  EXPECT_THAT(refusal(R"([{"image_id": 5, "category_id": 3, "bbox": [0, 0, 1], "score": 1}])"),
              HasSubstr("four finite numbers"));
  EXPECT_THAT(refusal(R"([{"image_id": 5, "category_id": 3, "bbox": [0, 0, -1, 1], "score": 1}])"),
              HasSubstr("negative box"));
  EXPECT_THAT(refusal(R"([{"image_id": 5, "category_id": 3, "bbox": [0, 0, 1, 1]}])"),
              HasSubstr("missing key \"score\""));
  EXPECT_THAT(refusal(R"([{"image_id": 5, "category_id": 3, "bbox": [0, 0, 1, 1], "score": NaN}])"),
              ::testing::AllOf(HasSubstr("broken JSON"), HasSubstr("NaN")));
  EXPECT_THAT(refusal(kTruth), HasSubstr("no COCO results file"));
  EXPECT_THAT(refusal("[{"), HasSubstr("broken JSON"));
  EXPECT_THAT(message_of([&] { evaluate_coco_files(truth, (folder_ / "nowhere.json").string()); }),
              ::testing::AllOf(HasSubstr("nowhere.json"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace grapnel::detection::data
