// The command line from outside, with a YOLOX-nano on two dozen small scenes: the eight hooks of MMDetection,
// interruption and resume, COCO sets that are wrong or unusual, prediction, and a hook of a third party.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <sstream>

#include "../core/temporary_folder.hpp"
#include "command.hpp"
#include "zip_records.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;

// Six batches an epoch, three epochs, a validation and a checkpoint at the end. @SET@ is the set's folder.
constexpr const char* kRun = R"(
work_dir = "run"
[randomness]
seed = 5
[model]
type = "YOLOX"
variant = "nano"
num_classes = 10
input_size = [64, 64]
test_cfg = { score_thr = 0.0001 }
[train_dataloader]
batch_size = 4
num_workers = 2
[train_dataloader.dataset]
type = "CocoDataset"
data_root = "@SET@"
ann_file = "annotations/train.json"
data_prefix = { img = "train/" }
pipeline = [
  { type = "Mosaic", img_scale = [64, 64] },
  { type = "RandomAffine", scaling_ratio_range = [0.5, 1.5] },
  { type = "RandomFlip", prob = 0.5 },
  { type = "Resize", scale = [64, 64], keep_ratio = true },
  { type = "Pad", size = [64, 64] },
  { type = "FilterAnnotations", min_gt_bbox_wh = [1, 1] },
]
[val_dataloader]
batch_size = 3
[val_dataloader.dataset]
type = "CocoDataset"
data_root = "@SET@"
ann_file = "annotations/val.json"
data_prefix = { img = "val/" }
pipeline = [
  { type = "Resize", scale = [64, 64], keep_ratio = true },
  { type = "Pad", size = [64, 64] },
]
[val_cfg]
type = "ValLoop"
[val_evaluator]
type = "CocoMetric"
[train_cfg]
type = "EpochBasedTrainLoop"
max_epochs = 3
val_interval = 3
[optim_wrapper.optimizer]
type = "SGD"
lr = 0.01
momentum = 0.9
nesterov = true
[default_hooks]
param_scheduler = false
logger = { type = "LoggerHook", interval = 1, window_size = 1 }
)";

constexpr const char* kEma =
    "[[custom_hooks]]\ntype = \"EMAHook\"\nema_type = \"ExpMomentumEMA\"\nupdate_buffers = true\npriority = "
    "49\n";

struct ShippedHook {
  const char* type;
  const char* options;
};
constexpr ShippedHook kEight[] = {
    {"MemoryProfilerHook", "interval = 3"},
    {"YOLOXLrUpdaterHook", "warmup_iters = 1\nnum_last_epochs = 1\nmin_lr_ratio = 0.05"},
    {"YOLOXModeSwitchHook", "num_last_epochs = 1\npriority = 48"},
    {"SyncRandomSizeHook", "img_scale = [64, 64]\nratio_range = [2, 3]\npriority = 48"},
    {"SyncNormHook", "priority = 48"},
    {"SetEpochInfoHook", ""},
    {"NumClassCheckHook", ""},
    {"CheckInvalidLossHook", "interval = 1"},
};

// All but `left_out`, in MMDetection's form.
std::string eight_hooks(const std::string& left_out = "") {
  std::string text;
  for (const auto& hook : kEight) {
    if (hook.type == left_out) continue;
    text += std::string("[[custom_hooks]]\ntype = \"") + hook.type + "\"\n" + hook.options + "\n";
  }
  return text;
}

std::string hook_table(const std::string& type, const std::string& options = "") {
  return "[[custom_hooks]]\ntype = \"" + type + "\"\n" + options + "\n";
}

// The values of `key` in scalars.json, a line each; lines without it are left out.
std::vector<double> scalars(const std::string& text, const std::string& key) {
  std::vector<double> values;
  simdjson::dom::parser parser;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const simdjson::dom::element parsed = parser.parse(line);
    double value = 0;
    if (parsed[key].get_double().get(value) == simdjson::SUCCESS) values.push_back(value);
  }
  return values;
}

