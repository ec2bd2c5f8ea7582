// The service tables of the in-memory host: the run's side of them. Each function finds its InMemoryHost
// through grapnel_host::data and answers out of plain data. Model, optimiser and data are in
// in_memory_model_services.cpp.
#include "conformance/in_memory_services.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace grapnel::conformance {

namespace {

constexpr auto kTrainThread = ServiceCall::kTrainThread;
constexpr auto kAnyThread = ServiceCall::kAnyThread;

std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

// ---- log -----------------------------------------------------------------------------------------------

const grapnel_log_service kLog = {sizeof kLog, 0,
                                  [](const grapnel_host* host, int32_t level, const char* text) {
                                    const ServiceCall call(host, "log.write", kAnyThread);
                                    call.host().log.push_back({level, text_or_empty(text)});
                                  },
                                  [](const grapnel_host* host, int32_t) -> int32_t {
                                    const ServiceCall call(host, "log.is_enabled", kAnyThread);
                                    return 1;
                                  }};

// ---- runner --------------------------------------------------------------------------------------------

const grapnel_runner_service kRunner = {
    sizeof kRunner,
    0,
    [](const grapnel_host* host, grapnel_run_state* state) {
      const ServiceCall call(host, "runner.get_state", kTrainThread);
      fill(state, call.host().state);
    },
    [](const grapnel_host* host) {
      const ServiceCall call(host, "runner.work_dir", kAnyThread);
      return call.host().keep(call.host().work_dir);
    },
    [](const grapnel_host* host) {
      const ServiceCall call(host, "runner.log_dir", kAnyThread);
      return call.host().keep(call.host().log_dir);
    },
    [](const grapnel_host* host) {
      const ServiceCall call(host, "runner.config_json", kAnyThread);
      return call.host().keep(call.host().config_json);
    },
    [](const grapnel_host* host) {
      const ServiceCall call(host, "runner.evaluation_table", kTrainThread);
      return call.host().lend(call.host().evaluation_table, "the evaluation table");
    },
    [](const grapnel_host* host, const char* reason, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "runner.request_stop", error);
      if (call.fails()) return call.status;
      call.host().record("request_stop");
      call.host().requests.stops.push_back(text_or_empty(reason));
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "runner.request_validation", error);
      if (call.fails()) return call.status;
      if (call.host().state.val_epoch_length == 0 || call.host().state.max_iters == 0)
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "this run has no validation");
      call.host().record("request_validation");
      ++call.host().requests.validations;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* file_name, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "runner.request_save", error);
      if (call.fails()) return call.status;
      const std::string name = text_or_empty(file_name);
      if (!is_at(call.host(), {GRAPNEL_POINT_AFTER_TRAIN_ITER, GRAPNEL_POINT_AFTER_TRAIN_EPOCH,
                               GRAPNEL_POINT_AFTER_VAL_EPOCH, GRAPNEL_POINT_AFTER_VAL,
                               GRAPNEL_POINT_AFTER_TRAIN, GRAPNEL_POINT_ON_INTERRUPT}) ||
          name.empty() || name.find('/') != std::string::npos || call.host().state.max_iters == 0) {
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no save under that name at this point");
      }
      call.host().record("request_save " + name);
      call.host().requests.saves.push_back(name);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* reason, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "runner.request_skip_step", error);
      if (call.fails()) return call.status;
      if (!is_at(call.host(), {GRAPNEL_POINT_AFTER_BACKWARD, GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP}))
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no step can be skipped at this point");
      call.host().record("request_skip_step");
      call.host().requests.skipped_steps.push_back(text_or_empty(reason));
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* reason, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "runner.veto_checkpoint", error);
      if (call.fails()) return call.status;
      if (!is_at(call.host(), {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT}))
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no checkpoint is being written at this point");
      call.host().record("veto_checkpoint");
      call.host().requests.vetoes.push_back(text_or_empty(reason));
      return GRAPNEL_STATUS_OK;
    }};

