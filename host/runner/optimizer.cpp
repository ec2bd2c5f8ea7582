// SGD, Adam and AdamW over the parameters as they lie in memory: a step is one parallel pass over all of
// them, with the results of LibTorch's optimisers, which make several passes over each.
#include "runner/optimizer.hpp"

#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

#include "core/failure.hpp"
#include "runner/flat_pass.hpp"
#include "runner/flat_update.hpp"

namespace grapnel::runner {
namespace {

enum class Kind { kSgd, kAdam, kAdamW };

Kind kind_of(const std::string& type) {
  if (type == "SGD") return Kind::kSgd;
  if (type == "Adam") return Kind::kAdam;
  if (type == "AdamW") return Kind::kAdamW;
  throw Failure(FailureKind::kConfig, {"unknown optimizer", "optim_wrapper.optimizer.type",
                                       "\"" + type + "\"", "\"SGD\", \"Adam\" or \"AdamW\"", ""});
}

// What is kept of a parameter between steps, under the names that a checkpoint has.
std::vector<const char*> state_names(Kind kind) {
  if (kind == Kind::kSgd) return {"momentum_buffer"};
  return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
}

// A copy laid out in memory as the parameter is, which is what autograd and the optimiser make themselves:
// sums over it then add up in the same order as before a save.
torch::Tensor laid_out_as(const torch::Tensor& parameter, const torch::Tensor& values) {
  torch::Tensor copy = torch::empty_like(parameter.detach());
  copy.copy_(values);
  return copy;
}

// Whether both have their elements in the same order in memory; strides of dimensions of one element say
// nothing.
bool lies_as(const torch::Tensor& one, const torch::Tensor& other) {
  if (one.strides() == other.strides()) return true;
  for (int64_t d = 0; d < one.dim(); ++d) {
    if (one.size(d) > 1 && one.stride(d) != other.stride(d)) return false;
  }
  return true;
}

// Of two sums of powers; of order infinity, the larger one, NaN if there is one.
double joined(double one, double other, double order) {
  if (!std::isinf(order)) return one + other;
  return std::isnan(one) || one >= other ? one : other;
}

[[noreturn]] void refuse(const std::string& what, const std::string& got, const std::string& expected) {
  throw Failure(FailureKind::kConfig,
                {"the checkpoint's optimizer does not fit this run", what, got, expected,
                 "resume with the config that wrote it, or start from its weights with load_from"});
}

}  // namespace

struct Optimizer::Impl {
  struct Group {
    std::string name;
    std::vector<std::string> parameters;
    double initial_lr = 0;
    double initial_momentum = 0;
    double lr = 0;
    double weight_decay = 0;
    double momentum = 0;  // SGD
    double dampening = 0;
    bool nesterov = false;
    double betas[2] = {0, 0};  // Adam, AdamW
    double eps = 0;
    bool amsgrad = false;
  };
  // Of a parameter, between steps.
  struct State {
    int64_t step = 0;          // Adam, AdamW
    torch::Tensor tensors[3];  // as state_names has them; undefined until there is one
  };
  // A parameter in the step that is being made.
  struct Turn {
    size_t index;  // of the parameter
    void* parameter;
    const void* gradient;
    void* state[3];
    bool is_double;
    SgdRule sgd;
    AdamRule adam;
  };

  OptimizerConfig config;
  Kind kind = Kind::kSgd;
  std::vector<Group> groups;
  NamedTensors parameters;
  std::vector<size_t> group_of;  // of each parameter
  std::vector<State> states;     // of each parameter
  double gradient_scale = 1;     // of the next step

  // Kept between steps for their memory only.
  FlatPass pass;
  std::vector<Turn> turns;

  // The gradient in the memory order of `parameter`, a copy if it has another.
  static torch::Tensor gradient_for(const torch::Tensor& parameter, const torch::Tensor& gradient);
  void* state_memory(size_t index, int which, const torch::Tensor& parameter, bool zero);
  void set_rule(Turn& turn, const torch::Tensor& parameter);
  template <class T>
  void update(const Turn& turn, int64_t from, int64_t count) const;

