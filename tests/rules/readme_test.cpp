// What the README states in tables must be what the code does.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "runner/run_config.hpp"

namespace grapnel {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string row_of(const runner::ConfigKey& key) {
  const char* verdict = key.verdict == runner::KeyVerdict::kTaken     ? "taken"
                        : key.verdict == runner::KeyVerdict::kIgnored ? "ignored"
                                                                      : "refused";
  return "| `" + std::string(key.key) + "` | " + verdict + " | " + key.note + " |\n";
}

TEST(Readme, HasARowForEveryConfigKeyAndNoOther) {
  const std::string readme = read_text(GRAPNEL_SOURCE_DIR "/README.md");
  size_t rows = 0;
  for (const auto& key : runner::config_keys()) {
    EXPECT_NE(readme.find(row_of(key)), std::string::npos) << "the README lacks: " << row_of(key);
  }
  for (const char* verdict : {"` | taken | ", "` | ignored | ", "` | refused | "}) {
    for (size_t at = readme.find(verdict); at != std::string::npos; at = readme.find(verdict, at + 1)) ++rows;
  }
  EXPECT_EQ(rows, runner::config_keys().size());
}

TEST(Readme, NamesEveryHookThatIsShippedAndLinksItsReadme) {
  const std::string readme = read_text(GRAPNEL_SOURCE_DIR "/README.md");
  size_t hooks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GRAPNEL_SOURCE_DIR "/plugins")) {
    if (!std::filesystem::exists(entry.path() / "CMakeLists.txt")) continue;
    const std::string name = entry.path().filename().string();
    ++hooks;
    EXPECT_TRUE(std::filesystem::exists(entry.path() / "README.md")) << name;
    EXPECT_NE(readme.find("[" + name + "](plugins/" + name + "/README.md)"), std::string::npos) << name;
  }
  EXPECT_GE(hooks, 16u);
}

}  // namespace
}  // namespace grapnel
