// The tables that in_memory_services.cpp collects. Included by the files that implement them.
#pragma once

#include "conformance/in_memory_instance.hpp"

namespace grapnel::conformance {

const grapnel_model_service& in_memory_model_service();
const grapnel_optimizer_service& in_memory_optimizer_service();
const grapnel_data_service& in_memory_data_service();

}  // namespace grapnel::conformance
