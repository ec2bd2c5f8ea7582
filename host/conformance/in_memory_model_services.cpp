// Model, optimiser and data of the in-memory host.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "conformance/in_memory_services.hpp"

namespace grapnel::conformance {

namespace {

constexpr auto kTrainThread = ServiceCall::kTrainThread;

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

// ---- model ---------------------------------------------------------------------------------------------

std::vector<ModelEntry>& entries_of(InMemoryHost& host, int32_t kind) {
  if (kind == GRAPNEL_MODEL_PARAMETERS) return host.parameters;
  if (kind == GRAPNEL_MODEL_BUFFERS) return host.buffers;
  return host.gradients;
}

grapnel_tensor view_of(InMemoryHost& host, int32_t kind, PlainTensor& tensor) {
  const bool writable = kind != GRAPNEL_MODEL_GRADIENTS ||
                        is_at(host, {GRAPNEL_POINT_AFTER_BACKWARD, GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP});
  return host.lend(tensor, writable ? Access::kWrite : Access::kRead,
                   kind == GRAPNEL_MODEL_PARAMETERS ? "a parameter's view"
                   : kind == GRAPNEL_MODEL_BUFFERS  ? "a buffer's view"
                                                    : "a gradient's view");
}

grapnel_value as_value(InMemoryHost& host, const ModuleAttribute& attribute) {
  grapnel_value value{};
  value.kind = attribute.kind;
  value.name = host.lend(attribute.name, "an attribute's name");
  value.is_set = 1;
  value.integer = attribute.integer;
  value.number = attribute.number;
  value.text = host.lend(attribute.text, "an attribute's text");
  return value;
}

grapnel_status set_attribute(InMemoryHost& host, ModelModule& module, const grapnel_value& value,
                             grapnel_error* error) {
  const std::string name = value.name != nullptr ? value.name : "";
  for (ModuleAttribute& attribute : module.attributes) {
    if (attribute.name != name) continue;
    if (!attribute.writable)
      return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "'" + attribute.name + "' is read-only");
    if (attribute.kind != value.kind)
      return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "'" + attribute.name + "' is of another kind");
    attribute.integer = value.integer;
    attribute.number = value.number;
    if (value.kind == GRAPNEL_KIND_STRING) attribute.text = value.text != nullptr ? value.text : "";
    host.record("model.set_attribute " + module.name + "." + name + " = " + std::to_string(value.integer) +
                " " + number_text(value.number) + " " + attribute.text);
    return GRAPNEL_STATUS_OK;
  }
  return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such attribute");
}

const grapnel_model_service kModel = {
    sizeof kModel,
    0,
    [](const grapnel_host* host, int32_t kind) -> uint64_t {
      const ServiceCall call(host, "model.count", kTrainThread);
      return entries_of(call.host(), kind).size();
    },
    [](const grapnel_host* host, int32_t kind, uint64_t index, grapnel_model_entry* entry,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "model.get", error);
      if (call.fails()) return call.status;
      auto& entries = entries_of(call.host(), kind);
      if (index >= entries.size()) return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no entry of that index");
      grapnel_model_entry found{};
      found.requires_grad = entries[index].requires_grad ? 1 : 0;
      found.name = call.host().keep(entries[index].name);
      found.module_index = entries[index].module;
      found.tensor = view_of(call.host(), kind, entries[index].tensor);
      fill(entry, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host) -> uint64_t {
      const ServiceCall call(host, "model.module_count", kTrainThread);
      return call.host().modules.size();
    },
    [](const grapnel_host* host, uint64_t index, grapnel_module* module,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "model.get_module", error);
      if (call.fails()) return call.status;
      if (index >= call.host().modules.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such module");
      const ModelModule& source = call.host().modules[index];
      grapnel_module found{};
      found.is_norm = source.is_norm ? 1 : 0;
      found.is_synchronized = source.is_synchronized ? 1 : 0;
      found.name = call.host().keep(source.name);
      found.type = call.host().keep(source.type);
      found.attribute_count = source.attributes.size();
      fill(module, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, uint64_t module, uint64_t attribute, grapnel_value* value,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "model.get_attribute", error);
      if (call.fails()) return call.status;
      const auto& modules = call.host().modules;
      if (module >= modules.size() || attribute >= modules[module].attributes.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such attribute");
      fill(value, as_value(call.host(), modules[module].attributes[attribute]));
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, uint64_t module, const grapnel_value* value,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "model.set_attribute", error);
      if (call.fails()) return call.status;
      if (module >= call.host().modules.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such module");
      return set_attribute(call.host(), call.host().modules[module], *value, error);
    },
    [](const grapnel_host* host, int64_t epoch, int64_t max_epochs, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "model.set_epoch", error);
      if (call.fails()) return call.status;
      call.host().record("model.set_epoch " + std::to_string(epoch) + " of " + std::to_string(max_epochs));
      call.host().model_epoch = epoch;
      call.host().model_max_epochs = max_epochs;
      return GRAPNEL_STATUS_OK;
    }};

