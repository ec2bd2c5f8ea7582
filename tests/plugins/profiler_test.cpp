// ProfilerHook without a run: the trace that it writes and the table, from recordings made by hand, which
// iterations a schedule chooses, and what the options may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../../plugins/ProfilerHook/chrome_trace.hpp"
#include "../../plugins/ProfilerHook/operator_table.hpp"
#include "../../plugins/ProfilerHook/profile_schedule.hpp"
#include "../../plugins/json/json.hpp"
#include "../core/temporary_folder.hpp"
#include "shipped_hook.hpp"

using namespace grapnel::testing;
using grapnel::json::Value;
using profiler::Range;
using profiler::Recording;
using profiler::SortBy;
using profiler::Thread;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

Range range(int64_t start_us, int64_t end_us, uint32_t name, bool by_user = false) {
  Range made;
  made.start_ns = start_us * 1000;
  made.end_ns = end_us * 1000;
  made.name = name;
  made.by_user = by_user;
  return made;
}

// One iteration: "forward" holds a convolution that holds another operator of its own name and a copy; a
// hook; then a worker's operator, and a backward one that belongs to the convolution.
Recording iteration() {
  Recording recording;
  recording.start_ns = 0;
  recording.end_ns = 1'000'000;
  recording.training_thread = 11;
  recording.names = {"aten::conv2d", "forward", "hook \"quoted\\\" before_run", "aten::copy_", "never"};
  recording.shapes = {"", "[[8,3,64,64],[]]"};
  Thread training{11, "grapnel", 1, {}};
  Range outer = range(100, 500, 0);
  outer.sequence = 7;
  outer.shapes = 1;
  training.ranges = {range(150, 250, 0), range(250, 300, 3), outer, range(100, 600, 1, true),
                     range(600, 700, 2, true)};
  Thread worker{12, "worker", 2, {}};
  Range backward = range(700, 800, 3);
  backward.sequence = 7;
  backward.forward_thread = 1;
  worker.ranges = {backward};
  recording.threads = {training, worker};
  recording.memory = {{200'000, 4096}, {300'500, 0}};
  return recording;
}

struct Numbers {
  std::string name;
  int64_t calls, total_us, self_us;
  bool operator==(const Numbers& o) const {
    return name == o.name && calls == o.calls && total_us == o.total_us && self_us == o.self_us;
  }
};
std::ostream& operator<<(std::ostream& out, const Numbers& row) {
  return out << row.name << " " << row.calls << " " << row.total_us << " " << row.self_us;
}

std::vector<Numbers> rows_of(const Recording& recording, SortBy sort_by = SortBy::kSelf) {
  std::vector<Numbers> rows;
  for (const auto& row : profiler::operator_rows(recording, sort_by)) {
    rows.push_back({row.name, row.calls, row.total_ns / 1000, row.self_ns / 1000});
  }
  return rows;
}

TEST(ProfilerTable, SelfTimeIsWithoutWhatIsInsideAndNestedCallsOfOneNameCountOnce) {
  EXPECT_THAT(rows_of(iteration()),
              ElementsAre(Numbers{"(outside of ranges)", 1, 400, 400}, Numbers{"aten::conv2d", 2, 400, 350},
                          Numbers{"aten::copy_", 2, 150, 150}, Numbers{"forward", 1, 500, 100},
                          Numbers{"hook \"quoted\\\" before_run", 1, 100, 100}));
  EXPECT_EQ(rows_of(iteration(), SortBy::kTotal).front().name, "forward");
  EXPECT_EQ(rows_of(iteration(), SortBy::kCalls).front().name, "aten::conv2d");
}

TEST(ProfilerTable, ShowsTheFirstRowsAndTheRestAsOne) {
  const auto lines = profiler::operator_table(iteration(), SortBy::kSelf, 2);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[2], HasSubstr("0.350  35.00 %"));
  EXPECT_THAT(lines[3], HasSubstr("(3 more)"));
  EXPECT_THAT(lines[3], HasSubstr("0.350  35.00 %"));
  EXPECT_EQ(profiler::operator_table(iteration(), SortBy::kSelf, 0).size(), 6u);
}

class ProfilerTrace : public ::testing::Test {
 protected:
  Value write(const Recording& recording) {
    const std::string path = folder_.path() + "/deep/trace.json";
    profiler::write_chrome_trace(path, recording);
    std::ifstream in(path);
    return grapnel::json::parse({std::istreambuf_iterator<char>(in), {}});
  }
  static std::vector<const Value*> events_of(const Value& trace, const std::string& phase) {
    std::vector<const Value*> events;
    for (const Value& event : trace.find("traceEvents")->items()) {
      if (event.find("ph")->text() == phase) events.push_back(&event);
    }
    return events;
  }
  grapnel::test::TemporaryFolder folder_;
};

