// A borrowed tensor as Python sees it: type _grapnel.Tensor, which hands its memory on through DLPack and
// numpy's array interface without a copy, as long as the callback that it was lent to lasts.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "python_object.hpp"

namespace grapnel::python {

class Run;

// The time for which a callback's tensors are lent.
struct Loan {
  explicit Loan(std::string at) : point(std::move(at)) {}
  bool is_over = false;         // guarded by Python's lock
  std::atomic<int> exports{0};  // numpy arrays and DLPack tensors that show lent memory; any thread
  const std::string point;      // "after_train_iter"
};

struct TensorTraits {
  std::string name;
  bool is_read_only = true;
  bool requires_grad = false;
  // Where the model has its gradient: the run to ask and the parameter's index, -1 if it is no parameter.
  Run* run = nullptr;
  int64_t parameter_index = -1;
  // GRAPNEL_VALUES_ group that can give it as a number wherever it lies, -1 if there is none.
  int32_t values_group = -1;
};

// The type, made at the first call; a new reference.
Ref tensor_type();

// A tensor over the view's memory. Shape and strides are copied.
Ref make_tensor(const grapnel_tensor& view, std::shared_ptr<Loan> loan, TensorTraits traits);

// The layout of DLPack's DLManagedTensor, whose DLTensor grapnel_tensor is.
struct ManagedTensor {
  grapnel_tensor view;
  void* manager;
  void (*deleter)(ManagedTensor* self);
};

}  // namespace grapnel::python
