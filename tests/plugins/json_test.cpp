// The JSON reader that plugins share: strict about the text, exact about values, clear about paths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "../../plugins/json/json.hpp"
#include "../../plugins/json/table.hpp"

namespace json = grapnel::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

std::string failure_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST(Json, ReadsNestedTablesInOrder) {
  const json::Value root = json::parse(R"( {"b": [1, -2.5e1, true, null], "a": {"t": "x"}} )");
  ASSERT_TRUE(root.is_object());
  EXPECT_EQ(root.members()[0].first, "b");
  const auto& items = root.find("b")->items();
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0].integer(), 1);
  EXPECT_TRUE(items[0].is_integer());
  EXPECT_DOUBLE_EQ(items[1].number(), -25.0);
  EXPECT_FALSE(items[1].is_integer());
  EXPECT_TRUE(items[2].boolean());
  EXPECT_TRUE(items[3].is_null());
  EXPECT_EQ(root.find("a")->find("t")->text(), "x");
  EXPECT_EQ(root.find("missing"), nullptr);
}

TEST(Json, ReadsEscapesAndSurrogatePairs) {
  EXPECT_EQ(json::parse(R"("\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00")").text(),
            "\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(json::parse(json::quote("a\"b\\c\n\x01")).text(), "a\"b\\c\n\x01");
}

TEST(Json, KeepsLargeIntegersExactAndTurnsLargerOnesIntoFloats) {
  EXPECT_EQ(json::parse("9007199254740993").integer(), 9007199254740993);
  const json::Value larger = json::parse("92233720368547758080");
  EXPECT_FALSE(larger.is_integer());
  EXPECT_DOUBLE_EQ(larger.number(), 9.2233720368547758e19);
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* text :
       {"",       "{",       "[1,]",        "{\"a\":1,}",  "{a:1}",     "01",    "1.",
        ".5",     "+1",      "1e",          "nul",         "tru",       "'a'",   "\"a",
        "\"\t\"", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\u12\"", "[1] 2", "{\"a\":1,\"a\":2}",
        "NaN",    "-",       "1e999"}) {
    EXPECT_THAT(failure_of([&] { json::parse(text); }), HasSubstr("not JSON at byte")) << text;
  }
  EXPECT_THAT(failure_of([] { json::parse(std::string(100000, '[')); }), HasSubstr("nested too deeply"));
}

TEST(JsonTable, GivesTypedValuesAndNothingForAbsentOnes) {
  const json::Value root = json::parse(R"({"b": true, "i": 3, "n": 2, "t": "x", "l": [1, 2]})");
  json::Table table(root, "p");
  EXPECT_EQ(table.boolean("b"), true);
  EXPECT_EQ(table.integer("i"), 3);
  EXPECT_EQ(table.number("n"), 2.0);
  EXPECT_EQ(table.text("t"), "x");
  EXPECT_THAT(*table.integers("l"), ElementsAre(1, 2));
  EXPECT_FALSE(table.number("absent").has_value());
  EXPECT_NO_THROW(table.refuse_unknown());
}

TEST(JsonTable, NamesPathValueAndExpectation) {
  const json::Value root = json::parse(R"({"i": 1.5, "b": 1, "t": [], "l": [1, "x"], "gama": 0.1})");
  json::Table table(root, "list.0");
  EXPECT_EQ(failure_of([&] { table.integer("i"); }), "list.0.i is 1.5, expected an integer");
  EXPECT_EQ(failure_of([&] { table.boolean("b"); }), "list.0.b is 1, expected true or false");
  EXPECT_EQ(failure_of([&] { table.text("t"); }), "list.0.t is a list, expected a text");
  EXPECT_EQ(failure_of([&] { table.integers("l"); }), "list.0.l.1 is the text \"x\", expected an integer");
  EXPECT_EQ(failure_of([&] { table.number("gamma"), table.refuse_unknown(); }),
            "list.0.gama is no known option, did you mean 'gamma'?");
  EXPECT_EQ(failure_of([] { json::Table(json::parse("3"), "p"); }), "p is 3, expected a table");
}

TEST(NearestName, FindsMisspeltNamesOnly) {
  EXPECT_EQ(json::nearest_name("LinarLR", {"ConstantLR", "LinearLR"}), "LinearLR");
  EXPECT_EQ(json::nearest_name("bbox_map", {"coco/bbox_mAP", "acc"}), "");
  EXPECT_EQ(json::nearest_name("xyzxyz", {"LinearLR"}), "");
}
