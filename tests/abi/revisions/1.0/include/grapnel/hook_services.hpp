// The services as C++ classes: each call checks its status and throws grapnel::Error with the host's message.
// Included by hook.hpp; not meant to be included alone.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "grapnel.h"

namespace grapnel {

// What a hook throws to fail: the run ends with this text.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& text, grapnel_status status = GRAPNEL_STATUS_FAILED)
      : std::runtime_error(text), status_(status) {}
  grapnel_status status() const noexcept { return status_; }

 private:
  grapnel_status status_;
};

namespace detail {

// Copies the text into the caller's buffer, cut to fit, and gives the status back.
inline grapnel_status write_error(grapnel_error* error, grapnel_status status, const char* text) noexcept {
  if (error == nullptr) return status;
  error->code = status;
  if (error->text != nullptr && error->capacity > 0) {
    size_t size = std::strlen(text);
    if (size >= error->capacity) size = static_cast<size_t>(error->capacity) - 1;
    std::memcpy(error->text, text, size);
    error->text[size] = '\0';
  }
  return status;
}

// Room for the message of one call.
class ErrorText {
 public:
  ErrorText() : error_{sizeof(grapnel_error), GRAPNEL_STATUS_OK, text_, sizeof text_} { text_[0] = '\0'; }
  ErrorText(const ErrorText&) = delete;
  ErrorText& operator=(const ErrorText&) = delete;
  grapnel_error* raw() { return &error_; }
  void check(grapnel_status status) const {
    if (status != GRAPNEL_STATUS_OK) throw Error(text_[0] ? text_ : "the host gave no reason", status);
  }

 private:
  char text_[1024];
  grapnel_error error_;
};

template <class T>
T sized() {
  T value{};
  value.struct_size = sizeof(T);
  return value;
}

// A service table, looked up once; `table()` throws when this host lacks it.
template <class Table>
class Service {
 public:
  Service(const grapnel_host* host, const char* id)
      : host_(host), id_(id), table_(static_cast<const Table*>(host->get_service(host, id))) {}
  bool exists() const { return table_ != nullptr; }

 protected:
  const Table& table() const {
    if (table_ == nullptr) throw Error(std::string("this host has no service ") + id_, GRAPNEL_STATUS_UNSUPPORTED);
    return *table_;
  }
  template <class Function, class... Args>
  void call(Function function, Args... args) const {
    ErrorText error;
    error.check(function(host_, args..., error.raw()));
  }
  const grapnel_host* host_;

 private:
  const char* id_;
  const Table* table_;
};

}  // namespace detail

class LogService : public detail::Service<grapnel_log_service> {
 public:
  explicit LogService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_LOG) {}
  void debug(const std::string& text) const { write(GRAPNEL_LOG_DEBUG, text); }
  void info(const std::string& text) const { write(GRAPNEL_LOG_INFO, text); }
  void warning(const std::string& text) const { write(GRAPNEL_LOG_WARNING, text); }
  void error(const std::string& text) const { write(GRAPNEL_LOG_ERROR, text); }

 private:
  void write(int32_t level, const std::string& text) const {
    if (exists()) table().write(host_, level, text.c_str());
  }
};

class RunnerService : public detail::Service<grapnel_runner_service> {
 public:
  explicit RunnerService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_RUNNER) {}
  grapnel_run_state state() const {
    auto state = detail::sized<grapnel_run_state>();
    table().get_state(host_, &state);
    return state;
  }
  std::string work_dir() const { return table().work_dir(host_); }
  std::string log_dir() const { return table().log_dir(host_); }
  std::string config_json() const { return table().config_json(host_); }
  std::string evaluation_table() const { return table().evaluation_table(host_); }
  void request_stop(const std::string& reason) const { call(table().request_stop, reason.c_str()); }
  void request_validation() const { call(table().request_validation); }
  void request_save(const std::string& file_name) const { call(table().request_save, file_name.c_str()); }
  void request_skip_step(const std::string& reason) const { call(table().request_skip_step, reason.c_str()); }
  void veto_checkpoint(const std::string& reason) const { call(table().veto_checkpoint, reason.c_str()); }
};

