// What the SDK's headers include: the C ones the two freestanding headers and each other, nothing else.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> headers(const std::string& extension) {
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::recursive_directory_iterator(std::string(GRAPNEL_SOURCE_DIR) + "/sdk/include/grapnel")) {
    if (entry.path().extension() == extension) found.push_back(entry.path());
  }
  return found;
}

std::vector<std::string> includes(const fs::path& path) {
  std::ifstream file(path);
  const std::regex include(R"(^\s*#\s*include\s*([<"][^>"]+[>"]))");
  std::vector<std::string> found;
  std::string line;
  while (std::getline(file, line)) {
    std::smatch match;
    if (std::regex_search(line, match, include)) found.push_back(match[1]);
  }
  return found;
}

TEST(SdkHeaders, CHeadersIncludeOnlyFreestandingOnesAndEachOther) {
  const auto all = headers(".h");
  ASSERT_GE(all.size(), 15u);
  for (const auto& path : all) {
    for (const auto& include : includes(path)) {
      if (include == "<stddef.h>" || include == "<stdint.h>") continue;
      ASSERT_EQ(include.front(), '"') << path << " includes " << include;
      const fs::path target = path.parent_path() / include.substr(1, include.size() - 2);
      EXPECT_TRUE(fs::exists(target) && target.extension() == ".h") << path << " includes " << include;
    }
  }
}

TEST(SdkHeaders, TheCppLayerNeedsTheStandardLibraryOnly) {
  const auto all = headers(".hpp");
  ASSERT_GE(all.size(), 2u);
  for (const auto& path : all) {
    for (const auto& include : includes(path)) {
      const bool own = include.front() == '"';
      const bool standard = std::regex_match(include, std::regex("<[a-z_0-9]+>"));
      const bool bridge = path.filename() == "torch.hpp" &&
                          (include.rfind("<ATen/", 0) == 0 || include.rfind("<torch/", 0) == 0);
      EXPECT_TRUE(own || standard || bridge) << path << " includes " << include;
    }
  }
}

// A struct that crosses the border has fields of fixed width: no bool, long, size_t or enum.
TEST(SdkHeaders, CHeadersUseFixedWidthTypes) {
  const std::regex loose(R"(\b(bool|_Bool|long|short|unsigned|size_t|ssize_t|wchar_t|float)\b)");
  int lines = 0;
  for (const auto& path : headers(".h")) {
    std::ifstream file(path);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    text = std::regex_replace(text, std::regex(R"(/\*(?:[^*]|\*(?!/))*\*/)"), "");
    EXPECT_FALSE(std::regex_search(text, loose)) << path;
    ++lines;
  }
  EXPECT_GE(lines, 15);
}

}  // namespace
