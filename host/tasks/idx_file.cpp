#include "tasks/idx_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "core/failure.hpp"

namespace grapnel {
namespace {

constexpr uint8_t kUnsignedByte = 0x08;

class GzReader {
 public:
  explicit GzReader(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb"), gzclose) {
    if (!file_) {
      fail("cannot read the IDX file", std::strerror(errno), "",
           "Debian's package dataset-fashion-mnist brings Fashion-MNIST");
    }
  }

  [[noreturn]] void fail(std::string what, std::string got, std::string expected,
                         std::string hint = "") const {
    throw Failure(FailureKind::kRun,
                  {std::move(what), path_, std::move(got), std::move(expected), std::move(hint)});
  }

  // Up to `size` bytes; fewer at the end of the file.
  size_t read(uint8_t* to, size_t size) {
    size_t done = 0;
    while (done < size) {
      const auto block = static_cast<unsigned>(std::min<size_t>(size - done, 1u << 24));
      const int count = gzread(file_.get(), to + done, block);
      if (count < 0) {
        int code = 0;
        fail("broken IDX file", gzerror(file_.get(), &code), "a complete gzip file");
      }
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  void read_exactly(uint8_t* to, size_t size) {
    const size_t got = read(to, size);
    if (got != size) {
      fail("truncated IDX file", std::to_string(got) + " bytes",
           std::to_string(size) + " bytes in this part");
    }
  }

 private:
  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

}  // namespace

IdxArray read_idx(const std::string& path, size_t dimensions) {
  GzReader reader(path);
  uint8_t magic[4];
  reader.read_exactly(magic, sizeof magic);
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedByte || magic[3] != dimensions) {
    char got[64];
    std::snprintf(got, sizeof got, "the first bytes %02x %02x %02x %02x", magic[0], magic[1], magic[2],
                  magic[3]);
    reader.fail("no IDX file of this kind", got,
                "00 00 08 0" + std::to_string(dimensions) + " (unsigned bytes, " +
                    std::to_string(dimensions) + " dimensions)");
  }
  IdxArray array;
  uint64_t total = 1;
  constexpr uint64_t kMost = uint64_t{1} << 31;
  for (size_t i = 0; i < dimensions; ++i) {
    uint8_t word[4];
    reader.read_exactly(word, sizeof word);
    const uint32_t length =
        uint32_t{word[0]} << 24 | uint32_t{word[1]} << 16 | uint32_t{word[2]} << 8 | word[3];
    array.shape.push_back(length);
    total *= length;
    if (total > kMost) reader.fail("broken IDX file", "a size above 2 GiB", "a picture set");
  }
  array.bytes.resize(total);
  reader.read_exactly(array.bytes.data(), array.bytes.size());
  uint8_t more = 0;
  if (reader.read(&more, 1) != 0) reader.fail("broken IDX file", "bytes after the end of the data", "none");
  return array;
}

IdxPictures read_idx_pictures(const std::string& folder, const std::string& part, int64_t class_count) {
  const std::string image_path = folder + "/" + part + "-images-idx3-ubyte.gz";
  const std::string label_path = folder + "/" + part + "-labels-idx1-ubyte.gz";
  IdxArray images = read_idx(image_path, 3);
  IdxArray labels = read_idx(label_path, 1);
  const auto fail = [](std::string what, const std::string& path, std::string got, std::string expected) {
    throw Failure(FailureKind::kRun, {std::move(what), path, std::move(got), std::move(expected), ""});
  };
  if (images.shape[0] != labels.shape[0]) {
    fail("IDX files that do not belong together", label_path, std::to_string(labels.shape[0]) + " labels",
         std::to_string(images.shape[0]) + " as there are pictures in " + image_path);
  }
  if (images.bytes.empty())
    fail("no pictures in the IDX file", image_path, "an empty array", "at least one picture");
  const auto top = std::max_element(labels.bytes.begin(), labels.bytes.end());
  if (*top >= class_count) {
    fail("wrong label in the IDX file", label_path, std::to_string(*top),
         "labels below " + std::to_string(class_count));
  }
  IdxPictures pictures;
  pictures.count = images.shape[0];
  pictures.height_px = images.shape[1];
  pictures.width_px = images.shape[2];
  pictures.pixels = std::move(images.bytes);
  pictures.labels = std::move(labels.bytes);
  return pictures;
}

}  // namespace grapnel
