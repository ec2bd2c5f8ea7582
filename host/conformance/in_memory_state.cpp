// The state streams of the in-memory host.
#include "conformance/in_memory_instance.hpp"

namespace grapnel::conformance {
namespace {

// What a stream function finds behind `stream`.
struct OpenState {
  InMemoryHost* host;
  SavedState* state;
  size_t next = 0;

  // True if this call has to fail; writes the reason.
  bool fails(grapnel_error* error) {
    StateStream& stream = host->stream;
    const bool now = stream.calls++ == stream.fail_at;
    if (now) refuse(error, GRAPNEL_STATUS_IO, stream.failure);
    return now;
  }
};

grapnel_status write_bytes(void* stream, const void* bytes, uint64_t size, grapnel_error* error) {
  auto& open = *static_cast<OpenState*>(stream);
  if (open.fails(error)) return GRAPNEL_STATUS_IO;
  if (bytes == nullptr && size > 0)
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the bytes are null");
  const auto* first = static_cast<const uint8_t*>(bytes);
  open.state->bytes.insert(open.state->bytes.end(), first, first + size);
  return GRAPNEL_STATUS_OK;
}

grapnel_status write_tensor(void* stream, const char* name, const grapnel_tensor* tensor,
                            grapnel_error* error) {
  auto& open = *static_cast<OpenState*>(stream);
  if (open.fails(error)) return GRAPNEL_STATUS_IO;
  if (name == nullptr || tensor == nullptr)
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor or its name is null");
  if (!open.state->tensors.emplace(name, PlainTensor::copy_of(*tensor)).second)
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "this name was written before");
  return GRAPNEL_STATUS_OK;
}

grapnel_status read_bytes(void* stream, void* bytes, uint64_t capacity, uint64_t* got, grapnel_error* error) {
  auto& open = *static_cast<OpenState*>(stream);
  if (open.fails(error)) return GRAPNEL_STATUS_IO;
  if (got == nullptr || (bytes == nullptr && capacity > 0))
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the buffer is null");
  const size_t left = open.state->bytes.size() - open.next;
  const size_t size = std::min({left, static_cast<size_t>(capacity), open.host->stream.most_bytes_a_read});
  if (size > 0) std::memcpy(bytes, open.state->bytes.data() + open.next, size);
  open.next += size;
  *got = size;
  return GRAPNEL_STATUS_OK;
}

grapnel_status find_tensor(void* stream, const char* name, grapnel_tensor* tensor, grapnel_error* error) {
  auto& open = *static_cast<OpenState*>(stream);
  if (open.fails(error)) return GRAPNEL_STATUS_IO;
  if (name == nullptr || tensor == nullptr)
    return refuse(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor or its name is null");
  const auto found = open.state->tensors.find(name);
  if (found == open.state->tensors.end())
    return refuse(error, GRAPNEL_STATUS_NOT_FOUND, std::string("the state has no tensor ") + name);
  *tensor = open.host->lend(found->second, Access::kRead, "a tensor of the state");
  return GRAPNEL_STATUS_OK;
}

CallResult without_state() {
  CallResult result;
  result.status = GRAPNEL_STATUS_UNSUPPORTED;
  result.message = "the plugin has no state";
  return result;
}

// The table as the host shows it: lent, and longer in a newer host.
template <class T>
const T* shown(InMemoryHost& host, Longer<T>& table, const char* what, const char* call) {
  const bool is_newer = host.treatment.is_newer;
  if (is_newer) table.known.struct_size = sizeof table;
  if (host.treatment.lender == nullptr) return &table.known;
  const size_t size = is_newer ? sizeof table : sizeof table.known;
  return static_cast<const T*>(host.treatment.lender->lend(&table, size, Access::kRead, what, call));
}

}  // namespace

bool InMemoryHost::keeps_state(size_t index) const { return instance_at(index).vtable.load_state != nullptr; }

CallResult InMemoryHost::save_state(SavedState& saved, size_t index) {
  const Instance& instance = instance_at(index);
  if (instance.vtable.save_state == nullptr) return without_state();
  saved = {};
  saved.plugin_version = instance.plugin->version;
  stream.calls = 0;
  OpenState open{this, &saved};
  auto table =
      longer(grapnel_state_writer{sizeof(grapnel_state_writer), 0, &open, &write_bytes, &write_tensor});
  const auto* writer = shown(*this, table, "the state's writer", "save_state");
  return guarded("save_state", [&](grapnel_error* error) {
    return instance.vtable.save_state(instance.self, writer, error);
  });
}

CallResult InMemoryHost::load_state(SavedState& saved, size_t index) {
  const Instance& instance = instance_at(index);
  if (instance.vtable.load_state == nullptr) return without_state();
  stream.calls = 0;
  OpenState open{this, &saved};
  current_call_ = "load_state";
  const char* version = lend(saved.plugin_version, "the state's plugin_version");
  auto table = longer(
      grapnel_state_reader{sizeof(grapnel_state_reader), 0, &open, version, &read_bytes, &find_tensor});
  const auto* reader = shown(*this, table, "the state's reader", "load_state");
  return guarded("load_state", [&](grapnel_error* error) {
    return instance.vtable.load_state(instance.self, reader, error);
  });
}

}  // namespace grapnel::conformance
