// Fashion scenes and the IDX reader below them, on a small made-up picture set and, where Debian's package is
// installed, on the real one.
#include "tasks/detection/data/fashion_scenes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "core/failure.hpp"
#include "tasks/detection/data/coco_annotations.hpp"
#include "tasks/detection/data/picture_file.hpp"
#include "tasks/detection/data/scene_painter.hpp"
#include "tasks/idx_file.hpp"

namespace grapnel::detection::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

void write_gz(const fs::path& path, const std::vector<uint8_t>& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  gzclose(file);
}

std::vector<uint8_t> idx_bytes(const std::vector<uint32_t>& shape, const std::vector<uint8_t>& data) {
  std::vector<uint8_t> bytes = {0, 0, 8, static_cast<uint8_t>(shape.size())};
  for (const uint32_t n : shape) {
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(n >> shift));
  }
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

class FashionScenes : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("grapnel_scenes_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "idx");
    for (const char* part : {"train", "t10k"}) write_part(part);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Twenty discs and bars of different sizes, two a class.
  void write_part(const std::string& part) const {
    std::vector<uint8_t> pixels;
    std::vector<uint8_t> labels;
    for (int n = 0; n < 20; ++n) {
      labels.push_back(static_cast<uint8_t>(n % 10));
      for (int y = 0; y < 28; ++y) {
        for (int x = 0; x < 28; ++x) {
          const bool inside = n % 2 ? (x - 14) * (x - 14) + (y - 14) * (y - 14) < (5 + n / 3) * (5 + n / 3)
                                    : std::abs(x - 14) < 4 + n / 4 && std::abs(y - 14) < 12;
          pixels.push_back(inside ? static_cast<uint8_t>(120 + n * 5) : 0);
        }
      }
    }
    write_gz(folder_ / "idx" / (part + "-images-idx3-ubyte.gz"), idx_bytes({20, 28, 28}, pixels));
    write_gz(folder_ / "idx" / (part + "-labels-idx1-ubyte.gz"), idx_bytes({20}, labels));
  }

  FashionScenesOptions options(const std::string& name) const {
    FashionScenesOptions made;
    made.out = (folder_ / name).string();
    made.train = 12;
    made.val = 5;
    made.source = (folder_ / "idx").string();
    return made;
  }

  static std::map<std::string, std::string> contents(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::stringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      files[fs::relative(entry.path(), folder).string()] = text.str();
    }
    return files;
  }

  std::set<std::string> names_in_folder() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.insert(entry.path().filename().string());
    return names;
  }

  fs::path folder_;
};

TEST_F(FashionScenes, SameSeedGivesSameBytesWhateverTheThreads) {
  FashionScenesOptions one = options("one");
  one.threads = 1;
  FashionScenesOptions four = options("four");
  four.threads = 4;
  FashionScenesOptions other = options("other");
  other.seed = 1;
  for (const auto& each : {one, four, other}) write_fashion_scenes(each);
  const auto files = contents(folder_ / "one");
  EXPECT_EQ(files.size(), 12u + 5 + 2 + 1);
  EXPECT_EQ(files, contents(folder_ / "four"));
  EXPECT_NE(files.at("train/000001.jpg"), contents(folder_ / "other").at("train/000001.jpg"));
  EXPECT_NE(files.at("train/000001.jpg"), files.at("train/000002.jpg"));
  EXPECT_NE(files.at("train/000001.jpg"), files.at("val/000001.jpg"));
}

TEST_F(FashionScenes, WritesACocoSetThatItsOwnReaderTakes) {
  FashionScenesOptions made = options("set");
  made.size_px = 200;
  int64_t last = 0;
  made.progress = [&](int64_t done, int64_t all) {
    EXPECT_EQ(done, last + 1);
    EXPECT_EQ(all, 17);
    last = done;
  };
  write_fashion_scenes(made);
  EXPECT_EQ(last, 17);
  const CocoAnnotations train = read_coco_annotations(made.out + "/annotations/train.json");
  const CocoAnnotations val = read_coco_annotations(made.out + "/annotations/val.json");
  EXPECT_EQ(train.images.size(), 12u);
  EXPECT_EQ(val.images.size(), 5u);
  EXPECT_EQ(train.categories.size(), 10u);
  std::map<int64_t, int> items;
  for (const CocoAnnotation& one : train.annotations) ++items[one.image_id];
  EXPECT_EQ(items.size(), 12u);
  for (const auto& [image, count] : items) {
    EXPECT_GE(count, 2);
    EXPECT_LE(count, 8);
  }
  for (const CocoImage& image : train.images) {
    EXPECT_EQ(read_picture(made.out + "/train/" + image.file_name, 200, 200).cols, 200);
  }
}

