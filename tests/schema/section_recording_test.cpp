// A section that records writes down what its reader asks for, so that the schema can only say what the
// reader does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/section.hpp"
#include "core/table_shape.hpp"

namespace grapnel {
namespace {

using ::testing::HasSubstr;

class SectionRecording : public ::testing::Test {
 protected:
  std::string value(const char* key) { return shape_.known(key).value.to_json(); }

  TableShape shape_;
  const ConfigNode nothing_ = ConfigNode::table();
  Section section_{nothing_, "t", shape_};
};

TEST_F(SectionRecording, GivesAbsentRequiredKeysAValueOfTheirRange) {
  EXPECT_EQ(section_.integer("i", {3, 9}), 3);
  EXPECT_EQ(section_.number("f", {-2, -1}), -1);
  EXPECT_EQ(section_.choice("c", {"a", "b"}), "a");
  EXPECT_EQ(section_.string("s"), "");
  EXPECT_FALSE(section_.boolean("b"));
  for (const KeyShape& key : shape_.keys) EXPECT_TRUE(key.required) << key.key;
}

TEST_F(SectionRecording, KeepsKindRangeAndDefault) {
  section_.integer_or("i", 4, {1, 16});
  section_.number_or("f", 0.5, {0, 1, true, true});
  section_.choice_or("c", "b", {"a", "b"});
  section_.integers_or("pair", {1, 2}, 2, {0, 9});
  section_.strings_or("words", {"x"});
  EXPECT_EQ(value("i"), R"({"type": "integer", "minimum": 1, "maximum": 16})");
  EXPECT_EQ(value("f"), R"({"type": "number", "exclusiveMinimum": 0.0, "exclusiveMaximum": 1.0})");
  EXPECT_EQ(value("c"), R"({"enum": ["a", "b"]})");
  EXPECT_EQ(value("pair"), R"({"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, )"
                           R"("minItems": 2, "maxItems": 2})");
  EXPECT_EQ(value("words"), R"({"type": "array", "items": {"type": "string"}})");
  EXPECT_EQ(shape_.known("i").fallback.to_json(), "4");
  EXPECT_EQ(shape_.known("pair").fallback.to_json(), "[1, 2]");
  EXPECT_FALSE(shape_.known("i").required);
}

TEST_F(SectionRecording, GoesIntoTablesThatAreNotThere) {
  auto inner = section_.table("inner");
  ASSERT_TRUE(inner.has_value());
  inner->required_table("deeper").boolean_or("flag", true);
  EXPECT_EQ(shape_.known("inner.deeper.flag").value.to_json(), R"({"type": "boolean"})");
  EXPECT_TRUE(shape_.known("inner.deeper").required);
  EXPECT_TRUE(section_.table_or_false("loop").has_value());
  EXPECT_EQ(shape_.known("loop").form, KeyShape::Form::kTableOrFalse);
}

TEST_F(SectionRecording, KeepsWhatIsIgnoredRefusedAndCalledOtherwise) {
  section_.ignore("old");
  section_.expect_refusal("never");
  EXPECT_EQ(section_.either_name("prob", "flip_ratio"), "prob");
  section_.expect("pairs", shape::list(shape::boolean()));
  EXPECT_EQ(shape_.known("old").fate, KeyShape::Fate::kIgnored);
  EXPECT_EQ(shape_.known("never").fate, KeyShape::Fate::kRefused);
  EXPECT_EQ(shape_.known("prob").older_name, "flip_ratio");
  EXPECT_EQ(value("pairs"), R"({"type": "array", "items": {"type": "boolean"}})");
}

TEST_F(SectionRecording, ANoteOnAKeyThatNobodyReadsIsAMistake) {
  section_.integer_or("i", 4);
  EXPECT_NO_THROW(describe(shape_, {{"i", "a number"}}));
  EXPECT_THROW(describe(shape_, {{"j", "another"}}), std::logic_error);
  EXPECT_THROW(describe(shape_, {{"i.k", "inside of a number"}}), std::logic_error);
}

TEST(SectionReading, TakesTheOlderNameWhereOnlyThatIsWritten) {
  const ConfigNode old = parse_toml("flip_ratio = 0.25\n", "c.toml");
  Section section(old, "t");
  EXPECT_EQ(section.number_or(section.either_name("prob", "flip_ratio"), 0.5), 0.25);
  EXPECT_NO_THROW(section.finish());
  const ConfigNode both = parse_toml("flip_ratio = 0.25\nprob = 0.75\n", "c.toml");
  Section doubled(both, "t");
  EXPECT_EQ(doubled.number_or(doubled.either_name("prob", "flip_ratio"), 0.5), 0.75);
  EXPECT_THROW(doubled.finish(), Failure);
}

TEST(SectionReading, ATableOrFalseIsNothingElse) {
  const ConfigNode node = parse_toml("a = false\nb = true\nc = 3\nd = {}\n", "c.toml");
  Section section(node, "t");
  EXPECT_FALSE(section.table_or_false("a").has_value());
  EXPECT_FALSE(section.table_or_false("absent").has_value());
  EXPECT_TRUE(section.table_or_false("d").has_value());
  EXPECT_THROW(section.table_or_false("b"), Failure);
  EXPECT_THROW(section.table_or_false("c"), Failure);
}

TEST(SectionReading, AnOpenRangeRefusesItsEnds) {
  const ConfigNode node = parse_toml("a = 0\nb = 1\nc = 0.5\n", "c.toml");
  Section section(node, "t");
  EXPECT_EQ(section.number("c", {0, 1, true, true}), 0.5);
  EXPECT_THROW(section.number("a", {0, 1, true, true}), Failure);
  try {
    section.number("b", {0, 1, false, true});
    FAIL() << "1 was taken";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("a number of at least 0.0 and below 1.0"));
  }
}

}  // namespace
}  // namespace grapnel
