// The service tables of the fake host. Each function finds its FakeHost through grapnel_host::data and
// answers out of the test's plain data.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <numeric>

#include "fake_host.hpp"

namespace grapnel::testing {

namespace {

FakeHost& fake(const grapnel_host* host) { return *static_cast<FakeHost*>(host->data); }

grapnel_status refuse(grapnel_error* error, grapnel_status status, const std::string& text) {
  if (error != nullptr && error->text != nullptr && error->capacity > 0) {
    error->code = status;
    const size_t size = std::min<size_t>(text.size(), error->capacity - 1);
    std::memcpy(error->text, text.data(), size);
    error->text[size] = '\0';
  }
  return status;
}

bool is_at(const grapnel_host* host, std::initializer_list<int32_t> points) {
  return std::find(points.begin(), points.end(), fake(host).current_point) != points.end();
}

// Fills at most the caller's struct_size bytes, as a host of any age does.
template <class T>
void fill(T* target, T source) {
  const uint32_t size = std::min<uint32_t>(target->struct_size, sizeof(T));
  source.struct_size = target->struct_size;
  std::memcpy(static_cast<void*>(target), &source, size);
}

// ---- log -----------------------------------------------------------------------------------------------

const grapnel_log_service kLog = {sizeof kLog, 0,
                                  [](const grapnel_host* host, int32_t level, const char* text) {
                                    fake(host).log.push_back({level, text});
                                  },
                                  [](const grapnel_host*, int32_t) -> int32_t { return 1; }};

// ---- runner --------------------------------------------------------------------------------------------

const grapnel_runner_service kRunner = {
    sizeof kRunner,
    0,
    [](const grapnel_host* host, grapnel_run_state* state) { fill(state, fake(host).state); },
    [](const grapnel_host* host) { return fake(host).work_dir.c_str(); },
    [](const grapnel_host* host) { return fake(host).log_dir.c_str(); },
    [](const grapnel_host* host) { return fake(host).config_json.c_str(); },
    [](const grapnel_host* host) { return fake(host).evaluation_table.c_str(); },
    [](const grapnel_host* host, const char* reason, grapnel_error*) -> grapnel_status {
      fake(host).requests.stops.emplace_back(reason);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, grapnel_error*) -> grapnel_status {
      ++fake(host).requests.validations;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* file_name, grapnel_error* error) -> grapnel_status {
      if (!is_at(host, {GRAPNEL_POINT_AFTER_TRAIN_ITER, GRAPNEL_POINT_AFTER_TRAIN_EPOCH,
                        GRAPNEL_POINT_AFTER_VAL_EPOCH, GRAPNEL_POINT_AFTER_VAL, GRAPNEL_POINT_AFTER_TRAIN,
                        GRAPNEL_POINT_ON_INTERRUPT}) ||
          std::strchr(file_name, '/') != nullptr || *file_name == '\0') {
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no save under that name at this point");
      }
      fake(host).requests.saves.emplace_back(file_name);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* reason, grapnel_error* error) -> grapnel_status {
      if (!is_at(host, {GRAPNEL_POINT_AFTER_BACKWARD, GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP})) {
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "no step can be skipped at this point");
      }
      fake(host).requests.skipped_steps.emplace_back(reason);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* reason, grapnel_error* error) -> grapnel_status {
      if (!is_at(host, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT})) {
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "no checkpoint is being written at this point");
      }
      fake(host).requests.vetoes.emplace_back(reason);
      return GRAPNEL_STATUS_OK;
    }};

// ---- values --------------------------------------------------------------------------------------------

using NamedTensors = std::vector<std::pair<std::string, FakeTensor>>;

// Null where the contract says that the group is empty.
NamedTensors* tensors_of(const grapnel_host* host, int32_t group) {
  static NamedTensors none;
  const bool in_train_step = is_at(host, {GRAPNEL_POINT_AFTER_TRAIN_ITER, GRAPNEL_POINT_AFTER_BACKWARD,
                                          GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP});
  const bool after_eval_step = is_at(host, {GRAPNEL_POINT_AFTER_VAL_ITER, GRAPNEL_POINT_AFTER_TEST_ITER});
  const bool before_step = is_at(
      host, {GRAPNEL_POINT_BEFORE_TRAIN_ITER, GRAPNEL_POINT_BEFORE_VAL_ITER, GRAPNEL_POINT_BEFORE_TEST_ITER});
  if (group == GRAPNEL_VALUES_BATCH && (in_train_step || after_eval_step || before_step))
    return &fake(host).batch;
  if (group == GRAPNEL_VALUES_OUTPUTS &&
      (in_train_step || after_eval_step || is_at(host, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT}))) {
    return &fake(host).outputs;
  }
  return &none;
}

