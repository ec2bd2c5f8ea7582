// The case's side of the process: limits, the end of a C++ program that nobody caught, the result line.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "conformance/case_process.hpp"
#include "conformance/case_protocol.hpp"
#include "core/config_text.hpp"
#include "core/failure.hpp"

namespace grapnel::conformance {
namespace {

void write_all(const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t wrote = ::write(kResultFd, bytes, size);
    if (wrote <= 0) return;
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
}

std::string text_of_current_exception() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

// An exception cannot pass dlopen or a noexcept function: the C++ library ends the process here instead. The
// words are the last that the parent reads.
void on_terminate() {
  const std::string text = std::current_exception() ? "an exception ended it: " + text_of_current_exception()
                                                    : "it called std::terminate";
  std::fprintf(stderr, "\n%s\n", text.c_str());
  std::fflush(stderr);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

CaseResult run(const ConformanceCase& which, const CaseInput& input) {
  try {
    return which.run(input);
  } catch (const CaseEnded& ended) {
    return ended.result;
  } catch (const Failure& failure) {
    return failed(failure.what());
  } catch (const std::exception& error) {
    return failed(std::string("the case itself could not go on: ") + error.what());
  }
}

// Without the name of the case's own folder, which is another one each time.
CaseResult repeatable(CaseResult result, const std::string& scratch) {
  std::string& text = result.message;
  for (size_t at = text.find(scratch); at != std::string::npos; at = text.find(scratch, at))
    text.replace(at, scratch.size(), "FOLDER");
  return result;
}

}  // namespace

void end_case_process(Verdict verdict, const char* message) {
  const char* name = verdict_name(verdict);
  write_all(name, std::strlen(name));
  write_all(" ", 1);
  write_all(message, std::strlen(message));
  write_all("\n", 1);
  ::_exit(0);
}

bool is_case_process(int argc, char** argv) { return argc > 1 && std::strcmp(argv[1], kCaseFlag) == 0; }

void case_process_main(int argc, char** argv) {
  const ConformanceCase* which = argc == kCaseArguments ? find_case(argv[2]) : nullptr;
  if (which == nullptr) {
    std::fputs("--run-case is how this program calls itself\n", stderr);
    ::_exit(2);
  }
  const rlimit no_core_dump{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core_dump);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::set_terminate(on_terminate);

  static CallTrace trace(kTraceFd);
  trace.note_start();
  CaseInput input;
  input.seed = std::strtoull(argv[3], nullptr, 10);
  input.scratch = argv[4];
  input.torch_version = argv[5];
  input.given_values = parse_json(argv[6], Source{"the values given", 0});
  input.file = argv[7];
  input.trace = &trace;
  // What a hook writes beside its folders lands where it is removed.
  if (::chdir(input.scratch.c_str()) != 0) std::perror(input.scratch.c_str());
  const std::string line = result_line(repeatable(run(*which, input), input.scratch));
  write_all(line.data(), line.size());
  ::_exit(0);  // no destructors of the plugin's: they are not what is tried
}

}  // namespace grapnel::conformance
