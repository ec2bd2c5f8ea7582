// Every case, in the order of the report.
#include "conformance/cases.hpp"

namespace grapnel::conformance {

const std::vector<ConformanceCase>& all_cases() {
  static const std::vector<ConformanceCase> cases = {
      {"elf_one_symbol",
       "The file exports one symbol, grapnel_plugin_v1, a const data object, and nothing else.",
       elf_one_symbol},
      {"elf_no_text_relocations", "The code needs no relocation when it is loaded (no DT_TEXTREL).",
       elf_no_text_relocations},
      {"elf_no_executable_stack", "The stack stays non-executable (PT_GNU_STACK without the execute flag).",
       elf_no_executable_stack},
      {"elf_needs_resolvable",
       "Every library and symbol that the file needs is found when it is loaded.",
       elf_needs_resolvable,
       {},
       {},
       /*forgives_end=*/true},
      {"elf_torch", "LibTorch is not used, or is the host's: what the note says and what is linked agree.",
       elf_torch},
      {"note",
       "The ELF note repeats the descriptor's ABI version, type name and LibTorch version.",
       note,
       {"load"}},
      {"load",
       "Loading the file runs nothing that fails, hangs, ends the process or changes it (signal handlers, "
       "working "
       "folder, locale, threads started).",
       load,
       {"elf_needs_resolvable"}},
      {"descriptor",
       "The descriptor is complete: sizes, names, version, summary, create and destroy, both state functions "
       "or "
       "neither.",
       descriptor,
       {"load"}},
      {"options",
       "Every option has a name that is its own and not reserved, a known kind, a meaning, bounds in order, "
       "and a "
       "default that its own row allows.",
       options,
       {"descriptor"}},
      {"options_refusal",
       "The option table refuses a value of another kind, one out of range and an unknown key, and lists "
       "nothing "
       "twice under another spelling (names differ in more than case).",
       options_refusal,
       {"options"}},
      {"create_and_destroy",
       "create succeeds with the defaults and with generated values, or refuses with a message; many "
       "instances live "
       "side by side and go in any order; 500 rounds.",
       create_and_destroy,
       {"options"}},
      {"value_size",
       "create walks the values by value_size, as a host of a later minor passes larger ones (gap poisoned), "
       "and "
       "reads them by the table's order.",
       value_size,
       {"points"}},
      {"newer_host",
       "A host of a later minor (longer grapnel_host, point args and service structs, higher abi_minor, "
       "unknown "
       "kinds) is served like this one.",
       newer_host,
       {"points"}},
      {"missing_services",
       "A service that is not there is null: each service in turn, and all of them, absent; create or a "
       "point may "
       "fail with a message, nothing crashes.",
       missing_services,
       {"points"}},
      {"points",
       "Every point is called in every legal order (epoch and iter based, train with and without val, val "
       "only, test "
       "only, resumed, interrupted, failed run) with valid random arguments and values; a failure carries a "
       "message.",
       points,
       {"create_and_destroy"}},
      {"error_text",
       "A failing call writes one message, NUL-terminated, within the capacity that it was given; capacity 0 "
       "with a "
       "null text, and 1, 8 and 16 bytes, are respected (canary behind); success leaves status OK.",
       error_text,
       {"points"}},
      {"no_exception_out",
       "No C++ exception leaves a call: create, points, state, destroy (services made to fail in turn, so "
       "that error "
       "paths run).",
       no_exception_out,
       {"options"},
       {"create_and_destroy", "points", "error_text", "missing_services", "state_truncated",
        "state_corrupted", "state_failing_stream"}},
      {"no_output", "Nothing is written to stdout or stderr.", no_output, {"points"}, {"error_text"}},
      {"thread_tags",
       "Functions tagged [train-thread] are called on the training thread only.",
       thread_tags,
       {"points"}},
      {"quiet_after_destroy",
       "After destroy no service is called and no thread of the hook's goes on.",
       quiet_after_destroy,
       {"points"}},
      {"borrowed_memory",
       "Views, args, options and texts are not used after the callback returned (the host poisons/unmaps "
       "them between "
       "callbacks), and read-only views are not written (memory protected).",
       borrowed_memory,
       {"points"}},
      {"state_round_trip",
       "What save_state wrote, load_state takes in a fresh instance, and save_state writes the same again.",
       state_round_trip,
       {"points"}},
      {"state_small_reads",
       "A stream that gives one byte a read is read to its end.",
       state_small_reads,
       {"points", "state_round_trip"}},
      {"state_truncated",
       "A state cut short anywhere (also empty, when the full one isn't) is refused with a message, or, "
       "where "
       "load_state takes it, leaves a hook that still works; never a crash, a hang or a huge allocation.",
       state_truncated,
       {"points"}},
      {"state_corrupted",
       "A state with changed bytes is refused with a message or taken; never a crash, a hang or a huge "
       "allocation "
       "(address space limited).",
       state_corrupted,
       {"points"}},
      {"state_other_version",
       "A state of another plugin version is taken or refused with a message.",
       state_other_version,
       {"points"}},
      {"state_failing_stream",
       "A stream that fails (write and read, at each call in turn) makes save_state/load_state fail with the "
       "stream's "
       "message.",
       state_failing_stream,
       {"points"}},
      {"no_leak",
       "Memory, threads and file descriptors in use are the same after 50 and after 100 rounds of create, a "
       "run, "
       "state and destroy (counted).",
       no_leak,
       {"points", "quiet_after_destroy"}},
      {"reproducible",
       "The same seed gives the same calls and the same requests (the tool's own generator; the hook's "
       "writes to "
       "optimizer, model attributes, requests and data are compared over two processes; not log texts, not "
       "the "
       "message hub).",
       reproducible,
       {"points"},
       {},
       /*forgives_end=*/false,
       /*compares_two_runs=*/true},
  };
  return cases;
}

const ConformanceCase& given_values_case() {
  static const ConformanceCase its_case = {
      "given_values",
      "The values that the user gave are ones that the option table allows.",
      given_values,
      {"options"}};
  return its_case;
}

}  // namespace grapnel::conformance
