// Memory that is lent for the time of one callback: each thing on pages of its own, which are taken away when
// the callback has returned, and write-protected while what they hold is read-only. A plugin that keeps a
// pointer too long, or writes where it may only read, is stopped by the processor at that very moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grapnel::conformance {

enum class Access { kRead, kWrite };

class PageLender {
 public:
  // Reserves address space; a fault in it ends the case's process with a sentence. One at a time.
  PageLender();
  ~PageLender();
  PageLender(const PageLender&) = delete;
  PageLender& operator=(const PageLender&) = delete;

  // A copy of the bytes, on pages of its own. `what` ("the point's args") and `where` (the call) are
  // literals.
  void* lend(const void* bytes, size_t size, Access access, const char* what, const char* where);
  // Everything that was lent so far can no longer be touched.
  void take_back();
  // Bytes that are still there to be lent.
  size_t left() const;

  struct Loan {
    uintptr_t begin = 0, end = 0;
    bool is_out = false;
    const char* what = nullptr;
    const char* where = nullptr;
  };

 private:
  char* memory_;
  size_t used_ = 0;
  size_t first_out_ = 0;
  std::vector<Loan> loans_;
};

}  // namespace grapnel::conformance
