// One hook instance's view of the run: the host's services, the counters of the last point, and whether a
// callback is running. Python's runner object stands on it.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "tensor_object.hpp"

namespace grapnel::python {

class Run {
 public:
  explicit Run(const grapnel_host* host);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const grapnel_host* const host;
  const LogService log;
  const RunnerService runner;
  const ValuesService values;
  const ModelService model;
  const OptimizerService optimizer;
  const DataService data;
  const CollectivesService collectives;
  const MessageHubService message_hub;
  const CheckpointService checkpoint;

  // The counters that the last callback was told. Its texts are not kept.
  const Point& at() const { return at_; }
  // The tensors lent to the running callback. Throws Error outside of one, and on another thread.
  const std::shared_ptr<Loan>& loan() const;
  bool is_inside() const { return loan_ != nullptr && thread_ == std::this_thread::get_id(); }

  // The values of a group (GRAPNEL_VALUES_): name -> Tensor or float.
  Ref values_of(int32_t group);
  // Entries of a kind (GRAPNEL_MODEL_PARAMETERS or _BUFFERS) as a list of Tensors.
  Ref entries_of(int32_t kind);
  // The gradient of a parameter, None if it has none now.
  Ref gradient(uint64_t parameter_index);

  // The run whose callback this thread is in; else null.
  static Run* of_this_thread();
  // The run that output belongs to: this thread's, else the youngest alive; null if there is none.
  static Run* for_output();

 private:
  friend class Inside;
  Point at_{};
  std::shared_ptr<Loan> loan_;
  std::thread::id thread_;
  Run* outer_ = nullptr;  // whose callback was running when this one's began
};

// The time of one callback: services may be asked and tensors are lent until it ends.
class Inside {
 public:
  // `at` null: no point but the named function.
  Inside(Run& run, const char* name, const Point* at);
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Run& run_;
};

// "after_train_iter" and so on; the keywords of MMEngine's method of that name.
struct PointRow {
  const char* name;
  const char* keywords[3];  // null after the last
};
const PointRow& point_row(int32_t point);
constexpr int32_t kPointCount = GRAPNEL_POINT_ON_INTERRUPT + 1;

}  // namespace grapnel::python
