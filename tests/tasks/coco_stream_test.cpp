// The quick pass over COCO's files reads what the reader of whole documents reads, and leaves to it whatever
// is odd.
#include "tasks/detection/data/coco_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/failure.hpp"
#include "tasks/detection/data/coco_ids.hpp"

namespace grapnel::detection::data {
namespace {

namespace fs = std::filesystem;

const char* const kUsual = R"({"info": {"a": [1, {"images": 2}]}, "annotations": [
  {"segmentation": [[1.5, 2, 3, 4]], "id": 7, "bbox": [1, 2.5, 3e1, 4], "category_id": 5, "image_id": -3,
   "area": 60.25, "iscrowd": 1},
  {"image_id": 9, "category_id": 2, "bbox": [0, 0, 10, 20], "id": 2, "iscrowd": false, "other": {"id": 5}}],
  "categories": [{"id": 5, "name": "a", "supercategory": "x"}, {"name": "b \u00e9", "id": 2}],
  "images": [{"id": 9, "file_name": "x/9.jpg", "width": 30, "height": 20},
             {"file_name": "3.jpg", "id": -3}]})";

class CocoStream : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ =
        (fs::temp_directory_path() / ("grapnel_coco_stream_" + std::to_string(getpid()) + ".json")).string();
  }
  void TearDown() override { fs::remove(path_); }

  std::optional<CocoAnnotations> stream(const std::string& text, const CocoReadOptions& options = {}) const {
    std::ofstream(path_) << text;
    return stream_coco_annotations(path_, options);
  }
  // kUsual with the first occurrence of `from` replaced.
  std::optional<CocoAnnotations> edited(const std::string& from, const std::string& to,
                                        const CocoReadOptions& options = {}) const {
    std::string text = kUsual;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return stream(text.replace(at, from.size(), to), options);
  }

  std::string path_;
};

TEST_F(CocoStream, ReadsAUsualFile) {
  const auto read = stream(kUsual);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->images.size(), 2u);
  EXPECT_EQ(read->images[0].file_name, "x/9.jpg");
  EXPECT_EQ(read->images[0].width_px, 30);
  EXPECT_EQ(read->images[0].height_px, 20);
  EXPECT_EQ(read->images[1].id, -3);
  EXPECT_EQ(read->images[1].width_px, 0);
  ASSERT_EQ(read->categories.size(), 2u);
  EXPECT_EQ(read->categories[1].name, "b \u00e9");
  ASSERT_EQ(read->annotations.size(), 2u);
  EXPECT_EQ(read->annotations[0].id, 7);
  EXPECT_EQ(read->annotations[0].image_id, -3);
  EXPECT_EQ(read->annotations[0].bbox_xywh_px, (std::array<double, 4>{1, 2.5, 30, 4}));
  EXPECT_EQ(read->annotations[0].area_px2, 60.25);
  EXPECT_TRUE(read->annotations[0].iscrowd);
  EXPECT_EQ(read->annotations[1].area_px2, 200);
  EXPECT_FALSE(read->annotations[1].iscrowd);
}

// Each of these is legal to the other reader, or refused by it with a message.
TEST_F(CocoStream, GivesUpOnWhatIsOdd) {
  const std::pair<const char*, const char*> edits[] = {
      {"\"id\": 7", "\"id\": 7.0"},
      {"\"id\": 7", "\"id\": null"},
      {"\"id\": 7", "\"id\": 7, \"id\": 8"},
      {"\"id\": 7", "\"\\u0069d\": 7"},
      {"\"id\": 7", "\"id\": 2"},
      {"\"id\": 7", "\"id\": \"7\""},
      {"\"image_id\": -3", "\"image_id\": -4"},
      {"\"category_id\": 5", "\"category_id\": 6"},
      {"[1, 2.5, 3e1, 4]", "[1, 2.5, 3e1]"},
      {"[1, 2.5, 3e1, 4]", "[1, 2.5, 3e1, 4, 5]"},
      {"[1, 2.5, 3e1, 4]", "[1, 2.5, 3e1, 0]"},
      {"[1, 2.5, 3e1, 4]", "[1, 2.5, 3e1, NaN]"},
      {"\"bbox\": [1, 2.5, 3e1, 4],", ""},
      {"\"area\": 60.25", "\"area\": true"},
      {"\"iscrowd\": 1", "\"iscrowd\": 2"},
      {"\"file_name\": \"3.jpg\", ", ""},
      {"\"width\": 30", "\"width\": -30"},
      {"\"name\": \"a\"", "\"name\": \"b \\u00e9\""},
      {"\"images\": [{\"id\": 9", "\"pictures\": [{\"id\": 9"},
      {"{\"info\"", "[{\"info\""},
  };
  for (const auto& [from, to] : edits) EXPECT_FALSE(edited(from, to)) << from << " -> " << to;
  EXPECT_FALSE(stream(std::string(kUsual) + "}")) << "something follows";
  const std::string usual = kUsual;
  for (size_t cut = 1; cut < usual.size(); cut += 7) {
    EXPECT_FALSE(stream(usual.substr(0, usual.size() - cut))) << cut << " bytes cut off";
  }
  EXPECT_FALSE(stream(""));
  fs::remove(path_);
  EXPECT_FALSE(stream_coco_annotations(path_, {}));
}

