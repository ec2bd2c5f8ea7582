// Runs a case in a process of its own, with a time limit and no core dump, and turns every way in which that
// process can end into a result.
#pragma once

#include <chrono>
#include <string>

#include "conformance/conformance_case.hpp"

namespace grapnel::conformance {

struct ProcessEnd {
  CaseResult result;
  bool ended_early = false;  // by a crash, an exit or the time limit, before the case had said its result
};

// `program` is grapnel-conformance. CaseInput::trace is not used.
ProcessEnd run_case_process(const std::string& program, const ConformanceCase& which, const CaseInput& input,
                            std::chrono::milliseconds limit);

// The other side: main of such a process. Gives the exit code; never returns to a plugin's destructors.
bool is_case_process(int argc, char** argv);
[[noreturn]] void case_process_main(int argc, char** argv);

// Says the result from wherever the case stands (also in a signal handler) and ends the process.
[[noreturn]] void end_case_process(Verdict verdict, const char* message);

}  // namespace grapnel::conformance
