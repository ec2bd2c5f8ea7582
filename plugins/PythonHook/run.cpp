// What a hook instance knows of the run, and which tensors it may write when.
#include "run.hpp"

#include <algorithm>
#include <vector>

namespace grapnel::python {

namespace {

// Both guarded by Python's lock. The list is never freed: Python's threads may outlive main.
std::vector<Run*>& alive = *new std::vector<Run*>;
Run* innermost = nullptr;

constexpr PointRow kPoints[kPointCount] = {
    {"before_run", {}},
    {"after_run", {}},
    {"before_train", {}},
    {"after_train", {}},
    {"before_train_epoch", {}},
    {"after_train_epoch", {}},
    {"before_train_iter", {"batch_idx", "data_batch"}},
    {"after_train_iter", {"batch_idx", "data_batch", "outputs"}},
    {"before_val", {}},
    {"after_val", {}},
    {"before_val_epoch", {}},
    {"after_val_epoch", {"metrics"}},
    {"before_val_iter", {"batch_idx", "data_batch"}},
    {"after_val_iter", {"batch_idx", "data_batch", "outputs"}},
    {"before_test", {}},
    {"after_test", {}},
    {"before_test_epoch", {}},
    {"after_test_epoch", {"metrics"}},
    {"before_test_iter", {"batch_idx", "data_batch"}},
    {"after_test_iter", {"batch_idx", "data_batch", "outputs"}},
    {"before_save_checkpoint", {"checkpoint"}},
    {"after_load_checkpoint", {"checkpoint"}},
    {"after_save_checkpoint", {"path"}},
    {"after_backward", {"batch_idx", "data_batch", "outputs"}},
    {"before_optimizer_step", {"batch_idx", "data_batch", "outputs"}},
    {"on_exception", {"message"}},
    {"on_interrupt", {"signal"}},
};

// The contract of services/model.h and services/values.h.
bool model_is_writable(int32_t point, int32_t kind) {
  return kind != GRAPNEL_MODEL_GRADIENTS || point == GRAPNEL_POINT_AFTER_BACKWARD ||
         point == GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP;
}
bool values_are_writable(int32_t point, int32_t group) {
  return group == GRAPNEL_VALUES_BATCH && point == GRAPNEL_POINT_BEFORE_TRAIN_ITER;
}

constexpr int32_t kNoPoint = -1;

}  // namespace

const PointRow& point_row(int32_t point) { return kPoints[point]; }

Run::Run(const grapnel_host* of)
    : host(of),
      log(of),
      runner(of),
      values(of),
      model(of),
      optimizer(of),
      data(of),
      collectives(of),
      message_hub(of),
      checkpoint(of) {
  at_.point = kNoPoint;
  at_.batch_idx = -1;
  alive.push_back(this);
}

Run::~Run() { alive.erase(std::remove(alive.begin(), alive.end(), this), alive.end()); }

Run* Run::of_this_thread() { return innermost != nullptr && innermost->is_inside() ? innermost : nullptr; }

Run* Run::for_output() {
  if (Run* run = of_this_thread()) return run;
  return alive.empty() ? nullptr : alive.back();
}

const std::shared_ptr<Loan>& Run::loan() const {
  if (!is_inside()) {
    throw Error("the runner answers only inside one of the hook's methods, on the training thread");
  }
  return loan_;
}

Ref Run::values_of(int32_t group) {
  const auto& lent = loan();
  Ref found = Ref::take(PyDict_New());
  const uint64_t count = values.count(group);
  for (uint64_t i = 0; i < count; ++i) {
    const grapnel_named_value value = values.get(group, i);
    if (value.is_tensor == 0) {
      set_item(found, value.name, number_object(value.number));
      continue;
    }
    TensorTraits traits;
    traits.name = value.name;
    traits.is_read_only = !values_are_writable(at_.point, group);
    traits.run = this;
    traits.values_group = group;
    set_item(found, value.name, make_tensor(value.tensor, lent, std::move(traits)));
  }
  return found;
}

Ref Run::entries_of(int32_t kind) {
  const auto& lent = loan();
  Ref found = Ref::take(PyList_New(0));
  const uint64_t count = model.count(kind);
  for (uint64_t i = 0; i < count; ++i) {
    const grapnel_model_entry entry = model.get(kind, i);
    TensorTraits traits;
    traits.name = entry.name;
    traits.is_read_only = !model_is_writable(at_.point, kind);
    traits.requires_grad = entry.requires_grad != 0;
    traits.run = this;
    traits.parameter_index = kind == GRAPNEL_MODEL_PARAMETERS ? static_cast<int64_t>(i) : -1;
    append(found, make_tensor(entry.tensor, lent, std::move(traits)));
  }
  return found;
}

Ref Run::gradient(uint64_t parameter_index) {
  const auto& lent = loan();
  if (parameter_index >= model.count(GRAPNEL_MODEL_GRADIENTS)) return none();
  const grapnel_model_entry entry = model.get(GRAPNEL_MODEL_GRADIENTS, parameter_index);
  if (entry.tensor.data == nullptr) return none();
  TensorTraits traits;
  traits.name = std::string(entry.name) + ".grad";
  traits.is_read_only = !model_is_writable(at_.point, GRAPNEL_MODEL_GRADIENTS);
  traits.run = this;
  return make_tensor(entry.tensor, lent, std::move(traits));
}

Inside::Inside(Run& run, const char* name, const Point* at) : run_(run) {
  run.loan_ = std::make_shared<Loan>(name);
  run.thread_ = std::this_thread::get_id();
  if (at != nullptr) {
    run.at_ = *at;
    run.at_.checkpoint_path = nullptr;
    run.at_.message = nullptr;
  } else {
    run.at_.point = kNoPoint;
  }
  run.outer_ = innermost;
  innermost = &run;
}

Inside::~Inside() {
  run_.loan_->is_over = true;
  run_.loan_.reset();
  innermost = run_.outer_;
}

}  // namespace grapnel::python
