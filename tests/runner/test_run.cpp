#include "test_run.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "runner/module_tree.hpp"

namespace grapnel::test {

std::ostream& operator<<(std::ostream& out, const Event& event) {
  out << event.point << "(" << event.epoch << "," << event.iter;
  if (event.batch_idx >= 0) out << "," << event.batch_idx;
  return out << ")";
}

Events as_mmengine_sees_it(const Events& events) {
  Events result;
  for (const Event& event : events) {
    bool ours = false;
    for (const char* name : {"after_save_checkpoint", "after_backward", "before_optimizer_step",
                             "on_exception", "on_interrupt"}) {
      ours = ours || event.point == name;
    }
    if (!ours) result.push_back(event);
  }
  return result;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "grapnel_runner_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}
TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

TestRun::TestRun(RunSpec spec, runner::Collectives* collectives) : spec_(std::move(spec)) {
  runner::RunConfig config;
  config.work_dir = spec_.work_dir;
  config.seed = spec_.seed;
  config.load_from = spec_.load_from;
  config.resume = spec_.resume;
  config.resume_from = spec_.resume_from;
  config.whole = ConfigNode::table({{"work_dir", ConfigNode::string(spec_.work_dir)}});
  const auto dataloader = [&](const char* path, bool train) {
    runner::DataloaderConfig loader;
    loader.path = path;
    loader.batch_size = train ? spec_.batch_size : 1;
    loader.num_workers = spec_.workers;
    loader.shuffle = train && spec_.shuffle;
    return loader;
  };
  if (spec_.train) {
    config.train = spec_.loop;
    config.train_dataloader = dataloader("train_dataloader", true);
    config.optimizer = spec_.optimizer;
    config.lr_base_batch_size = spec_.lr_base_batch_size;
  }
  config.val = spec_.val;
  config.test = spec_.test;
  if (spec_.val) config.val_dataloader = dataloader("val_dataloader", false);
  if (spec_.test) config.test_dataloader = dataloader("test_dataloader", false);

  if (collectives == nullptr) {
    own_collectives_ = runner::make_single_process_collectives();
    collectives = own_collectives_.get();
  }
  task_ = std::make_unique<FakeTask>(spec_.task);
  services::add_services(services_);
  hooks_ = std::make_unique<HookHost>(services_, context_.plain());
  runner_ = std::make_unique<runner::Runner>(std::move(config), *task_, *hooks_, *collectives);
  context_.serve(*runner_);
  for (int i = 0; i < 3; ++i) listeners_.push_back(std::make_unique<Listener>());
  record(*listeners_[0], events);
  record(*listeners_[2], events_lowest);
  listeners_[1]->on_point = [this](TraceHook& hook, const Point& at) {
    for (const Planned& planned : planned_) {
      if (planned.point == HookHost::point_name(at.point) && (planned.iter < 0 || planned.iter == at.iter)) {
        planned.action(hook, at);
      }
    }
  };
}

TestRun::~TestRun() { hooks_->destroy(); }

void TestRun::record(Listener& listener, Events& into) {
  listener.on_point = [&into](TraceHook&, const Point& at) {
    into.push_back({HookHost::point_name(at.point), at.epoch, at.iter, at.batch_idx});
  };
}

TestRun& TestRun::act(const std::string& point, int64_t iter, Action action) {
  planned_.push_back({point, iter, std::move(action)});
  return *this;
}

TestRun& TestRun::add_hook(const std::string& folder, HookConfig hook) {
  more_folders_.push_back(folder);
  more_hooks_.push_back(std::move(hook));
  return *this;
}

void TestRun::load() {
  if (loaded_) return;
  loaded_ = true;
  std::vector<std::string> folders = {std::string(GRAPNEL_BUILD_DIR) + "/tests/plugins"};
  folders.insert(folders.end(), more_folders_.begin(), more_folders_.end());
  const PluginCatalog catalog = PluginCatalog::scan(folders);
  std::vector<HookConfig> configs;
  const int priorities[] = {10, 50, 100};
  const char* const keys[] = {"first", "acting", "lowest"};
  for (size_t i = 0; i < listeners_.size(); ++i) {
    HookConfig hook;
    hook.type = "TraceHook";
    hook.priority = priorities[i];
    hook.state_key = keys[i];
    hook.path = "custom_hooks." + std::to_string(i);
    hook.options = ConfigNode::table(
        {{"listener", ConfigNode::integer(reinterpret_cast<int64_t>(listeners_[i].get()))}});
    configs.push_back(std::move(hook));
  }
  configs.insert(configs.end(), more_hooks_.begin(), more_hooks_.end());
  hooks_->load(catalog, configs);
}

runner::RunEnd TestRun::train() {
  load();
  return runner_->train();
}
runner::RunEnd TestRun::val() {
  load();
  return runner_->val();
}
runner::RunEnd TestRun::test() {
  load();
  return runner_->test();
}

namespace {

bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const torch::Tensor x = a.contiguous(), y = b.contiguous();
  return std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

std::string tensor_difference(const runner::NamedTensors& one, const runner::NamedTensors& other) {
  if (one.size() != other.size()) {
    return std::to_string(one.size()) + " tensors and " + std::to_string(other.size());
  }
  for (size_t i = 0; i < one.size(); ++i) {
    if (one[i].first != other[i].first) return one[i].first + " and " + other[i].first;
    if (!same_bits(one[i].second, other[i].second)) return one[i].first;
  }
  return {};
}

}  // namespace

std::string difference(TestRun& one, TestRun& other) {
  std::string found = tensor_difference(runner::model_tensors(one.task().model()),
                                        runner::model_tensors(other.task().model()));
  if (!found.empty()) return found;
  runner::Checkpoint a, b;
  one.runner().optimizer()->save(a);
  other.runner().optimizer()->save(b);
  found = tensor_difference(a.optimizer_tensors, b.optimizer_tensors);
  if (!found.empty()) return found;
  if (a.optimizer_steps != b.optimizer_steps) return "the optimizer's steps";
  for (size_t g = 0; g < a.optimizer_groups.size(); ++g) {
    if (a.optimizer_groups[g].options != b.optimizer_groups[g].options)
      return "options of " + a.optimizer_groups[g].name;
  }
  if (one.runner().epoch() != other.runner().epoch() || one.runner().iter() != other.runner().iter())
    return "counters";
  if (one.runner().metrics() != other.runner().metrics()) return "metrics";
  const auto& keys = one.runner().message_hub().scalar_keys();
  if (keys != other.runner().message_hub().scalar_keys()) return "scalars of the message hub";
  for (const std::string& key : keys) {
    const auto& x = *one.runner().message_hub().scalar(key);
    const auto& y = *other.runner().message_hub().scalar(key);
    if (x.values() != y.values() || x.update_count() != y.update_count()) return "the scalar " + key;
  }
  return {};
}

}  // namespace grapnel::test
