#include "runner/checkpoint_file.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <string_view>

#include "core/failure.hpp"
#include "runner/tensor_archive.hpp"
#include "runner/weights_file.hpp"

namespace grapnel::runner {
namespace {

constexpr const char* kFormat = "grapnel";
constexpr int64_t kFormatVersion = 1;

// ---- writing -------------------------------------------------------------------------------------------

void write_tensors(TensorArchiveWriter& archive, const NamedTensors& tensors) {
  archive.pickle().begin_dict();
  for (const auto& [name, tensor] : tensors) {
    archive.pickle().string(name);
    archive.tensor(tensor);
  }
  archive.pickle().end_dict();
}

template <typename Numbers>
void write_numbers(TensorArchiveWriter& archive, const Numbers& numbers) {
  archive.pickle().begin_dict();
  for (const auto& [name, number] : numbers) {
    archive.pickle().string(name);
    archive.number(number);
  }
  archive.pickle().end_dict();
}

void write_text(PickleWriter& pickle, const char* key, const std::string& text) {
  pickle.string(key);
  pickle.string(text);
}

void write_integer(PickleWriter& pickle, const char* key, int64_t value) {
  pickle.string(key);
  pickle.integer(value);
}

void write_texts(PickleWriter& pickle, const std::map<std::string, std::string>& texts) {
  pickle.begin_dict();
  for (const auto& [name, text] : texts) write_text(pickle, name.c_str(), text);
  pickle.end_dict();
}

void write_optimizer(TensorArchiveWriter& archive, const Checkpoint& checkpoint) {
  PickleWriter& pickle = archive.pickle();
  pickle.begin_dict();
  write_text(pickle, "type", checkpoint.optimizer_type);
  pickle.string("groups");
  pickle.begin_list();
  for (const OptimizerGroupState& group : checkpoint.optimizer_groups) {
    pickle.begin_dict();
    write_text(pickle, "name", group.name);
    pickle.string("options");
    write_numbers(archive, group.options);
    pickle.string("parameters");
    pickle.begin_list();
    for (const std::string& name : group.parameters) pickle.string(name);
    pickle.end_list();
    pickle.end_dict();
  }
  pickle.end_list();
  pickle.string("tensors");
  write_tensors(archive, checkpoint.optimizer_tensors);
  pickle.string("steps");
  pickle.begin_dict();
  for (const auto& [name, step] : checkpoint.optimizer_steps) write_integer(pickle, name.c_str(), step);
  pickle.end_dict();
  pickle.string("gradients");
  write_tensors(archive, checkpoint.gradients);
  pickle.end_dict();
}

void write_meta(TensorArchiveWriter& archive, const Checkpoint& checkpoint) {
  PickleWriter& pickle = archive.pickle();
  pickle.begin_dict();
  write_text(pickle, "format", kFormat);
  write_integer(pickle, "format_version", kFormatVersion);
  write_integer(pickle, "epoch", checkpoint.epoch);
  write_integer(pickle, "iter", checkpoint.iter);
  write_integer(pickle, "epoch_batch", checkpoint.epoch_batch);
  write_integer(pickle, "accumulated", checkpoint.accumulated);
  pickle.string("validation_due");
  pickle.boolean(checkpoint.validation_due);
  write_integer(pickle, "seed", checkpoint.seed);
  pickle.string("metrics");
  write_numbers(archive, checkpoint.metrics);
  pickle.string("texts");
  write_texts(pickle, checkpoint.meta_texts);
  pickle.end_dict();
}

void write_message_hub(TensorArchiveWriter& archive, const MessageHub& hub) {
  PickleWriter& pickle = archive.pickle();
  pickle.begin_dict();
  pickle.string("scalars");
  pickle.begin_dict();
  for (const std::string& key : hub.scalar_keys()) {
    const ScalarHistory& history = *hub.scalar(key);
    pickle.string(key);
    pickle.begin_dict();
    write_integer(pickle, "update_count", static_cast<int64_t>(history.update_count()));
    pickle.string("values");
    torch::Tensor values = torch::empty({static_cast<int64_t>(history.values().size())}, torch::kFloat64);
    std::copy(history.values().begin(), history.values().end(), values.data_ptr<double>());
    archive.tensor(values);
    pickle.end_dict();
  }
  pickle.end_dict();
  pickle.string("texts");
  write_texts(pickle, hub.texts());
  pickle.end_dict();
}

std::optional<c10::ScalarType> scalar_type(const grapnel_dtype& dtype) {
  switch (dtype.code) {
    case GRAPNEL_DTYPE_FLOAT:
      if (dtype.bits == 16) return torch::kHalf;
      if (dtype.bits == 32) return torch::kFloat32;
      if (dtype.bits == 64) return torch::kFloat64;
      break;
    case GRAPNEL_DTYPE_BFLOAT:
      if (dtype.bits == 16) return torch::kBFloat16;
      break;
    case GRAPNEL_DTYPE_INT:
      if (dtype.bits == 8) return torch::kInt8;
      if (dtype.bits == 16) return torch::kInt16;
      if (dtype.bits == 32) return torch::kInt32;
      if (dtype.bits == 64) return torch::kInt64;
      break;
    case GRAPNEL_DTYPE_UINT:
      if (dtype.bits == 8) return torch::kUInt8;
      break;
    default:
      break;
  }
  return std::nullopt;
}

// As a tensor of its own kind, so that the file is of use elsewhere; the kinds that LibTorch lacks as bytes.
void write_hook_tensor(TensorArchiveWriter& archive, const HookState& hook, const HookState::Tensor& tensor) {
  PickleWriter& pickle = archive.pickle();
  int64_t elements = 1;
  for (const int64_t size : tensor.shape) elements *= size;
  const auto type = scalar_type(tensor.dtype);
  if (type &&
      elements * static_cast<int64_t>(c10::elementSize(*type)) != static_cast<int64_t>(tensor.bytes.size())) {
    throw Failure(
        FailureKind::kRun,
        {"a hook's saved tensor does not have the size its shape says", hook.key + ", " + tensor.name,
         std::to_string(tensor.bytes.size()) + " bytes", std::to_string(elements) + " elements", ""});
  }
  pickle.begin_dict();
  write_text(pickle, "name", tensor.name);
  write_integer(pickle, "dtype_code", tensor.dtype.code);
  write_integer(pickle, "dtype_bits", tensor.dtype.bits);
  write_integer(pickle, "dtype_lanes", tensor.dtype.lanes);
  pickle.string("shape");
  pickle.begin_list();
  for (const int64_t size : tensor.shape) pickle.integer(size);
  pickle.end_list();
  pickle.string("values");
  if (type) {
    torch::Tensor values = torch::empty(tensor.shape, torch::dtype(*type));
    if (!tensor.bytes.empty()) std::memcpy(values.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
    archive.tensor(values);
  } else {
    archive.bytes(tensor.bytes.data(), tensor.bytes.size());
  }
  pickle.end_dict();
}

void write_hooks(TensorArchiveWriter& archive, const std::vector<HookState>& hooks) {
  PickleWriter& pickle = archive.pickle();
  pickle.begin_list();
  for (const HookState& hook : hooks) {
    pickle.begin_dict();
    write_text(pickle, "key", hook.key);
    write_text(pickle, "type", hook.type);
    write_text(pickle, "plugin_version", hook.plugin_version);
    pickle.string("bytes");
    archive.bytes(hook.bytes.data(), hook.bytes.size());
    pickle.string("tensors");
    pickle.begin_list();
    for (const HookState::Tensor& tensor : hook.tensors) write_hook_tensor(archive, hook, tensor);
    pickle.end_list();
    pickle.end_dict();
  }
  pickle.end_list();
}

// ---- reading -------------------------------------------------------------------------------------------

using Kind = PickleNode::Kind;

// One dict of the file, whose members must be there and of the right kind.
class Fields {
 public:
  Fields(TensorArchiveReader& archive, const PickleNode& node, std::string name)
      : archive_(archive), node_(node), name_(std::move(name)) {
    if (node.kind != Kind::kDict) archive_.fail("no dict '" + name_ + "'");
  }

  const PickleNode& member(const char* key, Kind kind) const {
    const PickleNode* found = node_.find(key);
    if (found == nullptr || found->kind != kind) archive_.fail("no usable '" + name_ + "." + key + "'");
    return *found;
  }
  Fields fields(const char* key) const { return {archive_, member(key, Kind::kDict), name_ + "." + key}; }
  int64_t integer(const char* key) const { return member(key, Kind::kInt).integer; }
  bool boolean(const char* key) const { return member(key, Kind::kBool).integer != 0; }
  std::string text(const char* key) const { return archive_.text(member(key, Kind::kString)); }
  torch::Tensor tensor(const char* key) const { return archive_.tensor(member(key, Kind::kTensor)); }
  std::vector<uint8_t> bytes(const char* key) const {
    const torch::Tensor values = tensor(key);
    const auto* begin = static_cast<const uint8_t*>(values.data_ptr());
    return {begin, begin + values.nbytes()};
  }
  std::vector<Fields> list(const char* key) const {
    std::vector<Fields> all;
    for (const PickleNode* item : member(key, Kind::kList).items) {
      all.emplace_back(archive_, *item, name_ + "." + key + "." + std::to_string(all.size()));
    }
    return all;
  }

  // This dict as a whole.
  NamedTensors tensors() const {
    NamedTensors all;
    for (const auto& [key, value] : node_.members)
      all.emplace_back(archive_.text(*key), archive_.tensor(*value));
    return all;
  }
  std::vector<std::pair<std::string, double>> numbers() const {
    std::vector<std::pair<std::string, double>> all;
    for (const auto& [key, value] : node_.members) {
      const torch::Tensor number = archive_.tensor(*value);
      if (!number.defined() || number.scalar_type() != torch::kFloat64 || number.numel() != 1) {
        archive_.fail("no number '" + name_ + "." + shown(key->text) + "'");
      }
      all.emplace_back(archive_.text(*key), number.item<double>());
    }
    return all;
  }
  std::map<std::string, std::string> texts() const {
    std::map<std::string, std::string> all;
    for (const auto& [key, value] : node_.members) all[archive_.text(*key)] = archive_.text(*value);
    return all;
  }
  std::string text_of(const PickleNode& node) const { return archive_.text(node); }
  const PickleNode& node() const { return node_; }

 private:
  TensorArchiveReader& archive_;
  const PickleNode& node_;
  std::string name_;
};

void read_optimizer(const Fields& optimizer, Checkpoint& checkpoint) {
  checkpoint.optimizer_type = optimizer.text("type");
  for (const Fields& group : optimizer.list("groups")) {
    OptimizerGroupState state;
    state.name = group.text("name");
    for (auto& [name, value] : group.fields("options").numbers()) state.options[name] = value;
    for (const PickleNode* name : group.member("parameters", Kind::kList).items) {
      state.parameters.push_back(optimizer.text_of(*name));
    }
    checkpoint.optimizer_groups.push_back(std::move(state));
  }
  checkpoint.optimizer_tensors = optimizer.fields("tensors").tensors();
  for (const auto& [name, step] : optimizer.member("steps", Kind::kDict).members) {
    checkpoint.optimizer_steps[optimizer.text_of(*name)] = step->integer;
  }
  checkpoint.gradients = optimizer.fields("gradients").tensors();
}

void read_meta(const Fields& meta, Checkpoint& checkpoint) {
  checkpoint.epoch = meta.integer("epoch");
  checkpoint.iter = meta.integer("iter");
  checkpoint.epoch_batch = meta.integer("epoch_batch");
  checkpoint.accumulated = meta.integer("accumulated");
  checkpoint.validation_due = meta.boolean("validation_due");
  checkpoint.seed = meta.integer("seed");
  checkpoint.metrics = meta.fields("metrics").numbers();
  checkpoint.meta_texts = meta.fields("texts").texts();
}

void read_message_hub(TensorArchiveReader& archive, const Fields& fields, MessageHub& hub) {
  for (const auto& [key, node] : fields.member("scalars", Kind::kDict).members) {
    const std::string name = archive.text(*key);
    const Fields scalar(archive, *node, "message_hub.scalars." + shown(name));
    const torch::Tensor values = scalar.tensor("values");
    if (values.scalar_type() != torch::kFloat64) archive.fail("no usable history of '" + shown(name) + "'");
    const auto* begin = values.data_ptr<double>();
    hub.restore_scalar(name, std::deque<double>(begin, begin + values.numel()),
                       static_cast<uint64_t>(scalar.integer("update_count")));
  }
  for (auto& [key, text] : fields.fields("texts").texts()) hub.set_text(key, text);
}

HookState read_hook(const Fields& hook) {
  HookState state;
  state.key = hook.text("key");
  state.type = hook.text("type");
  state.plugin_version = hook.text("plugin_version");
  state.bytes = hook.bytes("bytes");
  for (const Fields& stored : hook.list("tensors")) {
    HookState::Tensor tensor;
    tensor.name = stored.text("name");
    tensor.dtype.code = static_cast<uint8_t>(stored.integer("dtype_code"));
    tensor.dtype.bits = static_cast<uint8_t>(stored.integer("dtype_bits"));
    tensor.dtype.lanes = static_cast<uint16_t>(stored.integer("dtype_lanes"));
    for (const PickleNode* size : stored.member("shape", Kind::kList).items)
      tensor.shape.push_back(size->integer);
    tensor.bytes = stored.bytes("values");
    state.tensors.push_back(std::move(tensor));
  }
  return state;
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  TensorArchiveWriter archive;
  PickleWriter& pickle = archive.pickle();
  pickle.begin_dict();
  pickle.string("meta");
  write_meta(archive, checkpoint);
  pickle.string("state_dict");
  write_tensors(archive, checkpoint.state_dict);
  pickle.string("optimizer");
  write_optimizer(archive, checkpoint);
  pickle.string("message_hub");
  write_message_hub(archive, checkpoint.message_hub);
  pickle.string("hooks");
  write_hooks(archive, checkpoint.hooks);
  pickle.string("rng");
  write_tensors(archive, {{"cpu", checkpoint.rng_state}});
  pickle.end_dict();
  archive.write(path);
}

Checkpoint read_checkpoint(const std::string& path) {
  TensorArchiveReader archive(path);
  const PickleNode* meta = archive.root().find("meta");
  const PickleNode* format = meta ? meta->find("format") : nullptr;
  if (format == nullptr || format->text != kFormat) {
    archive.fail("a file without Grapnel's meta data", "a checkpoint that Grapnel wrote",
                 "weights from elsewhere can be given as load_from");
  }
  const Fields root(archive, archive.root(), "checkpoint");
  const int64_t version = root.fields("meta").integer("format_version");
  if (version != kFormatVersion) {
    archive.fail("format version " + std::to_string(version), std::to_string(kFormatVersion),
                 "another version of Grapnel wrote it");
  }
  Checkpoint checkpoint;
  read_meta(root.fields("meta"), checkpoint);
  checkpoint.state_dict = root.fields("state_dict").tensors();
  read_optimizer(root.fields("optimizer"), checkpoint);
  read_message_hub(archive, root.fields("message_hub"), checkpoint.message_hub);
  for (const Fields& hook : root.list("hooks")) checkpoint.hooks.push_back(read_hook(hook));
  for (auto& [name, tensor] : root.fields("rng").tensors()) {
    if (name == "cpu") checkpoint.rng_state = std::move(tensor);
  }
  return checkpoint;
}

NamedTensors read_weights(const std::string& path) {
  WeightsFile file(path);
  NamedTensors tensors;
  tensors.reserve(file.tensors().size());
  for (const auto& [name, tensor] : file.tensors())
    tensors.emplace_back(name, read_tensor(file.source(), tensor));
  return tensors;
}

}  // namespace grapnel::runner
