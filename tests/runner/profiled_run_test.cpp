// ProfilerHook in a real run: operators, phases and hooks are in its trace, in time and place, and it ends in
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "test_run.hpp"

namespace grapnel::test {
namespace {

struct TracedRange {
  std::string name, category;
  int64_t thread = 0;
  double start_us = 0, end_us = 0;
};

double number_of(const ConfigNode& event, const char* key) {
  const ConfigNode& node = *event.find(key);
  return node.kind() == ConfigNode::Kind::kInt ? static_cast<double>(node.as_int()) : node.as_float();
}

std::multimap<std::string, TracedRange> ranges_in(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  const ConfigNode trace = parse_json(text.str(), Source{path, 0});
  std::multimap<std::string, TracedRange> ranges;
  for (const ConfigNode& event : trace.find("traceEvents")->items()) {
    if (event.find("ph")->as_string() != "X") continue;
    TracedRange range{event.find("name")->as_string(), event.find("cat")->as_string(),
                      event.find("tid")->as_int(), number_of(event, "ts"), 0};
    range.end_us = range.start_us + number_of(event, "dur");
    ranges.emplace(range.name, range);
  }
  return ranges;
}

class ProfiledRun : public ::testing::Test {
 protected:
  // `iterations` of them, two an epoch.
  TestRun& start(const std::string& options, int64_t iterations) {
    RunSpec spec;
    spec.work_dir = folder_.path("run");
    spec.task.train_size = 2;
    spec.loop.by_epoch = true;
    spec.loop.max_epochs = iterations / 2;
    run_ = std::make_unique<TestRun>(spec);
    HookConfig hook;
    hook.type = "ProfilerHook";
    hook.options = parse_toml(options + "\njson_trace_path = \"" + trace() + "\"", "hook.toml");
    hook.path = "custom_hooks.0";
    run_->add_hook(std::string(GRAPNEL_BUILD_DIR) + "/plugins", hook);
    return *run_;
  }
  std::string trace(const std::string& name = "trace.json") const { return folder_.path(name); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<TestRun> run_;
};

TEST_F(ProfiledRun, OperatorsPhasesAndHooksAreInTheTrace) {
  start("by_epoch = false\nprofile_times = 4\nrecord_shapes = true\nprofile_memory = true", 4).train();
  const auto ranges = ranges_in(trace());
  EXPECT_EQ(ranges.count("data"), 4u);
  EXPECT_EQ(ranges.count("forward"), 4u);
  EXPECT_EQ(ranges.count("backward"), 4u);
  EXPECT_EQ(ranges.count("optimizer step"), 4u);
  EXPECT_EQ(ranges.count("hook first before_train_iter"), 4u);
  EXPECT_EQ(ranges.count("hook first after_train_iter"), 4u);
  const TracedRange forward = ranges.find("forward")->second;
  EXPECT_EQ(forward.category, "user_annotation");
  int inside = 0;
  for (const auto& [name, range] : ranges) {
    if (range.category == "cpu_op" && range.thread == forward.thread && range.start_us >= forward.start_us &&
        range.end_us <= forward.end_us)
      ++inside;
  }
  EXPECT_GT(inside, 3) << "operators of the forward pass lie inside of its phase";
  EXPECT_LT(forward.end_us, ranges.find("backward")->second.end_us);
}

TEST_F(ProfiledRun, ItEndsAfterProfileTimesAndNobodyIsObservedThen) {
  TestRun& run = start("by_epoch = false\nprofile_times = 3", 6);
  std::set<int64_t> listening;
  run.act("before_train_iter", -1, [&](TraceHook&, const Point& at) {
    if (at::hasCallbacks()) listening.insert(at.iter);
  });
  run.train();
  EXPECT_THAT(listening, ::testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(ranges_in(trace()).count("forward"), 3u);
}

TEST_F(ProfiledRun, AScheduleLeavesATraceACycle) {
  start("by_epoch = false\nprofile_times = 8\nschedule = { wait = 1, warmup = 1, active = 2 }", 8).train();
  EXPECT_EQ(ranges_in(trace()).count("forward"), 2u);
  EXPECT_EQ(ranges_in(trace("trace_2.json")).count("forward"), 2u);
  EXPECT_FALSE(std::filesystem::exists(trace("trace_3.json")));
}

TEST_F(ProfiledRun, AnEpochIsRecordedWhole) {
  start("", 6).train();
  EXPECT_EQ(ranges_in(trace()).count("forward"), 2u);
  EXPECT_EQ(ranges_in(trace()).count("hook first before_train_epoch"), 1u);
}

TEST_F(ProfiledRun, ARunThatFailsLeavesWhatWasRecorded) {
  TestRun& run = start("by_epoch = false\nprofile_times = 6", 6);
  run.act("after_train_iter", 2, [](TraceHook&, const Point&) { throw std::runtime_error("on purpose"); });
  EXPECT_THROW(run.train(), Failure);
  EXPECT_EQ(ranges_in(trace()).count("forward"), 3u);
  EXPECT_FALSE(at::hasCallbacks());
}

TEST_F(ProfiledRun, MoreRangesThanThereIsRoomForAreLeftOut) {
  start("by_epoch = false\nprofile_times = 4\nmax_events = 10", 4).train();
  EXPECT_LE(ranges_in(trace()).size(), 10u);
  EXPECT_FALSE(ranges_in(trace()).empty());
}

}  // namespace
}  // namespace grapnel::test
