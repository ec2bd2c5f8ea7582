// Every kind of option, and every way in which a value can be wrong.
#include "core/option_check.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/config_text.hpp"
#include "core/failure.hpp"

namespace grapnel {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

grapnel_option option(int32_t kind, const char* name, const char* fallback) {
  return {sizeof(grapnel_option),
          kind,
          fallback ? GRAPNEL_OPTION_DEFAULTED : GRAPNEL_OPTION_REQUIRED,
          0,
          name,
          "meaning",
          fallback,
          -INFINITY,
          INFINITY,
          nullptr,
          0,
          0,
          0};
}
grapnel_option in_range(grapnel_option option, double min, double max) {
  option.min = min;
  option.max = max;
  return option;
}
grapnel_option with_items(grapnel_option option, uint64_t min, uint64_t max) {
  option.min_items = min;
  option.max_items = max;
  return option;
}
const char* const kRules[] = {"greater", "less"};
grapnel_option with_choices(grapnel_option option) {
  option.choices = kRules;
  option.choice_count = 2;
  return option;
}

HookConfig hook(const std::string& toml) {
  HookConfig config;
  config.type = "MyHook";
  config.path = "custom_hooks.0";
  config.options = parse_toml(toml, "demo.toml");
  config.source = {"demo.toml", 7};
  return config;
}

OptionValues check(const grapnel_option& option, const std::string& toml) {
  return check_options({option}, hook(toml));
}

std::string failure_of(const grapnel_option& option, const std::string& toml) {
  try {
    check(option, toml);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    return failure.what();
  }
  return "no failure";
}

TEST(OptionCheck, DeliversEveryKind) {
  const std::vector<grapnel_option> table = {
      option(GRAPNEL_KIND_BOOL, "on", nullptr),       option(GRAPNEL_KIND_INT, "n", nullptr),
      option(GRAPNEL_KIND_FLOAT, "x", nullptr),       option(GRAPNEL_KIND_STRING, "s", nullptr),
      option(GRAPNEL_KIND_BOOL_LIST, "ons", nullptr), option(GRAPNEL_KIND_INT_LIST, "ns", nullptr),
      option(GRAPNEL_KIND_FLOAT_LIST, "xs", nullptr), option(GRAPNEL_KIND_STRING_LIST, "ss", nullptr),
      option(GRAPNEL_KIND_TREE, "tree", nullptr),
  };
  const OptionValues built = check_options(table, hook(R"(
on = true
n = -9007199254740993
x = 2
s = "text"
ons = [true, false]
ns = [1, -2, 3]
xs = [0.5, 2]
ss = ["a", "bb"]
tree = [{ type = "Resize", scale = [640, 640] }]
)"));
  const OptionValues values = [&] {
    OptionValues moved;
    moved = check_options(table, hook("on=true\nn=-9007199254740993\nx=2\ns=\"text\"\nons=[true,false]\n"
                                      "ns=[1,-2,3]\nxs=[0.5,2]\nss=[\"a\",\"bb\"]\n"
                                      "tree=[{ type = \"Resize\", scale = [640, 640] }]\n"));
    return moved;
  }();
  ASSERT_EQ(built.size(), 9u);
  ASSERT_EQ(values.size(), 9u);
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(values[i].struct_size, sizeof(grapnel_value));
    EXPECT_EQ(values[i].kind, static_cast<int32_t>(i) + 1);
    EXPECT_STREQ(values[i].name, table[i].name);
    EXPECT_EQ(values[i].is_set, 1);
  }
  EXPECT_EQ(values[0].integer, 1);
  EXPECT_EQ(values[1].integer, -9007199254740993);
  EXPECT_EQ(values[2].number, 2.0);
  EXPECT_STREQ(values[3].text, "text");
  ASSERT_EQ(values[4].count, 2u);
  EXPECT_EQ(values[4].integers[0], 1);
  EXPECT_EQ(values[4].integers[1], 0);
  ASSERT_EQ(values[5].count, 3u);
  EXPECT_EQ(values[5].integers[1], -2);
  ASSERT_EQ(values[6].count, 2u);
  EXPECT_EQ(values[6].numbers[0], 0.5);
  EXPECT_EQ(values[6].numbers[1], 2.0);
  ASSERT_EQ(values[7].count, 2u);
  EXPECT_STREQ(values[7].texts[1], "bb");
  const ConfigNode tree = parse_json(values[8].text);
  EXPECT_EQ(tree.items()[0].find("type")->as_string(), "Resize");
}

TEST(OptionCheck, FillsDefaultsAndLeavesOptionalOnesUnset) {
  EXPECT_EQ(check(option(GRAPNEL_KIND_INT, "n", "50"), "")[0].integer, 50);
  EXPECT_STREQ(check(option(GRAPNEL_KIND_STRING, "s", "\"auto\""), "")[0].text, "auto");
  const OptionValues list = check(option(GRAPNEL_KIND_INT_LIST, "ns", "[14, 26]"), "");
  ASSERT_EQ(list[0].count, 2u);
  EXPECT_EQ(list[0].integers[1], 26);
  EXPECT_STREQ(check(option(GRAPNEL_KIND_TREE, "t", "{}"), "")[0].text, "{}");
  grapnel_option unset = option(GRAPNEL_KIND_STRING, "s", nullptr);
  unset.presence = GRAPNEL_OPTION_OPTIONAL;
  EXPECT_EQ(check(unset, "")[0].is_set, 0);
  EXPECT_EQ(check(unset, "s = \"here\"")[0].is_set, 1);
}

TEST(OptionCheck, RefusesAMissingRequiredOption) {
  EXPECT_THAT(failure_of(option(GRAPNEL_KIND_INT, "interval", nullptr), ""),
              AllOf(HasSubstr("MyHook needs the option \"interval\""),
                    HasSubstr("demo.toml:7, custom_hooks.0.interval"), HasSubstr("an integer"),
                    HasSubstr("meaning")));
}

TEST(OptionCheck, RefusesAnUnknownOptionNamingTheNearest) {
  EXPECT_THAT(
      failure_of(option(GRAPNEL_KIND_INT, "interval", "1"), "\nintervall = 10"),
      AllOf(HasSubstr("demo.toml:2, custom_hooks.0.intervall"), HasSubstr("did you mean \"interval\"?")));
  EXPECT_THAT(failure_of(option(GRAPNEL_KIND_INT, "interval", "1"), "prioritty = 10"),
              HasSubstr("did you mean \"priority\"?"));
  try {
    check_options({}, hook("x = 1"));
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("expected no options"));
  }
}

