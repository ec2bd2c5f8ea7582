// Times every iteration and the wait for its data, and estimates when the loop will be done. Semantics:
// MMEngine 0.10's IterTimerHook; the estimate counts this start's iterations only, so a resume does not
// falsify it.
#include <grapnel/hook.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace grapnel {

class IterTimerHook : public Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit IterTimerHook(const Setup& setup) : Hook(setup) {}

  void before_train(const Point& at) override {
    start_iter_ = at.iter;
    train_seconds_ = 0;
    since_ = Clock::now();
  }

  void before_train_epoch(const Point&) override { since_ = Clock::now(); }
  void before_val_epoch(const Point&) override { begin_evaluation(); }
  void before_test_epoch(const Point&) override { begin_evaluation(); }
  // Evaluating is no waiting for data: without this an IterBased loop would count it as such.
  void after_val(const Point&) override { since_ = Clock::now(); }

  void before_train_iter(const Point&) override { message_hub().update_scalar("train/data_time", elapsed()); }
  void before_val_iter(const Point&) override { message_hub().update_scalar("val/data_time", elapsed()); }
  void before_test_iter(const Point&) override { message_hub().update_scalar("test/data_time", elapsed()); }

  void after_train_iter(const Point& at) override {
    train_seconds_ += lap("train/time");
    set_eta(train_seconds_ / static_cast<double>(at.iter - start_iter_ + 1), at.max_iters - at.iter - 1);
  }
  void after_val_iter(const Point& at) override { after_evaluation_iter(at, "val/time"); }
  void after_test_iter(const Point& at) override { after_evaluation_iter(at, "test/time"); }

 private:
  using Clock = std::chrono::steady_clock;

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - since_).count(); }
  double lap(const char* key) {
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - since_).count();
    since_ = now;
    message_hub().update_scalar(key, seconds);
    return seconds;
  }
  void begin_evaluation() {
    evaluation_seconds_ = 0;
    since_ = Clock::now();
  }
  void after_evaluation_iter(const Point& at, const char* key) {
    evaluation_seconds_ += lap(key);
    set_eta(evaluation_seconds_ / static_cast<double>(at.batch_idx + 1), at.epoch_length - at.batch_idx - 1);
  }
  void set_eta(double seconds_each, int64_t left) const {
    const double seconds = seconds_each * static_cast<double>(std::max<int64_t>(left, 0));
    message_hub().set_text("eta", std::to_string(seconds));
  }

  Clock::time_point since_ = Clock::now();
  int64_t start_iter_ = 0;
  double train_seconds_ = 0;
  double evaluation_seconds_ = 0;
};

GRAPNEL_HOOK(IterTimerHook, "1.0.0", "Times iterations and data loading, and estimates the time left");

}  // namespace grapnel
