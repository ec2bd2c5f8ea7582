// What hooks may ask of the runner, what happens when they fail, and the steps between the points.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/failure.hpp"
#include "test_run.hpp"

namespace grapnel::test {
namespace {

RunSpec small_run(const TemporaryFolder& folder, const std::string& name = "run") {
  RunSpec spec;
  spec.work_dir = folder.path(name);
  spec.task.train_size = 4;
  spec.task.val_size = 2;
  spec.val = true;
  spec.loop.max_epochs = 2;
  spec.loop.val_interval = 10;
  spec.optimizer.lr = 0.1;
  return spec;
}

std::vector<std::string> names(const Events& events) {
  std::vector<std::string> result;
  for (const Event& event : events) result.push_back(event.point);
  return result;
}

int64_t count(const Events& events, const std::string& point) {
  const auto all = names(events);
  return std::count(all.begin(), all.end(), point);
}

// The status with which the host answers, by the exception that the SDK makes of it.
template <class Body>
grapnel_status status_of(Body&& body) {
  try {
    body();
    return GRAPNEL_STATUS_OK;
  } catch (const Error& error) {
    EXPECT_GT(std::string(error.what()).size(), 10u);
    return error.status();
  }
}

TEST(Requests, StopEndsAnEpochBasedRunAfterItsEpochAndValidation) {
  TemporaryFolder folder;
  RunSpec spec = small_run(folder);
  spec.loop.val_interval = 1;
  TestRun run(spec);
  run.act("before_train_iter", 1,
          [](TraceHook& hook, const Point&) { hook.runner().request_stop("enough"); });
  EXPECT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_EQ(run.runner().iter(), 4);
  EXPECT_EQ(count(run.events, "after_val"), 1);
  EXPECT_EQ(run.events.back(), (Event{"after_run", 1, 4, -1}));
}

TEST(Requests, StopBeforeTheFirstIterationTrainsNothing) {
  TemporaryFolder folder;
  RunSpec spec = small_run(folder);
  TestRun run(spec);
  run.act("before_train", -1, [](TraceHook& hook, const Point&) { hook.runner().request_stop("no"); });
  EXPECT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_EQ(names(run.events),
            (std::vector<std::string>{"before_run", "before_train", "after_train", "after_run"}));
}

TEST(Requests, ValidationRunsOnceRightAfterTheIteration) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  run.act("before_train_iter", 1, [](TraceHook& hook, const Point&) { hook.runner().request_validation(); });
  run.train();
  EXPECT_EQ(count(run.events, "before_val"), 2);  // and once at the end of the run
  const auto all = names(run.events);
  const auto at = std::find(all.begin(), all.end(), "before_val") - all.begin();
  EXPECT_EQ(run.events[static_cast<size_t>(at) - 1], (Event{"after_train_iter", 0, 1, 1}));
  EXPECT_EQ(run.events[static_cast<size_t>(at)], (Event{"before_val", 0, 2, -1}));
  // The model trains on afterwards, and was evaluated in evaluation mode.
  EXPECT_EQ(std::count(run.task().calls.begin(), run.task().calls.end(), "eval_step in training mode"), 0);
  EXPECT_EQ(std::count(run.task().calls.begin(), run.task().calls.end(), "eval_step"), 4);
  EXPECT_TRUE(run.task().model().is_training());
}

TEST(Requests, ValidationWithoutDataIsUnsupported) {
  TemporaryFolder folder;
  RunSpec spec = small_run(folder);
  spec.val = false;
  TestRun run(spec);
  run.act("before_train", -1, [](TraceHook& hook, const Point&) {
    EXPECT_EQ(status_of([&] { hook.runner().request_validation(); }), GRAPNEL_STATUS_UNSUPPORTED);
  });
  run.train();
}

TEST(Requests, SkippedStepLeavesTheWeightsAlone) {
  TemporaryFolder folder;
  for (const char* point : {"after_backward", "before_optimizer_step"}) {
    TestRun run(small_run(folder));
    torch::Tensor before, after;
    run.act("before_train_iter", 2,
            [&](TraceHook&, const Point&) { before = run.task().net().fc->weight.clone(); });
    run.act(point, 2, [](TraceHook& hook, const Point&) { hook.runner().request_skip_step("bad batch"); });
    run.act("after_train_iter", 2, [&](TraceHook&, const Point&) {
      after = run.task().net().fc->weight.clone();
      EXPECT_FALSE(run.task().net().fc->weight.grad().defined());
    });
    run.act("after_train_iter", 3, [&](TraceHook&, const Point&) {
      EXPECT_FALSE(torch::equal(run.task().net().fc->weight, after));
    });
    run.train();
    EXPECT_TRUE(torch::equal(before, after)) << point;
  }
}

TEST(Requests, VetoedCheckpointReplacesNothing) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  const auto save = [](TraceHook& hook, const Point&) { hook.runner().request_save("same.pth"); };
  run.act("after_train_iter", 1, save).act("after_train_iter", 5, save);
  run.act("before_save_checkpoint", 5,
          [](TraceHook& hook, const Point&) { hook.runner().veto_checkpoint("bad"); });
  run.train();
  EXPECT_EQ(runner::read_checkpoint(folder.path("run/same.pth")).iter, 2);
  EXPECT_EQ(count(run.events, "before_save_checkpoint"), 2);
  EXPECT_EQ(count(run.events, "after_save_checkpoint"), 2);
  EXPECT_EQ(run.runner().last_checkpoint(), folder.path("run/same.pth"));
}

