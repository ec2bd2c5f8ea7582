// Which folders are searched, which files are trusted, and who wins.
#include "core/plugin_catalog.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "faulty_plugin_files.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

namespace fs = std::filesystem;
using test::faulty_plugin;
using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

void put(const std::string& name, const TemporaryFolder& folder, const std::string& as) {
  fs::copy_file(faulty_plugin(name), folder.file(as));
}

std::string failure_of(const ConfigNode& config) {
  return test::message_of<Failure>([&] { PluginCatalog::search_path(config, ""); });
}

class PluginCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("GRAPNEL_PLUGIN_PATH"); }
  void TearDown() override { ::unsetenv("GRAPNEL_PLUGIN_PATH"); }
  TemporaryFolder folder_, other_;
};

TEST_F(PluginCatalogTest, SearchesConfigThenEnvironmentThenInstallation) {
  fs::create_directory(folder_.file("mine"));
  const ConfigNode config =
      parse_toml("[plugins]\ndirectories = [\"mine\", \"" + other_.path() + "\", \"mine/\"]\n",
                 folder_.file("demo.toml"));
  ::setenv("GRAPNEL_PLUGIN_PATH", ("/env/a::/env/b/:" + other_.path()).c_str(), 1);
  EXPECT_THAT(PluginCatalog::search_path(config, "/installed/plugins"),
              ElementsAre(folder_.file("mine"), other_.path(), "/env/a", "/env/b", "/installed/plugins"));
  EXPECT_THAT(PluginCatalog::search_path(ConfigNode::table(), ""),
              ElementsAre("/env/a", "/env/b", other_.path()));
}

TEST_F(PluginCatalogTest, RefusesConfiguredFoldersThatAreMissingOrOpenToAll) {
  const std::string file = folder_.file("demo.toml");
  const auto config = [&](const std::string& folder) {
    return parse_toml("[plugins]\ndirectories = [\"" + folder + "\"]\n", file);
  };
  EXPECT_THAT(failure_of(config("nowhere")),
              AllOf(HasSubstr("demo.toml:2, plugins.directories.0"),
                    HasSubstr("No such file or directory: create it or correct its path")));
  folder_.write("plain.txt", "x");
  EXPECT_THAT(failure_of(config("plain.txt")), HasSubstr("not a folder"));
  fs::create_directory(folder_.file("open"));
  ASSERT_EQ(::chmod(folder_.file("open").c_str(), 0777), 0);
  EXPECT_THAT(failure_of(config("open")), HasSubstr("can be written by everyone: chmod o-w it"));
  ASSERT_EQ(::chmod(folder_.file("open").c_str(), 01777), 0);
  EXPECT_THAT(failure_of(config("open")), HasSubstr("can be written by everyone"));
  EXPECT_THAT(failure_of(parse_toml("[plugins]\ndirectory = \"x\"\n", file)), HasSubstr("directories"));
  EXPECT_THAT(failure_of(parse_toml("[plugins]\ndirectories = \"x\"\n", file)),
              HasSubstr("plugins.directories"));
}

TEST_F(PluginCatalogTest, RefusesFoldersOfOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  fs::create_directory(folder_.file("theirs"));
  ASSERT_EQ(::chown(folder_.file("theirs").c_str(), 12345, 12345), 0);
  const ConfigNode config = parse_toml("[plugins]\ndirectories = [\"theirs\"]\n", folder_.file("demo.toml"));
  EXPECT_THAT(failure_of(config), HasSubstr("belongs to user 12345"));
  put("working", other_, "a.so");
  ASSERT_EQ(::chown(other_.file("a.so").c_str(), 12345, 12345), 0);
  EXPECT_THAT(PluginCatalog::scan({other_.path()}).files().at(0).rejection,
              HasSubstr("belongs to user 12345"));
}

TEST_F(PluginCatalogTest, FindsPluginsByTheirNoteAndSkipsOtherFiles) {
  put("working", folder_, "any_name.so");
  put("recorder", folder_, "Recorder.so");
  folder_.write("README.md", "no plugin");
  fs::create_directory(folder_.file("folder.so"));
  const auto catalog = PluginCatalog::scan({folder_.path()});
  ASSERT_EQ(catalog.files().size(), 2u);
  ASSERT_NE(catalog.find("Working"), nullptr);
  EXPECT_EQ(catalog.find("Working")->path, folder_.file("any_name.so"));
  EXPECT_EQ(catalog.find("Working")->abi_major, 1u);
  EXPECT_EQ(catalog.find("any_name"), nullptr);
  EXPECT_THAT(catalog.warnings({"Working"}), IsEmpty());
}

