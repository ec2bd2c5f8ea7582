#include "services/service_tables.hpp"

#include <grapnel/grapnel.h>

#include "runner/runner.hpp"
#include "services/model_index.hpp"
#include "services/tables.hpp"

namespace grapnel::services {

ServiceContext::ServiceContext() = default;
ServiceContext::~ServiceContext() = default;

void ServiceContext::serve(runner::Runner& run) {
  runner = &run;
  message_hub = &run.message_hub();
}

void add_services(ServiceTable& table) {
  table.add(GRAPNEL_SERVICE_LOG, &log_table());
  table.add(GRAPNEL_SERVICE_RUNNER, &runner_table());
  table.add(GRAPNEL_SERVICE_VALUES, &values_table());
  table.add(GRAPNEL_SERVICE_MODEL, &model_table());
  table.add(GRAPNEL_SERVICE_OPTIMIZER, &optimizer_table());
  table.add(GRAPNEL_SERVICE_DATA, &data_table());
  table.add(GRAPNEL_SERVICE_COLLECTIVES, &collectives_table());
  table.add(GRAPNEL_SERVICE_MESSAGE_HUB, &message_hub_table());
  table.add(GRAPNEL_SERVICE_CHECKPOINT, &checkpoint_table());
}

}  // namespace grapnel::services
