#include "embedding/embedded_services.hpp"

#include <algorithm>
#include <cmath>

#include "services/plain_call.hpp"
#include "services/tables.hpp"

namespace grapnel::embedding {

using services::guarded;
using services::guarded_value;
using services::hand_over;
using services::Refusal;
using services::required;

EmbeddedContext& embedded_context(const grapnel_host* host) {
  return static_cast<EmbeddedContext&>(services::plain_context_for(host));
}

namespace {

void check_index(uint64_t index, uint64_t count, const char* what) {
  if (index < count) return;
  throw Refusal(GRAPNEL_STATUS_NOT_FOUND,
                std::string("no ") + what + " " + std::to_string(index) + ": there are " + std::to_string(count));
}

// ---- grapnel.runner/1 ----------------------------------------------------------------------------------

void get_state(const grapnel_host* host, grapnel_run_state* out) {
  guarded_value(host, "runner.get_state", 0, [&] {
    const EmbeddedContext& context = embedded_context(host);
    const Position& at = context.position;
    grapnel_run_state state{};
    state.mode = at.mode;
    state.by_epoch = at.by_epoch ? 1 : 0;
    state.is_resumed = context.is_resumed ? 1 : 0;
    state.epoch = at.epoch;
    state.iter = at.iter;
    state.batch_idx = at.batch_idx;
    state.max_epochs = at.max_epochs;
    state.max_iters = at.max_iters;
    state.train_epoch_length = at.mode == GRAPNEL_MODE_TRAIN ? at.epoch_length : 0;
    state.val_epoch_length = at.mode == GRAPNEL_MODE_VAL ? at.epoch_length : 0;
    state.test_epoch_length = at.mode == GRAPNEL_MODE_TEST ? at.epoch_length : 0;
    state.accumulative_counts = 1;
    state.seed = context.seed;
    hand_over(out, state, "state");
    return 0;
  });
}

const char* work_dir(const grapnel_host* host) {
  return guarded_value<const char*>(host, "runner.work_dir", "",
                                    [&] { return embedded_context(host).work_dir.c_str(); });
}

const char* config_json(const grapnel_host* host) {
  return guarded_value<const char*>(host, "runner.config_json", "{}",
                                    [&] { return embedded_context(host).config_json.c_str(); });
}

const char* evaluation_table(const grapnel_host*) { return ""; }

bool is_at(const EmbeddedContext& context, std::initializer_list<int32_t> points) {
  return std::find(points.begin(), points.end(), context.point) != points.end();
}

[[noreturn]] void not_here(const char* request, const char* points) {
  throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string(request) + " is not possible here, only at " + points);
}

grapnel_status request_stop(const grapnel_host* host, const char* reason, grapnel_error* error) {
  return guarded(error,
                 [&] { embedded_context(host).requests.stops.emplace_back(required(reason, "reason")); });
}

grapnel_status request_validation(const grapnel_host* host, grapnel_error* error) {
  return guarded(error, [&] { embedded_context(host).requests.validation = true; });
}

grapnel_status request_save(const grapnel_host* host, const char* file_name, grapnel_error* error) {
  return guarded(error, [&] {
    EmbeddedContext& context = embedded_context(host);
    const std::string name = required(file_name, "file_name");
    if (name.empty() || name.find('/') != std::string::npos) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT,
                    "the file name is \"" + name + "\", expected a name without a folder");
    }
    if (!is_at(context, {GRAPNEL_POINT_AFTER_TRAIN_ITER, GRAPNEL_POINT_AFTER_TRAIN_EPOCH,
                         GRAPNEL_POINT_AFTER_VAL_EPOCH, GRAPNEL_POINT_AFTER_VAL, GRAPNEL_POINT_AFTER_TRAIN,
                         GRAPNEL_POINT_ON_INTERRUPT})) {
      not_here("saving", "after_train_iter, after_train_epoch, after_val_epoch, after_val, after_train and "
                         "on_interrupt");
    }
    context.requests.saves.push_back(name);
  });
}

grapnel_status request_skip_step(const grapnel_host* host, const char* reason, grapnel_error* error) {
  return guarded(error, [&] {
    EmbeddedContext& context = embedded_context(host);
    if (!is_at(context, {GRAPNEL_POINT_AFTER_BACKWARD, GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP})) {
      not_here("skipping the step", "after_backward and before_optimizer_step");
    }
    context.requests.skipped_steps.emplace_back(required(reason, "reason"));
  });
}

