// Hook states and the message hub as one block of bytes, for checkpoints that are not Grapnel's own.
#pragma once

#include <cstdint>
#include <vector>

#include "core/hook_host.hpp"
#include "runner/message_hub.hpp"

namespace grapnel::embedding {

std::vector<uint8_t> to_bytes(const std::vector<HookState>& states, const runner::MessageHub& hub);

// Gives the states and fills `hub`. Failure(kConfig) for bytes that are damaged or none of these; `hub` is
// then as it was.
std::vector<HookState> from_bytes(const std::vector<uint8_t>& bytes, runner::MessageHub& hub);

}  // namespace grapnel::embedding
