// The detection dataset: what it accepts, what it refuses and how it says so, and that a sample depends on
// its key and the dataset's settings alone.
#include "tasks/detection/data/coco_dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "tasks/detection/data/picture_file.hpp"

namespace grapnel::detection::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Sizes = std::vector<cv::Size>;

const Sizes kMixedSizes = {{200, 120}, {90, 180}, {64, 64}, {333, 77}, {160, 160}, {40, 51}};

const char* const kYoloxPipeline = R"([
  { type = "Mosaic", img_scale = [96, 96] },
  { type = "RandomAffine", scaling_ratio_range = [0.5, 1.5], border = [-48, -48] },
  { type = "MixUp", img_scale = [96, 96], ratio_range = [0.8, 1.6], pad_val = 114.0 },
  { type = "YOLOXHSVRandomAug" },
  { type = "RandomFlip", prob = 0.5 },
  { type = "Resize", scale = [96, 96], keep_ratio = true },
  { type = "Pad", pad_to_square = true, pad_val = { img = [114.0, 114.0, 114.0] } },
  { type = "FilterAnnotations", min_gt_bbox_wh = [1, 1], keep_empty = false },
  { type = "PackDetInputs" },
])";

class CocoDatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("grapnel_coco_dataset_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "images");
    for (size_t i = 0; i < kMixedSizes.size(); ++i) {
      cv::Mat image(kMixedSizes[i], CV_8UC3);
      cv::randu(image, cv::Scalar::all(0), cv::Scalar::all(255));
      cv::blur(image, image, {5, 5});
      cv::imwrite((folder_ / "images" / file_name(i)).string(), image);
    }
    annotations_ = annotations_json();
    write_annotations(annotations_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string file_name(size_t i) { return std::to_string(i) + (i % 2 ? ".png" : ".jpg"); }

  // Odd ids, keys in an unusual order, category ids with gaps, a crowd, one picture without annotations.
  static std::string annotations_json() {
    return R"({"annotations": [
      {"bbox": [10, 20, 50, 40], "category_id": 90, "image_id": 1000, "id": 7,
       "segmentation": [[1, 2, 3, 4]]},
      {"bbox": [0, 0, 90, 180.0], "category_id": 4, "image_id": 17, "id": 3, "iscrowd": 0},
      {"bbox": [5, 5, 60, 60], "category_id": 4, "image_id": 17, "id": 4, "iscrowd": 1},
      {"bbox": [30, 30, 30, 30], "category_id": 12, "image_id": 3, "id": 900000000000},
      {"bbox": [100.5, 10.25, 200, 50], "category_id": 4, "image_id": -2, "id": 8},
      {"bbox": [20, 20, 30, 30], "category_id": 90, "image_id": 50, "id": 9}],
      "info": {"year": 2026},
      "categories": [{"name": "dog", "id": 90}, {"name": "cat", "id": 4}, {"name": "bird", "id": 12}],
      "images": [
      {"height": 120, "file_name": "0.jpg", "width": 200, "id": 1000},
      {"height": 180, "file_name": "1.png", "width": 90, "id": 17},
      {"height": 64, "file_name": "2.jpg", "width": 64, "id": 3},
      {"height": 77, "file_name": "3.png", "width": 333, "id": -2},
      {"file_name": "4.jpg", "id": 50},
      {"height": 51, "file_name": "5.png", "width": 40, "id": 51}]})";
  }

  void write_annotations(const std::string& text) const { std::ofstream(folder_ / "a.json") << text; }

  // annotations_ with the first occurrence of `from` replaced.
  void edit_annotations(const std::string& from, const std::string& to) const {
    std::string text = annotations_;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_annotations(text.replace(at, from.size(), to));
  }

  std::unique_ptr<CocoDataset> make(const std::string& more = "") const {
    return make_from("data_root = \"" + folder_.string() + "\"\nann_file = \"a.json\"\n" +
                     "data_prefix = { img = \"images/\" }\n" + more);
  }
  static std::unique_ptr<CocoDataset> make_from(const std::string& toml) {
    const ConfigNode table = parse_toml(toml, "test.toml");
    return std::make_unique<CocoDataset>(table, "train_dataloader.dataset", CocoDataset::Size{96, 96});
  }

  std::string refusal(FailureKind kind, const std::string& more = "") const {
    try {
      make(more);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), kind) << failure.what();
      return failure.what();
    }
    return "accepted";
  }
  std::string refusal_of_data() const { return refusal(FailureKind::kRun); }

  static std::unique_ptr<DetectionSample> sample(const CocoDataset& dataset, int64_t index,
                                                 int64_t position = 0, int64_t epoch = 0, uint64_t seed = 0) {
    auto made = dataset.get({seed, epoch, position, index});
    return std::unique_ptr<DetectionSample>(static_cast<DetectionSample*>(made.release()));
  }

  static bool same(const DetectionSample& a, const DetectionSample& b) {
    if (a.image.size() != b.image.size() || cv::norm(a.image, b.image, cv::NORM_INF) != 0) return false;
    if (a.boxes.size() != b.boxes.size() || a.image_id != b.image_id) return false;
    for (size_t i = 0; i < a.boxes.size(); ++i) {
      if (std::memcmp(&a.boxes[i], &b.boxes[i], sizeof a.boxes[i]) != 0) return false;
    }
    return true;
  }

  fs::path folder_;
  std::string annotations_;
};

