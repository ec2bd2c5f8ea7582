// What the parent and a case's process say to each other: the command line, the descriptors, the result line.
#pragma once

#include <string>

#include "conformance/conformance_case.hpp"
#include "core/child_process.hpp"

namespace grapnel::conformance {

// PROGRAM --run-case NAME SEED SCRATCH TORCH_VERSION VALUES_JSON FILE
constexpr char kCaseFlag[] = "--run-case";
constexpr int kCaseArguments = 8;
constexpr int kResultFd = ChildProcess::kResultFd;
constexpr int kTraceFd = ChildProcess::kExtraFd;

// "pass", "fail it wrote to stdout in create", ...: one line.
std::string result_line(const CaseResult& result);
// False if there is no whole line.
bool read_result(const std::string& text, CaseResult& result);

}  // namespace grapnel::conformance
