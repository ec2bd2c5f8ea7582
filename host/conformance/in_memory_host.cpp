#include "conformance/in_memory_host.hpp"

#include <dlfcn.h>

#include <stdexcept>

#include "conformance/in_memory_instance.hpp"
#include "core/descriptor_check.hpp"
#include "core/failure.hpp"
#include "core/point_table.hpp"

namespace grapnel::conformance {

namespace {

int32_t point_number(const std::string& name) {
  for (size_t i = 0; i < kPoints.size(); ++i) {
    if (name == kPoints[i].name) return static_cast<int32_t>(i);
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

// Everything that the values point to, lent with them.
class LentValues {
 public:
  LentValues(PageLender& lender, const OptionValues& values) : lender_(lender) {
    for (size_t i = 0; i < values.size(); ++i) {
      grapnel_value value = values[i];
      value.name = text(value.name);
      value.text = text(value.text);
      value.integers = items(value.integers, value.count);
      value.numbers = items(value.numbers, value.count);
      if (value.texts != nullptr) {
        std::vector<const char*> texts;
        for (uint64_t t = 0; t < value.count; ++t) texts.push_back(text(value.texts[t]));
        value.texts = items(texts.data(), texts.size());
      }
      values_.push_back(value);
    }
  }
  const grapnel_value* data() { return items(values_.data(), values_.size()); }

 private:
  template <class T>
  const T* items(const T* first, uint64_t count) {
    if (first == nullptr) return nullptr;
    return static_cast<const T*>(
        lender_.lend(first, count * sizeof(T), Access::kRead, "an option's value", "create"));
  }
  const char* text(const char* value) {
    return value == nullptr ? nullptr : items(value, std::strlen(value) + 1);
  }

  PageLender& lender_;
  std::vector<grapnel_value> values_;
};

const void* get_service(const grapnel_host* host, const char* id) {
  const ServiceCall call(host, "get_service", ServiceCall::kAnyThread);
  if (id == nullptr || call.host().missing_services.count(id) != 0) return nullptr;
  return in_memory_service(id, call.host().treatment.is_newer);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const CallResult& result) {
  return out << "status " << result.status << ": " << result.message;
}

ModuleAttribute ModuleAttribute::boolean(std::string name, bool value, bool writable) {
  ModuleAttribute attribute;
  attribute.name = std::move(name);
  attribute.integer = value ? 1 : 0;
  attribute.writable = writable;
  return attribute;
}

ModuleAttribute ModuleAttribute::integer_value(std::string name, int64_t value, bool writable) {
  ModuleAttribute attribute;
  attribute.name = std::move(name);
  attribute.kind = GRAPNEL_KIND_INT;
  attribute.integer = value;
  attribute.writable = writable;
  return attribute;
}

InMemoryHost::InMemoryHost() : train_thread_(std::this_thread::get_id()) {
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

InMemoryHost::~InMemoryHost() { destroy(); }

const char* InMemoryHost::keep(const std::string& text) { return kept_.insert(text).first->c_str(); }

const char* InMemoryHost::lend(const std::string& text, const char* what) {
  if (treatment.lender == nullptr) return keep(text);
  return static_cast<const char*>(
      treatment.lender->lend(text.c_str(), text.size() + 1, Access::kRead, what, current_call_));
}

grapnel_tensor InMemoryHost::lend(PlainTensor& tensor, Access access, const char* what) {
  grapnel_tensor view = tensor.view();
  if (treatment.lender == nullptr) return view;
  for (const TensorLoan& loan : tensor_loans_) {
    if (loan.tensor == &tensor) return loan.view;
  }
  PageLender& lender = *treatment.lender;
  const auto sides = [&](int64_t* values) {
    return static_cast<int64_t*>(lender.lend(values, static_cast<size_t>(view.ndim) * sizeof(int64_t),
                                             Access::kRead, "a view's shape and strides", current_call_));
  };
  view.shape = sides(view.shape);
  view.strides = sides(view.strides);
  if (view.data != nullptr)
    view.data = lender.lend(tensor.storage().data(), tensor.storage().size(), access, what, current_call_);
  tensor_loans_.push_back({&tensor, view, access});
  return view;
}

void InMemoryHost::take_back_loans() {
  if (treatment.lender == nullptr) return;
  for (const TensorLoan& loan : tensor_loans_) {
    if (loan.access == Access::kWrite && loan.view.data != nullptr) loan.tensor->take_storage(loan.view.data);
  }
  tensor_loans_.clear();
  treatment.lender->take_back();
}

// Contents of tensors that differ from what was known of them. What the run itself changed is no write of a
// hook's.
void InMemoryHost::note_contents(bool is_hooks_write) {
  const auto look = [&](const std::string& name, const PlainTensor& tensor) {
    const uint64_t hash = tensor.hash();
    const auto [known, is_new] = known_contents_.emplace(name, hash);
    if (is_new || known->second == hash) return;
    known->second = hash;
    if (is_hooks_write) record("the contents of " + name + " become " + std::to_string(hash));
  };
  for (const auto& each : parameters) look("parameter " + each.name, each.tensor);
  for (const auto& each : buffers) look("buffer " + each.name, each.tensor);
  for (const auto& each : gradients) look("gradient " + each.name, each.tensor);
  for (const auto& [name, tensor] : batch) look("batch " + name, tensor);
}

void InMemoryHost::destroy() {
  while (!instances_.empty()) destroy_one(instances_.size() - 1);
}

void InMemoryHost::destroy_one(size_t index) {
  std::unique_ptr<Instance> instance = std::move(instances_.at(index));
  instances_.erase(instances_.begin() + static_cast<std::ptrdiff_t>(index));
  guarded("destroy", [&](grapnel_error*) {
    instance->vtable.destroy(instance->self);
    return grapnel_status{GRAPNEL_STATUS_OK};
  });
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  instance->is_alive = false;
  gone_.push_back(std::move(instance));
}

CallResult InMemoryHost::load_file(const std::string& path, const OptionTexts& options,
                                   const std::string& instance_key) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed, as the contract says
  const auto refused = [](grapnel_status status, const std::string& why) {
    CallResult result;
    result.status = status;
    result.message = why;
    return result;
  };
  if (library == nullptr) return refused(GRAPNEL_STATUS_IO, ::dlerror());
  const auto* plugin = static_cast<const grapnel_plugin*>(::dlsym(library, GRAPNEL_ENTRY_SYMBOL));
  if (plugin == nullptr) return refused(GRAPNEL_STATUS_NOT_FOUND, path + " has no " GRAPNEL_ENTRY_SYMBOL);
  const std::string problem = check_descriptor(*plugin);
  if (!problem.empty()) return refused(GRAPNEL_STATUS_INVALID_ARGUMENT, problem);
  try {
    const OptionValues values = read_option_texts(known_options(*plugin), options);
    return create(*plugin, values, instance_key);
  } catch (const Failure& failure) {
    return refused(GRAPNEL_STATUS_INVALID_ARGUMENT, failure.what());
  }
}

CallResult InMemoryHost::create(const grapnel_plugin& plugin, const OptionValues& values,
                                const std::string& instance_key) {
  if (treatment.lender == nullptr)
    return create_raw(plugin, values.data(), values.size(), sizeof(grapnel_value), instance_key);
  current_call_ = "create";
  LentValues lent(*treatment.lender, values);
  return create_raw(plugin, lent.data(), values.size(), sizeof(grapnel_value), instance_key);
}

CallResult InMemoryHost::create_raw(const grapnel_plugin& plugin, const grapnel_value* values, uint64_t count,
                                    uint64_t value_size, const std::string& instance_key) {
  auto instance = std::make_unique<Instance>();
  instance->owner = this;
  instance->plugin = &plugin;
  instance->vtable = known_vtable(*plugin.vtable);
  instance->key = instance_key.empty() ? plugin.type : instance_key;
  instance->is_alive = true;
  instance->host = longer(grapnel_host{sizeof(grapnel_host), GRAPNEL_ABI_MINOR, "in-memory host",
                                       GRAPNEL_VERSION, instance->key.c_str(), instance.get(), &get_service});
  if (treatment.is_newer) {
    instance->host.known.struct_size = sizeof instance->host;
    instance->host.known.abi_minor = GRAPNEL_ABI_MINOR + 7;
    instance->host.known.version = "99.0.0";
  }
  const CallResult result = guarded("create", [&](grapnel_error* error) {
    return instance->vtable.create(&instance->host.known, values, count, value_size, &instance->self, error);
  });
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  instance->is_alive = result.ok();
  (result.ok() ? instances_ : gone_).push_back(std::move(instance));
  return result;
}

size_t InMemoryHost::instance_count() const { return instances_.size(); }

CallResult InMemoryHost::call(const std::string& point, const char* text) {
  const int32_t number = point_number(point);
  const bool in_iteration =
      ends_with(point, "_iter") || point == "after_backward" || point == "before_optimizer_step";
  grapnel_point_args args{};
  args.struct_size = sizeof args;
  args.point = number;
  args.mode = mode_of(point, state.mode);
  args.by_epoch = state.by_epoch;
  args.epoch = state.epoch;
  args.iter = state.iter;
  args.batch_idx = in_iteration ? state.batch_idx : point == "on_exception" ? exception_batch_idx : -1;
  args.max_epochs = state.max_epochs;
  args.max_iters = state.max_iters;
  args.epoch_length = args.mode == GRAPNEL_MODE_TRAIN  ? state.train_epoch_length
                      : args.mode == GRAPNEL_MODE_VAL  ? state.val_epoch_length
                      : args.mode == GRAPNEL_MODE_TEST ? state.test_epoch_length
                                                       : 0;
  const char* path =
      ends_with(point, "_checkpoint") ? (text != nullptr ? text : checkpoint.path.c_str()) : nullptr;
  const char* message = point == "on_exception" || point == "on_interrupt" ? text : nullptr;

  current_point = number;
  CallResult result;
  const char* name = kPoints[static_cast<size_t>(number)].name;
  for (const auto& instance : instances_) {
    const grapnel_point_fn function = instance->vtable.*kPoints[static_cast<size_t>(number)].slot;
    if (function == nullptr) continue;
    current_call_ = name;
    args.checkpoint_path = path != nullptr ? lend(path, "the point's checkpoint_path") : nullptr;
    args.message = message != nullptr ? lend(message, "the point's message") : nullptr;
    Longer<grapnel_point_args> shown = longer(args);
    if (treatment.is_newer) shown.known.struct_size = sizeof shown;
    const grapnel_point_args* lent = &shown.known;
    if (treatment.lender != nullptr) {
      const size_t size = treatment.is_newer ? sizeof shown : sizeof args;
      lent = static_cast<const grapnel_point_args*>(
          treatment.lender->lend(&shown, size, Access::kRead, "the point's args", name));
    } else {
      shown_args_ =
          shown;  // one place for as long as the host: a hook that keeps it is another case's subject
      lent = &shown_args_.known;
    }
    result = guarded(name, [&](grapnel_error* error) { return function(instance->self, lent, error); });
    if (!result.ok()) break;
  }
  current_point = -1;
  return result;
}

CallResult InMemoryHost::train_iteration() {
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

const InMemoryHost::Instance& InMemoryHost::instance_at(size_t index) const { return *instances_.at(index); }

const grapnel_plugin& InMemoryHost::plugin(size_t instance) const { return *instance_at(instance).plugin; }

bool InMemoryHost::subscribed(const std::string& point, size_t instance) const {
  return instance_at(instance).vtable.*kPoints[static_cast<size_t>(point_number(point))].slot != nullptr;
}

std::vector<LogLine> InMemoryHost::log_lines(const std::string& part, std::optional<int32_t> level) const {
  std::vector<LogLine> found;
  for (const LogLine& line : log) {
    if (line.text.find(part) != std::string::npos && (!level || *level == line.level)) found.push_back(line);
  }
  return found;
}

std::string InMemoryHost::log_text() const {
  std::string text;
  for (const LogLine& line : log) text += line.text + "\n";
  return text;
}

}  // namespace grapnel::conformance