grapnel_status veto_checkpoint(const grapnel_host* host, const char* reason, grapnel_error* error) {
  return guarded(error, [&] {
    EmbeddedContext& context = embedded_context(host);
    if (!is_at(context, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT})) not_here("a veto", "before_save_checkpoint");
    context.requests.vetoes.emplace_back(required(reason, "reason"));
  });
}

// ---- grapnel.values/1 ----------------------------------------------------------------------------------

// Views of a group; null for METRICS, which are numbers.
const std::vector<NamedView>* views_of(const EmbeddedContext& context, int32_t group) {
  switch (group) {
    case GRAPNEL_VALUES_BATCH:
      return &context.batch;
    case GRAPNEL_VALUES_OUTPUTS:
      return &context.outputs;
    case GRAPNEL_VALUES_METRICS:
      return nullptr;
    default:
      throw Refusal(
          GRAPNEL_STATUS_INVALID_ARGUMENT,
          "group is " + std::to_string(group) + ", expected GRAPNEL_VALUES_BATCH, _OUTPUTS or _METRICS");
  }
}

uint64_t value_count(const grapnel_host* host, int32_t group) {
  return guarded_value(host, "values.count", uint64_t{0}, [&]() -> uint64_t {
    const EmbeddedContext& context = embedded_context(host);
    const auto* views = views_of(context, group);
    return views != nullptr ? views->size() : context.metrics.size();
  });
}

grapnel_status get_value(const grapnel_host* host, int32_t group, uint64_t index, grapnel_named_value* out,
                         grapnel_error* error) {
  return guarded(error, [&] {
    const EmbeddedContext& context = embedded_context(host);
    grapnel_named_value value{};
    if (const auto* views = views_of(context, group)) {
      check_index(index, views->size(), "value");
      value.is_tensor = 1;
      value.name = (*views)[index].name.c_str();
      value.tensor = (*views)[index].tensor;
    } else {
      check_index(index, context.metrics.size(), "value");
      value.name = context.metrics[index].name.c_str();
      value.number = context.metrics[index].number;
    }
    hand_over(out, value, "value");
  });
}

// The only element of a CPU tensor, as a number.
double only_element(const NamedView& view) {
  const grapnel_tensor& tensor = view.tensor;
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    if (tensor.shape[i] != 1) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "'" + view.name + "' holds other than one element");
    }
  }
  const char* at = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  const auto read = [at](auto element) {
    std::memcpy(&element, at, sizeof element);
    return static_cast<double>(element);
  };
  if (tensor.device.type == GRAPNEL_DEVICE_CPU && tensor.data != nullptr) {
    if (tensor.dtype.code == GRAPNEL_DTYPE_FLOAT && tensor.dtype.bits == 32) return read(float{});
    if (tensor.dtype.code == GRAPNEL_DTYPE_FLOAT && tensor.dtype.bits == 64) return read(double{});
    if (tensor.dtype.code == GRAPNEL_DTYPE_INT && tensor.dtype.bits == 32) return read(int32_t{});
    if (tensor.dtype.code == GRAPNEL_DTYPE_INT && tensor.dtype.bits == 64) return read(int64_t{});
  }
  throw Refusal(GRAPNEL_STATUS_UNSUPPORTED,
                "'" + view.name + "' is no float32, float64, int32 or int64 tensor on the CPU");
}

grapnel_status get_number(const grapnel_host* host, int32_t group, const char* name, double* number,
                          grapnel_error* error) {
  return guarded(error, [&] {
    const EmbeddedContext& context = embedded_context(host);
    required(name, "name");
    required(number, "number");
    const auto pick = [&](const auto& values, auto&& as_number) {
      for (const auto& value : values) {
        if (value.name != name) continue;
        *number = as_number(value);
        return;
      }
      throw Refusal(GRAPNEL_STATUS_NOT_FOUND, std::string("no value named '") + name + "' at this point");
    };
    if (const auto* views = views_of(context, group)) {
      pick(*views, only_element);
    } else {
      pick(context.metrics, [](const NamedNumber& metric) { return metric.number; });
    }
  });
}

// ---- grapnel.model/1 -----------------------------------------------------------------------------------

