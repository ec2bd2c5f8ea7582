// `grapnel predict` over files and folders: order, names, what cannot be read, and that several pictures at
// once give what one at a time gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <filesystem>
#include <opencv2/imgcodecs.hpp>

#include "../core/temporary_folder.hpp"
#include "command.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kConfig = R"(
work_dir = "run"
[env_cfg]
num_threads = 1
[model]
type = "YOLOX"
variant = "nano"
num_classes = 10
test_cfg = { score_thr = 0.0 }
[train_dataloader]
batch_size = 2
[train_dataloader.dataset]
type = "CocoDataset"
data_root = "set"
ann_file = "annotations/train.json"
data_prefix = { img = "train/" }
pipeline = [{ type = "Resize", scale = [64, 64], keep_ratio = true }]
[val_dataloader]
batch_size = 2
[val_dataloader.dataset]
type = "CocoDataset"
data_root = "set"
ann_file = "annotations/val.json"
data_prefix = { img = "val/" }
pipeline = [{ type = "Resize", scale = [64, 64], keep_ratio = true }]
[val_cfg]
type = "ValLoop"
[val_evaluator]
type = "CocoMetric"
[train_cfg]
type = "IterBasedTrainLoop"
max_iters = 1
val_interval = 1000
[optim_wrapper.optimizer]
type = "SGD"
lr = 0.01
[default_hooks.checkpoint]
type = "CheckpointHook"
interval = 1
by_epoch = false
[[custom_hooks]]
type = "DetVisualizationHook"
draw = true
interval = 2
)";

