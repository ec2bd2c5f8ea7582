// `grapnel hooks check` is grapnel-conformance with the program's own LibTorch filled in.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "../cli/command.hpp"

namespace grapnel::test {
namespace {

using ::testing::HasSubstr;

const std::string kBuild = GRAPNEL_BUILD_DIR;

CommandResult hooks_check(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"hooks", "check"});
  return run_grapnel(arguments);
}

TEST(HooksCheck, ListsTheCasesOfTheTool) {
  const CommandResult verb = hooks_check({"--list"});
  EXPECT_EQ(verb.exit_code, 0) << verb.err;
  EXPECT_EQ(verb.out, run_command({kBuild + "/bin/grapnel-conformance", "--list"}).out);
}

TEST(HooksCheck, FindsAShippedHookConforming) {
  const CommandResult run = hooks_check({kBuild + "/plugins/SetEpochInfoHook.so"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("SetEpochInfoHook.so: SetEpochInfoHook, seed 0"));
  EXPECT_THAT(run.out, HasSubstr(" 0 failed, "));
}

TEST(HooksCheck, NamesItselfWhereItSaysHowToRepeatACase) {
  const CommandResult run =
      hooks_check({"--only", "points", kBuild + "/tests/faulty_plugins/crashes_in_callback.so"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, HasSubstr("Repeat one case: grapnel hooks check --only points --seed 0 "));
}

TEST(HooksCheck, GivesUsageErrorsTheirExitCode) {
  EXPECT_EQ(hooks_check({"--only", "pointz", kBuild + "/plugins/SetEpochInfoHook.so"}).exit_code, 2);
  EXPECT_EQ(hooks_check({kBuild + "/plugins/NoSuchHook.so"}).exit_code, 2);
  EXPECT_EQ(hooks_check({}).exit_code, 2);
}

}  // namespace
}  // namespace grapnel::test
