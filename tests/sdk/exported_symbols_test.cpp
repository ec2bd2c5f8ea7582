// Every shipped plugin exports exactly the entry object, and everything it needs was resolved when it was
// linked.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/elf_probe.hpp"
#include "core/failure.hpp"
#include "core/hooks_listing.hpp"

namespace grapnel {
namespace {

TEST(ExportedSymbols, EveryBuiltPluginExportsTheEntryObjectAlone) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(GRAPNEL_BUILD_DIR) / "plugins";
  ASSERT_TRUE(fs::is_directory(folder)) << folder << " is not built";
  int plugins = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".so") continue;
    ++plugins;
    const ElfReport report = probe_elf(entry.path().string());
    EXPECT_EQ(report.rejection, "") << entry.path();
    EXPECT_EQ(report.exported, std::vector<std::string>{GRAPNEL_ENTRY_SYMBOL}) << entry.path();
    EXPECT_EQ(report.type, entry.path().stem().string());
  }
  EXPECT_GT(plugins, 0) << folder << " holds no plugin";
}

// Descriptor, option table and defaults, as the host looks at them.
TEST(ExportedSymbols, EveryBuiltPluginPassesTheHostsChecks) {
  const auto catalog = PluginCatalog::scan({std::string(GRAPNEL_BUILD_DIR) + "/plugins"});
  ASSERT_FALSE(catalog.files().empty());
  for (const auto& file : catalog.files()) {
    try {
      const LoadedPlugin& plugin = load_described_hook(catalog, file.type);
      EXPECT_NE(std::string(plugin.descriptor->summary), "") << file.type;
      EXPECT_NE(describe_hook_text(plugin), "");
    } catch (const Failure& failure) {
      ADD_FAILURE() << failure.what();
    }
  }
}

}  // namespace
}  // namespace grapnel
