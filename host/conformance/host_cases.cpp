// Hosts that are not quite this one: of a later minor, or with fewer services.
#include "conformance/cases.hpp"
#include "conformance/comparison.hpp"
#include "conformance/provocation.hpp"

namespace grapnel::conformance {

CaseResult newer_host(const CaseInput& input) {
  Trial trial(input);
  for (size_t n = 0; n < kPlanKinds; ++n) {
    const ConfigNode& values = trial.options(n % 3);
    const auto create = [&](InMemoryHost& host) { return trial.create(host, values); };
    const auto make_newer = [](InMemoryHost& host) {
      host.treatment.is_newer = true;
      // A kind of attribute that this minor does not know.
      ModuleAttribute unknown;
      unknown.name = "of_a_later_kind";
      unknown.kind = GRAPNEL_KIND_TREE + 70;
      host.modules.at(1).attributes.push_back(unknown);
    };
    const std::string difference = compare_hosts(trial, n, make_newer, create, create);
    if (!difference.empty())
      return failed("on a host of a later minor (longer structs, ABI " + std::to_string(GRAPNEL_ABI_MAJOR) +
                    "." + std::to_string(GRAPNEL_ABI_MINOR + 7) + ") " + difference);
  }
  return passed();
}

CaseResult missing_services(const CaseInput& input) {
  Trial trial(input);
  std::string found;
  for_each_missing_service(trial, [&](const InMemoryHost& host) {
    if (host.watch.silences.empty()) return true;
    const auto& missing = host.missing_services;
    found = host.watch.silences.front() + " failed without a message on a host without " +
            (missing.size() == 1 ? *missing.begin() : "any service");
    return false;
  });
  return found.empty() ? passed() : failed(found);
}

}  // namespace grapnel::conformance
