// The runner's frame: what a run is built of, how points are called, and how every run ends.
#include "runner/runner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <stdexcept>

#include "core/failure.hpp"
#include "runner/runner_impl.hpp"
#include "runner/signals.hpp"

namespace grapnel::runner {
namespace {

[[noreturn]] void refuse_request(const char* request, const char* allowed, int32_t point) {
  throw std::invalid_argument(std::string(request) + " is not possible at " + HookHost::point_name(point) +
                              ": allowed at " + allowed);
}

bool is_one_of(int32_t point, std::initializer_list<int32_t> points) {
  return std::find(points.begin(), points.end(), point) != points.end();
}

}  // namespace

Runner::Impl::Impl(RunConfig run_config, Task& its_task, HookHost& its_hooks, Collectives& its_collectives)
    : config(std::move(run_config)), task(its_task), hooks(its_hooks), collectives(its_collectives) {
  point.struct_size = sizeof point;
  point.point = -1;
  point.batch_idx = -1;
  if (config.deterministic) at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  if (config.train) train_data = make_loop_data(Split::kTrain, *config.train_dataloader);
  if (config.val && config.val_dataloader) val_data = make_loop_data(Split::kVal, *config.val_dataloader);
  if (config.test && config.test_dataloader)
    test_data = make_loop_data(Split::kTest, *config.test_dataloader);
  if (config.train) {
    if (config.lr_base_batch_size) scale_lr();
    optimizer = std::make_unique<Optimizer>(
        *config.optimizer, paramwise_groups(task.model(), task.parameter_groups(), *config.optimizer));
  }
  config_json = config.whole.kind() == ConfigNode::Kind::kTable ? config.whole.to_json() : "{}";
  make_folders();
}

// Ranks share the training samples; each evaluates all of the others' data itself, so that the metrics are
// whole.
Runner::Impl::LoopData Runner::Impl::make_loop_data(Split split, const DataloaderConfig& dataloader) {
  LoopData made;
  made.dataset = task.make_dataset(split, dataloader.dataset, dataloader.path + ".dataset");
  const bool train = split == Split::kTrain;
  Sampler sampler(made.dataset->size(), dataloader.shuffle, config.seed, train ? collectives.rank() : 0,
                  train ? collectives.world_size() : 1);
  LoaderOptions options;
  options.batch_size = dataloader.batch_size;
  options.num_workers = dataloader.num_workers;
  options.prefetch_factor = dataloader.prefetch_factor;
  options.drop_last = dataloader.drop_last;
  made.loader = std::make_unique<DataLoader>(*made.dataset, std::move(sampler), options);
  if (made.loader->batches_per_epoch() == 0) {
    throw Failure(FailureKind::kConfig,
                  {"no batch in an epoch", dataloader.path + ".drop_last",
                   std::to_string(made.dataset->size()) + " samples, batch_size " +
                       std::to_string(dataloader.batch_size),
                   "at least one whole batch", "lower batch_size or set drop_last = false"});
  }
  return made;
}

// MMEngine's auto_scale_lr: in proportion to the batch over all ranks.
void Runner::Impl::scale_lr() {
  const int64_t batch_size = collectives.world_size() * config.train_dataloader->batch_size;
  const double ratio = static_cast<double>(batch_size) / static_cast<double>(*config.lr_base_batch_size);
  config.optimizer->lr *= ratio;
  spdlog::info("the learning rate is that of batches of {} times {}, for batches of {}: {}",
               *config.lr_base_batch_size, ratio, batch_size, config.optimizer->lr);
}

// A start's logs go to a folder of its own, named after the time; two starts in one second get two folders.
void Runner::Impl::make_folders() {
  namespace fs = std::filesystem;
  torch::Tensor now = torch::full({1}, static_cast<int64_t>(std::time(nullptr)), torch::kInt64);
  collectives.broadcast(now, 0);
  const std::time_t seconds = now.item<int64_t>();
  std::tm local{};
  localtime_r(&seconds, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d_%H%M%S", &local);
  std::error_code error;
  fs::create_directories(config.work_dir, error);
  if (!error) {
    const fs::path base = fs::path(config.work_dir) / stamp;
    fs::path folder = base;
    if (collectives.rank() == 0) {
      for (int number = 2; !fs::create_directory(folder, error) && !error; ++number) {
        folder = base.string() + "_" + std::to_string(number);
      }
    }
    log_dir = folder.string();
  }
  if (error) {
    throw Failure(FailureKind::kConfig, {"cannot make the run's folder", config.work_dir, error.message(),
                                         "a folder that can be written", "set work_dir"});
  }
}

Runner::Impl::LoopData& Runner::Impl::data(Mode which) {
  switch (which) {
    case Mode::kTrain:
      return train_data;
    case Mode::kVal:
      return val_data;
    case Mode::kTest:
      return test_data;
    case Mode::kNone:
      break;
  }
  throw std::out_of_range("no such mode: " + std::to_string(static_cast<int>(which)));
}

int64_t Runner::Impl::train_length() const {
  return train_data.loader ? train_data.loader->batches_per_epoch() : 0;
}

int64_t Runner::Impl::max_epochs() const {
  if (!config.train) return 0;
  return config.train->by_epoch ? config.train->max_epochs : 1;
}

int64_t Runner::Impl::max_iters() const {
  if (!config.train) return 0;
  return config.train->by_epoch ? config.train->max_epochs * train_length() : config.train->max_iters;
}

// MMEngine looks intervals up for the count that comes next: bisect(milestones, count + 1).
int64_t Runner::Impl::val_interval_at(int64_t count) const {
  int64_t interval = config.train->val_interval;
  for (const auto& [milestone, its_interval] : config.train->dynamic_intervals) {
    if (milestone <= count + 1) interval = its_interval;
  }
  return interval;
}

bool Runner::Impl::validation_is_due(int64_t count) const {
  if (!val_data.loader || count < config.train->val_begin) return false;
  const int64_t last = config.train->by_epoch ? config.train->max_epochs : config.train->max_iters;
  return count % val_interval_at(count) == 0 || count == last;
}

grapnel_point_args Runner::Impl::point_args(int32_t which, const PointExtras& extras) const {
  grapnel_point_args args{};
  args.struct_size = sizeof args;
  args.point = which;
  args.mode = static_cast<int32_t>(mode);
  args.by_epoch = !config.train || config.train->by_epoch ? 1 : 0;
  args.epoch = epoch;
  args.iter = iter;
  args.batch_idx = extras.batch_idx;
  args.max_epochs = max_epochs();
  args.max_iters = max_iters();
  const DataLoader* loader = mode == Mode::kTrain  ? train_data.loader.get()
                             : mode == Mode::kVal  ? val_data.loader.get()
                             : mode == Mode::kTest ? test_data.loader.get()
                                                   : nullptr;
  args.epoch_length = loader ? loader->batches_per_epoch() : 0;
  args.checkpoint_path = extras.checkpoint_path;
  args.message = extras.message;
  return args;
}

void Runner::Impl::call(int32_t which, const PointExtras& extras) {
  point = point_args(which, extras);
  hooks.set_observer(hook_ranges.if_anyone_listens());
  hooks.dispatch(point);
}

void Runner::Impl::wind_up(const std::string& message) {
  if (before_run_called) {
    open_checkpoint = nullptr;
    const auto tell_all = [&](int32_t which, const char* text) {
      const int64_t batch_idx = point.batch_idx;
      point = point_args(which, {batch_idx, nullptr, text});
      for (const HookFailure& failure : hooks.dispatch_to_all(point)) {
        spdlog::error("while the run ends: {}", failure.what());
      }
    };
    tell_all(GRAPNEL_POINT_ON_EXCEPTION, message.c_str());
    has_batch = false;
    outputs.clear();
    mode = Mode::kNone;
    point.batch_idx = -1;
    tell_all(GRAPNEL_POINT_AFTER_RUN, nullptr);
  }
  for (LoopData* each : {&train_data, &val_data, &test_data}) {
    if (each->loader) each->loader->stop();
  }
  hooks.destroy();
}

RunEnd Runner::Impl::run(const std::function<bool()>& body) {
  const auto fail = [this](const std::string& reason) -> Failure {
    const std::string where = std::string(HookHost::point_name(point.point)) + ", epoch " +
                              std::to_string(epoch) + ", iteration " + std::to_string(iter);
    Failure failure(FailureKind::kRun, {"the run failed", "after " + where, reason, "", ""});
    wind_up(failure.what());
    return failure;
  };
  try {
    before_run_called = false;
    mode = Mode::kNone;
    const bool finished = body();
    mode = Mode::kNone;
    has_batch = false;
    outputs.clear();
    before_run_called = false;  // after_run comes now: not once more if it fails
    point = point_args(GRAPNEL_POINT_AFTER_RUN, {});
    const auto failures = hooks.dispatch_to_all(point);
    if (!failures.empty()) {
      const std::string message = failures.front().what();
      point = point_args(GRAPNEL_POINT_ON_EXCEPTION, {-1, nullptr, message.c_str()});
      for (const HookFailure& failure : hooks.dispatch_to_all(point)) spdlog::error("{}", failure.what());
      throw failures.front();
    }
    if (!finished) clear_termination_signal();
    signal = 0;
    return finished ? RunEnd::kDone : RunEnd::kInterrupted;
  } catch (const Failure& failure) {
    wind_up(failure.what());
    throw;
  } catch (const c10::Error& error) {
    throw fail(error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw fail(error.what());
  }
}

Runner::Runner(RunConfig config, Task& task, HookHost& hooks, Collectives& collectives)
    : impl_(std::make_unique<Impl>(std::move(config), task, hooks, collectives)) {}
Runner::~Runner() = default;

RunEnd Runner::train() {
  if (!impl_->config.train) {
    throw Failure(FailureKind::kConfig, {"nothing to train", "train_cfg", "no table", "[train_cfg]", ""});
  }
  return impl_->run([this] {
    const std::string start = impl_->read_start_file(true);
    impl_->before_run_called = true;
    impl_->call(GRAPNEL_POINT_BEFORE_RUN);
    impl_->load_start_file(start, true);
    return impl_->train();
  });
}

RunEnd Runner::val() {
  if (!impl_->val_data.loader) {
    throw Failure(FailureKind::kConfig,
                  {"nothing to validate on", "val_dataloader", "no data", "[val_dataloader]", ""});
  }
  return impl_->run([this] {
    const std::string start = impl_->read_start_file(false);
    impl_->before_run_called = true;
    impl_->call(GRAPNEL_POINT_BEFORE_RUN);
    impl_->load_start_file(start, false);
    return impl_->evaluate(Mode::kVal);
  });
}

RunEnd Runner::test() {
  if (!impl_->test_data.loader) {
    throw Failure(FailureKind::kConfig,
                  {"nothing to test on", "test_dataloader", "no data", "[test_dataloader]", ""});
  }
  return impl_->run([this] {
    const std::string start = impl_->read_start_file(false);
    impl_->before_run_called = true;
    impl_->call(GRAPNEL_POINT_BEFORE_RUN);
    impl_->load_start_file(start, false);
    return impl_->evaluate(Mode::kTest);
  });
}

const RunConfig& Runner::config() const { return impl_->config; }
Task& Runner::task() { return impl_->task; }
Collectives& Runner::collectives() { return impl_->collectives; }
MessageHub& Runner::message_hub() { return impl_->hub; }
Optimizer* Runner::optimizer() { return impl_->optimizer.get(); }
Dataset* Runner::dataset(Mode mode) {
  return mode == Mode::kNone ? nullptr : impl_->data(mode).dataset.get();
}
DataLoader* Runner::loader(Mode mode) {
  return mode == Mode::kNone ? nullptr : impl_->data(mode).loader.get();
}
const grapnel_point_args& Runner::point() const { return impl_->point; }
const std::string& Runner::config_json() const { return impl_->config_json; }
int64_t Runner::max_epochs() const { return impl_->max_epochs(); }
int64_t Runner::max_iters() const { return impl_->max_iters(); }
Mode Runner::mode() const { return impl_->mode; }
int64_t Runner::epoch() const { return impl_->epoch; }
int64_t Runner::iter() const { return impl_->iter; }
bool Runner::is_resumed() const { return impl_->is_resumed; }
const Batch* Runner::batch() const { return impl_->has_batch ? &impl_->batch : nullptr; }
const NamedTensors& Runner::outputs() const {
  const bool saving = impl_->point.point == GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT;
  return saving ? impl_->last_train_outputs : impl_->outputs;
}
const Metrics& Runner::metrics() const { return impl_->metrics; }
const std::string& Runner::work_dir() const { return impl_->config.work_dir; }
const std::string& Runner::log_dir() const { return impl_->log_dir; }
const std::string& Runner::last_checkpoint() const { return impl_->last_checkpoint; }
Checkpoint* Runner::open_checkpoint() { return impl_->open_checkpoint; }

int64_t Runner::val_interval() const {
  if (!impl_->config.train || !impl_->val_data.loader) return 0;
  return impl_->val_interval_at(impl_->config.train->by_epoch ? impl_->epoch : impl_->iter);
}

void Runner::replace_pipeline(Mode mode, const ConfigNode& pipeline) {
  Impl::LoopData& data = impl_->data(mode);
  if (!data.dataset) throw std::out_of_range("this mode has no data");
  data.dataset->replace_pipeline(pipeline);
  data.pipeline_json = pipeline.to_json();
}

void Runner::request_stop(const std::string& who, const std::string& reason) {
  if (!impl_->requests.stop && !impl_->stop) spdlog::info("{} asks to stop training: {}", who, reason);
  impl_->requests.stop = true;
}

void Runner::request_validation(const std::string& who) {
  if (!impl_->val_data.loader || !impl_->config.train) {
    throw std::domain_error("this run has no validation");
  }
  spdlog::debug("{} asks for a validation", who);
  impl_->requests.validate = true;
}

void Runner::request_save(const std::string& who, const std::string& file_name) {
  if (!is_one_of(impl_->point.point, {GRAPNEL_POINT_AFTER_TRAIN_ITER, GRAPNEL_POINT_AFTER_TRAIN_EPOCH,
                                      GRAPNEL_POINT_AFTER_VAL_EPOCH, GRAPNEL_POINT_AFTER_VAL,
                                      GRAPNEL_POINT_AFTER_TRAIN, GRAPNEL_POINT_ON_INTERRUPT})) {
    refuse_request(
        "a save",
        "after_train_iter, after_train_epoch, after_val_epoch, after_val, after_train, on_interrupt",
        impl_->point.point);
  }
  if (!impl_->config.train) throw std::invalid_argument("a run without training has nothing to save");
  if (file_name.empty() || file_name == "." || file_name == ".." ||
      file_name.find('/') != std::string::npos) {
    throw std::invalid_argument("\"" + file_name +
                                "\" is no file name: expected one without '/', inside work_dir");
  }
  spdlog::debug("{} asks for the checkpoint {}", who, file_name);
  auto& saves = impl_->requests.saves;
  if (std::find(saves.begin(), saves.end(), file_name) == saves.end()) saves.push_back(file_name);
}

void Runner::request_skip_step(const std::string& who, const std::string& reason) {
  if (!is_one_of(impl_->point.point, {GRAPNEL_POINT_AFTER_BACKWARD, GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP})) {
    refuse_request("skipping a step", "after_backward, before_optimizer_step", impl_->point.point);
  }
  spdlog::warn("{} skips the step of iteration {}: {}", who, impl_->iter, reason);
  impl_->requests.skip_step = true;
}

void Runner::veto_checkpoint(const std::string& who, const std::string& reason) {
  if (impl_->point.point != GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT) {
    refuse_request("a veto", "before_save_checkpoint", impl_->point.point);
  }
  spdlog::warn("{} vetoes the checkpoint {}: {}", who, impl_->point.checkpoint_path, reason);
  impl_->requests.veto = true;
}

}  // namespace grapnel::runner
