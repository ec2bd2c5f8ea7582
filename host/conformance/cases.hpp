// The cases' functions; case_list.cpp says what each proves. Grouped as the files that hold them.
#pragma once

#include "conformance/conformance_case.hpp"

namespace grapnel::conformance {

// elf_cases.cpp
CaseResult elf_one_symbol(const CaseInput& input);
CaseResult elf_no_text_relocations(const CaseInput& input);
CaseResult elf_no_executable_stack(const CaseInput& input);
CaseResult elf_needs_resolvable(const CaseInput& input);
CaseResult elf_torch(const CaseInput& input);
CaseResult note(const CaseInput& input);

// load_case.cpp
CaseResult load(const CaseInput& input);

// descriptor_cases.cpp
CaseResult descriptor(const CaseInput& input);
CaseResult options(const CaseInput& input);
CaseResult options_refusal(const CaseInput& input);

// create_cases.cpp
CaseResult create_and_destroy(const CaseInput& input);
CaseResult value_size(const CaseInput& input);

// Not in the list: are the values that the user gave ones that the option table allows?
CaseResult given_values(const CaseInput& input);

// host_cases.cpp
CaseResult newer_host(const CaseInput& input);
CaseResult missing_services(const CaseInput& input);

// point_cases.cpp
CaseResult points(const CaseInput& input);
CaseResult error_text(const CaseInput& input);
CaseResult no_exception_out(const CaseInput& input);
CaseResult no_output(const CaseInput& input);

// thread_cases.cpp
CaseResult thread_tags(const CaseInput& input);
CaseResult quiet_after_destroy(const CaseInput& input);

// memory_cases.cpp
CaseResult borrowed_memory(const CaseInput& input);
CaseResult no_leak(const CaseInput& input);

// state_cases.cpp
CaseResult state_round_trip(const CaseInput& input);
CaseResult state_small_reads(const CaseInput& input);
CaseResult state_truncated(const CaseInput& input);
CaseResult state_corrupted(const CaseInput& input);
CaseResult state_other_version(const CaseInput& input);
CaseResult state_failing_stream(const CaseInput& input);

// reproducible_case.cpp
CaseResult reproducible(const CaseInput& input);

}  // namespace grapnel::conformance