// One training iteration gives weights that find something at a low threshold; what they find is of no
// concern here.
class Predict : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    folder_->write("run.toml", kConfig);
    const auto data =
        grapnel({"data", "fashion-scenes", "set", "--train", "2", "--val", "4", "--size", "96"});
    ASSERT_EQ(data.exit_code, 0) << data.err;
    const auto run = grapnel({"train", "run.toml"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  static void TearDownTestSuite() { delete folder_; }

  static CommandResult grapnel(const std::vector<std::string>& arguments) {
    CommandOptions options;
    options.folder = folder_->path();
    return run_grapnel(arguments, options);
  }
  static CommandResult predict(const std::string& out, std::vector<std::string> pictures) {
    std::vector<std::string> arguments = {"predict", "run.toml", "--checkpoint", "run/iter_1.pth",
                                          "--out",   out,        "--score",      "0.00001"};
    arguments.insert(arguments.end(), pictures.begin(), pictures.end());
    return grapnel(arguments);
  }
  static std::string picture(int number) {
    return folder_->file("set/val/00000" + std::to_string(number) + ".jpg");
  }
  static void copy(int number, const std::string& to) {
    fs::create_directories(fs::path(folder_->file(to)).parent_path());
    fs::copy_file(picture(number), folder_->file(to));
  }
  // file_name and drawn of images.json, in its order.
  static std::vector<std::string> column(const std::string& out, const char* key) {
    simdjson::dom::parser parser;
    std::vector<std::string> values;
    for (const simdjson::dom::element row : parser.load(folder_->file(out + "/images.json"))) {
      values.emplace_back(std::string_view(row[key]));
    }
    return values;
  }

  static TemporaryFolder* folder_;
};
TemporaryFolder* Predict::folder_ = nullptr;

TEST_F(Predict, AFolderOfFramesIsAListInNaturalOrder) {
  copy(1, "frames/frame_10.jpg");
  copy(2, "frames/frame_2.jpg");
  copy(3, "frames/frame_007.JPG");
  folder_->write("frames/notes.txt", "no picture");
  const auto result = predict("out_frames", {"frames"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(column("out_frames", "file_name"),
              ElementsAre("frames/frame_2.jpg", "frames/frame_007.JPG", "frames/frame_10.jpg"));
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("3 pictures"), HasSubstr("1 other files in the folders were skipped")));
  EXPECT_TRUE(fs::exists(folder_->file("out_frames/frame_10.jpg")));
}

TEST_F(Predict, PicturesOfOneNameGetCopiesOfTheirOwn) {
  copy(1, "twins/a/1.jpg");
  copy(2, "twins/b/1.jpg");
  copy(3, "twins/c/1_2.jpg");
  const auto result = predict("out_twins", {"twins/a", "twins/b", "twins/c", "twins/a/1.jpg"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(column("out_twins", "drawn"), ElementsAre("1.jpg", "1_3.jpg", "1_2.jpg", "1_4.jpg"));
  for (const std::string& name : column("out_twins", "drawn"))
    EXPECT_TRUE(fs::exists(folder_->file("out_twins/" + name))) << name;
}

TEST_F(Predict, WhatCannotBeReadIsLeftOutAndToldOf) {
  copy(1, "mixed/1.jpg");
  folder_->write("mixed/2.jpg", "not a picture at all");
  folder_->write("mixed/3.png", "");
  copy(4, "mixed/4.jpg");
  const auto result = predict("out_mixed", {"mixed", "gone.jpg"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("mixed/2.jpg"), HasSubstr("mixed/3.png"), HasSubstr("gone.jpg"),
                                HasSubstr("3 of 5 pictures could not be read")));
  EXPECT_THAT(column("out_mixed", "drawn"), ElementsAre("1.jpg", "4.jpg"));
  simdjson::dom::parser parser;
  for (const simdjson::dom::element row : parser.load(folder_->file("out_mixed/results.json"))) {
    EXPECT_TRUE(int64_t{row["image_id"]} == 1 || int64_t{row["image_id"]} == 4)
        << "an id is the place in the list";
  }
}

TEST_F(Predict, AFolderWithoutPicturesAndAnOutThatHoldsThePicturesAreRefused) {
  folder_->write("bare/notes.txt", "no picture");
  const auto bare = predict("out_bare", {"bare"});
  EXPECT_EQ(bare.exit_code, 2);
  EXPECT_THAT(bare.err, HasSubstr("no pictures in the folder"));
  copy(1, "own/1.jpg");
  const std::string before = read_file(folder_->file("own/1.jpg"));
  const auto own = predict("own", {"own"});
  EXPECT_EQ(own.exit_code, 2);
  EXPECT_THAT(own.err, HasSubstr("would replace the picture"));
  EXPECT_EQ(read_file(folder_->file("own/1.jpg")), before);
}

TEST_F(Predict, SeveralAtOnceGiveWhatOneAtATimeGives) {
  const std::vector<std::string> pictures = {picture(1), picture(2), picture(3), picture(4)};
  auto one = pictures, many = pictures;
  one.insert(one.end(), {"--batch", "1"});
  many.insert(many.end(), {"--batch", "3"});
  ASSERT_EQ(predict("out_one", one).exit_code, 0);
  ASSERT_EQ(predict("out_many", many).exit_code, 0);
  simdjson::dom::parser parser, other_parser;
  const simdjson::dom::array rows = parser.load(folder_->file("out_one/results.json"));
  const simdjson::dom::array others = other_parser.load(folder_->file("out_many/results.json"));
  ASSERT_GT(rows.size(), 0u);
  ASSERT_EQ(rows.size(), others.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(int64_t{rows.at(i)["image_id"]}, int64_t{others.at(i)["image_id"]});
    EXPECT_NEAR(double{rows.at(i)["score"]}, double{others.at(i)["score"]}, 1e-5);
    EXPECT_NEAR(double{rows.at(i)["bbox"].at(0)}, double{others.at(i)["bbox"].at(0)}, 1e-2);
  }
}

TEST_F(Predict, AValidationsPicturesAreSavedByTheHook) {
  const auto val = grapnel({"val", "run.toml", "--checkpoint", "run/iter_1.pth", "--work-dir", "val_run"});
  ASSERT_EQ(val.exit_code, 0) << val.err;
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder_->file("val_run"))) {
    if (entry.path().extension() == ".jpg") names.push_back(entry.path().filename().string());
  }
  ASSERT_EQ(names.size(), 2u) << "every second one of four";
  for (const auto& entry : fs::recursive_directory_iterator(folder_->file("val_run"))) {
    if (entry.path().extension() != ".jpg") continue;
    const cv::Mat both = cv::imread(entry.path().string());
    EXPECT_GT(both.cols, 2 * 480) << "two panels of enlarged pictures";
  }
}

}  // namespace
}  // namespace grapnel::test