TEST(Requests, SavesHappenInOrderAtTheEndOfThePoint) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  std::vector<std::string> paths;
  run.act("after_train_iter", 2, [](TraceHook& hook, const Point&) {
    hook.runner().request_save("b.pth");
    hook.runner().request_save("a.pth");
    hook.runner().request_save("b.pth");
  });
  run.act("after_train", -1, [](TraceHook& hook, const Point&) { hook.runner().request_save("end.pth"); });
  run.act("before_save_checkpoint", 8, [](TraceHook& hook, const Point&) {  // long after the iteration
    EXPECT_GT(hook.values().count(GRAPNEL_VALUES_OUTPUTS), 0u);
    EXPECT_EQ(hook.values().count(GRAPNEL_VALUES_BATCH), 0u);
  });
  run.act("before_save_checkpoint", 2, [&](TraceHook& hook, const Point& at) {
    paths.emplace_back(at.checkpoint_path);
    const grapnel_checkpoint_info info = hook.checkpoint().info();
    EXPECT_EQ(info.iter, 3);
    EXPECT_STREQ(info.path, at.checkpoint_path);
    hook.checkpoint().set_text("note", "from a hook");
    EXPECT_GT(hook.values().count(GRAPNEL_VALUES_OUTPUTS), 0u);
  });
  run.train();
  EXPECT_EQ(paths, (std::vector<std::string>{folder.path("run/b.pth"), folder.path("run/a.pth")}));
  const runner::Checkpoint saved = runner::read_checkpoint(folder.path("run/a.pth"));
  EXPECT_EQ(saved.meta_texts.at("note"), "from a hook");
  EXPECT_EQ(saved.epoch, 0);
  EXPECT_EQ(saved.epoch_batch, 3);
  std::ifstream note(folder.path("run/last_checkpoint"));
  std::string last;
  std::getline(note, last);
  EXPECT_EQ(last, folder.path("run/end.pth"));
  // Each save is nested in nothing: all hooks saw the point before.
  const auto lowest = names(run.events_lowest);
  const auto first_save = std::find(lowest.begin(), lowest.end(), "before_save_checkpoint");
  EXPECT_EQ(*(first_save - 1), "after_train_iter");
}

TEST(Requests, MadeInTheWrongPlaceAreRefused) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  run.act("before_train_iter", 0, [](TraceHook& hook, const Point&) {
    EXPECT_EQ(status_of([&] { hook.runner().request_save("a.pth"); }), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(status_of([&] { hook.runner().request_skip_step("x"); }), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(status_of([&] { hook.runner().veto_checkpoint("x"); }), GRAPNEL_STATUS_INVALID_ARGUMENT);
  });
  run.act("after_train_iter", 0, [](TraceHook& hook, const Point&) {
    for (const char* name : {"", ".", "..", "a/b.pth", "/tmp/x.pth"}) {
      EXPECT_EQ(status_of([&] { hook.runner().request_save(name); }), GRAPNEL_STATUS_INVALID_ARGUMENT)
          << name;
    }
  });
  EXPECT_EQ(run.train(), runner::RunEnd::kDone);
}

TEST(Failures, OfAHookEndTheRunThroughOnExceptionAfterRunAndDestroy) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  std::string message;
  run.act("after_train_iter", 2, [](TraceHook&, const Point&) { throw Error("the loss is odd"); });
  run.act("on_exception", -1, [&](TraceHook&, const Point& at) { message = at.message; });
  try {
    run.train();
    FAIL() << "the hook's failure got lost";
  } catch (const HookFailure& failure) {
    EXPECT_EQ(failure.instance_key(), "acting");
    EXPECT_EQ(failure.point(), GRAPNEL_POINT_AFTER_TRAIN_ITER);
    EXPECT_NE(std::string(failure.what()).find("the loss is odd"), std::string::npos);
    EXPECT_EQ(message, failure.what());
  }
  const auto all = names(run.events);
  EXPECT_EQ(std::vector<std::string>(all.end() - 3, all.end()),
            (std::vector<std::string>{"after_train_iter", "on_exception", "after_run"}));
  EXPECT_EQ(names(run.events_lowest).back(), "after_run");
  EXPECT_EQ(count(run.events_lowest, "after_train_iter"), 2);  // the failing hook came before
  EXPECT_EQ(run.first().alive, 0);
}

