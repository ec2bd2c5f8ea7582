// The C++17 authoring layer: derive from grapnel::Hook, override the points you need, export with one macro.
//
//   class Greeter : public grapnel::Hook {
//    public:
//     explicit Greeter(const grapnel::Setup& setup) : Hook(setup), name_(setup.text("name")) {}
//     void before_run(const grapnel::Point&) override { log().info("hello, " + name_); }
//    private:
//     std::string name_;
//   };
//   GRAPNEL_HOOK(Greeter, "1.0.0", "Says hello when the run starts",
//                grapnel::string_option("name", "\"world\"", "whom to greet"))
//
// Points that are not overridden stay null in the vtable and cost nothing. Exceptions never cross the border:
// throw grapnel::Error (or anything) and the host is told with its text. A plugin may be built by any
// compiler: everything in here is inline and stays inside the plugin.
#pragma once

#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "grapnel.h"
#include "hook_services.hpp"

namespace grapnel {

// ---- options -------------------------------------------------------------------------------------------

using Option = grapnel_option;

namespace detail {
constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// `default_text` nullptr: required, or optional when `optional`.
constexpr Option make_option(int32_t kind, const char* name, const char* default_text, const char* summary,
                             double min = -kUnbounded, double max = kUnbounded) {
  return Option{sizeof(Option), kind, default_text ? GRAPNEL_OPTION_DEFAULTED : GRAPNEL_OPTION_REQUIRED,
                0,              name, summary, default_text, min, max, nullptr, 0, 0, 0};
}
}  // namespace detail

// `default_text` is what one would write in the config ("50", "[14, 26]"); nullptr makes the option required.
constexpr Option bool_option(const char* name, const char* default_text, const char* summary) {
  return detail::make_option(GRAPNEL_KIND_BOOL, name, default_text, summary);
}
constexpr Option int_option(const char* name, const char* default_text, const char* summary,
                            double min = -detail::kUnbounded, double max = detail::kUnbounded) {
  return detail::make_option(GRAPNEL_KIND_INT, name, default_text, summary, min, max);
}
constexpr Option float_option(const char* name, const char* default_text, const char* summary,
                              double min = -detail::kUnbounded, double max = detail::kUnbounded) {
  return detail::make_option(GRAPNEL_KIND_FLOAT, name, default_text, summary, min, max);
}
constexpr Option string_option(const char* name, const char* default_text, const char* summary) {
  return detail::make_option(GRAPNEL_KIND_STRING, name, default_text, summary);
}
// One of `choices`, an array with static storage.
template <size_t N>
constexpr Option choice_option(const char* name, const char* default_text, const char* summary,
                               const char* const (&choices)[N]) {
  Option option = string_option(name, default_text, summary);
  option.choices = choices;
  option.choice_count = N;
  return option;
}
// Lists of `min_items` to `max_items` items; max_items 0: any number.
constexpr Option list_option(int32_t kind, const char* name, const char* default_text, const char* summary,
                             size_t min_items = 0, size_t max_items = 0, double min = -detail::kUnbounded,
                             double max = detail::kUnbounded) {
  Option option = detail::make_option(kind, name, default_text, summary, min, max);
  option.min_items = min_items;
  option.max_items = max_items;
  return option;
}
constexpr Option int_list_option(const char* name, const char* default_text, const char* summary,
                                 size_t min_items = 0, size_t max_items = 0, double min = -detail::kUnbounded,
                                 double max = detail::kUnbounded) {
  return list_option(GRAPNEL_KIND_INT_LIST, name, default_text, summary, min_items, max_items, min, max);
}
constexpr Option float_list_option(const char* name, const char* default_text, const char* summary,
                                   size_t min_items = 0, size_t max_items = 0,
                                   double min = -detail::kUnbounded, double max = detail::kUnbounded) {
  return list_option(GRAPNEL_KIND_FLOAT_LIST, name, default_text, summary, min_items, max_items, min, max);
}
constexpr Option string_list_option(const char* name, const char* default_text, const char* summary) {
  return list_option(GRAPNEL_KIND_STRING_LIST, name, default_text, summary);
}
// Any value, nested tables and lists too, delivered as JSON text.
constexpr Option tree_option(const char* name, const char* default_text, const char* summary) {
  return detail::make_option(GRAPNEL_KIND_TREE, name, default_text, summary);
}
// The same option, but it may be left out: Setup::has() tells.
constexpr Option optional(Option option) {
  option.presence = GRAPNEL_OPTION_OPTIONAL;
  option.default_text = nullptr;
  return option;
}

// What a hook's constructor gets: the host and the checked options. Throws std::logic_error when asked for an
// option that the table doesn't declare, or by another kind.
class Setup {
 public:
  Setup(const grapnel_host* host, const grapnel_value* values, uint64_t count, uint64_t value_size)
      : host_(host), values_(values), count_(count), value_size_(value_size) {}

