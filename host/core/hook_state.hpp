// The two ends of a hook's state: the writer that collects what save_state gives, and the reader that hands a
// stored state back to load_state.
#pragma once

#include <grapnel/state.h>

#include <deque>
#include <vector>

#include "core/hook_host.hpp"

namespace grapnel {

// Collects into `state`; both must outlive the call of save_state.
class StateCollector {
 public:
  explicit StateCollector(HookState& state);
  StateCollector(const StateCollector&) = delete;
  StateCollector& operator=(const StateCollector&) = delete;
  const grapnel_state_writer* table() const { return &table_; }

 private:
  grapnel_state_writer table_;
};

// Reads from `state`, which must outlive it; the tensor views it gives live as long as itself.
class StateSource {
 public:
  explicit StateSource(const HookState& state);
  StateSource(const StateSource&) = delete;
  StateSource& operator=(const StateSource&) = delete;
  const grapnel_state_reader* table() const { return &table_; }

 private:
  struct Layout {
    std::vector<int64_t> shape;
    std::vector<int64_t> strides;
  };
  static grapnel_status read(void* stream, void* bytes, uint64_t capacity, uint64_t* got,
                             grapnel_error* error);
  static grapnel_status find_tensor(void* stream, const char* name, grapnel_tensor* tensor,
                                    grapnel_error* error);

  const HookState& state_;
  size_t position_ = 0;
  std::deque<Layout> layouts_;
  grapnel_state_reader table_;
};

// Copies status and text into the caller's buffer, cut to fit at a character's border; gives the status back.
grapnel_status report_status(grapnel_error* error, grapnel_status status, const char* text) noexcept;

}  // namespace grapnel