int count_lines_with(const std::string& text, const std::string& start) {
  int count = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) count += line.compare(0, start.size(), start) == 0;
  return count;
}

class DetectionRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_folder_ = std::make_unique<TemporaryFolder>();
    const auto made =
        run_grapnel({"data", "fashion-scenes", set(), "--train", "24", "--val", "8", "--size", "96"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  static void TearDownTestSuite() { set_folder_.reset(); }
  static std::string set() { return set_folder_->file("set"); }

  CommandResult grapnel(const std::vector<std::string>& arguments, CommandOptions options = {}) {
    options.folder = folder_.path();
    return run_grapnel(arguments, options);
  }
  CommandResult train(const std::string& hooks, std::vector<std::string> more = {},
                      CommandOptions options = {}) {
    more.insert(more.begin(), {"train", config(hooks)});
    return grapnel(more, options);
  }
  std::string config(const std::string& hooks = "") {
    std::string text = kRun;
    for (size_t at; (at = text.find("@SET@")) != std::string::npos;) text.replace(at, 5, set());
    return folder_.write("run.toml", text + hooks);
  }
  // The run's scalars.json; its folder is named after the time.
  std::string scalars_file(const std::string& work_dir) const {
    std::string text;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.file(work_dir))) {
      if (entry.path().filename() == "scalars.json") text += read_file(entry.path().string());
    }
    return text;
  }
  // No checkpoint, no temporary file, in the work folder or elsewhere.
  void expect_nothing_left(const std::string& what) const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename().string();
      EXPECT_THAT(name,
                  AllOf(Not(HasSubstr(".pth")), Not(HasSubstr(".tmp")), Not(HasSubstr("last_checkpoint"))))
          << what;
    }
  }

  TemporaryFolder folder_;

 private:
  static std::unique_ptr<TemporaryFolder> set_folder_;
};

std::unique_ptr<TemporaryFolder> DetectionRun::set_folder_;

// What can be seen of each hook in a run's log or scalars. The two checks are seen only where something is
// wrong, in tests of their own; SyncNormHook does its work between ranks, in sync_over_gloo_test, and says
// here that one process has nothing to do.
struct Effects {
  bool memory_lines, moving_rate, l1_at_the_end, new_sizes, norm_sync, epoch_told;
};

Effects effects_of(const CommandResult& run, const std::string& scalars_text) {
  Effects seen{};
  const auto has = [&](const char* text) { return run.err.find(text) != std::string::npos; };
  seen.memory_lines = has("Memory information available_memory: ");
  seen.new_sizes = has("training images are now ");
  seen.norm_sync = has("[SyncNormHook] one process");
  seen.epoch_told = has("model, sampler and dataset know: epoch 2 of 3");
  const auto rates = scalars(scalars_text, "lr");
  seen.moving_rate = rates.size() == 18 && rates.front() < 0.001 && std::abs(rates.back() - 0.0005) < 1e-9;
  // As MMDetection counts: from epoch max_epochs - num_last_epochs on, the second of three.
  seen.l1_at_the_end = scalars(scalars_text, "loss_l1").size() == 12;
  return seen;
}

TEST_F(DetectionRun, ShowsTheWorkOfEachOfTheEightHooks) {
  const auto run = train(eight_hooks());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Effects seen = effects_of(run, scalars_file("run"));
  EXPECT_TRUE(seen.memory_lines && seen.moving_rate && seen.l1_at_the_end) << run.err;
  EXPECT_TRUE(seen.new_sizes && seen.norm_sync && seen.epoch_told) << run.err;
  for (const auto& hook : kEight) EXPECT_THAT(run.out, HasSubstr(hook.type)) << "in the table of times";
  EXPECT_THAT(run.out, HasSubstr("coco/bbox_mAP"));
  EXPECT_TRUE(fs::exists(folder_.file("run/epoch_3.pth")));
}

