// torch.save's file: a zip archive with one pickle (data.pkl) and one record of raw bytes a tensor.
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runner/pickle_value.hpp"
#include "runner/pickle_writer.hpp"

namespace caffe2::serialize {
class PyTorchStreamReader;
}

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
  ~TensorArchiveReader();

  const std::string& path() const { return path_; }
  const PickleNode& root() const { return *document_.root; }
  // A kTensor node as a contiguous CPU tensor that shares memory with no other; kNone: an undefined one.
  // Failure(kConfig) when record and node do not fit together.
  torch::Tensor tensor(const PickleNode& node);

  [[noreturn]] void fail(std::string got, std::string expected = "", std::string hint = "") const;

 private:
  at::DataPtr record(const std::string& name, size_t at_least_bytes);

  std::string path_;
  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
  PickleDocument document_;
  std::map<std::string, torch::Tensor> shared_storages_;  // those that tensors look at in part
};

}  // namespace grapnel::runner
