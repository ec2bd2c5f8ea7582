// Starts CPython so that its extension modules find it, for the right installation and without touching the
// process's signal handlers or its output.
#include "interpreter.hpp"

#include <dlfcn.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "run_object.hpp"
#include "tensor_object.hpp"

namespace grapnel::python {

namespace fs = std::filesystem;

namespace {

PyObject* the_error_type = nullptr;

// A plugin is opened with RTLD_LOCAL and libpython comes with it, but extension modules are not linked
// against libpython: they look for its symbols among the global ones.
void make_libpython_global() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&Py_IsInitialized), &info) != 0 && info.dli_fname != nullptr) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
  }
  // The program itself may be the interpreter: that cannot be opened, and its symbols are global anyway.
  void* everything_global = dlopen(nullptr, RTLD_NOW);
  if (everything_global == nullptr || dlsym(everything_global, "Py_IsInitialized") == nullptr) {
    throw Error(std::string("Python's own library (") + (info.dli_fname ? info.dli_fname : "?") +
                ") cannot be made visible to Python's extension modules");
  }
}

// "3.11"
std::string python_version() {
  const std::string whole = Py_GetVersion();
  return whole.substr(0, whole.find('.', whole.find('.') + 1));
}

// The program for which Python sets its search path. An active virtual environment counts if it is one of
// this Python's version; otherwise it is the Python that the plugin was built for, whatever `python3` PATH
// names.
std::string python_program(const LogService& log) {
  if (const char* environment = std::getenv("VIRTUAL_ENV"); environment != nullptr && *environment != '\0') {
    const fs::path folder = environment;
    std::error_code failed;
    if (fs::is_directory(folder / "lib" / ("python" + python_version()), failed)) {
      return folder / "bin" / "python3";
    }
    log.warning("the virtual environment " + folder.string() + " is not used: Python hooks run in Python " +
                python_version());
  }
  return GRAPNEL_PYTHON_PROGRAM;
}

// Python ends the whole process when it finds no library of its own, so that is looked for first.
void check_python_home() {
  const char* home = std::getenv("PYTHONHOME");
  if (home == nullptr || *home == '\0') return;
  const std::string whole = home;
  const fs::path library = fs::path(whole.substr(0, whole.find(':'))) / "lib" / ("python" + python_version());
  std::error_code failed;
  if (fs::exists(library / "encodings", failed)) return;
  throw Error("PYTHONHOME is " + whole + ", where Python " + python_version() +
              " is not installed: there is no " + library.string() + "; unset it");
}

void initialize(const LogService& log) {
  check_python_home();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // its successor is outside the stable ABI
  const std::string program = python_program(log);
  if (wchar_t* wide = Py_DecodeLocale(program.c_str(), nullptr)) Py_SetProgramName(wide);  // kept by Python
#pragma GCC diagnostic pop
  Py_InitializeEx(0);  // 0: no signal handlers
  if (!Py_IsInitialized()) throw Error("Python " + python_version() + " could not be started");
}

// Whoever imports `signal` first (subprocess does) gets SIGINT taken over where it has its default action: so
// it is imported here, and the action put back.
void keep_interrupt_action() {
  struct sigaction before {};
  sigaction(SIGINT, nullptr, &before);
  const Ref imported = Ref::take(PyImport_ImportModule("signal"));
  sigaction(SIGINT, &before, nullptr);
}

Ref module_of_types() {
  static PyModuleDef definition = {
      PyModuleDef_HEAD_INIT, "_grapnel", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};
  Ref module = Ref::take(PyModule_Create(&definition));
  if (the_error_type == nullptr) {
    the_error_type = PyErr_NewExceptionWithDoc("grapnel.Error", "Grapnel refused what a hook asked for.",
                                               PyExc_RuntimeError, nullptr);
    if (the_error_type == nullptr) throw PythonError();
  }
  check(PyModule_AddObject(module.get(), "Error", Ref::borrow(the_error_type).release()));
  check(PyModule_AddObject(module.get(), "Tensor", tensor_type().release()));
  check(PyModule_AddObject(module.get(), "Run", run_type().release()));
  check(PyModule_AddObject(module.get(), "POINTS", points_object().release()));
  add_run_functions(module.get());
  return module;
}