TEST_F(CocoDatasetTest, ReadsAnyCocoFile) {
  const auto dataset = make();
  EXPECT_EQ(dataset->size(), 6);
  EXPECT_THAT(dataset->meta().classes, ElementsAre("cat", "bird", "dog"));  // by ascending category id
  EXPECT_THAT(dataset->category_ids(), ElementsAre(4, 12, 90));
  EXPECT_THAT(dataset->image_ids(), ElementsAre(1000, 17, 3, -2, 50, 51));
  EXPECT_EQ(dataset->meta().label_min, 0);
  EXPECT_EQ(dataset->meta().label_max, 2);
  EXPECT_EQ(dataset->meta().config_key, "train_dataloader.dataset");
  EXPECT_EQ(dataset->meta().ann_file, (folder_ / "a.json").string());
  EXPECT_FALSE(dataset->meta().classes_given_as_string);
  EXPECT_EQ(sample(*dataset, 1)->boxes.size(), 1u) << "a crowd is no training target";
  EXPECT_TRUE(sample(*dataset, 5)->boxes.empty());
}

TEST_F(CocoDatasetTest, LetterboxesMixedSizesAndKeepsTheWayBack) {
  const auto dataset = make("pipeline = [{ type = \"Resize\", scale = [96, 64], keep_ratio = true }]");
  EXPECT_EQ(dataset->output_size().width_px, 96);
  EXPECT_EQ(dataset->output_size().height_px, 64);
  const float originals[4][4] = {
      {10, 20, 60, 60}, {0, 0, 90, 180}, {30, 30, 60, 60}, {100.5f, 10.25f, 300.5f, 60.25f}};
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const auto one = sample(*dataset, i);
    ASSERT_EQ(one->image.size(), cv::Size(96, 64));
    EXPECT_EQ(one->original_width_px, kMixedSizes[static_cast<size_t>(i)].width);
    EXPECT_EQ(one->original_height_px, kMixedSizes[static_cast<size_t>(i)].height);
    EXPECT_NEAR(one->scale_x / one->scale_y, 1, 0.05);
    if (i >= 4) continue;
    ASSERT_EQ(one->boxes.size(), 1u);
    EXPECT_NEAR(one->boxes[0].x1 / one->scale_x, originals[i][0], 1e-3);
    EXPECT_NEAR(one->boxes[0].y1 / one->scale_y, originals[i][1], 1e-3);
    EXPECT_NEAR(one->boxes[0].x2 / one->scale_x, originals[i][2], 1e-3);
    EXPECT_NEAR(one->boxes[0].y2 / one->scale_y, originals[i][3], 1e-3);
  }
  const cv::Mat tall = sample(*dataset, 1)->image;  // 90 x 180 becomes 32 x 64
  EXPECT_EQ(tall.at<cv::Vec3b>(63, 32), cv::Vec3b(114, 114, 114));
  EXPECT_EQ(tall.at<cv::Vec3b>(0, 95), cv::Vec3b(114, 114, 114));
}

