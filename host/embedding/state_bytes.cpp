#include "embedding/state_bytes.hpp"

#include <cstring>
#include <deque>
#include <string>
#include <type_traits>

#include "core/failure.hpp"

namespace grapnel::embedding {
namespace {

constexpr char kMagic[16] = "grapnel states1";

class Writer {
 public:
  explicit Writer(std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  void raw(const void* data, size_t size) {
    const auto* begin = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  template <class T>
  void value(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    raw(&value, sizeof value);
  }
  void size(size_t size) { value(static_cast<uint64_t>(size)); }
  void text(const std::string& text) {
    size(text.size());
    raw(text.data(), text.size());
  }

 private:
  std::vector<uint8_t>& bytes_;
};

class Reader {
 public:
  explicit Reader(const std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  const uint8_t* raw(uint64_t size) {
    if (size > bytes_.size() - at_) fail("they end early");
    const uint8_t* begin = bytes_.data() + at_;
    at_ += static_cast<size_t>(size);
    return begin;
  }
  template <class T>
  T value() {
    T value;
    std::memcpy(&value, raw(sizeof value), sizeof value);
    return value;
  }
  std::string text() {
    const auto size = value<uint64_t>();
    const auto* begin = reinterpret_cast<const char*>(raw(size));
    return {begin, begin + size};
  }
  // A number of things of at least `least` bytes each: more than fit is refused before anything is made.
  uint64_t count(size_t least) {
    const auto count = value<uint64_t>();
    if (count > (bytes_.size() - at_) / least) fail("they end early");
    return count;
  }
  bool at_end() const { return at_ == bytes_.size(); }

  [[noreturn]] static void fail(const std::string& got) {
    throw Failure(FailureKind::kConfig,
                  {"the hook states cannot be read: " + got, "", "", "", "give load_states what save_states gave"});
  }

 private:
  const std::vector<uint8_t>& bytes_;
  size_t at_ = 0;
};

void write_state(Writer& out, const HookState& state) {
  for (const std::string* text : {&state.key, &state.type, &state.plugin_version}) out.text(*text);
  out.size(state.bytes.size());
  out.raw(state.bytes.data(), state.bytes.size());
  out.size(state.tensors.size());
  for (const auto& tensor : state.tensors) {
    out.text(tensor.name);
    out.value(tensor.dtype);
    out.size(tensor.shape.size());
    for (const int64_t size : tensor.shape) out.value(size);
    out.size(tensor.bytes.size());
    out.raw(tensor.bytes.data(), tensor.bytes.size());
  }
}

std::vector<uint8_t> read_block(Reader& in) {
  const auto size = in.value<uint64_t>();
  const uint8_t* begin = in.raw(size);
  return {begin, begin + size};
}

HookState read_state(Reader& in) {
  HookState state;
  for (std::string* text : {&state.key, &state.type, &state.plugin_version}) *text = in.text();
  state.bytes = read_block(in);
  const uint64_t tensors = in.count(sizeof(uint64_t));
  for (uint64_t i = 0; i < tensors; ++i) {
    HookState::Tensor tensor;
    tensor.name = in.text();
    tensor.dtype = in.value<grapnel_dtype>();
    const uint64_t dims = in.count(sizeof(int64_t));
    for (uint64_t d = 0; d < dims; ++d) tensor.shape.push_back(in.value<int64_t>());
    tensor.bytes = read_block(in);
    state.tensors.push_back(std::move(tensor));
  }
  return state;
}

}  // namespace

std::vector<uint8_t> to_bytes(const std::vector<HookState>& states, const runner::MessageHub& hub) {
  std::vector<uint8_t> bytes;
  Writer out(bytes);
  out.raw(kMagic, sizeof kMagic);
  out.size(states.size());
  for (const auto& state : states) write_state(out, state);
  out.size(hub.scalar_keys().size());
  for (const auto& key : hub.scalar_keys()) {
    const runner::ScalarHistory& history = *hub.scalar(key);
    out.text(key);
    out.value(history.update_count());
    out.size(history.values().size());
    for (const double value : history.values()) out.value(value);
  }
  out.size(hub.texts().size());
  for (const auto& [key, text] : hub.texts()) {
    out.text(key);
    out.text(text);
  }
  return bytes;
}

std::vector<HookState> from_bytes(const std::vector<uint8_t>& bytes, runner::MessageHub& hub) {
  Reader in(bytes);
  if (std::memcmp(in.raw(sizeof kMagic), kMagic, sizeof kMagic) != 0) Reader::fail("they are none");
  std::vector<HookState> states;
  const uint64_t count = in.count(sizeof(uint64_t));
  for (uint64_t i = 0; i < count; ++i) states.push_back(read_state(in));

  runner::MessageHub read;
  const uint64_t scalars = in.count(sizeof(uint64_t));
  for (uint64_t i = 0; i < scalars; ++i) {
    const std::string key = in.text();
    const auto updates = in.value<uint64_t>();
    std::deque<double> values;
    const uint64_t length = in.count(sizeof(double));
    for (uint64_t v = 0; v < length; ++v) values.push_back(in.value<double>());
    read.restore_scalar(key, std::move(values), updates);
  }
  const uint64_t texts = in.count(sizeof(uint64_t));
  for (uint64_t i = 0; i < texts; ++i) {
    std::string key = in.text();
    read.set_text(key, in.text());
  }
  if (!in.at_end()) Reader::fail("something follows their end");
  hub = std::move(read);
  return states;
}

}  // namespace grapnel::embedding
