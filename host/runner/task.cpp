#include "runner/task.hpp"

#include <stdexcept>

namespace grapnel::runner {

const torch::Tensor& Batch::tensor(const std::string& name) const {
  for (const auto& [key, value] : tensors) {
    if (key == name) return value;
  }
  throw std::out_of_range("the batch has no tensor \"" + name + "\"");
}

}  // namespace grapnel::runner