TEST_F(CocoDatasetTest, UsesTheFallbackSizeWhenThePipelineNamesNone) {
  const auto dataset = make();
  for (int64_t i = 0; i < dataset->size(); ++i)
    EXPECT_EQ(sample(*dataset, i)->image.size(), cv::Size(96, 96));
}

TEST_F(CocoDatasetTest, RoundsTheOutputSizeUpToAMultipleOf32) {
  const auto dataset = make("pipeline = [{ type = \"Resize\", scale = [100, 50], keep_ratio = true }]");
  EXPECT_EQ(sample(*dataset, 0)->image.size(), cv::Size(128, 64));
  EXPECT_NEAR(sample(*dataset, 0)->scale_x, 50.0 / 120, 0.01) << "padded, not enlarged";
}

TEST_F(CocoDatasetTest, TakesLabelsInTheOrderOfTheConfiguredClasses) {
  const auto dataset = make("metainfo = { classes = [\"dog\", \"cat\"] }");
  EXPECT_THAT(dataset->category_ids(), ElementsAre(90, 4));
  EXPECT_EQ(sample(*dataset, 0)->boxes.at(0).label, 0);
  EXPECT_EQ(sample(*dataset, 1)->boxes.at(0).label, 1);
  EXPECT_TRUE(sample(*dataset, 2)->boxes.empty()) << "birds are not among the classes";
  EXPECT_EQ(dataset->meta().label_max, 1);
}

TEST_F(CocoDatasetTest, FlagsClassesGivenAsOneString) {
  for (const char* text : {"metainfo = { classes = \"cat\" }", "classes = \"cat, dog\""}) {
    const auto dataset = make(text);
    EXPECT_TRUE(dataset->meta().classes_given_as_string);
    EXPECT_EQ(dataset->meta().classes.size(), 1u);
  }
}

TEST_F(CocoDatasetTest, FiltersAsFilterCfgSaysButNotInTestMode) {
  EXPECT_THAT(make("filter_cfg = { filter_empty_gt = true, min_size = 32 }")->image_ids(),
              ElementsAre(1000, 17, 3, -2, 50));
  EXPECT_THAT(make("filter_cfg = { filter_empty_gt = true, min_size = 78 }")->image_ids(),
              ElementsAre(1000, 17, 50));
  EXPECT_EQ(make("test_mode = true\nfilter_cfg = { filter_empty_gt = true, min_size = 78 }")->size(), 6);
  write_annotations(R"({"images": [{"id": 1, "file_name": "4.jpg"}], "annotations": [],
                        "categories": [{"id": 1, "name": "a"}]})");
  EXPECT_THAT(refusal(FailureKind::kRun, "filter_cfg = { filter_empty_gt = true }"),
              HasSubstr("no pictures left"));
}

TEST_F(CocoDatasetTest, RefusesBrokenAnnotationFiles) {
  write_annotations(annotations_.substr(0, annotations_.size() / 2));
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("broken JSON"), HasSubstr("a.json")));
  write_annotations("");
  EXPECT_THAT(refusal_of_data(), HasSubstr("an empty file"));
  write_annotations("[]");
  EXPECT_THAT(refusal_of_data(), HasSubstr("no COCO annotation file"));
  write_annotations(R"({"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}]})");
  EXPECT_THAT(refusal_of_data(), HasSubstr("no images"));
  write_annotations(R"({"annotations": [], "categories": [{"id": 1, "name": "a"}]})");
  EXPECT_THAT(refusal_of_data(), HasSubstr("no images"));
  write_annotations(R"({"images": [{"id": 1, "file_name": "0.jpg"}], "annotations": []})");
  EXPECT_THAT(refusal_of_data(), HasSubstr("no categories"));
  write_annotations(
      R"({"images": [{"id": 1, "file_name": "0.jpg"}], "categories": [{"id": 1, "name": "a"}]})");
  EXPECT_THAT(refusal_of_data(), HasSubstr("no annotations"));
  fs::remove(folder_ / "a.json");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("a.json"), HasSubstr("No such file")));
  fs::create_directories(folder_ / "a.json");
  EXPECT_THAT(refusal_of_data(), HasSubstr("no regular file"));
}

