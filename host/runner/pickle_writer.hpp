// Writes a pickle (protocol 2) of dicts, lists, strings, integers, booleans and tensors, with no other
// globals than torch's own restricted unpickler allows, so that torch.load(weights_only=True) opens it. No
// LibTorch in here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace grapnel::runner {

// Values come in order; in a dict each value after its key (a string). Every begin has its end.
class PickleWriter {
 public:
  PickleWriter();
  void begin_dict();
  void end_dict();
  void begin_list();
  void end_list();
  void none();
  void boolean(bool value);
  void integer(int64_t value);
  void string(std::string_view value);  // UTF-8
  // A contiguous tensor on the CPU. `storage_type`: "FloatStorage"; `key`: the name of the record with its
  // bytes.
  void tensor(std::string_view storage_type, std::string_view key, const std::vector<int64_t>& sizes);
  // The finished pickle; nothing may be written after it.
  std::string finish();

 private:
  void global(std::string_view module, std::string_view name);
  void tuple(const std::vector<int64_t>& numbers);
  std::string bytes_;
};

}  // namespace grapnel::runner
