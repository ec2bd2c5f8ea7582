// grapnel-probe FILE.so: loads one plugin, looks at its descriptor and says in one line how that went. The
// host runs it with a time limit before it loads the file itself, so that a plugin which crashes, throws or
// hangs while it is loaded costs a message and not the training run.
//
// The line goes to file descriptor 3 ("ok" or "fail REASON"): a plugin's initialisers may write to the
// others.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "core/descriptor_check.hpp"

namespace {

constexpr int kResultFd = 3;

[[noreturn]] void finish(const std::string& text, int code) {
  std::string line = text;
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  line += '\n';
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t wrote = ::write(kResultFd, line.data() + done, line.size() - done);
    if (wrote <= 0) break;
    done += static_cast<size_t>(wrote);
  }
  ::_exit(code);  // no destructors of the plugin's: they are not what is probed
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

// An exception cannot leave dlopen: the C++ library ends the process through here instead.
void on_terminate() {
  if (std::current_exception())
    finish("fail it threw while it was loaded: " + text_of_current_exception(), 1);
  finish("fail it called std::terminate while it was loaded", 1);
}

}  // namespace

int main(int argc, char** argv) {
  // Started by hand there is no descriptor 3: then the line goes to stdout.
  if (::fcntl(kResultFd, F_GETFD) < 0) ::dup2(STDOUT_FILENO, kResultFd);
  if (argc != 2) {
    std::fputs("usage: grapnel-probe FILE.so\n", stderr);
    return 2;
  }
  const rlimit no_core_dump{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core_dump);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::set_terminate(on_terminate);
  try {
    // A bare name would be searched for in the system's folders.
    char path[PATH_MAX];
    void* library = ::dlopen(::realpath(argv[1], path) ? path : argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) finish(std::string("fail ") + ::dlerror(), 1);
    const auto* plugin = static_cast<const grapnel_plugin*>(::dlsym(library, GRAPNEL_ENTRY_SYMBOL));
    if (plugin == nullptr) finish("fail it does not export " GRAPNEL_ENTRY_SYMBOL, 1);
    const std::string problem = grapnel::check_descriptor(*plugin);
    if (!problem.empty()) finish("fail " + problem, 1);
  } catch (...) {
    finish("fail it threw while it was loaded: " + text_of_current_exception(), 1);
  }
  finish("ok", 0);
}
