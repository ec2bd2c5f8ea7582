// The safetensors format: eight bytes with the length of a JSON header, the header with each tensor's type,
// shape and place, then the tensors' bytes without gaps. No LibTorch in here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runner/stored_tensor.hpp"

namespace grapnel::runner {

class SafetensorsFile : public TensorSource {
 public:
  // True when the file's first bytes can be nothing else.
  static bool recognises(const WeightsInput& input);
  // Failure(kConfig) when the header is not as the format demands: too large, no such JSON, an unknown type,
  // a shape that does not fit its bytes, bytes outside of the file, in two tensors or in none.
  explicit SafetensorsFile(const WeightsInput& input);

  // In the order of their bytes.
  const std::vector<std::pair<std::string, StoredTensor>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  void read_header(std::string header);
  void check_places(uint64_t bytes);
  void read_record(uint64_t record, uint64_t begin, void* out, uint64_t size) override;

  uint64_t data_ = 0;  // where the tensors' bytes begin
  std::vector<std::pair<std::string, StoredTensor>> tensors_;
  std::map<std::string, std::string> metadata_;
};

struct SafetensorsEntry {
  std::string name;  // UTF-8
  StoredDtype dtype;
  std::vector<int64_t> sizes;
  const void* data;  // contiguous; until write_safetensors() returns
};

// Failure(kRun) naming path and reason; nothing half-written is left under `path`. A type that the format
// lacks, or a name that it cannot hold, is refused so as well.
void write_safetensors(const std::string& path, const std::vector<SafetensorsEntry>& entries,
                       const std::map<std::string, std::string>& metadata);

}  // namespace grapnel::runner
