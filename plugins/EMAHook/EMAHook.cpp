// Keeps a running average of the weights, evaluates on it and stores it in checkpoints. Semantics: MMEngine
// 0.10's EMAHook, with its ExponentialMovingAverage and MMDetection's ExpMomentumEMA, which is YOLOX's ramp.
#include <grapnel/hook.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "averaged_tensor.hpp"

namespace grapnel {

class EMAHook : public Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit EMAHook(const Setup& setup)
      : Hook(setup),
        has_ramp_(setup.text("ema_type") == "ExpMomentumEMA"),
        momentum_(setup.number("momentum")),
        gamma_(static_cast<double>(setup.integer("gamma"))),
        interval_(setup.integer("interval")),
        update_buffers_(setup.boolean("update_buffers")),
        strict_load_(setup.boolean("strict_load")),
        begin_iter_(setup.integer("begin_iter")),
        begin_epoch_(setup.integer("begin_epoch")) {
    if (!(momentum_ > 0 && momentum_ < 1)) throw Error("momentum must be above 0 and below 1");
    if (begin_iter_ > 0 && begin_epoch_ > 0) throw Error("begin_iter and begin_epoch cannot both be set");
    if (momentum_ > 0.5) {
      log().warning("momentum = " + setup_number(momentum_) +
                    " is the new weights' share of the average, usually a small number");
    }
  }

  void before_train(const Point& at) override {
    if (begin_epoch_ > at.max_epochs) {
      throw Error("begin_epoch = " + std::to_string(begin_epoch_) + " lies behind the last epoch " +
                  std::to_string(at.max_epochs));
    }
    if (begin_iter_ > at.max_iters) {
      throw Error("begin_iter = " + std::to_string(begin_iter_) + " lies behind the last iteration " +
                  std::to_string(at.max_iters));
    }
    // A resume brought the averages already.
    if (averages_.empty()) start_averages();
  }

  void after_train_iter(const Point& at) override {
    const bool has_begun = begin_epoch_ > 0 ? at.epoch + 1 >= begin_epoch_ : at.iter + 1 >= begin_iter_;
    if (!has_begun) {
      for (size_t i = 0; i < averages_.size(); ++i) averages_[i].copy_from(view_of(i));
      return;
    }
    if (steps_ % interval_ == 0) {
      const double share = momentum_at(steps_ + 1);
      for (size_t i = 0; i < averages_.size(); ++i) averages_[i].update(view_of(i), share);
    }
    ++steps_;
  }

  void before_val_epoch(const Point&) override { show_averages(true); }
  void after_val_epoch(const Point&) override { show_averages(false); }
  void before_test_epoch(const Point&) override { show_averages(true); }
  void after_test_epoch(const Point&) override { show_averages(false); }
  void on_exception(const Point&) override { show_averages(false); }
  void on_interrupt(const Point&) override { show_averages(false); }
  void after_run(const Point&) override { show_averages(false); }

  void before_save_checkpoint(const Point&) override {
    shown_for_save_ = !shows_averages_;
    show_averages(true);
  }
  void after_save_checkpoint(const Point&) override {
    if (shown_for_save_) show_averages(false);
    shown_for_save_ = false;
  }

  // The counter and whichever of averages and training weights the model doesn't hold now. A file written
  // between before_ and after_save_checkpoint has the averages as its weights; one that a signal makes out of
  // the state before a validation has the training weights.
  void save_state(StateWriter& out) override {
    out.integer(steps_);
    out.integer(shows_averages_ ? 1 : 0);
    out.integer(static_cast<int64_t>(averages_.size()));
    for (auto& average : averages_) out.text(average.name());
    for (auto& average : averages_) out.tensor(average.name(), average.contiguous());
  }

  // The model holds the checkpoint's weights: afterwards it holds the training weights, and the averages are
  // here.
  void load_state(StateReader& in) override {
    steps_ = in.integer();
    const bool model_has_averages = in.integer() != 0;
    const int64_t count = in.integer();
    if (steps_ < 0 || count < 0) throw Error("the saved state of the averages is damaged");
    std::vector<std::string> saved;
    for (int64_t i = 0; i < count; ++i) saved.push_back(in.text());
    shows_averages_ = false;
    start_averages();
    size_t found = 0;
    for (size_t i = 0; i < averages_.size(); ++i) {
      const std::string& name = averages_[i].name();
      bool is_saved = false;
      for (const auto& candidate : saved) is_saved = is_saved || candidate == name;
      if (is_saved) {
        ++found;
        restore(i, in.tensor(name), model_has_averages);
      } else if (strict_load_) {
        throw Error("the checkpoint keeps no average of '" + name + "'");
      }
    }
    if (strict_load_ && found != saved.size()) {
      throw Error("the checkpoint keeps averages of " + std::to_string(saved.size()) +
                  " tensors, the model has " + std::to_string(found) + " of them");
    }
  }

