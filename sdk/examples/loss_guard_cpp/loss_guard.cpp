// Skips an optimiser step whose loss is not finite or too large, so that one bad batch cannot spoil the
// weights. The same hook as loss_guard_c and loss_guard_rust: compare them.
#include <grapnel/hook.hpp>

#include <cmath>
#include <string>

class LossGuardCpp : public grapnel::Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit LossGuardCpp(const grapnel::Setup& setup)
      : Hook(setup), max_loss_(setup.number("max_loss")), patience_(setup.integer("patience")) {}

  // The gradients are there and the weights are not yet changed: the last chance to say no.
  void before_optimizer_step(const grapnel::Point& at) override {
    const double loss = values().number(GRAPNEL_VALUES_OUTPUTS, "loss");
    const bool skip = !(loss <= max_loss_);  // a NaN compares false
    message_hub().update_scalar("train/skipped_step", skip ? 1 : 0);
    if (!skip) {
      skipped_in_a_row_ = 0;
      return;
    }
    const std::string reason = std::isfinite(loss) ? "the loss " + std::to_string(loss) +
                                                         " is above max_loss " + std::to_string(max_loss_)
                                                   : "the loss is not finite";
    log().warning("iteration " + std::to_string(at.iter + 1) + " skipped: " + reason);
    runner().request_skip_step(reason);
    ++skipped_in_a_row_;
    if (patience_ > 0 && skipped_in_a_row_ >= patience_) {
      throw grapnel::Error(std::to_string(skipped_in_a_row_) + " steps in a row were skipped: " + reason);
    }
  }

 private:
  double max_loss_;
  int64_t patience_;
  int64_t skipped_in_a_row_ = 0;  // a resume counts anew
};

GRAPNEL_HOOK(LossGuardCpp, "1.0.0", "Skips steps whose loss is not finite or above a limit",
             grapnel::float_option("max_loss", "100.0", "loss above which a step is skipped", 0),
             grapnel::int_option("patience", "0", "skipped steps in a row that end the run; 0: never", 0));