class ValuesService : public detail::Service<grapnel_values_service> {
 public:
  explicit ValuesService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_VALUES) {}
  uint64_t count(int32_t group) const { return table().count(host_, group); }
  grapnel_named_value get(int32_t group, uint64_t index) const {
    auto value = detail::sized<grapnel_named_value>();
    call(table().get, group, index, &value);
    return value;
  }
  double number(int32_t group, const char* name) const {
    double value = 0;
    call(table().get_number, group, name, &value);
    return value;
  }
};

class ModelService : public detail::Service<grapnel_model_service> {
 public:
  explicit ModelService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_MODEL) {}
  uint64_t count(int32_t kind) const { return table().count(host_, kind); }
  grapnel_model_entry get(int32_t kind, uint64_t index) const {
    auto entry = detail::sized<grapnel_model_entry>();
    call(table().get, kind, index, &entry);
    return entry;
  }
  uint64_t module_count() const { return table().module_count(host_); }
  grapnel_module module(uint64_t index) const {
    auto module = detail::sized<grapnel_module>();
    call(table().get_module, index, &module);
    return module;
  }
  grapnel_value attribute(uint64_t module_index, uint64_t attribute) const {
    auto value = detail::sized<grapnel_value>();
    call(table().get_attribute, module_index, attribute, &value);
    return value;
  }
  void set_attribute(uint64_t module_index, const grapnel_value& value) const {
    call(table().set_attribute, module_index, &value);
  }
  // Sets a boolean attribute on every module that has it; tells how many.
  int set_boolean_everywhere(const char* name, bool on) const {
    int changed = 0;
    for (uint64_t m = 0; m < module_count(); ++m) {
      const uint64_t attributes = module(m).attribute_count;
      for (uint64_t a = 0; a < attributes; ++a) {
        grapnel_value value = attribute(m, a);
        if (value.kind != GRAPNEL_KIND_BOOL || std::strcmp(value.name, name) != 0) continue;
        value.integer = on ? 1 : 0;
        set_attribute(m, value);
        ++changed;
      }
    }
    return changed;
  }
  void set_epoch(int64_t epoch, int64_t max_epochs) const { call(table().set_epoch, epoch, max_epochs); }
};

class OptimizerService : public detail::Service<grapnel_optimizer_service> {
 public:
  explicit OptimizerService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_OPTIMIZER) {}
  uint64_t group_count() const { return table().group_count(host_); }
  grapnel_param_group group(uint64_t index) const {
    auto group = detail::sized<grapnel_param_group>();
    call(table().get_group, index, &group);
    return group;
  }
  void set_lr(uint64_t index, double lr) const { call(table().set_lr, index, lr); }
  void set_momentum(uint64_t index, double momentum) const { call(table().set_momentum, index, momentum); }
  void set_weight_decay(uint64_t index, double decay) const { call(table().set_weight_decay, index, decay); }
};

class DataService : public detail::Service<grapnel_data_service> {
 public:
  explicit DataService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_DATA) {}
  grapnel_dataset_info info(int32_t mode) const {
    auto info = detail::sized<grapnel_dataset_info>();
    call(table().get_info, mode, &info);
    return info;
  }
  std::string class_name(int32_t mode, uint64_t index) const {
    const char* name = table().class_name(host_, mode, index);
    return name ? name : "";
  }
  uint64_t transform_count(int32_t mode) const { return table().transform_count(host_, mode); }
  grapnel_transform_info transform(int32_t mode, uint64_t index) const {
    auto info = detail::sized<grapnel_transform_info>();
    call(table().get_transform, mode, index, &info);
    return info;
  }
  void set_skipped_types(int32_t mode, const std::vector<std::string>& types) const {
    std::vector<const char*> names;
    for (const auto& type : types) names.push_back(type.c_str());
    call(table().set_skipped_types, mode, names.data(), static_cast<uint64_t>(names.size()));
  }
  void replace_pipeline(int32_t mode, const std::string& json) const {
    call(table().replace_pipeline, mode, json.c_str());
  }
  void set_epoch(int32_t mode, int64_t epoch, int64_t max_epochs) const {
    call(table().set_epoch, mode, epoch, max_epochs);
  }
  // {height, width} in pixels.
  std::pair<int64_t, int64_t> image_size() const {
    int64_t height = 0, width = 0;
    call(table().get_image_size, &height, &width);
    return {height, width};
  }
  void set_image_size(int64_t height_px, int64_t width_px) const {
    call(table().set_image_size, height_px, width_px);
  }
};

