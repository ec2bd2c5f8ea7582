// YOLOX's learning rate (Megvii's `yoloxwarmcos`): quadratic warm-up, cosine, and a constant last part.
//
// The rate is computed from the iteration and the length of the run, never from the rate before it, so it is
// right after any resume. With i the iteration to come, counted from 1, and T, W, L the iterations of run,
// warm-up and last part:
//   i <= W          base * warmup_ratio * (i / W)^2
//   i >= T - L      base * min_lr_ratio
//   else            base * (m + (1 - m) / 2 * (1 + cos(pi * (i - W) / (T - W - L)))),  m = min_lr_ratio
#include <algorithm>
#include <cmath>
#include <string>

#include <grapnel/hook.hpp>

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr const char* kWarmups[] = {"exp"};

class YOLOXLrUpdaterHook : public grapnel::Hook {
 public:
  // First of all, so that every other hook of before_train_iter sees this iteration's rate.
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_HIGHEST;

  explicit YOLOXLrUpdaterHook(const grapnel::Setup& setup)
      : Hook(setup),
        warmup_ratio_(setup.number("warmup_ratio")),
        warmup_iters_(setup.integer("warmup_iters")),
        warmup_by_epoch_(setup.boolean("warmup_by_epoch")),
        by_epoch_(setup.boolean("by_epoch")),
        num_last_epochs_(setup.integer("num_last_epochs")),
        min_lr_ratio_(setup.number("min_lr_ratio")) {}

  void before_train(const grapnel::Point& at) override {
    epoch_length_ = runner().state().train_epoch_length;
    if (epoch_length_ <= 0)
      throw grapnel::Error("the train loop has no epoch length, which the schedule counts in");
    if (by_epoch_ && !at.by_epoch) {
      throw grapnel::Error("by_epoch: got true in a run that counts iterations, expected false");
    }
    const int64_t warmup = warmup_length();
    const int64_t last = num_last_epochs_ * epoch_length_;
    if (warmup + last >= at.max_iters) {
      log().warning("warm-up (" + std::to_string(warmup) + " iterations) and last part (" +
                    std::to_string(last) + ") leave no room for the cosine in a run of " +
                    std::to_string(at.max_iters) + " iterations");
    } else {
      log().info("learning rate: warm-up to iteration " + std::to_string(warmup) +
                 ", cosine, constant from iteration " + std::to_string(at.max_iters - last) + " of " +
                 std::to_string(at.max_iters));
    }
  }

  void before_train_iter(const grapnel::Point& at) override {
    const double factor = factor_at(at);
    const uint64_t groups = optimizer().group_count();
    for (uint64_t g = 0; g < groups; ++g) optimizer().set_lr(g, optimizer().group(g).initial_lr * factor);
  }

 private:
  // In iterations.
  int64_t warmup_length() const { return warmup_by_epoch_ ? warmup_iters_ * epoch_length_ : warmup_iters_; }

  double factor_at(const grapnel::Point& at) const {
    const double warmup = static_cast<double>(warmup_length());
    const double iter = static_cast<double>(at.iter + 1);
    if (iter <= warmup) return warmup_ratio_ * (iter / warmup) * (iter / warmup);
    if (by_epoch_) {
      return cosine(static_cast<double>(at.epoch + 1), static_cast<double>(at.max_epochs),
                    warmup / static_cast<double>(epoch_length_), static_cast<double>(num_last_epochs_));
    }
    return cosine(iter, static_cast<double>(at.max_iters), warmup,
                  static_cast<double>(num_last_epochs_ * epoch_length_));
  }

  double cosine(double now, double end, double warmup, double last) const {
    if (now >= end - last) return min_lr_ratio_;
    // Below 0 only when epochs are counted and the warm-up ends within one.
    const double progress = std::max(0.0, (now - warmup) / (end - warmup - last));
    return min_lr_ratio_ + 0.5 * (1.0 - min_lr_ratio_) * (1.0 + std::cos(kPi * progress));
  }

  double warmup_ratio_;
  int64_t warmup_iters_;
  bool warmup_by_epoch_;
  bool by_epoch_;
  int64_t num_last_epochs_;
  double min_lr_ratio_;
  int64_t epoch_length_ = 0;
};

}  // namespace

GRAPNEL_HOOK(
    YOLOXLrUpdaterHook, "1.0.0", "YOLOX's learning rate: quadratic warm-up, cosine, constant last part",
    grapnel::choice_option("warmup", "\"exp\"", "shape of the warm-up, as MMDetection names it: quadratic",
                           kWarmups),
    grapnel::float_option("warmup_ratio", "1.0", "factor of the rate that the warm-up ends at", 0),
    grapnel::int_option("warmup_iters", "5", "length of the warm-up; 0: none", 0),
    grapnel::bool_option("warmup_by_epoch", "true", "true: warmup_iters counts epochs"),
    grapnel::bool_option("by_epoch", "false", "true: the cosine moves once an epoch, false: every iteration"),
    grapnel::int_option("num_last_epochs", "15", "epochs at the end with a constant rate", 0),
    grapnel::float_option("min_lr_ratio", "0.05", "the constant rate, as a factor of the base rate", 0));
