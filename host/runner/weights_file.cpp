#include "runner/weights_file.hpp"

#include <string_view>
#include <unordered_map>

#include "runner/legacy_archive.hpp"
#include "runner/pickle_archive.hpp"
#include "runner/safetensors.hpp"

namespace grapnel::runner {
namespace {

using Kind = PickleNode::Kind;

bool holds_tensors(const PickleNode& dict) {
  if (dict.kind != Kind::kDict) return false;
  for (const auto& [key, value] : dict.members) {
    if (key->kind == Kind::kString && value->kind == Kind::kTensor) return true;
  }
  return false;
}

// What stands on top of a file without weights.
std::string described(const PickleNode& root) {
  if (root.kind == Kind::kObject) return "an object of the class " + shown(root.type);
  if (root.kind == Kind::kTensor) return "one tensor without a name";
  if (root.kind != Kind::kDict) return "no dict";
  if (root.members.empty()) return "an empty dict";
  std::string keys;
  for (size_t i = 0; i < root.members.size() && i < 12; ++i) {
    const PickleNode& key = *root.members[i].first;
    keys +=
        (keys.empty() ? "" : ", ") + (key.kind == Kind::kString ? shown(key.text) : "a key that is no text");
  }
  return "a dict of: " + keys + (root.members.size() > 12 ? ", ..." : "");
}

constexpr std::string_view kParallel = "module.";

// Averaged models count their updates beside the tensors of "module.".
bool is_counter(std::string_view name) { return name == "steps" || name == "n_averaged"; }

void strip_parallel(std::vector<std::pair<std::string, StoredTensor>>& tensors) {
  bool any = false;
  for (const auto& [name, tensor] : tensors) {
    const bool prefixed = std::string_view(name).substr(0, kParallel.size()) == kParallel;
    if (!prefixed && !is_counter(name)) return;
    any = any || prefixed;
  }
  if (!any) return;
  std::vector<std::pair<std::string, StoredTensor>> stripped;
  for (auto& [name, tensor] : tensors) {
    if (!is_counter(name)) stripped.emplace_back(name.substr(kParallel.size()), std::move(tensor));
  }
  tensors = std::move(stripped);
}

}  // namespace

WeightsFile::WeightsFile(const std::string& path) : input_(path) {
  if (SafetensorsFile::recognises(input_)) {
    auto file = std::make_unique<SafetensorsFile>(input_);
    tensors_ = file->tensors();
    format_ = "safetensors";
    source_ = std::move(file);
    if (tensors_.empty()) input_.fail("a safetensors file without tensors");
  } else {
    find_tensors();
  }
  strip_parallel(tensors_);
}

WeightsFile::~WeightsFile() = default;

void WeightsFile::find_tensors() {
  auto archive = PickleArchive::open(input_);
  const PickleNode& root = archive->root();
  format_ = dynamic_cast<const LegacyArchive*>(archive.get()) != nullptr ? "torch.save, before 1.6"
                                                                         : "torch.save, zip";
  if (const PickleNode* meta = root.find("meta")) {
    const PickleNode* writer = meta->find("format");
    if (writer != nullptr && writer->text == "grapnel") format_ = "Grapnel's checkpoint";
  }

  const PickleNode* dict = nullptr;
  for (const char* key : {"state_dict", "model", "ema", "ema_state_dict", ""}) {
    const PickleNode* candidate = *key == '\0' ? &root : root.find(key);
    if (candidate != nullptr && candidate->kind == Kind::kObject) {
      input_.fail("an object of the class " + shown(candidate->type) +
                      (*key ? std::string(" under '") + key + "'" : ""),
                  "a dict of tensors", "in Python: torch.save(model.state_dict(), path)");
    }
    if (candidate == nullptr || !holds_tensors(*candidate)) continue;
    dict = candidate;
    key_ = key;
    break;
  }
  if (dict == nullptr) {
    input_.fail(described(root), "a dict of tensors, on top or under 'state_dict', 'model' or 'ema'",
                "in Python: torch.save(model.state_dict(), path)");
  }

  std::unordered_map<std::string_view, size_t> places;  // a name that comes again replaces what it stood for
  for (const auto& [key, value] : dict->members) {
    if (key->kind != Kind::kString) continue;
    if (value->kind == Kind::kObject) {
      input_.fail("an object of the class " + shown(value->type) + " as " + shown(key->text), "a tensor");
    }
    if (value->kind != Kind::kTensor) {
      input_.charge(key->text.size());
      others_.emplace_back(key->text);
      continue;
    }
    const auto [found, is_new] = places.try_emplace(key->text, tensors_.size());
    if (is_new) {
      input_.charge(key->text.size());
      tensors_.emplace_back(std::string(key->text), archive->describe(*value));
    } else {
      tensors_[found->second].second = archive->describe(*value);
    }
  }
  source_ = std::move(archive);
}

}  // namespace grapnel::runner
