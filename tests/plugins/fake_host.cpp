#include "fake_host.hpp"

#include <dlfcn.h>

#include <cstring>
#include <stdexcept>

namespace grapnel::testing {

namespace {

struct PointRow {
  const char* name;
  int32_t point;
  grapnel_point_fn grapnel_hook_vtable::*slot;
};

constexpr PointRow kPoints[] = {
    {"before_run", GRAPNEL_POINT_BEFORE_RUN, &grapnel_hook_vtable::before_run},
    {"after_run", GRAPNEL_POINT_AFTER_RUN, &grapnel_hook_vtable::after_run},
    {"before_train", GRAPNEL_POINT_BEFORE_TRAIN, &grapnel_hook_vtable::before_train},
    {"after_train", GRAPNEL_POINT_AFTER_TRAIN, &grapnel_hook_vtable::after_train},
    {"before_train_epoch", GRAPNEL_POINT_BEFORE_TRAIN_EPOCH, &grapnel_hook_vtable::before_train_epoch},
    {"after_train_epoch", GRAPNEL_POINT_AFTER_TRAIN_EPOCH, &grapnel_hook_vtable::after_train_epoch},
    {"before_train_iter", GRAPNEL_POINT_BEFORE_TRAIN_ITER, &grapnel_hook_vtable::before_train_iter},
    {"after_train_iter", GRAPNEL_POINT_AFTER_TRAIN_ITER, &grapnel_hook_vtable::after_train_iter},
    {"before_val", GRAPNEL_POINT_BEFORE_VAL, &grapnel_hook_vtable::before_val},
    {"after_val", GRAPNEL_POINT_AFTER_VAL, &grapnel_hook_vtable::after_val},
    {"before_val_epoch", GRAPNEL_POINT_BEFORE_VAL_EPOCH, &grapnel_hook_vtable::before_val_epoch},
    {"after_val_epoch", GRAPNEL_POINT_AFTER_VAL_EPOCH, &grapnel_hook_vtable::after_val_epoch},
    {"before_val_iter", GRAPNEL_POINT_BEFORE_VAL_ITER, &grapnel_hook_vtable::before_val_iter},
    {"after_val_iter", GRAPNEL_POINT_AFTER_VAL_ITER, &grapnel_hook_vtable::after_val_iter},
    {"before_test", GRAPNEL_POINT_BEFORE_TEST, &grapnel_hook_vtable::before_test},
    {"after_test", GRAPNEL_POINT_AFTER_TEST, &grapnel_hook_vtable::after_test},
    {"before_test_epoch", GRAPNEL_POINT_BEFORE_TEST_EPOCH, &grapnel_hook_vtable::before_test_epoch},
    {"after_test_epoch", GRAPNEL_POINT_AFTER_TEST_EPOCH, &grapnel_hook_vtable::after_test_epoch},
    {"before_test_iter", GRAPNEL_POINT_BEFORE_TEST_ITER, &grapnel_hook_vtable::before_test_iter},
    {"after_test_iter", GRAPNEL_POINT_AFTER_TEST_ITER, &grapnel_hook_vtable::after_test_iter},
    {"before_save_checkpoint", GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT,
     &grapnel_hook_vtable::before_save_checkpoint},
    {"after_load_checkpoint", GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT,
     &grapnel_hook_vtable::after_load_checkpoint},
    {"after_save_checkpoint", GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT,
     &grapnel_hook_vtable::after_save_checkpoint},
    {"after_backward", GRAPNEL_POINT_AFTER_BACKWARD, &grapnel_hook_vtable::after_backward},
    {"before_optimizer_step", GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP,
     &grapnel_hook_vtable::before_optimizer_step},
    {"on_exception", GRAPNEL_POINT_ON_EXCEPTION, &grapnel_hook_vtable::on_exception},
    {"on_interrupt", GRAPNEL_POINT_ON_INTERRUPT, &grapnel_hook_vtable::on_interrupt},
};

const PointRow& point_row(const std::string& name) {
  for (const PointRow& row : kPoints) {
    if (name == row.name) return row;
  }
  throw std::invalid_argument("no such point: " + name);
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

int32_t mode_of(const std::string& point, int32_t otherwise) {
  if (point.find("_train") != std::string::npos || point == "after_backward" ||
      point == "before_optimizer_step") {
    return GRAPNEL_MODE_TRAIN;
  }
  if (point.find("_val") != std::string::npos) return GRAPNEL_MODE_VAL;
  if (point.find("_test") != std::string::npos) return GRAPNEL_MODE_TEST;
  return otherwise;
}

// Room for one call's message.
struct ErrorRoom {
  ErrorRoom() : error{sizeof(grapnel_error), GRAPNEL_STATUS_OK, text, sizeof text} { text[0] = '\0'; }
  CallResult result(grapnel_status status) const { return {status, text}; }
  char text[4096];
  grapnel_error error;
};

grapnel_status write_bytes(void* stream, const void* bytes, uint64_t size, grapnel_error*) {
  auto& state = *static_cast<FakeState*>(stream);
  const auto* first = static_cast<const uint8_t*>(bytes);
  state.bytes.insert(state.bytes.end(), first, first + size);
  return GRAPNEL_STATUS_OK;
}

grapnel_status write_tensor(void* stream, const char* name, const grapnel_tensor* tensor,
                            grapnel_error* error) {
  auto& tensors = static_cast<FakeState*>(stream)->tensors;
  if (!tensors.emplace(name, FakeTensor::copy_of(*tensor)).second) {
    std::strncpy(error->text, "this name was written before", error->capacity - 1);
    return GRAPNEL_STATUS_INVALID_ARGUMENT;
  }
  return GRAPNEL_STATUS_OK;
}

struct ReadPosition {
  FakeState* state;
  size_t next = 0;
};

grapnel_status read_one_byte(void* stream, void* bytes, uint64_t capacity, uint64_t* got, grapnel_error*) {
  auto& position = *static_cast<ReadPosition*>(stream);
  *got = capacity > 0 && position.next < position.state->bytes.size() ? 1 : 0;
  if (*got == 1) *static_cast<uint8_t*>(bytes) = position.state->bytes[position.next++];
  return GRAPNEL_STATUS_OK;
}

grapnel_status find_tensor(void* stream, const char* name, grapnel_tensor* tensor, grapnel_error* error) {
  auto& tensors = static_cast<ReadPosition*>(stream)->state->tensors;
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    std::strncpy(error->text, "the state has no such tensor", error->capacity - 1);
    return GRAPNEL_STATUS_NOT_FOUND;
  }
  *tensor = found->second.view();
  return GRAPNEL_STATUS_OK;
}

const void* get_service(const grapnel_host* host, const char* id) {
  const auto& fake = *static_cast<const FakeHost*>(host->data);
  return fake.missing_services.count(id) != 0 ? nullptr : fake_service(id);
}

}  // namespace

struct FakeHost::Instance {
  const grapnel_plugin* plugin = nullptr;
  std::string key;
  grapnel_host host{};
  void* self = nullptr;

