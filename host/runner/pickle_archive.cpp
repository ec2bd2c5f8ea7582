#include "runner/pickle_archive.hpp"

#include <algorithm>
#include <vector>

#include "runner/legacy_archive.hpp"
#include "runner/pickle_reader.hpp"
#include "runner/pickle_zip.hpp"

namespace grapnel::runner {
namespace {

using Kind = PickleNode::Kind;

class ZipArchive : public PickleArchive {
 public:
  explicit ZipArchive(const WeightsInput& input) : PickleArchive(input), zip_(input) {
    const uint64_t pickle = *zip_.find("data.pkl");
    if (zip_.size(pickle) > kMostPickleBytes)
      input.fail("a pickle of " + std::to_string(zip_.size(pickle)) + " bytes");
    document_ = read_pickle(zip_.read(pickle), input.path());
    const auto order = zip_.find("byteorder");
    if (order && zip_.size(*order) == 3 && zip_.read(*order) == "big") input.fail("big-endian tensors");
  }

 private:
  std::optional<Storage> find_storage(std::string_view key) const override {
    const auto record = zip_.find("data/" + std::string(key));
    if (!record) return std::nullopt;
    return Storage{*record, zip_.size(*record)};
  }
  void read_record(uint64_t record, uint64_t begin, void* out, uint64_t size) override {
    zip_.read(record, begin, out, size);
  }

  PickleZip zip_;
};

bool is_sequence(const PickleNode& node) { return node.kind == Kind::kTuple || node.kind == Kind::kList; }

bool read_integers(const PickleNode& node, std::vector<int64_t>& out) {
  // torch.Size is a call with one tuple.
  const bool is_size = node.kind == Kind::kObject && node.type == "torch.Size" && node.items.size() == 1;
  const PickleNode& sequence = is_size ? *node.items[0] : node;
  if (!is_sequence(sequence)) return false;
  out.reserve(sequence.items.size());
  for (const PickleNode* item : sequence.items) {
    if (item->kind != Kind::kInt) return false;
    out.push_back(item->integer);
  }
  return true;
}

}  // namespace

std::unique_ptr<PickleArchive> PickleArchive::open(const WeightsInput& input) {
  const std::string head = input.read(0, 2);
  if (head == "PK") return std::make_unique<ZipArchive>(input);
  if (head[0] == '\x80') return std::make_unique<LegacyArchive>(input);
  if (input.size() > 512 && input.read(257, 5) == "ustar") {
    input.fail("a tar archive", "torch.save's zip format or the one before it",
               "PyTorch of 2017 wrote these: open it with a newer one and torch.save it again");
  }
  input.fail("some other kind of file", "a checkpoint, torch.save's state dict or safetensors");
}

StoredTensor PickleArchive::describe(const PickleNode& node) const {
  if (node.kind != Kind::kTensor) input_.fail("something else in the place of a tensor");
  const PickleNode& storage = *node.items[0];
  constexpr std::string_view kModule = "torch.";
  const StoredDtypeInfo* info =
      find_storage_type(storage.type.substr(std::min(storage.type.size(), kModule.size())));
  if (info == nullptr) input_.fail("a tensor of the unknown type " + shown(storage.type));

  StoredTensor tensor;
  tensor.dtype = info->dtype;
  if (node.items[1]->kind != Kind::kInt || node.items[2]->items.size() > 64 ||
      !read_integers(*node.items[2], tensor.sizes) || !read_integers(*node.items[3], tensor.strides)) {
    input_.fail("a tensor without a shape in the storage " + shown(storage.text));
  }
  const auto found = find_storage(storage.text);
  if (!found) input_.fail("a tensor without its bytes: no storage " + shown(storage.text));
  const uint64_t available = found->bytes / info->bytes;
  if (storage.integer < 0 || static_cast<uint64_t>(storage.integer) != available ||
      available * info->bytes != found->bytes) {
    input_.fail("a storage " + shown(storage.text) + " of " + std::to_string(storage.integer) +
                " elements in " + std::to_string(found->bytes) + " bytes");
  }
  int64_t begin = 0, room = storage.integer;
  if (!storage.items.empty()) {  // a view, in old files
    begin = storage.items[0]->integer;
    room = storage.items[1]->integer;
    if (begin < 0 || room < 0 || begin > storage.integer || room > storage.integer - begin) {
      input_.fail("a view that reaches beyond its storage " + shown(storage.text));
    }
  }
  const int64_t offset = node.items[1]->integer;
  if (!measure(tensor) || offset < 0 || static_cast<uint64_t>(room) < tensor.reach ||
      offset > room - static_cast<int64_t>(tensor.reach)) {
    input_.fail("a tensor that reaches beyond its storage " + shown(storage.text));
  }
  tensor.record = found->record;
  tensor.begin = static_cast<uint64_t>(begin + offset) * info->bytes;
  return tensor;
}

}  // namespace grapnel::runner
