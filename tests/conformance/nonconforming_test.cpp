// Each plugin of tests/nonconforming_plugins has one defect: exactly the case that is about it must fail, in
// words that name it. So no case of the tool can pass everything, and none blames what is another's.
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>

#include "checked_plugin.hpp"

namespace grapnel::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kFolder = GRAPNEL_BUILD_DIR "/tests/nonconforming_plugins";

struct Defect {
  const char* plugin;  // file name without ".so"
  const char* found_by;
  const char* words;             // of the message
  const char* timeout_s = "60";  // of a case; shorter for what hangs
};

void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.plugin; }

const Defect kDefects[] = {
    {"exports_a_second_symbol", "elf_one_symbol", "a_symbol_of_its_own"},
    {"entry_is_writable", "elf_one_symbol", ""},
    {"text_relocation", "elf_no_text_relocations", ""},
    {"executable_stack", "elf_no_executable_stack", ""},
    {"needs_an_absent_library", "elf_needs_resolvable", "libnonconforming_absent_library.so"},
    {"needs_an_absent_symbol", "elf_needs_resolvable", "a_function_nobody_has"},
    {"links_torch_unsaid", "elf_torch", "its note names none"},
    {"names_torch_without_linking_it", "elf_torch", "1.13.0"},
    {"without_a_note", "note", ""},
    {"note_names_another_type", "note", "SomethingElse"},
    {"crashes_at_load", "load", "SIGSEGV"},
    {"hangs_at_load", "load", "2 s", "2"},
    {"ends_the_process_at_load", "load", ""},
    {"changes_a_signal_handler_at_load", "load", "SIGINT"},
    {"changes_the_folder_at_load", "load", ""},
    {"changes_the_locale_at_load", "load", "locale"},
    {"leaves_a_file_open_at_load", "load", "files open"},
    {"linked_with_fast_math", "load", "-ffast-math"},
    {"starts_a_thread_at_load", "load", "thread"},
    {"throws_at_load", "load", "no licence file"},
    {"without_destroy", "descriptor", "destroy"},
    {"saves_a_state_but_loads_none", "descriptor", "load_state"},
    {"vtable_is_too_short", "descriptor", "16 bytes"},
    {"type_is_no_name", "descriptor", "Type Is No Name"},
    {"without_a_summary", "descriptor", "summary"},
    {"default_out_of_its_range", "options", "interval"},
    {"option_named_priority", "options", "priority"},
    {"option_listed_twice", "options", "twice"},
    {"bounds_reversed", "options", "range"},
    {"option_of_unknown_kind", "options", "99"},
    {"option_without_meaning", "options", "summary"},
    {"options_differ_in_case_only", "options_refusal", "Interval"},
    {"crashes_in_create", "create_and_destroy", "SIGSEGV"},
    {"shares_one_instance", "create_and_destroy", "SIGABRT"},
    {"runs_out_of_slots", "create_and_destroy", "SIGABRT"},
    {"indexes_by_an_unbounded_option", "create_and_destroy", "SIGSEGV"},
    {"walks_values_by_own_size", "value_size", ""},
    {"refuses_a_longer_host", "newer_host", "create gives 4"},
    {"refuses_a_newer_minor", "newer_host", "create gives 4"},
    {"refuses_longer_args", "newer_host", "before_train_iter gives 2"},
    {"uses_a_missing_service", "missing_services", "grapnel.log/1"},
    {"uses_a_missing_service_in_create", "missing_services", "grapnel.message_hub/1"},
    {"crashes_in_callback", "points", "after_train_iter"},
    {"hangs_in_callback", "points", "after_run", "5"},
    {"ends_the_process_in_callback", "points", "after_train"},
    {"expects_training_first", "points", "after_test"},
    {"reads_a_message_that_is_not_there", "points", "before_val"},
    {"overruns_the_error_buffer", "error_text", "before_train"},
    {"leaves_the_text_unterminated", "error_text", "before_train"},
    {"writes_to_a_null_text", "error_text", "before_train"},
    {"fails_without_text", "points", "before_train returned status 1 without a message"},
    {"fails_without_text_when_a_service_fails", "error_text", "after_train_iter"},
    {"leaves_an_error_code_on_success", "error_text", "before_train"},
    {"throws_in_callback", "no_exception_out", "before_train"},
    {"throws_no_std_exception", "no_exception_out", "before_train"},
    {"throws_when_a_service_fails", "no_exception_out", "after_train_iter"},
    {"throws_in_load_state", "no_exception_out", "load_state"},
    {"throws_in_destroy", "no_exception_out", "destroy"},
    {"prints_to_stdout", "no_output", "stdout"},
    {"prints_to_stderr", "no_output", "stderr"},
    {"prints_at_load", "no_output", "stdout"},
    {"calls_a_service_from_a_thread", "thread_tags", "get_state"},
    {"keeps_a_thread_after_destroy", "quiet_after_destroy", "thread"},
    {"logs_after_destroy", "quiet_after_destroy", ""},
    {"keeps_a_borrowed_tensor", "borrowed_memory", "an output, lent in after_train_iter"},
    {"writes_a_read_only_view", "borrowed_memory", "wrote to an output, lent read-only"},
    {"keeps_the_args", "borrowed_memory", "args, lent in before_train_iter"},
    {"keeps_the_text_of_an_option", "borrowed_memory", "option's value, lent in create"},
    {"forgets_its_state", "state_round_trip", ""},
    {"refuses_its_own_state", "state_round_trip", "not my state"},
    {"ignores_the_read_count", "state_small_reads", ""},
    {"aborts_on_a_truncated_state", "state_truncated", "SIGABRT"},
    {"waits_for_the_rest_of_a_truncated_state", "state_truncated", "hangs in load_state", "10"},
    {"is_broken_by_a_truncated_state", "state_truncated", "SIGSEGV"},
    {"believes_a_length_in_the_state", "state_corrupted", ""},
    {"believes_an_index_in_the_state", "state_corrupted", "SIGSEGV"},
    {"aborts_on_another_version", "state_other_version", "SIGABRT"},
    {"refuses_another_version_without_text", "state_other_version", ""},
    {"ignores_a_failing_write", "state_failing_stream", "save_state"},
    {"ignores_a_failing_read", "state_failing_stream", "load_state"},
    {"loses_the_message_of_the_stream", "state_failing_stream", "my state could not be saved"},
    {"leaks_in_callback", "no_leak", ""},
    {"leaks_its_instance", "no_leak", ""},
    {"leaks_a_file_descriptor", "no_leak", ""},
    {"draws_from_the_clock", "reproducible", "group 0 lr"},
    {"draws_from_the_kernel", "reproducible", "group 0 lr"},
};

