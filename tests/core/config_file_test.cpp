#include "core/config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/failure.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string failure_of(const std::string& path, const std::vector<std::string>& overrides = {}) {
  return test::message_of<Failure>([&] { load_config(path, overrides); });
}

TEST(ConfigFile, KeepsFileAndLineOfEveryValue) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "one = 1\n[train_cfg]\n\nmax_epochs = 3\n");
  const ConfigNode config = load_config(path);
  EXPECT_EQ(config.find("train_cfg")->find("max_epochs")->source().text(), path + ":4");
}

TEST(ConfigFile, MergesTablesOverTheBaseAndReplacesLists) {
  TemporaryFolder folder;
  folder.write("base.toml", "a = 1\nl = [1, 2]\n[t]\nx = 1\ny = 2\n");
  const auto path = folder.write("top.toml", "_base_ = 'base.toml'\nl = [3]\n[t]\ny = 5\n");
  EXPECT_EQ(load_config(path).to_json(), R"({"a": 1, "l": [3], "t": {"x": 1, "y": 5}})");
}

TEST(ConfigFile, DeleteDropsWhatTheBaseHad) {
  TemporaryFolder folder;
  folder.write("base.toml", "[t]\nx = 1\ny = 2\n");
  const auto path = folder.write("top.toml", "_base_ = ['base.toml']\n[t]\n_delete_ = true\nz = 5\n");
  EXPECT_EQ(load_config(path).to_json(), R"({"t": {"z": 5}})");
}

TEST(ConfigFile, FindsBasesBesideTheFileThatNamesThem) {
  TemporaryFolder folder;
  folder.write("sub/deep.toml", "x = 1\n");
  folder.write("sub/base.toml", "_base_ = 'deep.toml'\ny = 2\n");
  const auto path = folder.write("top.toml", "_base_ = 'sub/base.toml'\n");
  EXPECT_EQ(load_config(path).to_json(), R"({"x": 1, "y": 2})");
}

TEST(ConfigFile, RefusesTwoBasesWithTheSameKey) {
  TemporaryFolder folder;
  folder.write("a.toml", "x = 1\n");
  folder.write("b.toml", "x = 2\n");
  EXPECT_THAT(failure_of(folder.write("top.toml", "_base_ = ['a.toml', 'b.toml']\n")),
              AllOf(HasSubstr("two bases set the same key"), HasSubstr("\"x\""), HasSubstr("b.toml:1")));
}

TEST(ConfigFile, NamesTheCircleOfBases) {
  TemporaryFolder folder;
  folder.write("b.toml", "_base_ = 'a.toml'\n");
  EXPECT_THAT(failure_of(folder.write("a.toml", "_base_ = 'b.toml'\n")),
              AllOf(HasSubstr("circle"), HasSubstr("a.toml"), HasSubstr("b.toml")));
}

TEST(ConfigFile, NamesWhoAskedForAMissingBase) {
  TemporaryFolder folder;
  EXPECT_THAT(failure_of(folder.write("a.toml", "_base_ = 'gone.toml'\n")),
              AllOf(HasSubstr("no such config file"), HasSubstr("gone.toml"), HasSubstr("a.toml:1)")));
}

TEST(ConfigFile, GivesLineAndColumnOfASyntaxError) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "x = 1\ny = [1, \n");
  EXPECT_THAT(failure_of(path), AllOf(HasSubstr("not valid TOML"), HasSubstr(path + ":")));
}

TEST(ConfigFile, RefusesWhatIsNoConfig) {
  TemporaryFolder folder;
  EXPECT_THAT(failure_of(folder.path()), HasSubstr("a folder"));
  EXPECT_THAT(failure_of(folder.file("gone.toml")), HasSubstr("no such config file"));
  EXPECT_THAT(failure_of(folder.write("d.toml", "when = 2020-01-01\n")), HasSubstr("dates"));
  EXPECT_THAT(failure_of(folder.write("twice.toml", "a = 1\na = 2\n")), HasSubstr("not valid TOML"));
  EXPECT_THAT(failure_of(folder.write("utf8.toml", "a = \"\xff\xfe\"\n")), HasSubstr("not valid TOML"));
  for (const char* broken :
       {"x = ,[1]\n", "[\nx = 1\n", "x = {[}\n", "x =\n", "= 1\n", "\"x = 1\n", "x = '''a\n"}) {
    EXPECT_THAT(failure_of(folder.write("broken.toml", broken)), HasSubstr("not valid TOML")) << broken;
  }
  EXPECT_THAT(failure_of(folder.write("big.toml", "a = 99999999999999999999\n")),
              HasSubstr("not valid TOML"));
}

