// The optimiser: one LibTorch optimiser, its groups' names and initial rates, and a complete save and load.
#include "runner/optimizer.hpp"

#include <map>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/failure.hpp"
#include "runner/module_tree.hpp"

namespace grapnel::runner {
namespace {

using torch::optim::AdamOptions;
using torch::optim::AdamParamState;
using torch::optim::AdamWOptions;
using torch::optim::AdamWParamState;
using torch::optim::SGDOptions;
using torch::optim::SGDParamState;

enum class Kind { kSgd, kAdam, kAdamW };

Kind kind_of(const std::string& type) {
  if (type == "SGD") return Kind::kSgd;
  if (type == "Adam") return Kind::kAdam;
  if (type == "AdamW") return Kind::kAdamW;
  throw Failure(FailureKind::kConfig, {"unknown optimizer", "optim_wrapper.optimizer.type",
                                       "\"" + type + "\"", "\"SGD\", \"Adam\" or \"AdamW\"", ""});
}

// LibTorch 1.13 finds a parameter's state by a text, 2.x by a pointer.
template <class States>
typename States::key_type state_key(const torch::Tensor& parameter) {
  if constexpr (std::is_same_v<typename States::key_type, std::string>) {
    return c10::guts::to_string(parameter.unsafeGetTensorImpl());
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

// A copy laid out in memory as the parameter is, which is what autograd and the optimiser make themselves:
// sums over it then add up in the same order as before a save.
torch::Tensor laid_out_as(const torch::Tensor& parameter, const torch::Tensor& values) {
  torch::Tensor copy = torch::empty_like(parameter.detach());
  copy.copy_(values);
  return copy;
}

[[noreturn]] void refuse(const std::string& what, const std::string& got, const std::string& expected) {
  throw Failure(FailureKind::kConfig,
                {"the checkpoint's optimizer does not fit this run", what, got, expected,
                 "resume with the config that wrote it, or start from its weights with load_from"});
}

}  // namespace

std::vector<ParameterGroup> paramwise_groups(torch::nn::Module& model, std::vector<ParameterGroup> groups,
                                             const OptimizerConfig& config) {
  std::vector<ParameterGroup> result;
  if (!config.norm_decay_mult && !config.bias_decay_mult) {
    for (auto& group : groups) {
      if (!group.parameters.empty()) result.push_back(std::move(group));
    }
    return result;
  }
  std::unordered_set<const void*> norm_parameters;
  for (const TreeModule& each : module_tree(model)) {
    if (!is_norm_layer(*each.module)) continue;
    for (const auto& tensor : each.module->parameters(false))
      norm_parameters.insert(tensor.unsafeGetTensorImpl());
  }
  const auto is_bias = [](const std::string& name) {
    const size_t dot = name.rfind('.');
    return name.substr(dot == std::string::npos ? 0 : dot + 1) == "bias";
  };
  for (auto& group : groups) {
    // Norm layers first, then biases, then the rest: three groups at most, in this order.
    ParameterGroup parts[3];
    const char* const endings[3] = {".norm", ".bias", ""};
    const double multipliers[3] = {config.norm_decay_mult.value_or(1.0), config.bias_decay_mult.value_or(1.0),
                                   1.0};
    for (auto& parameter : group.parameters) {
      const bool norm = norm_parameters.count(parameter.second.unsafeGetTensorImpl()) > 0;
      const int part = norm ? 0 : is_bias(parameter.first) ? 1 : 2;
      parts[part].parameters.push_back(std::move(parameter));
    }
    for (int part = 0; part < 3; ++part) {
      if (parts[part].parameters.empty()) continue;
      parts[part].name = group.name + endings[part];
      parts[part].lr_mult = group.lr_mult;
      parts[part].weight_decay = config.weight_decay * multipliers[part];
      result.push_back(std::move(parts[part]));
    }
  }
  return result;
}

struct Optimizer::Impl {
  struct Group {
    std::string name;
    std::vector<std::string> parameters;
    double initial_lr = 0;
    double initial_momentum = 0;
  };

  OptimizerConfig config;
  Kind kind = Kind::kSgd;
  std::vector<Group> groups;
  NamedTensors parameters;
  std::unique_ptr<torch::optim::Optimizer> torch_optimizer;

  torch::optim::OptimizerOptions& options(size_t group) const {
    return torch_optimizer->param_groups().at(group).options();
  }
  SGDOptions& sgd(size_t group) const { return static_cast<SGDOptions&>(options(group)); }
  AdamOptions& adam(size_t group) const { return static_cast<AdamOptions&>(options(group)); }
  AdamWOptions& adamw(size_t group) const { return static_cast<AdamWOptions&>(options(group)); }

  std::unique_ptr<torch::optim::OptimizerOptions> make_options(double lr, double weight_decay) const;
  template <class State>
  void save_adam_state(Checkpoint& checkpoint) const;
  template <class State>
  void load_adam_state(const Checkpoint& checkpoint, const std::map<std::string, torch::Tensor>& tensors);
  void save_sgd_state(Checkpoint& checkpoint) const;
  void load_sgd_state(const std::map<std::string, torch::Tensor>& tensors);
  std::map<std::string, double> option_values(size_t group) const;
  void set_option_values(size_t group, const std::map<std::string, double>& values);
};

std::unique_ptr<torch::optim::OptimizerOptions> Optimizer::Impl::make_options(double lr, double decay) const {
  const auto betas = std::make_tuple(config.betas[0], config.betas[1]);
  switch (kind) {
    case Kind::kSgd: {
      auto made = std::make_unique<SGDOptions>(lr);
      made->momentum(config.momentum)
          .dampening(config.dampening)
          .weight_decay(decay)
          .nesterov(config.nesterov);
      return made;
    }
    case Kind::kAdam: {
      auto made = std::make_unique<AdamOptions>(lr);
      made->betas(betas).eps(config.eps).weight_decay(decay).amsgrad(config.amsgrad);
      return made;
    }
    case Kind::kAdamW: {
      auto made = std::make_unique<AdamWOptions>(lr);
      made->betas(betas).eps(config.eps).weight_decay(decay).amsgrad(config.amsgrad);
      return made;
    }
  }
  throw std::logic_error("an optimizer of no kind");
}

Optimizer::Optimizer(const OptimizerConfig& config, std::vector<ParameterGroup> groups)
    : impl_(std::make_unique<Impl>()) {
  impl_->config = config;
  impl_->kind = kind_of(config.type);
  std::vector<torch::optim::OptimizerParamGroup> torch_groups;
  for (auto& group : groups) {
    Impl::Group kept;
    kept.name = group.name;
    kept.initial_lr = config.lr * group.lr_mult;
    kept.initial_momentum = impl_->kind == Kind::kSgd ? config.momentum : config.betas[0];
    std::vector<torch::Tensor> tensors;
    for (auto& [name, tensor] : group.parameters) {
      kept.parameters.push_back(name);
      tensors.push_back(tensor);
      impl_->parameters.emplace_back(name, tensor);
    }
    torch_groups.emplace_back(
        std::move(tensors),
        impl_->make_options(kept.initial_lr, group.weight_decay.value_or(config.weight_decay)));
    impl_->groups.push_back(std::move(kept));
  }
  if (impl_->parameters.empty()) {
    throw Failure(FailureKind::kConfig,
                  {"the model has no parameters to train", "optim_wrapper.optimizer", "", "", ""});
  }
  switch (impl_->kind) {
    case Kind::kSgd:
      impl_->torch_optimizer =
          std::make_unique<torch::optim::SGD>(std::move(torch_groups), SGDOptions(config.lr));
      break;
    case Kind::kAdam:
      impl_->torch_optimizer =
          std::make_unique<torch::optim::Adam>(std::move(torch_groups), AdamOptions(config.lr));
      break;
    case Kind::kAdamW:
      impl_->torch_optimizer =
          std::make_unique<torch::optim::AdamW>(std::move(torch_groups), AdamWOptions(config.lr));
      break;
  }
}

Optimizer::~Optimizer() = default;

size_t Optimizer::group_count() const { return impl_->groups.size(); }
const std::string& Optimizer::group_name(size_t group) const { return impl_->groups.at(group).name; }
size_t Optimizer::parameter_count(size_t group) const { return impl_->groups.at(group).parameters.size(); }
double Optimizer::lr(size_t group) const { return impl_->options(group).get_lr(); }
void Optimizer::set_lr(size_t group, double lr) { impl_->options(group).set_lr(lr); }
double Optimizer::initial_lr(size_t group) const { return impl_->groups.at(group).initial_lr; }
bool Optimizer::has_momentum() const { return impl_->kind != Kind::kSgd || impl_->config.momentum > 0; }
double Optimizer::initial_momentum(size_t group) const { return impl_->groups.at(group).initial_momentum; }
const NamedTensors& Optimizer::parameters() const { return impl_->parameters; }

double Optimizer::momentum(size_t group) const {
  switch (impl_->kind) {
    case Kind::kSgd:
      return impl_->sgd(group).momentum();
    case Kind::kAdam:
      return std::get<0>(impl_->adam(group).betas());
    case Kind::kAdamW:
      return std::get<0>(impl_->adamw(group).betas());
  }
  return 0;
}

void Optimizer::set_momentum(size_t group, double momentum) {
  switch (impl_->kind) {
    case Kind::kSgd:
      impl_->sgd(group).momentum(momentum);
      break;
    case Kind::kAdam:
      std::get<0>(impl_->adam(group).betas()) = momentum;
      break;
    case Kind::kAdamW:
      std::get<0>(impl_->adamw(group).betas()) = momentum;
      break;
  }
}

double Optimizer::weight_decay(size_t group) const {
  switch (impl_->kind) {
    case Kind::kSgd:
      return impl_->sgd(group).weight_decay();
    case Kind::kAdam:
      return impl_->adam(group).weight_decay();
    case Kind::kAdamW:
      return impl_->adamw(group).weight_decay();
  }
  return 0;
}

void Optimizer::set_weight_decay(size_t group, double decay) {
  switch (impl_->kind) {
    case Kind::kSgd:
      impl_->sgd(group).weight_decay(decay);
      break;
    case Kind::kAdam:
      impl_->adam(group).weight_decay(decay);
      break;
    case Kind::kAdamW:
      impl_->adamw(group).weight_decay(decay);
      break;
  }
}

void Optimizer::zero_grad() {
  for (auto& [name, parameter] : impl_->parameters) parameter.mutable_grad() = torch::Tensor();
}

void Optimizer::step() { impl_->torch_optimizer->step(); }

double Optimizer::clip_gradients() {
  if (!impl_->config.clip_grad_max_norm) return 0;
  std::vector<torch::Tensor> tensors;
  tensors.reserve(impl_->parameters.size());
  for (const auto& [name, parameter] : impl_->parameters) tensors.push_back(parameter);
  return torch::nn::utils::clip_grad_norm_(tensors, *impl_->config.clip_grad_max_norm,
                                           impl_->config.clip_grad_norm_type);
}

std::map<std::string, double> Optimizer::Impl::option_values(size_t group) const {
  const Group& kept = groups.at(group);
  std::map<std::string, double> values = {{"lr", options(group).get_lr()},
                                          {"initial_lr", kept.initial_lr},
                                          {"initial_momentum", kept.initial_momentum}};
  const auto add_adam = [&values](auto& adam_options) {
    values["betas_0"] = std::get<0>(adam_options.betas());
    values["betas_1"] = std::get<1>(adam_options.betas());
    values["eps"] = adam_options.eps();
    values["amsgrad"] = adam_options.amsgrad() ? 1 : 0;
    values["weight_decay"] = adam_options.weight_decay();
  };
  switch (kind) {
    case Kind::kSgd:
      values["momentum"] = sgd(group).momentum();
      values["dampening"] = sgd(group).dampening();
      values["weight_decay"] = sgd(group).weight_decay();
      values["nesterov"] = sgd(group).nesterov() ? 1 : 0;
      break;
    case Kind::kAdam:
      add_adam(adam(group));
      break;
    case Kind::kAdamW:
      add_adam(adamw(group));
      break;
  }
  return values;
}

void Optimizer::Impl::set_option_values(size_t group, const std::map<std::string, double>& values) {
  const auto value = [&](const char* name) {
    const auto found = values.find(name);
    if (found == values.end()) refuse("group " + groups[group].name, "no option " + std::string(name), "one");
    return found->second;
  };
  const auto set_adam = [&](auto& adam_options) {
    adam_options.betas(std::make_tuple(value("betas_0"), value("betas_1")));
    adam_options.eps(value("eps")).amsgrad(value("amsgrad") != 0).weight_decay(value("weight_decay"));
  };
  groups[group].initial_lr = value("initial_lr");
  groups[group].initial_momentum = value("initial_momentum");
  options(group).set_lr(value("lr"));
  switch (kind) {
    case Kind::kSgd:
      sgd(group).momentum(value("momentum")).dampening(value("dampening"));
      sgd(group).weight_decay(value("weight_decay")).nesterov(value("nesterov") != 0);
      break;
    case Kind::kAdam:
      set_adam(adam(group));
      break;
    case Kind::kAdamW:
      set_adam(adamw(group));
      break;
  }
}

void Optimizer::Impl::save_sgd_state(Checkpoint& checkpoint) const {
  auto& states = torch_optimizer->state();
  for (const auto& [name, parameter] : parameters) {
    const auto found = states.find(state_key<std::decay_t<decltype(states)>>(parameter));
    if (found == states.end()) continue;
    const auto& buffer = static_cast<SGDParamState&>(*found->second).momentum_buffer();
    if (buffer.defined()) checkpoint.optimizer_tensors.emplace_back("momentum_buffer/" + name, buffer);
  }
}

template <class State>
void Optimizer::Impl::save_adam_state(Checkpoint& checkpoint) const {
  auto& states = torch_optimizer->state();
  for (const auto& [name, parameter] : parameters) {
    const auto found = states.find(state_key<std::decay_t<decltype(states)>>(parameter));
    if (found == states.end()) continue;
    auto& state = static_cast<State&>(*found->second);
    checkpoint.optimizer_steps[name] = state.step();
    checkpoint.optimizer_tensors.emplace_back("exp_avg/" + name, state.exp_avg());
    checkpoint.optimizer_tensors.emplace_back("exp_avg_sq/" + name, state.exp_avg_sq());
    if (state.max_exp_avg_sq().defined()) {
      checkpoint.optimizer_tensors.emplace_back("max_exp_avg_sq/" + name, state.max_exp_avg_sq());
    }
  }
}

void Optimizer::save(Checkpoint& checkpoint) const {
  checkpoint.optimizer_type = impl_->config.type;
  checkpoint.optimizer_groups.clear();
  checkpoint.optimizer_tensors.clear();
  checkpoint.optimizer_steps.clear();
  for (size_t g = 0; g < impl_->groups.size(); ++g) {
    checkpoint.optimizer_groups.push_back(
        {impl_->groups[g].name, impl_->option_values(g), impl_->groups[g].parameters});
  }
  switch (impl_->kind) {
    case Kind::kSgd:
      impl_->save_sgd_state(checkpoint);
      break;
    case Kind::kAdam:
      impl_->save_adam_state<AdamParamState>(checkpoint);
      break;
    case Kind::kAdamW:
      impl_->save_adam_state<AdamWParamState>(checkpoint);
      break;
  }
}

void Optimizer::Impl::load_sgd_state(const std::map<std::string, torch::Tensor>& tensors) {
  auto& states = torch_optimizer->state();
  for (const auto& [name, parameter] : parameters) {
    const auto found = tensors.find("momentum_buffer/" + name);
    if (found == tensors.end()) continue;
    auto state = std::make_unique<SGDParamState>();
    state->momentum_buffer(laid_out_as(parameter, found->second));
    states[state_key<std::decay_t<decltype(states)>>(parameter)] = std::move(state);
  }
}

template <class State>
void Optimizer::Impl::load_adam_state(const Checkpoint& checkpoint,
                                      const std::map<std::string, torch::Tensor>& tensors) {
  auto& states = torch_optimizer->state();
  for (const auto& [name, parameter] : parameters) {
    const auto step = checkpoint.optimizer_steps.find(name);
    if (step == checkpoint.optimizer_steps.end()) continue;
    const auto tensor = [&](const char* kind_of_average) {
      const auto found = tensors.find(std::string(kind_of_average) + "/" + name);
      return found == tensors.end() ? torch::Tensor() : laid_out_as(parameter, found->second);
    };
    auto state = std::make_unique<State>();
    state->step(step->second);
    state->exp_avg(tensor("exp_avg"));
    state->exp_avg_sq(tensor("exp_avg_sq"));
    state->max_exp_avg_sq(tensor("max_exp_avg_sq"));
    if (!state->exp_avg().defined() || !state->exp_avg_sq().defined())
      refuse(name, "a step without averages", "both");
    states[state_key<std::decay_t<decltype(states)>>(parameter)] = std::move(state);
  }
}

void Optimizer::load(const Checkpoint& checkpoint) {
  Impl& impl = *impl_;
  if (checkpoint.optimizer_type != impl.config.type) {
    refuse("optim_wrapper.optimizer.type", "\"" + checkpoint.optimizer_type + "\" in the file",
           "\"" + impl.config.type + "\"");
  }
  if (checkpoint.optimizer_groups.size() != impl.groups.size()) {
    refuse("parameter groups", std::to_string(checkpoint.optimizer_groups.size()),
           std::to_string(impl.groups.size()));
  }
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : checkpoint.optimizer_tensors) tensors.emplace(name, tensor);
  for (size_t g = 0; g < impl.groups.size(); ++g) {
    if (checkpoint.optimizer_groups[g].parameters != impl.groups[g].parameters) {
      refuse("group " + impl.groups[g].name, "other parameters", "those of the model");
    }
  }
  for (const auto& [name, parameter] : impl.parameters) {
    for (const char* prefix : {"momentum_buffer/", "exp_avg/", "exp_avg_sq/", "max_exp_avg_sq/"}) {
      const auto found = tensors.find(prefix + name);
      if (found != tensors.end() && found->second.sizes() != parameter.sizes()) {
        refuse(prefix + name, c10::str(found->second.sizes()), c10::str(parameter.sizes()));
      }
    }
  }
  for (size_t g = 0; g < impl.groups.size(); ++g) {
    impl.set_option_values(g, checkpoint.optimizer_groups[g].options);
  }
  impl.torch_optimizer->state().clear();
  switch (impl.kind) {
    case Kind::kSgd:
      impl.load_sgd_state(tensors);
      break;
    case Kind::kAdam:
      impl.load_adam_state<AdamParamState>(checkpoint, tensors);
      break;
    case Kind::kAdamW:
      impl.load_adam_state<AdamWParamState>(checkpoint, tensors);
      break;
  }
}

}  // namespace grapnel::runner