class CollectivesService : public detail::Service<grapnel_collectives_service> {
 public:
  explicit CollectivesService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_COLLECTIVES) {}
  // Without the service a hook is alone.
  int32_t rank() const { return exists() ? table().rank(host_) : 0; }
  int32_t world_size() const { return exists() ? table().world_size(host_) : 1; }
  int32_t local_rank() const { return exists() ? table().local_rank(host_) : 0; }
  void all_reduce(std::vector<float>& values, int32_t operation) const {
    reduce(values.data(), values.size(), {GRAPNEL_DTYPE_FLOAT, 32, 1}, operation);
  }
  void all_reduce(std::vector<double>& values, int32_t operation) const {
    reduce(values.data(), values.size(), {GRAPNEL_DTYPE_FLOAT, 64, 1}, operation);
  }
  void all_reduce(std::vector<int64_t>& values, int32_t operation) const {
    reduce(values.data(), values.size(), {GRAPNEL_DTYPE_INT, 64, 1}, operation);
  }
  void broadcast(std::vector<int64_t>& values, int32_t root) const {
    int64_t size = 0, stride = 0;
    grapnel_tensor view = flat(values.data(), values.size(), {GRAPNEL_DTYPE_INT, 64, 1}, size, stride);
    call(table().broadcast, &view, root);
  }
  void barrier() const { call(table().barrier); }

 private:
  static grapnel_tensor flat(void* data, size_t count, grapnel_dtype dtype, int64_t& size, int64_t& stride) {
    size = static_cast<int64_t>(count);
    stride = 1;
    return grapnel_tensor{data, {GRAPNEL_DEVICE_CPU, 0}, 1, dtype, &size, &stride, 0};
  }
  void reduce(void* data, size_t count, grapnel_dtype dtype, int32_t operation) const {
    int64_t size = 0, stride = 0;
    grapnel_tensor view = flat(data, count, dtype, size, stride);
    call(table().all_reduce, &view, operation);
  }
};

class MessageHubService : public detail::Service<grapnel_message_hub_service> {
 public:
  explicit MessageHubService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_MESSAGE_HUB) {}
  void update_scalar(const std::string& key, double value) const { call(table().update_scalar, key.c_str(), value); }
  // A statistic over the last `window` updates; 0: all that are kept.
  double scalar(const std::string& key, int32_t statistic = GRAPNEL_STATISTIC_CURRENT, uint64_t window = 0) const {
    double value = 0;
    call(table().get_scalar, key.c_str(), statistic, window, &value);
    return value;
  }
  bool has_scalar(const std::string& key) const { return table().update_count(host_, key.c_str()) > 0; }
  uint64_t update_count(const std::string& key) const { return table().update_count(host_, key.c_str()); }
  std::vector<std::string> scalar_keys() const {
    std::vector<std::string> keys;
    for (uint64_t i = 0; i < table().scalar_count(host_); ++i) keys.emplace_back(table().scalar_key(host_, i));
    return keys;
  }
  void set_text(const std::string& key, const std::string& text) const {
    call(table().set_text, key.c_str(), text.c_str());
  }
  // Empty when absent.
  std::string text(const std::string& key) const {
    const char* text = table().get_text(host_, key.c_str());
    return text ? text : "";
  }
};

class CheckpointService : public detail::Service<grapnel_checkpoint_service> {
 public:
  explicit CheckpointService(const grapnel_host* host) : Service(host, GRAPNEL_SERVICE_CHECKPOINT) {}
  grapnel_checkpoint_info info() const {
    auto info = detail::sized<grapnel_checkpoint_info>();
    call(table().get_info, &info);
    return info;
  }
  void set_text(const std::string& key, const std::string& text) const {
    call(table().set_text, key.c_str(), text.c_str());
  }
  std::string text(const std::string& key) const {
    const char* text = table().get_text(host_, key.c_str());
    return text ? text : "";
  }
  std::string last_path() const { return table().last_path(host_); }
};

}  // namespace grapnel
