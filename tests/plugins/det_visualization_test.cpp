// DetVisualizationHook: which pictures it saves, what is in them, and batches that are not detection's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <set>

#include "../core/temporary_folder.hpp"
#include "shipped_hook.hpp"

using namespace grapnel::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

class DetVisualization : public ::testing::Test {
 protected:
  DetVisualization() {
    host_.log_dir = folder_.path();
    host_.datasets[GRAPNEL_MODE_VAL].classes = {"shoe", "Käse"};
    host_.datasets[GRAPNEL_MODE_TEST].classes = {"shoe", "Käse"};
  }

  // Pictures of 400 x 300 px, letterboxed by half into 320 x 224: a blue one, a green one, ... Each holds a
  // shoe in the middle; in the first one of the batch a cheese is found in its place, with a second one below
  // the threshold.
  void make_batch(const std::vector<int64_t>& ids) {
    constexpr int64_t kHeight = 224, kWidth = 320;
    const auto count = static_cast<int64_t>(ids.size());
    std::vector<float> pixels;
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t channel = 0; channel < 3; ++channel) {
        for (int64_t y = 0; y < kHeight; ++y) {
          for (int64_t x = 0; x < kWidth; ++x) {
            pixels.push_back(x >= 200 || y >= 150 ? 114.0F : channel == i % 3 ? 200.0F : 40.0F);
          }
        }
      }
    }
    std::vector<float> targets;
    std::vector<double> info;
    for (const int64_t id : ids) {
      targets.insert(targets.end(), {0, 100, 75, 40, 30, 0, 0, 0, 0, 0});
      info.insert(info.end(), {static_cast<double>(id), 0.5, 0.5, 400, 300, 0});
    }
    host_.batch = {{"inputs", PlainTensor::floats(pixels, {count, 3, kHeight, kWidth})},
                   {"targets", PlainTensor::floats(targets, {count, 2, 5})},
                   {"image_info", PlainTensor::doubles(info, {count, 6})}};
    host_.outputs = {{"detections", PlainTensor::floats({0, 160, 120, 240, 180, 0.9F, 0.9F, 1,  //
                                                         0, 20, 20, 60, 60, 0.5F, 0.5F, 1},
                                                        {2, 8})}};
  }
  // One validation of five pictures in batches of two.
  void validate() {
    ASSERT_TRUE(host_.call("before_val_epoch"));
    for (const std::vector<int64_t>& ids : {std::vector<int64_t>{7, 8}, {9, 10}, {11}}) {
      make_batch(ids);
      const CallResult result = host_.call("after_val_iter");
      ASSERT_TRUE(result) << result;
    }
  }
  std::set<std::string> files(const std::string& folder = "vis_data/vis_image") const {
    std::set<std::string> names;
    if (!fs::exists(folder_.file(folder))) return names;
    for (const auto& entry : fs::directory_iterator(folder_.file(folder)))
      names.insert(entry.path().filename().string());
    return names;
  }
  cv::Mat read(const std::string& name) const {
    return cv::imread(folder_.file("vis_data/vis_image/" + name));
  }

  grapnel::test::TemporaryFolder folder_;
  ShippedHookHost host_;
};

TEST_F(DetVisualization, SavesEveryNthPictureOfEachValidation) {
  host_.state.iter = 120;
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}, {"interval", "2"}}));
  validate();
  EXPECT_THAT(files(), ElementsAre("val_000007_iter_000120.jpg", "val_000009_iter_000120.jpg",
                                   "val_000011_iter_000120.jpg"));
  host_.state.iter = 240;
  validate();
  EXPECT_THAT(files(), ::testing::SizeIs(6)) << "the same pictures again";
}

