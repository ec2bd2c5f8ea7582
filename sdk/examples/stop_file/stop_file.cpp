// Ends the training in good order when a file appears in the work folder: `touch work_dirs/demo/STOP`. Shows
// a request to the runner: nothing is interrupted, the epoch and its validation are finished first.
#include <grapnel/hook.hpp>

#include <cstdio>
#include <fstream>
#include <string>

class StopFile : public grapnel::Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit StopFile(const grapnel::Setup& setup)
      : Hook(setup), file_(setup.text("file")), interval_(setup.integer("interval")) {
    if (file_.empty() || file_.find('/') != std::string::npos) {
      throw grapnel::Error("file is \"" + file_ + "\", expected a name without '/'");
    }
  }

  void after_train_iter(const grapnel::Point& at) override {
    if (asked_ || !every_n_train_iters(at, interval_)) return;
    const std::string path = runner().work_dir() + "/" + file_;
    if (!std::ifstream(path).good()) return;
    // Left where it is, it would end the next run too. With several ranks the first one to get here removes
    // it, and that is enough: a request of one rank holds for all.
    std::remove(path.c_str());
    asked_ = true;
    log().info("iteration " + std::to_string(at.iter + 1) + ": found " + path + ", asking for the end");
    runner().request_stop("the file " + file_ + " appeared in the work folder");
  }

 private:
  std::string file_;
  int64_t interval_;
  bool asked_ = false;
};

GRAPNEL_HOOK(StopFile, "1.0.0", "Ends the training when a file appears in the work folder",
             grapnel::string_option("file", "\"STOP\"", "the file's name"),
             grapnel::int_option("interval", "10", "train iterations between two looks", 1));
