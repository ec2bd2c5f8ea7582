// Where the plugins of tests/faulty_plugins are, and bytes of them to damage.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace grapnel::test {

inline std::string faulty_folder() { return std::string(GRAPNEL_BUILD_DIR) + "/tests/faulty_plugins"; }
inline std::string faulty_plugin(const std::string& name) { return faulty_folder() + "/" + name + ".so"; }

inline std::vector<uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path << " is not built";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

}  // namespace grapnel::test
