// Plugins of a later SDK: what they have more than this host is ignored when they can do without it, and
// refused with both versions in the message when they cannot.
#include <gmock/gmock.h>
#include <grapnel/version.h>

#include "foreign_run.hpp"

namespace grapnel::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// This host's version, or one whose minor is higher.
std::string abi(int later) {
  return std::to_string(GRAPNEL_ABI_MAJOR) + "." + std::to_string(GRAPNEL_ABI_MINOR + later);
}
const std::string kThisHost = "this host has ABI " + abi(0);

class FuturePlugin : public ::testing::Test {
 protected:
  std::string refusal(const std::string& type) { return run_.refusal(ForeignRun::hook(type, "begin = 1")); }
  ForeignRun run_{std::string(GRAPNEL_BUILD_DIR) + "/tests/future_plugins"};
};

TEST_F(FuturePlugin, LongerTablesWorkWhenTheRequiredMinorIsOurs) {
  run_.load(ForeignRun::hook("FutureLongerTables", "interval = 7"));
  EXPECT_THAT(run_.news(), ElementsAre("interval 7, values old, host old, quantum service not there"));
  for (int32_t point = 0; point < GRAPNEL_POINT_COUNT; ++point) {
    EXPECT_EQ(run_.host.subscribed(point),
              point == GRAPNEL_POINT_BEFORE_RUN || point == GRAPNEL_POINT_ON_INTERRUPT);
    EXPECT_NO_THROW(run_.dispatch(point));
  }
  EXPECT_NO_THROW(run_.dispatch(GRAPNEL_POINT_COUNT));  // the first slot that this host does not know
  EXPECT_THAT(run_.news(), ElementsAre("old arguments", "on_interrupt"));
}

// Rows are option_size apart, so the second one is found, and the first one's known limits hold.
TEST_F(FuturePlugin, LongerOptionRowsAreCheckedByWhatTheHostKnows) {
  EXPECT_THAT(run_.refusal(ForeignRun::hook("FutureLongerTables", "interval = 101")), HasSubstr("1 to 100"));
  EXPECT_THAT(run_.refusal(ForeignRun::hook("FutureLongerTables", "insist = true")),
              HasSubstr("did you mean \"insists\"?"));
}

TEST_F(FuturePlugin, AnUnknownServiceIsNullAndThePluginSaysItCannotDoWithout) {
  EXPECT_THAT(run_.refusal(ForeignRun::hook("FutureLongerTables", "insists = true")),
              AllOf(HasSubstr("FutureLongerTables could not be created"), HasSubstr("grapnel.quantum/1"),
                    HasSubstr("this host (grapnel "), HasSubstr("ABI " + abi(0)), HasSubstr("demo.toml:")));
}

TEST_F(FuturePlugin, AnUnknownOptionKindIsRefusedWithNameKindAndAdvice) {
  EXPECT_THAT(refusal("FutureKind"),
              AllOf(HasSubstr("its option \"begin\" is of unknown kind 10"), HasSubstr("1 to 9"),
                    HasSubstr(kThisHost), HasSubstr("use a newer Grapnel"), HasSubstr("FutureKind.so")));
}

TEST_F(FuturePlugin, AnUnknownPresenceIsRefusedWithNameAndAdvice) {
  EXPECT_THAT(refusal("FuturePresence"), AllOf(HasSubstr("\"begin\""), HasSubstr("presence 3"),
                                               HasSubstr(kThisHost), HasSubstr("use a newer Grapnel")));
}

TEST_F(FuturePlugin, ANewerRequiredMinorIsRefusedNamingBothVersions) {
  for (const char* type : {"FutureMinor", "FutureMinorInDescriptor"}) {
    EXPECT_THAT(refusal(type),
                AllOf(HasSubstr("needs hook ABI " + abi(3) + " or newer"), HasSubstr(kThisHost),
                      HasSubstr(std::string(type) + ".so"), Not(HasSubstr("crash"))));
  }
}

TEST_F(FuturePlugin, TheBuildMaySayWhichMinorItCannotDoWithout) {
  EXPECT_THAT(refusal("FutureRequiresMinor"),
              HasSubstr("needs hook ABI " + std::to_string(GRAPNEL_ABI_MAJOR) + ".7 or newer, " + kThisHost));
}

TEST_F(FuturePlugin, AnotherMajorIsRefusedNamingBothVersions) {
  for (const char* type : {"FutureMajor", "FutureMajorInDescriptor"}) {
    EXPECT_THAT(refusal(type),
                AllOf(HasSubstr("hook ABI 2.0"), HasSubstr(kThisHost), HasSubstr(std::string(type) + ".so")));
  }
  EXPECT_THAT(refusal("FutureMajorInSymbol"), HasSubstr("does not export grapnel_plugin_v1"));
}

TEST_F(FuturePlugin, ADescriptorWithoutAVtableIsRefusedWithItsSize) {
  EXPECT_THAT(refusal("ShorterDescriptor"),
              AllOf(HasSubstr("its descriptor is too small: 88 bytes"), HasSubstr("96")));
}

// The note is enough: the trainer never maps such a file.
TEST_F(FuturePlugin, IsListedWithItsReasonWithoutBeingLoaded) {
  int refused = 0;
  for (const PluginFile& file : run_.catalog.files()) {
    if (file.type != "FutureMinor" && file.type != "FutureMajor") continue;
    EXPECT_THAT(file.rejection, HasSubstr(kThisHost));
    ++refused;
  }
  EXPECT_EQ(refused, 2);
  EXPECT_THAT(run_.catalog.find("FutureLongerTables"), ::testing::NotNull());
  EXPECT_THAT(run_.news(), IsEmpty());
}

}  // namespace
}  // namespace grapnel::test