// ---- values --------------------------------------------------------------------------------------------

using NamedTensors = std::vector<std::pair<std::string, PlainTensor>>;

// Empty where the contract says that the group is.
NamedTensors& tensors_of(InMemoryHost& host, int32_t group) {
  static NamedTensors none;
  const bool in_train_step = is_at(host, {GRAPNEL_POINT_AFTER_TRAIN_ITER, GRAPNEL_POINT_AFTER_BACKWARD,
                                          GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP});
  const bool after_eval_step = is_at(host, {GRAPNEL_POINT_AFTER_VAL_ITER, GRAPNEL_POINT_AFTER_TEST_ITER});
  const bool before_step = is_at(
      host, {GRAPNEL_POINT_BEFORE_TRAIN_ITER, GRAPNEL_POINT_BEFORE_VAL_ITER, GRAPNEL_POINT_BEFORE_TEST_ITER});
  if (group == GRAPNEL_VALUES_BATCH && (in_train_step || after_eval_step || before_step)) return host.batch;
  if (group == GRAPNEL_VALUES_OUTPUTS &&
      (in_train_step || after_eval_step || is_at(host, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT}))) {
    return host.outputs;
  }
  return none;
}

grapnel_tensor view_of(InMemoryHost& host, int32_t group, PlainTensor& tensor) {
  const bool writable = group == GRAPNEL_VALUES_BATCH && is_at(host, {GRAPNEL_POINT_BEFORE_TRAIN_ITER});
  return host.lend(tensor, writable ? Access::kWrite : Access::kRead,
                   group == GRAPNEL_VALUES_BATCH ? "a tensor of the batch" : "an output");
}

const grapnel_values_service kValues = {
    sizeof kValues, 0,
    [](const grapnel_host* host, int32_t group) -> uint64_t {
      const ServiceCall call(host, "values.count", kTrainThread);
      return group == GRAPNEL_VALUES_METRICS ? call.host().metrics.size()
                                             : tensors_of(call.host(), group).size();
    },
    [](const grapnel_host* host, int32_t group, uint64_t index, grapnel_named_value* value,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "values.get", error);
      if (call.fails()) return call.status;
      InMemoryHost& its = call.host();
      ++its.value_reads;
      grapnel_named_value found{};
      if (group == GRAPNEL_VALUES_METRICS && index < its.metrics.size()) {
        found.name = its.lend(its.metrics[index].first, "a value's name");
        found.number = its.metrics[index].second;
      } else if (group != GRAPNEL_VALUES_METRICS && index < tensors_of(its, group).size()) {
        auto& [name, tensor] = tensors_of(its, group)[index];
        found.is_tensor = 1;
        found.name = its.lend(name, "a value's name");
        found.tensor = view_of(its, group, tensor);
      } else {
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no value of that index");
      }
      fill(value, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t group, const char* name, double* number,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "values.get_number", error);
      if (call.fails()) return call.status;
      InMemoryHost& its = call.host();
      ++its.value_reads;
      const std::string wanted = text_or_empty(name);
      if (group == GRAPNEL_VALUES_METRICS) {
        for (const auto& [key, value] : its.metrics) {
          if (key != wanted) continue;
          *number = value;
          return GRAPNEL_STATUS_OK;
        }
      } else {
        for (const auto& [key, tensor] : tensors_of(its, group)) {
          if (key != wanted) continue;
          if (tensor.size() != 1)
            return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "more than one element");
          *number = tensor.values()[0];
          return GRAPNEL_STATUS_OK;
        }
      }
      return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no value '" + wanted + "' at this point");
    }};

// ---- collectives ---------------------------------------------------------------------------------------

template <class Body>
grapnel_status collective(const grapnel_host* host, const char* function, grapnel_error* error, Body&& body) {
  const FallibleCall call(host, function, error);
  if (call.fails()) return call.status;
  call.host().record(function);
  ++call.host().collective_calls;
  try {
    body(*call.host().collectives);
    return GRAPNEL_STATUS_OK;
  } catch (const std::exception& failure) {
    return refuse(error, GRAPNEL_STATUS_IO, failure.what());
  }
}

