// A file that torch.save wrote, of whichever age: one pickle, and the raw bytes of the tensors that it
// mentions. Nothing in it is run, and nothing is allocated for what the file does not have. No LibTorch in
// here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runner/pickle_value.hpp"
#include "runner/stored_tensor.hpp"

namespace grapnel::runner {

class PickleArchive : public TensorSource {
 public:
  // The zip format, or the one before PyTorch 1.6. Failure(kConfig) naming path and reason for anything else.
  static std::unique_ptr<PickleArchive> open(const WeightsInput& input);

  const PickleNode& root() const { return *document_.root; }
  const WeightsInput& input() const { return input_; }
  // Where a kTensor's elements are. Failure(kConfig) when it does not fit its storage, or the storage the
  // file.
  StoredTensor describe(const PickleNode& node) const;

 protected:
  struct Storage {
    uint64_t record;
    uint64_t bytes;
  };
  using TensorSource::TensorSource;
  virtual std::optional<Storage> find_storage(std::string_view key) const = 0;

  PickleDocument document_;
};

// Pickles beyond this are no weights: the tensors' bytes are outside of them.
constexpr uint64_t kMostPickleBytes = uint64_t{256} << 20;

}  // namespace grapnel::runner