TEST_F(ProfilerTrace, HoldsCompleteEventsInMicrosecondsWithEscapedNames) {
  const Value trace = write(iteration());
  const auto events = events_of(trace, "X");
  ASSERT_EQ(events.size(), 6u);
  for (const Value* event : events) {
    EXPECT_EQ(event->find("pid")->integer(), getpid());
    EXPECT_GE(event->find("dur")->number(), 0);
  }
  const Value& outer = *events[2];
  EXPECT_EQ(outer.find("name")->text(), "aten::conv2d");
  EXPECT_EQ(outer.find("cat")->text(), "cpu_op");
  EXPECT_EQ(outer.find("tid")->integer(), 11);
  EXPECT_EQ(outer.find("ts")->number(), 100);
  EXPECT_EQ(outer.find("dur")->number(), 400);
  EXPECT_EQ(outer.find("args")->find("Sequence number")->integer(), 7);
  EXPECT_EQ(outer.find("args")->find("Input Dims")->items()[0].items()[3].integer(), 64);
  EXPECT_EQ(events[3]->find("cat")->text(), "user_annotation");
  EXPECT_EQ(events[4]->find("name")->text(), "hook \"quoted\\\" before_run");
}

TEST_F(ProfilerTrace, NamesThreadsAndTiesBackwardOperatorsToTheirForward) {
  const Value trace = write(iteration());
  std::vector<std::string> names;
  for (const Value* event : events_of(trace, "M")) names.push_back(event->find("args")->find("name")->text());
  EXPECT_THAT(names, ElementsAre("grapnel", "training", "worker"));
  const auto from = events_of(trace, "s"), to = events_of(trace, "f");
  ASSERT_EQ(from.size(), 1u);
  ASSERT_EQ(to.size(), 1u);
  EXPECT_EQ(from[0]->find("id")->integer(), to[0]->find("id")->integer());
  EXPECT_EQ(from[0]->find("tid")->integer(), 11);
  EXPECT_EQ(from[0]->find("ts")->number(), 100);
  EXPECT_EQ(to[0]->find("tid")->integer(), 12);
  EXPECT_EQ(to[0]->find("ts")->number(), 700);
  const auto memory = events_of(trace, "C");
  ASSERT_EQ(memory.size(), 2u);
  EXPECT_EQ(memory[0]->find("args")->find("bytes")->integer(), 4096);
  EXPECT_EQ(memory[1]->find("ts")->number(), 300.5);
}

TEST_F(ProfilerTrace, IsWholeOrNotThere) {
  const std::string blocked = folder_.path() + "/blocked.json";
  std::filesystem::create_directories(blocked + "/inside");
  EXPECT_THROW(profiler::write_chrome_trace(blocked, iteration()), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_directory(blocked));
}

std::vector<int64_t> recorded(const std::string& json, int64_t iterations = 20) {
  const auto schedule = profiler::read_profile_schedule(grapnel::json::parse(json));
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < iterations; ++i) {
    if (schedule.records(i)) chosen.push_back(schedule.is_last_of_a_recording(i) ? -i : i);
  }
  return chosen;
}

// A recording's last iteration is negative.
TEST(ProfilerSchedule, CyclesThroughWaitingWarmingUpAndRecording) {
  EXPECT_THAT(recorded(R"({"wait": 1, "warmup": 2, "active": 2})", 11), ElementsAre(3, -4, 8, -9));
  EXPECT_THAT(recorded(R"({"wait": 1, "warmup": 2, "active": 2, "repeat": 1})"), ElementsAre(3, -4));
  EXPECT_THAT(recorded(R"({"wait": 0, "warmup": 0, "active": 1, "skip_first": 3, "repeat": 2})"),
              ElementsAre(-3, -4));
}

std::string refusal(const Options& options) {
  ShippedHookHost host;
  const CallResult result = host.load("ProfilerHook", options);
  return result ? "" : result.message;
}

TEST(ProfilerOptions, RefusesWhatCannotBeRecordedHereAndSaysWhy) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_THAT(refusal({{"activity_with_cuda", "true"}}), HasSubstr("activity_with_cuda is true"));
  EXPECT_THAT(refusal({{"activity_with_cpu", "false"}}), HasSubstr("activity_with_cpu is false"));
  EXPECT_THAT(refusal({{"with_stack", "true"}}), HasSubstr("with_stack is true"));
  EXPECT_THAT(refusal({{"with_flops", "true"}}), HasSubstr("with_flops is true"));
  EXPECT_THAT(refusal({{"json_trace_path", "\"trace.txt\""}}), HasSubstr("ends in .json"));
  EXPECT_THAT(refusal({{"schedule", R"({"wait": 1, "warmup": 1})"}}),
              HasSubstr("schedule.active is missing"));
  EXPECT_THAT(refusal({{"schedule", R"({"wait": 1, "warmup": 1, "active": 0})"}}),
              HasSubstr("must be 1 or more"));
  EXPECT_THAT(refusal({{"on_trace_ready", R"({"type": "log_tracer"})"}}),
              HasSubstr("must be log_trace or tb_trace"));
  EXPECT_THAT(refusal({{"on_trace_ready", R"({"type": "log_trace", "sort_by": "name"})"}}),
              HasSubstr("must be self_cpu_time_total"));
}

TEST(ProfilerOptions, OneRecordsAtATime) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("ProfilerHook"));
  ASSERT_TRUE(host.load("ProfilerHook", {}, "second"));
  EXPECT_THAT(host.call("before_train").message, HasSubstr("another ProfilerHook records already"));
}

}  // namespace
