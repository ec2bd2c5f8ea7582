// A run that is interrupted at any iteration and resumed ends as the undisturbed one does, bit for bit.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/failure.hpp"
#include "runner/signals.hpp"
#include "test_run.hpp"

namespace grapnel::test {
namespace {

class Resume : public testing::Test {
 protected:
  void SetUp() override {
    at::set_num_threads(2);
    runner::catch_termination_signals();
    runner::clear_termination_signal();
  }

  // Everything at once: accumulation, momentum, clipping, a scalar history, dropout-like noise, switches that
  // hooks change in the middle, loader threads.
  static RunSpec spec(const std::string& work_dir) {
    RunSpec spec;
    spec.work_dir = work_dir;
    spec.task.train_size = 9;
    spec.task.val_size = 2;
    spec.batch_size = 2;
    spec.workers = 2;
    spec.val = true;
    spec.loop.max_epochs = 3;
    spec.loop.val_interval = 2;
    spec.optimizer.lr = 0.2;
    spec.optimizer.momentum = 0.9;
    spec.optimizer.nesterov = true;
    spec.optimizer.weight_decay = 0.01;
    spec.optimizer.accumulative_counts = 4;
    spec.optimizer.clip_grad_max_norm = 0.5;
    return spec;
  }

  static void set_l1(TraceHook& hook, bool on) {
    EXPECT_EQ(hook.model().set_boolean_everywhere("use_l1", on), 1);
  }

  // What hooks do to the run; part of the run, interrupted or not.
  static void change_things(TestRun& run) {
    run.act("after_train_iter", -1, [](TraceHook& hook, const Point& at) {
      hook.message_hub().update_scalar("train/loss", hook.values().number(GRAPNEL_VALUES_OUTPUTS, "loss"));
      hook.message_hub().set_text("iter", std::to_string(at.iter));
      hook.optimizer().set_lr(0, 0.2 / static_cast<double>(at.iter + 1));
    });
    run.act("after_train_iter", 2, [](TraceHook& hook, const Point&) { set_l1(hook, true); });
    run.act("after_train_iter", 4, [](TraceHook& hook, const Point&) { hook.data().set_image_size(64, 32); });
    run.act("before_train_iter", 6, [](TraceHook& hook, const Point&) {
      hook.data().set_skipped_types(GRAPNEL_MODE_TRAIN, {"Turn"});
    });
    run.act("after_train_iter", 9, [](TraceHook& hook, const Point&) {
      set_l1(hook, false);
      hook.data().replace_pipeline(GRAPNEL_MODE_TRAIN,
                                   R"([{"type": "Mosaic", "scale": 0.5}, {"type": "Shift"}])");
    });
  }

  static void undisturbed(TestRun& run) {
    change_things(run);
    ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  }
  static void raise_signal(TraceHook&, const Point&) {
    if (runner::caught_termination_signal() == 0) std::raise(SIGTERM);
  }

  // Interrupts a run at `point`, `iter`, resumes it, compares with `whole`.
  void interrupt_and_resume(RunSpec spec, TestRun& whole, const std::string& point, int64_t iter) {
    SCOPED_TRACE(point + " at iteration " + std::to_string(iter));
    spec.work_dir = folder_.path("interrupted_" + std::to_string(number_++));
    {
      TestRun run(spec);
      change_things(run);
      run.act(point, iter, raise_signal);
      ASSERT_EQ(run.train(), runner::RunEnd::kInterrupted);
      const size_t n = run.events.size();
      ASSERT_GE(n, 4u);
      EXPECT_EQ(run.events[n - 4].point, "on_interrupt");
      EXPECT_EQ(run.events[n - 3].point, "before_save_checkpoint");
      EXPECT_EQ(run.events[n - 2].point, "after_save_checkpoint");
      EXPECT_EQ(run.events[n - 1].point, "after_run");
    }
    spec.resume = true;
    TestRun run(spec);
    change_things(run);
    ASSERT_EQ(run.train(), runner::RunEnd::kDone);
    EXPECT_TRUE(run.runner().is_resumed());
    EXPECT_EQ(difference(run, whole), "");
  }

