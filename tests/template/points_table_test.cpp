// The author's guide has one table of the points: when, what may be read, changed and requested. Here it is
// read back and compared with what the runner and its services do, point by point.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "../runner/test_run.hpp"
#include "runner/signals.hpp"

namespace grapnel::test {
namespace {

using Words = std::set<std::string>;

struct Row {
  std::string point, mode;
  Words read, changed, requested;
  bool as_around() const { return read.count("as around") > 0; }
};

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Words words_of(const std::string& cell) {
  Words words;
  std::istringstream parts(cell);
  for (std::string word; std::getline(parts, word, ',');) {
    if (!trimmed(word).empty()) words.insert(trimmed(word));
  }
  return words;
}

std::vector<Row> read_table() {
  std::ifstream guide(GRAPNEL_SOURCE_DIR "/sdk/README.md");
  std::vector<Row> rows;
  bool inside = false;
  for (std::string line; std::getline(guide, line);) {
    if (line.rfind("| point | when it is called |", 0) == 0) {
      inside = true;
      std::getline(guide, line);  // the line under the headings
    } else if (inside && line.rfind("| `", 0) == 0) {
      std::vector<std::string> cells;
      std::istringstream parts(line.substr(1));
      for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(trimmed(cell));
      if (cells.size() != 6) throw std::runtime_error("not six cells: " + line);
      rows.push_back({cells[0].substr(1, cells[0].size() - 2), cells[2], words_of(cells[3]),
                      words_of(cells[4]), words_of(cells[5])});
    } else {
      inside = false;
    }
  }
  return rows;
}

const std::vector<Row>& table() {
  static const std::vector<Row> rows = read_table();
  return rows;
}

// What one call of a point showed, in the table's words.
Words seen_at(TraceHook& hook, const Point& at) {
  Words seen;
  if (at.batch_idx >= 0) seen.insert("batch_idx");
  if (at.checkpoint_path != nullptr) seen.insert("checkpoint_path");
  if (at.message != nullptr) seen.insert("message");
  if (hook.values().count(GRAPNEL_VALUES_BATCH) > 0) seen.insert("BATCH");
  if (hook.values().count(GRAPNEL_VALUES_OUTPUTS) > 0) seen.insert("OUTPUTS");
  if (hook.values().count(GRAPNEL_VALUES_METRICS) > 0) seen.insert("METRICS");
  for (uint64_t i = 0; i < hook.model().count(GRAPNEL_MODEL_GRADIENTS); ++i) {
    if (hook.model().get(GRAPNEL_MODEL_GRADIENTS, i).tensor.data != nullptr) seen.insert("gradients");
  }
  try {
    hook.checkpoint().info();
    seen.insert("checkpoint");
    seen.erase("checkpoint_path");  // part of it
  } catch (const Error& refused) {
    EXPECT_EQ(refused.status(), GRAPNEL_STATUS_UNSUPPORTED) << refused.what();
  }
  return seen;
}

const char* mode_name(int32_t mode) {
  const char* const names[] = {"NONE", "TRAIN", "VAL", "TEST"};
  return mode >= 0 && mode < 4 ? names[mode] : "unknown";
}

struct Call {
  std::string point, mode;
  Words seen;
};

RunSpec spec_of(const TemporaryFolder& folder, const std::string& name) {
  RunSpec spec;
  spec.work_dir = folder.path(name);
  spec.task.train_size = 4;
  spec.task.val_size = 2;
  spec.val = true;
  spec.test = false;
  spec.loop.max_epochs = 3;
  spec.loop.val_interval = 1;
  spec.optimizer.lr = 0.1;
  spec.optimizer.momentum = 0;
  return spec;
}

void record(TestRun& run, std::vector<Call>& calls) {
  for (const Row& row : table()) {
    run.act(row.point, -1, [&calls, &row](TraceHook& hook, const Point& at) {
      calls.push_back({row.point, mode_name(at.mode), seen_at(hook, at)});
    });
  }
}

// Raises SIGTERM and lets the runner see it.
void interrupt_at(TestRun& run, const std::string& point, int64_t iter) {
  runner::catch_termination_signals();
  run.act(point, iter, [](TraceHook&, const Point&) {
    if (runner::caught_termination_signal() == 0) std::raise(SIGTERM);
  });
}

void save_at(TestRun& run, const std::string& point, int64_t iter, const std::string& file_name) {
  run.act(point, iter, [file_name](TraceHook& hook, const Point&) { hook.runner().request_save(file_name); });
}

void fail_at(TestRun& run, const std::string& point, int64_t iter) {
  run.act(point, iter, [](TraceHook&, const Point&) { throw Error("a failure on purpose"); });
}

// Runs in which every point is called and saves, errors and signals come where nothing is around them.
std::vector<Call> calls_with_nothing_around() {
  TemporaryFolder folder;
  std::vector<Call> calls;
  {
    TestRun run(spec_of(folder, "train"));
    record(run, calls);
    save_at(run, "after_train_epoch", 4, "epoch_1.pth");
    EXPECT_EQ(run.train(), runner::RunEnd::kDone);
  }
  {
    RunSpec resumed = spec_of(folder, "train");
    resumed.resume = true;
    resumed.resume_from = folder.path("train/epoch_1.pth");
    TestRun run(resumed);
    record(run, calls);
    interrupt_at(run, "after_train_iter", 5);
    EXPECT_EQ(run.train(), runner::RunEnd::kInterrupted);
  }
  {
    RunSpec alone = spec_of(folder, "test");
    alone.train = alone.val = false;
    alone.test = true;
    TestRun run(alone);
    record(run, calls);
    EXPECT_EQ(run.test(), runner::RunEnd::kDone);
  }
  {
    TestRun run(spec_of(folder, "failing"));
    record(run, calls);
    fail_at(run, "before_train_epoch", 0);
    EXPECT_THROW(run.train(), HookFailure);
  }
  return calls;
}

TEST(PointsTable, HasARowForEveryPointInTheVtablesOrder) {
  ASSERT_EQ(table().size(), static_cast<size_t>(GRAPNEL_POINT_COUNT));
  for (int32_t point = 0; point < GRAPNEL_POINT_COUNT; ++point) {
    EXPECT_EQ(table()[static_cast<size_t>(point)].point, HookHost::point_name(point));
  }
}

TEST(PointsTable, UsesOnlyWordsThatAreCheckedHere) {
  const Words modes = {"NONE", "TRAIN", "VAL", "TEST", "as around"};
  const Words read = {"batch_idx",  "BATCH",           "OUTPUTS", "METRICS",  "gradients",
                      "checkpoint", "checkpoint_path", "message", "as around"};
  const Words changed = {"BATCH", "gradients", "checkpoint"};
  const Words requested = {"stop", "validation", "save", "skip step", "veto"};
  for (const Row& row : table()) {
    EXPECT_TRUE(modes.count(row.mode)) << row.point << ": " << row.mode;
    for (const auto& word : row.read) EXPECT_TRUE(read.count(word)) << row.point << ": " << word;
    for (const auto& word : row.changed) EXPECT_TRUE(changed.count(word)) << row.point << ": " << word;
    for (const auto& word : row.requested) EXPECT_TRUE(requested.count(word)) << row.point << ": " << word;
  }
}

TEST(PointsTable, SaysWhatCanBeReadAtEachPoint) {
  std::map<std::string, std::vector<Call>> by_point;
  for (const Call& call : calls_with_nothing_around()) by_point[call.point].push_back(call);
  for (const Row& row : table()) {
    const auto& calls = by_point[row.point];
    EXPECT_FALSE(calls.empty()) << row.point << " was never called";
    Words expected = row.read;
    expected.erase("as around");
    for (const Call& call : calls) {
      Words seen = call.seen;
      if (expected.count("METRICS") == 0) seen.erase("METRICS");  // those of the last evaluation stay
      EXPECT_EQ(seen, expected) << row.point;
      EXPECT_EQ(call.mode, row.mode == "as around" ? "TRAIN" : row.mode) << row.point;
    }
  }
}

TEST(PointsTable, SaysThatCheckpointsAndErrorsShowWhatIsAroundThem) {
  TemporaryFolder folder;
  std::vector<Call> calls;
  TestRun run(spec_of(folder, "run"));
  record(run, calls);
  save_at(run, "after_train_iter", 1, "a.pth");
  save_at(run, "after_val_epoch", -1, "b.pth");
  fail_at(run, "after_train_iter", 5);
  EXPECT_THROW(run.train(), HookFailure);
  std::map<std::string, std::vector<Call>> by_point;
  for (const Call& call : calls) by_point[call.point].push_back(call);
  size_t rows_as_around = 0;
  for (const Row& row : table()) {
    if (!row.as_around()) continue;
    ++rows_as_around;
    ASSERT_FALSE(by_point[row.point].empty()) << row.point;
    const Call& first = by_point[row.point].front();
    EXPECT_TRUE(first.seen.count("BATCH")) << row.point;
    EXPECT_TRUE(first.seen.count("OUTPUTS")) << row.point;
  }
  EXPECT_EQ(rows_as_around, 3u);
  EXPECT_EQ(by_point["before_save_checkpoint"].back().mode, "VAL");
  EXPECT_EQ(by_point["after_save_checkpoint"].back().mode, "VAL");
  EXPECT_EQ(by_point["on_exception"].back().mode, "TRAIN");
  EXPECT_TRUE(by_point["on_exception"].back().seen.count("batch_idx"));
}

TEST(PointsTable, SaysThatMetricsStayUntilTheNextEvaluation) {
  std::vector<Call> calls;
  TemporaryFolder folder;
  TestRun run(spec_of(folder, "run"));
  record(run, calls);
  run.train();
  bool evaluated = false;
  for (const Call& call : calls) {
    evaluated = evaluated || call.point == "after_val_epoch";
    EXPECT_EQ(call.seen.count("METRICS") > 0, evaluated) << call.point;
  }
}

// ---- requests ----

const Words kRequests = {"stop", "validation", "save", "skip step", "veto"};

grapnel_status status_of_request(TraceHook& hook, const std::string& request) {
  try {
    if (request == "stop") hook.runner().request_stop("for the test");
    if (request == "validation") hook.runner().request_validation();
    if (request == "save") hook.runner().request_save("requested.pth");
    if (request == "skip step") hook.runner().request_skip_step("for the test");
    if (request == "veto") hook.runner().veto_checkpoint("for the test");
    return GRAPNEL_STATUS_OK;
  } catch (const Error& refused) {
    return refused.status();
  }
}

struct Outcome {
  bool called = false;
  grapnel_status status = GRAPNEL_STATUS_OK;
  int64_t iterations = 0;
  int64_t validations = 0;
};

// A run of three epochs that comes by `point`, where `request` ("": none) is made the first time.
Outcome run_with_request(const std::string& point, const std::string& request) {
  TemporaryFolder folder;
  const bool is_test = point.find("_test") != std::string::npos;
  RunSpec spec = spec_of(folder, "run");
  // A validation that is due anyway would hide the requested one.
  if (point.find("_val") == std::string::npos) spec.loop.val_interval = 100;
  if (point == "after_load_checkpoint") {
    TestRun before(spec_of(folder, "before"));
    save_at(before, "after_train_epoch", 4, "start.pth");
    before.train();
    spec.resume = true;
    spec.resume_from = folder.path("before/start.pth");
  }
  if (is_test) {
    spec.train = spec.val = false;
    spec.test = true;
  }
  TestRun run(spec);
  Outcome outcome;
  run.act(point, -1, [&](TraceHook& hook, const Point&) {
    if (outcome.called) return;
    outcome.called = true;
    if (!request.empty()) outcome.status = status_of_request(hook, request);
  });
  if (point.find("_save_checkpoint") != std::string::npos) save_at(run, "after_train_iter", 1, "a.pth");
  if (point == "on_exception") fail_at(run, "after_train_iter", 1);
  if (point == "on_interrupt") interrupt_at(run, "after_train_iter", 1);
  try {
    is_test ? run.test() : run.train();
  } catch (const HookFailure& failure) {
    EXPECT_EQ(point, "on_exception") << failure.what();
  }
  outcome.iterations = run.runner().iter();
  for (const Event& event : run.events) outcome.validations += event.point == "before_val" ? 1 : 0;
  return outcome;
}

TEST(PointsTable, SaysWhatCanBeRequestedAtEachPoint) {
  for (const Row& row : table()) {
    const Outcome plain = run_with_request(row.point, "");
    EXPECT_TRUE(plain.called) << row.point << " was never called";
    const bool in_training = row.mode != "TEST";
    for (const std::string& request : kRequests) {
      const std::string what = request + " at " + row.point;
      const bool listed = row.requested.count(request) > 0;
      const Outcome outcome = run_with_request(row.point, request);
      if (request == "stop") {
        EXPECT_EQ(outcome.status, GRAPNEL_STATUS_OK) << what;
        EXPECT_EQ(outcome.iterations < plain.iterations, listed) << what;
      } else if (request == "validation") {
        EXPECT_EQ(outcome.status, in_training ? GRAPNEL_STATUS_OK : GRAPNEL_STATUS_UNSUPPORTED) << what;
        EXPECT_EQ(outcome.validations, plain.validations + (listed ? 1 : 0)) << what;
      } else {
        EXPECT_EQ(outcome.status, listed ? GRAPNEL_STATUS_OK : GRAPNEL_STATUS_INVALID_ARGUMENT) << what;
      }
    }
  }
}

// ---- changes ----

void fill(const grapnel_tensor& view, float value) {
  ASSERT_EQ(view.dtype.code, GRAPNEL_DTYPE_FLOAT);
  ASSERT_EQ(view.dtype.bits, 32);
  int64_t count = 1;
  for (int32_t d = 0; d < view.ndim; ++d) count *= view.shape[d];
  std::fill_n(reinterpret_cast<float*>(static_cast<char*>(view.data) + view.byte_offset), count, value);
}

double loss_of_iteration_2(const std::function<void(TestRun&)>& arrange) {
  TemporaryFolder folder;
  TestRun run(spec_of(folder, "run"));
  double loss = 0;
  arrange(run);
  run.act("after_train_iter", 2, [&](TraceHook& hook, const Point&) {
    loss = hook.values().number(GRAPNEL_VALUES_OUTPUTS, "loss");
  });
  run.train();
  return loss;
}

TEST(PointsTable, SaysWhereABatchMayBeWritten) {
  const double plain = loss_of_iteration_2([](TestRun&) {});
  size_t points = 0;
  for (const Row& row : table()) {
    if (row.changed.count("BATCH") == 0) continue;
    ++points;
    EXPECT_NE(plain, loss_of_iteration_2([&](TestRun& run) {
                run.act(row.point, 2, [](TraceHook& hook, const Point&) {
                  fill(hook.values().get(GRAPNEL_VALUES_BATCH, 0).tensor, 7.0f);
                });
              }))
        << row.point;
  }
  EXPECT_EQ(points, 1u);
}

TEST(PointsTable, SaysWhereGradientsMayBeWritten) {
  size_t points = 0;
  for (const Row& row : table()) {
    EXPECT_EQ(row.changed.count("gradients"), row.read.count("gradients")) << row.point;
    if (row.changed.count("gradients") == 0) continue;
    ++points;
    TemporaryFolder folder;
    TestRun run(spec_of(folder, "run"));
    torch::Tensor before, after;
    run.act("before_train_iter", 2,
            [&](TraceHook&, const Point&) { before = run.task().net().fc->weight.clone(); });
    run.act(row.point, 2, [](TraceHook& hook, const Point&) {
      for (uint64_t i = 0; i < hook.model().count(GRAPNEL_MODEL_GRADIENTS); ++i) {
        const grapnel_tensor view = hook.model().get(GRAPNEL_MODEL_GRADIENTS, i).tensor;
        if (view.data != nullptr) fill(view, 0.0f);
      }
    });
    run.act("after_train_iter", 2,
            [&](TraceHook&, const Point&) { after = run.task().net().fc->weight.clone(); });
    run.train();
    EXPECT_TRUE(torch::equal(before, after)) << row.point;
  }
  EXPECT_EQ(points, 2u);
}

TEST(PointsTable, SaysWhereACheckpointsTextsMayBeSet) {
  for (const Row& row : table()) {
    TemporaryFolder folder;
    const bool is_test = row.point.find("_test") != std::string::npos;
    RunSpec spec = spec_of(folder, "run");
    if (row.point == "after_load_checkpoint") {
      TestRun first(spec_of(folder, "before"));
      save_at(first, "after_train_epoch", 4, "start.pth");
      first.train();
      spec.load_from = folder.path("before/start.pth");
    }
    if (is_test) {
      spec.train = spec.val = false;
      spec.test = true;
    }
    TestRun run(spec);
    int calls = 0;
    run.act(row.point, -1, [&](TraceHook& hook, const Point&) {
      ++calls;
      grapnel_status status = GRAPNEL_STATUS_OK;
      try {
        hook.checkpoint().set_text("key", "text");
      } catch (const Error& refused) {
        status = refused.status();
      }
      EXPECT_EQ(status, row.changed.count("checkpoint") ? GRAPNEL_STATUS_OK : GRAPNEL_STATUS_UNSUPPORTED)
          << row.point;
    });
    if (row.point.find("_save_checkpoint") != std::string::npos)
      save_at(run, "after_train_epoch", -1, "a.pth");
    if (row.point == "on_exception") fail_at(run, "after_train_iter", 1);
    if (row.point == "on_interrupt") interrupt_at(run, "after_train_iter", 1);
    try {
      is_test ? run.test() : run.train();
    } catch (const HookFailure& failure) {
      EXPECT_EQ(row.point, "on_exception") << failure.what();
    }
    EXPECT_GT(calls, 0) << row.point;
  }
}

// "Changed at every point": none of these is refused anywhere, and what is written is there afterwards.
TEST(PointsTable, SaysWhatMayBeChangedEverywhere) {
  TemporaryFolder folder;
  TestRun run(spec_of(folder, "run"));
  std::set<std::string> points;
  float weight = 0;
  for (const Row& row : table()) {
    run.act(row.point, -1, [&](TraceHook& hook, const Point&) {
      points.insert(row.point);
      const auto change = [&](const char* what, const std::function<void()>& body) {
        try {
          body();
        } catch (const Error& refused) {
          ADD_FAILURE() << what << " at " << row.point << ": " << refused.what();
        }
      };
      weight += 0.25f;
      fill(hook.model().get(GRAPNEL_MODEL_PARAMETERS, 0).tensor, weight);
      const auto& name = hook.model().get(GRAPNEL_MODEL_PARAMETERS, 0).name;
      EXPECT_EQ(run.task().model().named_parameters()[name].flatten()[0].item<float>(), weight) << row.point;
      change("an attribute", [&] { EXPECT_GT(hook.model().set_boolean_everywhere("use_l1", true), 0); });
      change("lr", [&] { hook.optimizer().set_lr(0, 0.01); });
      change("weight decay", [&] { hook.optimizer().set_weight_decay(0, 0.001); });
      change("the pipeline", [&] { hook.data().set_skipped_types(GRAPNEL_MODE_TRAIN, {"Shift"}); });
      change("the image size", [&] { hook.data().set_image_size(64, 32); });
      change("the hub", [&] { hook.message_hub().update_scalar("train/x", 1); });
    });
  }
  save_at(run, "after_train_epoch", 4, "a.pth");
  fail_at(run, "after_train_iter", 9);
  EXPECT_THROW(run.train(), HookFailure);
  EXPECT_EQ(points.size(), 18u) << "all but after_load_checkpoint, after_train, on_interrupt, a test's";
}

}  // namespace
}  // namespace grapnel::test