const grapnel_values_service kValues = {
    sizeof kValues, 0,
    [](const grapnel_host* host, int32_t group) -> uint64_t {
      return group == GRAPNEL_VALUES_METRICS ? fake(host).metrics.size() : tensors_of(host, group)->size();
    },
    [](const grapnel_host* host, int32_t group, uint64_t index, grapnel_named_value* value,
       grapnel_error* error) -> grapnel_status {
      ++fake(host).value_reads;
      grapnel_named_value found{};
      if (group == GRAPNEL_VALUES_METRICS && index < fake(host).metrics.size()) {
        found.name = fake(host).metrics[index].first.c_str();
        found.number = fake(host).metrics[index].second;
      } else if (group != GRAPNEL_VALUES_METRICS && index < tensors_of(host, group)->size()) {
        auto& [name, tensor] = (*tensors_of(host, group))[index];
        found.is_tensor = 1;
        found.name = name.c_str();
        found.tensor = tensor.view();
      } else {
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no value of that index");
      }
      fill(value, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t group, const char* name, double* number,
       grapnel_error* error) -> grapnel_status {
      ++fake(host).value_reads;
      if (group == GRAPNEL_VALUES_METRICS) {
        for (const auto& [key, value] : fake(host).metrics) {
          if (key != name) continue;
          *number = value;
          return GRAPNEL_STATUS_OK;
        }
      } else {
        for (const auto& [key, tensor] : *tensors_of(host, group)) {
          if (key != name) continue;
          if (tensor.size() != 1)
            return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "more than one element");
          *number = tensor.values()[0];
          return GRAPNEL_STATUS_OK;
        }
      }
      return refuse(error, GRAPNEL_STATUS_NOT_FOUND, std::string("no value '") + name + "' at this point");
    }};

// ---- model ---------------------------------------------------------------------------------------------

std::vector<FakeEntry>* entries_of(const grapnel_host* host, int32_t kind) {
  if (kind == GRAPNEL_MODEL_PARAMETERS) return &fake(host).parameters;
  if (kind == GRAPNEL_MODEL_BUFFERS) return &fake(host).buffers;
  return &fake(host).gradients;
}

grapnel_value as_value(const FakeAttribute& attribute) {
  grapnel_value value{};
  value.kind = attribute.kind;
  value.name = attribute.name.c_str();
  value.is_set = 1;
  value.integer = attribute.integer;
  value.number = attribute.number;
  value.text = attribute.text.c_str();
  return value;
}