const grapnel_collectives_service kCollectives = {
    sizeof kCollectives,
    0,
    [](const grapnel_host* host) -> int32_t {
      const ServiceCall call(host, "collectives.rank", kAnyThread);
      return call.host().collectives->rank();
    },
    [](const grapnel_host* host) -> int32_t {
      const ServiceCall call(host, "collectives.world_size", kAnyThread);
      return call.host().collectives->world_size();
    },
    [](const grapnel_host* host) -> int32_t {
      const ServiceCall call(host, "collectives.local_rank", kAnyThread);
      return call.host().collectives->rank();
    },
    [](const grapnel_host* host, grapnel_tensor* tensor, int32_t operation, grapnel_error* error) {
      return collective(host, "collectives.all_reduce", error,
                        [&](InMemoryCollectives& group) { group.all_reduce(*tensor, operation); });
    },
    [](const grapnel_host* host, grapnel_tensor* tensor, int32_t root, grapnel_error* error) {
      return collective(host, "collectives.broadcast", error,
                        [&](InMemoryCollectives& group) { group.broadcast(*tensor, root); });
    },
    [](const grapnel_host* host, grapnel_error* error) {
      return collective(host, "collectives.barrier", error,
                        [](InMemoryCollectives& group) { group.barrier(); });
    }};

// ---- message hub ---------------------------------------------------------------------------------------

grapnel_status statistic_of(const std::vector<double>& history, int32_t statistic, uint64_t window,
                            double* value, grapnel_error* error) {
  const size_t count = window == 0 ? history.size() : std::min<size_t>(window, history.size());
  const auto first = history.end() - static_cast<std::ptrdiff_t>(count);
  switch (statistic) {
    case GRAPNEL_STATISTIC_CURRENT:
      *value = history.back();
      return GRAPNEL_STATUS_OK;
    case GRAPNEL_STATISTIC_MEAN:
      *value = std::accumulate(first, history.end(), 0.0) / static_cast<double>(count);
      return GRAPNEL_STATUS_OK;
    case GRAPNEL_STATISTIC_MIN:
      *value = *std::min_element(first, history.end());
      return GRAPNEL_STATUS_OK;
    case GRAPNEL_STATISTIC_MAX:
      *value = *std::max_element(first, history.end());
      return GRAPNEL_STATUS_OK;
    default:
      return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no such statistic");
  }
}

const grapnel_message_hub_service kMessageHub = {
    sizeof kMessageHub,
    0,
    [](const grapnel_host* host, const char* key, double value, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "message_hub.update_scalar", error);
      if (call.fails()) return call.status;
      auto& history = call.host().scalars[text_or_empty(key)];
      if (history.empty()) call.host().scalar_order.push_back(text_or_empty(key));
      history.push_back(value);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key, int32_t statistic, uint64_t window, double* value,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "message_hub.get_scalar", error);
      if (call.fails()) return call.status;
      const auto found = call.host().scalars.find(text_or_empty(key));
      if (found == call.host().scalars.end() || found->second.empty())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no scalar '" + text_or_empty(key) + "'");
      return statistic_of(found->second, statistic, window, value, error);
    },
    [](const grapnel_host* host) -> uint64_t {
      const ServiceCall call(host, "message_hub.scalar_count", kTrainThread);
      return call.host().scalar_order.size();
    },
    [](const grapnel_host* host, uint64_t index) -> const char* {
      const ServiceCall call(host, "message_hub.scalar_key", kTrainThread);
      const auto& order = call.host().scalar_order;
      return index < order.size() ? call.host().lend(order[index], "a scalar's key") : nullptr;
    },
    [](const grapnel_host* host, const char* key) -> uint64_t {
      const ServiceCall call(host, "message_hub.update_count", kTrainThread);
      const auto found = call.host().scalars.find(text_or_empty(key));
      return found == call.host().scalars.end() ? 0 : found->second.size();
    },
    [](const grapnel_host* host, const char* key, const char* text, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "message_hub.set_text", error);
      if (call.fails()) return call.status;
      call.host().texts[text_or_empty(key)] = text_or_empty(text);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key) -> const char* {
      const ServiceCall call(host, "message_hub.get_text", kTrainThread);
      const auto found = call.host().texts.find(text_or_empty(key));
      return found == call.host().texts.end() ? nullptr
                                              : call.host().lend(found->second, "a text of the message hub");
    }};