uint64_t entry_count(const grapnel_host* host, int32_t kind) {
  return guarded_value(host, "model.count", uint64_t{0}, [&]() -> uint64_t {
    const EmbeddedContext& context = embedded_context(host);
    return kind == GRAPNEL_MODEL_BUFFERS ? context.buffers.size() : context.parameters.size();
  });
}

grapnel_status get_entry(const grapnel_host* host, int32_t kind, uint64_t index, grapnel_model_entry* out,
                         grapnel_error* error) {
  return guarded(error, [&] {
    const EmbeddedContext& context = embedded_context(host);
    grapnel_model_entry entry{};
    if (kind == GRAPNEL_MODEL_BUFFERS) {
      check_index(index, context.buffers.size(), "buffer");
      entry.name = context.buffers[index].name.c_str();
      entry.tensor = context.buffers[index].tensor;
    } else if (kind == GRAPNEL_MODEL_PARAMETERS || kind == GRAPNEL_MODEL_GRADIENTS) {
      check_index(index, context.parameters.size(), "parameter");
      const Parameter& parameter = context.parameters[index];
      entry.name = parameter.name.c_str();
      entry.requires_grad = parameter.requires_grad ? 1 : 0;
      entry.tensor = kind == GRAPNEL_MODEL_PARAMETERS ? parameter.tensor : parameter.gradient;
    } else {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT,
                    "kind is " + std::to_string(kind) +
                        ", expected GRAPNEL_MODEL_PARAMETERS, _BUFFERS or _GRADIENTS");
    }
    hand_over(out, entry, "entry");
  });
}

// The loop shows no module tree: there is the model itself, without attributes.
uint64_t module_count(const grapnel_host*) { return 1; }

grapnel_status get_module(const grapnel_host*, uint64_t index, grapnel_module* out, grapnel_error* error) {
  return guarded(error, [&] {
    check_index(index, 1, "module");
    grapnel_module module{};
    module.name = "";
    module.type = "";
    hand_over(out, module, "module");
  });
}

grapnel_status get_attribute(const grapnel_host*, uint64_t, uint64_t attribute, grapnel_value*,
                             grapnel_error* error) {
  return guarded(error, [&] { check_index(attribute, 0, "attribute"); });
}

grapnel_status set_attribute(const grapnel_host*, uint64_t, const grapnel_value* value, grapnel_error* error) {
  return guarded(error, [&] {
    throw Refusal(GRAPNEL_STATUS_NOT_FOUND,
                  std::string("no attribute ") + required(required(value, "value")->name, "name"));
  });
}

grapnel_status set_model_epoch(const grapnel_host*, int64_t, int64_t, grapnel_error*) { return GRAPNEL_STATUS_OK; }

// ---- grapnel.optimizer/1 -------------------------------------------------------------------------------

uint64_t group_count(const grapnel_host* host) {
  return guarded_value(host, "optimizer.group_count", uint64_t{0},
                       [&]() -> uint64_t { return embedded_context(host).groups.size(); });
}

grapnel_status get_group(const grapnel_host* host, uint64_t index, grapnel_param_group* out,
                         grapnel_error* error) {
  return guarded(error, [&] {
    const EmbeddedContext& context = embedded_context(host);
    check_index(index, context.groups.size(), "parameter group");
    const ParamGroup& group = context.groups[index];
    hand_over(out,
              grapnel_param_group{sizeof(grapnel_param_group), group.has_momentum ? 1 : 0, group.name.c_str(),
                                  group.parameter_count, group.lr, group.initial_lr, group.momentum,
                                  group.initial_momentum, group.weight_decay},
              "group");
  });
}

grapnel_status set_group_number(const grapnel_host* host, uint64_t index, double ParamGroup::*member,
                                const char* name, double value, double limit, grapnel_error* error) {
  return guarded(error, [&] {
    EmbeddedContext& context = embedded_context(host);
    check_index(index, context.groups.size(), "parameter group");
    ParamGroup& group = context.groups[index];
    if (member == &ParamGroup::momentum && !group.has_momentum) {
      throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "the optimiser has no momentum");
    }
    if (!std::isfinite(value) || value < 0 || value >= limit) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string(name) + " is " + std::to_string(value) +
                                                         ", expected a finite number of at least 0" +
                                                         (std::isfinite(limit) ? " and below 1" : ""));
    }
    group.*member = value;
    if (context.group_changed) context.group_changed(index, group);
  });
}

