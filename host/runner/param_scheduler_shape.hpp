// `param_scheduler`, which ParamSchedulerHook reads. The host knows nothing of it but this; a test compares
// it with the hook's own reader.
#pragma once

#include "core/table_shape.hpp"

namespace grapnel::runner {

KeyShape param_scheduler_shape();

}  // namespace grapnel::runner