TEST(Failures, OfTheTaskKeepTheirReason) {
  TemporaryFolder folder;
  RunSpec spec = small_run(folder);
  spec.task.raise_at_step = 5;
  TestRun run(spec);
  try {
    run.train();
    FAIL() << "the task's exception got lost";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kRun);
    EXPECT_NE(std::string(failure.what()).find("boom"), std::string::npos) << failure.what();
    EXPECT_NE(std::string(failure.what()).find("iteration 5"), std::string::npos) << failure.what();
  }
  EXPECT_EQ(run.events[run.events.size() - 2], (Event{"on_exception", 1, 5, 1}));
  EXPECT_EQ(run.events.back(), (Event{"after_run", 1, 5, -1}));
}

TEST(Failures, InAfterRunCallEveryHookOnceMoreForNothing) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  run.act("after_run", -1, [](TraceHook&, const Point&) { throw Error("cannot tidy up"); });
  EXPECT_THROW(run.train(), HookFailure);
  EXPECT_EQ(count(run.events, "after_run"), 1);
  EXPECT_EQ(count(run.events_lowest, "after_run"), 1);
  EXPECT_EQ(count(run.events, "on_exception"), 1);
  EXPECT_EQ(run.first().alive, 0);
}

TEST(Failures, InOnExceptionDoNotHideTheFirst) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  run.act("before_train", -1, [](TraceHook&, const Point&) { throw Error("first"); });
  run.act("on_exception", -1, [](TraceHook&, const Point&) { throw Error("second"); });
  try {
    run.train();
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("first"), std::string::npos);
  }
  EXPECT_EQ(names(run.events_lowest).back(), "after_run");
}

TEST(Failures, OfAWriteStillBringAfterSaveCheckpointAndKeepTheOldFile) {
  TemporaryFolder folder;
  TestRun run(small_run(folder));
  const auto save = [](TraceHook& hook, const Point&) { hook.runner().request_save("a.pth"); };
  run.act("after_train_iter", 1, save).act("after_train_iter", 3, save);
  run.act("before_save_checkpoint", 3, [&](TraceHook&, const Point&) {
    std::filesystem::rename(folder.path("run/a.pth"), folder.path("kept.pth"));
    std::filesystem::create_directory(folder.path("run/a.pth"));
  });
  EXPECT_THROW(run.train(), Failure);
  const auto all = names(run.events);
  EXPECT_EQ(std::vector<std::string>(all.end() - 4, all.end()),
            (std::vector<std::string>{"before_save_checkpoint", "after_save_checkpoint", "on_exception",
                                      "after_run"}));
  EXPECT_EQ(runner::read_checkpoint(folder.path("kept.pth")).iter, 2);
}

// MMEngine's OptimWrapper: each loss divided by the batches of its step, the rest at the end by what is left.
TEST(Accumulation, StepsAtMultiplesAndAtTheEndWithScaledLosses) {
  TemporaryFolder folder;
  RunSpec spec = small_run(folder);
  spec.task.train_size = 7;
  spec.task.noise = false;
  spec.loop.max_epochs = 1;
  spec.shuffle = false;
  spec.optimizer.accumulative_counts = 3;
  TestRun run(spec);
  std::vector<int64_t> steps;
  std::vector<double> shares;  // how much of a batch's own gradient was added
  torch::Tensor before;
  run.act("before_train_iter", -1, [&](TraceHook&, const Point&) {
    const torch::Tensor& grad = run.task().net().fc->bias.grad();
    before = grad.defined() ? grad.clone() : torch::zeros({1});
  });
  run.act("after_backward", -1, [&](TraceHook& hook, const Point&) {
    // For the bias of a linear model: d loss / d bias = 2 * 0.05 * (predicted - target) = sign * sqrt(0.2 *
    // loss).
    const double loss = hook.values().number(GRAPNEL_VALUES_OUTPUTS, "loss");
    const double added = (run.task().net().fc->bias.grad() - before).item<double>();
    shares.push_back(std::abs(added) / std::sqrt(0.2 * loss));
  });
  run.act("before_optimizer_step", -1, [&](TraceHook&, const Point& at) { steps.push_back(at.iter); });
  run.train();
  EXPECT_EQ(steps, (std::vector<int64_t>{2, 5, 6}));
  ASSERT_EQ(shares.size(), 7u);
  for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(shares[i], i < 6 ? 1.0 / 3.0 : 1.0, 1e-4) << i;
}

