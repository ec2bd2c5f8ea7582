// A restricted reader of Python pickles (protocols 2 to 5) as torch.save and Grapnel write them.
#pragma once

#include <string>
#include <string_view>

#include "runner/pickle_value.hpp"

namespace grapnel::runner {

// Failure(kConfig) naming `path` for anything that is no complete pickle; never reads past `bytes`.
PickleDocument read_pickle(std::string_view bytes, const std::string& path);

}  // namespace grapnel::runner
