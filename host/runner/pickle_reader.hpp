// A restricted reader of Python pickles (protocols 2 to 5) as torch.save and Grapnel write them. It builds
// tensors' descriptions and plain containers; a class that may_stand_in_weights_file() does not know is
// refused by name, wherever it stands.
#pragma once

#include <memory>
#include <string>

#include "core/failure.hpp"
#include "runner/pickle_value.hpp"

namespace grapnel::runner {

// The bytes end before the pickle does.
class TruncatedPickle : public Failure {
 public:
  using Failure::Failure;
};

// The pickle that begins at byte `begin`. Failure(kConfig) naming `path` for anything that is no complete
// pickle or names an unknown class; never reads past `bytes`, takes at most some 300 MB whatever is in them,
// and needs no deeper stack for deeper nesting.
PickleDocument read_pickle(std::shared_ptr<const std::string> bytes, size_t begin, const std::string& path);
PickleDocument read_pickle(std::string bytes, const std::string& path);

}  // namespace grapnel::runner
