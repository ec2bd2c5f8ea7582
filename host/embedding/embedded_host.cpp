#include <grapnel/host.hpp>

#include <dlfcn.h>

#include <filesystem>
#include <utility>

#include "core/config_file.hpp"
#include "core/config_merge.hpp"
#include "core/failure.hpp"
#include "core/hook_config.hpp"
#include "core/hook_host.hpp"
#include "embedding/embedded_services.hpp"
#include "embedding/state_bytes.hpp"
#include "runner/message_hub.hpp"

namespace grapnel {
namespace {

// The border of the API: what is thrown inside leaves as HostError.
template <class Body>
auto as_host_error(Body&& body) {
  try {
    return body();
  } catch (const Failure& failure) {
    throw HostError(failure.what(), failure.kind() == FailureKind::kConfig);
  }
}

// The plugins of the installation that this library is from: LIBDIR/grapnel/plugins, or a build's own. "" if
// there are none.
std::string installed_plugins() {
  Dl_info library{};
  if (::dladdr(reinterpret_cast<void*>(&installed_plugins), &library) == 0) return {};
  std::error_code error;
  const auto folder = std::filesystem::canonical(library.dli_fname, error).parent_path();
  if (error) return {};
  for (const auto& candidate : {folder / "grapnel" / "plugins", folder.parent_path() / "plugins"}) {
    if (std::filesystem::is_directory(candidate, error)) return candidate.string();
  }
  return {};
}

// The config with those of MMEngine's six removed that it does not name.
ConfigNode without_unnamed_defaults(ConfigNode config) {
  if (config.find("default_hooks") == nullptr) config.set("default_hooks", ConfigNode::table());
  ConfigNode& defaults = *config.find_mutable("default_hooks");
  if (defaults.kind() != ConfigNode::Kind::kTable) return config;  // refused when the hooks are read
  for (const auto& [name, type] : default_hook_types()) {
    if (defaults.find(name) == nullptr) defaults.set(name, ConfigNode::boolean(false));
  }
  return config;
}

}  // namespace

struct Host::Impl {
  runner::MessageHub hub;
  embedding::EmbeddedContext context;
  ServiceTable services;
  ConfigNode config = ConfigNode::table();
  std::vector<HookConfig> hook_configs;
  PluginCatalog catalog;
  std::unique_ptr<HookHost> hooks;

  HookHost& loaded() {
    if (!hooks) throw HostError("Host::load was not called", true);
    return *hooks;
  }

