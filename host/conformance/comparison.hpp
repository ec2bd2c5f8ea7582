// Two hosts that a hook must serve alike: the same plan on both, and what the hook did to the run compared.
#pragma once

#include <functional>
#include <string>

#include "conformance/trial.hpp"

namespace grapnel::conformance {

using CreateHook = std::function<CallResult(InMemoryHost&)>;

// Runs plan `number` on a host of this version and on one that `prepare` has changed (null: none), and says
// where they differ first; "" if nowhere. A hook that does not do the same twice on one host (which is
// another case's subject) is only asked whether its calls succeed alike.
std::string compare_hosts(Trial& trial, size_t number, const Trial::Prepare& prepare,
                          const CreateHook& create, const CreateHook& create_on_changed);

}  // namespace grapnel::conformance
