#include "tasks/detection/data/picture_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "core/failure.hpp"

namespace grapnel::detection::data {
namespace {

[[noreturn]] void fail(std::string what, const std::string& path, std::string got, std::string expected,
                       std::string hint = "") {
  throw Failure(FailureKind::kRun,
                {std::move(what), path, std::move(got), std::move(expected), std::move(hint)});
}

std::vector<uint8_t> read_bytes(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) fail("cannot read the picture", path, std::strerror(errno), "");
  std::vector<uint8_t> bytes;
  if (std::fseek(file.get(), 0, SEEK_END) == 0) {
    const long size = std::ftell(file.get());
    if (size > 0) bytes.resize(static_cast<size_t>(size));
    std::rewind(file.get());
  }
  // Without the stream's own buffer. A file that grows, or whose size is not known, gives the rest in blocks.
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  size_t filled = std::fread(bytes.data(), 1, bytes.size(), file.get());
  uint8_t block[1 << 14];
  size_t count = 0;
  bytes.resize(filled);
  while ((count = std::fread(block, 1, sizeof block, file.get())) > 0)
    bytes.insert(bytes.end(), block, block + count);
  if (std::ferror(file.get())) fail("cannot read the picture", path, std::strerror(errno), "");
  if (bytes.empty()) fail("cannot read the picture", path, "a file of zero bytes", "a picture");
  return bytes;
}

uint32_t big_endian(const uint8_t* bytes, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

// Walks the segments (ITU T.81, B.1): an end marker inside of a thumbnail is not the picture's own.
bool jpeg_is_complete(const uint8_t* bytes, size_t size) {
  size_t at = 2;
  while (at + 1 < size) {
    if (bytes[at] != 0xFF) return true;  // not as the standard has it: the decoder decides
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {
      ++at;  // fill byte
      continue;
    }
    if (marker == 0xD9) return true;
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
      at += 2;
      continue;
    }
    if (at + 3 >= size) return false;
    at += 2 + big_endian(bytes + at + 2, 2);
    if (marker != 0xDA) continue;
    while (true) {  // entropy-coded data up to the next marker
      const void* next = at < size ? std::memchr(bytes + at, 0xFF, size - at) : nullptr;
      if (!next) return false;
      at = static_cast<size_t>(static_cast<const uint8_t*>(next) - bytes);
      if (at + 1 >= size) return false;
      const uint8_t code = bytes[at + 1];
      if (code == 0xFF) {
        ++at;
      } else if (code == 0 || (code >= 0xD0 && code <= 0xD7)) {
        at += 2;
      } else {
        break;
      }
    }
  }
  return false;
}

bool png_is_complete(const uint8_t* bytes, size_t size) {
  size_t at = 8;
  while (at + 12 <= size) {
    if (std::memcmp(bytes + at + 4, "IEND", 4) == 0) return true;
    at += 12 + static_cast<size_t>(big_endian(bytes + at, 4));
  }
  return false;
}

cv::Mat decode(const std::vector<uint8_t>& bytes, int flags, const std::string& path) {
  try {
    return cv::imdecode(bytes, flags);
  } catch (const cv::Exception& error) {
    fail("cannot decode the picture", path, error.err, "a JPEG, PNG or other picture that OpenCV reads");
  }
}

}  // namespace

std::string find_truncation(const uint8_t* bytes, size_t size) {
  static constexpr uint8_t kPng[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  if (size >= 2 && bytes[0] == 0xFF && bytes[1] == 0xD8) {
    return jpeg_is_complete(bytes, size) ? "" : "a truncated JPEG: it has no end marker";
  }
  if (size >= 8 && std::memcmp(bytes, kPng, 8) == 0) {
    return png_is_complete(bytes, size) ? "" : "a truncated PNG: it has no end chunk";
  }
  return "";
}

namespace {

std::vector<uint8_t> read_whole_file(const std::string& path) {
  std::vector<uint8_t> bytes = read_bytes(path);
  const std::string truncation = find_truncation(bytes.data(), bytes.size());
  if (truncation.empty()) return bytes;
  fail("damaged picture", path, truncation + " (" + std::to_string(bytes.size()) + " bytes)",
       "a complete picture");
}

// Whatever OpenCV reads, turned upright or not: see read_picture.
cv::Mat decode_any(const std::vector<uint8_t>& bytes, const std::string& path, int64_t width_px,
                   int64_t height_px) {
  cv::Mat image = decode(bytes, cv::IMREAD_COLOR, path);
  if (image.empty())
    fail("cannot decode the picture", path, "no picture", "a JPEG, PNG or other picture that OpenCV reads");
  const auto right_size = [&](const cv::Mat& one) {
    return (width_px == 0 || one.cols == width_px) && (height_px == 0 || one.rows == height_px);
  };
  if (right_size(image)) return image;
  cv::Mat stored = decode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION, path);
  if (!stored.empty() && right_size(stored)) return stored;
  fail("the picture's size is not the annotation file's", path,
       std::to_string(image.cols) + " x " + std::to_string(image.rows) + " px",
       std::to_string(width_px) + " x " + std::to_string(height_px) + " px",
       "boxes are in px of the size that the annotation file gives");
}

// The part straight from a JPEG; empty when OpenCV shall read the file, or say what is wrong with it.
std::optional<PicturePart> decode_plain_jpeg(const std::vector<uint8_t>& bytes, int64_t width_px,
                                             int64_t height_px, int halvings,
                                             std::optional<cv::Rect> window) {
  const auto size = jpeg_size(bytes.data(), bytes.size());
  if (!size || (width_px != 0 && size->width != width_px) || (height_px != 0 && size->height != height_px))
    return {};
  const cv::Rect whole({0, 0}, halved(*size, halvings));
  const cv::Rect wanted = window ? *window & whole : whole;
  if (wanted.empty()) return {};
  return decode_jpeg(bytes.data(), bytes.size(), halvings, wanted);
}

// Means of squares; what is missing of the last ones is the picture's edge again.
cv::Mat shrink(const cv::Mat& image, int halvings) {
  if (halvings == 0) return image;
  const cv::Size size = halved(image.size(), halvings);
  cv::Mat padded = image;
  const int right = (size.width << halvings) - image.cols;
  const int bottom = (size.height << halvings) - image.rows;
  if (right > 0 || bottom > 0) cv::copyMakeBorder(image, padded, 0, bottom, 0, right, cv::BORDER_REPLICATE);
  cv::Mat small;
  cv::resize(padded, small, size, 0, 0, cv::INTER_AREA);
  return small;
}

}  // namespace

cv::Mat read_picture(const std::string& path, int64_t width_px, int64_t height_px) {
  const std::vector<uint8_t> bytes = read_whole_file(path);
  if (auto part = decode_plain_jpeg(bytes, width_px, height_px, 0, std::nullopt)) return part->image;
  return decode_any(bytes, path, width_px, height_px);
}

PicturePart read_picture_part(const std::string& path, int64_t width_px, int64_t height_px, int halvings,
                              cv::Rect window) {
  const std::vector<uint8_t> bytes = read_whole_file(path);
  if (auto part = decode_plain_jpeg(bytes, width_px, height_px, halvings, window)) return *part;
  return {shrink(decode_any(bytes, path, width_px, height_px), halvings), {0, 0}};
}

cv::Size picture_size(const std::string& path) {
  const std::vector<uint8_t> bytes = read_whole_file(path);
  if (const auto size = jpeg_size(bytes.data(), bytes.size())) return *size;
  return decode_any(bytes, path, 0, 0).size();
}

}  // namespace grapnel::detection::data
