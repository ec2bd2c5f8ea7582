#include "core/config_merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

ConfigNode merged(const std::string& base, const std::string& over) {
  ConfigNode config = parse_toml(base, "base.toml");
  merge_over(config, parse_toml(over, "over.toml"));
  return config;
}

ConfigNode overridden(const std::string& toml, const std::vector<std::string>& overrides) {
  ConfigNode config = parse_toml(toml, "a.toml");
  for (const auto& text : overrides) apply_override(config, text);
  return config;
}

std::string override_failure(const std::string& toml, const std::string& text) {
  return test::message_of<Failure>([&] { overridden(toml, {text}); });
}

// The cases of MMEngine's documentation, "Inherit from base configs" (tutorials/config.md).
TEST(ConfigMerge, FollowsMMEnginesDocumentation) {
  const std::string base = "[optimizer]\ntype = 'SGD'\nlr = 0.02\nmomentum = 0.9\n";
  EXPECT_EQ(merged(base, "[optimizer]\nlr = 0.01\n").to_json(),
            R"({"optimizer": {"type": "SGD", "lr": 0.01, "momentum": 0.9}})");
  EXPECT_EQ(merged(base, "[optimizer]\n_delete_ = true\ntype = 'Adam'\n").to_json(),
            R"({"optimizer": {"type": "Adam"}})");
}

TEST(ConfigMerge, KeepsThePlaceOfAKeyAndTheLineOfTheWinner) {
  const ConfigNode config = merged("a = 1\nb = 2\n", "\n\na = 3\nc = 4\n");
  EXPECT_EQ(config.to_json(), R"({"a": 3, "b": 2, "c": 4})");
  EXPECT_EQ(config.find("a")->source().text(), "over.toml:3");
  EXPECT_EQ(config.find("b")->source().text(), "base.toml:2");
}

TEST(ConfigMerge, RefusesATableOverSomethingElse) {
  EXPECT_THAT(test::message_of<Failure>([] { merged("[m]\nhead = 3\n", "[m.head]\nx = 1\n"); }),
              AllOf(HasSubstr("over.toml:1, m.head"), HasSubstr("integer, as in base.toml:2"),
                    HasSubstr("_delete_")));
  EXPECT_EQ(merged("head = 3\n", "[head]\n_delete_ = true\nx = 1\n").to_json(), R"({"head": {"x": 1}})");
  EXPECT_EQ(merged("[head]\nx = 1\n", "head = false\n").to_json(), R"({"head": false})");
}

TEST(ConfigMerge, LeavesNoDeleteMarkBehind) {
  EXPECT_EQ(
      merged("", "l = [{ _delete_ = true, x = 1 }]\n[a]\n_delete_ = true\n[a.b]\n_delete_ = false\nx = 1\n")
          .to_json(),
      R"({"l": [{"x": 1}], "a": {"b": {"x": 1}}})");
  EXPECT_EQ(merged("[a]\ny = 1\n", "[a]\n_delete_ = false\nx = 1\n").to_json(), R"({"a": {"y": 1, "x": 1}})");
}

TEST(ConfigMerge, RefusesADeleteMarkThatMeansNothing) {
  EXPECT_THAT(test::message_of<Failure>([] { merged("", "_delete_ = true\n"); }),
              HasSubstr("over.toml:1, _delete_"));
  EXPECT_THAT(test::message_of<Failure>([] { merged("[a]\n", "[a]\n_delete_ = 1\n"); }),
              AllOf(HasSubstr("a._delete_"), HasSubstr("true or false")));
}

TEST(ConfigOverride, TakesTomlOrAPlainString) {
  const ConfigNode config = overridden("", {"i=3", "f=1e-3", "b=true", "s=\"3\"", "word=some/where",
                                            "day=2024-01-01", "none=", "sum=a=b", "l=[1, 'x']"});
  EXPECT_EQ(config.to_json(),
            R"({"i": 3, "f": 0.001, "b": true, "s": "3", "word": "some/where", "day": "2024-01-01", )"
            R"("none": "", "sum": "a=b", "l": [1, "x"]})");
}

TEST(ConfigOverride, RefusesBrokenTomlInsteadOfTakingItAsAString) {
  EXPECT_THAT(override_failure("", "l=[1, 2"),
              AllOf(HasSubstr("--set l=[1, 2"), HasSubstr("not a TOML value")));
  EXPECT_THAT(override_failure("", "h={ type = Foo }"), HasSubstr("not a TOML value"));
}

TEST(ConfigOverride, RefusesASecondKeyAfterALineBreak) {
  EXPECT_EQ(overridden("", {"x=1\ny = 2"}).find("y"), nullptr);
}

TEST(ConfigOverride, MergesATableAndReplacesAList) {
  EXPECT_EQ(overridden("[m]\nx = 1\ny = 2\n", {"m={ x = 5 }"}).to_json(), R"({"m": {"x": 5, "y": 2}})");
  EXPECT_EQ(overridden("[m]\nx = 1\ny = 2\n", {"m={ _delete_ = true, x = 5 }"}).to_json(),
            R"({"m": {"x": 5}})");
  EXPECT_EQ(overridden("", {"m={ _delete_ = true, x = 5 }"}).to_json(), R"({"m": {"x": 5}})");
  EXPECT_EQ(overridden("l = [1, 2]\n", {"l=[3]"}).to_json(), R"({"l": [3]})");
  EXPECT_EQ(overridden("l = [1, 2]\n", {"l.1=3"}).to_json(), R"({"l": [1, 3]})");
}

TEST(ConfigOverride, TakesKeysWithDotsInQuotes) {
  EXPECT_EQ(overridden("", {R"(custom_keys."a.b=c".lr_mult=0.1)"}).to_json(),
            R"({"custom_keys": {"a.b=c": {"lr_mult": 0.1}}})");
  EXPECT_THAT(override_failure("", "a.'b=1"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(override_failure("", "a.'b'c=1"), HasSubstr("a quote that does not end"));
}

TEST(ConfigOverride, RefusesKeysThatLeadNowhere) {
  const std::string toml = "x = 1\nl = [1, 2]\nempty = []\n";
  EXPECT_THAT(override_failure(toml, "l.2=1"), AllOf(HasSubstr("\"2\" as index of l"), HasSubstr("0 to 1")));
  EXPECT_THAT(override_failure(toml, "l.-1=1"), HasSubstr("\"-1\" as index of l"));
  EXPECT_THAT(override_failure(toml, "l.99999999999999999999=1"), HasSubstr("0 to 1"));
  EXPECT_THAT(override_failure(toml, "empty.0=1"), HasSubstr("the list is empty"));
  EXPECT_THAT(override_failure(toml, "x.y=1"), HasSubstr("x of kind integer (a.toml:1)"));
  EXPECT_THAT(override_failure(toml, "x..y=1"), HasSubstr("an empty part"));
  EXPECT_THAT(override_failure(toml, "x.=1"), HasSubstr("an empty part"));
  EXPECT_THAT(override_failure(toml, "=1"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(override_failure(toml, "_base_=b.toml"), HasSubstr("_base_"));
  EXPECT_THAT(override_failure(toml, "x=\xff\xfe"), HasSubstr("not UTF-8"));
}

TEST(ConfigOverride, IsNamedAsTheSource) {
  EXPECT_EQ(overridden("", {"m.x=[1]"}).find("m")->find("x")->items()[0].source().text(), "--set m.x=[1]");
}

}  // namespace
}  // namespace grapnel