TEST_F(CocoDatasetTest, RefusesWrongEntriesNamingThem) {
  edit_annotations("\"category_id\": 12", "\"category_id\": 13");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("unknown category"),
                                       HasSubstr("annotations[3] (id 900000000000)"), HasSubstr("got 13")));
  edit_annotations("\"image_id\": -2", "\"image_id\": 99");
  EXPECT_THAT(refusal_of_data(),
              AllOf(HasSubstr("unknown image id"), HasSubstr("annotations[4]"), HasSubstr("99")));
  edit_annotations("[10, 20, 50, 40]", "[10, 20, -50, 40]");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("negative box"), HasSubstr("annotations[0] (id 7)"),
                                       HasSubstr("[10, 20, -50, 40]")));
  edit_annotations("[10, 20, 50, 40]", "[10, 20, 50, 0]");
  EXPECT_THAT(refusal_of_data(), HasSubstr("empty box"));
  edit_annotations("[10, 20, 50, 40]", "[10, 20, 50]");
  EXPECT_THAT(refusal_of_data(), HasSubstr("four finite numbers"));
  edit_annotations("[10, 20, 50, 40]", "[10, 20, 50, null]");
  EXPECT_THAT(refusal_of_data(), HasSubstr("four finite numbers"));
  edit_annotations("[10, 20, 50, 40]", "[10, 20, 50, NaN]");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("broken JSON"), HasSubstr("NaN")));
  edit_annotations("\"id\": 3", "\"id\": 7");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("duplicate annotation id"), HasSubstr("7")));
  edit_annotations("\"width\": 200, \"id\": 1000", "\"width\": 200, \"id\": 17");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("duplicate image id"), HasSubstr("images[1]")));
  edit_annotations("\"id\": 4}", "\"id\": 90}");
  EXPECT_THAT(refusal_of_data(), HasSubstr("duplicate category id"));
  edit_annotations("\"name\": \"cat\"", "\"name\": \"dog\"");
  EXPECT_THAT(refusal_of_data(), HasSubstr("duplicate category name"));
  edit_annotations("\"image_id\": 1000", "\"image_id\": \"1000\"");
  EXPECT_THAT(refusal_of_data(), AllOf(HasSubstr("wrong \"image_id\""), HasSubstr("an integer")));
  edit_annotations("\"file_name\": \"0.jpg\", ", "");
  EXPECT_THAT(refusal_of_data(),
              AllOf(HasSubstr("missing key \"file_name\""), HasSubstr("images[0] (id 1000)")));
}

TEST_F(CocoDatasetTest, DropsInvalidBoxesWhenTold) {
  edit_annotations("[10, 20, 50, 40]", "[10, 20, 50, 0]");
  const auto dataset = make("invalid_boxes = \"drop\"");
  EXPECT_TRUE(sample(*dataset, 0)->boxes.empty());
  EXPECT_EQ(dataset->annotations().dropped_boxes, 1);
  EXPECT_EQ(dataset->annotations().annotations.size(), 6u) << "evaluation counts it, as pycocotools does";
}

TEST_F(CocoDatasetTest, NamesTheFirstMissingPictureAndTheirNumber) {
  fs::remove(folder_ / "images" / "2.jpg");
  fs::remove(folder_ / "images" / "4.jpg");
  EXPECT_THAT(refusal_of_data(),
              AllOf(HasSubstr("missing picture"), HasSubstr("2.jpg"), HasSubstr("2 of 6")));
}