TEST(ConfigFile, AppliesOverridesIntoTablesAndLists) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "[[custom_hooks]]\ntype = 'A'\ninterval = 50\n");
  const ConfigNode config = load_config(path, {"custom_hooks.0.interval=10", "train_cfg.max_epochs=3",
                                               "work_dir=some/where", "model.size=[1, 2]"});
  EXPECT_EQ(config.to_json(),
            R"({"custom_hooks": [{"type": "A", "interval": 10}], "train_cfg": {"max_epochs": 3}, )"
            R"("work_dir": "some/where", "model": {"size": [1, 2]}})");
}

TEST(ConfigFile, RefusesOverridesThatLeadNowhere) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "x = 1\nl = [1]\n");
  EXPECT_THAT(failure_of(path, {"nonsense"}), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(failure_of(path, {"l.3=1"}), AllOf(HasSubstr("--set l.3=1"), HasSubstr("0 to 0")));
  EXPECT_THAT(failure_of(path, {"x.y=1"}), HasSubstr("x of kind integer"));
}

TEST(ConfigFile, ShowsATomlThatReadsBackTheSame) {
  TemporaryFolder folder;
  const auto path =
      folder.write("a.toml",
                   "s = \"q\\\"uo\\n\"\nf = 1e-3\ni = 7\nb = false\n'odd key' = 1\n[t.u]\nx = [[1, 2], "
                   "[3]]\nempty = []\n[[list]]\na = 1\n[[list]]\nb = { c = 2.0 }\n");
  const ConfigNode config = load_config(path);
  const ConfigNode again = load_config(folder.write("b.toml", config.to_toml()));
  EXPECT_EQ(load_config(folder.write("c.toml", again.to_toml())).to_json(), again.to_json());
  for (const auto& [key, value] : config.members()) {
    ASSERT_NE(again.find(key), nullptr) << key;
    EXPECT_EQ(again.find(key)->to_json(), value.to_json());
  }
}

TEST(ConfigFile, ParsesDefaultTexts) {
  EXPECT_EQ(parse_value("[14, 26]").to_json(), "[14, 26]");
  EXPECT_EQ(parse_value("{}").kind(), ConfigNode::Kind::kTable);
  EXPECT_THROW(parse_value("50\nx = 1"), Failure);
  EXPECT_THROW(parse_value("word"), Failure);
}

TEST(ConfigFile, ReadsJson) {
  EXPECT_EQ(parse_json(R"({"a": [1, 2.5, true, "x"]})").to_json(), R"({"a": [1, 2.5, true, "x"]})");
  EXPECT_THROW(parse_json("{"), Failure);
}

TEST(ConfigFile, ResolvesPathsAgainstTheFileThatNamesThem) {
  TemporaryFolder folder;
  const auto path = folder.write("sub/a.toml", "p = '../x/y'\nq = '/abs'\n");
  const ConfigNode config = load_config(path);
  EXPECT_EQ(resolve_path(*config.find("p")), folder.file("x/y"));
  EXPECT_EQ(resolve_path(*config.find("q")), "/abs");
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(ConfigFile, RefusesDeepNestingWithoutOverflowingTheStack) {
  TemporaryFolder folder;
  EXPECT_THAT(failure_of(folder.write("lists.toml", "x = " + repeated("[", 100000))),
              HasSubstr("not valid TOML"));
  EXPECT_THAT(failure_of(folder.write("key.toml", "x = 1\n[" + repeated("a.", 100000) + "a]\n")),
              AllOf(HasSubstr("nested too deeply"), HasSubstr("key.toml:2")));
  EXPECT_THAT(failure_of(folder.write("quoted.toml", repeated("\"a\" . ", 100000) + "a = 1\n")),
              HasSubstr("nested too deeply"));
  const auto fine =
      folder.write("fine.toml", "# " + repeated("a.", 1000) + "\n[" + repeated("a.", 200) + "a]\n");
  EXPECT_EQ(failure_of(fine), "");
  EXPECT_THAT(failure_of(fine, {repeated("b.", 30000) + "b=1"}), HasSubstr("30001 parts"));
}

TEST(ConfigFile, ReadsALargeFileAndRefusesAHugeOne) {
  TemporaryFolder folder;
  const auto large = folder.write("large.toml", "x = [" + repeated("1234567, ", 100000) + "]\n");
  EXPECT_EQ(load_config(large).find("x")->items().size(), 100000u);
  EXPECT_THAT(failure_of(folder.write("huge.toml", std::string(17 << 20, ' '))),
              HasSubstr("more than 16 MiB"));
  EXPECT_THAT(failure_of("/dev/zero"), HasSubstr("more than 16 MiB"));
}

TEST(ConfigFile, KeepsTheOrderWritten) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "zebra = 1\napple = 2\n[m.z]\nb = 1\na = 2\n[c]\n[m.a]\n");
  EXPECT_EQ(load_config(path).to_json(),
            R"({"zebra": 1, "apple": 2, "m": {"z": {"b": 1, "a": 2}, "a": {}}, "c": {}})");
}

