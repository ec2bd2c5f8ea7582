// The border between a plugin and the host's C++, for every service: keeps exceptions inside, and copies structs
// whose size the caller's SDK decides. No LibTorch in here.
#pragma once

#include <grapnel/grapnel.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "runner/message_hub.hpp"

namespace grapnel::services {

// What a host's context starts with, whatever else it serves; HookHost is given a pointer to this part.
struct PlainContext {
  runner::MessageHub* message_hub = nullptr;
};

// Ends a service call with a status and one sentence.
class Refusal : public std::runtime_error {
 public:
  Refusal(grapnel_status status, const std::string& sentence)
      : std::runtime_error(sentence), status_(status) {}
  grapnel_status status() const noexcept { return status_; }

 private:
  grapnel_status status_;
};

// Throws Refusal when this host serves no run.
PlainContext& plain_context_for(const grapnel_host* host);

// The instance's key for log lines, "a hook" without one.
const char* caller_of(const grapnel_host* host) noexcept;

// Writes status and text where the caller gave room for it.
grapnel_status report(grapnel_error* error, grapnel_status status, const char* text) noexcept;
// To be called in a catch block: the exception as a status and its text.
grapnel_status report_current_exception(grapnel_error* error) noexcept;
// The same for functions that can't fail by their contract: a line in the log.
void log_current_exception(const grapnel_host* host, const char* function) noexcept;

template <class Body>
grapnel_status guarded(grapnel_error* error, Body&& body) noexcept {
  try {
    body();
    return GRAPNEL_STATUS_OK;
  } catch (...) {
    return report_current_exception(error);
  }
}

template <class Value, class Body>
Value guarded_value(const grapnel_host* host, const char* function, Value fallback, Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    log_current_exception(host, function);
    return fallback;
  }
}

// Throws Refusal(INVALID_ARGUMENT) for a null pointer.
template <class T>
T* required(T* pointer, const char* name) {
  if (pointer == nullptr) throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string(name) + " is NULL");
  return pointer;
}

// Gives `full` to a caller whose struct may be shorter (an older SDK) or longer (a newer one).
template <class T>
void hand_over(T* out, T full, const char* name) {
  required(out, name);
  const uint32_t size = out->struct_size;
  if (size < sizeof(uint32_t)) {
    throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string(name) + "->struct_size is not set");
  }
  full.struct_size = size;
  std::memcpy(static_cast<void*>(out), &full, std::min<size_t>(size, sizeof(T)));
}

// The caller's struct as this host knows it: what a shorter one lacks is zero.
template <class T>
T taken_from(const T* in, const char* name) {
  required(in, name);
  if (in->struct_size < sizeof(uint32_t)) {
    throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string(name) + "->struct_size is not set");
  }
  T full{};
  std::memcpy(static_cast<void*>(&full), in, std::min<size_t>(in->struct_size, sizeof(T)));
  return full;
}

}  // namespace grapnel::services