TEST(OptionCheck, RefusesTheWrongKindSayingBoth) {
  struct Case {
    int32_t kind;
    const char* toml;
    const char* expected;
  };
  for (const Case& c :
       {Case{GRAPNEL_KIND_BOOL, "o = 1", "true or false"}, Case{GRAPNEL_KIND_INT, "o = 1.0", "an integer"},
        Case{GRAPNEL_KIND_INT, "o = \"1\"", "an integer"}, Case{GRAPNEL_KIND_INT, "o = true", "an integer"},
        Case{GRAPNEL_KIND_FLOAT, "o = \"1\"", "a number"}, Case{GRAPNEL_KIND_STRING, "o = 1", "a string"},
        Case{GRAPNEL_KIND_BOOL_LIST, "o = [1]", "a list of bools"},
        Case{GRAPNEL_KIND_INT_LIST, "o = 1", "a list of ints"},
        Case{GRAPNEL_KIND_INT_LIST, "o = [1.5]", "a list of ints"},
        Case{GRAPNEL_KIND_FLOAT_LIST, "o = [\"a\"]", "a list of floats"},
        Case{GRAPNEL_KIND_STRING_LIST, "o = \"Mosaic\"", "a list of strings"},
        Case{GRAPNEL_KIND_STRING_LIST, "o = [1]", "a list of strings"}}) {
    EXPECT_THAT(failure_of(option(c.kind, "o", nullptr), c.toml),
                AllOf(HasSubstr("wrong kind"), HasSubstr("demo.toml:1, custom_hooks.0.o"),
                      HasSubstr(std::string("expected ") + c.expected)))
        << c.toml;
  }
}

