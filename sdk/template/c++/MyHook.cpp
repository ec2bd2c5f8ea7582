// MyHook logs the smoothed training loss, draws it as a curve, and keeps it over a resume.
#include <grapnel/hook.hpp>

#include <cstdint>
#include <string>

class MyHook : public grapnel::Hook {
 public:
  static constexpr const char* author = "";   // who to ask
  static constexpr const char* license = "";  // an SPDX id, such as "Apache-2.0"

  explicit MyHook(const grapnel::Setup& setup)
      : Hook(setup), interval_(setup.integer("interval")), smoothing_(setup.number("smoothing")) {}

  void after_train_iter(const grapnel::Point& at) override {
    const double loss = values().number(GRAPNEL_VALUES_OUTPUTS, "loss");
    mean_ = updates_ == 0 ? loss : smoothing_ * mean_ + (1 - smoothing_) * loss;
    ++updates_;
    if (!every_n_train_iters(at, interval_)) return;
    message_hub().update_scalar("train/MyHook_loss", mean_);
    log().info("smoothed loss " + std::to_string(mean_) + " after iteration " + std::to_string(at.iter + 1));
  }

  // The layout's number comes first, so that a later version knows what it reads.
  void save_state(grapnel::StateWriter& out) override {
    out.integer(kStateLayout);
    out.integer(updates_);
    out.number(mean_);
  }
  void load_state(grapnel::StateReader& in) override {
    const int64_t layout = in.integer(), updates = in.integer();
    const double mean = in.number();
    if (layout != kStateLayout) {
      throw grapnel::Error("version " + in.plugin_version() + " wrote a state of layout " +
                           std::to_string(layout) + ", expected " + std::to_string(kStateLayout));
    }
    if (updates < 0) {
      throw grapnel::Error("the saved state is damaged: " + std::to_string(updates) + " updates");
    }
    updates_ = updates;
    mean_ = mean;
  }

 private:
  static constexpr int64_t kStateLayout = 1;

  int64_t interval_;
  double smoothing_;
  int64_t updates_ = 0;  // losses seen
  double mean_ = 0;
};

GRAPNEL_HOOK(MyHook, "0.1.0", "Logs the smoothed training loss",
             grapnel::int_option("interval", "10", "train iterations between two lines", 1),
             grapnel::float_option("smoothing", "0.9", "weight of the past: 0 takes the last alone", 0, 1));
