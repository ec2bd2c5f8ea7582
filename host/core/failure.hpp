// The one exception type of the host. Whatever cannot go on says what is wrong, where, what was found
// and what was expected; `main` catches it once, prints it as one message and exits with its code.
#pragma once

#include <exception>
#include <string>

namespace grapnel {

// What a failure does to the process: the exit codes of the command line.
enum class FailureKind : int {
  kRun = 1,     // the run failed: a hook, the task, the data or the disk said so
  kConfig = 2,  // usage, config or plugin: found before training starts
};

class Failure : public std::exception {
 public:
  struct Parts {
    std::string what;      // "unknown option", "cannot read the annotation file"
    std::string where;     // "demo.toml:12, custom_hooks.0.intervall"; a path; may be empty
    std::string got;       // may be empty
    std::string expected;  // may be empty
    std::string hint;      // what to do; may be empty
  };

  Failure(FailureKind kind, Parts parts);

  FailureKind kind() const noexcept { return kind_; }
  const Parts& parts() const noexcept { return parts_; }
  // "what: where: got X, expected Y (hint)" on one line.
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  FailureKind kind_;
  Parts parts_;
  std::string message_;
};

}  // namespace grapnel
