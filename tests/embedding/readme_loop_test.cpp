// README.md's loop is the code of readme_loop.cpp, and that program runs.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "../cli/command.hpp"

namespace grapnel {
namespace {

using ::testing::HasSubstr;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ReadmeLoop, IsTheProgramThatIsTested) {
  const std::string program = read_text(GRAPNEL_SOURCE_DIR "/tests/embedding/readme_loop.cpp");
  const std::string begin = "  // README: begin\n", end = "  // README: end\n";
  const size_t from = program.find(begin) + begin.size();
  const size_t to = program.find(end);
  ASSERT_LT(from, to);
  const std::string block = "```cpp\n#include <grapnel/host.hpp>\n\n" + program.substr(from, to - from) + "```\n";
  EXPECT_THAT(read_text(GRAPNEL_SOURCE_DIR "/README.md"), HasSubstr(block));
}

TEST(ReadmeLoop, RunsTheHooksThatItsConfigNames) {
  std::string name = ::testing::TempDir() + "readme_loop_XXXXXX";
  const std::string folder = ::mkdtemp(name.data());
  std::ofstream(folder + "/hooks.toml") << "[[custom_hooks]]\ntype = \"MemoryProfilerHook\"\ninterval = 500\n";
  test::CommandOptions options;
  options.folder = folder;
  const auto result = test::run_command({GRAPNEL_BUILD_DIR "/tests/readme_loop"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1000 iterations, 1 hooks\n"));
  EXPECT_THAT(result.out + result.err, HasSubstr("[MemoryProfilerHook]"));
  // The program lies elsewhere than grapnel-probe: the library finds it.
  EXPECT_THAT(result.out + result.err, ::testing::Not(HasSubstr("grapnel-probe")));

  std::ofstream(folder + "/hooks.toml") << "[[custom_hooks]]\ntype = \"NobodysHook\"\n";
  const auto without = test::run_command({GRAPNEL_BUILD_DIR "/tests/readme_loop"}, options);
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.err, HasSubstr("no usable plugin for the hook NobodysHook"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace grapnel