TEST_F(PluginCatalogTest, TheEarlierFolderWinsAndItIsSaid) {
  put("working", folder_, "first.so");
  put("working", other_, "second.so");
  const auto catalog = PluginCatalog::scan({folder_.path(), other_.path()});
  EXPECT_EQ(catalog.find("Working")->path, folder_.file("first.so"));
  EXPECT_EQ(catalog.files().at(1).shadowed_by, folder_.file("first.so"));
  EXPECT_THAT(catalog.warnings({}),
              ElementsAre(AllOf(HasSubstr(folder_.file("first.so")), HasSubstr("earlier folder wins"))));
  const auto reversed = PluginCatalog::scan({other_.path(), folder_.path()});
  EXPECT_EQ(reversed.find("Working")->path, other_.file("second.so"));
}

TEST_F(PluginCatalogTest, ABrokenFileDoesNotHideAGoodOne) {
  put("newer_minor", folder_, "a.so");
  folder_.write("Working.so", "text");
  put("working", other_, "b.so");
  const auto catalog = PluginCatalog::scan({folder_.path(), other_.path()});
  ASSERT_NE(catalog.find("Working"), nullptr);
  EXPECT_EQ(catalog.find("Working")->path, other_.file("b.so"));
}

TEST_F(PluginCatalogTest, RefusesTheSameTypeTwiceInOneFolder) {
  put("working", folder_, "a.so");
  put("working", folder_, "b.so");
  EXPECT_THAT(test::message_of<Failure>([&] { PluginCatalog::scan({folder_.path()}); }),
              AllOf(HasSubstr("two plugins of one type"), HasSubstr("a.so"), HasSubstr("b.so"),
                    HasSubstr("Working")));
}

TEST_F(PluginCatalogTest, RejectsAFileThatEveryoneCanWrite) {
  put("working", folder_, "a.so");
  ASSERT_EQ(::chmod(folder_.file("a.so").c_str(), 0666), 0);
  const auto catalog = PluginCatalog::scan({folder_.path()});
  EXPECT_EQ(catalog.find("Working"), nullptr);
  EXPECT_THAT(catalog.describe_missing("Working"), HasSubstr("can be written by everyone"));
}

TEST_F(PluginCatalogTest, WarnsOfBrokenFilesThatNobodyNames) {
  folder_.write("notes.so", "text");
  put("working", folder_, "a.so");
  const auto catalog = PluginCatalog::scan({folder_.path(), "/nowhere/at/all"});
  EXPECT_THAT(catalog.warnings({"Working"}),
              Contains(AllOf(HasSubstr("notes.so"), HasSubstr("not an ELF file"))));
  EXPECT_THAT(catalog.warnings({"Working"}), Contains(HasSubstr("/nowhere/at/all is not searched")));
  EXPECT_THAT(catalog.warnings({"notes"}), Not(Contains(HasSubstr("notes.so"))));
}

TEST_F(PluginCatalogTest, SaysWhatItFoundInsteadOfAMissingType) {
  put("working", folder_, "a.so");
  put("no_plugin", folder_, "b.so");
  put("newer_minor", folder_, "c.so");
  const auto catalog = PluginCatalog::scan({folder_.path()});
  EXPECT_THAT(catalog.describe_missing("Wroking"),
              AllOf(HasSubstr("found Working in " + folder_.path()), HasSubstr("b.so: no Grapnel plugin"),
                    HasSubstr("c.so: needs hook ABI"), HasSubstr("did you mean Working?")));
  EXPECT_THAT(catalog.describe_missing("NewerMinor"),
              AllOf(HasSubstr("c.so: needs hook ABI"), Not(HasSubstr("b.so"))));
  EXPECT_THAT(
      PluginCatalog::scan({}).describe_missing("X"),
      AllOf(HasSubstr("found no plugin in no folder"), HasSubstr("name its folder in plugins.directories")));
}

TEST_F(PluginCatalogTest, ComparesLibTorchVersionsWhenGivenTheHosts) {
  put("other_torch", folder_, "a.so");
  EXPECT_NE(PluginCatalog::scan({folder_.path()}).find("OtherTorch"), nullptr);
  const auto catalog = PluginCatalog::scan({folder_.path()}, "1.13.0");
  EXPECT_EQ(catalog.find("OtherTorch"), nullptr);
  EXPECT_EQ(catalog.files().at(0).torch_version, "9.8.7");
}

}  // namespace
}  // namespace grapnel