// ---- optimizer -----------------------------------------------------------------------------------------

grapnel_status set_group(const FallibleCall& call, uint64_t index, double ParamGroup::*field,
                         const char* name, double value, double below, grapnel_error* error) {
  if (call.fails()) return call.status;
  auto& groups = call.host().groups;
  if (index >= groups.size()) return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such group");
  if (field == &ParamGroup::momentum && !groups[index].has_momentum)
    return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "the optimiser has no momentum");
  if (!(value >= 0 && value < below))
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "a value out of range");
  call.host().record(std::string("group ") + std::to_string(index) + " " + name + " = " + number_text(value));
  groups[index].*field = value;
  return GRAPNEL_STATUS_OK;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const grapnel_optimizer_service kOptimizer = {
    sizeof kOptimizer,
    0,
    [](const grapnel_host* host) -> uint64_t {
      const ServiceCall call(host, "optimizer.group_count", kTrainThread);
      return call.host().groups.size();
    },
    [](const grapnel_host* host, uint64_t index, grapnel_param_group* group,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "optimizer.get_group", error);
      if (call.fails()) return call.status;
      if (index >= call.host().groups.size()) return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such group");
      const ParamGroup& source = call.host().groups[index];
      grapnel_param_group found{};
      found.has_momentum = source.has_momentum ? 1 : 0;
      found.name = call.host().keep(source.name);
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
      return set_group(FallibleCall(host, "optimizer.set_lr", error), index, &ParamGroup::lr, "lr", lr,
                       kInfinity, error);
    },
    [](const grapnel_host* host, uint64_t index, double momentum, grapnel_error* error) {
      return set_group(FallibleCall(host, "optimizer.set_momentum", error), index, &ParamGroup::momentum,
                       "momentum", momentum, 1.0, error);
    },
    [](const grapnel_host* host, uint64_t index, double decay, grapnel_error* error) {
      return set_group(FallibleCall(host, "optimizer.set_weight_decay", error), index,
                       &ParamGroup::weight_decay, "weight_decay", decay, kInfinity, error);
    }};

// ---- data ----------------------------------------------------------------------------------------------

InMemoryDataset* dataset_of(const ServiceCall& call, int32_t mode) {
  const auto found = call.host().datasets.find(mode);
  return found == call.host().datasets.end() ? nullptr : &found->second;
}

grapnel_status no_data(grapnel_error* error) {
  return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "this mode has no data");
}

grapnel_dataset_info info_of(InMemoryHost& host, const InMemoryDataset& dataset) {
  grapnel_dataset_info found{};
  found.classes_given_as_string = dataset.classes_given_as_string ? 1 : 0;
  found.size = dataset.size;
  found.class_count = dataset.classes.size();
  found.label_min = dataset.label_min;
  found.label_max = dataset.label_max;
  found.ann_file = host.keep(dataset.ann_file);
  found.config_key = host.keep(dataset.config_key);
  return found;
}