class NonconformingPlugin : public ::testing::TestWithParam<Defect> {};

TEST_P(NonconformingPlugin, FailsExactlyTheCaseOfItsDefect) {
  const Defect& defect = GetParam();
  const CheckedPlugin plugin =
      check_plugin(kFolder + "/" + defect.plugin + ".so", {"--timeout", defect.timeout_s});
  EXPECT_EQ(plugin.exit_code, 1);
  ASSERT_THAT(plugin.with_result("fail"), ElementsAre(defect.found_by)) << plugin.complaints();
  EXPECT_THAT(plugin.message_of(defect.found_by), HasSubstr(defect.words));
  for (const auto& blocked : plugin.with_result("blocked"))
    EXPECT_EQ(plugin.message_of(blocked), defect.found_by) << blocked;
}

INSTANTIATE_TEST_SUITE_P(Each, NonconformingPlugin, ::testing::ValuesIn(kDefects),
                         [](const auto& each) { return std::string(each.param.plugin); });

TEST(NonconformingPlugins, ArePlainHooksBesideTheirDefect) {
  const CheckedPlugin plugin = check_plugin(kFolder + "/conforming.so");
  EXPECT_EQ(plugin.exit_code, 0) << plugin.complaints();
  EXPECT_EQ(plugin.type, "Conforming");
  EXPECT_THAT(plugin.with_result("not_applicable"), IsEmpty());
}

TEST(NonconformingPlugins, AreAllInTheTable) {
  std::vector<std::string> known = {"conforming"};
  for (const auto& defect : kDefects) known.emplace_back(defect.plugin);
  std::sort(known.begin(), known.end());
  EXPECT_EQ(plugins_in(kFolder), known);
}

TEST(ConformanceCases, EachFindsADefectOfItsOwn) {
  std::vector<std::string> with_a_defect;
  for (const auto& defect : kDefects) with_a_defect.emplace_back(defect.found_by);
  const std::vector<std::string> cases = listed_cases();
  EXPECT_THAT(cases, Not(IsEmpty()));
  for (const auto& name : cases) EXPECT_THAT(with_a_defect, Contains(name));
  for (const auto& name : with_a_defect) EXPECT_THAT(cases, Contains(name));
}

}  // namespace
}  // namespace grapnel::test
