#include "runner/legacy_archive.hpp"

#include <algorithm>
#include <memory>

#include "runner/pickle_reader.hpp"

namespace grapnel::runner {
namespace {

using Kind = PickleNode::Kind;

constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";  // 0x1950a86a20f9469cfc6c
constexpr int64_t kProtocol = 1001;

}  // namespace

LegacyArchive::LegacyArchive(const WeightsInput& input) : PickleArchive(input) {
  // Where the pickles end only they tell: more of the file is read until they are whole.
  uint64_t size = std::min<uint64_t>(input.size(), uint64_t{1} << 20);
  while (true) {
    try {
      read_pickles(input.read(0, size));
      break;
    } catch (const TruncatedPickle&) {
      if (size == input.size() || size >= kMostPickleBytes) throw;
      size = std::min(input.size(), size * 4);
    }
  }
  place_storages();
}

void LegacyArchive::read_pickles(std::string head) {
  const auto bytes = std::make_shared<const std::string>(std::move(head));
  const PickleDocument magic = read_pickle(bytes, 0, input_.path());
  if (magic.root->type != "builtins.int" || magic.root->text != kMagic) {
    input_.fail("a bare pickle", "a file that torch.save wrote",
                "in Python: torch.save(model.state_dict(), path)");
  }
  const PickleDocument protocol = read_pickle(bytes, magic.end, input_.path());
  if (protocol.root->kind != Kind::kInt || protocol.root->integer != kProtocol) {
    input_.fail("an unknown protocol version of torch.save", std::to_string(kProtocol));
  }
  const PickleDocument system = read_pickle(bytes, protocol.end, input_.path());
  const PickleNode* little = system.root->find("little_endian");
  if (little == nullptr || little->kind != Kind::kBool) input_.fail("no byte order", "'little_endian': True");
  if (little->integer == 0) input_.fail("big-endian tensors");
  document_ = read_pickle(bytes, system.end, input_.path());
  keys_ = read_pickle(bytes, document_.end, input_.path());
}

void LegacyArchive::place_storages() {
  struct Announced {
    int64_t elements;
    const StoredDtypeInfo* info;
  };
  std::unordered_map<std::string_view, Announced> announced;
  for (const PickleNode& node : document_.nodes) {
    if (node.kind != Kind::kStorage) continue;
    const StoredDtypeInfo* info = find_storage_type(node.type.substr(std::min<size_t>(node.type.size(), 6)));
    if (info == nullptr) input_.fail("a tensor of the unknown type " + shown(node.type));
    const auto [found, is_new] = announced.try_emplace(node.text, Announced{node.integer, info});
    if (!is_new && (found->second.elements != node.integer || found->second.info != info)) {
      input_.fail("two descriptions of the storage " + shown(node.text));
    }
  }
  if (keys_.root->kind != Kind::kList) input_.fail("no list of storages");
  uint64_t at = keys_.end;
  for (const PickleNode* key : keys_.root->items) {
    const auto found = announced.find(key->text);
    if (key->kind != Kind::kString || found == announced.end())
      input_.fail("a storage that no tensor refers to");
    char count[8];
    input_.read(at, count, sizeof count);
    at += sizeof count;
    const auto elements = static_cast<int64_t>(little_endian(count, sizeof count));
    const uint64_t item = found->second.info->bytes;
    if (elements < 0 || elements != found->second.elements ||
        static_cast<uint64_t>(elements) > (input_.size() - at) / item) {
      input_.fail(
          "a storage " + shown(key->text) + " of " + std::to_string(elements) + " elements that is not there",
          "", "the file may be cut off or damaged");
    }
    const Storage storage{begins_.size(), static_cast<uint64_t>(elements) * item};
    if (!storages_.emplace(key->text, storage).second) input_.fail("two storages named " + shown(key->text));
    begins_.push_back(at);
    at += storage.bytes;
  }
}

std::optional<PickleArchive::Storage> LegacyArchive::find_storage(std::string_view key) const {
  const auto found = storages_.find(key);
  if (found == storages_.end()) return std::nullopt;
  return found->second;
}

void LegacyArchive::read_record(uint64_t record, uint64_t begin, void* out, uint64_t size) {
  input_.read(begins_[record] + begin, out, size);
}

}  // namespace grapnel::runner
