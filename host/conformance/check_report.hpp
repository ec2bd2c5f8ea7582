// What a check found, for people and for programs.
#pragma once

#include <string>

#include "conformance/conformance_check.hpp"

namespace grapnel::conformance {

// One line a case, a summary, and how to repeat a case that failed: `command` is the program as the user
// calls it ("grapnel-conformance", "grapnel hooks check"). The same findings give the same text: no times.
std::string report_text(const CheckReport& report, const std::string& command);
// {file, type, seed, cases: [{name, sentence, result, message, ms}], passed, failed, not_applicable, blocked}
std::string report_json(const CheckReport& report);

// Every case with its sentence.
std::string list_text();
std::string list_json();

}  // namespace grapnel::conformance
