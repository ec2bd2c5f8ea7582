// Where the small programs of this installation lie, for whoever runs this library: Grapnel's own command line,
// a test, or a program of somebody else's.
#pragma once

#include <string>

namespace grapnel {

// Path of the executable `name` ("grapnel-probe"): beside the running program, else in the bin of the
// installation or build that this library is from; "" when it is in neither.
std::string installed_program(const std::string& name);

}  // namespace grapnel