  ~Instance() {
    if (plugin != nullptr) plugin->vtable->destroy(self);
  }
  // Null for a slot that the plugin's shorter table doesn't have.
  grapnel_point_fn function(const PointRow& row) const {
    const auto* table = plugin->vtable;
    const auto* end = reinterpret_cast<const char*>(table) + table->struct_size;
    return reinterpret_cast<const char*>(&(table->*row.slot)) < end ? table->*row.slot : nullptr;
  }
};

std::ostream& operator<<(std::ostream& out, const CallResult& result) {
  return out << "status " << result.status << ": " << result.message;
}

FakeAttribute FakeAttribute::boolean(std::string name, bool value, bool writable) {
  FakeAttribute attribute;
  attribute.name = std::move(name);
  attribute.integer = value ? 1 : 0;
  attribute.writable = writable;
  return attribute;
}

FakeAttribute FakeAttribute::integer_value(std::string name, int64_t value, bool writable) {
  FakeAttribute attribute;
  attribute.name = std::move(name);
  attribute.kind = GRAPNEL_KIND_INT;
  attribute.integer = value;
  attribute.writable = writable;
  return attribute;
}

FakeHost::FakeHost() {
  state.struct_size = sizeof state;
  state.mode = GRAPNEL_MODE_TRAIN;
  state.by_epoch = 1;
  state.max_epochs = 1;
  state.max_iters = 10;
  state.train_epoch_length = 10;
  state.val_epoch_length = 4;
  state.test_epoch_length = 4;
  state.accumulative_counts = 1;
  state.val_interval = 1;
}

FakeHost::~FakeHost() { destroy(); }

void FakeHost::destroy() {
  while (!instances_.empty()) instances_.pop_back();
}

CallResult FakeHost::load(const std::string& type, const Options& options, const std::string& instance_key) {
  const std::string path = std::string(GRAPNEL_BUILD_DIR) + "/plugins/" + type + ".so";
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed, as the contract says
  if (library == nullptr) return {GRAPNEL_STATUS_IO, dlerror()};
  const auto* plugin = static_cast<const grapnel_plugin*>(dlsym(library, GRAPNEL_ENTRY_SYMBOL));
  if (plugin == nullptr) return {GRAPNEL_STATUS_NOT_FOUND, path + " has no " GRAPNEL_ENTRY_SYMBOL};
  if (type != plugin->type) return {GRAPNEL_STATUS_INVALID_ARGUMENT, path + " is a " + plugin->type};

  auto instance = std::make_unique<Instance>();
  instance->key = instance_key.empty() ? type : instance_key;
  instance->host = {sizeof(grapnel_host), GRAPNEL_ABI_MINOR,     "fake host",
                    GRAPNEL_VERSION,      instance->key.c_str(), this,
                    &get_service};
  ErrorRoom room;
  grapnel_status status = GRAPNEL_STATUS_OK;
  try {
    const OptionValues values(plugin->options, plugin->option_count, plugin->option_size, options);
    status = plugin->vtable->create(&instance->host, values.data(), values.count(), sizeof(grapnel_value),
                                    &instance->self, &room.error);
  } catch (const std::invalid_argument& refused) {
    return {GRAPNEL_STATUS_INVALID_ARGUMENT, refused.what()};
  }
  if (status != GRAPNEL_STATUS_OK) return room.result(status);
  instance->plugin = plugin;
  instances_.push_back(std::move(instance));
  return {};
}

CallResult FakeHost::call(const std::string& point, const char* text) {
  const PointRow& row = point_row(point);
  const bool in_iteration =
      ends_with(point, "_iter") || point == "after_backward" || point == "before_optimizer_step";
  grapnel_point_args args{};
  args.struct_size = sizeof args;
  args.point = row.point;
  args.mode = mode_of(point, state.mode);
  args.by_epoch = state.by_epoch;
  args.epoch = state.epoch;
  args.iter = state.iter;
  args.batch_idx = in_iteration ? state.batch_idx : -1;
  args.max_epochs = state.max_epochs;
  args.max_iters = state.max_iters;
  args.epoch_length = args.mode == GRAPNEL_MODE_TRAIN  ? state.train_epoch_length
                      : args.mode == GRAPNEL_MODE_VAL  ? state.val_epoch_length
                      : args.mode == GRAPNEL_MODE_TEST ? state.test_epoch_length
                                                       : 0;
  args.checkpoint_path =
      ends_with(point, "_checkpoint") ? (text != nullptr ? text : checkpoint.path.c_str()) : nullptr;
  args.message = point == "on_exception" || point == "on_interrupt" ? text : nullptr;

  current_point = row.point;
  CallResult result;
  for (const auto& instance : instances_) {
    const grapnel_point_fn function = instance->function(row);
    if (function == nullptr) continue;
    ErrorRoom room;
    result = room.result(function(instance->self, &args, &room.error));
    if (!result.ok()) break;
  }
  current_point = -1;
  return result;
}

CallResult FakeHost::train_iteration() {
  CallResult result = call("before_train_iter");
  if (result.ok()) result = call("after_train_iter");
  ++state.iter;
  ++state.batch_idx;
  if (state.by_epoch == 1 && state.batch_idx == state.train_epoch_length) {
    state.batch_idx = 0;
    ++state.epoch;
  }
  return result;
}

const FakeHost::Instance& FakeHost::instance_at(size_t index) const { return *instances_.at(index); }

const grapnel_plugin& FakeHost::plugin(size_t instance) const { return *instance_at(instance).plugin; }

bool FakeHost::subscribed(const std::string& point, size_t instance) const {
  return instance_at(instance).function(point_row(point)) != nullptr;
}

CallResult FakeHost::save_state(FakeState& saved, size_t index) {
  const Instance& instance = instance_at(index);
  if (instance.plugin->vtable->save_state == nullptr)
    return {GRAPNEL_STATUS_UNSUPPORTED, "the plugin has no state"};
  saved = {};
  saved.plugin_version = instance.plugin->version;
  const grapnel_state_writer writer{sizeof writer, 0, &saved, &write_bytes, &write_tensor};
  ErrorRoom room;
  return room.result(instance.plugin->vtable->save_state(instance.self, &writer, &room.error));
}

CallResult FakeHost::load_state(FakeState& saved, size_t index) {
  const Instance& instance = instance_at(index);
  if (instance.plugin->vtable->load_state == nullptr)
    return {GRAPNEL_STATUS_UNSUPPORTED, "the plugin has no state"};
  ReadPosition position{&saved};
  const grapnel_state_reader reader{sizeof reader,  0,           &position, saved.plugin_version.c_str(),
                                    &read_one_byte, &find_tensor};
  ErrorRoom room;
  return room.result(instance.plugin->vtable->load_state(instance.self, &reader, &room.error));
}

std::vector<LogLine> FakeHost::log_lines(const std::string& part, std::optional<int32_t> level) const {
  std::vector<LogLine> found;
  for (const LogLine& line : log) {
    if (line.text.find(part) != std::string::npos && (!level || *level == line.level)) found.push_back(line);
  }
  return found;
}

std::string FakeHost::log_text() const {
  std::string text;
  for (const LogLine& line : log) text += line.text + "\n";
  return text;
}

}  // namespace grapnel::testing
