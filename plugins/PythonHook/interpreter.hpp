// The one CPython interpreter of the process: started when the first PythonHook is made, never ended, because
// extension modules such as numpy's don't survive a second start.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "python_object.hpp"

namespace grapnel::python {

// Python sources that travel inside the plugin; generated from the files of python/.
struct EmbeddedModule {
  const char* name;  // "grapnel._runner"
  bool is_package;
  const char* source;
};
extern const EmbeddedModule kEmbeddedModules[];
extern const size_t kEmbeddedModuleCount;

// Starts the interpreter, or takes the one that the process already runs, and makes the module `grapnel`
// importable. Throws grapnel::Error. Leaves the lock free.
void start_interpreter(const LogService& log);

// The function `name` of an embedded module; needs the lock, throws PythonError.
Ref embedded_function(const char* module, const char* name);

// Fetches the Python exception that is set, writes its whole traceback to the log and gives
// "file:line: Type: message". `file` is the hook's own: the innermost line in it is the one that is named.
std::string report_python_error(const LogService& log, const std::string& file) noexcept;

}  // namespace grapnel::python
