// grapnel.model/1: parameters, buffers, gradients, modules and their attributes.
#include "services/model_index.hpp"
#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

ModelIndex& index_for(const grapnel_host* host) {
  ServiceContext& context = context_for(host);
  runner::Runner& runner = runner_for(host);
  if (!context.model_index) context.model_index = std::make_unique<ModelIndex>(runner.task());
  return *context.model_index;
}

const std::vector<ModelIndex::Entry>& entries_of(const ModelIndex& index, int32_t kind) {
  switch (kind) {
    case GRAPNEL_MODEL_PARAMETERS:
    case GRAPNEL_MODEL_GRADIENTS:
      return index.parameters();
    case GRAPNEL_MODEL_BUFFERS:
      return index.buffers();
    default:
      throw Refusal(
          GRAPNEL_STATUS_INVALID_ARGUMENT,
          "kind is " + std::to_string(kind) + ", expected GRAPNEL_MODEL_PARAMETERS, _BUFFERS or _GRADIENTS");
  }
}

void check_index(const char* what, uint64_t index, size_t count) {
  if (index < count) return;
  throw Refusal(GRAPNEL_STATUS_NOT_FOUND, std::string("no ") + what + " " + std::to_string(index) +
                                              ": there are " + std::to_string(count));
}

uint64_t count(const grapnel_host* host, int32_t kind) {
  return guarded_value(host, "model.count", uint64_t{0},
                       [&]() -> uint64_t { return entries_of(index_for(host), kind).size(); });
}

grapnel_status get(const grapnel_host* host, int32_t kind, uint64_t index, grapnel_model_entry* out,
                   grapnel_error* error) {
  return guarded(error, [&] {
    const auto& entries = entries_of(index_for(host), kind);
    check_index("entry", index, entries.size());
    const ModelIndex::Entry& entry = entries[index];
    grapnel_model_entry filled{};
    filled.requires_grad = entry.tensor.requires_grad() ? 1 : 0;
    filled.name = entry.name.c_str();
    filled.module_index = entry.module_index;
    filled.tensor = view_of(entry.tensor);
    if (kind == GRAPNEL_MODEL_GRADIENTS) {
      const torch::Tensor& gradient = entry.tensor.grad();
      if (gradient.defined())
        filled.tensor = view_of(gradient);
      else
        filled.tensor.data = nullptr;
    }
    hand_over(out, filled, "entry");
  });
}

uint64_t module_count(const grapnel_host* host) {
  return guarded_value(host, "model.module_count", uint64_t{0},
                       [&]() -> uint64_t { return index_for(host).modules().size(); });
}

grapnel_status get_module(const grapnel_host* host, uint64_t index, grapnel_module* out,
                          grapnel_error* error) {
  return guarded(error, [&] {
    const ModelIndex& model = index_for(host);
    check_index("module", index, model.modules().size());
    const ModelIndex::Module& module = model.modules()[index];
    grapnel_module filled{};
    filled.is_norm = module.is_norm ? 1 : 0;
    filled.is_synchronized = module.is_synchronized ? 1 : 0;
    filled.name = module.name.c_str();
    filled.type = module.type.c_str();
    filled.attribute_count = model.attributes(index).size();
    hand_over(out, filled, "module");
  });
}

void fill_value(const runner::AttributeValue& from, ModelIndex& model, grapnel_value& value) {
  if (const bool* flag = std::get_if<bool>(&from)) {
    value.kind = GRAPNEL_KIND_BOOL;
    value.integer = *flag ? 1 : 0;
  } else if (const int64_t* integer = std::get_if<int64_t>(&from)) {
    value.kind = GRAPNEL_KIND_INT;
    value.integer = *integer;
  } else if (const double* number = std::get_if<double>(&from)) {
    value.kind = GRAPNEL_KIND_FLOAT;
    value.number = *number;
  } else {
    value.kind = GRAPNEL_KIND_STRING;
    value.text = model.keep(std::get<std::string>(from));
  }
}

grapnel_status get_attribute(const grapnel_host* host, uint64_t module_index, uint64_t attribute,
                             grapnel_value* out, grapnel_error* error) {
  return guarded(error, [&] {
    ModelIndex& model = index_for(host);
    check_index("module", module_index, model.modules().size());
    const auto attributes = model.attributes(module_index);
    check_index("attribute", attribute, attributes.size());
    grapnel_value value{};
    value.name = model.keep(attributes[attribute].name);
    value.is_set = 1;
    fill_value(attributes[attribute].value, model, value);
    hand_over(out, value, "value");
  });
}

runner::AttributeValue attribute_value(const grapnel_value& value, const runner::AttributeValue& present) {
  const bool fits = (value.kind == GRAPNEL_KIND_BOOL && std::holds_alternative<bool>(present)) ||
                    (value.kind == GRAPNEL_KIND_INT && std::holds_alternative<int64_t>(present)) ||
                    (value.kind == GRAPNEL_KIND_FLOAT && std::holds_alternative<double>(present)) ||
                    (value.kind == GRAPNEL_KIND_STRING && std::holds_alternative<std::string>(present));
  if (!fits) {
    throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string("the attribute '") + value.name +
                                                       "' is of another kind than " +
                                                       std::to_string(value.kind));
  }
  switch (value.kind) {
    case GRAPNEL_KIND_BOOL:
      return value.integer != 0;
    case GRAPNEL_KIND_INT:
      return value.integer;
    case GRAPNEL_KIND_FLOAT:
      return value.number;
    default:
      return std::string(required(value.text, "value->text"));
  }
}

grapnel_status set_attribute(const grapnel_host* host, uint64_t module_index, const grapnel_value* in,
                             grapnel_error* error) {
  return guarded(error, [&] {
    ModelIndex& model = index_for(host);
    check_index("module", module_index, model.modules().size());
    const grapnel_value value = taken_from(in, "value");
    required(value.name, "value->name");
    for (const runner::ModuleAttribute& attribute : model.attributes(module_index)) {
      if (attribute.name != value.name) continue;
      if (!attribute.writable) {
        throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "the attribute '" + attribute.name + "' can only be read");
      }
      runner_for(host).task().set_attribute(attribute.module, attribute.name,
                                            attribute_value(value, attribute.value));
      return;
    }
    throw Refusal(GRAPNEL_STATUS_NOT_FOUND, "the module '" + model.modules()[module_index].name +
                                                "' has no attribute '" + value.name + "'");
  });
}

grapnel_status set_epoch(const grapnel_host* host, int64_t epoch, int64_t max_epochs, grapnel_error* error) {
  return guarded(error, [&] { runner_for(host).task().set_epoch(epoch, max_epochs); });
}

}  // namespace

const grapnel_model_service& model_table() {
  static const grapnel_model_service table = {
      sizeof table, 0, count, get, module_count, get_module, get_attribute, set_attribute, set_epoch};
  return table;
}

}  // namespace grapnel::services
