// Tensors as lines of text, by which this test and its Python scripts tell each other what is in a file:
// name, type, [shape], the elements' bytes in C order as hex digits.
#pragma once

#include <torch/torch.h>

#include <string>

#include "runner/checkpoint_file.hpp"
#include "runner/tensor_archive.hpp"

namespace grapnel::test {

inline std::string lines_of(const runner::NamedTensors& tensors) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const auto& [name, tensor] : tensors) {
    text += name + " " + runner::dtype_info(runner::stored_dtype(tensor.scalar_type())).name + " [";
    for (int64_t i = 0; i < tensor.dim(); ++i) text += (i > 0 ? "," : "") + std::to_string(tensor.size(i));
    text += "] ";
    const torch::Tensor dense = tensor.detach().contiguous();
    const auto* bytes = static_cast<const uint8_t*>(dense.data_ptr());
    for (size_t i = 0; i < dense.nbytes(); ++i) {
      text += kDigits[bytes[i] >> 4];
      text += kDigits[bytes[i] & 15];
    }
    text += "\n";
  }
  return text;
}

}  // namespace grapnel::test