TEST_F(CocoStream, GivesUpOnAMaskWithoutAreaSinceTheAreaIsTheMasks) {
  EXPECT_TRUE(edited("[[1.5, 2, 3, 4]]", "{\"size\": [2, 2], \"counts\": [1, 3]}"));
  std::string text = kUsual;
  text.replace(text.find("[[1.5, 2, 3, 4]]"), 16, "{\"size\": [2, 2], \"counts\": [1, 3]}");
  text.erase(text.find("\"area\": 60.25,"), 15);
  EXPECT_FALSE(stream(text));
  const CocoAnnotations read = read_coco_annotations(path_);
  EXPECT_EQ(read.annotations[0].area_px2, 3);
  EXPECT_EQ(read.annotations[0].bbox_xywh_px[2], 30) << "the file's own box stays";
}

TEST_F(CocoStream, TakesForEvaluationWhatCountsForNothing) {
  CocoReadOptions options;
  options.as_pycocotools = true;
  const auto empty = edited("[1, 2.5, 3e1, 4]", "[1, 2.5, 3e1, 0]", options);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->annotations.size(), 2u);
  EXPECT_TRUE(empty->annotations[0].is_empty());
  const auto unknown = edited("\"image_id\": -3", "\"image_id\": -4", options);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->annotations.size(), 1u);
  EXPECT_EQ(unknown->unknown_annotations, 1);
}

TEST_F(CocoStream, ReadsResults) {
  const auto read = [&](const std::string& text) {
    std::ofstream(path_) << text;
    return stream_coco_results(path_);
  };
  const auto usual =
      read(R"([{"bbox": [1, 2, 3.5, 4], "score": 1, "image_id": 4, "extra": [], "category_id": 2}])");
  ASSERT_TRUE(usual);
  ASSERT_EQ(usual->size(), 1u);
  EXPECT_EQ((*usual)[0].score, 1);
  EXPECT_EQ((*usual)[0].bbox_xywh_px[2], 3.5);
  EXPECT_TRUE(read("[]"));
  EXPECT_FALSE(read("{}"));
  EXPECT_FALSE(read(R"([{"bbox": [], "score": 1, "image_id": 4, "category_id": 2}])"));
  EXPECT_FALSE(read(R"([{"bbox": [1, 2, 3, 4], "image_id": 4, "category_id": 2}])"));
  EXPECT_FALSE(read(R"([{"bbox": [1, 2, 3, 4], "score": 1, "image_id": 4, "category_id": 2})"));
}

TEST(IdIndex, FindsIdsOfAnyKind) {
  const int64_t far = int64_t{1} << 62;
  for (const std::vector<int64_t>& ids : {std::vector<int64_t>{5, 3, -2, 900},
                                          std::vector<int64_t>{5, -far, far, 3}, std::vector<int64_t>{7}}) {
    const IdIndex index(ids);
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(index.find(ids[i]), static_cast<int64_t>(i));
    for (const int64_t absent : {int64_t{4}, int64_t{-3}, far - 1, -far - 1}) EXPECT_FALSE(index.has(absent));
  }
  EXPECT_FALSE(IdIndex(std::vector<int64_t>{}).has(0));
  EXPECT_EQ(IdIndex(std::vector<int64_t>{4, 4}).find(4), 0);
  EXPECT_EQ(IdIndex(std::vector<int64_t>{far, 1, far}).find(far), 0);
}

TEST(IdIndex, TellsDuplicates) {
  EXPECT_FALSE(has_duplicate({}));
  EXPECT_FALSE(has_duplicate({1, 2, 3}));
  EXPECT_FALSE(has_duplicate({3, -1, 2}));
  EXPECT_TRUE(has_duplicate({3, -1, 3}));
}

}  // namespace
}  // namespace grapnel::detection::data
