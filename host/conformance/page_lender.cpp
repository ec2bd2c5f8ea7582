#include "conformance/page_lender.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include "conformance/case_process.hpp"

namespace grapnel::conformance {
namespace {

constexpr size_t kReserve = size_t{4} << 30;  // of address space
constexpr size_t kMostLoans = 400'000;

const std::vector<PageLender::Loan>* watched = nullptr;

// Only what POSIX allows in a handler, and snprintf of plain strings, which glibc does without memory of its
// own.
void on_fault(int number, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (watched != nullptr) {
    for (const PageLender::Loan& loan : *watched) {
      if (address < loan.begin || address >= loan.end) continue;
      char text[400];
      if (loan.is_out) {
        std::snprintf(text, sizeof text, "it wrote to %s, lent read-only in %s", loan.what, loan.where);
      } else {
        std::snprintf(text, sizeof text, "it used %s, lent in %s, after that call had returned", loan.what,
                      loan.where);
      }
      end_case_process(Verdict::kFail, text);
    }
  }
  // Not ours: the crash that it is.
  ::signal(number, SIG_DFL);
}

size_t page_size() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

PageLender::PageLender() {
  void* memory = ::mmap(nullptr, kReserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(memory);
  loans_.reserve(kMostLoans);  // the handler walks it: it must not move
  watched = &loans_;

  static char stack[64 * 1024];
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  ::sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
  ::sigaction(SIGBUS, &action, nullptr);
}

PageLender::~PageLender() {
  watched = nullptr;
  ::signal(SIGSEGV, SIG_DFL);
  ::signal(SIGBUS, SIG_DFL);
  ::munmap(memory_, kReserve);
}

size_t PageLender::left() const { return loans_.size() < kMostLoans ? kReserve - used_ : 0; }

void* PageLender::lend(const void* bytes, size_t size, Access access, const char* what, const char* where) {
  const size_t pages = (std::max<size_t>(size, 1) + page_size() - 1) / page_size() * page_size();
  if (left() < pages) throw std::bad_alloc();
  char* at = memory_ + used_;
  if (::mprotect(at, pages, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  if (size > 0) std::memcpy(at, bytes, size);
  if (access == Access::kRead) ::mprotect(at, pages, PROT_READ);
  loans_.push_back(
      {reinterpret_cast<uintptr_t>(at), reinterpret_cast<uintptr_t>(at) + pages, true, what, where});
  used_ += pages;
  return at;
}

void PageLender::take_back() {
  if (first_out_ == loans_.size()) return;
  char* begin = reinterpret_cast<char*>(loans_[first_out_].begin);
  const size_t size = loans_.back().end - loans_[first_out_].begin;
  ::mprotect(begin, size, PROT_NONE);
  ::madvise(begin, size, MADV_DONTNEED);
  for (; first_out_ < loans_.size(); ++first_out_) loans_[first_out_].is_out = false;
}

}  // namespace grapnel::conformance