// ---- checkpoint ----------------------------------------------------------------------------------------

const grapnel_checkpoint_service kCheckpoint = {
    sizeof kCheckpoint,
    0,
    [](const grapnel_host* host, grapnel_checkpoint_info* info, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "checkpoint.get_info", error);
      if (call.fails()) return call.status;
      if (!is_at(call.host(), {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT, GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT}))
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "no checkpoint is open at this point");
      const OpenCheckpoint& checkpoint = call.host().checkpoint;
      grapnel_checkpoint_info found{};
      found.is_resume = checkpoint.is_resume ? 1 : 0;
      found.path = call.host().lend(checkpoint.path, "the checkpoint's path");
      found.epoch = checkpoint.epoch;
      found.iter = checkpoint.iter;
      fill(info, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key, const char* text, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "checkpoint.set_text", error);
      if (call.fails()) return call.status;
      if (!is_at(call.host(), {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT}))
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "no checkpoint is being written at this point");
      call.host().record("checkpoint.set_text " + text_or_empty(key) + " = " + text_or_empty(text));
      call.host().checkpoint.meta[text_or_empty(key)] = text_or_empty(text);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key) -> const char* {
      const ServiceCall call(host, "checkpoint.get_text", kTrainThread);
      const auto& meta = call.host().checkpoint.meta;
      const auto found = meta.find(text_or_empty(key));
      const bool readable =
          is_at(call.host(), {GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT, GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT});
      return readable && found != meta.end() ? call.host().lend(found->second, "a text of the checkpoint")
                                             : nullptr;
    },
    [](const grapnel_host* host) {
      const ServiceCall call(host, "checkpoint.last_path", kTrainThread);
      return call.host().lend(call.host().checkpoint.last_path, "the last checkpoint's path");
    }};

// As this host's minor has it, and as a later one may: with something behind.
template <class T>
const void* shown(const T& table, bool is_newer) {
  static const Longer<T> newer = [&table] {
    Longer<T> made = longer(table);
    made.known.struct_size = sizeof made;
    return made;
  }();
  return is_newer ? static_cast<const void*>(&newer) : &table;
}

}  // namespace

const void* in_memory_service(const std::string& id, bool is_newer) {
  if (id == GRAPNEL_SERVICE_LOG) return shown(kLog, is_newer);
  if (id == GRAPNEL_SERVICE_RUNNER) return shown(kRunner, is_newer);
  if (id == GRAPNEL_SERVICE_VALUES) return shown(kValues, is_newer);
  if (id == GRAPNEL_SERVICE_MODEL) return shown(in_memory_model_service(), is_newer);
  if (id == GRAPNEL_SERVICE_OPTIMIZER) return shown(in_memory_optimizer_service(), is_newer);
  if (id == GRAPNEL_SERVICE_DATA) return shown(in_memory_data_service(), is_newer);
  if (id == GRAPNEL_SERVICE_COLLECTIVES) return shown(kCollectives, is_newer);
  if (id == GRAPNEL_SERVICE_MESSAGE_HUB) return shown(kMessageHub, is_newer);
  if (id == GRAPNEL_SERVICE_CHECKPOINT) return shown(kCheckpoint, is_newer);
  return nullptr;
}

}  // namespace grapnel::conformance
