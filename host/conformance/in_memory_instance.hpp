// One hook instance of the in-memory host, and what its services' functions do first. Included by the files
// that implement the host and by nobody else.
#pragma once

#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <string>

#include "conformance/error_room.hpp"
#include "conformance/in_memory_host.hpp"

namespace grapnel::conformance {

struct InMemoryHost::Instance {
  InMemoryHost* owner = nullptr;
  const grapnel_plugin* plugin = nullptr;
  grapnel_hook_vtable vtable{};
  std::string key;
  Longer<grapnel_host> host{};
  void* self = nullptr;
  bool is_alive = false;  // from create's beginning to destroy's end
};

// Runs a call into a plugin: whatever it does, what was lent is taken back and what it wrote is noted.
template <class Body>
CallResult InMemoryHost::guarded(const char* name, Body&& body) {
  train_thread_ = std::this_thread::get_id();
  current_call_ = name;
  if (recording != nullptr) note_contents(false);
  CallResult result;
  {
    const TracedCall traced(trace, name);
    ErrorRoom room(treatment, name);
    try {
      result = room.result(body(room.raw()));
    } catch (const abi::__forced_unwind&) {
      throw;  // the thread is being cancelled
    } catch (const std::exception& e) {
      result.threw = true;
      result.message = e.what();
    } catch (...) {
      result.threw = true;
      result.message = "an exception that is no std::exception";
    }
    take_back_loans();
  }
  if (result.threw) {
    result.status = GRAPNEL_STATUS_INTERNAL;
    watch.thrown.push_back(std::string(name) + ": " + result.message);
  }
  if (!result.buffer_problem.empty())
    watch.buffer_problems.push_back(std::string(name) + ": " + result.buffer_problem);
  const bool is_state_call = std::strstr(name, "_state") != nullptr;
  if (result.is_silent && !is_state_call) watch.silences.emplace_back(name);
  if (on_call_end) on_call_end(name);
  if (recording != nullptr) {
    note_contents(true);
    record(std::string(name) + " gives " + std::to_string(result.status));
  }
  current_call_ = "";
  return result;
}

// One call of a service function by a hook: notes what is to be noted, and holds the host's lock.
class ServiceCall {
 public:
  enum Tag { kTrainThread, kAnyThread };
  ServiceCall(const grapnel_host* host, const char* function, Tag tag)
      : instance_(*static_cast<InMemoryHost::Instance*>(host->data)), lock_(instance_.owner->mutex()) {
    ServiceWatch& watch = instance_.owner->watch;
    if (instance_.is_alive) watch.functions.insert(function);
    if (!instance_.is_alive) watch.after_destroy.emplace_back(function);
    if (tag == kTrainThread && !instance_.owner->is_train_thread()) watch.wrong_thread.emplace_back(function);
  }
  InMemoryHost& host() const { return *instance_.owner; }

 private:
  InMemoryHost::Instance& instance_;
  std::lock_guard<std::recursive_mutex> lock_;
};

// Writes where the caller gave room for it.
inline grapnel_status refuse(grapnel_error* error, grapnel_status status, const std::string& text) {
  if (error == nullptr) return status;
  error->code = status;
  if (error->text == nullptr || error->capacity == 0) return status;
  const size_t size = std::min<size_t>(text.size(), error->capacity - 1);
  std::memcpy(error->text, text.data(), size);
  error->text[size] = '\0';
  return status;
}

// The same for a function that can fail, and that the treatment may make fail.
class FallibleCall : public ServiceCall {
 public:
  FallibleCall(const grapnel_host* host, const char* function, grapnel_error* error)
      : ServiceCall(host, function, kTrainThread) {
    InMemoryHost& its = this->host();
    its.watch.fallible_functions.insert(function);
    const bool is_the_nth = its.watch.fallible_calls++ == its.treatment.failing_call;
    if (is_the_nth || its.treatment.failing_function == function) {
      fails_ = true;
      refuse(error, GRAPNEL_STATUS_IO, its.treatment.failure);
    }
  }
  bool fails() const { return fails_; }
  static constexpr grapnel_status status = GRAPNEL_STATUS_IO;

 private:
  bool fails_ = false;
};

inline bool is_at(const InMemoryHost& host, std::initializer_list<int32_t> points) {
  return std::find(points.begin(), points.end(), host.current_point) != points.end();
}

// Fills at most the caller's struct_size bytes, as a host of any age does.
template <class T>
void fill(T* target, T source) {
  const uint32_t size = std::min<uint32_t>(target->struct_size, sizeof(T));
  source.struct_size = target->struct_size;
  std::memcpy(static_cast<void*>(target), &source, size);
}

}  // namespace grapnel::conformance