TEST_F(DetectionRun, LosesAHooksEffectWithTheHook) {
  const std::vector<std::pair<const char*, bool Effects::*>> expected = {
      {"MemoryProfilerHook", &Effects::memory_lines},
      {"YOLOXLrUpdaterHook", &Effects::moving_rate},
      {"YOLOXModeSwitchHook", &Effects::l1_at_the_end},
      {"SyncRandomSizeHook", &Effects::new_sizes},
      {"SyncNormHook", &Effects::norm_sync},
      {"SetEpochInfoHook", &Effects::epoch_told}};
  for (const auto& [type, effect] : expected) {
    const auto run = train(eight_hooks(type), {"--work-dir", type});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const Effects seen = effects_of(run, scalars_file(type));
    for (const auto& [other, others_effect] : expected) {
      EXPECT_EQ(seen.*others_effect, effect != others_effect) << other << " in a run without " << type;
    }
  }
}

TEST_F(DetectionRun, NeedsNumClassCheckHookToSeeAHeadOfTheWrongSize) {
  const std::vector<std::string> wrong = {"--set", "model.num_classes=12", "--set", "train_cfg.max_epochs=1"};
  const auto checked = train(hook_table("NumClassCheckHook"), wrong);
  EXPECT_EQ(checked.exit_code, 1) << checked.err;
  EXPECT_THAT(checked.err, AllOf(HasSubstr("NumClassCheckHook"), HasSubstr("before_train_epoch"),
                                 HasSubstr("num_classes = 12"), HasSubstr("10 classes"),
                                 HasSubstr("annotations/train.json"), Not(HasSubstr("Epoch(train)"))));
  expect_nothing_left("a wrong number of classes");
  EXPECT_EQ(train("", wrong).exit_code, 0);
}

TEST_F(DetectionRun, NeedsCheckInvalidLossHookToEndARunThatDiverges) {
  const std::vector<std::string> wild = {"--set", "optim_wrapper.optimizer.lr=1e30", "--set",
                                         "train_cfg.max_epochs=1"};
  const auto checked = train(hook_table("CheckInvalidLossHook", "interval = 1"), wild);
  EXPECT_EQ(checked.exit_code, 1) << checked.err;
  EXPECT_THAT(checked.err, AllOf(HasSubstr("CheckInvalidLossHook"), HasSubstr("after_train_iter"),
                                 HasSubstr("loss_cls is nan"), HasSubstr("epoch 1")));
  expect_nothing_left("a loss that is not finite");
  EXPECT_EQ(train("", wild).exit_code, 0);
}

