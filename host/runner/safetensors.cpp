#include "runner/safetensors.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "core/atomic_file.hpp"
#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

constexpr uint64_t kPrefix = 8;
constexpr uint64_t kMostHeader = 100'000'000;  // the format's own limit
constexpr const char* kMetadata = "__metadata__";

namespace dom = simdjson::dom;

std::string json_string(std::string_view text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (byte < 0x20) {
      json += "\\u00";
      json += kDigits[byte >> 4];
      json += kDigits[byte & 15];
    } else {
      json += c;
    }
  }
  return json + '"';
}

bool read_numbers(const dom::element& element, std::vector<int64_t>& out) {
  dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS || array.size() > 64) return false;
  for (const dom::element item : array) {
    int64_t value = 0;
    if (item.get_int64().get(value) != simdjson::SUCCESS || value < 0) return false;
    out.push_back(value);
  }
  return true;
}

}  // namespace

bool SafetensorsFile::recognises(const WeightsInput& input) {
  if (input.size() < kPrefix + 2) return false;
  const std::string head = input.read(0, kPrefix + 2);
  if (head[kPrefix] != '{') return false;
  const bool fits = little_endian(head.data(), kPrefix) <= input.size() - kPrefix;
  const bool other = head.compare(0, 2, "PK") == 0 || (head[0] == '\x80' && head[1] >= 2 && head[1] <= 5);
  return fits || !other;
}

SafetensorsFile::SafetensorsFile(const WeightsInput& input) : TensorSource(input) {
  const uint64_t length = little_endian(input.read(0, kPrefix).data(), kPrefix);
  if (length > kMostHeader || length > input.size() - kPrefix) {
    input.fail("a safetensors header of " + std::to_string(length) + " bytes in a file of " +
                   std::to_string(input.size()),
               "at most " + std::to_string(kMostHeader), "the file may be cut off or damaged");
  }
  data_ = kPrefix + length;
  read_header(input.read(kPrefix, length));
  check_places(input.size() - data_);
}

void SafetensorsFile::read_header(std::string header) {
  dom::parser parser;
  dom::object object;
  if (parser.parse(header).get_object().get(object) != simdjson::SUCCESS) {
    input_.fail("a safetensors header that is no JSON object");
  }
  header = std::string();
  std::unordered_set<std::string_view> names;
  for (const auto& [name, value] : object) {
    if (!names.insert(name).second) input_.fail("two tensors named " + shown(name));
    dom::object fields;
    if (value.get_object().get(fields) != simdjson::SUCCESS) {
      input_.fail("no description of the tensor " + shown(name));
    }
    if (name == kMetadata) {
      for (const auto& [key, text] : fields) {
        std::string_view content;
        if (text.get_string().get(content) != simdjson::SUCCESS) {
          input_.fail("metadata " + shown(key) + " that is no text");
        }
        metadata_[std::string(key)] = std::string(content);
      }
      continue;
    }
    StoredTensor tensor;
    std::string_view dtype;
    std::vector<int64_t> places;
    bool known = fields.size() == 3;
    for (const auto& [key, field] : fields) {
      if (key == "dtype") {
        known = known && field.get_string().get(dtype) == simdjson::SUCCESS;
      } else if (key == "shape") {
        known = known && tensor.sizes.empty() && read_numbers(field, tensor.sizes);
      } else if (key == "data_offsets") {
        known = known && places.empty() && read_numbers(field, places) && places.size() == 2;
      } else {
        known = false;
      }
    }
    if (!known || dtype.empty() || places.size() != 2)
      input_.fail("no usable description of the tensor " + shown(name));
    const StoredDtypeInfo* info = find_safetensors_dtype(dtype);
    if (info == nullptr) {
      input_.fail("the tensor " + shown(name) + " of type " + shown(dtype), "a type that LibTorch has");
    }
    tensor.dtype = info->dtype;
    if (!make_contiguous(tensor)) input_.fail("the tensor " + shown(name) + " of an impossible shape");
    tensor.begin = static_cast<uint64_t>(places[0]);
    if (places[1] < places[0] || static_cast<uint64_t>(places[1] - places[0]) != tensor.bytes()) {
      input_.fail("the tensor " + shown(name) + " whose shape does not fit its bytes");
    }
    tensors_.emplace_back(std::string(name), std::move(tensor));
  }
}

void SafetensorsFile::check_places(uint64_t bytes) {
  std::stable_sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
    return a.second.begin != b.second.begin ? a.second.begin < b.second.begin
                                            : a.second.elements < b.second.elements;
  });
  uint64_t end = 0;
  for (const auto& [name, tensor] : tensors_) {
    if (tensor.begin != end) {
      input_.fail("the tensor " + shown(name) + (tensor.begin < end ? " over another one" : " behind a gap"));
    }
    end += tensor.bytes();
    if (end > bytes) {
      input_.fail("the tensor " + shown(name) + " beyond the file's end", "",
                  "the file may be cut off or damaged");
    }
  }
  if (end != bytes) input_.fail(std::to_string(bytes - end) + " bytes that belong to no tensor");
}

void SafetensorsFile::read_record(uint64_t, uint64_t begin, void* out, uint64_t size) {
  input_.read(data_ + begin, out, size);
}

void write_safetensors(const std::string& path, const std::vector<SafetensorsEntry>& entries,
                       const std::map<std::string, std::string>& metadata) {
  const auto refuse = [&path](const std::string& name, const char* reason) {
    throw Failure(FailureKind::kRun, {"safetensors cannot hold this tensor", path, shown(name), reason, ""});
  };
  std::vector<const SafetensorsEntry*> in_order;
  std::unordered_set<std::string_view> names{kMetadata};
  for (const SafetensorsEntry& entry : entries) {
    if (!names.insert(entry.name).second) refuse(entry.name, "a name of its own");
    if (!simdjson::validate_utf8(entry.name.data(), entry.name.size())) refuse(entry.name, "a name in UTF-8");
    if (dtype_info(entry.dtype).safetensors == nullptr) refuse(entry.name, "a real type");
    in_order.push_back(&entry);
  }
  // Wide types first, so that every tensor is aligned.
  std::stable_sort(in_order.begin(), in_order.end(),
                   [](const SafetensorsEntry* a, const SafetensorsEntry* b) {
                     return dtype_info(a->dtype).bytes > dtype_info(b->dtype).bytes;
                   });

  std::string header = "{";
  if (!metadata.empty()) {
    header += json_string(kMetadata) + ":{";
    for (const auto& [key, text] : metadata) {
      header += (header.back() == '{' ? "" : ",") + json_string(key) + ":" + json_string(text);
    }
    header += "}";
  }
  std::vector<uint64_t> bytes;
  uint64_t begin = 0;
  for (const SafetensorsEntry* entry : in_order) {
    uint64_t elements = 1;
    std::string shape;
    for (const int64_t size : entry->sizes) {
      elements *= static_cast<uint64_t>(size);
      shape += (shape.empty() ? "" : ",") + std::to_string(size);
    }
    bytes.push_back(elements * dtype_info(entry->dtype).bytes);
    header += (header.size() > 1 ? "," : "") + json_string(entry->name) + ":{\"dtype\":\"" +
              dtype_info(entry->dtype).safetensors + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(begin) + "," + std::to_string(begin + bytes.back()) + "]}";
    begin += bytes.back();
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string length;
  for (size_t i = 0; i < kPrefix; ++i) length += static_cast<char>(header.size() >> (8 * i) & 0xff);

  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (size_t i = 0; i < in_order.size(); ++i) file.write(in_order[i]->data, bytes[i]);
  file.commit();
}

}  // namespace grapnel::runner
