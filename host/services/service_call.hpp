// What the services over a runner share: finding the run, and views of its tensors.
#pragma once

#include <grapnel/grapnel.h>

#include <cstdint>
#include <string>

#include "runner/runner.hpp"
#include "services/plain_call.hpp"
#include "services/service_tables.hpp"

namespace grapnel::services {

// Both throw Refusal when there is none yet.
ServiceContext& context_for(const grapnel_host* host);
runner::Runner& runner_for(const grapnel_host* host);

// Throws Refusal(INVALID_ARGUMENT) for a mode that there isn't, NOT_FOUND for one without data.
runner::Mode data_mode(runner::Runner& runner, int32_t mode);

// A view of the tensor's own memory and of its own size and stride arrays: nothing is allocated. bool as
// uint8.
grapnel_tensor view_of(const torch::Tensor& tensor);

}  // namespace grapnel::services
