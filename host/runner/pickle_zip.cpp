#include "runner/pickle_zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace grapnel::runner {
namespace {

constexpr uint64_t kEndSize = 22;
constexpr uint64_t kEnd64Size = 56;
constexpr uint64_t kLocator64Size = 20;
constexpr uint64_t kEntrySize = 46;
constexpr uint64_t kLocalHeaderSize = 30;
constexpr uint64_t kMostDirectory = uint64_t{16} << 20;  // some 200,000 records
constexpr uint64_t kUnset16 = 0xffff, kUnset32 = 0xffffffff;

uint32_t check_sum_of(const void* bytes, uint64_t size, uint32_t before = 0) {
  return static_cast<uint32_t>(crc32_z(before, static_cast<const Bytef*>(bytes), size));
}

}  // namespace

PickleZip::PickleZip(const WeightsInput& input) : input_(input) {
  read_directory();
  check_extents();
  find_folder();
}

void PickleZip::fail(std::string got) const {
  input_.fail("a zip archive with " + std::move(got), "a complete archive as torch.save writes it",
              "the file may be cut off or damaged");
}

// The directory's place, and how many entries it has.
uint64_t PickleZip::find_directory(uint64_t& begin, uint64_t& size) const {
  const uint64_t tail_size = std::min<uint64_t>(input_.size(), kEndSize + kUnset16);
  const std::string tail = input_.read(input_.size() - tail_size, tail_size);
  if (tail.size() < kEndSize) fail("no end");
  size_t at = tail.size() - kEndSize;
  while (std::memcmp(tail.data() + at, "PK\5\6", 4) != 0 ||
         little_endian(tail.data() + at + 20, 2) != tail.size() - at - kEndSize) {
    if (at-- == 0) fail("no directory");
  }
  const char* end = tail.data() + at;
  const uint64_t end_at = input_.size() - tail_size + at;
  uint64_t entries = little_endian(end + 10, 2);
  size = little_endian(end + 12, 4);
  begin = little_endian(end + 16, 4);
  uint64_t before = end_at;  // the directory ends here or earlier
  if (entries == kUnset16 || size == kUnset32 || begin == kUnset32) {
    if (end_at < kLocator64Size) fail("no 64-bit directory");
    const std::string locator = input_.read(end_at - kLocator64Size, kLocator64Size);
    const uint64_t place = little_endian(locator.data() + 8, 8);
    if (std::memcmp(locator.data(), "PK\6\7", 4) != 0 || place > end_at || end_at - place < kEnd64Size) {
      fail("no 64-bit directory");
    }
    const std::string end64 = input_.read(place, kEnd64Size);
    if (std::memcmp(end64.data(), "PK\6\6", 4) != 0) fail("no 64-bit directory");
    entries = little_endian(end64.data() + 32, 8);
    size = little_endian(end64.data() + 40, 8);
    begin = little_endian(end64.data() + 48, 8);
    before = place;
  }
  if (begin > before || size > before - begin) fail("a directory beyond its end");
  if (size > kMostDirectory) fail("a directory of " + std::to_string(size) + " bytes");
  if (entries > size / kEntrySize) fail("more records than its directory has room for");
  return entries;
}

void PickleZip::read_directory() {
  uint64_t size = 0;
  const uint64_t entries = find_directory(directory_, size);
  const std::string directory = input_.read(directory_, size);
  records_.reserve(entries);
  size_t at = 0;
  for (uint64_t i = 0; i < entries; ++i) records_.push_back(read_entry(directory, at));
  if (at != directory.size()) fail("a directory of another size than it says");
  for (uint64_t i = 0; i < records_.size(); ++i) {
    if (!by_name_.emplace(records_[i].name, i).second) fail("two records named " + shown(records_[i].name));
  }
}

