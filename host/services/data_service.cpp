// grapnel.data/1: what the datasets hold, and control over the pipeline that makes batches.
#include <set>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

runner::Dataset& dataset_for(const grapnel_host* host, int32_t mode) {
  runner::Runner& runner = runner_for(host);
  return *runner.dataset(data_mode(runner, mode));
}

// Where "a mode without data" is no error by the contract: nothing is there.
runner::Dataset* dataset_if_any(const grapnel_host* host, int32_t mode) {
  if (mode < GRAPNEL_MODE_TRAIN || mode > GRAPNEL_MODE_TEST) return nullptr;
  return runner_for(host).dataset(static_cast<runner::Mode>(mode));
}

grapnel_status get_info(const grapnel_host* host, int32_t mode, grapnel_dataset_info* out,
                        grapnel_error* error) {
  return guarded(error, [&] {
    const runner::Dataset& dataset = dataset_for(host, mode);
    const runner::DatasetMeta& meta = dataset.meta();
    grapnel_dataset_info info{};
    info.classes_given_as_string = meta.classes_given_as_string ? 1 : 0;
    info.size = dataset.size();
    info.class_count = meta.classes.size();
    info.label_min = meta.label_min;
    info.label_max = meta.label_max;
    info.ann_file = meta.ann_file.c_str();
    info.config_key = meta.config_key.c_str();
    hand_over(out, info, "info");
  });
}

const char* class_name(const grapnel_host* host, int32_t mode, uint64_t index) {
  return guarded_value<const char*>(host, "data.class_name", nullptr, [&]() -> const char* {
    const runner::Dataset* dataset = dataset_if_any(host, mode);
    if (dataset == nullptr || index >= dataset->meta().classes.size()) return nullptr;
    return dataset->meta().classes[index].c_str();
  });
}

uint64_t transform_count(const grapnel_host* host, int32_t mode) {
  return guarded_value(host, "data.transform_count", uint64_t{0}, [&]() -> uint64_t {
    const runner::Dataset* dataset = dataset_if_any(host, mode);
    return dataset != nullptr ? dataset->transforms().size() : 0;
  });
}

grapnel_status get_transform(const grapnel_host* host, int32_t mode, uint64_t index,
                             grapnel_transform_info* out, grapnel_error* error) {
  return guarded(error, [&] {
    const auto transforms = dataset_for(host, mode).transforms();
    if (index >= transforms.size()) {
      throw Refusal(GRAPNEL_STATUS_NOT_FOUND, "no transform " + std::to_string(index) +
                                                  ": the pipeline has " + std::to_string(transforms.size()));
    }
    // The dataset gives a copy; type names are few, so each is kept once for good.
    thread_local std::set<std::string> names;
    grapnel_transform_info info{};
    info.is_skipped = transforms[index].skipped ? 1 : 0;
    info.type = names.insert(transforms[index].type).first->c_str();
    hand_over(out, info, "info");
  });
}

grapnel_status set_skipped_types(const grapnel_host* host, int32_t mode, const char* const* types,
                                 uint64_t count, grapnel_error* error) {
  return guarded(error, [&] {
    runner::Dataset& dataset = dataset_for(host, mode);
    std::vector<std::string> names;
    if (count > 0) required(types, "types");
    for (uint64_t i = 0; i < count; ++i) names.emplace_back(required(types[i], "types[i]"));
    dataset.set_skipped_types(names);
  });
}

grapnel_status replace_pipeline(const grapnel_host* host, int32_t mode, const char* json,
                                grapnel_error* error) {
  return guarded(error, [&] {
    runner::Runner& runner = runner_for(host);
    const runner::Mode which = data_mode(runner, mode);
    try {
      const Source source{std::string("a pipeline from ") + caller_of(host), 0};
      runner.replace_pipeline(which, parse_json(required(json, "json"), source));
    } catch (const Failure& failure) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, failure.what());
    }
  });
}

grapnel_status set_epoch(const grapnel_host* host, int32_t mode, int64_t epoch, int64_t max_epochs,
                         grapnel_error* error) {
  return guarded(error, [&] { dataset_for(host, mode).set_epoch(epoch, max_epochs); });
}

[[noreturn]] void no_image_size() {
  throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "this task's batches have no image size");
}

grapnel_status get_image_size(const grapnel_host* host, int64_t* height_px, int64_t* width_px,
                              grapnel_error* error) {
  return guarded(error, [&] {
    required(height_px, "height_px");
    required(width_px, "width_px");
    const auto size = runner_for(host).task().image_size();
    if (size[0] <= 0 || size[1] <= 0) no_image_size();
    *height_px = size[0];
    *width_px = size[1];
  });
}

grapnel_status set_image_size(const grapnel_host* host, int64_t height_px, int64_t width_px,
                              grapnel_error* error) {
  return guarded(error, [&] {
    runner::Runner& runner = runner_for(host);
    if (height_px <= 0 || width_px <= 0 || height_px % 32 != 0 || width_px % 32 != 0) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "the image size is " + std::to_string(height_px) +
                                                         " x " + std::to_string(width_px) +
                                                         ", expected positive multiples of 32");
    }
    if (!runner.task().set_image_size({height_px, width_px})) no_image_size();
  });
}

}  // namespace

const grapnel_data_service& data_table() {
  static const grapnel_data_service table = {sizeof table,      0,
                                             get_info,          class_name,
                                             transform_count,   get_transform,
                                             set_skipped_types, replace_pipeline,
                                             set_epoch,         get_image_size,
                                             set_image_size};
  return table;
}

}  // namespace grapnel::services