TEST(OptionCheck, RefusesNumbersOutOfRange) {
  const auto count = in_range(option(GRAPNEL_KIND_INT, "n", nullptr), 1, INFINITY);
  EXPECT_THAT(failure_of(count, "n = 0"),
              AllOf(HasSubstr("out of range"), HasSubstr("got 0"), HasSubstr("1 or more")));
  EXPECT_EQ(check(count, "n = 1")[0].integer, 1);
  const auto share = in_range(option(GRAPNEL_KIND_FLOAT, "x", nullptr), 0, 1);
  EXPECT_THAT(failure_of(share, "x = 1.5"), HasSubstr("0 to 1"));
  EXPECT_THAT(failure_of(share, "x = nan"), HasSubstr("out of range"));
  EXPECT_THAT(failure_of(share, "x = inf"), HasSubstr("out of range"));
  EXPECT_EQ(check(share, "x = 1")[0].number, 1.0);
  EXPECT_THAT(failure_of(option(GRAPNEL_KIND_FLOAT, "x", nullptr), "x = nan"), HasSubstr("out of range"));
  EXPECT_EQ(check(option(GRAPNEL_KIND_FLOAT, "x", nullptr), "x = -inf")[0].number, -INFINITY);
  const auto list = in_range(option(GRAPNEL_KIND_INT_LIST, "n", nullptr), -INFINITY, 9);
  EXPECT_THAT(failure_of(list, "n = [1, 10]"), AllOf(HasSubstr("got 10"), HasSubstr("9 or less")));
}

TEST(OptionCheck, RefusesWhatIsNoChoiceNamingTheNearest) {
  const auto rule = with_choices(option(GRAPNEL_KIND_STRING, "rule", nullptr));
  EXPECT_THAT(failure_of(rule, "rule = \"greatr\""),
              AllOf(HasSubstr("one of \"greater\", \"less\""), HasSubstr("did you mean \"greater\"?")));
  EXPECT_STREQ(check(rule, "rule = \"less\"")[0].text, "less");
  const auto rules = with_choices(option(GRAPNEL_KIND_STRING_LIST, "rules", nullptr));
  EXPECT_THAT(failure_of(rules, "rules = [\"less\", \"more\"]"), HasSubstr("got \"more\""));
}

TEST(OptionCheck, RefusesAWrongNumberOfItems) {
  const auto pair = with_items(option(GRAPNEL_KIND_INT_LIST, "size", nullptr), 2, 2);
  EXPECT_THAT(failure_of(pair, "size = [1]"), AllOf(HasSubstr("number of items"), HasSubstr("2 items")));
  EXPECT_THAT(failure_of(pair, "size = [1, 2, 3]"), HasSubstr("2 items"));
  EXPECT_EQ(check(pair, "size = [1, 2]")[0].count, 2u);
  EXPECT_THAT(failure_of(with_items(pair, 1, 0), "size = []"), HasSubstr("1 item or more"));
  EXPECT_THAT(failure_of(with_items(pair, 1, 3), "size = []"), HasSubstr("1 to 3 items"));
}

TEST(OptionCheck, RefusesAStringWithANul) {
  EXPECT_THAT(failure_of(option(GRAPNEL_KIND_STRING, "s", nullptr), "s = \"a\\u0000b\""), HasSubstr("NUL"));
}

TEST(OptionCheck, FindsDefaultsThatTheTableItselfForbids) {
  EXPECT_EQ(
      check_option_defaults({option(GRAPNEL_KIND_INT, "n", "50"), option(GRAPNEL_KIND_INT, "m", nullptr)}),
      "");
  EXPECT_THAT(check_option_defaults({in_range(option(GRAPNEL_KIND_INT, "n", "0"), 1, 9)}),
              HasSubstr("\"n\""));
  EXPECT_THAT(check_option_defaults({option(GRAPNEL_KIND_INT, "n", "auto")}), HasSubstr("cannot be read"));
  EXPECT_THAT(check_option_defaults({option(GRAPNEL_KIND_STRING, "s", "5")}), HasSubstr("expected a string"));
}

}  // namespace
}  // namespace grapnel