grapnel_status set_lr(const grapnel_host* host, uint64_t index, double lr, grapnel_error* error) {
  return set_group_number(host, index, &ParamGroup::lr, "lr", lr, INFINITY, error);
}
grapnel_status set_momentum(const grapnel_host* host, uint64_t index, double momentum, grapnel_error* error) {
  return set_group_number(host, index, &ParamGroup::momentum, "momentum", momentum, 1, error);
}
grapnel_status set_weight_decay(const grapnel_host* host, uint64_t index, double decay, grapnel_error* error) {
  return set_group_number(host, index, &ParamGroup::weight_decay, "weight_decay", decay, INFINITY, error);
}

// ---- grapnel.checkpoint/1 ------------------------------------------------------------------------------

void check_checkpoint_is_open(const EmbeddedContext& context, std::initializer_list<int32_t> points) {
  if (is_at(context, points)) return;
  throw Refusal(GRAPNEL_STATUS_UNSUPPORTED,
                "no checkpoint is open here: possible at before_save_checkpoint and after_load_checkpoint");
}

grapnel_status get_info(const grapnel_host* host, grapnel_checkpoint_info* out, grapnel_error* error) {
  return guarded(error, [&] {
    const EmbeddedContext& context = embedded_context(host);
    check_checkpoint_is_open(context,
                             {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT, GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT});
    const bool loading = context.point == GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT;
    hand_over(out,
              grapnel_checkpoint_info{sizeof(grapnel_checkpoint_info), loading && context.is_resumed ? 1 : 0,
                                      context.checkpoint_path, context.position.epoch, context.position.iter},
              "info");
  });
}

grapnel_status set_checkpoint_text(const grapnel_host* host, const char* key, const char* text,
                                   grapnel_error* error) {
  return guarded(error, [&] {
    EmbeddedContext& context = embedded_context(host);
    check_checkpoint_is_open(context, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT});
    required(key, "key");
    for (auto& [name, value] : context.checkpoint_texts) {
      if (name != key) continue;
      value = required(text, "text");
      return;
    }
    context.checkpoint_texts.emplace_back(key, required(text, "text"));
  });
}

const char* get_checkpoint_text(const grapnel_host* host, const char* key) {
  return guarded_value<const char*>(host, "checkpoint.get_text", nullptr, [&]() -> const char* {
    required(key, "key");
    for (const auto& [name, value] : embedded_context(host).checkpoint_texts) {
      if (name == key) return value.c_str();
    }
    return nullptr;
  });
}

const char* last_path(const grapnel_host* host) {
  return guarded_value<const char*>(host, "checkpoint.last_path", "",
                                    [&] { return embedded_context(host).last_checkpoint.c_str(); });
}

}  // namespace

void add_embedded_services(ServiceTable& table) {
  static const grapnel_runner_service runner = {
      sizeof runner,    0,        get_state,          work_dir,     work_dir,          config_json,
      evaluation_table, request_stop, request_validation, request_save, request_skip_step, veto_checkpoint};
  static const grapnel_values_service values = {sizeof values, 0, value_count, get_value, get_number};
  static const grapnel_model_service model = {sizeof model, 0,          entry_count,   get_entry,
                                              module_count, get_module, get_attribute, set_attribute,
                                              set_model_epoch};
  static const grapnel_optimizer_service optimizer = {sizeof optimizer, 0,      group_count,
                                                      get_group,        set_lr, set_momentum,
                                                      set_weight_decay};
  static const grapnel_checkpoint_service checkpoint = {sizeof checkpoint, 0, get_info, set_checkpoint_text,
                                                        get_checkpoint_text, last_path};
  table.add(GRAPNEL_SERVICE_LOG, &services::log_table());
  table.add(GRAPNEL_SERVICE_MESSAGE_HUB, &services::message_hub_table());
  table.add(GRAPNEL_SERVICE_RUNNER, &runner);
  table.add(GRAPNEL_SERVICE_VALUES, &values);
  table.add(GRAPNEL_SERVICE_MODEL, &model);
  table.add(GRAPNEL_SERVICE_OPTIMIZER, &optimizer);
  table.add(GRAPNEL_SERVICE_CHECKPOINT, &checkpoint);
}

}  // namespace grapnel::embedding
