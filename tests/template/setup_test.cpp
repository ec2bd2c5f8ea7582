// What a C++ hook's constructor gets: each kind of option as its own C++ type, and errors for what it asks
// wrongly.
#include <gtest/gtest.h>

#include <grapnel/hook.hpp>

namespace grapnel::test {
namespace {

// A host of a later minor: its values are longer than this SDK's.
struct LongerValue {
  grapnel_value known;
  uint64_t later = 0x5A5A5A5A5A5A5A5A;
};

grapnel_value value_of(int32_t kind, const char* name) {
  grapnel_value value{};
  value.struct_size = sizeof(LongerValue);
  value.kind = kind;
  value.name = name;
  value.is_set = 1;
  return value;
}

class SetupTest : public ::testing::Test {
 protected:
  SetupTest() {
    LongerValue each;
    const auto add = [&](const grapnel_value& value) {
      each.known = value;
      values_.push_back(each);
    };
    grapnel_value value = value_of(GRAPNEL_KIND_BOOL, "flag");
    value.integer = 1;
    add(value);
    value = value_of(GRAPNEL_KIND_INT, "integer");
    value.integer = -7;
    add(value);
    value = value_of(GRAPNEL_KIND_FLOAT, "number");
    value.number = 0.25;
    add(value);
    value = value_of(GRAPNEL_KIND_STRING, "text");
    value.text = "words";
    add(value);
    value = value_of(GRAPNEL_KIND_TREE, "tree");
    value.text = "{\"a\":[1]}";
    add(value);
    value = value_of(GRAPNEL_KIND_BOOL_LIST, "flags");
    value.integers = integers_;
    value.count = 3;
    add(value);
    value = value_of(GRAPNEL_KIND_INT_LIST, "integers");
    value.integers = integers_;
    value.count = 3;
    add(value);
    value = value_of(GRAPNEL_KIND_FLOAT_LIST, "numbers");
    value.numbers = numbers_;
    value.count = 2;
    add(value);
    value = value_of(GRAPNEL_KIND_STRING_LIST, "texts");
    value.texts = texts_;
    value.count = 2;
    add(value);
    add(value_of(GRAPNEL_KIND_INT_LIST, "none"));  // an empty list has no pointer
    value = value_of(GRAPNEL_KIND_INT, "absent");
    value.is_set = 0;
    add(value);
  }
  grapnel::Setup setup() const {
    return grapnel::Setup(nullptr, &values_[0].known, values_.size(), sizeof(LongerValue));
  }

  const int64_t integers_[3] = {1, 0, 1};
  const double numbers_[2] = {0.5, 2};
  const char* const texts_[2] = {"one", ""};
  std::vector<LongerValue> values_;
};

TEST_F(SetupTest, GivesEachKindAsItsOwnType) {
  EXPECT_TRUE(setup().boolean("flag"));
  EXPECT_EQ(setup().integer("integer"), -7);
  EXPECT_EQ(setup().number("number"), 0.25);
  EXPECT_EQ(setup().text("text"), "words");
  EXPECT_EQ(setup().json("tree"), "{\"a\":[1]}");
  EXPECT_EQ(setup().booleans("flags"), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(setup().integers("integers"), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(setup().numbers("numbers"), (std::vector<double>{0.5, 2}));
  EXPECT_EQ(setup().texts("texts"), (std::vector<std::string>{"one", ""}));
  EXPECT_TRUE(setup().integers("none").empty());
}

TEST_F(SetupTest, TellsWhatIsAbsentAndRefusesWhatIsAskedWrongly) {
  EXPECT_TRUE(setup().has("integer"));
  EXPECT_FALSE(setup().has("absent"));
  EXPECT_THROW(setup().integer("absent"), std::logic_error);
  EXPECT_THROW(setup().number("integer"), std::logic_error);
  EXPECT_THROW(setup().booleans("integers"), std::logic_error);
  EXPECT_THROW(setup().has("no_such_option"), std::logic_error);
}

}  // namespace
}  // namespace grapnel::test
