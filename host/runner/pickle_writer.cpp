#include "runner/pickle_writer.hpp"

#include <limits>
#include <utility>

namespace grapnel::runner {
namespace {

void append_little_endian(std::string& bytes, uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

}  // namespace

PickleWriter::PickleWriter() : bytes_("\x80\x02") {}

void PickleWriter::begin_dict() { bytes_ += "}("; }
void PickleWriter::end_dict() { bytes_ += 'u'; }
void PickleWriter::begin_list() { bytes_ += "]("; }
void PickleWriter::end_list() { bytes_ += 'e'; }
void PickleWriter::none() { bytes_ += 'N'; }
void PickleWriter::boolean(bool value) { bytes_ += value ? '\x88' : '\x89'; }

void PickleWriter::integer(int64_t value) {
  if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
    bytes_ += 'J';
    append_little_endian(bytes_, static_cast<uint64_t>(value), 4);
  } else {
    bytes_ += "\x8a\x08";
    append_little_endian(bytes_, static_cast<uint64_t>(value), 8);
  }
}

void PickleWriter::string(std::string_view value) {
  bytes_ += 'X';
  append_little_endian(bytes_, value.size(), 4);
  bytes_ += value;
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  bytes_ += 'c';
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

void PickleWriter::tuple(const std::vector<int64_t>& numbers) {
  bytes_ += '(';
  for (const int64_t number : numbers) integer(number);
  bytes_ += 't';
}

// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)
void PickleWriter::tensor(std::string_view storage_type, std::string_view key,
                          const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t elements = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = elements;
    elements *= sizes[i];
  }
  global("torch._utils", "_rebuild_tensor_v2");
  bytes_ += "((";
  string("storage");
  global("torch", storage_type);
  string(key);
  string("cpu");
  integer(elements);
  bytes_ += "tQ";
  integer(0);
  tuple(sizes);
  tuple(strides);
  boolean(false);
  global("collections", "OrderedDict");
  bytes_ += ")RtR";
}

std::string PickleWriter::finish() {
  bytes_ += '.';
  return std::move(bytes_);
}

}  // namespace grapnel::runner
