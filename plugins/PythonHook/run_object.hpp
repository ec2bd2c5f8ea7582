// Python's side of Run: the type _grapnel.Run, which the embedded module's Runner derives from, and the
// module's few functions.
#pragma once

#include "run.hpp"

namespace grapnel::python {

// The type, made at the first call; a new reference.
Ref run_type();
// Adds print_line, current and the constants to the module _grapnel.
void add_run_functions(PyObject* module);
// A tuple of (name, (keyword, ...)), one for each point, in their order.
Ref points_object();

// Makes a grapnel.Runner over `run`.
Ref make_runner(Run& run);
// Lets go of the run: from now on the object raises.
void detach_runner(PyObject* runner) noexcept;

// Ends the unfinished lines of this thread's print().
void flush_output();

// ---- shared by the files that implement the type -------------------------------------------------------

// The object's run; throws Error once the hook is gone.
Run& run_of(PyObject* self);
// Its run while a callback is running on this thread; throws Error otherwise.
Run& asked_run(PyObject* self);
// PyArg_ParseTuple; throws PythonError.
template <class... Targets>
void parse(PyObject* args, const char* format, Targets... targets) {
  if (!PyArg_ParseTuple(args, format, targets...)) throw PythonError();
}

// Model, optimiser and data: in run_model_methods.cpp. Ends with a null row.
extern PyMethodDef kModelMethods[];

}  // namespace grapnel::python