  TemporaryFolder folder_;
  int number_ = 0;
};

TEST_F(Resume, AfterAnyIterationOfAnEpochBasedRunGivesTheSameBits) {
  TestRun whole(spec(folder_.path("whole")));
  undisturbed(whole);
  ASSERT_EQ(whole.runner().iter(), 15);
  for (int64_t iter = 0; iter < 15; ++iter) interrupt_and_resume(spec(""), whole, "after_train_iter", iter);
}

TEST_F(Resume, AfterAnyIterationOfAnIterBasedRunGivesTheSameBits) {
  RunSpec iterations = spec(folder_.path("whole"));
  iterations.loop.by_epoch = false;
  iterations.loop.max_iters = 13;
  iterations.loop.val_interval = 4;
  TestRun whole(iterations);
  undisturbed(whole);
  for (int64_t iter = 0; iter < 13; ++iter) interrupt_and_resume(iterations, whole, "after_train_iter", iter);
}

TEST_F(Resume, WithAdamGivesTheSameBits) {
  for (const char* type : {"Adam", "AdamW"}) {
    RunSpec adam = spec(folder_.path(std::string("whole_") + type));
    adam.optimizer = {};
    adam.optimizer.type = type;
    adam.optimizer.lr = 0.02;
    adam.optimizer.amsgrad = true;
    adam.optimizer.weight_decay = 0.1;
    TestRun whole(adam);
    undisturbed(whole);
    for (int64_t iter : {0, 1, 6, 13}) interrupt_and_resume(adam, whole, "after_train_iter", iter);
  }
}

TEST_F(Resume, InHalfPrecisionGivesTheSameBits) {
  RunSpec half = spec(folder_.path("whole"));
  half.optimizer.bfloat16 = true;
  TestRun whole(half);
  undisturbed(whole);
  for (int64_t iter : {0, 3, 6, 13}) interrupt_and_resume(half, whole, "after_train_iter", iter);
  RunSpec full = spec(folder_.path("float32"));
  TestRun other(full);
  undisturbed(other);
  EXPECT_NE(difference(other, whole), "") << "nothing ran in bfloat16";
}

TEST_F(Resume, FromOtherPointsGivesTheSameBits) {
  TestRun whole(spec(folder_.path("whole")));
  undisturbed(whole);
  interrupt_and_resume(spec(""), whole, "before_run", -1);
  interrupt_and_resume(spec(""), whole, "before_train_iter", 7);
  interrupt_and_resume(spec(""), whole, "before_train_epoch", 5);
  interrupt_and_resume(spec(""), whole, "after_train_epoch", 10);  // a validation is due: not yet begun
  interrupt_and_resume(spec(""), whole, "before_val_epoch", 10);
  interrupt_and_resume(spec(""), whole, "after_val_iter", 10);
  interrupt_and_resume(spec(""), whole, "after_val_iter", 15);  // the last validation of all
}

TEST_F(Resume, IsExactWhereLibTorchsDefaultIsNot) {
  RunSpec heavy = spec(folder_.path("whole"));
  heavy.task.lookups = 200000;  // its gradient: an index_put_ that accumulates, by both threads
  heavy.loop.max_epochs = 2;
  TestRun whole(heavy);
  undisturbed(whole);
  for (int64_t iter : {1, 3, 8}) interrupt_and_resume(heavy, whole, "after_train_iter", iter);
}

TEST_F(Resume, RunsTheValidationThatWasInterruptedFirst) {
  RunSpec first = spec(folder_.path("run"));
  {
    TestRun run(first);
    run.act("after_val_iter", 10, raise_signal);
    ASSERT_EQ(run.train(), runner::RunEnd::kInterrupted);
  }
  const runner::Checkpoint saved = runner::read_checkpoint(folder_.path("run/interrupted_iter_10.pth"));
  EXPECT_TRUE(saved.validation_due);
  EXPECT_EQ(saved.epoch, 2);
  first.resume = true;
  TestRun run(first);
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  ASSERT_GE(run.events.size(), 6u);
  EXPECT_EQ(run.events[0], (Event{"before_run", 0, 0, -1}));
  EXPECT_EQ(run.events[1], (Event{"after_load_checkpoint", 0, 0, -1}));
  EXPECT_EQ(run.events[2], (Event{"before_train", 2, 10, -1}));
  EXPECT_EQ(run.events[3], (Event{"before_val", 2, 10, -1}));
}

// The state of before the validation: what hooks did in it (an average swapped in) must not be saved.
TEST_F(Resume, ASignalDuringAValidationSavesTheStateOfBeforeIt) {
  float before = 0;
  TestRun run(spec(folder_.path("run")));
  int64_t calls_before = 0;
  run.act("before_val", 10, [&](TraceHook&, const Point&) {
    torch::NoGradGuard no_grad;
    before = run.task().net().fc->weight[0][0].item<float>();
    calls_before = run.first().calls - 1;  // the hook of priority 10 has seen this point already
    run.task().net().fc->weight.zero_();
  });
  run.act("after_val_iter", 10, raise_signal);
  ASSERT_EQ(run.train(), runner::RunEnd::kInterrupted);
  const runner::Checkpoint saved = runner::read_checkpoint(folder_.path("run/interrupted_iter_10.pth"));
  for (const auto& [name, tensor] : saved.state_dict) {
    if (name == "fc.weight") {
      EXPECT_EQ(tensor[0][0].item<float>(), before);
    }
  }
  ASSERT_EQ(saved.hooks.size(), 3u);
  int64_t calls = 0;
  ASSERT_EQ(saved.hooks[0].bytes.size(), sizeof calls);
  std::memcpy(&calls, saved.hooks[0].bytes.data(), sizeof calls);
  EXPECT_EQ(calls, calls_before);
}

TEST_F(Resume, TakesTheFileThatAHookNamedOnInterrupt) {
  RunSpec first = spec(folder_.path("run"));
  TestRun run(first);
  run.act("after_train_iter", 3, raise_signal);
  run.act("on_interrupt", -1, [](TraceHook& hook, const Point& at) {
    EXPECT_STREQ(at.message, "SIGTERM");
    hook.runner().request_save("mine.pth");
  });
  ASSERT_EQ(run.train(), runner::RunEnd::kInterrupted);
  EXPECT_EQ(run.runner().last_checkpoint(), folder_.path("run/mine.pth"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run/interrupted_iter_4.pth")));
}

// Hooks' states are taken when all hooks of the point have run.
TEST_F(Resume, SavesHookStatesAfterTheWholePoint) {
  TestRun run(spec(folder_.path("run")));
  run.act("after_train_iter", 3, [](TraceHook& hook, const Point&) { hook.runner().request_save("a.pth"); });
  std::vector<int64_t> seen;
  run.act("after_save_checkpoint", 3, [&](TraceHook&, const Point&) { seen.push_back(run.first().calls); });
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  const runner::Checkpoint saved = runner::read_checkpoint(folder_.path("run/a.pth"));
  ASSERT_EQ(saved.hooks.size(), 3u);
  for (const HookState& state : saved.hooks) {
    int64_t calls = 0;
    std::memcpy(&calls, state.bytes.data(), sizeof calls);
    EXPECT_EQ(calls, seen.at(0) - 1) << state.key;  // all but after_save_checkpoint itself
  }
}

TEST_F(Resume, WithoutAPathTakesTheNewestCheckpointThatCanBeRead) {
  RunSpec first = spec(folder_.path("run"));
  {
    TestRun run(first);
    for (int64_t iter : {2, 5, 8}) {
      run.act("after_train_iter", iter, [](TraceHook& hook, const Point& at) {
        hook.runner().request_save("iter_" + std::to_string(at.iter + 1) + ".pth");
      });
    }
    ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  }
  first.resume = true;
  {
    TestRun run(first);  // as last_checkpoint says
    run.act("before_train", -1,
            [](TraceHook& hook, const Point&) { EXPECT_EQ(hook.runner().state().iter, 9); });
    ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  }
  std::filesystem::remove(folder_.path("run/last_checkpoint"));
  std::filesystem::resize_file(folder_.path("run/iter_9.pth"), 100);
  TestRun run(first);  // the newest by its time is broken
  run.act("before_train", -1,
          [](TraceHook& hook, const Point&) { EXPECT_EQ(hook.runner().state().iter, 6); });
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
}

TEST_F(Resume, WithNothingToResumeBeginsAnew) {
  RunSpec first = spec(folder_.path("run"));
  first.resume = true;
  TestRun run(first);
  EXPECT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_FALSE(run.runner().is_resumed());
  EXPECT_EQ(run.runner().iter(), 15);
}

TEST_F(Resume, OfAFinishedRunCanGoOnLonger) {
  RunSpec first = spec(folder_.path("run"));
  {
    TestRun run(first);
    run.act("after_train_epoch", 15,
            [](TraceHook& hook, const Point&) { hook.runner().request_save("end.pth"); });
    ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  }
  first.resume = true;
  first.loop.max_epochs = 5;
  TestRun run(first);
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_EQ(run.runner().iter(), 25);
  EXPECT_EQ(run.runner().epoch(), 5);
}

void expect_refused(const RunSpec& spec, const std::string& words) {
  TestRun run(spec);
  try {
    run.train();
    FAIL() << "expected a failure that says: " << words;
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    EXPECT_NE(std::string(failure.what()).find(words), std::string::npos) << failure.what();
  }
  EXPECT_TRUE(run.events.empty() || run.events.back().point == "after_run");
  EXPECT_EQ(run.first().alive, 0);
}

TEST_F(Resume, RefusesWhatDoesNotFit) {
  RunSpec first = spec(folder_.path("run"));
  {
    TestRun run(first);
    run.act("after_train_iter", 6,
            [](TraceHook& hook, const Point&) { hook.runner().request_save("mid.pth"); });
    ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  }
  first.resume = true;
  RunSpec wrong = first;
  wrong.resume_from = folder_.path("run/missing.pth");
  expect_refused(wrong, "missing.pth");
  wrong = first;
  wrong.optimizer = {};
  wrong.optimizer.type = "Adam";
  expect_refused(wrong, "optimizer");
  wrong = first;
  wrong.loop.by_epoch = false;
  wrong.loop.max_iters = 20;
  expect_refused(wrong, "another kind of loop");
  wrong = first;
  wrong.batch_size = 3;
  expect_refused(wrong, "inside an epoch of other data");
}

// A stop that was asked for inside the epoch holds for the resumed rest of it.
TEST_F(Resume, KeepsAStopThatWasAskedForInTheEpoch) {
  RunSpec first = spec(folder_.path("run"));
  {
    TestRun run(first);
    run.act("after_train_iter", 6, [](TraceHook& hook, const Point& at) {
      hook.runner().request_stop("enough");
      raise_signal(hook, at);
    });
    ASSERT_EQ(run.train(), runner::RunEnd::kInterrupted);
  }
  first.resume = true;
  TestRun run(first);
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_EQ(run.runner().iter(), 10);
  EXPECT_EQ(run.events.back(), (Event{"after_run", 2, 10, -1}));
}

}  // namespace
}  // namespace grapnel::test
