// The zip archive that torch.save writes since 1.6: records stored as they are, in a folder of the archive's
// own (PKWARE's APPNOTE 4.3). Names are only compared, never used as paths; compressed records, which
// torch.save does not write, are refused, so that no record is larger than what the file has of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/weights_input.hpp"

namespace grapnel::runner {

class PickleZip {
 public:
  // Reads the directory. Failure(kConfig) when it does not fit the file, or holds no data.pkl.
  explicit PickleZip(const WeightsInput& input);

  // A record by its name in the archive's folder ("data.pkl", "data/0").
  std::optional<uint64_t> find(const std::string& name) const;
  uint64_t size(uint64_t record) const { return records_[record].size; }
  // A part of a record, after its check sum was found right. Failure(kConfig).
  void read(uint64_t record, uint64_t begin, void* out, uint64_t size);
  std::string read(uint64_t record);

 private:
  struct Record {
    std::string name;
    uint64_t header = 0;  // where its local header is
    uint64_t size = 0;
    uint32_t check_sum = 0;  // CRC-32; 0: not given
    uint64_t data = 0;       // where its bytes are; 0: the header was not looked at yet
    bool checked = false;
  };

  uint64_t find_directory(uint64_t& begin, uint64_t& size) const;
  void read_directory();
  Record read_entry(const std::string& directory, size_t& at) const;
  void check_extents() const;
  void find_folder();
  void locate(Record& record) const;
  void check(Record& record) const;
  [[noreturn]] void fail(std::string got) const;

  const WeightsInput& input_;
  uint64_t directory_ = 0;
  std::vector<Record> records_;
  std::unordered_map<std::string_view, uint64_t> by_name_;
  std::string folder_;  // "archive/"
};

}  // namespace grapnel::runner
