// The order of points on configs that are in no reference file: a generator that follows the rules as the
// documentation words them, against the runner, on random configs.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "core/philox.hpp"
#include "test_run.hpp"

namespace grapnel::test {
namespace {

struct Plan {
  bool by_epoch = true;
  int64_t max_epochs = 0, max_iters = 0, length = 1;
  int64_t val_length = 0;  // 0: no validation
  int64_t val_begin = 1, val_interval = 1;
  std::vector<std::pair<int64_t, int64_t>> dynamic;
  int64_t accumulate = 1;
  int64_t save_every_iters = 0, save_every_epochs = 0;
  int64_t stop_at = -1;      // iter at whose after_train_iter a stop is asked for
  int64_t validate_at = -1;  // and a validation
  int64_t skip_at = -1;      // and, at after_backward, a skipped step
};

// The rules, told as a story; nothing here looks like the runner's code.
class Story {
 public:
  explicit Story(const Plan& plan) : plan_(plan) {}

  Events tell() {
    say("before_run");
    say("before_train");
    if (plan_.by_epoch)
      epochs();
    else
      iterations();
    say("after_train");
    say("after_run");
    return events_;
  }

 private:
  void say(const std::string& point, int64_t batch = -1) { events_.push_back({point, epoch_, iter_, batch}); }

  void save() {
    say("before_save_checkpoint");
    say("after_save_checkpoint");
  }

  bool interval_hits(int64_t count, int64_t last) const {
    if (plan_.val_length == 0 || count < plan_.val_begin) return false;
    if (count == last) return true;
    // Interval n holds from finished count m - 1 on.
    int64_t interval = plan_.val_interval;
    for (const auto& [m, n] : plan_.dynamic) interval = count >= m - 1 ? n : interval;
    return count % interval == 0;
  }

  void validation() {
    say("before_val");
    say("before_val_epoch");
    for (int64_t b = 0; b < plan_.val_length; ++b) {
      say("before_val_iter", b);
      say("after_val_iter", b);
    }
    say("after_val_epoch");
    say("after_val");
  }

  void one_iteration(int64_t batch, int64_t last_iter) {
    say("before_train_iter", batch);
    say("after_backward", batch);
    const bool whole = (iter_ + 1) % plan_.accumulate == 0 || iter_ + 1 == last_iter;
    if (whole && iter_ != plan_.skip_at) say("before_optimizer_step", batch);
    say("after_train_iter", batch);
    if (plan_.save_every_iters > 0 && (iter_ + 1) % plan_.save_every_iters == 0) save();
    if (iter_ == plan_.stop_at) stopping_ = true;
    const bool asked = iter_ == plan_.validate_at && plan_.val_length > 0;
    ++iter_;
    const bool due = !plan_.by_epoch && interval_hits(iter_, plan_.max_iters);
    if (asked || due) validation();
  }

  void epochs() {
    while (epoch_ < plan_.max_epochs && !stopping_) {
      say("before_train_epoch");
      for (int64_t b = 0; b < plan_.length; ++b) one_iteration(b, plan_.max_epochs * plan_.length);
      say("after_train_epoch");
      if (plan_.save_every_epochs > 0 && (epoch_ + 1) % plan_.save_every_epochs == 0) save();
      ++epoch_;
      if (interval_hits(epoch_, plan_.max_epochs)) validation();
    }
  }

  void iterations() {
    say("before_train_epoch");
    while (iter_ < plan_.max_iters && !stopping_) one_iteration(iter_, plan_.max_iters);
    say("after_train_epoch");
    if (plan_.save_every_epochs > 0) save();
  }

