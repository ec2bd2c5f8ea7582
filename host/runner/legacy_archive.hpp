// torch.save's format before PyTorch 1.6 (and still, with _use_new_zipfile_serialization=False): pickles of a
// magic number, a protocol version, the system's properties, the object and the storages' keys, then the
// storages one after the other, each behind its number of elements.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/pickle_archive.hpp"

namespace grapnel::runner {

class LegacyArchive : public PickleArchive {
 public:
  // Failure(kConfig) when the file is anything else, or too short for what it announces.
  explicit LegacyArchive(const WeightsInput& input);

 private:
  std::optional<Storage> find_storage(std::string_view key) const override;
  void read_record(uint64_t record, uint64_t begin, void* out, uint64_t size) override;

  void read_pickles(std::string head);
  void place_storages();

  PickleDocument keys_;
  std::vector<uint64_t> begins_;  // of each storage's bytes
  std::unordered_map<std::string_view, Storage> storages_;
};

}  // namespace grapnel::runner
