// The nine service tables of the SDK, over a runner. A plugin asks for them by id through its grapnel_host.
#pragma once

#include <memory>

#include "core/service_table.hpp"
#include "services/plain_call.hpp"

namespace grapnel::runner {
class Runner;
}

namespace grapnel::services {

class ModelIndex;

// The run that services answer for. Without one every service says UNSUPPORTED (log lines are written all the
// same). Must outlive the hooks.
struct ServiceContext : PlainContext {
  ServiceContext();
  ~ServiceContext();
  void serve(runner::Runner& runner);
  // What HookHost is given as its context.
  PlainContext* plain() { return this; }

  runner::Runner* runner = nullptr;
  std::unique_ptr<ModelIndex> model_index;  // made by the model service when first needed
};

// Adds all tables; they are static and live as long as the process.
void add_services(ServiceTable& table);

}  // namespace grapnel::services