const grapnel_model_service kModel = {
    sizeof kModel,
    0,
    [](const grapnel_host* host, int32_t kind) -> uint64_t { return entries_of(host, kind)->size(); },
    [](const grapnel_host* host, int32_t kind, uint64_t index, grapnel_model_entry* entry,
       grapnel_error* error) -> grapnel_status {
      auto& entries = *entries_of(host, kind);
      if (index >= entries.size()) return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no entry of that index");
      grapnel_model_entry found{};
      found.requires_grad = entries[index].requires_grad ? 1 : 0;
      found.name = entries[index].name.c_str();
      found.module_index = entries[index].module;
      found.tensor = entries[index].tensor.view();
      fill(entry, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host) -> uint64_t { return fake(host).modules.size(); },
    [](const grapnel_host* host, uint64_t index, grapnel_module* module,
       grapnel_error* error) -> grapnel_status {
      if (index >= fake(host).modules.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such module");
      const FakeModule& source = fake(host).modules[index];
      grapnel_module found{};
      found.is_norm = source.is_norm ? 1 : 0;
      found.is_synchronized = source.is_synchronized ? 1 : 0;
      found.name = source.name.c_str();
      found.type = source.type.c_str();
      found.attribute_count = source.attributes.size();
      fill(module, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, uint64_t module, uint64_t attribute, grapnel_value* value,
       grapnel_error* error) -> grapnel_status {
      if (module >= fake(host).modules.size() || attribute >= fake(host).modules[module].attributes.size()) {
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such attribute");
      }
      fill(value, as_value(fake(host).modules[module].attributes[attribute]));
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, uint64_t module, const grapnel_value* value,
       grapnel_error* error) -> grapnel_status {
      if (module >= fake(host).modules.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such module");
      for (FakeAttribute& attribute : fake(host).modules[module].attributes) {
        if (attribute.name != value->name) continue;
        if (!attribute.writable) {
          return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "'" + attribute.name + "' is read-only");
        }
        if (attribute.kind != value->kind) {
          return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT,
                        "'" + attribute.name + "' is of another kind");
        }
        attribute.integer = value->integer;
        attribute.number = value->number;
        if (value->kind == GRAPNEL_KIND_STRING) attribute.text = value->text;
        return GRAPNEL_STATUS_OK;
      }
      return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such attribute");
    },
    [](const grapnel_host* host, int64_t epoch, int64_t max_epochs, grapnel_error*) -> grapnel_status {
      fake(host).model_epoch = epoch;
      fake(host).model_max_epochs = max_epochs;
      return GRAPNEL_STATUS_OK;
    }};

// ---- optimizer -----------------------------------------------------------------------------------------

grapnel_status set_group(const grapnel_host* host, uint64_t index, double FakeGroup::*field, double value,
                         double below, grapnel_error* error) {
  if (index >= fake(host).groups.size()) return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such group");
  if (!(value >= 0 && value < below))
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "a value out of range");
  fake(host).groups[index].*field = value;
  return GRAPNEL_STATUS_OK;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const grapnel_optimizer_service kOptimizer = {
    sizeof kOptimizer,
    0,
    [](const grapnel_host* host) -> uint64_t { return fake(host).groups.size(); },
    [](const grapnel_host* host, uint64_t index, grapnel_param_group* group,
       grapnel_error* error) -> grapnel_status {
      if (index >= fake(host).groups.size()) return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such group");
      const FakeGroup& source = fake(host).groups[index];
      grapnel_param_group found{};
      found.has_momentum = source.has_momentum ? 1 : 0;
      found.name = source.name.c_str();
      found.parameter_count = source.parameter_count;
      found.lr = source.lr;
      found.initial_lr = source.initial_lr;
      found.momentum = source.momentum;
      found.initial_momentum = source.initial_momentum;
      found.weight_decay = source.weight_decay;
      fill(group, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, uint64_t index, double lr, grapnel_error* error) {
      return set_group(host, index, &FakeGroup::lr, lr, kInfinity, error);
    },
    [](const grapnel_host* host, uint64_t index, double momentum, grapnel_error* error) {
      if (index < fake(host).groups.size() && !fake(host).groups[index].has_momentum) {
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "the optimiser has no momentum");
      }
      return set_group(host, index, &FakeGroup::momentum, momentum, 1.0, error);
    },
    [](const grapnel_host* host, uint64_t index, double decay, grapnel_error* error) {
      return set_group(host, index, &FakeGroup::weight_decay, decay, kInfinity, error);
    }};

// ---- data ----------------------------------------------------------------------------------------------

FakeDataset* dataset_of(const grapnel_host* host, int32_t mode) {
  const auto found = fake(host).datasets.find(mode);
  return found == fake(host).datasets.end() ? nullptr : &found->second;
}

grapnel_status no_data(grapnel_error* error) {
  return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "this mode has no data");
}

const grapnel_data_service kData = {
    sizeof kData,
    0,
    [](const grapnel_host* host, int32_t mode, grapnel_dataset_info* info,
       grapnel_error* error) -> grapnel_status {
      const FakeDataset* dataset = dataset_of(host, mode);
      if (dataset == nullptr) return no_data(error);
      grapnel_dataset_info found{};
      found.classes_given_as_string = dataset->classes_given_as_string ? 1 : 0;
      found.size = dataset->size;
      found.class_count = dataset->classes.size();
      found.label_min = dataset->label_min;
      found.label_max = dataset->label_max;
      found.ann_file = dataset->ann_file.c_str();
      found.config_key = dataset->config_key.c_str();
      fill(info, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, uint64_t index) -> const char* {
      const FakeDataset* dataset = dataset_of(host, mode);
      return dataset != nullptr && index < dataset->classes.size() ? dataset->classes[index].c_str()
                                                                   : nullptr;
    },
    [](const grapnel_host* host, int32_t mode) -> uint64_t {
      const FakeDataset* dataset = dataset_of(host, mode);
      return dataset == nullptr ? 0 : dataset->transforms.size();
    },
    [](const grapnel_host* host, int32_t mode, uint64_t index, grapnel_transform_info* info,
       grapnel_error* error) -> grapnel_status {
      const FakeDataset* dataset = dataset_of(host, mode);
      if (dataset == nullptr) return no_data(error);
      if (index >= dataset->transforms.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such transform");
      grapnel_transform_info found{};
      found.is_skipped = dataset->transforms[index].is_skipped ? 1 : 0;
      found.type = dataset->transforms[index].type.c_str();
      fill(info, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, const char* const* types, uint64_t count,
       grapnel_error* error) -> grapnel_status {
      FakeDataset* dataset = dataset_of(host, mode);
      if (dataset == nullptr) return no_data(error);
      for (FakeTransform& transform : dataset->transforms) {
        transform.is_skipped =
            std::any_of(types, types + count, [&](const char* type) { return transform.type == type; });
      }
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, const char* json, grapnel_error* error) -> grapnel_status {
      FakeDataset* dataset = dataset_of(host, mode);
      if (dataset == nullptr) return no_data(error);
      if (json[0] != '[')
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "a pipeline is a list of tables");
      dataset->pipeline_json = json;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, int64_t epoch, int64_t max_epochs,
       grapnel_error* error) -> grapnel_status {
      FakeDataset* dataset = dataset_of(host, mode);
      if (dataset == nullptr) return no_data(error);
      dataset->epoch = epoch;
      dataset->max_epochs = max_epochs;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int64_t* height_px, int64_t* width_px,
       grapnel_error* error) -> grapnel_status {
      if (!fake(host).image_size)
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "the task has no image size");
      *height_px = fake(host).image_size->first;
      *width_px = fake(host).image_size->second;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int64_t height_px, int64_t width_px,
       grapnel_error* error) -> grapnel_status {
      if (!fake(host).image_size)
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "the task has no image size");
      if (height_px <= 0 || width_px <= 0 || height_px % 32 != 0 || width_px % 32 != 0) {
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no positive multiple of 32");
      }
      fake(host).image_size = {height_px, width_px};
      ++fake(host).image_size_changes;
      return GRAPNEL_STATUS_OK;
    }};

// ---- collectives ---------------------------------------------------------------------------------------

template <class Body>
grapnel_status collective(const grapnel_host* host, grapnel_error* error, Body&& body) {
  ++fake(host).collective_calls;
  try {
    body(*fake(host).collectives);
    return GRAPNEL_STATUS_OK;
  } catch (const std::exception& failure) {
    return refuse(error, GRAPNEL_STATUS_IO, failure.what());
  }
}

const grapnel_collectives_service kCollectives = {
    sizeof kCollectives,
    0,
    [](const grapnel_host* host) -> int32_t { return fake(host).collectives->rank(); },
    [](const grapnel_host* host) -> int32_t { return fake(host).collectives->world_size(); },
    [](const grapnel_host* host) -> int32_t { return fake(host).collectives->rank(); },
    [](const grapnel_host* host, grapnel_tensor* tensor, int32_t operation, grapnel_error* error) {
      return collective(host, error, [&](FakeCollectives& group) { group.all_reduce(*tensor, operation); });
    },
    [](const grapnel_host* host, grapnel_tensor* tensor, int32_t root, grapnel_error* error) {
      return collective(host, error, [&](FakeCollectives& group) { group.broadcast(*tensor, root); });
    },
    [](const grapnel_host* host, grapnel_error* error) {
      return collective(host, error, [](FakeCollectives& group) { group.barrier(); });
    }};

// ---- message hub ---------------------------------------------------------------------------------------

const grapnel_message_hub_service kMessageHub = {
    sizeof kMessageHub,
    0,
    [](const grapnel_host* host, const char* key, double value, grapnel_error*) -> grapnel_status {
      auto& history = fake(host).scalars[key];
      if (history.empty()) fake(host).scalar_order.emplace_back(key);
      history.push_back(value);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key, int32_t statistic, uint64_t window, double* value,
       grapnel_error* error) -> grapnel_status {
      const auto found = fake(host).scalars.find(key);
      if (found == fake(host).scalars.end() || found->second.empty()) {
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, std::string("no scalar '") + key + "'");
      }
      const auto& history = found->second;
      const size_t count = window == 0 ? history.size() : std::min<size_t>(window, history.size());
      const auto first = history.end() - static_cast<std::ptrdiff_t>(count);
      switch (statistic) {
        case GRAPNEL_STATISTIC_CURRENT:
          *value = history.back();
          break;
        case GRAPNEL_STATISTIC_MEAN:
          *value = std::accumulate(first, history.end(), 0.0) / static_cast<double>(count);
          break;
        case GRAPNEL_STATISTIC_MIN:
          *value = *std::min_element(first, history.end());
          break;
        case GRAPNEL_STATISTIC_MAX:
          *value = *std::max_element(first, history.end());
          break;
        default:
          return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no such statistic");
      }
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host) -> uint64_t { return fake(host).scalar_order.size(); },
    [](const grapnel_host* host, uint64_t index) -> const char* {
      const auto& order = fake(host).scalar_order;
      return index < order.size() ? order[index].c_str() : nullptr;
    },
    [](const grapnel_host* host, const char* key) -> uint64_t {
      const auto found = fake(host).scalars.find(key);
      return found == fake(host).scalars.end() ? 0 : found->second.size();
    },
    [](const grapnel_host* host, const char* key, const char* text, grapnel_error*) -> grapnel_status {
      fake(host).texts[key] = text;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key) -> const char* {
      const auto found = fake(host).texts.find(key);
      return found == fake(host).texts.end() ? nullptr : found->second.c_str();
    }};

