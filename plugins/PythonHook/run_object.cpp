// The type _grapnel.Run: counters, requests, log, message hub and checkpoint.
#include "run_object.hpp"

#include <cstring>
#include <map>
#include <vector>

namespace grapnel::python {

namespace {

struct RunObject {
  PyObject_HEAD Run* run;
};

PyTypeObject* the_run_type = nullptr;

// Unfinished lines of print(), by thread and stream; guarded by Python's lock.
std::map<std::pair<std::thread::id, int>, std::string>& open_lines() {
  // Never freed: threads may outlive main.
  static auto* lines = new std::map<std::pair<std::thread::id, int>, std::string>;
  return *lines;
}

void write_lines(int level, const std::string& text) {
  const Run* run = Run::for_output();
  if (run == nullptr) return;
  if (level == GRAPNEL_LOG_WARNING)
    run->log.warning(text);
  else
    run->log.info(text);
}

}  // namespace

Run& run_of(PyObject* self) {
  Run* run = reinterpret_cast<RunObject*>(self)->run;
  if (run == nullptr) throw Error("the hook that this runner belonged to is gone");
  return *run;
}

Run& asked_run(PyObject* self) {
  Run& run = run_of(self);
  run.loan();
  return run;
}

namespace {

// ---- counters ------------------------------------------------------------------------------------------

template <int64_t Point::*Member>
PyObject* get_counter(PyObject* self, void*) {
  return raising([&] { return integer_object(run_of(self).at().*Member); });
}
PyObject* get_by_epoch(PyObject* self, void*) {
  return raising([&] { return boolean_object(run_of(self).at().by_epoch != 0); });
}
PyObject* get_mode(PyObject* self, void*) {
  return raising([&] {
    switch (run_of(self).at().mode) {
      case GRAPNEL_MODE_TRAIN:
        return text_object("train");
      case GRAPNEL_MODE_VAL:
        return text_object("val");
      case GRAPNEL_MODE_TEST:
        return text_object("test");
      default:
        return none();
    }
  });
}
PyObject* get_instance_key(PyObject* self, void*) {
  return raising([&] { return text_object(run_of(self).host->instance_key); });
}
PyObject* get_work_dir(PyObject* self, void*) {
  return raising([&] { return text_object(run_of(self).runner.work_dir()); });
}
PyObject* get_log_dir(PyObject* self, void*) {
  return raising([&] { return text_object(run_of(self).runner.log_dir()); });
}
PyObject* get_config_json(PyObject* self, void*) {
  return raising([&] { return text_object(run_of(self).runner.config_json()); });
}
PyObject* get_evaluation_table(PyObject* self, void*) {
  return raising([&] { return text_object(asked_run(self).runner.evaluation_table()); });
}
template <int32_t (CollectivesService::*Get)() const>
PyObject* get_place(PyObject* self, void*) {
  return raising([&] { return integer_object((run_of(self).collectives.*Get)()); });
}

PyObject* state(PyObject* self, PyObject*) {
  return raising([&] {
    const grapnel_run_state now = asked_run(self).runner.state();
    Ref answer = Ref::take(PyDict_New());
    set_item(answer, "is_resumed", boolean_object(now.is_resumed != 0));
    set_item(answer, "train_epoch_length", integer_object(now.train_epoch_length));
    set_item(answer, "val_epoch_length", integer_object(now.val_epoch_length));
    set_item(answer, "test_epoch_length", integer_object(now.test_epoch_length));
    set_item(answer, "accumulative_counts", integer_object(now.accumulative_counts));
    set_item(answer, "val_interval", integer_object(now.val_interval));
    set_item(answer, "seed", Ref::take(PyLong_FromUnsignedLongLong(now.seed)));
    return answer;
  });
}

// ---- log -----------------------------------------------------------------------------------------------

PyObject* log(PyObject* self, PyObject* args) {
  return raising([&] {
    int level = GRAPNEL_LOG_INFO;
    PyObject* text = nullptr;
    parse(args, "iO", &level, &text);
    const LogService& log = run_of(self).log;
    const std::string line = utf8(text);
    switch (level) {
      case GRAPNEL_LOG_DEBUG:
        log.debug(line);
        break;
      case GRAPNEL_LOG_WARNING:
        log.warning(line);
        break;
      case GRAPNEL_LOG_ERROR:
        log.error(line);
        break;
      default:
        log.info(line);
    }
    return none();
  });
}

PyObject* shows_debug(PyObject* self, PyObject*) {
  return raising([&] {
    const grapnel_host* host = run_of(self).host;
    const auto* table = static_cast<const grapnel_log_service*>(host->get_service(host, GRAPNEL_SERVICE_LOG));
    return boolean_object(table != nullptr && table->is_enabled(host, GRAPNEL_LOG_DEBUG) != 0);
  });
}

// ---- requests ------------------------------------------------------------------------------------------

template <void (RunnerService::*Request)(const std::string&) const>
PyObject* request_with(PyObject* self, PyObject* text) {
  return raising([&] {
    (asked_run(self).runner.*Request)(utf8(text));
    return none();
  });
}
PyObject* request_validation(PyObject* self, PyObject*) {
  return raising([&] {
    asked_run(self).runner.request_validation();
    return none();
  });
}

// ---- message hub ---------------------------------------------------------------------------------------

PyObject* update_scalar(PyObject* self, PyObject* args) {
  return raising([&] {
    const char* key = nullptr;
    double value = 0;
    parse(args, "sd", &key, &value);
    asked_run(self).message_hub.update_scalar(key, value);
    return none();
  });
}
PyObject* scalar(PyObject* self, PyObject* args) {
  return raising([&] {
    const char* key = nullptr;
    int statistic = 0;
    unsigned long long window = 0;
    parse(args, "siK", &key, &statistic, &window);
    return number_object(asked_run(self).message_hub.scalar(key, statistic, window));
  });
}
PyObject* update_count(PyObject* self, PyObject* key) {
  return raising([&] {
    return Ref::take(PyLong_FromUnsignedLongLong(asked_run(self).message_hub.update_count(utf8(key))));
  });
}
PyObject* scalar_keys(PyObject* self, PyObject*) {
  return raising([&] {
    Ref keys = Ref::take(PyList_New(0));
    for (const auto& key : asked_run(self).message_hub.scalar_keys()) append(keys, text_object(key));
    return keys;
  });
}
PyObject* set_text(PyObject* self, PyObject* args) {
  return raising([&] {
    const char *key = nullptr, *text = nullptr;
    parse(args, "ss", &key, &text);
    asked_run(self).message_hub.set_text(key, text);
    return none();
  });
}
// An absent text and an empty one are told apart: None and "".
PyObject* text(PyObject* self, PyObject* key) {
  return raising([&] {
    const grapnel_host* host = asked_run(self).host;
    const auto* table =
        static_cast<const grapnel_message_hub_service*>(host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB));
    if (table == nullptr) throw Error("this host has no service " GRAPNEL_SERVICE_MESSAGE_HUB);
    const char* found = table->get_text(host, utf8(key).c_str());
    return found != nullptr ? text_object(found) : none();
  });
}

// ---- checkpoint ----------------------------------------------------------------------------------------

PyObject* checkpoint_info(PyObject* self, PyObject*) {
  return raising([&] {
    const grapnel_checkpoint_info info = asked_run(self).checkpoint.info();
    Ref answer = Ref::take(PyDict_New());
    set_item(answer, "path", text_object(info.path));
    set_item(answer, "epoch", integer_object(info.epoch));
    set_item(answer, "iter", integer_object(info.iter));
    set_item(answer, "is_resume", boolean_object(info.is_resume != 0));
    return answer;
  });
}
PyObject* set_checkpoint_text(PyObject* self, PyObject* args) {
  return raising([&] {
    const char *key = nullptr, *value = nullptr;
    parse(args, "ss", &key, &value);
    asked_run(self).checkpoint.set_text(key, value);
    return none();
  });
}
PyObject* checkpoint_text(PyObject* self, PyObject* key) {
  return raising([&] {
    const grapnel_host* host = asked_run(self).host;
    const auto* table =
        static_cast<const grapnel_checkpoint_service*>(host->get_service(host, GRAPNEL_SERVICE_CHECKPOINT));
    if (table == nullptr) throw Error("this host has no service " GRAPNEL_SERVICE_CHECKPOINT);
    const char* found = table->get_text(host, utf8(key).c_str());
    return found != nullptr ? text_object(found) : none();
  });
}
PyObject* last_checkpoint(PyObject* self, PyObject*) {
  return raising([&] { return text_object(asked_run(self).checkpoint.last_path()); });
}

PyObject* values(PyObject* self, PyObject* args) {
  return raising([&] {
    int group = 0;
    parse(args, "i", &group);
    return asked_run(self).values_of(group);
  });
}

// ---- the module's functions ----------------------------------------------------------------------------

// print_text(level, text): what sys.stdout and sys.stderr get; whole lines go to the log at once.
PyObject* print_text(PyObject*, PyObject* args) {
  return raising([&] {
    int level = GRAPNEL_LOG_INFO;
    PyObject* printed = nullptr;
    parse(args, "iO", &level, &printed);
    std::string& line = open_lines()[{std::this_thread::get_id(), level}];
    line += utf8(printed);
    for (size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
      write_lines(level, line.substr(0, end));
      line.erase(0, end + 1);
    }
    if (line.empty()) open_lines().erase({std::this_thread::get_id(), level});
    return none();
  });
}
PyObject* flush_text(PyObject*, PyObject*) {
  return raising([&] {
    flush_output();
    return none();
  });
}
// Whether this thread is inside a hook's method.
PyObject* is_inside(PyObject*, PyObject*) {
  return boolean_object(Run::of_this_thread() != nullptr).release();
}

PyGetSetDef kAttributes[] = {
    {"epoch", &get_counter<&Point::epoch>, nullptr, "Finished epochs.", nullptr},
    {"iter", &get_counter<&Point::iter>, nullptr, "Finished train iterations.", nullptr},
    {"batch_idx", &get_counter<&Point::batch_idx>, nullptr, "Batch within the epoch, -1 outside.", nullptr},
    {"max_epochs", &get_counter<&Point::max_epochs>, nullptr, "1 when iterations are counted.", nullptr},
    {"max_iters", &get_counter<&Point::max_iters>, nullptr, nullptr, nullptr},
    {"epoch_length", &get_counter<&Point::epoch_length>, nullptr, "Batches of the running loop.", nullptr},
    {"by_epoch", &get_by_epoch, nullptr, nullptr, nullptr},
    {"mode", &get_mode, nullptr, "'train', 'val', 'test' or None.", nullptr},
    {"instance_key", &get_instance_key, nullptr, nullptr, nullptr},
    {"work_dir", &get_work_dir, nullptr, nullptr, nullptr},
    {"log_dir", &get_log_dir, nullptr, nullptr, nullptr},
    {"config_json", &get_config_json, nullptr, nullptr, nullptr},
    {"evaluation_table", &get_evaluation_table, nullptr, "The last evaluation as a table.", nullptr},
    {"rank", &get_place<&CollectivesService::rank>, nullptr, nullptr, nullptr},
    {"world_size", &get_place<&CollectivesService::world_size>, nullptr, nullptr, nullptr},
    {"local_rank", &get_place<&CollectivesService::local_rank>, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

const PyMethodDef kMethods[] = {
    {"_state", &state, METH_NOARGS, nullptr},
    {"_log", &log, METH_VARARGS, nullptr},
    {"_shows_debug", &shows_debug, METH_NOARGS, nullptr},
    {"request_stop", &request_with<&RunnerService::request_stop>, METH_O,
     "Ends the training; the reason is logged."},
    {"request_validation", &request_validation, METH_NOARGS, "Validates as soon as the iteration is over."},
    {"request_save", &request_with<&RunnerService::request_save>, METH_O,
     "Writes work_dir/NAME after this point."},
    {"request_skip_step", &request_with<&RunnerService::request_skip_step>, METH_O,
     "Drops this step's gradients."},
    {"veto_checkpoint", &request_with<&RunnerService::veto_checkpoint>, METH_O,
     "Keeps this file from being written."},
    {"_update_scalar", &update_scalar, METH_VARARGS, nullptr},
    {"_scalar", &scalar, METH_VARARGS, nullptr},
    {"_update_count", &update_count, METH_O, nullptr},
    {"_scalar_keys", &scalar_keys, METH_NOARGS, nullptr},
    {"_set_text", &set_text, METH_VARARGS, nullptr},
    {"_text", &text, METH_O, nullptr},
    {"_checkpoint_info", &checkpoint_info, METH_NOARGS, nullptr},
    {"_set_checkpoint_text", &set_checkpoint_text, METH_VARARGS, nullptr},
    {"_checkpoint_text", &checkpoint_text, METH_O, nullptr},
    {"_last_checkpoint", &last_checkpoint, METH_NOARGS, nullptr},
    {"_values", &values, METH_VARARGS, nullptr},
};

PyMethodDef kFunctions[] = {{"print_text", &print_text, METH_VARARGS, nullptr},
                            {"flush_text", &flush_text, METH_NOARGS, nullptr},
                            {"is_inside", &is_inside, METH_NOARGS, nullptr},
                            {nullptr, nullptr, 0, nullptr}};

void make_run_type() {
  static std::vector<PyMethodDef> methods(std::begin(kMethods), std::end(kMethods));
  for (const PyMethodDef* method = kModelMethods; method->ml_name != nullptr; ++method)
    methods.push_back(*method);
  methods.push_back({nullptr, nullptr, 0, nullptr});
  static PyType_Slot slots[] = {{Py_tp_getset, kAttributes}, {Py_tp_methods, methods.data()}, {0, nullptr}};
  static PyType_Spec spec = {"_grapnel.Run", sizeof(RunObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                             slots};
  the_run_type = reinterpret_cast<PyTypeObject*>(Ref::take(PyType_FromSpec(&spec)).release());
}

}  // namespace

Ref run_type() {
  if (the_run_type == nullptr) make_run_type();
  return Ref::borrow(reinterpret_cast<PyObject*>(the_run_type));
}

void add_run_functions(PyObject* module) { check(PyModule_AddFunctions(module, kFunctions)); }

Ref points_object() {
  Ref points = Ref::take(PyTuple_New(kPointCount));
  for (int32_t i = 0; i < kPointCount; ++i) {
    const Ref keywords = Ref::take(PyList_New(0));
    for (const char* keyword : point_row(i).keywords) {
      if (keyword != nullptr) append(keywords, text_object(keyword));
    }
    Ref row = Ref::take(Py_BuildValue("(sN)", point_row(i).name, PyList_AsTuple(keywords.get())));
    check(PyTuple_SetItem(points.get(), i, row.release()));
  }
  return points;
}

Ref make_runner(Run& run) {
  const Ref type =
      Ref::take(PyObject_GetAttrString(Ref::take(PyImport_ImportModule("grapnel")).get(), "Runner"));
  // Runner's __init__ already needs the run.
  Ref runner = Ref::take(PyType_GenericNew(reinterpret_cast<PyTypeObject*>(type.get()), nullptr, nullptr));
  reinterpret_cast<RunObject*>(runner.get())->run = &run;
  Ref::take(PyObject_CallMethod(runner.get(), "__init__", nullptr));
  return runner;
}

void detach_runner(PyObject* runner) noexcept { reinterpret_cast<RunObject*>(runner)->run = nullptr; }

void flush_output() {
  auto& lines = open_lines();
  if (lines.empty()) return;
  for (const int level : {GRAPNEL_LOG_INFO, GRAPNEL_LOG_WARNING}) {
    const auto found = lines.find({std::this_thread::get_id(), level});
    if (found == lines.end()) continue;
    const std::string line = found->second;
    lines.erase(found);
    write_lines(level, line);
  }
}

}  // namespace grapnel::python
