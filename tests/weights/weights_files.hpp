// Weights files made up byte by byte, whole or wrong on purpose: zip archives (PKWARE's APPNOTE 4.3), the
// format before PyTorch 1.6, safetensors. Shares no line with what reads them.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runner/pickle_writer.hpp"

namespace grapnel::test {

inline std::string in_bytes(uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(i < 8 ? value >> (8 * i) & 0xff : 0);
  return bytes;
}

using ZipRecords = std::vector<std::pair<std::string, std::string>>;

struct ZipForm {
  bool wide = false;    // the 64-bit directory, with the old one's fields filled up
  uint32_t method = 0;  // of every record
  uint32_t flags = 0;
};

inline std::string zip_of(const ZipRecords& records, const ZipForm& form = {}) {
  std::string zip, directory;
  for (const auto& [name, bytes] : records) {
    const auto crc =
        static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    const std::string sizes = in_bytes(crc, 4) + in_bytes(bytes.size(), 4) + in_bytes(bytes.size(), 4) +
                              in_bytes(name.size(), 2) + in_bytes(0, 2);
    const std::string head = in_bytes(form.flags, 2) + in_bytes(form.method, 2) + in_bytes(0, 4);
    directory += "PK\1\2" + in_bytes(0, 2) + in_bytes(0, 2) + head + sizes + in_bytes(0, 10) +
                 in_bytes(zip.size(), 4) + name;
    zip += "PK\3\4" + in_bytes(0, 2) + head + sizes + name + bytes;
  }
  const uint64_t begin = zip.size();
  zip += directory;
  if (form.wide) {
    const uint64_t end = zip.size();
    zip += "PK\6\6" + in_bytes(44, 8) + in_bytes(0, 12) + in_bytes(records.size(), 8) +
           in_bytes(records.size(), 8) + in_bytes(directory.size(), 8) + in_bytes(begin, 8);
    zip += "PK\6\7" + in_bytes(0, 4) + in_bytes(end, 8) + in_bytes(1, 4);
  }
  const uint64_t count = form.wide ? 0xffff : records.size(), mask = form.wide ? 0xffffffff : 0;
  return zip + "PK\5\6" + in_bytes(0, 4) + in_bytes(count, 2) + in_bytes(count, 2) +
         in_bytes(directory.size() | mask, 4) + in_bytes(begin | mask, 4) + in_bytes(0, 2);
}

// A dict with the float tensor "w", whose storage "0" has as many elements as `sizes` say.
inline std::string pickle_of_one_tensor(const std::vector<int64_t>& sizes) {
  runner::PickleWriter pickle;
  pickle.begin_dict();
  pickle.string("w");
  pickle.tensor("FloatStorage", "0", sizes);
  pickle.end_dict();
  return pickle.finish();
}

// A dict with "w" as torch._utils._rebuild_tensor_v2 gets it, every number as given.
struct RawTensor {
  std::string storage_type = "FloatStorage";
  std::string key = "0";
  int64_t elements = 6;
  int64_t offset = 0;
  std::vector<int64_t> sizes = {2, 3};
  std::vector<int64_t> strides = {3, 1};
  std::string view;  // pickled; for the old format's persistent ids
};

inline std::string pickled(int64_t value) { return "\x8a\x08" + in_bytes(static_cast<uint64_t>(value), 8); }
inline std::string pickled(const std::string& text) { return "X" + in_bytes(text.size(), 4) + text; }
inline std::string pickled(const std::vector<int64_t>& numbers) {
  std::string tuple = "(";
  for (const int64_t number : numbers) tuple += pickled(number);
  return tuple + "t";
}

inline std::string pickled(const RawTensor& tensor) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled("storage") + "ctorch\n" + tensor.storage_type +
         "\n" + pickled(tensor.key) + pickled("cpu") + pickled(tensor.elements) + tensor.view + "tQ" +
         pickled(tensor.offset) + pickled(tensor.sizes) + pickled(tensor.strides) + "\x89" +
         "ccollections\nOrderedDict\n)RtR";
}

inline std::string pickle_of(const RawTensor& tensor) {
  return "\x80\x02}(" + pickled("w") + pickled(tensor) + "u.";
}

inline std::string torch_zip(const std::string& pickle, const std::string& storage) {
  return zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", storage}, {"archive/version", "3\n"}});
}

constexpr const char* kLegacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

inline std::string legacy_head() {
  return kLegacyMagic + std::string("\x80\x02M\xe9\x03.") + "\x80\x02}(" + pickled("protocol_version") +
         "M\xe9\x03" + pickled("little_endian") + "\x88u.";
}

// One storage "0" of `elements` (as the file says), then `storage`.
inline std::string legacy_of(const std::string& pickle, int64_t elements, const std::string& storage) {
  return legacy_head() + pickle + "\x80\x02](" + pickled("0") + "e." +
         in_bytes(static_cast<uint64_t>(elements), 8) + storage;
}

inline std::string safetensors_of(const std::string& header, const std::string& bytes) {
  return in_bytes(header.size(), 8) + header + bytes;
}

}  // namespace grapnel::test