const grapnel_data_service kData = {
    sizeof kData,
    0,
    [](const grapnel_host* host, int32_t mode, grapnel_dataset_info* info,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.get_info", error);
      if (call.fails()) return call.status;
      const InMemoryDataset* dataset = dataset_of(call, mode);
      if (dataset == nullptr) return no_data(error);
      fill(info, info_of(call.host(), *dataset));
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, uint64_t index) -> const char* {
      const ServiceCall call(host, "data.class_name", kTrainThread);
      const InMemoryDataset* dataset = dataset_of(call, mode);
      return dataset != nullptr && index < dataset->classes.size() ? call.host().keep(dataset->classes[index])
                                                                   : nullptr;
    },
    [](const grapnel_host* host, int32_t mode) -> uint64_t {
      const ServiceCall call(host, "data.transform_count", kTrainThread);
      const InMemoryDataset* dataset = dataset_of(call, mode);
      return dataset == nullptr ? 0 : dataset->transforms.size();
    },
    [](const grapnel_host* host, int32_t mode, uint64_t index, grapnel_transform_info* info,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.get_transform", error);
      if (call.fails()) return call.status;
      const InMemoryDataset* dataset = dataset_of(call, mode);
      if (dataset == nullptr) return no_data(error);
      if (index >= dataset->transforms.size())
        return refuse(error, GRAPNEL_STATUS_NOT_FOUND, "no such transform");
      grapnel_transform_info found{};
      found.is_skipped = dataset->transforms[index].is_skipped ? 1 : 0;
      found.type = call.host().keep(dataset->transforms[index].type);
      fill(info, found);
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, const char* const* types, uint64_t count,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.set_skipped_types", error);
      if (call.fails()) return call.status;
      InMemoryDataset* dataset = dataset_of(call, mode);
      if (dataset == nullptr) return no_data(error);
      std::string line = "data.set_skipped_types " + std::to_string(mode);
      for (uint64_t i = 0; i < count; ++i) line += std::string(" ") + types[i];
      call.host().record(line);
      for (PipelineTransform& transform : dataset->transforms) {
        transform.is_skipped =
            std::any_of(types, types + count, [&](const char* type) { return transform.type == type; });
      }
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, const char* json, grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.replace_pipeline", error);
      if (call.fails()) return call.status;
      InMemoryDataset* dataset = dataset_of(call, mode);
      if (dataset == nullptr) return no_data(error);
      if (json == nullptr || json[0] != '[')
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "a pipeline is a list of tables");
      call.host().record("data.replace_pipeline " + std::to_string(mode) + " " + json);
      dataset->pipeline_json = json;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int32_t mode, int64_t epoch, int64_t max_epochs,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.set_epoch", error);
      if (call.fails()) return call.status;
      InMemoryDataset* dataset = dataset_of(call, mode);
      if (dataset == nullptr) return no_data(error);
      call.host().record("data.set_epoch " + std::to_string(mode) + " " + std::to_string(epoch) + " of " +
                         std::to_string(max_epochs));
      dataset->epoch = epoch;
      dataset->max_epochs = max_epochs;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int64_t* height_px, int64_t* width_px,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.get_image_size", error);
      if (call.fails()) return call.status;
      if (!call.host().image_size)
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "the task has no image size");
      *height_px = call.host().image_size->first;
      *width_px = call.host().image_size->second;
      return GRAPNEL_STATUS_OK;
    },
    [](const grapnel_host* host, int64_t height_px, int64_t width_px,
       grapnel_error* error) -> grapnel_status {
      const FallibleCall call(host, "data.set_image_size", error);
      if (call.fails()) return call.status;
      if (!call.host().image_size)
        return refuse(error, GRAPNEL_STATUS_UNSUPPORTED, "the task has no image size");
      if (height_px <= 0 || width_px <= 0 || height_px % 32 != 0 || width_px % 32 != 0)
        return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "no positive multiple of 32");
      call.host().record("data.set_image_size " + std::to_string(height_px) + " x " +
                         std::to_string(width_px));
      call.host().image_size = {height_px, width_px};
      ++call.host().image_size_changes;
      return GRAPNEL_STATUS_OK;
    }};

}  // namespace

const grapnel_model_service& in_memory_model_service() { return kModel; }
const grapnel_optimizer_service& in_memory_optimizer_service() { return kOptimizer; }
const grapnel_data_service& in_memory_data_service() { return kData; }

}  // namespace grapnel::conformance