  grapnel_point_args args_of(int32_t point, const char* text) {
    const Position& at = context.position;
    const bool is_event = point == GRAPNEL_POINT_ON_EXCEPTION || point == GRAPNEL_POINT_ON_INTERRUPT;
    grapnel_point_args args{};
    args.struct_size = sizeof args;
    args.point = point;
    args.mode = at.mode;
    args.by_epoch = at.by_epoch ? 1 : 0;
    args.epoch = at.epoch;
    args.iter = at.iter;
    args.batch_idx = at.batch_idx;
    args.max_epochs = at.max_epochs;
    args.max_iters = at.max_iters;
    args.epoch_length = at.epoch_length;
    args.checkpoint_path = is_event ? nullptr : text;
    args.message = is_event ? text : nullptr;
    context.point = point;
    context.checkpoint_path = args.checkpoint_path;
    if (point == GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT && text != nullptr) context.last_checkpoint = text;
    return args;
  }
};

Host::Host(const HostSettings& settings) : impl_(std::make_unique<Impl>()) {
  as_host_error([&] {
    embedding::EmbeddedContext& context = impl_->context;
    context.message_hub = &impl_->hub;
    context.seed = settings.seed;
    std::filesystem::create_directories(settings.work_dir);
    context.work_dir = std::filesystem::absolute(settings.work_dir).lexically_normal().string();
    if (!settings.config.empty()) impl_->config = load_config(settings.config);
    for (const auto& text : settings.overrides) apply_override(impl_->config, text);
    context.config_json = impl_->config.to_json();
    impl_->hook_configs = read_hook_configs(settings.default_hooks ? impl_->config
                                                                   : without_unnamed_defaults(impl_->config));
    auto folders = PluginCatalog::search_path(impl_->config, "");
    folders.insert(folders.end(), settings.plugin_folders.begin(), settings.plugin_folders.end());
    if (std::string installed = installed_plugins(); !installed.empty()) folders.push_back(std::move(installed));
    impl_->catalog = PluginCatalog::scan(folders, settings.torch_version);
    embedding::add_embedded_services(impl_->services);
  });
}

Host::~Host() { destroy(); }

void Host::provide(const std::string& id, const void* table) { impl_->services.add(id, table); }
void Host::set_context(void* context) { impl_->context.user_context = context; }
void* Host::context_of(const grapnel_host* host) { return embedding::embedded_context(host).user_context; }

void Host::load() {
  if (impl_->hooks) throw HostError("Host::load was called before", true);
  as_host_error([&] {
    auto hooks =
        std::make_unique<HookHost>(impl_->services, impl_->context.plain(), times_hooks(impl_->config));
    hooks->load(impl_->catalog, impl_->hook_configs);
    impl_->hooks = std::move(hooks);
  });
}

Position& Host::position() { return impl_->context.position; }
void Host::set_batch(std::vector<NamedView> batch) { impl_->context.batch = std::move(batch); }
void Host::set_outputs(std::vector<NamedView> outputs) { impl_->context.outputs = std::move(outputs); }
void Host::set_metrics(std::vector<NamedNumber> metrics) { impl_->context.metrics = std::move(metrics); }
void Host::set_parameters(std::vector<Parameter> parameters) {
  impl_->context.parameters = std::move(parameters);
}
void Host::set_buffers(std::vector<NamedView> buffers) { impl_->context.buffers = std::move(buffers); }
void Host::set_groups(std::vector<ParamGroup> groups) { impl_->context.groups = std::move(groups); }
const std::vector<ParamGroup>& Host::groups() const { return impl_->context.groups; }
void Host::on_group_change(std::function<void(size_t, const ParamGroup&)> changed) {
  impl_->context.group_changed = std::move(changed);
}
void Host::update_scalar(const std::string& key, double value) { impl_->hub.update_scalar(key, value); }
double Host::scalar(const std::string& key, double fallback) const {
  const runner::ScalarHistory* history = impl_->hub.scalar(key);
  return history != nullptr ? history->current() : fallback;
}

void Host::call(int32_t point, const char* text) {
  as_host_error([&] { impl_->loaded().dispatch(impl_->args_of(point, text)); });
}

std::vector<std::string> Host::call_all(int32_t point, const char* text) {
  std::vector<std::string> failures;
  for (const auto& failure : impl_->loaded().dispatch_to_all(impl_->args_of(point, text))) {
    failures.emplace_back(failure.what());
  }
  return failures;
}

bool Host::subscribed(int32_t point) const { return impl_->hooks && impl_->hooks->subscribed(point); }
Requests Host::take_requests() { return std::exchange(impl_->context.requests, {}); }

std::vector<uint8_t> Host::save_states() {
  return as_host_error([&] { return embedding::to_bytes(impl_->loaded().save_states(), impl_->hub); });
}

void Host::load_states(const std::vector<uint8_t>& bytes) {
  as_host_error([&] {
    impl_->loaded().load_states(embedding::from_bytes(bytes, impl_->hub), false);
    impl_->context.is_resumed = true;
  });
}

std::vector<std::pair<std::string, std::string>>& Host::checkpoint_texts() {
  return impl_->context.checkpoint_texts;
}

size_t Host::size() const { return impl_->hooks ? impl_->hooks->size() : 0; }
std::string Host::order_table() const { return impl_->hooks ? impl_->hooks->order_table() : ""; }
std::string Host::time_table() const { return impl_->hooks ? impl_->hooks->time_table() : ""; }

void Host::destroy() {
  if (impl_->hooks) impl_->hooks->destroy();
}

}  // namespace grapnel
