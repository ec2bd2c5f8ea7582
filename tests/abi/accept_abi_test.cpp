// What `cmake --build BUILD --target accept_abi` takes into the tree and what it refuses.
#include <gmock/gmock.h>

#include <filesystem>

#include "abi_watch.hpp"
#include "tree_copy.hpp"

namespace grapnel::abi {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AcceptAbi : public ::testing::Test {
 protected:
  std::string accept() {
    try {
      return accept_addition(copy_.tree(), copy_.scratch());
    } catch (const std::exception& e) {
      return e.what();
    }
  }
  void append_slot(const std::string& name) {
    copy_.edit_header("hook.h", "} grapnel_hook_vtable;",
                      "  grapnel_point_fn " + name + ";\n} grapnel_hook_vtable;");
  }
  void raise_minor() { copy_.edit_header("version.h", "GRAPNEL_ABI_MINOR 0", "GRAPNEL_ABI_MINOR 1"); }
  void write_changelog(const std::string& state) {
    std::ofstream(copy_.tree().changelog())
        << "# History\n\n## ABI 1.1 " << state << "\n\n## ABI 1.0 (2026-11-23)\n";
  }
  bool is_untouched() {
    return !std::filesystem::exists(copy_.tree().baseline("1.1")) &&
           !std::filesystem::exists(copy_.tree().copy("1.1"));
  }
  const TreeCopy copy_;
};

TEST_F(AcceptAbi, HasNothingToDoWhenNothingChanged) {
  EXPECT_EQ(accept(), "nothing to accept: the hook ABI is that of 1.0");
}

TEST_F(AcceptAbi, TakesTheFirstRevisionAsItIsWhileItIsUnreleased) {
  const std::string baseline = test::read_file(copy_.tree().baseline("1.0"));
  std::filesystem::remove(copy_.tree().baseline("1.0"));
  std::filesystem::remove_all(copy_.tree().copy("1.0"));
  EXPECT_THAT(accept(), HasSubstr("no section '## ABI 1.0 (unreleased)'"));
  std::ofstream(copy_.tree().changelog()) << "## ABI 1.0 (unreleased)\n";
  EXPECT_EQ(accept(), "ABI 1.0 is the first revision; written as it is");
  EXPECT_EQ(test::read_file(copy_.tree().baseline("1.0")), baseline);
}

TEST_F(AcceptAbi, RefusesABreakWhateverTheVersionSays) {
  copy_.edit_header("options.h", "  int32_t presence;", "  int64_t presence;");
  raise_minor();
  write_changelog("(unreleased)");
  EXPECT_THAT(accept(), AllOf(HasSubstr("refused: the hook ABI broke since 1.0"),
                              HasSubstr("grapnel_option.presence is now 'long int', was 'int'")));
  EXPECT_TRUE(is_untouched());
}

TEST_F(AcceptAbi, RefusesAnAdditionUntilVersionAndChangelogTellOfIt) {
  append_slot("on_pause");
  EXPECT_THAT(accept(), AllOf(HasSubstr("refused: ABI 1.0 is frozen, but the headers hold more"),
                              HasSubstr("raise GRAPNEL_ABI_MINOR")));
  raise_minor();
  EXPECT_THAT(accept(), HasSubstr("no section '## ABI 1.1 (unreleased)'"));
  write_changelog("(2027-01-01)");
  EXPECT_THAT(accept(), HasSubstr("no section '## ABI 1.1 (unreleased)'"));
  EXPECT_TRUE(is_untouched());
}

TEST_F(AcceptAbi, WritesBaselineAndFrozenHeadersOfTheNewRevision) {
  append_slot("on_pause");
  raise_minor();
  write_changelog("(unreleased)");
  EXPECT_THAT(accept(), AllOf(HasSubstr("accepted into ABI 1.1"), HasSubstr("on_pause"),
                              HasSubstr("tests/sdk/frozen_offsets.h"), HasSubstr("sdk/CHANGELOG.md")));
  const Tree tree = copy_.tree();
  EXPECT_THAT(tree.revisions(), ElementsAre("1.0", "1.1"));
  EXPECT_EQ(check_abi(tree, tree.include(), "1.1", copy_.scratch()).change, Change::kNone);
  EXPECT_EQ(check_abi(tree, tree.include(), "1.0", copy_.scratch()).change, Change::kAddition);
  EXPECT_EQ(test::read_file(tree.copy("1.1") + "/include/grapnel/hook.h"),
            test::read_file(tree.include() + "/grapnel/hook.h"));
  EXPECT_THAT(test::read_file(tree.copy("1.1") + "/SHA256SUMS"),
              HasSubstr("  include/grapnel/services/log.h\n"));

  // While it is unreleased it may still change its mind about what it adds; afterwards it may not.
  copy_.edit_header("hook.h", "grapnel_point_fn on_pause;",
                    "grapnel_point_fn on_pause;\n  grapnel_point_fn on_nap;");
  EXPECT_THAT(accept(), AllOf(HasSubstr("accepted into ABI 1.1"), HasSubstr("on_nap")));
  write_changelog("(2027-01-01)");
  append_slot("on_wake");
  EXPECT_THAT(accept(), HasSubstr("refused: ABI 1.1 is frozen"));
  copy_.edit_header("hook.h", "  grapnel_point_fn on_pause;\n", "");
  EXPECT_THAT(accept(), HasSubstr("refused: the hook ABI broke since 1.1"));
}

}  // namespace
}  // namespace grapnel::abi
