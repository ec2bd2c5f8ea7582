// One run for a test: config, fake task, hooks that listen, runner; and what happened, as a list of events.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "core/hook_host.hpp"
#include "fake_task.hpp"
#include "runner/runner.hpp"
#include "services/service_tables.hpp"
#include "trace_hook.hpp"

namespace grapnel::test {

struct Event {
  std::string point;
  int64_t epoch = 0;
  int64_t iter = 0;
  int64_t batch_idx = -1;
  bool operator==(const Event& other) const {
    return point == other.point && epoch == other.epoch && iter == other.iter && batch_idx == other.batch_idx;
  }
};
std::ostream& operator<<(std::ostream& out, const Event& event);
using Events = std::vector<Event>;

// Without the points that MMEngine doesn't have.
Events as_mmengine_sees_it(const Events& events);

// A folder of this process that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path(const std::string& name = "") const { return name.empty() ? path_ : path_ + "/" + name; }

 private:
  std::string path_;
};

struct RunSpec {
  std::string work_dir;
  FakeOptions task;
  bool train = true;
  runner::LoopConfig loop;
  bool val = false;
  bool test = false;
  int64_t batch_size = 1;
  int workers = 0;
  bool shuffle = true;
  runner::OptimizerConfig optimizer;
  std::optional<int64_t> lr_base_batch_size;
  uint64_t seed = 3;
  std::string load_from;
  bool resume = false;
  std::string resume_from;
};

class TestRun {
 public:
  using Action = std::function<void(TraceHook&, const Point&)>;

  explicit TestRun(RunSpec spec, runner::Collectives* collectives = nullptr);
  ~TestRun();

  // A hook of priority 50 that does `action` at `point` when iter is `iter` (-1: always).
  TestRun& act(const std::string& point, int64_t iter, Action action);
  // One more hook, of a plugin in `folder`.
  TestRun& add_hook(const std::string& folder, HookConfig hook);
  // Fails the first time; calls happen in the order of priorities.
  runner::RunEnd train();
  runner::RunEnd val();
  runner::RunEnd test();
  // Loads the hooks without running; train() and so on do it by themselves.
  void load();

  runner::Runner& runner() { return *runner_; }
  HookHost& hooks() { return *hooks_; }
  FakeTask& task() { return *task_; }
  Listener& first() { return *listeners_[0]; }

  Events events;         // as the hook of priority 10 sees them
  Events events_lowest;  // as that of priority 100 does

 private:
  void record(Listener& listener, Events& into);
  RunSpec spec_;
  std::unique_ptr<runner::Collectives> own_collectives_;
  std::unique_ptr<FakeTask> task_;
  ServiceTable services_;
  services::ServiceContext context_;
  std::unique_ptr<HookHost> hooks_;
  std::unique_ptr<runner::Runner> runner_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // highest, acting, lowest
  struct Planned {
    std::string point;
    int64_t iter;
    Action action;
  };
  std::vector<Planned> planned_;
  std::vector<std::string> more_folders_;
  std::vector<HookConfig> more_hooks_;
  bool loaded_ = false;
};

// Everything of the run that a resume must bring back, to the bit; "" when both are equal, else what differs.
std::string difference(TestRun& one, TestRun& other);

}  // namespace grapnel::test
