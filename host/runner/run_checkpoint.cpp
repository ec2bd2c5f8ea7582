// Saving: what a checkpoint holds, the points around its write, and the checkpoint of an interrupted run.
#include <spdlog/spdlog.h>

#include <ctime>
#include <filesystem>

#include <grapnel/version.h>

#include "core/atomic_file.hpp"
#include "core/failure.hpp"
#include "runner/module_tree.hpp"
#include "runner/runner_impl.hpp"
#include "runner/signals.hpp"

namespace grapnel::runner {
namespace {

namespace fs = std::filesystem;

void copy_all(NamedTensors& tensors) {
  for (auto& [name, tensor] : tensors) tensor = tensor.clone();
}

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

}  // namespace

Checkpoint Runner::Impl::at(const Position& position) const {
  Checkpoint checkpoint;
  checkpoint.epoch = position.epoch;
  checkpoint.iter = position.iter;
  checkpoint.epoch_batch = position.epoch_batch;
  checkpoint.validation_due = position.validation_due;
  checkpoint.seed =
      static_cast<int64_t>(train_data.loader ? train_data.loader->sampler().seed() : config.seed);
  checkpoint.meta_texts["config"] = config_json;
  checkpoint.meta_texts["grapnel_version"] = GRAPNEL_VERSION;
  checkpoint.meta_texts["time"] = time_text();
  return checkpoint;
}

void Runner::Impl::capture(Checkpoint& checkpoint, bool copy_tensors) {
  checkpoint.state_dict = model_tensors(task.model());
  for (auto& [name, tensor] : checkpoint.state_dict) tensor = tensor.detach();
  optimizer->save(checkpoint);
  checkpoint.accumulated = accumulated;
  checkpoint.gradients.clear();
  if (accumulated > 0) {
    for (const auto& [name, parameter] : optimizer->parameters()) {
      if (parameter.grad().defined()) checkpoint.gradients.emplace_back(name, parameter.grad().detach());
    }
  }
  if (copy_tensors) {
    copy_all(checkpoint.state_dict);
    copy_all(checkpoint.optimizer_tensors);
    copy_all(checkpoint.gradients);
  }
  checkpoint.metrics = metrics;
  checkpoint.meta_texts["run_settings"] = settings_json();
  checkpoint.hooks = hooks.save_states();
  checkpoint.message_hub = hub;
  checkpoint.rng_state = at::detail::getDefaultCPUGenerator().get_state();
}

void Runner::Impl::save_requested(const std::vector<std::string>& file_names, const Position& position) {
  for (const std::string& file_name : file_names) save_checkpoint(file_name, position);
}

void Runner::Impl::save_checkpoint(const std::string& file_name, const Position& position,
                                   Checkpoint* captured) {
  const grapnel_point_args outer = point;
  const std::string path = (fs::path(config.work_dir) / file_name).string();
  Checkpoint fresh = at(position);
  Checkpoint& checkpoint = captured != nullptr ? *captured : fresh;
  open_checkpoint = &checkpoint;
  try {
    call(GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT, {-1, path.c_str()});
    const bool vetoed = agree().veto;
    if (!vetoed) {
      if (captured == nullptr) capture(checkpoint, /*copy_tensors=*/false);
      bool failed = false;
      std::exception_ptr reason;
      if (collectives.rank() == 0) {
        try {
          write_checkpoint(path, checkpoint);
          note_last_checkpoint(path);
        } catch (...) {
          failed = true;
          reason = std::current_exception();
        }
      }
      if (on_any_rank(failed)) {
        if (reason) std::rethrow_exception(reason);
        throw Failure(FailureKind::kRun, {"rank 0 could not write the checkpoint", path, "", "", ""});
      }
      last_checkpoint = path;
    }
  } catch (...) {
    // What a hook did before the save it must be able to undo.
    open_checkpoint = nullptr;
    point = point_args(GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT, {-1, path.c_str()});
    for (const HookFailure& failure : hooks.dispatch_to_all(point)) {
      spdlog::error("after a save that failed: {}", failure.what());
    }
    point = outer;
    throw;
  }
  open_checkpoint = nullptr;
  call(GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT, {-1, path.c_str()});
  point = outer;
}

void Runner::Impl::note_last_checkpoint(const std::string& path) {
  write_file_atomically((fs::path(config.work_dir) / "last_checkpoint").string(), path);
}

void Runner::Impl::interrupt(const Position& position, Checkpoint* captured) {
  const char* name = signal_name(signal);
  spdlog::warn("{}: the run ends after iteration {}", name, iter);
  open_checkpoint = nullptr;
  point = point_args(GRAPNEL_POINT_ON_INTERRUPT, {-1, nullptr, name});
  const auto failures = hooks.dispatch_to_all(point);
  if (config.train && mode != Mode::kNone) {
    std::vector<std::string> saves = agree().saves;
    if (saves.empty()) saves.push_back("interrupted_iter_" + std::to_string(position.iter) + ".pth");
    for (const std::string& file_name : saves) save_checkpoint(file_name, position, captured);
  }
  if (!failures.empty()) throw failures.front();
}

}  // namespace grapnel::runner