 private:
  struct Place {
    int32_t kind;  // GRAPNEL_MODEL_
    uint64_t index;
  };

  static std::string setup_number(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
  }

  // The new weights' share of the average at update t = 1, 2, ...
  double momentum_at(int64_t t) const {
    // ExpMomentumEMA: 1 - d(t) with YOLOX's d(t) = decay (1 - exp(-t / gamma)), decay = 1 - momentum.
    if (has_ramp_) return momentum_ + (1 - momentum_) * std::exp(-static_cast<double>(t) / gamma_);
    // MMEngine: the first update takes the weights as they are.
    return t == 1 ? 1.0 : momentum_;
  }

  grapnel_tensor view_of(size_t i) const { return model().get(places_[i].kind, places_[i].index).tensor; }

  void start_averages() {
    averages_.clear();
    places_.clear();
    add_entries(GRAPNEL_MODEL_PARAMETERS);
    // Buffers that are not averaged are always the model's own: nothing to keep.
    if (update_buffers_) add_entries(GRAPNEL_MODEL_BUFFERS);
  }
  void add_entries(int32_t kind) {
    const uint64_t count = model().count(kind);
    for (uint64_t i = 0; i < count; ++i) {
      const grapnel_model_entry entry = model().get(kind, i);
      if (!ema::is_floating(entry.tensor)) continue;
      places_.push_back({kind, i});
      averages_.emplace_back(entry.name, entry.tensor);
    }
  }

  void restore(size_t i, const grapnel_tensor& saved, bool is_training_weights) {
    const grapnel_tensor target = view_of(i);
    bool same =
        saved.ndim == target.ndim && std::memcmp(&saved.dtype, &target.dtype, sizeof saved.dtype) == 0;
    for (int32_t d = 0; same && d < saved.ndim; ++d) same = saved.shape[d] == target.shape[d];
    if (!same) {
      throw Error("the checkpoint's '" + averages_[i].name() +
                  "' has another shape or type than the model's");
    }
    averages_[i].copy_from(saved);
    // What was saved are the training weights, what the model shows the averages.
    if (is_training_weights) averages_[i].swap_with(target);
  }

  void show_averages(bool on) {
    if (on == shows_averages_) return;
    for (size_t i = 0; i < averages_.size(); ++i) averages_[i].swap_with(view_of(i));
    shows_averages_ = on;
  }

  bool has_ramp_;
  double momentum_;
  double gamma_;
  int64_t interval_;
  bool update_buffers_;
  bool strict_load_;
  int64_t begin_iter_;
  int64_t begin_epoch_;

  std::vector<ema::AveragedTensor> averages_;  // empty outside training: then the model is all there is
  std::vector<Place> places_;                  // of each average in the model
  int64_t steps_ = 0;                          // iterations since averaging began
  bool shows_averages_ = false;                // the model holds the averages, averages_ the training weights
  bool shown_for_save_ = false;
};

static constexpr const char* kTypes[] = {"ExponentialMovingAverage", "ExpMomentumEMA"};

GRAPNEL_HOOK(EMAHook, "1.0.0", "Averages the weights over time, evaluates on and saves the average",
             choice_option("ema_type", "\"ExponentialMovingAverage\"", "how the share of new weights runs",
                           kTypes),
             float_option("momentum", "0.0002", "final share of the new weights, above 0 and below 1", 0, 1),
             int_option("gamma", "2000", "ExpMomentumEMA: iterations of the ramp", 1),
             int_option("interval", "1", "iterations between two updates", 1),
             bool_option("update_buffers", "false", "average the buffers too (norm statistics)"),
             bool_option("strict_load", "false", "a resume must find exactly the model's tensors"),
             int_option("begin_iter", "0", "iteration at which averaging begins", 0),
             int_option("begin_epoch", "0", "epoch at which averaging begins", 0));

}  // namespace grapnel