TEST_F(CocoDatasetTest, NamesADamagedPictureWhenItIsAskedFor) {
  const auto refusal_for = [&](int64_t index) {
    const auto dataset = make();
    try {
      sample(*dataset, index);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kRun);
      return std::string(failure.what());
    }
    return std::string("accepted");
  };
  const fs::path jpeg = folder_ / "images" / "0.jpg";
  const fs::path png = folder_ / "images" / "1.png";
  fs::resize_file(jpeg, fs::file_size(jpeg) / 2);
  EXPECT_THAT(refusal_for(0), AllOf(HasSubstr("0.jpg"), HasSubstr("truncated JPEG")));
  fs::resize_file(jpeg, 0);
  EXPECT_THAT(refusal_for(0), AllOf(HasSubstr("0.jpg"), HasSubstr("zero bytes")));
  std::ofstream(jpeg) << "this is no picture";
  EXPECT_THAT(refusal_for(0), AllOf(HasSubstr("0.jpg"), HasSubstr("cannot decode")));
  fs::resize_file(png, fs::file_size(png) - 20);
  EXPECT_THAT(refusal_for(1), AllOf(HasSubstr("1.png"), HasSubstr("truncated PNG")));
  cv::imwrite(png.string(), cv::Mat(50, 60, CV_8UC3, cv::Scalar::all(9)));
  EXPECT_THAT(refusal_for(1), AllOf(HasSubstr("1.png"), HasSubstr("60 x 50"), HasSubstr("90 x 180")));
}

// The bytes of a JPEG with `segment` (an APP1 payload) put behind its start marker.
std::vector<uint8_t> jpeg_with_segment(const std::vector<uint8_t>& jpeg,
                                       const std::vector<uint8_t>& segment) {
  std::vector<uint8_t> bytes(jpeg.begin(), jpeg.begin() + 2);
  const size_t length = segment.size() + 2;
  bytes.insert(bytes.end(),
               {0xFF, 0xE1, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length & 255)});
  bytes.insert(bytes.end(), segment.begin(), segment.end());
  bytes.insert(bytes.end(), jpeg.begin() + 2, jpeg.end());
  return bytes;
}

TEST(PictureFile, FindsTheEndOfThePictureAndNotOfItsThumbnail) {
  cv::Mat image(90, 120, CV_8UC3);
  cv::randu(image, cv::Scalar::all(0), cv::Scalar::all(255));
  for (const int progressive : {0, 1}) {
    std::vector<uint8_t> jpeg;
    cv::imencode(".jpg", image, jpeg,
                 {cv::IMWRITE_JPEG_PROGRESSIVE, progressive, cv::IMWRITE_JPEG_RST_INTERVAL, 4});
    std::vector<uint8_t> thumbnail;
    cv::imencode(".jpg", image(cv::Rect(0, 0, 8, 8)), thumbnail);
    std::vector<uint8_t> whole = jpeg_with_segment(jpeg, thumbnail);
    EXPECT_EQ(find_truncation(whole.data(), whole.size()), "");
    for (size_t cut = 1; cut < whole.size(); cut += 97) {
      EXPECT_NE(find_truncation(whole.data(), whole.size() - cut), "") << cut << " bytes cut off";
    }
    whole.insert(whole.end(), {0, 1, 2, 3});
    EXPECT_EQ(find_truncation(whole.data(), whole.size()), "") << "bytes after the end are legal";
  }
}

TEST(PictureFile, TurnsAsExifSaysUnlessTheAnnotationsDoNot) {
  std::vector<uint8_t> jpeg;
  cv::imencode(".jpg", cv::Mat(60, 100, CV_8UC3, cv::Scalar::all(90)), jpeg);
  // A TIFF header and one directory entry: orientation (0x0112) = 6, a quarter turn.
  const std::vector<uint8_t> exif = {'E',  'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                     0x01, 0x12, 0,   3,   0, 0, 0,   1,   0, 6,  0, 0, 0, 0, 0, 0};
  const std::vector<uint8_t> turned = jpeg_with_segment(jpeg, exif);
  const fs::path path = fs::temp_directory_path() / ("grapnel_exif_" + std::to_string(getpid()) + ".jpg");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(turned.data()), static_cast<std::streamsize>(turned.size()));
  EXPECT_EQ(read_picture(path.string()).size(), cv::Size(60, 100));
  EXPECT_EQ(read_picture(path.string(), 60, 100).size(), cv::Size(60, 100));
  EXPECT_EQ(read_picture(path.string(), 100, 60).size(), cv::Size(100, 60));
  EXPECT_THROW(read_picture(path.string(), 100, 100), Failure);
  fs::remove(path);
}

