// Plugins written against the frozen headers of revision 1.0, in C and in C++, built by GCC and by clang:
// each loads in this host and does what it did then. A line in here changes with the ABI's major only.
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "../core/temporary_folder.hpp"
#include "core/elf_probe.hpp"
#include "core/hooks_listing.hpp"
#include "foreign_run.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string old_folder(const std::string& compiler) {
  return std::string(GRAPNEL_BUILD_DIR) + "/tests/old_plugins/1.0/" + compiler;
}

// The lines with JSON's blanks taken out: they are no part of the contract.
std::vector<std::string> without_json_blanks(std::vector<std::string> lines) {
  for (std::string& line : lines) line = std::regex_replace(line, std::regex(R"(([:,]) )"), "$1");
  return lines;
}

class OldPlugin : public ::testing::TestWithParam<const char*> {
 protected:
  static std::string hook(const std::string& type, const std::string& more = "") {
    return ForeignRun::hook(type, more);
  }
  ForeignRun run_{old_folder(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(BuiltBy, OldPlugin, ::testing::Values("gcc", "clang"),
                         [](const auto& compiler) { return std::string(compiler.param); });

TEST_P(OldPlugin, EachIsListedWithWhatItSaysAboutItself) {
  std::vector<std::string> types;
  for (const PluginFile& file : run_.catalog.files()) {
    EXPECT_EQ(file.rejection, "") << file.path;
    EXPECT_EQ(file.abi_major, 1u) << file.path;
    EXPECT_EQ(file.abi_minor, 0u) << file.path;
    // No version script here: what inlines of the C++ library leave behind is exported, too.
    EXPECT_THAT(probe_elf(file.path).exported, ::testing::Contains("grapnel_plugin_v1")) << file.path;
    types.push_back(file.type);
  }
  EXPECT_THAT(types, ::testing::UnorderedElementsAre("OldMinimal", "OldAllPoints", "OldOptions", "OldState",
                                                     "OldErrors", "OldServices", "OldShorterTables",
                                                     "OldHookLayer", "OldGreeter"));
  const grapnel_plugin& plugin = *load_described_hook(run_.catalog, "OldAllPoints").descriptor;
  EXPECT_STREQ(plugin.author, "A stranger");
  EXPECT_STREQ(plugin.license, "MIT");
  EXPECT_STREQ(plugin.summary, "Logs every point");
  EXPECT_EQ(plugin.default_priority, 90);
}

// The compiler's own list of the files it read.
TEST_P(OldPlugin, EachWasBuiltAgainstTheFrozenHeadersAlone) {
  int headers = 0;
  for (const PluginFile& file : run_.catalog.files()) {
    std::istringstream words(read_file(file.path + ".d"));
    for (std::string word; words >> word;) {
      if (word.find("/grapnel/") == std::string::npos || word.find(".h") == std::string::npos) continue;
      EXPECT_THAT(word, HasSubstr("/tests/abi/revisions/1.0/include/grapnel/")) << file.path;
      ++headers;
    }
  }
  EXPECT_GE(headers, 9 * 18);
}

TEST_P(OldPlugin, MinimalIsMadeAndCalledNowhere) {
  run_.load(hook("OldMinimal"));
  EXPECT_THAT(run_.news(), ElementsAre("made"));
  for (int32_t point = 0; point < GRAPNEL_POINT_COUNT; ++point) EXPECT_FALSE(run_.host.subscribed(point));
}

TEST_P(OldPlugin, AllPointsIsToldWhatItWasToldIn10) {
  run_.load(hook("OldAllPoints"));
  const char* const names[] = {"before_run",
                               "after_run",
                               "before_train",
                               "after_train",
                               "before_train_epoch",
                               "after_train_epoch",
                               "before_train_iter",
                               "after_train_iter",
                               "before_val",
                               "after_val",
                               "before_val_epoch",
                               "after_val_epoch",
                               "before_val_iter",
                               "after_val_iter",
                               "before_test",
                               "after_test",
                               "before_test_epoch",
                               "after_test_epoch",
                               "before_test_iter",
                               "after_test_iter",
                               "before_save_checkpoint",
                               "after_load_checkpoint",
                               "after_save_checkpoint",
                               "after_backward",
                               "before_optimizer_step",
                               "on_exception",
                               "on_interrupt"};
  static_assert(sizeof names / sizeof *names == 27);
  for (int32_t point = 0; point < 27; ++point) {
    auto args = ForeignRun::at(point);
    args.checkpoint_path = point == 20 ? "/tmp/a.pth" : nullptr;
    args.message = point == 25 ? "boom" : nullptr;
    run_.host.dispatch(args);
    EXPECT_THAT(run_.news(),
                ElementsAre(std::string(names[point]) +
                            " mode 1 by_epoch 1 epoch 2 iter 41 batch 3 of 12 max 5 60 checkpoint " +
                            (point == 20 ? "/tmp/a.pth" : "-") + " message " + (point == 25 ? "boom" : "-")));
  }
  run_.host.destroy();
  EXPECT_THAT(run_.news(), ElementsAre("destroy"));
}

TEST_P(OldPlugin, OptionsOfEveryKindArrive) {
  run_.load(hook("OldOptions", "needed = 3"));
  EXPECT_THAT(without_json_blanks(run_.news()),
              ElementsAre("enabled = 1", "interval = 50", "momentum = 0.0002", "schedule = cosine",
                          "flags = 1 0", "size_range = 14 26", "weights = 0.5 1", "names = a b",
                          R"(tree = {"type":"Resize","scale":[256,256]})", "needed = 3", "maybe = not set"));
}

TEST_P(OldPlugin, OptionsGivenInTheConfigArrive) {
  run_.load(
      hook("OldOptions",
           "needed = -1\nenabled = false\ninterval = 7\nmomentum = 1\nschedule = \"linear\"\nflags = []\n"
           "size_range = [1, 9]\nweights = [3]\nnames = [\"z\"]\ntree = [1, \"two\"]\nmaybe = 2.5"));
  EXPECT_THAT(without_json_blanks(run_.news()),
              ElementsAre("enabled = 0", "interval = 7", "momentum = 1", "schedule = linear",
                          "flags =", "size_range = 1 9", "weights = 3", "names = z", R"(tree = [1,"two"])",
                          "needed = -1", "maybe = 2.5"));
}

TEST_P(OldPlugin, OptionsAreCheckedAgainstTheOldTable) {
  const auto refusal = [&](const std::string& toml) { return run_.refusal(hook("OldOptions", toml)); };
  EXPECT_THAT(refusal(""), HasSubstr("needs the option \"needed\""));
  EXPECT_THAT(refusal("needed = 1\ninterval = 1001"), HasSubstr("1 to 1000"));
  EXPECT_THAT(refusal("needed = 1\nschedule = \"cosin\""), HasSubstr("did you mean \"cosine\"?"));
  EXPECT_THAT(refusal("needed = 1\nsize_range = [1]"), HasSubstr("2 items"));
  EXPECT_THAT(refusal("needed = 1.5"), HasSubstr("an integer"));
  EXPECT_THAT(run_.news(), IsEmpty());
}

TEST_P(OldPlugin, StateGoesOutAndComesBack) {
  run_.load(hook("OldState"));
  for (const int64_t iter : {0, 1, 2}) run_.dispatch(GRAPNEL_POINT_AFTER_TRAIN_ITER, iter);
  const auto states = run_.host.save_states();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].plugin_version, "1.0.7");
  EXPECT_EQ(states[0].bytes.size(), 8u);
  ASSERT_EQ(states[0].tensors.size(), 1u);
  EXPECT_THAT(states[0].tensors[0].shape, ElementsAre(3, 2));

  ForeignRun resumed(old_folder(GetParam()));
  resumed.load(hook("OldState"));
  resumed.host.load_states(states, false);
  EXPECT_THAT(resumed.news(), ElementsAre("loaded 3 by 1.0.7: 3 6 9 / 33 36 39"));
  auto cut = states;
  cut[0].bytes.resize(3);
  EXPECT_THAT(message_of<Failure>([&] { resumed.host.load_states(cut, false); }),
              HasSubstr("the state ends early"));
}

TEST_P(OldPlugin, ErrorsArriveInItsOwnWords) {
  const auto failure_with = [&](const std::string& where) {
    ForeignRun run(old_folder(GetParam()));
    run.load(hook("OldErrors", "where = \"" + where + "\""));
    const std::string at_point = message_of<HookFailure>([&] { run.dispatch(GRAPNEL_POINT_BEFORE_RUN); });
    return at_point.empty() ? message_of<HookFailure>([&] { run.host.save_states(); }) : at_point;
  };
  EXPECT_THAT(run_.refusal(hook("OldErrors", "where = \"create\"")),
              HasSubstr("OldErrors could not be created: the disk is full"));
  EXPECT_EQ(failure_with("nowhere"), "");
  EXPECT_THAT(failure_with("before_run"), HasSubstr("OldErrors failed in before_run"));
  EXPECT_THAT(failure_with("before_run"), HasSubstr(": no camera at /dev/video0"));
  EXPECT_THAT(failure_with("silently"), HasSubstr("it gave no reason (status 4)"));
  EXPECT_THAT(failure_with("long_text"), HasSubstr(std::string(1000, 'x')));
  EXPECT_THAT(failure_with("save_state"), HasSubstr("failed in save_state: the state is locked"));
}

TEST_P(OldPlugin, TheCppLayerOf10Works) {
  run_.load(hook("OldHookLayer", "interval = 2\ntree = { a = [1] }\nmaybe = \"x\"\nints = [7]"));
  EXPECT_THAT(without_json_blanks(run_.news()),
              ElementsAre("interval 2,enabled 1,decay 0.500000,tree {\"a\":[1]},maybe set 7 0.500000 x"));
  for (const int64_t iter : {0, 1, 2, 3}) run_.dispatch(GRAPNEL_POINT_AFTER_TRAIN_ITER, iter);
  run_.dispatch(GRAPNEL_POINT_AFTER_TRAIN_EPOCH);
  EXPECT_THAT(run_.news(), ElementsAre("iter 1", "iter 3", "epoch", "this host has no runner"));
  EXPECT_FALSE(run_.host.subscribed(GRAPNEL_POINT_BEFORE_TRAIN));
  const auto states = run_.host.save_states();
  run_.host.destroy();
  EXPECT_THAT(run_.news(), ElementsAre("destroyed"));

  ForeignRun resumed(old_folder(GetParam()));
  resumed.load(hook("OldHookLayer"));
  resumed.news();
  resumed.host.load_states(states, false);
  EXPECT_THAT(resumed.news(), ElementsAre("loaded 2 nowhere 6.000000 by 1.0.3"));
  auto cut = states;
  cut[0].bytes.resize(12);
  EXPECT_THAT(message_of<Failure>([&] { resumed.host.load_states(cut, false); }),
              HasSubstr("the saved state ends early"));
}

TEST_P(OldPlugin, NoExceptionOfTheCppLayerLeavesIt) {
  const auto failure_with = [&](const std::string& how) {
    ForeignRun run(old_folder(GetParam()));
    run.load(hook("OldHookLayer", "fail = \"" + how + "\""));
    return message_of<HookFailure>([&] { run.dispatch(GRAPNEL_POINT_BEFORE_RUN); });
  };
  EXPECT_THAT(failure_with("error"), HasSubstr("no licence server"));
  EXPECT_THAT(failure_with("exception"), HasSubstr(": logic"));
  EXPECT_THAT(failure_with("not_even_an_exception"), HasSubstr("no std::exception"));
}

TEST_P(OldPlugin, TheTwentyLineHookSaysHello) {
  run_.load(hook("OldGreeter") + hook("OldGreeter", "name = \"moon\""));
  run_.dispatch(GRAPNEL_POINT_BEFORE_RUN);
  EXPECT_THAT(run_.news(), ElementsAre("hello, world", "hello, moon"));
}

// A plugin of a time when fewer points and option fields existed: what it lacks counts as null, and the host
// does not read beyond what it has.
TEST_P(OldPlugin, ShorterTablesAreAnOlderPlugin) {
  run_.load(hook("OldShorterTables", "name = \"anything\""));
  EXPECT_THAT(run_.news(), ElementsAre("2 options: interval = -7, name = anything"));
  for (int32_t point = 0; point < GRAPNEL_POINT_COUNT; ++point) {
    EXPECT_EQ(run_.host.subscribed(point), point <= GRAPNEL_POINT_AFTER_RUN) << HookHost::point_name(point);
    EXPECT_NO_THROW(run_.dispatch(point));
  }
  EXPECT_THAT(run_.news(), ElementsAre("before_run", "after_run"));
  EXPECT_THAT(run_.host.save_states(), IsEmpty());
  run_.host.destroy();
  EXPECT_THAT(run_.news(), ElementsAre("destroy"));
}

// Also side by side, both compilers' in one process.
TEST(OldPlugins, OfTwoCompilersRunInOneProcess) {
  ForeignRun one(old_folder("gcc")), other(old_folder("clang"));
  one.load(ForeignRun::hook("OldHookLayer"));
  other.load(ForeignRun::hook("OldHookLayer"));
  one.dispatch(GRAPNEL_POINT_AFTER_TRAIN_ITER, 9);
  other.dispatch(GRAPNEL_POINT_AFTER_TRAIN_ITER, 9);
  EXPECT_EQ(one.news(), other.news());
}

}  // namespace
}  // namespace grapnel::test
