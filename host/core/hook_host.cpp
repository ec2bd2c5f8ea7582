// The life of the hooks: from the config's list to created instances in their order, and back.
#include "core/hook_host.hpp"

#include <grapnel/version.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "core/hook_host_impl.hpp"
#include "core/option_check.hpp"

namespace grapnel {
namespace {

std::string where(const HookConfig& config) {
  const std::string source = config.source.text();
  return source.empty() ? config.path : source + ", " + config.path;
}

const void* get_service(const grapnel_host* host, const char* id) {
  if (host == nullptr || id == nullptr) return nullptr;
  return static_cast<const HostData*>(host->data)->services->find(id);
}

// Explicit keys as they are; the others by type, numbered from the second on.
void name_instances(std::vector<std::unique_ptr<HookInstance>>& instances) {
  std::map<std::string, const HookInstance*> owners;
  std::map<std::string, int> count_by_type;
  const auto claim = [&](HookInstance& instance) {
    const auto [owner, is_new] = owners.emplace(instance.key, &instance);
    if (is_new) return;
    throw Failure(FailureKind::kConfig, {"two hooks have the state key \"" + instance.key + "\"",
                                         where(instance.config), "the key of " + owner->second->config.path,
                                         "one key a hook", "give one of them another state_key"});
  };
  for (auto& instance : instances) {
    instance->key = instance->config.state_key;
    if (!instance->key.empty()) claim(*instance);
  }
  for (auto& instance : instances) {
    if (!instance->key.empty()) continue;
    const int number = ++count_by_type[instance->config.type];
    instance->key =
        number == 1 ? instance->config.type : instance->config.type + "#" + std::to_string(number);
    claim(*instance);
  }
}

std::vector<LoadRequest> find_files(const PluginCatalog& catalog, const std::vector<HookConfig>& configs) {
  std::vector<LoadRequest> requests;
  for (const auto& config : configs) {
    const PluginFile* file = catalog.find(config.type);
    if (file == nullptr) {
      throw Failure(FailureKind::kConfig,
                    {"no usable plugin for the hook " + config.type, where(config) + ".type", "", "",
                     catalog.describe_missing(config.type)});
    }
    requests.push_back({file, config.sha256, where(config)});
  }
  return requests;
}

}  // namespace

HookHost::HookHost(const ServiceTable& services, void* context, bool times_calls)
    : impl_(std::make_unique<Impl>(subscribed_points_, times_calls)) {
  impl_->services = services;
  impl_->host_data = {&impl_->services, context};
}

HookHost::~HookHost() { destroy(); }

void* context_of(const grapnel_host* host) { return static_cast<const HostData*>(host->data)->context; }

size_t HookHost::size() const { return impl_->instances.size(); }

void HookHost::Impl::create(HookInstance& instance, const grapnel_value* values, size_t count) {
  ErrorBuffer error;
  const BreadcrumbScope scope(instance.key.c_str(), "create");
  const grapnel_status status = call_guarded(error, [&] {
    return instance.plugin->vtable.create(&instance.host, values, count, sizeof(grapnel_value),
                                          &instance.self, error.raw());
  });
  if (status != GRAPNEL_STATUS_OK) {
    const std::string message = error.message(status);
    // Its own words are about the config; these two are the host's, about a fault of the plugin.
    const bool is_fault = message.rfind("it threw", 0) == 0 || message.rfind("it gave no reason", 0) == 0;
    throw Failure(FailureKind::kConfig,
                  {"the hook " + instance.key + " could not be created: " + message, where(instance.config),
                   "", "", is_fault ? check_hint(instance.plugin->path) : ""});
  }
  instance.created = true;
}

void HookHost::Impl::destroy_all() {
  for (auto& calls : points) calls.clear();
  subscribed_points = 0;
  for (auto it = instances.rbegin(); it != instances.rend(); ++it) {
    HookInstance& instance = **it;
    if (!instance.created) continue;
    instance.created = false;
    ErrorBuffer error;
    const BreadcrumbScope scope(instance.key.c_str(), "destroy");
    const grapnel_status status = call_guarded(error, [&] {
      instance.plugin->vtable.destroy(instance.self);
      return grapnel_status{GRAPNEL_STATUS_OK};
    });
    if (status != GRAPNEL_STATUS_OK)
      spdlog::error("{} failed in destroy: {}", instance.key, error.message(status));
    instance.self = nullptr;
  }
}

namespace {

// The config's hooks as instances that are not created yet, in their order, with their checked options.
struct Prepared {
  std::vector<std::unique_ptr<HookInstance>> instances;
  std::map<const HookInstance*, OptionValues> values;
};

Prepared prepare(const PluginCatalog& catalog, const std::vector<HookConfig>& configs) {
  std::vector<std::string> types;
  for (const auto& config : configs) types.push_back(config.type);
  for (const auto& warning : catalog.warnings(types)) spdlog::warn("{}", warning);

  const auto plugins = load_plugins(find_files(catalog, configs));
  Prepared prepared;
  for (size_t i = 0; i < configs.size(); ++i) {
    auto instance = std::make_unique<HookInstance>();
    instance->config = configs[i];
    instance->plugin = plugins[i];
    instance->priority = configs[i].priority.value_or(plugins[i]->descriptor->default_priority);
    prepared.values[instance.get()] = check_options(plugins[i]->options, configs[i]);
    prepared.instances.push_back(std::move(instance));
  }
  name_instances(prepared.instances);
  std::stable_sort(prepared.instances.begin(), prepared.instances.end(),
                   [](const auto& a, const auto& b) { return a->priority < b->priority; });
  return prepared;
}

}  // namespace

void check_hooks(const PluginCatalog& catalog, const std::vector<HookConfig>& configs) {
  prepare(catalog, configs);
}

void HookHost::load(const PluginCatalog& catalog, const std::vector<HookConfig>& configs) {
  if (!impl_->instances.empty()) throw std::logic_error("HookHost::load was called before");
  Prepared prepared = prepare(catalog, configs);
  impl_->instances = std::move(prepared.instances);
  try {
    for (auto& instance : impl_->instances) {
      instance->host = {sizeof(grapnel_host),  GRAPNEL_ABI_MINOR, "grapnel",   GRAPNEL_VERSION,
                        instance->key.c_str(), &impl_->host_data, &get_service};
      const OptionValues& own = prepared.values.at(instance.get());
      impl_->create(*instance, own.data(), own.size());
    }
  } catch (...) {
    impl_->destroy_all();
    impl_->instances.clear();
    throw;
  }
  impl_->rebuild_points();
}

void HookHost::destroy() { impl_->destroy_all(); }

}  // namespace grapnel