TEST_F(CocoDatasetTest, NamesAClassThatIsNoCategory) {
  EXPECT_THAT(refusal(FailureKind::kRun, "metainfo = { classes = [\"cat\", \"brid\"] }"),
              AllOf(HasSubstr("\"brid\""), HasSubstr("cat, bird, dog"), HasSubstr("did you mean \"bird\"?")));
}

TEST_F(CocoDatasetTest, RefusesWrongTablesNamingTheKey) {
  EXPECT_THAT(refusal(FailureKind::kConfig, "anotation = 1"), HasSubstr("anotation"));
  EXPECT_THAT(refusal(FailureKind::kConfig, "pipeline = [{ type = \"Mosiac\" }]"), HasSubstr("Mosaic"));
  EXPECT_THAT(refusal(FailureKind::kConfig, "pipeline = [{ type = \"Mosaic\", img_size = 5 }]"),
              AllOf(HasSubstr("test.toml:4"), HasSubstr("train_dataloader.dataset.pipeline.0")));
  EXPECT_THAT(refusal(FailureKind::kConfig, "pipeline = [{ type = \"RandomFlip\", prob = 2.0 }]"),
              HasSubstr("prob"));
  EXPECT_THAT(refusal(FailureKind::kConfig, "pipeline = { type = \"RandomFlip\" }"), HasSubstr("a list"));
  EXPECT_THAT(refusal(FailureKind::kConfig, "metainfo = { classes = [] }"), HasSubstr("no classes"));
  EXPECT_THAT(refusal(FailureKind::kConfig, "metainfo = { classes = [\"cat\", \"cat\"] }"),
              HasSubstr("duplicate"));
  EXPECT_THROW(make_from("data_root = \"x\""), Failure);
}

TEST_F(CocoDatasetTest, SampleDependsOnItsKeyAlone) {
  const std::string pipeline = "pipeline = " + std::string(kYoloxPipeline);
  const auto dataset = make(pipeline);
  const auto uncached = make(pipeline + "\ncache_mb = 0");
  const auto first = sample(*dataset, 2, 7, 3, 11);
  EXPECT_EQ(first->image.size(), cv::Size(96, 96));
  for (int64_t i = 0; i < 6; ++i) sample(*dataset, i, i);
  EXPECT_TRUE(same(*first, *sample(*dataset, 2, 7, 3, 11)));
  EXPECT_TRUE(same(*first, *sample(*uncached, 2, 7, 3, 11))) << "the cache changed a result";
  EXPECT_FALSE(same(*first, *sample(*dataset, 2, 8, 3, 11)));
  EXPECT_FALSE(same(*first, *sample(*dataset, 2, 7, 4, 11)));
  EXPECT_FALSE(same(*first, *sample(*dataset, 2, 7, 3, 12)));
}

TEST_F(CocoDatasetTest, GivesTheSameSamplesFromManyThreads) {
  const std::string pipeline = "pipeline = " + std::string(kYoloxPipeline);
  const auto alone = make(pipeline);
  const auto shared = make(pipeline);
  constexpr int kThreads = 4;
  constexpr int kSamples = 40;
  std::vector<std::unique_ptr<DetectionSample>> made(kSamples);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kSamples; i += kThreads) made[static_cast<size_t>(i)] = sample(*shared, i % 6, i);
    });
  }
  for (std::thread& one : threads) one.join();
  for (int i = 0; i < kSamples; ++i) {
    EXPECT_TRUE(same(*made[static_cast<size_t>(i)], *sample(*alone, i % 6, i))) << i;
  }
}

TEST_F(CocoDatasetTest, BoxesLieInsideOfThePicture) {
  const auto dataset = make("pipeline = " + std::string(kYoloxPipeline));
  size_t boxes = 0;
  for (int64_t i = 0; i < 200; ++i) {
    const auto made = sample(*dataset, i % 6, i);
    for (const LabelledBox& box : made->boxes) {
      ++boxes;
      EXPECT_GE(box.x1, 0);
      EXPECT_GE(box.y1, 0);
      EXPECT_LE(box.x2, 96);
      EXPECT_LE(box.y2, 96);
      EXPECT_GT(box.x2 - box.x1, 0);
      EXPECT_GT(box.y2 - box.y1, 0);
      EXPECT_GE(box.label, 0);
      EXPECT_LE(box.label, 2);
    }
  }
  EXPECT_GT(boxes, 200u);
}

