#include "conformance/call_trace.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace grapnel::conformance {

std::string in_call(const std::string& call) {
  if (call.empty()) return {};
  return call.rfind(kBeingLoaded, 0) == 0 ? " while it is loaded" : " in " + call;
}

CallTrace::CallTrace(int fd) {
  const int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* page = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (page == MAP_FAILED) throw std::bad_alloc();
  page_ = static_cast<char*>(page);
}

CallTrace::~CallTrace() { ::munmap(page_, kSize); }

namespace {

// The page: the call, then the circumstances, each with its NUL; in the last byte whether the process
// started.
constexpr size_t kHalf = CallTrace::kSize / 2 - 1;

void write_text(char* at, const char* text) {
  const size_t size = text != nullptr ? ::strnlen(text, kHalf - 1) : 0;
  if (size > 0) std::memcpy(at, text, size);
  at[size] = '\0';
}

}  // namespace

void CallTrace::enter(const char* call) {
  current_ = call;
  write_text(page_, call);
}

void CallTrace::note_start() { page_[kSize - 1] = 1; }
bool CallTrace::has_started() const { return page_[kSize - 1] != 0; }

void CallTrace::describe(const std::string& circumstances) {
  write_text(page_ + kHalf, circumstances.c_str());
}

std::string CallTrace::text() const {
  const std::string call(page_, ::strnlen(page_, kHalf));
  const std::string circumstances(page_ + kHalf, ::strnlen(page_ + kHalf, kHalf));
  return call.empty() || circumstances.empty() ? call : call + " (" + circumstances + ")";
}

}  // namespace grapnel::conformance