TEST(ConfigFile, KeepsEachKindAndMixedLists) {
  TemporaryFolder folder;
  const auto path =
      folder.write("a.toml", "l = [1, 2.0, 'x', true, [], {}]\ni = -9223372036854775808\nf = inf\n");
  const ConfigNode config = load_config(path);
  EXPECT_EQ(config.find("l")->to_json(), R"([1, 2.0, "x", true, [], {}])");
  EXPECT_EQ(config.find("i")->as_int(), INT64_MIN);
  EXPECT_EQ(config.find("f")->to_json(), "\"inf\"");
}

TEST(ConfigFile, NamesTheFileThatInheritsFromItself) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "x = 1\n_base_ = './a.toml'\n");
  EXPECT_THAT(failure_of(path),
              AllOf(HasSubstr("circle"), HasSubstr(path + ":2"), HasSubstr(path + " -> " + path)));
}

TEST(ConfigFile, TakesOneBaseThroughTwoFilesAsMMEngineDoes) {
  TemporaryFolder folder;
  folder.write("root.toml", "[model]\nx = 1\n");
  folder.write("left.toml", "_base_ = 'root.toml'\nl = 1\n");
  folder.write("right.toml", "_base_ = 'root.toml'\nr = 1\n");
  EXPECT_THAT(failure_of(folder.write("top.toml", "_base_ = ['left.toml', 'right.toml']\n")),
              AllOf(HasSubstr("two bases set the same key"), HasSubstr("\"model\"")));
}

TEST(ConfigFile, RefusesABaseThatIsNoPath) {
  TemporaryFolder folder;
  EXPECT_THAT(failure_of(folder.write("a.toml", "\n_base_ = 3\n")),
              AllOf(HasSubstr("a.toml:2"), HasSubstr("got 3")));
  EXPECT_THAT(failure_of(folder.write("b.toml", "_base_ = ['']\n")), HasSubstr("a path or a list of paths"));
}

TEST(ConfigFile, SaysWhyAFileCannotBeRead) {
  TemporaryFolder folder;
  const auto file = folder.write("plain", "x = 1\n");
  EXPECT_THAT(failure_of(file + "/below.toml"),
              AllOf(HasSubstr("cannot read"), HasSubstr("Not a directory")));
  EXPECT_THAT(failure_of(folder.file(std::string(5000, 'a'))), HasSubstr("File name too long"));
  std::filesystem::create_symlink("loop", folder.file("loop"));
  EXPECT_THAT(failure_of(folder.file("loop")), HasSubstr("symbolic links"));
}

TEST(ConfigFile, ResolvesAPathFromAnOverrideAgainstTheCurrentFolder) {
  TemporaryFolder folder;
  const ConfigNode config = load_config(folder.write("a.toml", "p = 'x'\n"), {"p=\"y/z\"", "list=[\"w\"]"});
  EXPECT_EQ(resolve_path(*config.find("p")), "y/z");
  EXPECT_EQ(resolve_path(config.find("list")->items()[0]), "w");
}

// What ships must load: a base renamed or a key given twice would only be noticed by a user.
TEST(ConfigFile, LoadsEveryShippedConfig) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GRAPNEL_SOURCE_DIR "/host/configs")) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    EXPECT_EQ(failure_of(entry.path().string()), "");
  }
  EXPECT_GT(count, 0);
}

TEST(ConfigFile, ReadsALongTextAsAValue) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "text = \"\"\"\n" + repeated("A sentence.\n", 1000) + "\"\"\"\n");
  EXPECT_EQ(load_config(path).find("text")->as_string().size(), 12000u);
}

}  // namespace
}  // namespace grapnel