  const grapnel_host* host() const { return host_; }
  // False for an optional option that the config leaves out.
  bool has(const char* name) const { return find(name).is_set != 0; }
  bool boolean(const char* name) const { return get(name, GRAPNEL_KIND_BOOL).integer != 0; }
  int64_t integer(const char* name) const { return get(name, GRAPNEL_KIND_INT).integer; }
  double number(const char* name) const { return get(name, GRAPNEL_KIND_FLOAT).number; }
  std::string text(const char* name) const { return get(name, GRAPNEL_KIND_STRING).text; }
  std::string json(const char* name) const { return get(name, GRAPNEL_KIND_TREE).text; }
  std::vector<bool> booleans(const char* name) const {
    const grapnel_value& value = get(name, GRAPNEL_KIND_BOOL_LIST);
    return std::vector<bool>(value.integers, value.integers + value.count);
  }
  std::vector<int64_t> integers(const char* name) const {
    const grapnel_value& value = get(name, GRAPNEL_KIND_INT_LIST);
    return {value.integers, value.integers + value.count};
  }
  std::vector<double> numbers(const char* name) const {
    const grapnel_value& value = get(name, GRAPNEL_KIND_FLOAT_LIST);
    return {value.numbers, value.numbers + value.count};
  }
  std::vector<std::string> texts(const char* name) const {
    const grapnel_value& value = get(name, GRAPNEL_KIND_STRING_LIST);
    return {value.texts, value.texts + value.count};
  }

 private:
  const grapnel_value& find(const char* name) const {
    const char* at = reinterpret_cast<const char*>(values_);
    for (uint64_t i = 0; i < count_; ++i, at += value_size_) {
      const auto& value = *reinterpret_cast<const grapnel_value*>(at);
      if (std::strcmp(value.name, name) == 0) return value;
    }
    throw std::logic_error(std::string("the hook reads the option '") + name + "', which its table lacks");
  }
  const grapnel_value& get(const char* name, int32_t kind) const {
    const grapnel_value& value = find(name);
    if (value.kind != kind || !value.is_set) {
      throw std::logic_error(std::string("the hook reads the option '") + name +
                             (value.is_set ? "' as another kind" : "', which is not set"));
    }
    return value;
  }

  const grapnel_host* host_;
  const grapnel_value* values_;
  uint64_t count_;
  uint64_t value_size_;
};

// ---- state ---------------------------------------------------------------------------------------------

class StateWriter {
 public:
  explicit StateWriter(const grapnel_state_writer* writer) : writer_(writer) {}
  void bytes(const void* data, size_t size) {
    detail::ErrorText error;
    error.check(writer_->write(writer_->stream, data, size, error.raw()));
  }
  void integer(int64_t value) { bytes(&value, sizeof value); }
  void number(double value) { bytes(&value, sizeof value); }
  void text(const std::string& value) {
    integer(static_cast<int64_t>(value.size()));
    bytes(value.data(), value.size());
  }
  void tensor(const std::string& name, const grapnel_tensor& value) {
    detail::ErrorText error;
    error.check(writer_->write_tensor(writer_->stream, name.c_str(), &value, error.raw()));
  }

