// JPEGs of every kind are decoded as OpenCV decodes them, in part as in whole, or left to OpenCV; damaged
// ones end in a message or a picture and never in anything else. Samples do not depend on the cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <jpeglib.h>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/philox.hpp"
#include "pattern_source.hpp"
#include "tasks/detection/data/coco_dataset.hpp"
#include "tasks/detection/data/picture_file.hpp"

namespace grapnel::detection::data {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

struct Kind {
  const char* name;
  J_COLOR_SPACE colours = JCS_YCbCr;
  int h = 2;  // sampling of the first component
  int v = 2;
  bool progressive = false;
  bool arithmetic = false;
  int restart_rows = 0;
};

const Kind kPlain{"4:2:0"};
const std::vector<Kind> kTaken = {kPlain,
                                  {"4:4:4", JCS_YCbCr, 1, 1},
                                  {"4:2:2", JCS_YCbCr, 2, 1},
                                  {"4:4:0", JCS_YCbCr, 1, 2},
                                  {"4:1:1", JCS_YCbCr, 4, 1},
                                  {"grey", JCS_GRAYSCALE, 1, 1},
                                  {"RGB", JCS_RGB, 1, 1},
                                  {"progressive", JCS_YCbCr, 2, 2, true},
                                  {"restarts", JCS_YCbCr, 2, 2, false, false, 1},
                                  {"arithmetic", JCS_YCbCr, 2, 2, false, true}};

Bytes encode(const cv::Mat& image, const Kind& kind, int quality = 90) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(image.cols);
  info.image_height = static_cast<JDIMENSION>(image.rows);
  const bool four = kind.colours == JCS_CMYK || kind.colours == JCS_YCCK;
  info.input_components = four ? 4 : 3;
  info.in_color_space = four ? JCS_CMYK : JCS_EXT_BGR;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.colours);
  jpeg_set_quality(&info, quality, TRUE);
  info.comp_info[0].h_samp_factor = kind.h;
  info.comp_info[0].v_samp_factor = kind.v;
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  info.restart_in_rows = kind.restart_rows;
  if (kind.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  cv::Mat rows = image;
  if (four) cv::cvtColor(image, rows, cv::COLOR_BGR2BGRA);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = rows.ptr(static_cast<int>(info.next_scanline));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes bytes(memory, memory + size);
  std::free(memory);
  jpeg_destroy_compress(&info);
  return bytes;
}

cv::Mat texture(cv::Size size) {
  cv::Mat image(size, CV_8UC3);
  cv::theRNG().state = static_cast<uint64_t>(size.width) * 977 + static_cast<uint64_t>(size.height);
  cv::randu(image, cv::Scalar::all(0), cv::Scalar::all(256));
  cv::blur(image, image, {4, 4});
  return image;
}

class JpegTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("grapnel_jpeg_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const Bytes& bytes) const {
    const std::string path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

  static std::string refusal(const std::string& path, int64_t width = 0, int64_t height = 0) {
    try {
      read_picture_part(path, width, height, 1, {0, 0, 1 << 14, 1 << 14});
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "accepted";
  }

  fs::path folder_;
};

TEST_F(JpegTest, DecodesWholePicturesAsOpenCvDoes) {
  for (const Kind& kind : kTaken) {
    for (const cv::Size size :
         {cv::Size(160, 120), cv::Size(33, 17), cv::Size(1, 40), cv::Size(40, 1), cv::Size(1, 1)}) {
      SCOPED_TRACE(std::string(kind.name) + " " + std::to_string(size.width) + " x " +
                   std::to_string(size.height));
      const Bytes bytes = encode(texture(size), kind);
      EXPECT_EQ(jpeg_size(bytes.data(), bytes.size()), size);
      const auto part = decode_jpeg(bytes.data(), bytes.size(), 0, {0, 0, size.width, size.height});
      ASSERT_TRUE(part.has_value());
      EXPECT_EQ(cv::norm(part->image, cv::imdecode(bytes, cv::IMREAD_COLOR), cv::NORM_INF), 0);
    }
  }
}

TEST_F(JpegTest, APartIsThatPartOfTheWhole) {
  CounterRng rng(2, 0, 0, CounterRng::Purpose::kTest);
  for (const Kind& kind : kTaken) {
    for (const cv::Size size : {cv::Size(320, 240), cv::Size(37, 301), cv::Size(301, 37)}) {
      const Bytes bytes = encode(texture(size), kind);
      for (int halvings = 0; halvings <= kMostHalvings; ++halvings) {
        const cv::Size level = halved(size, halvings);
        const auto whole = decode_jpeg(bytes.data(), bytes.size(), halvings, cv::Rect({0, 0}, level));
        ASSERT_TRUE(whole.has_value());
        ASSERT_EQ(whole->image.size(), level);
        for (int i = 0; i < 12; ++i) {
          const int x = static_cast<int>(rng.integer(0, level.width - 1));
          const int y = static_cast<int>(rng.integer(0, level.height - 1));
          const cv::Rect window(x, y, static_cast<int>(rng.integer(1, level.width - x)),
                                static_cast<int>(rng.integer(1, level.height - y)));
          const auto part = decode_jpeg(bytes.data(), bytes.size(), halvings, window);
          ASSERT_TRUE(part.has_value());
          const cv::Rect inside = window - part->origin;
          ASSERT_EQ(inside & cv::Rect({0, 0}, part->image.size()), inside);
          ASSERT_EQ(cv::norm(part->image(inside), whole->image(window), cv::NORM_INF), 0)
              << kind.name << ", " << halvings << " halvings, " << window;
        }
      }
    }
  }
}

TEST_F(JpegTest, AHalvedPictureIsTheMeanOfItsPixels) {
  const cv::Mat image = texture({203, 155});
  const Bytes jpeg = encode(image, {"4:4:4", JCS_YCbCr, 1, 1}, 98);
  Bytes png;
  cv::imencode(".png", image, png);
  const std::string paths[2] = {write("a.jpg", jpeg), write("a.png", png)};
  for (int halvings = 1; halvings <= kMostHalvings; ++halvings) {
    const cv::Size level = halved(image.size(), halvings);
    const cv::Rect whole({0, 0}, level);
    const cv::Mat a = read_picture_part(paths[0], 0, 0, halvings, whole).image;
    const cv::Mat b = read_picture_part(paths[1], 0, 0, halvings, whole).image;
    ASSERT_EQ(a.size(), level);
    ASSERT_EQ(b.size(), level);
    // The outermost row and column of a JPEG's last block are no part of the picture.
    const cv::Rect inner(0, 0, level.width - 1, level.height - 1);
    EXPECT_LT(cv::norm(a(inner), b(inner), cv::NORM_L1) / (inner.area() * 3.0), 4) << halvings;
  }
}

TEST_F(JpegTest, LeavesToOpenCvWhatItDoesNotTake) {
  const cv::Mat image = texture({64, 48});
  for (const Kind& kind : {Kind{"CMYK", JCS_CMYK, 1, 1}, Kind{"YCCK", JCS_YCCK, 1, 1}}) {
    const Bytes bytes = encode(image, kind);
    EXPECT_FALSE(jpeg_size(bytes.data(), bytes.size()).has_value()) << kind.name;
    const std::string path = write(std::string(kind.name) + ".jpg", bytes);
    EXPECT_EQ(read_picture(path, 64, 48).size(), image.size());
    EXPECT_EQ(read_picture_part(path, 64, 48, 1, {4, 4, 8, 8}).image.size(), cv::Size(32, 24));
    EXPECT_EQ(picture_size(path), image.size());
  }
  Bytes png;
  cv::Mat wide;
  image.convertTo(wide, CV_16UC3, 257);
  cv::imencode(".png", wide, png);
  EXPECT_LE(cv::norm(read_picture(write("16bit.png", png), 64, 48), image, cv::NORM_INF), 1);
  cv::Mat alpha;
  cv::cvtColor(image, alpha, cv::COLOR_BGR2BGRA);
  cv::imencode(".png", alpha, png);
  EXPECT_EQ(cv::norm(read_picture(write("alpha.png", png), 64, 48), image, cv::NORM_INF), 0);
  cv::Mat grey;
  cv::cvtColor(image, grey, cv::COLOR_BGR2GRAY);
  cv::imencode(".png", grey, png);
  EXPECT_EQ(read_picture_part(write("grey.png", png), 64, 48, 2, {0, 0, 1, 1}).image.type(), CV_8UC3);
}

TEST_F(JpegTest, TurnsAPictureBeforeItTakesAPartOfIt) {
  const cv::Mat image = texture({100, 60});
  const Bytes upright = encode(image, kPlain);
  for (const uint8_t orientation : {1, 3, 6, 8}) {
    const Bytes exif = {0xFF, 0xE1, 0, 34, 'E', 'x',         'i', 'f', 0,    0,    'M', 'M',
                        0,    42,   0, 0,  0,   8,           0,   1,   0x01, 0x12, 0,   3,
                        0,    0,    0, 1,  0,   orientation, 0,   0,   0,    0,    0,   0};
    Bytes bytes(upright.begin(), upright.begin() + 2);
    bytes.insert(bytes.end(), exif.begin(), exif.end());
    bytes.insert(bytes.end(), upright.begin() + 2, upright.end());
    const std::string path = write("turned.jpg", bytes);
    const bool turned = orientation > 4;
    const cv::Size size = turned ? cv::Size(60, 100) : cv::Size(100, 60);
    EXPECT_EQ(jpeg_size(bytes.data(), bytes.size()).has_value(), orientation == 1);
    EXPECT_EQ(picture_size(path), size);
    EXPECT_EQ(cv::norm(read_picture(path), cv::imread(path), cv::NORM_INF), 0);
    const PicturePart part = read_picture_part(path, size.width, size.height, 0, {10, 10, 20, 20});
    const cv::Rect window(10, 10, 20, 20);
    EXPECT_EQ(cv::norm(part.image(window - part.origin), cv::imread(path)(window), cv::NORM_INF), 0);
    // Annotations in px of the stored picture are taken at their word, as read_picture does.
    EXPECT_EQ(read_picture_part(path, 100, 60, 0, {0, 0, 5, 5}).image.size().empty(), false);
  }
}

TEST_F(JpegTest, RefusesAnotherSizeThanTheAnnotationsSay) {
  const std::string path = write("a.jpg", encode(texture({64, 48}), kPlain));
  EXPECT_THAT(refusal(path, 64, 49), ::testing::HasSubstr("size is not the annotation file's"));
  EXPECT_EQ(refusal(path, 64, 48), "accepted");
}

// Height and width in the header are changed: more than is there, or more than any memory holds.
TEST_F(JpegTest, AHeaderThatLiesEndsInAMessageOrAPicture) {
  const Bytes honest = encode(texture({64, 48}), kPlain);
  size_t frame = 0;
  while (frame + 9 < honest.size() && !(honest[frame] == 0xFF && honest[frame + 1] == 0xC0)) ++frame;
  ASSERT_LT(frame + 9, honest.size());
  const auto with_size = [&](int width, int height) {
    Bytes bytes = honest;
    bytes[frame + 5] = static_cast<uint8_t>(height >> 8);
    bytes[frame + 6] = static_cast<uint8_t>(height);
    bytes[frame + 7] = static_cast<uint8_t>(width >> 8);
    bytes[frame + 8] = static_cast<uint8_t>(width);
    return write("lie.jpg", bytes);
  };
  EXPECT_THAT(refusal(with_size(64, 480), 64, 48), ::testing::HasSubstr("size is not the annotation file's"));
  EXPECT_THAT(refusal(with_size(65500, 65500), 64, 48), ::testing::HasSubstr("cannot decode"));
  EXPECT_THAT(refusal(with_size(0, 0), 64, 48), ::testing::HasSubstr("cannot decode"));
  // The annotations lie alike: the decoder fills what is missing, as OpenCV does.
  EXPECT_EQ(refusal(with_size(64, 480), 64, 480), "accepted");
}

TEST_F(JpegTest, DamagedFilesEndInAMessageOrAPicture) {
  CounterRng rng(4, 0, 0, CounterRng::Purpose::kTest);
  int decoded = 0;
  for (const Kind& kind : kTaken) {
    const Bytes whole = encode(texture({80, 56}), kind);
    for (int round = 0; round < 120; ++round) {
      Bytes bytes = whole;
      const int64_t changes = rng.integer(1, 6);
      for (int64_t i = 0; i < changes; ++i) {
        bytes[static_cast<size_t>(rng.integer(2, static_cast<int64_t>(bytes.size()) - 1))] =
            static_cast<uint8_t>(rng.integer(0, 255));
      }
      if (round % 5 == 0)
        bytes.resize(static_cast<size_t>(rng.integer(1, static_cast<int64_t>(bytes.size()))));
      const std::string path = write("damaged.jpg", bytes);
      const int halvings = static_cast<int>(rng.integer(0, 3));
      const cv::Rect window(2, 2, 5, 4);
      try {
        const PicturePart part = read_picture_part(path, 80, 56, halvings, window);
        ASSERT_FALSE(part.image.empty());
        const cv::Rect level({0, 0}, halved({80, 56}, halvings));
        const PicturePart all = read_picture_part(path, 80, 56, halvings, level);
        EXPECT_EQ(cv::norm(part.image(window - part.origin), all.image(window - all.origin), cv::NORM_INF),
                  0);
        ++decoded;
      } catch (const Failure& failure) {
        ASSERT_THAT(std::string(failure.what()), ::testing::HasSubstr("damaged.jpg"));
      }
    }
  }
  EXPECT_GT(decoded, 100);
}

TEST_F(JpegTest, HugePicturesAreReadInParts) {
  cv::Mat image(6000, 8000, CV_8UC3, cv::Scalar(40, 90, 160));
  cv::rectangle(image, {4000, 3000, 800, 800}, {200, 10, 10}, cv::FILLED);
  const std::string path = write("huge.jpg", encode(image, kPlain, 60));
  const PicturePart part = read_picture_part(path, 8000, 6000, 3, {500, 375, 100, 100});
  EXPECT_LT(part.image.total(), 1000u * 750u) << "decoded more than was asked for";
  const cv::Vec3b inside = part.image.at<cv::Vec3b>(50 + 375 - part.origin.y, 50 + 500 - part.origin.x);
  EXPECT_NEAR(inside[0], 200, 4);
}

TEST_F(JpegTest, SamplesDoNotDependOnTheCache) {
  std::string images;
  std::string boxes;
  const std::vector<cv::Size> sizes = {{640, 480}, {500, 333},  {100, 1000},
                                       {1, 300},   {1500, 150}, {300, 300}};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::string name = std::to_string(i) + (i == 5 ? ".png" : ".jpg");
    Bytes bytes = encode(texture(sizes[i]), kTaken[i]);
    if (i == 5) cv::imencode(".png", texture(sizes[i]), bytes);
    write(name, bytes);
    const std::string id = std::to_string(i + 1);
    images += std::string(i ? "," : "") + R"({"id": )" + id + R"(, "file_name": ")" + name + "\"" +
              (i == 1 ? std::string()
                      : R"(, "width": )" + std::to_string(sizes[i].width) + R"(, "height": )" +
                            std::to_string(sizes[i].height)) +
              "}";
    boxes += std::string(i ? "," : "") + R"({"id": )" + id + R"(, "image_id": )" + id +
             R"(, "category_id": 1, "bbox": [0, 0, 1, 80]})";
  }
  std::ofstream(folder_ / "a.json") << R"({"categories": [{"id": 1, "name": "a"}], "images": [)" << images
                                    << R"(], "annotations": [)" << boxes << "]}";
  const auto make = [&](const std::string& cache_mb) {
    const std::string table = "data_root = \"" + folder_.string() +
                              "\"\nann_file = \"a.json\"\ncache_mb = " + cache_mb +
                              R"(
pipeline = [{ type = "Mosaic", img_scale = [128, 96] },
  { type = "RandomAffine", scaling_ratio_range = [0.1, 2.0] },
  { type = "MixUp", img_scale = [128, 96], ratio_range = [0.5, 1.5] }, { type = "YOLOXHSVRandomAug" },
  { type = "RandomFlip", prob = 0.5 }, { type = "Resize", scale = [128, 96], keep_ratio = true }])";
    return std::make_unique<CocoDataset>(parse_toml(table, "test.toml"), "dataset",
                                         CocoDataset::Size{128, 96});
  };
  const auto cached = make("64");
  const auto small = make("1");
  const auto uncached = make("0");
  const auto sample = [](const CocoDataset& dataset, int64_t position) {
    auto made = dataset.get({1, 0, position, position % 6});
    return std::unique_ptr<DetectionSample>(static_cast<DetectionSample*>(made.release()));
  };
  for (int round = 0; round < 2; ++round) {
    for (int64_t position = 0; position < 90; ++position) {
      const auto expected = sample(*uncached, position);
      for (const CocoDataset* dataset : {cached.get(), small.get()}) {
        const auto other = sample(*dataset, position);
        ASSERT_EQ(cv::norm(expected->image, other->image, cv::NORM_INF), 0) << "position " << position;
        ASSERT_EQ(expected->boxes.size(), other->boxes.size());
      }
    }
  }
}

}  // namespace
}  // namespace grapnel::detection::data
