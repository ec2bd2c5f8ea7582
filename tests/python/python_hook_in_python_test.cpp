// PythonHook in a process that runs Python already: it joins that interpreter, and takes only its own output.
// Here Python's headers are at hand, so DLPack's layout is held against its own header too.
#define Py_LIMITED_API 0x03090000
#include <Python.h>
#include <dlpack/dlpack.h>

#include <cstddef>

#include "PythonHook/tensor_object.hpp"
#include "python_hook_fixture.hpp"

namespace grapnel::testing {
namespace {

using python::ManagedTensor;
static_assert(sizeof(ManagedTensor) == sizeof(DLManagedTensor), "DLPack's size");
static_assert(offsetof(ManagedTensor, view) == offsetof(DLManagedTensor, dl_tensor), "DLPack's tensor");
static_assert(offsetof(ManagedTensor, manager) == offsetof(DLManagedTensor, manager_ctx), "DLPack's manager");
static_assert(offsetof(ManagedTensor, deleter) == offsetof(DLManagedTensor, deleter), "DLPack's deleter");

class PythonHookInPython : public PythonHookTest {
 protected:
  static void SetUpTestSuite() {
    Py_InitializeEx(0);
    ASSERT_EQ(run("import io, sys\nsys.stdout = io.StringIO()\nmine = 'the host\\'s own'\n"), 0);
    saved_ = PyEval_SaveThread();
  }
  static void TearDownTestSuite() { PyEval_RestoreThread(saved_); }
  // PyRun_SimpleString is outside the stable ABI.
  static int run(const char* source) {
    PyObject* names = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyObject* code = Py_CompileString(source, "<host>", Py_file_input);
    PyObject* result = code != nullptr ? PyEval_EvalCode(code, names, names) : nullptr;
    if (result == nullptr) PyErr_Print();
    const int failed = result == nullptr ? -1 : 0;
    Py_XDECREF(code);
    Py_XDECREF(result);
    return failed;
  }
  static PyThreadState* saved_;
};
PyThreadState* PythonHookInPython::saved_ = nullptr;

TEST_F(PythonHookInPython, JoinsTheInterpreterAndLeavesItRunning) {
  ASSERT_TRUE(load(R"(
import __main__, numpy
class Guest:
    def before_run(self, runner):
        print('inside', __main__.mine, numpy.arange(3).sum())
)"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "inside the host's own 3\n");
  host_.destroy();
  PyEval_RestoreThread(saved_);
  EXPECT_EQ(run("print('outside')\n"
                "assert sys.stdout._outside.getvalue() == 'outside\\n', sys.stdout._outside.getvalue()\n"),
            0);
  saved_ = PyEval_SaveThread();
}

TEST_F(PythonHookInPython, ServesACallerThatHoldsTheLock) {
  ASSERT_TRUE(load("class Guest:\n    def before_run(self, runner): runner.logger.info('called')\n"));
  PyEval_RestoreThread(saved_);
  EXPECT_TRUE(host_.call("before_run"));
  EXPECT_EQ(run("assert mine\n"), 0);
  saved_ = PyEval_SaveThread();
  EXPECT_EQ(host_.log_text(), "called\n");
}

}  // namespace
}  // namespace grapnel::testing
