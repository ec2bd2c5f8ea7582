// Room for the message of one call into a plugin. Where the treatment says so it is filled and fenced, so
// that what the callee did with it can be told.
#pragma once

#include <string>
#include <vector>

#include "conformance/in_memory_host.hpp"

namespace grapnel::conformance {

// The struct with something after it that nobody should look at: no address, no size.
template <class T>
Longer<T> longer(const T& known) {
  Longer<T> made{known, {}};
  std::fill(std::begin(made.beyond), std::end(made.beyond), uint64_t{0xbeef0000dead0001u});
  return made;
}

class ErrorRoom {
 public:
  ErrorRoom(const Treatment& treatment, const char* call);
  ErrorRoom(const ErrorRoom&) = delete;
  ErrorRoom& operator=(const ErrorRoom&) = delete;

  grapnel_error* raw() { return error_; }
  CallResult result(grapnel_status status) const;

 private:
  std::string problem(grapnel_status status) const;

  const Treatment& treatment_;
  uint64_t size_;
  std::vector<char> bytes_;
  char* text_ = nullptr;
  Longer<grapnel_error> room_{};
  grapnel_error* error_ = nullptr;
};

}  // namespace grapnel::conformance
