// A file with weights, whichever kind it is: torch.save's zip format, the one before it, safetensors. Finds
// the dict of tensors in it and says what it holds; reads no tensor before it is asked to. No LibTorch in
// here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runner/stored_tensor.hpp"

namespace grapnel::runner {

class WeightsFile {
 public:
  // Failure(kConfig) naming path and reason for a file that cannot be read, and for one without a dict of
  // tensors under "state_dict", "model", "ema" or "ema_state_dict" (in this order) or on top. An object of
  // some class in the place of a tensor is refused by name.
  explicit WeightsFile(const std::string& path);
  ~WeightsFile();

  const std::string& path() const { return input_.path(); }
  // "safetensors", "torch.save, zip", "torch.save, before 1.6", "Grapnel's checkpoint".
  const std::string& format() const { return format_; }
  // The key under which the tensors are; "" on top.
  const std::string& key() const { return key_; }
  // In the file's order, without DistributedDataParallel's "module." before each name.
  const std::vector<std::pair<std::string, StoredTensor>>& tensors() const { return tensors_; }
  // Names in the dict that stand for no tensor.
  const std::vector<std::string>& others() const { return others_; }

  TensorSource& source() { return *source_; }

 private:
  void find_tensors();

  WeightsInput input_;
  std::string format_, key_;
  std::unique_ptr<TensorSource> source_;
  std::vector<std::pair<std::string, StoredTensor>> tensors_;
  std::vector<std::string> others_;
};

}  // namespace grapnel::runner
