// Tensors to and from torch.save's files: written as a zip archive with one pickle (data.pkl) and one record
// of raw bytes a tensor by LibTorch's own writer, read by readers that trust nothing in them.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "runner/pickle_archive.hpp"
#include "runner/pickle_writer.hpp"

namespace grapnel::runner {

class TensorArchiveWriter {
 public:
  // For everything but tensors.
  PickleWriter& pickle() { return pickle_; }
  // Adds a tensor as the pickle's next value (None if undefined). Its bytes are read in write().
  void tensor(const torch::Tensor& tensor);
  // A float as a 0-d float64 tensor: 1.13's restricted unpickler refuses Python floats.
  void number(double value);
  void bytes(const void* data, size_t size);  // as uint8 [size]
  // Puts the file in place, whole or not at all. Failure(kRun) naming path and reason.
  void write(const std::string& path);

 private:
  PickleWriter pickle_;
  std::vector<torch::Tensor> tensors_;
};

class TensorArchiveReader {
 public:
  // Failure(kConfig) naming path and reason for what is missing or no such archive.
  explicit TensorArchiveReader(const std::string& path);

  const std::string& path() const { return input_.path(); }
  const PickleNode& root() const { return archive_->root(); }
  // A kTensor node as a contiguous CPU tensor that shares memory with no other; kNone: an undefined one.
  // Failure(kConfig) when record and node do not fit together.
  torch::Tensor tensor(const PickleNode& node);
  // A kString or kBytes node's text; Failure(kConfig) when texts of the file were taken too often.
  std::string text(const PickleNode& node) const;

  [[noreturn]] void fail(std::string got, std::string expected = "", std::string hint = "") const;

 private:
  WeightsInput input_;
  std::unique_ptr<PickleArchive> archive_;
};

// The tensors of any file with weights, read.
torch::Tensor read_tensor(TensorSource& source, const StoredTensor& tensor);
c10::ScalarType scalar_type(StoredDtype dtype);
// Failure(kRun) for a type that is not stored in files.
StoredDtype stored_dtype(c10::ScalarType dtype);

}  // namespace grapnel::runner
