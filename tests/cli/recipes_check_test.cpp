// Every YOLOX recipe that is shipped passes `config check`: keys, hooks' options, network, without any data.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "command.hpp"

namespace grapnel::test {
namespace {

TEST(Recipes, PassConfigCheck) {
  int checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GRAPNEL_SOURCE_DIR "/host/configs")) {
    const std::string name = entry.path().filename().string();
    const bool is_recipe = name.rfind("yolox_", 0) == 0 && name != "yolox_optimizer.toml";
    if (!is_recipe) continue;
    const CommandResult result = run_grapnel({"config", "check", entry.path().string()});
    EXPECT_EQ(result.exit_code, 0) << name << "\n" << result.err;
    ++checked;
  }
  EXPECT_GE(checked, 13);
}

}  // namespace
}  // namespace grapnel::test
