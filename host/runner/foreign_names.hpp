// A model whose tensors go by other names in other projects' files.
#pragma once

#include <string>
#include <vector>

namespace grapnel::runner {

class ForeignNames {
 public:
  virtual ~ForeignNames() = default;
  // `names` are all names of one file. When they are another project's, each becomes the model's own, or ""
  // if the model has no use for it, and the project's name is returned; else they stay and "" is returned. A
  // name that means nothing stays.
  virtual std::string translate_names(std::vector<std::string>& names) const = 0;
};

}  // namespace grapnel::runner
