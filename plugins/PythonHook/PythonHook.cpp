// PythonHook: runs a hook class that is written in Python, with MMEngine's method names, inside the host's
// own process. Which of the points the class has is looked up once: the others cost a load and a branch.
#include <array>
#include <memory>
#include <string>

#include <grapnel/hook.hpp>

#include "interpreter.hpp"
#include "run_object.hpp"

namespace grapnel::python {

// The Python objects of one hook; takes the lock for what it does.
class PythonInstance {
 public:
  PythonInstance(const grapnel_host* host, const LogService& log, const Setup& setup);
  ~PythonInstance();

  // Borrowed; null where the class has no such method.
  PyObject* method(int32_t point) const { return methods_[static_cast<size_t>(point)]; }
  void call(int32_t point, const Point& at);
  // The state as JSON, "" if the class keeps none.
  std::string save();
  void load(const std::string& json);

 private:
  void let_go();
  void warn_of_kept_views(const Loan& loan);
  Ref keyword_value(const char* keyword, const Point& at);
  // Runs `body` as the callback `name`; a Python exception becomes an Error.
  template <class Body>
  void inside(const char* name, const Point* at, Body&& body);

  const LogService& log_;
  std::string file_;
  std::unique_ptr<Run> run_;
  bool warned_of_kept_views_ = false;
  Ref runner_;
  Ref loaded_;  // what keeps instance, module and methods alive: a grapnel._load.Loaded
  std::array<PyObject*, kPointCount> methods_{};
};

PythonInstance::PythonInstance(const grapnel_host* host, const LogService& log, const Setup& setup)
    : log_(log), file_(setup.text("file")) {
  start_interpreter(log);
  const Gil gil;
  try {
    run_ = std::make_unique<Run>(host);
    runner_ = make_runner(*run_);
    const Ref load = embedded_function("grapnel._load", "load");
    const Ref file = text_object(file_);
    const Ref name = setup.has("hook") ? text_object(setup.text("hook")) : none();
    const Ref kwargs = text_object(setup.json("kwargs"));
    loaded_ = Ref::take(PyObject_CallFunctionObjArgs(load.get(), runner_.get(), file.get(), name.get(),
                                                     kwargs.get(), nullptr));
    file_ = utf8(Ref::take(PyObject_GetAttrString(loaded_.get(), "path")).get());
    const Ref methods = Ref::take(PyObject_GetAttrString(loaded_.get(), "methods"));
    for (int32_t i = 0; i < kPointCount; ++i) {
      PyObject* method = PyTuple_GetItem(methods.get(), i);  // borrowed: loaded_ keeps the tuple
      if (method == nullptr) throw PythonError();
      methods_[static_cast<size_t>(i)] = method == Py_None ? nullptr : method;
    }
    flush_output();
  } catch (const PythonError&) {
    const std::string reason = report_python_error(log_, file_);
    let_go();
    throw Error(reason);
  } catch (...) {
    let_go();
    throw;
  }
}

void PythonInstance::let_go() {
  flush_output();
  loaded_.reset();
  if (runner_) detach_runner(runner_.get());
  runner_.reset();
  run_.reset();
}

PythonInstance::~PythonInstance() {
  // A host that runs Python itself may have ended it: nothing is left to give back then.
  if (!Py_IsInitialized()) {
    runner_.release();
    loaded_.release();
    return;
  }
  const Gil gil;
  if (!loaded_) return;
  try {
    methods_.fill(nullptr);
    Ref::take(PyObject_CallMethod(loaded_.get(), "release", nullptr));
  } catch (const PythonError&) {
    log_.error("while the hook was let go: " + report_python_error(log_, file_));
  }
  let_go();
}

template <class Body>
void PythonInstance::inside(const char* name, const Point* at, Body&& body) {
  const Gil gil;
  std::shared_ptr<Loan> loan;
  {
    const Inside callback(*run_, name, at);
    loan = run_->loan();
    try {
      body();
    } catch (const PythonError&) {
      const std::string reason = report_python_error(log_, file_);
      flush_output();
      throw Error(reason);
    }
    flush_output();
  }
  if (loan->exports > 0) warn_of_kept_views(*loan);
}

void PythonInstance::warn_of_kept_views(const Loan& loan) {
  if (warned_of_kept_views_) return;
  warned_of_kept_views_ = true;
  log_.warning(loan.point + " kept " + std::to_string(loan.exports) +
               " view(s) of lent tensors: their memory may change or be gone at any time; copy what you keep "
               "(tensor.numpy().copy()). Said once.");
}

Ref PythonInstance::keyword_value(const char* keyword, const Point& at) {
  const std::string name = keyword;
  if (name == "batch_idx") return integer_object(at.batch_idx);
  if (name == "data_batch") return run_->values_of(GRAPNEL_VALUES_BATCH);
  if (name == "outputs") return run_->values_of(GRAPNEL_VALUES_OUTPUTS);
  if (name == "metrics") return run_->values_of(GRAPNEL_VALUES_METRICS);
  if (name == "path") return text_object(at.checkpoint_path);
  if (name == "message" || name == "signal") return text_object(at.message);
  return Ref::take(PyObject_CallMethod(runner_.get(), "_checkpoint", nullptr));
}

void PythonInstance::call(int32_t point, const Point& at) {
  const PointRow& row = point_row(point);
  inside(row.name, &at, [&] {
    const Ref kwargs = Ref::take(PyDict_New());
    for (const char* keyword : row.keywords) {
      if (keyword != nullptr) set_item(kwargs, keyword, keyword_value(keyword, at));
    }
    const Ref args = Ref::take(PyTuple_Pack(1, runner_.get()));
    Ref::take(PyObject_Call(method(point), args.get(), kwargs.get()));
  });
}

std::string PythonInstance::save() {
  std::string json;
  inside("state_dict", nullptr,
         [&] { json = utf8(Ref::take(PyObject_CallMethod(loaded_.get(), "save", nullptr)).get()); });
  return json;
}

void PythonInstance::load(const std::string& json) {
  inside("load_state_dict", nullptr,
         [&] { Ref::take(PyObject_CallMethod(loaded_.get(), "load", "O", text_object(json).get())); });
}

}  // namespace grapnel::python

