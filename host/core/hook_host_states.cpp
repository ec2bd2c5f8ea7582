// States of all hooks, out to a checkpoint and back in.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "core/hook_host_impl.hpp"

namespace grapnel {
namespace {

std::string origin(const HookState& state) {
  return "the state \"" + state.key + "\" of " + state.type + " " + state.plugin_version;
}

// Why nobody takes the state; "" if `instance` does.
std::string unclaimed_reason(const HookState& state, const HookInstance* instance) {
  if (instance == nullptr) return "no hook of this run has that key";
  if (state.type != instance->config.type) return "the hook with that key is a " + instance->config.type;
  if (instance->plugin->vtable.load_state == nullptr) {
    return std::string("version ") + instance->plugin->descriptor->version + " of the hook keeps no state";
  }
  return {};
}

void load_state(HookInstance& instance, const HookState& state) {
  StateSource source(state);
  ErrorBuffer error;
  const BreadcrumbScope scope(instance.key.c_str(), "load_state");
  const grapnel_status status = call_guarded(
      error, [&] { return instance.plugin->vtable.load_state(instance.self, source.table(), error.raw()); });
  if (status == GRAPNEL_STATUS_OK) return;
  throw Failure(FailureKind::kConfig,
                {origin(state) + " was refused by version " + instance.plugin->descriptor->version + ": " +
                     error.message(status),
                 "", "", "", "resume with the version of the hook that wrote it, or without the hook"});
}

}  // namespace

std::vector<HookState> HookHost::save_states() {
  std::vector<HookState> states;
  for (auto& instance : impl_->instances) {
    const auto save = instance->plugin->vtable.save_state;
    if (save == nullptr || !instance->created || instance->disabled) continue;
    HookState state;
    state.key = instance->key;
    state.type = instance->config.type;
    state.plugin_version = instance->plugin->descriptor->version;
    const StateCollector collector(state);
    ErrorBuffer error;
    const BreadcrumbScope scope(instance->key.c_str(), "save_state");
    const grapnel_status status =
        call_guarded(error, [&] { return save(instance->self, collector.table(), error.raw()); });
    if (status != GRAPNEL_STATUS_OK) throw HookFailure(instance->key, "save_state", error.message(status));
    states.push_back(std::move(state));
  }
  return states;
}

void HookHost::load_states(const std::vector<HookState>& states, bool waive_unclaimed) {
  std::set<std::string> taken;
  for (const auto& state : states) {
    const auto found =
        std::find_if(impl_->instances.begin(), impl_->instances.end(),
                     [&](const auto& instance) { return instance->key == state.key && instance->created; });
    HookInstance* instance = found == impl_->instances.end() ? nullptr : found->get();
    const std::string reason = unclaimed_reason(state, instance);
    if (!reason.empty()) {
      if (!waive_unclaimed) {
        throw Failure(FailureKind::kConfig,
                      {origin(state) + " has no taker: " + reason, "", "", "",
                       "configure the hook that wrote it, or drop the state with waive_hook_states = true"});
      }
      spdlog::warn("{} is dropped: {}", origin(state), reason);
      continue;
    }
    if (!taken.insert(state.key).second) {
      throw Failure(FailureKind::kConfig,
                    {"the checkpoint holds " + origin(state) + " twice", "", "", "", ""});
    }
    if (!instance->disabled) load_state(*instance, state);
  }
  for (const auto& instance : impl_->instances) {
    if (instance->plugin->vtable.load_state != nullptr && taken.count(instance->key) == 0) {
      spdlog::info("the checkpoint holds no state for {}: it starts anew", instance->key);
    }
  }
}

}  // namespace grapnel