// ---- checkpoint ----------------------------------------------------------------------------------------

const grapnel_checkpoint_service kCheckpoint = {
    sizeof kCheckpoint,
    0,
    [](const grapnel_host* host, grapnel_checkpoint_info* info, grapnel_error* error) -> grapnel_status {
      if (!is_at(host, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT, GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT})) {
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "no checkpoint is open at this point");
      }
      const FakeCheckpoint& checkpoint = fake(host).checkpoint;
      grapnel_checkpoint_info found{};
      found.is_resume = checkpoint.is_resume ? 1 : 0;
      found.path = checkpoint.path.c_str();
      found.epoch = checkpoint.epoch;
      found.iter = checkpoint.iter;
      fill(info, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key, const char* text, grapnel_error* error) -> grapnel_status {
      if (!is_at(host, {GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT})) {
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "no checkpoint is being written at this point");
      }
      fake(host).checkpoint.meta[key] = text;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, const char* key) -> const char* {
      const auto& meta = fake(host).checkpoint.meta;
      const auto found = meta.find(key);
      const bool readable = is_at(host, {GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT});
      return readable && found != meta.end() ? found->second.c_str() : nullptr;
    },
    [](const grapnel_host* host) { return fake(host).checkpoint.last_path.c_str(); }};

}  // namespace

const void* fake_service(const std::string& id) {
  static const std::map<std::string, const void*> tables = {
      {GRAPNEL_SERVICE_LOG, &kLog},
      {GRAPNEL_SERVICE_RUNNER, &kRunner},
      {GRAPNEL_SERVICE_VALUES, &kValues},
      {GRAPNEL_SERVICE_MODEL, &kModel},
      {GRAPNEL_SERVICE_OPTIMIZER, &kOptimizer},
      {GRAPNEL_SERVICE_DATA, &kData},
      {GRAPNEL_SERVICE_COLLECTIVES, &kCollectives},
      {GRAPNEL_SERVICE_MESSAGE_HUB, &kMessageHub},
      {GRAPNEL_SERVICE_CHECKPOINT, &kCheckpoint},
  };
  const auto found = tables.find(id);
  return found == tables.end() ? nullptr : found->second;
}

}  // namespace grapnel::testing