namespace {

constexpr int64_t kStateFormat = 1;
constexpr size_t kMaxStateBytes = size_t{1} << 24;  // what StateReader takes as a text

// FNV-1a, 64 bits: so that a damaged state is refused even where it is still JSON.
int64_t checksum(const std::string& text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int64_t>(hash);
}

class PythonHook final : public grapnel::Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit PythonHook(const grapnel::Setup& setup) : Hook(setup), instance_(setup.host(), log(), setup) {}

#define GRAPNEL_PYTHON_POINT(name, POINT)                           \
  void name(const grapnel::Point& at) override {                    \
    if (instance_.method(GRAPNEL_POINT_##POINT) == nullptr) return; \
    instance_.call(GRAPNEL_POINT_##POINT, at);                      \
  }
  GRAPNEL_PYTHON_POINT(before_run, BEFORE_RUN)
  GRAPNEL_PYTHON_POINT(after_run, AFTER_RUN)
  GRAPNEL_PYTHON_POINT(before_train, BEFORE_TRAIN)
  GRAPNEL_PYTHON_POINT(after_train, AFTER_TRAIN)
  GRAPNEL_PYTHON_POINT(before_train_epoch, BEFORE_TRAIN_EPOCH)
  GRAPNEL_PYTHON_POINT(after_train_epoch, AFTER_TRAIN_EPOCH)
  GRAPNEL_PYTHON_POINT(before_train_iter, BEFORE_TRAIN_ITER)
  GRAPNEL_PYTHON_POINT(after_train_iter, AFTER_TRAIN_ITER)
  GRAPNEL_PYTHON_POINT(before_val, BEFORE_VAL)
  GRAPNEL_PYTHON_POINT(after_val, AFTER_VAL)
  GRAPNEL_PYTHON_POINT(before_val_epoch, BEFORE_VAL_EPOCH)
  GRAPNEL_PYTHON_POINT(after_val_epoch, AFTER_VAL_EPOCH)
  GRAPNEL_PYTHON_POINT(before_val_iter, BEFORE_VAL_ITER)
  GRAPNEL_PYTHON_POINT(after_val_iter, AFTER_VAL_ITER)
  GRAPNEL_PYTHON_POINT(before_test, BEFORE_TEST)
  GRAPNEL_PYTHON_POINT(after_test, AFTER_TEST)
  GRAPNEL_PYTHON_POINT(before_test_epoch, BEFORE_TEST_EPOCH)
  GRAPNEL_PYTHON_POINT(after_test_epoch, AFTER_TEST_EPOCH)
  GRAPNEL_PYTHON_POINT(before_test_iter, BEFORE_TEST_ITER)
  GRAPNEL_PYTHON_POINT(after_test_iter, AFTER_TEST_ITER)
  GRAPNEL_PYTHON_POINT(before_save_checkpoint, BEFORE_SAVE_CHECKPOINT)
  GRAPNEL_PYTHON_POINT(after_load_checkpoint, AFTER_LOAD_CHECKPOINT)
  GRAPNEL_PYTHON_POINT(after_save_checkpoint, AFTER_SAVE_CHECKPOINT)
  GRAPNEL_PYTHON_POINT(after_backward, AFTER_BACKWARD)
  GRAPNEL_PYTHON_POINT(before_optimizer_step, BEFORE_OPTIMIZER_STEP)
  GRAPNEL_PYTHON_POINT(on_exception, ON_EXCEPTION)
  GRAPNEL_PYTHON_POINT(on_interrupt, ON_INTERRUPT)
#undef GRAPNEL_PYTHON_POINT

  void save_state(grapnel::StateWriter& out) override {
    const std::string json = instance_.save();
    if (json.size() > kMaxStateBytes) {
      throw grapnel::Error("state_dict() gives " + std::to_string(json.size()) + " bytes of JSON, at most " +
                           std::to_string(kMaxStateBytes) +
                           " are kept; write large things to files of their own");
    }
    out.integer(kStateFormat);
    out.text(json);
    out.integer(checksum(json));
  }
  void load_state(grapnel::StateReader& in) override {
    const int64_t format = in.integer();
    if (format != kStateFormat) {
      throw grapnel::Error("the saved state has format " + std::to_string(format) + ", expected " +
                           std::to_string(kStateFormat));
    }
    const std::string json = in.text();
    if (in.integer() != checksum(json)) throw grapnel::Error("the saved state is damaged");
    instance_.load(json);
  }

 private:
  grapnel::python::PythonInstance instance_;
};

}  // namespace

GRAPNEL_HOOK(PythonHook, "1.0.0", "Runs a hook class written in Python, with MMEngine's method names",
             grapnel::string_option("file", nullptr,
                                    "the Python file; a relative path is taken from the current folder"),
             grapnel::optional(grapnel::string_option(
                 "hook", nullptr, "the class; may be left out if the file defines only one")),
             grapnel::tree_option("kwargs", "{}", "keyword arguments for the class's constructor"));
