// Sends the process a signal at a known place, so that a test can interrupt a run at an exact iteration.
#include <grapnel/hook.hpp>

#include <csignal>

namespace grapnel {

class SignalHook : public Hook {
 public:
  explicit SignalHook(const Setup& setup)
      : Hook(setup), point_(setup.text("point")), at_(setup.integer("at")),
        signal_(setup.text("signal") == "SIGTERM" ? SIGTERM : SIGINT) {}

  void before_train(const Point&) override { send_if("before_train", 0); }
  void after_train_iter(const Point& at) override { send_if("after_train_iter", at.iter); }
  void after_val_iter(const Point& at) override { send_if("after_val_iter", at.batch_idx); }

 private:
  void send_if(const char* point, int64_t number) const {
    if (point_ == point && number == at_) std::raise(signal_);
  }
  std::string point_;
  int64_t at_;
  int signal_;
};

static constexpr const char* kPoints[] = {"before_train", "after_train_iter", "after_val_iter"};
static constexpr const char* kSignals[] = {"SIGINT", "SIGTERM"};

GRAPNEL_HOOK(SignalHook, "1.0.0", "Sends a signal at a point",
             choice_option("point", nullptr, "where", kPoints),
             int_option("at", "0", "iteration of the run, or batch of the validation", 0),
             choice_option("signal", "\"SIGINT\"", "which", kSignals));

}  // namespace grapnel