 private:
  const grapnel_state_writer* writer_;
};

// Reads back what StateWriter wrote, in the same order; throws grapnel::Error when the state ends early.
class StateReader {
 public:
  explicit StateReader(const grapnel_state_reader* reader) : reader_(reader) {}
  std::string plugin_version() const { return reader_->plugin_version; }
  void bytes(void* data, size_t size) {
    auto* at = static_cast<char*>(data);
    while (size > 0) {
      detail::ErrorText error;
      uint64_t got = 0;
      error.check(reader_->read(reader_->stream, at, size, &got, error.raw()));
      if (got == 0 || got > size) throw Error("the saved state ends early");
      at += got;
      size -= static_cast<size_t>(got);
    }
  }
  int64_t integer() { int64_t value = 0; bytes(&value, sizeof value); return value; }
  double number() { double value = 0; bytes(&value, sizeof value); return value; }
  std::string text() {
    const int64_t size = integer();
    if (size < 0 || size > (int64_t{1} << 24)) throw Error("the saved state holds a text of impossible length");
    std::string value(static_cast<size_t>(size), '\0');
    if (size > 0) bytes(&value[0], value.size());
    return value;
  }
  // A contiguous view, valid until load_state returns.
  grapnel_tensor tensor(const std::string& name) {
    detail::ErrorText error;
    grapnel_tensor view{};
    error.check(reader_->find_tensor(reader_->stream, name.c_str(), &view, error.raw()));
    return view;
  }

 private:
  const grapnel_state_reader* reader_;
};

// ---- the hook ------------------------------------------------------------------------------------------

using Point = grapnel_point_args;

class Hook {
 public:
  explicit Hook(const Setup& setup)
      : host_(setup.host()), log_(host_), runner_(host_), values_(host_), model_(host_), optimizer_(host_),
        data_(host_), collectives_(host_), message_hub_(host_), checkpoint_(host_) {}
  virtual ~Hook() = default;
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  // What a subclass may redeclare: how the plugin introduces itself.
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_NORMAL;
  static constexpr const char* author = "";
  static constexpr const char* license = "";

  virtual void before_run(const Point&) {}
  virtual void after_run(const Point&) {}
  virtual void before_train(const Point&) {}
  virtual void after_train(const Point&) {}
  virtual void before_train_epoch(const Point&) {}
  virtual void after_train_epoch(const Point&) {}
  virtual void before_train_iter(const Point&) {}
  virtual void after_train_iter(const Point&) {}
  virtual void before_val(const Point&) {}
  virtual void after_val(const Point&) {}
  virtual void before_val_epoch(const Point&) {}
  virtual void after_val_epoch(const Point&) {}
  virtual void before_val_iter(const Point&) {}
  virtual void after_val_iter(const Point&) {}
  virtual void before_test(const Point&) {}
  virtual void after_test(const Point&) {}
  virtual void before_test_epoch(const Point&) {}
  virtual void after_test_epoch(const Point&) {}
  virtual void before_test_iter(const Point&) {}
  virtual void after_test_iter(const Point&) {}
  virtual void before_save_checkpoint(const Point&) {}
  virtual void after_load_checkpoint(const Point&) {}
  virtual void after_save_checkpoint(const Point&) {}
  virtual void after_backward(const Point&) {}
  virtual void before_optimizer_step(const Point&) {}
  virtual void on_exception(const Point&) {}
  virtual void on_interrupt(const Point&) {}

  virtual void save_state(StateWriter&) {}
  virtual void load_state(StateReader&) {}

