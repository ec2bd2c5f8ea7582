#include "core/section.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config_file.hpp"
#include "core/failure.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SectionTest : public ::testing::Test {
 protected:
  Section open(const std::string& toml) {
    node_ = load_config(folder_.write("c.toml", toml));
    return Section(*node_.find("t"), "t");
  }
  template <class Body>
  std::string failure(const std::string& toml, Body body) {
    return test::message_of<Failure>([&] {
      Section section = open(toml);
      body(section);
    });
  }
  test::TemporaryFolder folder_;
  ConfigNode node_;
};

TEST_F(SectionTest, ReadsEveryKind) {
  Section s = open(
      "[t]\ni = 3\nf = 1\ng = 0.5\nb = true\ns = 'x'\nl = [1, 2]\nn = [1, 0.5]\nw = ['a']\n[t.u]\nz = 1\n");
  EXPECT_EQ(s.integer("i"), 3);
  EXPECT_EQ(s.number("f"), 1.0);
  EXPECT_EQ(s.number_or("g", 9), 0.5);
  EXPECT_TRUE(s.boolean("b"));
  EXPECT_EQ(s.string("s"), "x");
  EXPECT_EQ(s.integers_or("l", {}), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(s.numbers_or("n", {}, 2), (std::vector<double>{1, 0.5}));
  EXPECT_EQ(s.strings_or("w", {}), (std::vector<std::string>{"a"}));
  EXPECT_EQ(s.required_table("u").integer("z"), 1);
  EXPECT_EQ(s.integer_or("absent", 7), 7);
  s.finish();
}

TEST_F(SectionTest, NamesFileLinePathGotAndExpected) {
  EXPECT_THAT(failure("[t]\nbatch_size = 'eight'\n",
                      [](Section& s) {
                        s.integer("batch_size", {1, 100});
                      }),
              AllOf(HasSubstr("c.toml:2, t.batch_size"), HasSubstr("\"eight\" (string)"),
                    HasSubstr("an integer from 1 to 100")));
}

TEST_F(SectionTest, ChecksRanges) {
  EXPECT_NE(failure("[t]\nx = 0\n", [](Section& s) { s.integer("x", {1, 5}); }), "");
  EXPECT_NE(failure("[t]\nx = 0.0\n", [](Section& s) { s.number("x", {0, 1, true}); }), "");
  EXPECT_EQ(failure("[t]\nx = 0.0\n", [](Section& s) { s.number("x", {0, 1}); }), "");
  EXPECT_NE(failure("[t]\nx = nan\n", [](Section& s) { s.number("x", {0, 1}); }), "");
  EXPECT_NE(failure("[t]\nx = [1, 9]\n", [](Section& s) { s.integers_or("x", {}, 2, {0, 5}); }), "");
  EXPECT_NE(failure("[t]\nx = [1]\n", [](Section& s) { s.integers_or("x", {}, 2); }), "");
}

TEST_F(SectionTest, RefusesAnUnknownKeyAndNamesTheNearest) {
  EXPECT_THAT(
      failure("[t]\nintervall = 5\n",
              [](Section& s) {
                s.integer_or("interval", 1);
                s.finish();
              }),
      AllOf(HasSubstr("unknown key"), HasSubstr("did you mean \"interval\"?"), HasSubstr("c.toml:2")));
}

TEST_F(SectionTest, RefusesAnUnknownChoiceAndNamesTheNearest) {
  EXPECT_THAT(failure("[t]\ntype = 'Adan'\n",
                      [](Section& s) {
                        s.choice("type", {"SGD", "Adam"});
                      }),
              HasSubstr("did you mean \"Adam\"?"));
}

TEST_F(SectionTest, NamesAMissingKey) {
  EXPECT_THAT(failure("[t]\n", [](Section& s) { s.string("type"); }),
              AllOf(HasSubstr("a required key is missing"), HasSubstr("t.type")));
}

TEST_F(SectionTest, RefusesWhatIsNoTable) {
  EXPECT_THAT(failure("t = 3\n", [](Section&) {}), HasSubstr("a table is needed"));
}

TEST(NearestName, FindsOneTypoAndIgnoresStrangers) {
  EXPECT_EQ(nearest_name("max_epoch", {"max_iters", "max_epochs"}), "max_epochs");
  EXPECT_EQ(nearest_name("completely", {"different"}), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST_F(SectionTest, NamesTheItemOfAListThatIsWrong) {
  EXPECT_THAT(failure("[t]\nok = 1\nscale = [1, 'x']\n", [](Section& s) { s.numbers_or("scale", {}); }),
              AllOf(HasSubstr("c.toml:3, t.scale.1"), HasSubstr("\"x\"")));
}

TEST_F(SectionTest, TakesNoKindForAnother) {
  EXPECT_NE(failure("[t]\nx = 1.0\n", [](Section& s) { s.integer("x"); }), "");
  EXPECT_NE(failure("[t]\nx = true\n", [](Section& s) { s.integer("x"); }), "");
  EXPECT_NE(failure("[t]\nx = 1\n", [](Section& s) { s.boolean("x"); }), "");
  EXPECT_NE(failure("[t]\nx = '1'\n", [](Section& s) { s.number("x"); }), "");
  EXPECT_NE(failure("[t]\nx = 1\n", [](Section& s) { s.string_or("x", ""); }), "");
  EXPECT_NE(failure("[t]\nx = 'a'\n", [](Section& s) { s.strings_or("x", {}); }), "");
  EXPECT_NE(failure("[t]\nx = 1\n", [](Section& s) { s.table("x"); }), "");
  EXPECT_NE(failure("[t]\nx = nan\n", [](Section& s) { s.number("x"); }), "");
}

TEST_F(SectionTest, NamesTheTableOfAListByItsNumber) {
  EXPECT_THAT(
      failure("[[t.hooks]]\n[[t.hooks]]\nx = 1\n", [](Section& s) { s.tables("hooks").at(1).finish(); }),
      AllOf(HasSubstr("c.toml:3, t.hooks.1.x"), HasSubstr("unknown key")));
  EXPECT_THAT(failure("[t]\nhooks = [{}, 3]\n", [](Section& s) { s.tables("hooks"); }),
              AllOf(HasSubstr("c.toml:2, t.hooks.1"), HasSubstr("3 (integer)")));
}

TEST_F(SectionTest, LetsAnIgnoredKeyPass) {
  EXPECT_EQ(failure("[t]\nx = 1\n",
                    [](Section& s) {
                      s.ignore("x");
                      s.finish();
                    }),
            "");
}

TEST_F(SectionTest, CutsALongValueBetweenCharacters) {
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\u00e4";
  for (const char* lead : {"", "a"}) {
    const std::string message =
        failure("[t]\nx = '" + (lead + umlauts) + "'\n", [](Section& s) { s.integer("x"); });
    EXPECT_THAT(message, HasSubstr("\u00e4... (string)"));
    EXPECT_NO_THROW(parse_json(ConfigNode::string(message).to_json()));
  }
}

}  // namespace
}  // namespace grapnel