PickleZip::Record PickleZip::read_entry(const std::string& directory, size_t& at) const {
  if (directory.size() - at < kEntrySize || std::memcmp(directory.data() + at, "PK\1\2", 4) != 0) {
    fail("a damaged directory");
  }
  const char* entry = directory.data() + at;
  const uint64_t flags = little_endian(entry + 8, 2), method = little_endian(entry + 10, 2);
  const uint64_t name_size = little_endian(entry + 28, 2), extra_size = little_endian(entry + 30, 2);
  const uint64_t comment_size = little_endian(entry + 32, 2);
  if (directory.size() - at - kEntrySize < name_size + extra_size + comment_size) fail("a damaged directory");

  Record record;
  record.name.assign(entry + kEntrySize, name_size);
  record.check_sum = static_cast<uint32_t>(little_endian(entry + 16, 4));
  uint64_t stored_size = little_endian(entry + 20, 4);
  record.size = little_endian(entry + 24, 4);
  record.header = little_endian(entry + 42, 4);
  // The 64-bit values of those that did not fit, in this order.
  const std::string_view extra(entry + kEntrySize + name_size, extra_size);
  for (size_t field = 0; field + 4 <= extra.size();) {
    const uint64_t id = little_endian(extra.data() + field, 2),
                   length = little_endian(extra.data() + field + 2, 2);
    field += 4;
    if (length > extra.size() - field) fail("a damaged directory");
    if (id == 1) {
      size_t used = 0;
      for (uint64_t* value : {&record.size, &stored_size, &record.header}) {
        if (*value != kUnset32) continue;
        if (length - used < 8) fail("a damaged directory");
        *value = little_endian(extra.data() + field + used, 8);
        used += 8;
      }
    }
    field += length;
  }
  if ((flags & 1) != 0) fail("the encrypted record " + shown(record.name));
  if (method != 0 || stored_size != record.size) {
    input_.fail("a zip archive with the compressed record " + shown(record.name), "records as they are",
                "torch.save writes them so; another program packed them again");
  }
  at += kEntrySize + name_size + extra_size + comment_size;
  return record;
}

// Every record lies before the directory and shares no byte with another one.
void PickleZip::check_extents() const {
  std::vector<const Record*> in_order;
  for (const Record& record : records_) in_order.push_back(&record);
  std::sort(in_order.begin(), in_order.end(),
            [](const Record* a, const Record* b) { return a->header < b->header; });
  uint64_t free = 0;
  for (const Record* record : in_order) {
    const uint64_t around = kLocalHeaderSize + record->name.size();
    if (record->header < free || record->header > directory_ || directory_ - record->header < around ||
        record->size > directory_ - record->header - around) {
      fail("the record " + shown(record->name) + " over another one or the archive's end");
    }
    free = record->header + around + record->size;
  }
}

void PickleZip::find_folder() {
  constexpr std::string_view kPickle = "/data.pkl";
  for (const Record& record : records_) {
    const size_t slash = record.name.find('/');
    if (slash == std::string::npos || std::string_view(record.name).substr(slash) != kPickle) continue;
    if (!folder_.empty()) fail("two pickles, " + shown(folder_) + " and " + shown(record.name));
    folder_ = record.name.substr(0, slash + 1);
  }
  if (folder_.empty()) {
    input_.fail("a zip archive without data.pkl", "an archive that torch.save wrote");
  }
}

std::optional<uint64_t> PickleZip::find(const std::string& name) const {
  const auto found = by_name_.find(folder_ + name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

void PickleZip::locate(Record& record) const {
  if (record.data != 0) return;
  const std::string header = input_.read(record.header, kLocalHeaderSize);
  const uint64_t name_size = little_endian(header.data() + 26, 2),
                 extra_size = little_endian(header.data() + 28, 2);
  const uint64_t data = record.header + kLocalHeaderSize + name_size + extra_size;
  if (std::memcmp(header.data(), "PK\3\4", 4) != 0 || data > directory_ || record.size > directory_ - data) {
    fail("no room for the record " + shown(record.name));
  }
  record.data = data;
}

void PickleZip::check(Record& record) const {
  if (record.checked || record.check_sum == 0) return;
  std::string piece(std::min<uint64_t>(record.size, uint64_t{1} << 20), '\0');
  uint32_t sum = 0;
  for (uint64_t at = 0; at < record.size;) {
    const uint64_t count = std::min<uint64_t>(piece.size(), record.size - at);
    input_.read(record.data + at, piece.data(), count);
    sum = check_sum_of(piece.data(), count, sum);
    at += count;
  }
  if (sum != record.check_sum) fail("damaged bytes in the record " + shown(record.name));
  record.checked = true;
}

void PickleZip::read(uint64_t index, uint64_t begin, void* out, uint64_t size) {
  Record& record = records_[index];
  if (begin > record.size || size > record.size - begin)
    fail("too few bytes in the record " + shown(record.name));
  locate(record);
  const bool whole = size == record.size;
  if (!whole) check(record);
  input_.read(record.data + begin, out, size);
  if (whole && record.check_sum != 0 && check_sum_of(out, size) != record.check_sum) {
    fail("damaged bytes in the record " + shown(record.name));
  }
}

std::string PickleZip::read(uint64_t index) {
  std::string bytes(records_[index].size, '\0');  // no larger than the file, as check_extents() saw
  read(index, 0, bytes.data(), bytes.size());
  return bytes;
}

}  // namespace grapnel::runner