TEST_F(DetVisualization, ShowsTruthBesideWhatWasFoundWithoutTheLetterboxsPadding) {
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}, {"interval", "1"}}));
  validate();
  const cv::Mat both = read("val_000007_iter_000000.jpg"), other = read("val_000008_iter_000000.jpg");
  ASSERT_FALSE(both.empty());
  // 200 x 150 px are drawn three times as large.
  EXPECT_NEAR(both.cols, 2 * 600, 40);
  EXPECT_NEAR(both.rows, 450, 60);
  const int top = both.rows - 450, right = both.cols - 600;
  const auto near = [](const cv::Mat& picture, int x, int y, const cv::Scalar& bgr) {
    return cv::norm(cv::Scalar(cv::mean(picture(cv::Rect(x - 1, y - 1, 3, 3)))) - bgr) < 60;
  };
  EXPECT_TRUE(near(both, 30, top + 400, {200, 40, 40})) << "the picture is blue";
  EXPECT_TRUE(near(other, 30, top + 400, {40, 200, 40})) << "the picture is green";
  // The lower edge of the box that spans 80..120 and 60..90 px of the picture.
  const cv::Scalar shoe(0, 159, 230), cheese(233, 180, 86);
  EXPECT_TRUE(near(both, 300, top + 270, shoe));
  EXPECT_TRUE(near(both, right + 300, top + 270, cheese));
  EXPECT_FALSE(near(other, right + 300, top + 270, cheese)) << "nothing was found there";
  EXPECT_TRUE(near(both, right + 60, top + 90, {200, 40, 40})) << "a box below the threshold was drawn";
}

TEST_F(DetVisualization, ReadsChannelsLastInputs) {
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}, {"interval", "1"}}));
  ASSERT_TRUE(host_.call("before_val_epoch"));
  make_batch({7});
  ASSERT_TRUE(host_.call("after_val_iter"));
  const cv::Mat plain = read("val_000007_iter_000000.jpg");
  host_.batch[0].second = host_.batch[0].second.column_major(5);
  ASSERT_TRUE(host_.call("after_val_iter"));
  EXPECT_EQ(cv::norm(plain, read("val_000007_iter_000000.jpg"), cv::NORM_INF), 0);
}

TEST_F(DetVisualization, SavesNothingUnlessDrawIsSetAndTestPicturesOnlyIntoAFolderOfTheirOwn) {
  ASSERT_TRUE(host_.load("DetVisualizationHook"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_lines("draw is false").size(), 1u);
  validate();
  EXPECT_THAT(files(), IsEmpty());
  host_.destroy();
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}}));
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}, {"test_out_dir", "\"test\""}}, "second"));
  make_batch({1, 2});
  ASSERT_TRUE(host_.call("before_test_epoch"));
  ASSERT_TRUE(host_.call("after_test_iter"));
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(files("test"), ElementsAre("test_000001_iter_000000.jpg", "test_000002_iter_000000.jpg"));
}

TEST_F(DetVisualization, ATaskThatIsNoDetectionIsWarnedOfOnce) {
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}}));
  make_batch({1});
  host_.batch.erase(host_.batch.begin() + 1);
  EXPECT_TRUE(host_.call("after_val_iter"));
  EXPECT_TRUE(host_.call("after_val_iter"));
  EXPECT_EQ(host_.log_lines("the task gives no \"targets\"", GRAPNEL_LOG_WARNING).size(), 1u);
  make_batch({1});
  host_.batch[2].second = PlainTensor::doubles({1, 2, 3}, {3});
  EXPECT_THAT(host_.call("after_val_iter").message, HasSubstr("image_info has 1 dimensions"));
}

TEST_F(DetVisualization, RefusesAWindowAndNamesAFolderThatCannotBeMade) {
  EXPECT_THAT(host_.load("DetVisualizationHook", {{"show", "true"}}).message, HasSubstr("show is true"));
  folder_.write("blocked", "a file");
  ASSERT_TRUE(host_.load("DetVisualizationHook", {{"draw", "true"}, {"out_dir", "\"blocked/deep\""}}));
  make_batch({1});
  EXPECT_THAT(host_.call("after_val_iter").message, HasSubstr("blocked/deep"));
}

}  // namespace
