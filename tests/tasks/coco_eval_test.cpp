// COCO evaluation against numbers that pycocotools gave (tests/golden/coco_eval, made by running
// pycocotools 2.0 on synthetic sets; tests/equality/compare_pycocotools.py compares any number of random
// ones), and against cases small enough to work out by hand.
#include "tasks/detection/data/coco_eval.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
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

double weighted(const std::vector<double>& values) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += values[i] * static_cast<double>(i % 101 + 1);
  return sum;
}

class CocoEvalGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(CocoEvalGolden, AgreesWithPycocotools) {
  const std::string path = std::string(GRAPNEL_SOURCE_DIR "/tests/golden/coco_eval/") + GetParam() + ".json";
  simdjson::dom::parser parser;
  const simdjson::dom::element golden = parser.load(path);
  const fs::path folder = fs::temp_directory_path() / ("grapnel_golden_" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "truth.json") << simdjson::minify(golden["ground_truth"].value());
  std::ofstream(folder / "found.json") << simdjson::minify(golden["detections"].value());
  CocoEvalOptions options;
  simdjson::dom::array limits;
  if (golden["max_detections"].get_array().get(limits) == simdjson::SUCCESS) {
    for (size_t i = 0; i < 3; ++i) options.max_detections[i] = limits.at(i).get_int64();
    options.use_categories = golden["use_categories"].get_bool();
  }
  options.keep_curves = true;
  const CocoEvaluation result = evaluate_coco_files(folder / "truth.json", folder / "found.json", options);
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

  // The whole arrays, by two sums: plain, and with weights that tell the places apart.
  double sum = 0;
  if (golden["precision_sum"].get_double().get(sum) != simdjson::SUCCESS) return;
  EXPECT_NEAR(std::accumulate(result.precision.begin(), result.precision.end(), 0.0), sum, 1e-8);
  EXPECT_NEAR(weighted(result.precision), golden["precision_weighted"].get_double(), 1e-6);
  EXPECT_NEAR(weighted(result.recall), golden["recall_weighted"].get_double(), 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Cases, CocoEvalGolden,
                         ::testing::Values("plain", "crowds_and_odd_ids", "tied_scores",
                                           "over_100_detections", "class_without_truth",
                                           "one_class_huge_boxes_float_ids", "one_class_other_limits",
                                           "masks_for_boxes", "masks_for_areas", "other_limits_empty_boxes",
                                           "annotation_with_id_zero", "negative_and_huge_boxes",
                                           "float_ids_ties", "other_limits_ignore_flags", "nothing_found",
                                           "unknown_images_in_truth", "results_of_masks",
                                           "results_of_masks_crowds", "over_100_detections_crowds"),
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

TEST_F(CocoEval, SaysWhatCountsForNothing) {
  const std::string truth = write("truth.json", R"({"images": [{"id": 5}],
    "annotations": [{"id": 1, "image_id": 5, "category_id": 3, "bbox": [10, 10, 40, 40]},
                    {"id": 2, "image_id": 5, "category_id": 3, "bbox": [10, 10, 40, 0]},
                    {"id": 3, "image_id": 6, "category_id": 3, "bbox": [10, 10, 40, 40]}],
    "categories": [{"id": 3, "name": "thing"}]})");
  const std::string found = write("found.json", R"([
    {"image_id": 5, "category_id": 3, "bbox": [10, 10, 40, 40], "score": 0.9},
    {"image_id": 5, "category_id": 3, "bbox": [10, 10, -40, 40], "score": 0.8},
    {"image_id": 5, "category_id": 0, "bbox": [10, 10, 40, 40], "score": 0.7}])");
  const CocoEvaluation result = evaluate_coco_files(truth, found);
  EXPECT_DOUBLE_EQ(result.stats[8], 0.5) << "the box without area is missed";
  EXPECT_THAT(result.notes,
              ::testing::ElementsAre(HasSubstr("1 annotation of"), HasSubstr("1 box of"),
                                     ::testing::AllOf(HasSubstr("1 result of"), HasSubstr("(the first: 0)")),
                                     HasSubstr("negative width")));
}

TEST_F(CocoEval, RefusesWrongLimits) {
  CocoEvalOptions options;
  options.max_detections = {1, 0, 100};
  const std::string truth = write("truth.json", kTruth), found = write("found.json", "[]");
  EXPECT_THAT(message_of([&] { evaluate_coco_files(truth, found, options); }), HasSubstr("1 or more"));
}

TEST_F(CocoEval, RefusesBrokenMasks) {
  const std::string truth = write("truth.json", kTruth);
  const auto refusal = [&](const std::string& segmentation) {
    const std::string found =
        write("found.json", "[{\"image_id\": 5, \"category_id\": 3, \"score\": 1, " +
                                std::string("\"segmentation\": ") + segmentation + "}]");
    return message_of([&] { evaluate_coco_files(truth, found); });
  };
  EXPECT_THAT(refusal("[[1, 2, 3, 4, 5, 6]]"), HasSubstr("run-length mask"));
  EXPECT_THAT(refusal(R"({"size": [4, 4]})"), HasSubstr("wrong \"segmentation\""));
  EXPECT_THAT(refusal(R"({"size": [4, 4], "counts": [3, 2]})"),
              ::testing::AllOf(HasSubstr("result 0"), HasSubstr("runs over 5 px for a picture of 16")));
  EXPECT_THAT(refusal(R"({"size": [4, 4], "counts": "!!"})"), HasSubstr("wrong \"segmentation\""));
  EXPECT_THAT(refusal(R"({"size": [4, -4], "counts": [16]})"), HasSubstr("wrong \"segmentation\""));
  EXPECT_EQ(refusal(R"({"size": [4, 4], "counts": [3, 2, 11]})"), "no failure");
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
  EXPECT_THAT(refusal(R"([{"image_id": 5, "category_id": 3, "bbox": [0, 0, 1], "score": 1}])"),
              HasSubstr("four finite numbers"));
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
