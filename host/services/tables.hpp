// Each service's table, defined in the file of its name.
#pragma once

#include <grapnel/grapnel.h>

namespace grapnel::services {

const grapnel_log_service& log_table();
const grapnel_runner_service& runner_table();
const grapnel_values_service& values_table();
const grapnel_model_service& model_table();
const grapnel_optimizer_service& optimizer_table();
const grapnel_data_service& data_table();
const grapnel_collectives_service& collectives_table();
const grapnel_message_hub_service& message_hub_table();
const grapnel_checkpoint_service& checkpoint_table();

}  // namespace grapnel::services