  // MMEngine's helpers, with MMEngine's meaning: counters are 0-based, so the n-th is at n - 1.
  static bool every_n_epochs(const Point& at, int64_t n, int64_t start = 0) {
    return n > 0 && at.epoch + 1 - start >= 0 && (at.epoch + 1 - start) % n == 0;
  }
  static bool every_n_inner_iters(const Point& at, int64_t n) { return n > 0 && (at.batch_idx + 1) % n == 0; }
  static bool every_n_train_iters(const Point& at, int64_t n, int64_t start = 0) {
    return n > 0 && at.iter + 1 - start >= 0 && (at.iter + 1 - start) % n == 0;
  }
  static bool end_of_epoch(const Point& at) { return at.epoch_length > 0 && at.batch_idx + 1 == at.epoch_length; }
  static bool is_last_train_epoch(const Point& at) { return at.epoch + 1 == at.max_epochs; }
  static bool is_last_train_iter(const Point& at) { return at.iter + 1 == at.max_iters; }

 protected:
  // The host's services. Each has exists(); using one that this host lacks throws grapnel::Error.
  const LogService& log() const { return log_; }
  const RunnerService& runner() const { return runner_; }
  const ValuesService& values() const { return values_; }
  const ModelService& model() const { return model_; }
  const OptimizerService& optimizer() const { return optimizer_; }
  const DataService& data() const { return data_; }
  const CollectivesService& collectives() const { return collectives_; }
  const MessageHubService& message_hub() const { return message_hub_; }
  const CheckpointService& checkpoint() const { return checkpoint_; }
  const char* instance_key() const { return host_->instance_key; }

