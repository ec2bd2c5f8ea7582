// How a run begins: initial weights, weights from a file, or everything that an earlier run left.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/failure.hpp"
#include "runner/runner_impl.hpp"
#include "runner/weights.hpp"

namespace grapnel::runner {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::string Runner::Impl::find_newest_checkpoint() const {
  const fs::path folder = config.work_dir;
  std::ifstream note(folder / "last_checkpoint");
  std::string noted;
  std::getline(note, noted);
  if (!noted.empty()) {
    std::error_code error;
    for (const fs::path& candidate : {folder / fs::path(noted).filename(), fs::path(noted)}) {
      if (fs::is_regular_file(candidate, error)) return candidate.string();
    }
  }
  std::vector<std::pair<fs::file_time_type, std::string>> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".pth" && entry.is_regular_file(error)) {
      files.emplace_back(entry.last_write_time(error), entry.path().string());
    }
  }
  std::sort(files.rbegin(), files.rend());
  for (const auto& [time, path] : files) {
    try {
      read_checkpoint(path);
      return path;
    } catch (const Failure& failure) {
      spdlog::warn("not resumed from: {}", failure.what());
    }
  }
  return {};
}

std::string Runner::Impl::read_start_file(bool training) {
  start_file = Checkpoint{};
  start_file_is_whole = false;
  resuming = false;
  if (training && config.resume) {
    const std::string path = config.resume_from.empty() ? find_newest_checkpoint() : config.resume_from;
    if (!path.empty()) {
      start_file = read_checkpoint(path);
      start_file_is_whole = true;
      resuming = true;
      return path;
    }
    spdlog::info("nothing to resume from in {}: the run begins anew", config.work_dir);
  }
  if (config.load_from.empty()) return {};
  try {
    start_file = read_checkpoint(config.load_from);
    start_file_is_whole = true;
  } catch (const Failure&) {
    start_file.state_dict = read_weights(config.load_from);  // no checkpoint of ours: weights alone will do
  }
  return config.load_from;
}

void Runner::Impl::load_start_file(const std::string& path, bool training) {
  if (!weights_ready) {
    torch::manual_seed(config.seed);
    task.init_weights(config.seed);
    weights_ready = true;
  }
  if (path.empty()) return;
  if (resuming) {
    resume_from(path);
  } else {
    load_tensors(task.model(), start_file.state_dict, /*strict=*/!training, path);
    // An evaluation may need what hooks kept beside the model: averaged weights.
    if (!training && start_file_is_whole) hooks.load_states(start_file.hooks, /*waive_unclaimed=*/true);
    open_checkpoint = &start_file;
    call(GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT, {-1, path.c_str()});
    open_checkpoint = nullptr;
    last_checkpoint.clear();
  }
  start_file = Checkpoint{};
}

void Runner::Impl::resume_from(const std::string& path) {
  Checkpoint& file = start_file;
  load_tensors(task.model(), file.state_dict, /*strict=*/true, path);
  optimizer->load(file);
  const std::map<std::string, torch::Tensor> gradients(file.gradients.begin(), file.gradients.end());
  optimizer->zero_grad();
  for (const auto& [name, tensor] : optimizer->parameters()) {
    const auto found = gradients.find(name);
    if (found == gradients.end()) continue;
    torch::Tensor parameter = tensor;
    torch::Tensor gradient = torch::empty_like(parameter.detach());
    parameter.mutable_grad() = gradient.copy_(found->second);
  }
  if (static_cast<uint64_t>(file.seed) != train_data.loader->sampler().seed()) {
    spdlog::warn("{}: goes on with its seed {} instead of {}", path, file.seed,
                 train_data.loader->sampler().seed());
    train_data.loader->sampler().set_seed(static_cast<uint64_t>(file.seed));
  }
  const auto settings = file.meta_texts.find("run_settings");
  if (settings != file.meta_texts.end()) restore_settings(settings->second, file, path);
  hub = file.message_hub;
  metrics = file.metrics;
  hooks.load_states(file.hooks, config.waive_hook_states);
  last_checkpoint = path;
  is_resumed = true;
  open_checkpoint = &file;
  call(GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT, {-1, path.c_str()});
  open_checkpoint = nullptr;
  epoch = file.epoch;
  iter = file.iter;
  epoch_batch = file.epoch_batch;
  accumulated = file.accumulated;
  validation_owed = file.validation_due;
  if (file.rng_state.defined() && file.rng_state.numel() > 0) {
    at::Generator generator = at::detail::getDefaultCPUGenerator();  // a handle: the state is shared
    generator.set_state(file.rng_state);
  }
  spdlog::info("resumed from {}: epoch {}, iteration {}", path, epoch, iter);
}

}  // namespace grapnel::runner
