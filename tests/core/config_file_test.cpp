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
              AllOf(HasSubstr("no such config file"), HasSubstr("gone.toml"), HasSubstr("a.toml)")));
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
  EXPECT_THAT(failure_of(folder.write("big.toml", "a = 99999999999999999999\n")), HasSubstr("not valid TOML"));
}

TEST(ConfigFile, AppliesOverridesIntoTablesAndLists) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "[[custom_hooks]]\ntype = 'A'\ninterval = 50\n");
  const ConfigNode config = load_config(
      path, {"custom_hooks.0.interval=10", "train_cfg.max_epochs=3", "work_dir=some/where", "model.size=[1, 2]"});
  EXPECT_EQ(config.to_json(), R"({"custom_hooks": [{"type": "A", "interval": 10}], "train_cfg": {"max_epochs": 3}, )"
                              R"("work_dir": "some/where", "model": {"size": [1, 2]}})");
}

TEST(ConfigFile, RefusesOverridesThatLeadNowhere) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml", "x = 1\nl = [1]\n");
  EXPECT_THAT(failure_of(path, {"nonsense"}), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(failure_of(path, {"l.3=1"}), AllOf(HasSubstr("--set l.3=1"), HasSubstr("0 to 0")));
  EXPECT_THAT(failure_of(path, {"x.y=1"}), HasSubstr("x is a integer"));
}

TEST(ConfigFile, ShowsATomlThatReadsBackTheSame) {
  TemporaryFolder folder;
  const auto path = folder.write("a.toml",
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

TEST(ConfigFile, SurvivesDeepNesting) {
  TemporaryFolder folder;
  const std::string deep(100000, '[');
  EXPECT_THAT(failure_of(folder.write("deep.toml", "x = " + deep)), HasSubstr("not valid TOML"));
}

}  // namespace
}  // namespace grapnel