 private:
  const grapnel_host* host_;
  LogService log_;
  RunnerService runner_;
  ValuesService values_;
  ModelService model_;
  OptimizerService optimizer_;
  DataService data_;
  CollectivesService collectives_;
  MessageHubService message_hub_;
  CheckpointService checkpoint_;
};

// ---- export --------------------------------------------------------------------------------------------

namespace detail {

// Runs `body`; whatever it throws becomes a status and a text, so that no exception leaves the plugin.
template <class Body>
grapnel_status guarded(grapnel_error* error, Body&& body) noexcept {
  try {
    body();
    return GRAPNEL_STATUS_OK;
  } catch (const std::bad_alloc&) {
    return write_error(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  } catch (const Error& e) {
    return write_error(error, e.status(), e.what());
  } catch (const std::exception& e) {
    return write_error(error, GRAPNEL_STATUS_INTERNAL, e.what());
  } catch (...) {
    return write_error(error, GRAPNEL_STATUS_INTERNAL, "an exception that is no std::exception");
  }
}

using HookPoint = void (Hook::*)(const Point&);

// The trampoline for point `Method` of hook T, null if T inherits Hook's own empty one.
template <class T, auto Method>
constexpr grapnel_point_fn trampoline() {
  if constexpr (std::is_same_v<decltype(Method), HookPoint>) {
    return nullptr;
  } else {
    return [](void* self, const grapnel_point_args* args, grapnel_error* error) -> grapnel_status {
      return guarded(error, [&] { (static_cast<T*>(self)->*Method)(*args); });
    };
  }
}

template <class T>
grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                      uint64_t value_size, void** self, grapnel_error* error) {
  return guarded(error, [&] { *self = new T(Setup(host, values, count, value_size)); });
}
template <class T>
void destroy(void* self) {
  delete static_cast<T*>(self);
}
template <class T>
constexpr auto save_state() -> decltype(grapnel_hook_vtable::save_state) {
  if constexpr (std::is_same_v<decltype(&T::save_state), void (Hook::*)(StateWriter&)>) {
    return nullptr;
  } else {
    return [](void* self, const grapnel_state_writer* writer, grapnel_error* error) -> grapnel_status {
      return guarded(error, [&] { StateWriter out(writer); static_cast<T*>(self)->save_state(out); });
    };
  }
}
template <class T>
constexpr auto load_state() -> decltype(grapnel_hook_vtable::load_state) {
  if constexpr (std::is_same_v<decltype(&T::load_state), void (Hook::*)(StateReader&)>) {
    return nullptr;
  } else {
    return [](void* self, const grapnel_state_reader* reader, grapnel_error* error) -> grapnel_status {
      return guarded(error, [&] { StateReader in(reader); static_cast<T*>(self)->load_state(in); });
    };
  }
}

template <class T>
constexpr grapnel_hook_vtable make_vtable() {
  return grapnel_hook_vtable{
      sizeof(grapnel_hook_vtable), 0, &create<T>, &destroy<T>, save_state<T>(), load_state<T>(),
      trampoline<T, &T::before_run>(), trampoline<T, &T::after_run>(), trampoline<T, &T::before_train>(),
      trampoline<T, &T::after_train>(), trampoline<T, &T::before_train_epoch>(),
      trampoline<T, &T::after_train_epoch>(), trampoline<T, &T::before_train_iter>(),
      trampoline<T, &T::after_train_iter>(), trampoline<T, &T::before_val>(), trampoline<T, &T::after_val>(),
      trampoline<T, &T::before_val_epoch>(), trampoline<T, &T::after_val_epoch>(),
      trampoline<T, &T::before_val_iter>(), trampoline<T, &T::after_val_iter>(),
      trampoline<T, &T::before_test>(), trampoline<T, &T::after_test>(), trampoline<T, &T::before_test_epoch>(),
      trampoline<T, &T::after_test_epoch>(), trampoline<T, &T::before_test_iter>(),
      trampoline<T, &T::after_test_iter>(), trampoline<T, &T::before_save_checkpoint>(),
      trampoline<T, &T::after_load_checkpoint>(), trampoline<T, &T::after_save_checkpoint>(),
      trampoline<T, &T::after_backward>(), trampoline<T, &T::before_optimizer_step>(),
      trampoline<T, &T::on_exception>(), trampoline<T, &T::on_interrupt>()};
}

// The macro's variable part: the summary, then the options.
template <size_t N>
struct Description {
  const char* summary;
  Option options[N > 0 ? N : 1];
  static constexpr size_t option_count = N;
};
template <class... Options>
constexpr Description<sizeof...(Options)> describe(const char* summary, Options... options) {
  return {summary, {options...}};
}

}  // namespace detail
}  // namespace grapnel

// LibTorch's version, when grapnel/torch.hpp was included before.
#ifndef GRAPNEL_BUILT_AGAINST_TORCH
#define GRAPNEL_BUILT_AGAINST_TORCH ""
#endif

// GRAPNEL_HOOK(Class, "version", "summary", option...): exports Class as the plugin's hook type. The type name
// is the class's unqualified name. Use it once, at namespace scope, in one source file.
#define GRAPNEL_HOOK(Class, version_text, ...)                                                                 \
  static constexpr auto grapnel_description = ::grapnel::detail::describe(__VA_ARGS__);                        \
  static constexpr grapnel_hook_vtable grapnel_vtable = ::grapnel::detail::make_vtable<Class>();               \
  GRAPNEL_PLUGIN_NOTE(#Class, GRAPNEL_BUILT_AGAINST_TORCH);                                                    \
  GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),                             \
                                                           GRAPNEL_ABI_MAJOR,                                  \
                                                           GRAPNEL_REQUIRED_ABI_MINOR,                         \
                                                           Class::default_priority,                            \
                                                           #Class,                                             \
                                                           version_text,                                       \
                                                           Class::author,                                      \
                                                           Class::license,                                     \
                                                           grapnel_description.summary,                        \
                                                           GRAPNEL_BUILT_AGAINST_TORCH,                        \
                                                           grapnel_description.options,                        \
                                                           grapnel_description.option_count,                   \
                                                           sizeof(grapnel_option),                             \
                                                           &grapnel_vtable}