// Hands the embedded sources to their finder and imports the package.
void install_modules(bool is_own_interpreter) {
  const Ref types = module_of_types();
  check(PyDict_SetItemString(PyImport_GetModuleDict(), "_grapnel", types.get()));

  const Ref sources = Ref::take(PyDict_New());
  for (size_t i = 0; i < kEmbeddedModuleCount; ++i) {
    const EmbeddedModule& module = kEmbeddedModules[i];
    const Ref pair = Ref::take(Py_BuildValue("(sO)", module.source, module.is_package ? Py_True : Py_False));
    set_item(sources, module.name, pair);
  }
  const Ref source = Ref::borrow(PyDict_GetItemString(sources.get(), "finder"));
  const Ref text = Ref::take(PySequence_GetItem(source.get(), 0));
  const Ref code =
      Ref::take(Py_CompileString(utf8(text.get()).c_str(), "<grapnel>/finder.py", Py_file_input));
  const Ref names = Ref::take(PyDict_New());
  set_item(names, "__builtins__", Ref::borrow(PyEval_GetBuiltins()));
  set_item(names, "__name__", text_object("grapnel_finder"));
  set_item(names, "SOURCES", sources);
  Ref::take(PyEval_EvalCode(code.get(), names.get(), names.get()));

  const Ref redirect = embedded_function("grapnel._output", "take_standard_output");
  Ref::take(PyObject_CallFunctionObjArgs(redirect.get(), is_own_interpreter ? Py_True : Py_False, nullptr));
}

}  // namespace

PyObject* error_type() { return the_error_type; }

void start_interpreter(const LogService& log) {
  static std::mutex starting;
  static bool is_ready = false;
  const std::lock_guard<std::mutex> lock(starting);
  if (is_ready) return;
  make_libpython_global();
  const bool is_own = !Py_IsInitialized();
  if (is_own) {
    initialize(log);
    PyEval_SaveThread();
  }
  const Gil gil;
  try {
    if (is_own) keep_interrupt_action();
    install_modules(is_own);
  } catch (const PythonError&) {
    throw Error("Python's side of the hook cannot be set up: " + report_python_error(log, ""));
  }
  is_ready = true;
}

Ref embedded_function(const char* module, const char* name) {
  const Ref owner = Ref::take(PyImport_ImportModule(module));
  return Ref::take(PyObject_GetAttrString(owner.get(), name));
}

namespace {

// For an exception that cannot be described the long way, as before the embedded modules are there.
std::string short_text(PyObject* error) {
  try {
    return utf8(Ref::take(PyObject_Repr(error)).get());
  } catch (const PythonError&) {
    PyErr_Clear();
    return "a Python exception that cannot be shown";
  }
}

}  // namespace

std::string report_python_error(const LogService& log, const std::string& file) noexcept {
  PyObject* fetched[3] = {nullptr, nullptr, nullptr};
  PyErr_Fetch(&fetched[0], &fetched[1], &fetched[2]);
  PyErr_NormalizeException(&fetched[0], &fetched[1], &fetched[2]);
  if (fetched[2] != nullptr && fetched[1] != nullptr) PyException_SetTraceback(fetched[1], fetched[2]);
  for (int i : {0, 2}) Py_XDECREF(fetched[i]);
  Ref error;
  if (fetched[1] == nullptr) return "a Python call failed and gave no reason";
  error = Ref::take(fetched[1]);
  try {
    const Ref describe = embedded_function("grapnel._describe", "describe");
    const Ref answer = Ref::take(
        PyObject_CallFunctionObjArgs(describe.get(), error.get(), text_object(file).get(), nullptr));
    const Ref lines = Ref::take(PySequence_GetItem(answer.get(), 0));
    const Ref summary = Ref::take(PySequence_GetItem(answer.get(), 1));
    const Py_ssize_t count = PySequence_Size(lines.get());
    for (Py_ssize_t i = 0; i < count; ++i) {
      log.error(utf8(Ref::take(PySequence_GetItem(lines.get(), i)).get()));
    }
    return utf8(summary.get());
  } catch (const std::exception&) {
    PyErr_Clear();
    return short_text(error.get());
  }
}

}  // namespace grapnel::python
