// The records of a checkpoint file: a zip archive that stores them as they are. Tells whether two runs ended
// with the same tensors, without a line of the code that wrote them.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

namespace grapnel::test {

// The records whose name, after the archive's own folder, starts with `prefix`; from the central directory
// (PKWARE's APPNOTE, 4.3.12).
inline std::map<std::string, std::string> zip_records(const std::string& zip, const std::string& prefix) {
  const auto number = [&](size_t at, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; --i)
      value = value << 8 | static_cast<uint8_t>(zip.at(at + static_cast<size_t>(i)));
    return static_cast<size_t>(value);
  };
  const size_t end = zip.rfind("PK\x05\x06");
  if (end == std::string::npos) throw std::runtime_error("no zip archive");
  size_t at = number(end + 16, 4);
  std::map<std::string, std::string> records;
  for (size_t left = number(end + 10, 2); left > 0; --left) {
    const size_t method = number(at + 10, 2), size = number(at + 20, 4), name_size = number(at + 28, 2);
    const size_t header = number(at + 42, 4);
    if (method != 0) throw std::runtime_error("a compressed record");
    std::string name = zip.substr(at + 46, name_size);
    name.erase(0, name.find('/') + 1);
    if (name.compare(0, prefix.size(), prefix) == 0) {
      records[name] = zip.substr(header + 30 + number(header + 26, 2) + number(header + 28, 2), size);
    }
    at += 46 + name_size + number(at + 30, 2) + number(at + 32, 2);
  }
  return records;
}

}  // namespace grapnel::test
