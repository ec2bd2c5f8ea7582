// Ways to lead a hook down its error paths, all within the contract: services that fail, services that are
// not there, states that are no good.
#pragma once

#include <functional>

#include "conformance/trial.hpp"

namespace grapnel::conformance {

// Is shown each host when its hook is gone; false: enough seen.
using LookAtHost = std::function<bool(const InMemoryHost&)>;

// Runs of every kind with services that work; then, for each service function that the hook called and that
// can fail, runs in which it always does; then runs in which one call fails. `prepare` may be null.
void for_each_provocation(Trial& trial, const Trial::Prepare& prepare, const LookAtHost& look);

// Loads states that are cut short, empty, changed and on a failing stream, and saves to a failing stream.
void for_each_bad_state(Trial& trial, const LookAtHost& look);

// Runs with each service absent, and with none at all.
void for_each_missing_service(Trial& trial, const LookAtHost& look);

// The ids of this version's services.
const std::vector<std::string>& service_ids();

}  // namespace grapnel::conformance