TEST(Paramwise, NormAndBiasDecayAsMMEngine) {
  FakeTask task({});
  runner::OptimizerConfig config;
  config.lr = 0.1;
  config.weight_decay = 0.5;
  config.norm_decay_mult = 0.0;
  config.bias_decay_mult = 0.1;
  std::map<std::string, double> decay;
  for (const auto& group : runner::paramwise_groups(task.model(), task.parameter_groups(), config)) {
    for (const auto& [name, tensor] : group.parameters) decay[name] = group.weight_decay.value();
  }
  EXPECT_EQ(decay, (std::map<std::string, double>{{"extra", 0.5},
                                                  {"table", 0.5},
                                                  {"fc.weight", 0.5},
                                                  {"fc.bias", 0.05},
                                                  {"norm.weight", 0.0},
                                                  {"norm.bias", 0.0}}));
}

TEST(Start, LoadFromTakesTheWeightsOnly) {
  TemporaryFolder folder;
  torch::Tensor weight;
  {
    TestRun run(small_run(folder, "first"));
    run.act("after_train_iter", 5, [&](TraceHook& hook, const Point&) {
      hook.runner().request_save("a.pth");
      weight = run.task().net().fc->weight.detach().clone();
    });
    run.train();
  }
  RunSpec spec = small_run(folder, "second");
  spec.load_from = folder.path("first/a.pth");
  TestRun run(spec);
  run.act("before_train", -1, [&](TraceHook& hook, const Point& at) {
    EXPECT_TRUE(torch::equal(run.task().net().fc->weight, weight));
    EXPECT_EQ(at.iter, 0);
    EXPECT_EQ(hook.runner().state().is_resumed, 0);
  });
  run.train();
  EXPECT_EQ(run.events[1].point, "after_load_checkpoint");
}

TEST(Start, AnEvaluationOfWeightsThatDoNotFitIsRefused) {
  TemporaryFolder folder;
  runner::Checkpoint foreign;
  foreign.state_dict = {{"fc.weight", torch::zeros({1, 3})}, {"fc.bias", torch::zeros({1})}};
  runner::write_checkpoint(folder.path("foreign.pth"), foreign);
  RunSpec spec = small_run(folder);
  spec.train = false;
  spec.load_from = folder.path("foreign.pth");
  TestRun run(spec);
  try {
    run.val();
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    EXPECT_NE(std::string(failure.what()).find("fc.weight"), std::string::npos) << failure.what();
  }
}

// Two ranks in two threads over a real Gloo group: each asks alone, both agree.
TEST(TwoRanks, AgreeOnRequestsAndShareGradients) {
  TemporaryFolder folder;
  torch::Tensor weights[2];
  int64_t iters[2] = {};
  Events events[2];
  std::string errors[2];
  const auto one_rank = [&](int rank) {
    try {
      const auto collectives = runner::make_gloo_collectives_over_file(folder.path("store"), rank, 2);
      RunSpec spec = small_run(folder);
      spec.task.noise = false;
      spec.task.train_size = 8;
      spec.loop.max_epochs = 3;
      TestRun run(spec, collectives.get());
      if (rank == 1) {
        run.act("after_train_iter", 5,
                [](TraceHook& hook, const Point&) { hook.runner().request_stop("rank 1"); });
        run.act("after_train_iter", 1,
                [](TraceHook& hook, const Point&) { hook.runner().request_validation(); });
        run.act("after_backward", 3,
                [](TraceHook& hook, const Point&) { hook.runner().request_skip_step("nan"); });
        run.act("before_save_checkpoint", 6,
                [](TraceHook& hook, const Point&) { hook.runner().veto_checkpoint("no"); });
      } else {
        const auto save = [](TraceHook& hook, const Point& at) {
          hook.runner().request_save("iter_" + std::to_string(at.iter + 1) + ".pth");
        };
        run.act("after_train_iter", 2, save).act("after_train_iter", 6, save);
      }
      run.train();
      weights[rank] = run.task().net().fc->weight.detach().clone();
      iters[rank] = run.runner().iter();
      events[rank] = run.events;
    } catch (const std::exception& error) {
      errors[rank] = error.what();
    }
  };
  std::thread other(one_rank, 1);
  one_rank(0);
  other.join();
  ASSERT_EQ(errors[0] + errors[1], "");
  EXPECT_EQ(events[0], events[1]);
  EXPECT_EQ(iters[0], 8);  // two epochs of four batches a rank
  EXPECT_EQ(iters[1], 8);
  EXPECT_EQ(count(events[0], "before_val"), 1);
  EXPECT_EQ(count(events[0], "before_optimizer_step"), 7);
  EXPECT_TRUE(torch::equal(weights[0], weights[1]));
  EXPECT_TRUE(std::filesystem::exists(folder.path("run/iter_3.pth")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("run/iter_7.pth")));
}

}  // namespace
}  // namespace grapnel::test