  Plan plan_;
  Events events_;
  int64_t epoch_ = 0, iter_ = 0;
  bool stopping_ = false;
};

Plan random_plan(uint64_t seed) {
  CounterRng rng(seed, 0, 0, CounterRng::Purpose::kTest);
  Plan plan;
  plan.by_epoch = rng.chance(0.5);
  plan.length = rng.integer(1, 5);
  plan.max_epochs = rng.integer(0, 5);
  plan.max_iters = rng.integer(0, 13);
  plan.val_length = rng.chance(0.7) ? rng.integer(1, 3) : 0;
  plan.val_begin = rng.integer(0, 4);
  plan.val_interval = rng.integer(1, 4);
  int64_t milestone = 0;
  for (int64_t n = rng.integer(0, 2); n > 0; --n) {
    milestone += rng.integer(1, 4);
    plan.dynamic.emplace_back(milestone, rng.integer(1, 3));
  }
  plan.accumulate = rng.integer(1, 4);
  plan.save_every_iters = rng.chance(0.5) ? rng.integer(1, 4) : 0;
  plan.save_every_epochs = rng.chance(0.5) ? rng.integer(1, 2) : 0;
  plan.stop_at = rng.chance(0.3) ? rng.integer(0, 12) : -1;
  plan.validate_at = rng.chance(0.3) ? rng.integer(0, 12) : -1;
  plan.skip_at = rng.chance(0.3) ? rng.integer(0, 12) : -1;
  return plan;
}

TEST(Order, FollowsTheRulesOnRandomConfigs) {
  TemporaryFolder folder;
  int with_validation = 0, stopped = 0;
  for (uint64_t seed = 0; seed < 80; ++seed) {
    const Plan plan = random_plan(seed);
    RunSpec spec;
    spec.work_dir = folder.path("run_" + std::to_string(seed));
    spec.batch_size = 2;
    spec.task.train_size = 2 * plan.length - (seed % 2);  // the last batch may be smaller
    spec.task.val_size = std::max<int64_t>(1, plan.val_length);
    spec.val = plan.val_length > 0;
    spec.loop = {plan.by_epoch,  plan.max_epochs,   plan.max_iters,
                 plan.val_begin, plan.val_interval, plan.dynamic};
    spec.optimizer.lr = 0.05;
    spec.optimizer.accumulative_counts = plan.accumulate;
    TestRun run(spec);
    run.act("after_train_iter", -1, [&](TraceHook& hook, const Point& at) {
      const int64_t n = plan.save_every_iters;
      if (Hook::every_n_train_iters(at, n))
        hook.runner().request_save("iter_" + std::to_string(at.iter + 1) + ".pth");
      if (at.iter == plan.stop_at) hook.runner().request_stop("the test says so");
      if (at.iter == plan.validate_at && plan.val_length > 0) hook.runner().request_validation();
    });
    run.act("after_train_epoch", -1, [&](TraceHook& hook, const Point& at) {
      if (plan.save_every_epochs > 0 &&
          (!plan.by_epoch || Hook::every_n_epochs(at, plan.save_every_epochs))) {
        hook.runner().request_save("epoch_" + std::to_string(at.epoch + 1) + ".pth");
      }
    });
    if (plan.skip_at >= 0) {
      run.act("after_backward", plan.skip_at,
              [](TraceHook& hook, const Point&) { hook.runner().request_skip_step("the test says so"); });
    }
    EXPECT_EQ(run.train(), runner::RunEnd::kDone);
    const Events expected = Story(plan).tell();
    ASSERT_EQ(run.events, expected) << "seed " << seed;
    ASSERT_EQ(run.events_lowest, expected) << "seed " << seed;
    with_validation +=
        std::any_of(expected.begin(), expected.end(), [](const Event& e) { return e.point == "after_val"; });
    stopped += plan.stop_at >= 0;
  }
  EXPECT_GT(with_validation, 20);
  EXPECT_GT(stopped, 10);
}

TEST(Order, GivesLimitsAndLengthsOfTheRunningLoop) {
  TemporaryFolder folder;
  RunSpec spec;
  spec.work_dir = folder.path("run");
  spec.task.train_size = 4;
  spec.task.val_size = 3;
  spec.val = true;
  spec.loop.max_epochs = 2;
  spec.optimizer.lr = 0.1;
  TestRun run(spec);
  int points = 0;
  const auto check = [&](int32_t mode, int64_t length) {
    return [&points, mode, length](TraceHook&, const Point& at) {
      ++points;
      EXPECT_EQ(at.mode, mode);
      EXPECT_EQ(at.epoch_length, length);
      EXPECT_EQ(at.max_epochs, 2);
      EXPECT_EQ(at.max_iters, 8);
      EXPECT_EQ(at.by_epoch, 1);
      EXPECT_EQ(at.checkpoint_path, nullptr);
      EXPECT_EQ(at.message, nullptr);
    };
  };
  run.act("before_run", -1, check(GRAPNEL_MODE_NONE, 0)).act("after_run", -1, check(GRAPNEL_MODE_NONE, 0));
  run.act("before_train", -1, check(GRAPNEL_MODE_TRAIN, 4))
      .act("after_train_iter", -1, check(GRAPNEL_MODE_TRAIN, 4));
  run.act("before_val", -1, check(GRAPNEL_MODE_VAL, 3)).act("after_val_iter", -1, check(GRAPNEL_MODE_VAL, 3));
  run.train();
  EXPECT_EQ(points, 1 + 1 + 1 + 8 + 2 + 6);
}

}  // namespace
}  // namespace grapnel::test