// Without the timer's entries nothing in the message hub depends on the clock: every tensor of two equal
// runs' last checkpoints, weights, momenta, averages and hub alike, must have the same bytes.
class EqualRuns : public DetectionRun {
 protected:
  static std::string hooks() { return "timer = false\n" + eight_hooks() + kEma; }
  // Once: the undisturbed run is the same for every test.
  void run_whole() {
    if (!whole_.empty()) return;
    const auto run = train(hooks(), {"--work-dir", "whole"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    whole_ = zip_records(read_file(folder_.file("whole/epoch_3.pth")), "data/");
    numbers_ = numbers_of(run);
    ASSERT_GT(whole_.size(), 300u);
  }
  // `place` as in SignalHook's table: the signal comes from inside the run, at an exact iteration.
  CommandResult interrupted(const std::string& work_dir, const std::string& place, bool resume) {
    CommandOptions options;
    options.environment = {{"GRAPNEL_PLUGIN_PATH", GRAPNEL_BUILD_DIR "/tests/cli_plugins"}};
    std::vector<std::string> more = {"--work-dir", work_dir};
    if (resume) more.emplace_back("--resume");
    return train(hooks() + "[[custom_hooks]]\ntype = \"SignalHook\"\n" + place + "\n", more, options);
  }
  void expect_other_tensors(const std::string& file) const {
    EXPECT_TRUE(zip_records(read_file(file), "data/") != whole_) << file;
  }
  void expect_same_end(const std::string& work_dir, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--work-dir", work_dir};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto run = train(hooks(), arguments);
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto records = zip_records(read_file(folder_.file(work_dir + "/epoch_3.pth")), "data/");
    ASSERT_EQ(records.size(), whole_.size());
    for (const auto& [name, bytes] : whole_)
      EXPECT_TRUE(records.at(name) == bytes) << work_dir << ": " << name;
    EXPECT_EQ(numbers_of(run), numbers_);
  }

 private:
  static std::string numbers_of(const CommandResult& run) {
    return run.out.substr(0, run.out.find("Time in hooks"));
  }
  static std::map<std::string, std::string> whole_;
  static std::string numbers_;
};

std::map<std::string, std::string> EqualRuns::whole_;
std::string EqualRuns::numbers_;

TEST_F(EqualRuns, WithTwoInterruptionsOrNone) {
  run_whole();
  const auto first = interrupted("run", "point = \"after_train_iter\"\nat = 1", false);
  ASSERT_EQ(first.exit_code, 3) << first.err;
  EXPECT_THAT(first.err, AllOf(HasSubstr("SIGINT"), HasSubstr("--resume"), HasSubstr("[1][2/6]"), Not(HasSubstr("[1][3/6]"))));
  const auto second = interrupted("run", "point = \"after_train_iter\"\nat = 8\nsignal = \"SIGTERM\"", true);
  ASSERT_EQ(second.exit_code, 3) << second.err;
  EXPECT_THAT(second.err,
              AllOf(HasSubstr("SIGTERM"), Not(HasSubstr("[1][2/6]")), HasSubstr("[1][3/6]"),
                    HasSubstr("[2][3/6]"), Not(HasSubstr("[2][4/6]"))));
  int kept = 0;
  for (const auto& entry : fs::directory_iterator(folder_.file("run"))) {
    if (entry.path().filename().string().rfind("interrupted_iter_", 0) != 0) continue;
    ++kept;
    expect_other_tensors(entry.path().string());
  }
  EXPECT_EQ(kept, 2);
  expect_same_end("run", {"--resume"});
}

TEST_F(EqualRuns, WithAnInterruptionAtAnEdge) {
  run_whole();
  const char* const edges[] = {"point = \"before_train\"", "point = \"after_train_iter\"\nat = 5",
                               "point = \"after_train_iter\"\nat = 16", "point = \"after_train_iter\"\nat = 17",
                               "point = \"after_val_iter\"\nat = 0"};
  int number = 0;
  for (const char* edge : edges) {
    const std::string work_dir = "edge" + std::to_string(number++);
    const auto stopped = interrupted(work_dir, edge, false);
    ASSERT_EQ(stopped.exit_code, 3) << edge << stopped.err;
    SCOPED_TRACE(edge);
    expect_same_end(work_dir, {"--resume"});
  }
}

TEST_F(EqualRuns, ForAnyNumberOfLoaderWorkers) {
  run_whole();
  expect_same_end("none", {"--set", "train_dataloader.num_workers=0"});
  expect_same_end("eight", {"--set", "train_dataloader.num_workers=8"});
}

std::string coco(const std::string& images, const std::string& annotations) {
  std::string categories;
  for (int id = 1; id <= 10; ++id) {
    categories += (id > 1 ? ", " : "") + ("{\"id\": " + std::to_string(id)) + ", \"name\": \"c" +
                  std::to_string(id) + "\"}";
  }
  return "{\"images\": [" + images + "], \"annotations\": [" + annotations + "], \"categories\": [" +
         categories + "]}";
}

std::string coco_image(int id, const std::string& file, int width_px = 96, int height_px = 96) {
  return "{\"id\": " + std::to_string(id) + ", \"file_name\": \"" + file +
         "\", \"width\": " + std::to_string(width_px) + ", \"height\": " + std::to_string(height_px) + "}";
}

std::string coco_box(int id, int image, int category, const std::string& box) {
  return "{\"id\": " + std::to_string(id) + ", \"image_id\": " + std::to_string(image) +
         ", \"category_id\": " + std::to_string(category) + ", \"iscrowd\": 0, \"bbox\": [" + box + "]}";
}

TEST_F(DetectionRun, RefusesWrongAnnotationFilesAndPicturesWithOneMessage) {
  const std::string image = coco_image(1, "000001.jpg");
  const std::string jpeg = read_file(set() + "/train/000001.jpg");
  folder_.write("pictures/000001.jpg", jpeg);
  folder_.write("pictures/half.jpg", jpeg.substr(0, jpeg.size() / 2));
  folder_.write("pictures/nothing.jpg", "");
  const struct {
    const char* name;
    std::string text;
    std::vector<const char*> message;
  } cases[] = {
      {"missing_picture.json",
       coco(coco_image(1, "gone.jpg"), coco_box(1, 1, 1, "1, 1, 20, 20")),
       {"missing picture", "gone.jpg"}},
      {"unknown_category.json", coco(image, coco_box(1, 1, 77, "1, 1, 20, 20")), {"unknown category", "77"}},
      {"unknown_image.json", coco(image, coco_box(1, 5, 1, "1, 1, 20, 20")), {"unknown image id", "5"}},
      {"negative_box.json",
       coco(image, coco_box(1, 1, 1, "1, 1, -20, 20")),
       {"negative box", "[1, 1, -20, 20]"}},
      {"empty_box.json", coco(image, coco_box(1, 1, 1, "1, 1, 0, 20")), {"empty box", "[1, 1, 0, 20]"}},
      {"broken.json", coco(image, "").substr(0, 60), {"broken.json"}},
      {"no_pictures.json", coco("", ""), {"no images", "no_pictures.json"}},
      {"truncated.json",
       coco(coco_image(1, "half.jpg"), coco_box(1, 1, 1, "1, 1, 20, 20")),
       {"truncated JPEG", "half.jpg"}},
      {"zero_bytes.json",
       coco(coco_image(1, "nothing.jpg"), coco_box(1, 1, 1, "1, 1, 20, 20")),
       {"zero bytes", "nothing.jpg"}},
      {"other_size.json",
       coco(coco_image(1, "000001.jpg", 50, 40), coco_box(1, 1, 1, "1, 1, 20, 20")),
       {"96 x 96", "50 x 40"}},
  };
  for (const auto& wrong : cases) {
    const std::string file = folder_.write(wrong.name, wrong.text);
    const auto run =
        train(eight_hooks(), {"--set", "train_dataloader.dataset.ann_file=" + file, "--set",
                              "train_dataloader.dataset.data_prefix.img=" + folder_.file("pictures")});
    EXPECT_EQ(run.exit_code, 1) << wrong.name << run.err;
    for (const char* text : wrong.message) EXPECT_THAT(run.err, HasSubstr(text)) << wrong.name;
    EXPECT_EQ(count_lines_with(run.err, "grapnel: "), 1) << wrong.name << run.err;
    EXPECT_THAT(run.err, AllOf(Not(HasSubstr(" - ERROR - ")), Not(HasSubstr("terminate")))) << wrong.name;
    expect_nothing_left(wrong.name);
  }
}

TEST_F(DetectionRun, TrainsAndEvaluatesOnPicturesOfMixedSizes) {
  const std::array<std::array<int, 2>, 8> sizes = {
      {{96, 40}, {33, 96}, {96, 96}, {50, 71}, {17, 90}, {80, 24}, {64, 48}, {95, 95}}};  // width, height
  std::string images, boxes;
  for (int i = 0; i < 8; ++i) {
    const auto [width, height] = sizes[static_cast<size_t>(i)];
    const std::string name = "mixed" + std::to_string(i) + (i % 4 == 3 ? ".png" : ".jpg");
    const cv::Mat scene = cv::imread(set() + "/train/00000" + std::to_string(i + 1) + ".jpg");
    ASSERT_EQ(scene.cols, 96);
    fs::create_directories(folder_.file("mixed"));
    ASSERT_TRUE(cv::imwrite(folder_.file("mixed/" + name), scene(cv::Rect(0, 0, width, height)).clone()));
    const std::string comma = i > 0 ? ", " : "";
    images += comma + coco_image(10 * i + 7, name, width, height);
    boxes += comma + coco_box(i + 1, 10 * i + 7, i % 10 + 1,
                              "1, 2, " + std::to_string(width / 2) + ", " + std::to_string(height / 2));
  }
  const std::string file = folder_.write("mixed.json", coco(images, boxes));
  std::vector<std::string> more = {"--set", "val_evaluator.outfile_prefix=mixed_val"};
  for (const std::string loader : {"train", "val"}) {
    more.insert(more.end(), {"--set", loader + "_dataloader.dataset.ann_file=" + file, "--set",
                             loader + "_dataloader.dataset.data_prefix.img=" + folder_.file("mixed")});
  }
  const auto run = train(eight_hooks(), more);
  ASSERT_EQ(run.exit_code, 0) << run.err;

  // Every detection lies in its own picture, in px of that picture.
  simdjson::dom::parser parser;
  size_t detections = 0;
  for (const simdjson::dom::element detection : parser.load(folder_.file("mixed_val.bbox.json"))) {
    const auto [width, height] = sizes[static_cast<size_t>((int64_t{detection["image_id"]} - 7) / 10)];
    const auto box = [&](size_t i) { return double{detection["bbox"].at(i)}; };
    EXPECT_TRUE(box(0) >= 0 && box(1) >= 0 && box(0) + box(2) <= width + 1e-3 &&
                box(1) + box(3) <= height + 1e-3)
        << simdjson::minify(detection);
    ++detections;
  }
  EXPECT_GT(detections, 0u);
}

TEST_F(DetectionRun, PredictsAndEvaluatesWhatItWrote) {
  // Long enough for boxes that hit something: zeros would be equal for nothing.
  const auto run = train("", {"--set", "train_cfg.max_epochs=40", "--set", "train_cfg.val_interval=40",
                              "--set", "train_dataloader.dataset.pipeline=[]"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto val = grapnel({"val", folder_.file("run.toml"), "--checkpoint", "run/epoch_40.pth", "--work-dir",
                            "val_run", "--set", "val_evaluator.outfile_prefix=scenes"});
  ASSERT_EQ(val.exit_code, 0) << val.err;
  // COCO's numbers of the results file are those of the evaluation that wrote it.
  const auto evaluated = grapnel({"coco-eval", set() + "/annotations/val.json", "scenes.bbox.json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_THAT(scalars(scalars_file("val_run"), "coco/bbox_mAP_50"), ElementsAre(Gt(0.0)));
  EXPECT_EQ(val.out.compare(0, evaluated.out.size(), evaluated.out), 0) << val.out << evaluated.out;

  const auto predicted =
      grapnel({"predict", folder_.file("run.toml"), "--checkpoint", "run/epoch_40.pth", "--out", "drawn",
               "--score", "0.0001", set() + "/val/000001.jpg", set() + "/val/000002.jpg"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  const cv::Mat plain = cv::imread(set() + "/val/000002.jpg"),
                drawn = cv::imread(folder_.file("drawn/000002.jpg"));
  ASSERT_EQ(drawn.cols % plain.cols, 0) << "a small picture is drawn at a multiple of its size";
  ASSERT_EQ(drawn.size(), plain.size() * (drawn.cols / plain.cols));
  cv::Mat enlarged;
  cv::resize(plain, enlarged, drawn.size(), 0, 0, cv::INTER_CUBIC);
  EXPECT_GT(cv::norm(drawn, enlarged, cv::NORM_INF), 60) << "no box was drawn";
  simdjson::dom::parser parser;
  const simdjson::dom::array results = parser.load(folder_.file("drawn/results.json"));
  ASSERT_GT(results.size(), 0u);
  for (const simdjson::dom::element detection : results) {
    EXPECT_TRUE(int64_t{detection["image_id"]} == 1 || int64_t{detection["image_id"]} == 2);
  }
  EXPECT_EQ(grapnel({"predict", folder_.file("run.toml"), "--checkpoint", "run/epoch_40.pth", "--out", "no",
                     "gone.jpg"})
                .exit_code,
            1);
}

// The blocks of code under a heading of the README.
std::vector<std::string> readme_blocks(const std::string& heading) {
  const std::string readme = read_file(GRAPNEL_SOURCE_DIR "/README.md");
  const size_t begin = readme.find("## " + heading + "\n");
  std::istringstream lines(readme.substr(begin, readme.find("\n## ", begin) - begin));
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, 3, "```") == 0) {
      inside = !inside;
      if (inside) blocks.emplace_back();
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

// What the README says, word for word, in a folder that only has links to the checkout.
TEST_F(DetectionRun, RunsTheReadmesHookFromOutsideTheBuildTree) {
  const auto blocks = readme_blocks("A hook");
  ASSERT_EQ(blocks.size(), 4u);  // the source, how to compile it, the config, how to run it
  for (const char* room : {"sdk", "host", "cmake"}) {
    fs::create_directory_symlink(std::string(GRAPNEL_SOURCE_DIR "/") + room, folder_.file(room));
  }
  fs::create_directory_symlink(GRAPNEL_BUILD_DIR, folder_.file("build"));
  folder_.write("loss_watcher.cpp", blocks[0]);
  const std::string config = folder_.write("my_run.toml", blocks[2]);
  CommandOptions options;
  options.folder = folder_.path();
  const auto compiled = run_command({"bash", "-e", "-c", blocks[1]}, options);
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  ASSERT_TRUE(fs::exists(folder_.file("my_hooks/LossWatcher.so")));
  const auto next_steps = readme_blocks("Write your own");
  ASSERT_EQ(next_steps.size(), 1u);
  const auto written_and_checked = run_command({"bash", "-e", "-c", next_steps[0]}, options);
  ASSERT_EQ(written_and_checked.exit_code, 0) << written_and_checked.out << written_and_checked.err;
  EXPECT_TRUE(fs::exists(folder_.file("StepCounter/StepCounter.c")));
  EXPECT_THAT(written_and_checked.out, HasSubstr(" 0 failed"));

  // Nobody names this one.
  folder_.write("my_hooks/Broken.so", "this is no shared library\n");
  std::string line = blocks[3];
  line.erase(line.find_last_not_of('\n') + 1);
  const auto run = run_command({"bash", "-c",
                                line + " --set train_cfg.max_epochs=1 --set "
                                       "train_dataloader.dataset.max_samples=512"},
                               options);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("[LossWatcher] loss "), HasSubstr("after_train_iter: "), HasSubstr("WARNING")));
  EXPECT_THAT(run.out, HasSubstr("LossWatcher")) << "in the table of times";

  const auto broken = grapnel({"config", "check", config, "--set", "custom_hooks.0.type=Broken"});
  EXPECT_EQ(broken.exit_code, 2) << broken.err;
  EXPECT_THAT(broken.err, HasSubstr("Broken.so"));
  EXPECT_EQ(grapnel({"config", "check", config}).exit_code, 0);
  const auto wrong_digest =
      grapnel({"config", "check", config, "--set", "custom_hooks.0.sha256=" + std::string(64, 'a')});
  EXPECT_EQ(wrong_digest.exit_code, 2) << wrong_digest.err;
  EXPECT_THAT(wrong_digest.err, AllOf(HasSubstr("SHA-256"), HasSubstr("LossWatcher")));
}

}  // namespace
}  // namespace grapnel::test