TEST_F(FashionScenes, BoxesAreTightAroundTheVisiblePixels) {
  const IdxPictures source = read_idx_pictures((folder_ / "idx").string(), "train", 10);
  int overlapping = 0;
  for (int64_t n = 0; n < 200; ++n) {
    CounterRng rng(3, 0, n, CounterRng::Purpose::kTest);
    const Scene scene = paint_scene(source, 160, rng);
    ASSERT_GE(scene.items.size(), 2u);
    ASSERT_LE(scene.items.size(), 8u);
    for (size_t i = 0; i < scene.items.size(); ++i) {
      cv::Rect seen;
      int count = 0;
      for (int y = 0; y < 160; ++y) {
        for (int x = 0; x < 160; ++x) {
          if (scene.owner.at<int>(y, x) != static_cast<int>(i)) continue;
          seen = count++ ? seen | cv::Rect(x, y, 1, 1) : cv::Rect(x, y, 1, 1);
        }
      }
      EXPECT_EQ(scene.items[i].box_px, seen);
      EXPECT_EQ(scene.items[i].visible_px, count);
      for (size_t j = 0; j < i; ++j) {
        const int shared = (scene.items[i].box_px & scene.items[j].box_px).area();
        overlapping += shared > 0;
        EXPECT_LE(shared, 0.2 * std::min(scene.items[i].box_px.area(), scene.items[j].box_px.area()) + 1);
      }
    }
  }
  EXPECT_GT(overlapping, 0) << "a set without any overlap would test nothing";
}

TEST_F(FashionScenes, ReplacesItsOwnSetAndRefusesAnybodyElses) {
  write_fashion_scenes(options("set"));
  FashionScenesOptions smaller = options("set");
  smaller.train = 3;
  write_fashion_scenes(smaller);
  EXPECT_EQ(contents(folder_ / "set").size(), 3u + 5 + 2 + 1);

  std::ofstream(folder_ / "set" / "notes.txt") << "mine";
  EXPECT_THAT(message_of([&] { write_fashion_scenes(smaller); }), HasSubstr("notes.txt"));
  fs::create_directories(folder_ / "mine");
  std::ofstream(folder_ / "mine" / "photo.jpg") << "x";
  EXPECT_THAT(message_of([&] { write_fashion_scenes(options("mine")); }), HasSubstr("holds something else"));
  EXPECT_TRUE(fs::exists(folder_ / "mine" / "photo.jpg"));
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THAT(message_of([&] { write_fashion_scenes(options("file")); }), HasSubstr("no folder"));
}

TEST_F(FashionScenes, LeavesNothingBehindWhenItFails) {
  FashionScenesOptions broken = options("set");
  broken.progress = [](int64_t done, int64_t) {
    if (done == 4) throw Failure(FailureKind::kRun, {"disk full", "", "", "", ""});
  };
  EXPECT_THAT(message_of([&] { write_fashion_scenes(broken); }), HasSubstr("disk full"));
  EXPECT_EQ(names_in_folder(), std::set<std::string>{"idx"});

  write_fashion_scenes(options("set"));
  const auto before = contents(folder_ / "set");
  EXPECT_THAT(message_of([&] { write_fashion_scenes(broken); }), HasSubstr("disk full"));
  EXPECT_EQ(contents(folder_ / "set"), before);
}

TEST_F(FashionScenes, RefusesNumbersOutOfRange) {
  for (const auto& change : std::vector<std::function<void(FashionScenesOptions&)>>{
           [](auto& o) { o.train = 0; }, [](auto& o) { o.val = -1; }, [](auto& o) { o.size_px = 64; },
           [](auto& o) { o.size_px = 100000; }, [](auto& o) { o.out = ""; }}) {
    FashionScenesOptions wrong = options("set");
    change(wrong);
    try {
      write_fashion_scenes(wrong);
      FAIL() << "accepted";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    }
  }
  EXPECT_EQ(names_in_folder(), std::set<std::string>{"idx"});
}

TEST_F(FashionScenes, NamesTheIdxFileThatIsWrong) {
  const fs::path images = folder_ / "idx" / "t10k-images-idx3-ubyte.gz";
  const fs::path labels = folder_ / "idx" / "t10k-labels-idx1-ubyte.gz";
  const auto refusal = [&] { return message_of([&] { write_fashion_scenes(options("set")); }); };

  write_gz(labels, idx_bytes({19}, std::vector<uint8_t>(19)));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("do not belong together"), HasSubstr(labels.string())));
  write_gz(labels, idx_bytes({20}, std::vector<uint8_t>(20, 10)));
  EXPECT_THAT(refusal(), HasSubstr("wrong label"));
  write_gz(labels, idx_bytes({20}, std::vector<uint8_t>(10)));
  EXPECT_THAT(refusal(), HasSubstr("truncated IDX file"));
  write_gz(labels, idx_bytes({20}, std::vector<uint8_t>(21)));
  EXPECT_THAT(refusal(), HasSubstr("after the end"));
  write_part("t10k");
  write_gz(images, {1, 2, 3, 4, 5});
  EXPECT_THAT(refusal(), AllOf(HasSubstr("no IDX file"), HasSubstr(images.string())));
  write_part("t10k");
  fs::resize_file(images, fs::file_size(images) / 2);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("IDX file"), HasSubstr(images.string())));
  fs::remove(images);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("No such file"), HasSubstr(images.string())));
  EXPECT_EQ(names_in_folder(), std::set<std::string>{"idx"});
}

TEST_F(FashionScenes, ReadsTheRealSet) {
  const std::string real = FashionScenesOptions().source;
  if (!fs::exists(real)) GTEST_SKIP() << real << " is not installed";
  const IdxPictures train = read_idx_pictures(real, "train", 10);
  EXPECT_EQ(train.count, 60000);
  EXPECT_EQ(train.labels[0], 9);  // an ankle boot, as everybody's first Fashion-MNIST picture
  EXPECT_EQ(std::count(train.labels.begin(), train.labels.end(), 3), 6000);
  EXPECT_EQ(read_idx_pictures(real, "t10k", 10).count, 10000);
}

}  // namespace
}  // namespace grapnel::detection::data