  std::map<std::string, double> option_values(size_t group) const;
  void set_option_values(size_t group, const std::map<std::string, double>& values);
};

Optimizer::Optimizer(const OptimizerConfig& config, std::vector<ParameterGroup> groups)
    : impl_(std::make_unique<Impl>()) {
  impl_->config = config;
  impl_->kind = kind_of(config.type);
  for (auto& group : groups) {
    Impl::Group kept;
    kept.name = group.name;
    kept.lr = kept.initial_lr = config.lr * group.lr_mult;
    kept.initial_momentum = impl_->kind == Kind::kSgd ? config.momentum : config.betas[0];
    kept.weight_decay = group.weight_decay.value_or(config.weight_decay);
    kept.momentum = config.momentum;
    kept.dampening = config.dampening;
    kept.nesterov = config.nesterov;
    kept.betas[0] = config.betas[0];
    kept.betas[1] = config.betas[1];
    kept.eps = config.eps;
    kept.amsgrad = config.amsgrad;
    for (auto& [name, tensor] : group.parameters) {
      const bool known = tensor.is_cpu() &&
                         (tensor.scalar_type() == torch::kFloat || tensor.scalar_type() == torch::kDouble);
      if (!known) {
        throw Failure(FailureKind::kConfig, {"this parameter cannot be trained", name, tensor.toString(),
                                             "float32 or float64 in main memory", ""});
      }
      kept.parameters.push_back(name);
      impl_->parameters.emplace_back(name, tensor);
      impl_->group_of.push_back(impl_->groups.size());
    }
    impl_->groups.push_back(std::move(kept));
  }
  impl_->states.resize(impl_->parameters.size());
  if (impl_->parameters.empty()) {
    throw Failure(FailureKind::kConfig,
                  {"the model has no parameters to train", "optim_wrapper.optimizer", "", "", ""});
  }
}

Optimizer::~Optimizer() = default;

size_t Optimizer::group_count() const { return impl_->groups.size(); }
const std::string& Optimizer::group_name(size_t group) const { return impl_->groups.at(group).name; }
size_t Optimizer::parameter_count(size_t group) const { return impl_->groups.at(group).parameters.size(); }
double Optimizer::lr(size_t group) const { return impl_->groups.at(group).lr; }
void Optimizer::set_lr(size_t group, double lr) { impl_->groups.at(group).lr = lr; }
double Optimizer::initial_lr(size_t group) const { return impl_->groups.at(group).initial_lr; }
bool Optimizer::has_momentum() const { return impl_->kind != Kind::kSgd || impl_->config.momentum > 0; }
double Optimizer::initial_momentum(size_t group) const { return impl_->groups.at(group).initial_momentum; }
double Optimizer::weight_decay(size_t group) const { return impl_->groups.at(group).weight_decay; }
void Optimizer::set_weight_decay(size_t group, double decay) { impl_->groups.at(group).weight_decay = decay; }
const NamedTensors& Optimizer::parameters() const { return impl_->parameters; }

double Optimizer::momentum(size_t group) const {
  const Impl::Group& its = impl_->groups.at(group);
  return impl_->kind == Kind::kSgd ? its.momentum : its.betas[0];
}

void Optimizer::set_momentum(size_t group, double momentum) {
  Impl::Group& its = impl_->groups.at(group);
  (impl_->kind == Kind::kSgd ? its.momentum : its.betas[0]) = momentum;
}

void Optimizer::zero_grad() {
  for (auto& [name, parameter] : impl_->parameters) parameter.mutable_grad() = torch::Tensor();
  impl_->gradient_scale = 1;
}

torch::Tensor Optimizer::Impl::gradient_for(const torch::Tensor& parameter, const torch::Tensor& gradient) {
  const bool fits = gradient.layout() == torch::kStrided &&
                    gradient.scalar_type() == parameter.scalar_type() && lies_as(parameter, gradient);
  if (fits) return gradient;
  return laid_out_as(parameter, gradient.is_sparse() ? gradient.to_dense() : gradient);
}

void* Optimizer::Impl::state_memory(size_t index, int which, const torch::Tensor& parameter, bool zero) {
  torch::Tensor& tensor = states[index].tensors[which];
  if (!tensor.defined()) {
    tensor = zero ? torch::zeros_like(parameter.detach()) : torch::empty_like(parameter.detach());
  }
  return tensor.data_ptr();
}

void Optimizer::Impl::set_rule(Turn& turn, const torch::Tensor& parameter) {
  const Group& group = groups[group_of[turn.index]];
  State& state = states[turn.index];
  if (kind == Kind::kSgd) {
    const bool fresh = !state.tensors[0].defined();
    turn.sgd = {group.lr, group.momentum, group.dampening, group.weight_decay, group.nesterov, fresh};
    turn.state[0] = group.momentum != 0 ? state_memory(turn.index, 0, parameter, false) : nullptr;
    return;
  }
  const auto t = static_cast<double>(++state.step);
  turn.adam = {group.lr,
               group.betas[0],
               group.betas[1],
               group.eps,
               group.weight_decay,
               kind == Kind::kAdamW,
               1 - std::pow(group.betas[0], t),
               1 - std::pow(group.betas[1], t)};
  turn.state[0] = state_memory(turn.index, 0, parameter, true);
  turn.state[1] = state_memory(turn.index, 1, parameter, true);
  turn.state[2] = group.amsgrad ? state_memory(turn.index, 2, parameter, true) : nullptr;
}

template <class T>
void Optimizer::Impl::update(const Turn& turn, int64_t from, int64_t count) const {
  const auto at = [from](void* memory) {
    return memory == nullptr ? nullptr : static_cast<T*>(memory) + from;
  };
  const T* gradient = static_cast<const T*>(turn.gradient) + from;
  if (kind == Kind::kSgd) {
    update_sgd(turn.sgd, gradient_scale, at(turn.parameter), gradient, at(turn.state[0]), count);
  } else {
    update_adam(turn.adam, gradient_scale, at(turn.parameter), gradient, at(turn.state[0]), at(turn.state[1]),
                at(turn.state[2]), count);
  }
}

void Optimizer::step() {
  Impl& impl = *impl_;
  const torch::NoGradGuard no_grad;
  impl.pass.clear();
  impl.turns.clear();
  std::vector<torch::Tensor> made;                                  // what the turns point into
  std::vector<std::pair<torch::Tensor, torch::Tensor>> write_back;  // parameters with gaps in memory
  for (size_t i = 0; i < impl.parameters.size(); ++i) {
    const torch::Tensor& parameter = impl.parameters[i].second;
    if (!parameter.grad().defined()) continue;
    torch::Tensor values = parameter;
    if (!values.is_non_overlapping_and_dense()) {
      values = laid_out_as(parameter, parameter);
      write_back.emplace_back(parameter, values);
    }
    const torch::Tensor gradient = Impl::gradient_for(values, parameter.grad());
    Impl::Turn turn{};
    turn.index = i;
    turn.parameter = values.data_ptr();
    turn.gradient = gradient.data_ptr();
    turn.is_double = values.scalar_type() == torch::kDouble;
    impl.set_rule(turn, values);
    impl.turns.push_back(turn);
    impl.pass.add(values.numel());
    if (!gradient.is_same(parameter.grad())) made.push_back(gradient);
    parameter.unsafeGetTensorImpl()->bump_version();
  }
  impl.pass.run([&impl](int64_t, size_t which, int64_t from, int64_t count) {
    const Impl::Turn& turn = impl.turns[which];
    if (turn.is_double)
      impl.update<double>(turn, from, count);
    else
      impl.update<float>(turn, from, count);
  });
  for (auto& [parameter, values] : write_back) parameter.copy_(values);
  impl.gradient_scale = 1;
}

double Optimizer::clip_gradients() {
  Impl& impl = *impl_;
  if (!impl.config.clip_grad_max_norm) return 0;
  const double order = impl.config.clip_grad_norm_type;
  FlatPass pass;
  bool any_float = false;
  std::vector<torch::Tensor> gradients;
  for (const auto& [name, parameter] : impl.parameters) {
    if (!parameter.grad().defined()) continue;
    const bool dense = parameter.is_non_overlapping_and_dense();
    gradients.push_back(
        Impl::gradient_for(dense ? parameter : torch::empty_like(parameter), parameter.grad()));
    any_float = any_float || gradients.back().scalar_type() == torch::kFloat;
    pass.add(gradients.back().numel());
  }
  std::vector<double> sums(static_cast<size_t>(pass.chunks()), 0.0);
  pass.run([&](int64_t chunk, size_t which, int64_t from, int64_t count) {
    const torch::Tensor& gradient = gradients[which];
    const double sum =
        gradient.scalar_type() == torch::kDouble
            ? sum_of_powers(static_cast<const double*>(gradient.data_ptr()) + from, count, order)
            : sum_of_powers(static_cast<const float*>(gradient.data_ptr()) + from, count, order);
    double& of_chunk = sums[static_cast<size_t>(chunk)];
    of_chunk = joined(of_chunk, sum, order);
  });
  double norm = 0;
  for (const double sum : sums) norm = joined(norm, sum, order);
  if (!std::isinf(order)) norm = std::pow(norm, 1 / order);
  // In float32 if the gradients are: LibTorch's clip_grad_norm_ has the same factor then.
  const double limit = *impl.config.clip_grad_max_norm;
  const double factor =
      any_float ? static_cast<float>(limit) / (static_cast<float>(norm) + 1e-6F) : limit / (norm + 1e-6);
  impl.gradient_scale = factor > 1 ? 1 : factor;  // NaN stays
  return norm;
}

std::map<std::string, double> Optimizer::Impl::option_values(size_t group) const {
  const Group& its = groups.at(group);
  std::map<std::string, double> values = {{"lr", its.lr},
                                          {"initial_lr", its.initial_lr},
                                          {"initial_momentum", its.initial_momentum},
                                          {"weight_decay", its.weight_decay}};
  if (kind == Kind::kSgd) {
    values["momentum"] = its.momentum;
    values["dampening"] = its.dampening;
    values["nesterov"] = its.nesterov ? 1 : 0;
  } else {
    values["betas_0"] = its.betas[0];
    values["betas_1"] = its.betas[1];
    values["eps"] = its.eps;
    values["amsgrad"] = its.amsgrad ? 1 : 0;
  }
  return values;
}

void Optimizer::Impl::set_option_values(size_t group, const std::map<std::string, double>& values) {
  Group& its = groups[group];
  const auto value = [&](const char* name) {
    const auto found = values.find(name);
    if (found == values.end()) refuse("group " + its.name, "no option " + std::string(name), "one");
    return found->second;
  };
  its.lr = value("lr");
  its.initial_lr = value("initial_lr");
  its.initial_momentum = value("initial_momentum");
  its.weight_decay = value("weight_decay");
  if (kind == Kind::kSgd) {
    its.momentum = value("momentum");
    its.dampening = value("dampening");
    its.nesterov = value("nesterov") != 0;
  } else {
    its.betas[0] = value("betas_0");
    its.betas[1] = value("betas_1");
    its.eps = value("eps");
    its.amsgrad = value("amsgrad") != 0;
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
  const std::vector<const char*> names = state_names(impl_->kind);
  for (size_t i = 0; i < impl_->parameters.size(); ++i) {
    const std::string& name = impl_->parameters[i].first;
    const Impl::State& state = impl_->states[i];
    if (state.step > 0) checkpoint.optimizer_steps[name] = state.step;
    for (size_t n = 0; n < names.size(); ++n) {
      if (!state.tensors[n].defined()) continue;
      checkpoint.optimizer_tensors.emplace_back(std::string(names[n]) + "/" + name, state.tensors[n]);
    }
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
  for (size_t g = 0; g < impl.groups.size(); ++g) {
    if (checkpoint.optimizer_groups[g].parameters != impl.groups[g].parameters) {
      refuse("group " + impl.groups[g].name, "other parameters", "those of the model");
    }
  }
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : checkpoint.optimizer_tensors) tensors.emplace(name, tensor);
  const std::vector<const char*> names = state_names(impl.kind);
  std::vector<Impl::State> loaded(impl.states.size());
  for (size_t i = 0; i < loaded.size(); ++i) {
    const auto& [name, parameter] = impl.parameters[i];
    for (size_t n = 0; n < names.size(); ++n) {
      const std::string key = std::string(names[n]) + "/" + name;
      const auto found = tensors.find(key);
      if (found == tensors.end()) continue;
      if (found->second.sizes() != parameter.sizes()) {
        refuse(key, c10::str(found->second.sizes()), c10::str(parameter.sizes()));
      }
      loaded[i].tensors[n] = laid_out_as(parameter, found->second);
    }
    if (impl.kind == Kind::kSgd) continue;
    const auto step = checkpoint.optimizer_steps.find(name);
    if (step == checkpoint.optimizer_steps.end()) {
      loaded[i] = {};  // averages count from their first step
      continue;
    }
    loaded[i].step = step->second;
    if (!loaded[i].tensors[0].defined() || !loaded[i].tensors[1].defined())
      refuse(name, "a step without averages", "both");
  }
  for (size_t g = 0; g < impl.groups.size(); ++g) {
    impl.set_option_values(g, checkpoint.optimizer_groups[g].options);
  }
  impl.states = std::move(loaded);
}

}  // namespace grapnel::runner
