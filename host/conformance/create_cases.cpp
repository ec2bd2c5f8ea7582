// Instances: made, side by side, let go in any order, and with values that lie as a later host may lay them.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "conformance/cases.hpp"
#include "conformance/comparison.hpp"
#include "conformance/trial.hpp"

namespace grapnel::conformance {
namespace {

constexpr size_t kDraws = 12, kSideBySide = 16, kRounds = 500;

std::string status_text(const CallResult& result) {
  return "create returned status " + std::to_string(result.status) + " without a message";
}

// Many instances live at once and go in an order that is nobody's.
void let_go_in_any_order(Trial& trial) {
  InMemoryHost& host = trial.host_for(trial.plan(0));
  CounterRng rng(trial.input().seed, 200, 0, CounterRng::Purpose::kTest);
  for (size_t i = 0; i < kSideBySide; ++i)
    trial.create(host, trial.options(i % 3), "instance" + std::to_string(i));
  while (host.instance_count() > 0)
    host.destroy_one(static_cast<size_t>(rng.integer(0, static_cast<int64_t>(host.instance_count()) - 1)));
}

// Values as a host of a later minor may lay them out: each longer than this minor's, far from the next, and
// at the end of what can be read. Whoever counts in its own sizeof reads nonsense first and crashes then.
class FarValues {
 public:
  explicit FarValues(const OptionValues& values) : count_(values.size()) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    stride_ = 2 * page;
    if (count_ == 0) return;
    void* memory =
        ::mmap(nullptr, count_ * stride_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    const size_t offset = page - sizeof(Shown);
    first_ = static_cast<char*>(memory) + offset;
    for (size_t i = 0; i < count_; ++i) {
      char* at = static_cast<char*>(memory) + i * stride_;
      std::memset(at, 0xa5, page);
      Shown shown;
      std::memset(&shown, 0xa5, sizeof shown);
      shown.value = values[i];
      shown.value.struct_size = sizeof shown;
      std::memcpy(at + offset, &shown, sizeof shown);
      ::mprotect(at + page, page, PROT_NONE);
    }
  }
  const grapnel_value* data() const { return reinterpret_cast<const grapnel_value*>(first_); }
  uint64_t count() const { return count_; }
  uint64_t stride() const { return stride_; }

 private:
  struct Shown {
    grapnel_value value;
    uint64_t beyond[2];
  };
  size_t count_;
  size_t stride_ = 0;
  char* first_ = nullptr;
};

}  // namespace

CaseResult create_and_destroy(const CaseInput& input) {
  Trial trial(input);
  for (size_t n = 0; n < kDraws; ++n) {
    InMemoryHost& host = trial.host_for(trial.plan(n));
    const CallResult result = trial.create(host, trial.draw(n));
    if (n == 0 && !result.ok() && !result.threw && !trial.has_required_options())
      return failed("create refuses the defaults of its own option table: " +
                    (result.message.empty() ? status_text(result) : result.message));
    if (!result.ok() && !result.threw && result.message.empty()) return failed(status_text(result));
    host.destroy();
  }
  trial.options(2);  // ends the case where there are none
  let_go_in_any_order(trial);
  for (size_t round = 0; round < kRounds; ++round) {
    InMemoryHost& host = *new InMemoryHost();  // stays, as those of host_for do
    host.trace = input.trace;
    if (!trial.create(host, trial.options(round % 3)).ok())
      return failed("create took these options before and refuses them in round " +
                    std::to_string(round + 1) + " of " + std::to_string(kRounds));
    host.destroy();
  }
  return passed();
}

CaseResult given_values(const CaseInput& input) {
  std::vector<grapnel_option> table = load_plugin(input).options;
  for (grapnel_option& option : table) option.presence = GRAPNEL_OPTION_OPTIONAL;  // not all need be given
  read_option_table(table, input.given_values);                                    // a Failure is the case's
  return passed();
}

CaseResult value_size(const CaseInput& input) {
  Trial trial(input);
  if (trial.plugin().options.empty()) return not_applicable("the hook has no options");
  for (size_t n = 0; n < 4; ++n) {
    const ConfigNode& values = trial.options(n);
    const auto plain = [&](InMemoryHost& host) { return trial.create(host, values); };
    const auto far = [&](InMemoryHost& host) {
      const OptionValues typed = read_option_table(trial.plugin().options, values);
      const FarValues laid_out(typed);
      return host.create_raw(*trial.plugin().descriptor, laid_out.data(), laid_out.count(), laid_out.stride(),
                             "");
    };
    const std::string difference = compare_hosts(trial, n, nullptr, plain, far);
    if (!difference.empty())
      return failed("with values that lie value_size bytes apart, not sizeof(grapnel_value), " + difference);
  }
  return passed();
}

}  // namespace grapnel::conformance
