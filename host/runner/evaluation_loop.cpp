// The validation and test loops.
#include "runner/amp_scope.hpp"
#include "runner/runner_impl.hpp"

namespace grapnel::runner {
namespace {

// The points of one evaluation loop.
struct Points {
  int32_t before, before_epoch, before_iter, after_iter, after_epoch, after;
};
constexpr Points kValPoints = {GRAPNEL_POINT_BEFORE_VAL,      GRAPNEL_POINT_BEFORE_VAL_EPOCH,
                               GRAPNEL_POINT_BEFORE_VAL_ITER, GRAPNEL_POINT_AFTER_VAL_ITER,
                               GRAPNEL_POINT_AFTER_VAL_EPOCH, GRAPNEL_POINT_AFTER_VAL};
constexpr Points kTestPoints = {GRAPNEL_POINT_BEFORE_TEST,      GRAPNEL_POINT_BEFORE_TEST_EPOCH,
                                GRAPNEL_POINT_BEFORE_TEST_ITER, GRAPNEL_POINT_AFTER_TEST_ITER,
                                GRAPNEL_POINT_AFTER_TEST_EPOCH, GRAPNEL_POINT_AFTER_TEST};

}  // namespace

bool Runner::Impl::evaluate(Mode which) {
  const Mode outer = std::exchange(mode, which);
  const bool val = which == Mode::kVal;
  const Points& points = val ? kValPoints : kTestPoints;
  const Split split = val ? Split::kVal : Split::kTest;
  LoopData& its = data(which);

  call(points.before);
  call(points.before_epoch);
  task.model().eval();
  task.begin_evaluation(split, *its.dataset, val ? config.val_evaluator : config.test_evaluator);
  its.loader->start_epoch(0);
  bool interrupted = false;
  for (int64_t batch_idx = 0; !interrupted; ++batch_idx) {
    NamedRange data_range("data");
    auto samples = its.loader->next();
    if (samples.empty()) break;
    batch = task.collate(split, std::move(samples));
    data_range.end();
    has_batch = true;
    call(points.before_iter, {batch_idx});
    {
      torch::NoGradGuard no_grad;
      const HalfPrecisionScope half(val ? config.val_bfloat16 : config.test_bfloat16);
      const NamedRange range("evaluate");
      outputs = task.eval_step(batch);
    }
    call(points.after_iter, {batch_idx});
    has_batch = false;
    batch = Batch{};
    outputs.clear();
    interrupted = termination_is_agreed();
  }
  its.loader->stop();
  if (interrupted) {
    if (outer == Mode::kNone) interrupt({epoch, iter, epoch_batch, false});
    return false;
  }
  {
    const NamedRange range("metrics");
    metrics = task.finish_evaluation();
  }
  const Position next = {epoch, iter, epoch_batch, false};
  call(points.after_epoch);
  save_requested(agree().saves, next);
  call(points.after);
  save_requested(agree().saves, next);
  mode = outer;
  return true;
}

}  // namespace grapnel::runner
