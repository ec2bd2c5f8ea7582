#include "conformance/state_sample.hpp"

#include <algorithm>
#include <set>

namespace grapnel::conformance {
namespace {

constexpr size_t kSmallState = 64;  // bytes that are all tried
constexpr size_t kMostPlaces = 64;

// Every place of a small state; the ends and random places of a large one.
std::vector<size_t> places(size_t size, uint64_t seed) {
  std::set<size_t> chosen;
  CounterRng rng(seed, 300, static_cast<int64_t>(size), CounterRng::Purpose::kTest);
  for (size_t i = 0; i < size && (size <= kSmallState || i < 40); ++i) chosen.insert(i);
  for (size_t i = size > 16 ? size - 16 : 0; i < size; ++i) chosen.insert(i);
  while (chosen.size() < std::min(size, kMostPlaces))
    chosen.insert(static_cast<size_t>(rng.integer(0, static_cast<int64_t>(size) - 1)));
  return {chosen.begin(), chosen.end()};
}

}  // namespace

std::vector<StateSample> take_state_samples(Trial& trial) {
  std::vector<StateSample> samples;
  for (size_t n = 0; n < 3; ++n) {
    StateSample sample;
    sample.plan = trial.plan(6);
    sample.plan.by_epoch = n % 2 == 0;
    sample.plan.max_iters = 6;
    sample.options = trial.options(n / 2);
    InMemoryHost& host = trial.host_for(sample.plan);
    if (!trial.create(host, sample.options).ok()) continue;
    sample.checkpoint = LegalRun(host, sample.plan).run().checkpoint;
    host.destroy();
    sample.plan.interrupt_at = -1;
    if (sample.checkpoint.is_there) samples.push_back(std::move(sample));
  }
  return samples;
}

std::vector<StateSample> need_state_samples(Trial& trial) {
  if (!trial.plugin().keeps_state()) throw CaseEnded{not_applicable("the hook keeps no state")};
  std::vector<StateSample> samples = take_state_samples(trial);
  if (samples.empty()) throw CaseEnded{not_applicable("no run of the hook came to a checkpoint")};
  return samples;
}

Resumed resume_with(Trial& trial, const StateSample& sample, const SavedState& state,
                    const StateStream& stream) {
  Resumed resumed;
  InMemoryHost& host = trial.host_in("resumed", sample.plan);
  resumed.host = &host;
  const size_t most = host.stream.most_bytes_a_read;
  host.stream = stream;
  if (stream.fail_at < 0) host.stream.most_bytes_a_read = most;
  resumed.loaded = trial.create(host, sample.options);
  if (!resumed.loaded.ok()) return resumed;
  RunCheckpoint from = sample.checkpoint;
  from.states.front() = state;
  LegalRun run(host, sample.plan);
  run.resume_from(from);
  int calls = 0;
  host.on_call_end = [&](const char* call) {
    if (std::string(call) != "load_state") return;
    resumed.was_loaded = true;
    calls = host.stream.calls;
    host.stream.fail_at = -1;
  };
  const RunOutcome outcome = run.run();
  host.destroy();
  host.on_call_end = nullptr;
  host.stream.calls = calls;
  for (const auto& [name, result] : outcome.failures) {
    if (name == "load_state") resumed.loaded = result;
  }
  return resumed;
}

Resumed load_only(Trial& trial, const StateSample& sample, const SavedState& state,
                  size_t most_bytes_a_read) {
  Resumed resumed;
  InMemoryHost& host = trial.host_for(sample.plan);
  resumed.host = &host;
  host.stream.most_bytes_a_read = most_bytes_a_read;
  resumed.loaded = trial.create(host, sample.options);
  if (!resumed.loaded.ok()) return resumed;
  host.call("before_run");
  host.parameters = sample.checkpoint.parameters;
  host.buffers = sample.checkpoint.buffers;
  host.groups = sample.checkpoint.groups;
  SavedState copy = state;
  resumed.loaded = host.load_state(copy);
  resumed.was_loaded = true;
  return resumed;
}

std::vector<SavedState> cut_states(const SavedState& state, uint64_t seed) {
  std::vector<SavedState> states;
  for (const size_t size : places(state.bytes.size(), seed)) {
    SavedState cut = state;
    cut.bytes.resize(size);
    states.push_back(std::move(cut));
  }
  for (const auto& [name, tensor] : state.tensors) {
    SavedState cut = state;
    cut.tensors.erase(name);
    states.push_back(std::move(cut));
    if (states.size() > 2 * kMostPlaces) break;
  }
  if (!state.bytes.empty() || !state.tensors.empty()) {
    SavedState nothing;
    nothing.plugin_version = state.plugin_version;
    states.push_back(std::move(nothing));
  }
  return states;
}

std::vector<SavedState> changed_states(const SavedState& state, uint64_t seed) {
  std::vector<SavedState> states;
  const auto with_byte = [&](size_t at, uint8_t value) {
    if (state.bytes[at] == value) return;
    SavedState changed = state;
    changed.bytes[at] = value;
    states.push_back(std::move(changed));
  };
  // Counts and sizes are small numbers of 8 bytes: each byte set makes them larger, by far or by too much.
  const auto where = places(state.bytes.size(), seed);
  for (const size_t at : where) {
    for (const uint8_t value : {0x00, 0x01, 0x10, 0x7f, 0x80, 0xff}) with_byte(at, value);
  }
  CounterRng rng(seed, 301, 0, CounterRng::Purpose::kTest);
  for (int i = 0; i < 20 && !state.bytes.empty(); ++i) {
    SavedState changed = state;
    for (uint8_t& byte : changed.bytes) {
      if (i < 2 || rng.chance(0.2))
        byte = i == 0 ? 0xff : i == 1 ? 0x00 : static_cast<uint8_t>(rng.integer(0, 255));
    }
    states.push_back(std::move(changed));
  }
  for (const auto& [name, tensor] : state.tensors) {
    const std::vector<std::vector<int64_t>> shapes = {{}, {0}, {1}, {2, 3}, {7, 1, 1, 1, 1}};
    for (const auto& shape : shapes) {
      SavedState changed = state;
      changed.tensors[name] = PlainTensor::zeros(tensor.dtype(), shape);
      states.push_back(std::move(changed));
    }
    SavedState changed = state;
    changed.tensors[name] = PlainTensor::zeros({GRAPNEL_DTYPE_INT, 8, 1}, tensor.shape());
    states.push_back(std::move(changed));
    if (states.size() > 8 * kMostPlaces) break;
  }
  return states;
}

std::string state_difference(const SavedState& expected, const SavedState& got) {
  const auto size_text = [](const SavedState& state) {
    return std::to_string(state.bytes.size()) + " bytes and " + std::to_string(state.tensors.size()) +
           " tensors";
  };
  if (expected.bytes.size() != got.bytes.size() || expected.tensors.size() != got.tensors.size())
    return "got " + size_text(got) + ", expected " + size_text(expected);
  const auto at = std::mismatch(expected.bytes.begin(), expected.bytes.end(), got.bytes.begin()).first;
  if (at != expected.bytes.end())
    return "byte " + std::to_string(at - expected.bytes.begin()) + " of " +
           std::to_string(expected.bytes.size()) + " differs";
  for (const auto& [name, tensor] : expected.tensors) {
    const auto found = got.tensors.find(name);
    if (found == got.tensors.end()) return "the tensor " + name + " is missing";
    if (found->second.hash() != tensor.hash()) return "the tensor " + name + " differs";
  }
  return {};
}

}  // namespace grapnel::conformance