TEST_F(CocoDatasetTest, SkipsTransformsByTypeAndCountsTheVersionUp) {
  const auto dataset = make("pipeline = " + std::string(kYoloxPipeline));
  const auto plain = make(R"(pipeline = [{ type = "YOLOXHSVRandomAug" }, { type = "RandomFlip", prob = 0.5 },
    { type = "Resize", scale = [96, 96], keep_ratio = true, rounding = "down" },
    { type = "Pad", pad_to_square = true }])");
  const auto before = sample(*dataset, 0, 5);
  const uint64_t version = dataset->version();
  EXPECT_EQ(before->version, version);
  dataset->set_skipped_types({"Mosaic", "RandomAffine", "MixUp", "NotInThePipeline"});
  EXPECT_GT(dataset->version(), version);
  EXPECT_EQ(sample(*dataset, 0, 5)->version, dataset->version());
  EXPECT_TRUE(same(*sample(*dataset, 0, 5), *sample(*plain, 0, 5)));
  for (const runner::TransformInfo& info : dataset->transforms()) {
    EXPECT_EQ(info.skipped, info.type == "Mosaic" || info.type == "RandomAffine" || info.type == "MixUp")
        << info.type;
  }
  dataset->set_skipped_types({});
  EXPECT_TRUE(same(*before, *sample(*dataset, 0, 5)));
}

TEST_F(CocoDatasetTest, ReplacesThePipelineOrKeepsTheOldOneWhenTheNewOneIsWrong) {
  const auto dataset = make("pipeline = " + std::string(kYoloxPipeline));
  const uint64_t version = dataset->version();
  const ConfigNode wrong = parse_json(R"([{"type": "Resize"}])");
  EXPECT_THROW(dataset->replace_pipeline(wrong), Failure);
  EXPECT_EQ(dataset->version(), version);
  EXPECT_EQ(dataset->transforms().size(), 9u);
  dataset->replace_pipeline(parse_json(R"([{"type": "Resize", "scale": [64, 32], "keep_ratio": false}])"));
  EXPECT_GT(dataset->version(), version);
  ASSERT_EQ(dataset->transforms().size(), 1u);
  EXPECT_EQ(sample(*dataset, 0)->image.size(), cv::Size(64, 32));
}

TEST_F(CocoDatasetTest, TakesMultiImageMixDatasetAndRunsItsInnerPipelineOnEveryPicture) {
  const std::string inner = "\n[dataset]\ntype = \"CocoDataset\"\ndata_root = \"" + folder_.string() +
                            "\"\nann_file = \"a.json\"\ndata_prefix = { img = \"images/\" }\n";
  const std::string outer = "type = \"MultiImageMixDataset\"\npipeline = " + std::string(kYoloxPipeline);
  const auto wrapped =
      make_from(outer + inner + R"(pipeline = [{ type = "LoadImageFromFile", backend_args = 0 },
    { type = "LoadAnnotations", with_bbox = true }])");
  const auto direct = make("pipeline = " + std::string(kYoloxPipeline));
  EXPECT_EQ(wrapped->transforms().size(), direct->transforms().size() + 2);
  EXPECT_EQ(wrapped->transforms().front().type, "LoadImageFromFile");
  EXPECT_TRUE(same(*sample(*wrapped, 1, 4), *sample(*direct, 1, 4)));

  // With every part mirrored, the mosaic is not the one of unmirrored parts.
  const auto mirrored = make_from(outer + inner + "pipeline = [{ type = \"RandomFlip\", prob = 1.0 }]");
  EXPECT_FALSE(same(*sample(*mirrored, 1, 4), *sample(*direct, 1, 4)));

  const auto skipping =
      make_from("type = \"MultiImageMixDataset\"\nskip_type_keys = [\"Mosaic\"]\npipeline = " +
                std::string(kYoloxPipeline) + inner);
  EXPECT_TRUE(skipping->transforms().front().skipped);
}

}  // namespace
}  // namespace grapnel::detection::data
