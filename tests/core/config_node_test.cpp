#include "core/config_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using ::testing::HasSubstr;
using Kind = ConfigNode::Kind;

// Equal in kind and value, whatever the order of a table's members.
bool same(const ConfigNode& a, const ConfigNode& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == Kind::kList) {
    if (a.items().size() != b.items().size()) return false;
    for (size_t i = 0; i < a.items().size(); ++i) {
      if (!same(a.items()[i], b.items()[i])) return false;
    }
    return true;
  }
  if (a.kind() == Kind::kTable) {
    if (a.members().size() != b.members().size()) return false;
    for (const auto& [key, value] : a.members()) {
      const ConfigNode* other = b.find(key);
      if (!other || !same(value, *other)) return false;
    }
    return true;
  }
  return a.to_json() == b.to_json();
}

TEST(ConfigNode, WritesTomlThatReadsBackTheSame) {
  const ConfigNode config = parse_toml(R"(
s = "quote \" backslash \\ newline \n tab \t bell \u0007 delete \u007f umlaut ä"
'odd key.with "all"' = 1
'' = 2
whole = 5.0
tiny = 5e-324
huge = 1e300
third = 0.1
infinite = -inf
least = -9223372036854775808
empty_list = []
mixed = [1, 2.5, 'x', [true], { a = 1 }]
pipeline = [{ type = 'A', size = [1, 2], inner = { deep = { er = 1 } } }, {}]
[empty]
[t.'a.b'.c]
x = 1
[[t.list]]
[[t.list]]
y = [[1], []]
[[t.list.nested]]
z = 1
)",
                                       "a.toml");
  const ConfigNode again = parse_toml(config.to_toml(), "b.toml");
  EXPECT_TRUE(same(config, again)) << config.to_toml();
  EXPECT_EQ(again.to_toml(), config.to_toml());
}

TEST(ConfigNode, WritesJsonThatReadsBackTheSame) {
  const std::string text =
      R"({"s": "a\"b\\c\u0001ä", "f": 5.0, "g": 1e+300, "i": -3, "l": [null, [], {}], "b": false})";
  EXPECT_EQ(parse_json(text).to_json(), text);
}

TEST(ConfigNode, WritesNonFiniteNumbersAsJsonStrings) {
  EXPECT_EQ(ConfigNode::number(std::numeric_limits<double>::infinity()).to_json(), "\"inf\"");
  EXPECT_EQ(ConfigNode::number(-std::numeric_limits<double>::infinity()).to_json(), "\"-inf\"");
  EXPECT_EQ(ConfigNode::number(std::nan("")).to_json(), "\"nan\"");
}

TEST(ConfigNode, RefusesToWriteWhatTomlCannotHold) {
  EXPECT_THROW(ConfigNode::integer(1).to_toml(), std::logic_error);
  EXPECT_THROW(ConfigNode::table({{"nothing", ConfigNode()}}).to_toml(), std::logic_error);
}

TEST(ConfigNode, RefusesToBeReadAsAnotherKind) {
  EXPECT_THROW(ConfigNode::string("1").as_int(), std::logic_error);
  EXPECT_THROW(ConfigNode::number(1).as_int(), std::logic_error);
  EXPECT_THROW(ConfigNode::integer(1).members(), std::logic_error);
  EXPECT_THROW(ConfigNode().items(), std::logic_error);
  EXPECT_EQ(ConfigNode::integer(1).as_float(), 1.0);
}

TEST(ConfigNode, ReplacesInPlaceAndErases) {
  ConfigNode table = ConfigNode::table({{"a", ConfigNode::integer(1)}, {"b", ConfigNode::integer(2)}});
  table.set("a", ConfigNode::string("x"));
  table.set("c", ConfigNode::list({}));
  table.find_mutable("c")->push_back(ConfigNode::boolean(true));
  EXPECT_EQ(table.to_json(), R"({"a": "x", "b": 2, "c": [true]})");
  EXPECT_TRUE(table.erase("b"));
  EXPECT_FALSE(table.erase("b"));
  EXPECT_EQ(table.find("b"), nullptr);
  EXPECT_EQ(ConfigNode::integer(1).find("a"), nullptr);
}

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[1,]", "{\"a\": 1} x", "nan", "\"\xff\"", "01", "{\"a\": 1, \"a\": 2}",
                           "18446744073709551615", "99999999999999999999999"}) {
    EXPECT_THROW(parse_json(text), Failure) << text;
  }
  EXPECT_THROW(parse_json(std::string(100000, '[')), Failure);
}

TEST(ParseValue, GivesEveryNodeTheSourceItWasTold) {
  const ConfigNode node = parse_value("{ a = [1] }", {"default of X.y", 0});
  EXPECT_EQ(node.find("a")->items()[0].source().text(), "default of X.y");
  EXPECT_THAT(test::message_of<Failure>([] {
                parse_value("[1", {"default of X.y", 0});
              }),
              HasSubstr("default of X.y"));
}

TEST(ParseValue, RefusesWhatIsNotOneValue) {
  for (const char* text :
       {"", "word", "1 2", "1\nx = 2", "1979-05-27", "x = 1", "[1] [2]", "9223372036854775808"}) {
    EXPECT_THROW(parse_value(text), Failure) << text;
  }
}

}  // namespace
}  // namespace grapnel
