// Ends the run when a loss is no longer finite, and keeps bad weights out of every checkpoint.
//
// Losses are read at every n-th iteration only: reading one waits for the device. Whatever goes bad in
// between is caught before a checkpoint is written, which is vetoed, so the last good file stays the last.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <grapnel/elements.hpp>
#include <grapnel/hook.hpp>

namespace {

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

void append(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

class CheckInvalidLossHook : public grapnel::Hook {
 public:
  explicit CheckInvalidLossHook(const grapnel::Setup& setup)
      : Hook(setup), interval_(setup.integer("interval")) {}

  void after_train_iter(const grapnel::Point& at) override {
    iterations_ = at.iter + 1;
    fail_if_a_checkpoint_was_vetoed();
    if (!every_n_train_iters(at, interval_)) return;
    ++checks_;
    const std::string verdict = shared_verdict(invalid_losses());
    if (verdict.empty()) return;
    throw grapnel::Error(verdict + " at iteration " + std::to_string(at.iter + 1) + ", epoch " +
                         std::to_string(at.epoch + 1) +
                         ": expected a finite loss (lower the learning rate, or look at the data)");
  }

  void before_save_checkpoint(const grapnel::Point& at) override {
    std::string found = invalid_losses();
    const std::string tensors = invalid_tensors();
    if (!tensors.empty()) append(found, tensors);
    const std::string verdict = shared_verdict(found);
    if (verdict.empty()) return;
    const std::string when = iterations_ > 0 ? " after iteration " + std::to_string(iterations_) : "";
    runner().veto_checkpoint(verdict + when);
    pending_failure_ = verdict + when + ": the checkpoint " +
                       (at.checkpoint_path != nullptr ? at.checkpoint_path : "") +
                       " was not written, the one before it stays";
  }

  // The veto leaves the run going: it ends at the first of these that comes.
  void after_save_checkpoint(const grapnel::Point&) override { fail_if_a_checkpoint_was_vetoed(); }
  void before_train_epoch(const grapnel::Point&) override { fail_if_a_checkpoint_was_vetoed(); }
  void before_val_epoch(const grapnel::Point&) override { fail_if_a_checkpoint_was_vetoed(); }
  void after_train(const grapnel::Point&) override {
    fail_if_a_checkpoint_was_vetoed();
    log().info("every loss was finite at " + std::to_string(checks_) + " checks, one each " +
               std::to_string(interval_) + " iterations");
  }
  void after_run(const grapnel::Point&) override { fail_if_a_checkpoint_was_vetoed(); }

 private:
  void fail_if_a_checkpoint_was_vetoed() {
    if (pending_failure_.empty()) return;
    const std::string text = std::exchange(pending_failure_, std::string());
    throw grapnel::Error(text);
  }

  // "loss_cls is nan, loss is nan": the parts first, the total last; empty when all are finite.
  std::string invalid_losses() const {
    std::string parts, total;
    const uint64_t count = values().count(GRAPNEL_VALUES_OUTPUTS);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string name = values().get(GRAPNEL_VALUES_OUTPUTS, i).name;
      const double loss = values().number(GRAPNEL_VALUES_OUTPUTS, name.c_str());
      if (!std::isfinite(loss)) append(i == 0 ? total : parts, name + " is " + number_text(loss));
    }
    if (!total.empty()) append(parts, total);
    return parts;
  }

  // "parameter head.conv.weight holds 3 values that are not finite (and 12 more tensors)"
  std::string invalid_tensors() const {
    std::string first;
    int64_t others = 0;
    for (const int32_t kind : {GRAPNEL_MODEL_PARAMETERS, GRAPNEL_MODEL_BUFFERS}) {
      for (uint64_t i = 0; i < model().count(kind); ++i) {
        const grapnel_model_entry entry = model().get(kind, i);
        int64_t bad = 0;
        grapnel::for_each_element(entry.tensor, [&bad](const auto& value) {
          bad += std::isfinite(static_cast<double>(value)) ? 0 : 1;
        });
        if (bad == 0) continue;
        if (!first.empty()) {
          ++others;
          continue;
        }
        first = std::string(kind == GRAPNEL_MODEL_PARAMETERS ? "parameter " : "buffer ") + entry.name +
                " holds " + std::to_string(bad) + " values that are not finite";
      }
    }
    return others > 0 ? first + " (and " + std::to_string(others) + " more tensors)" : first;
  }

  // All ranks come to one answer, so that none goes on alone and waits for the others for ever.
  std::string shared_verdict(const std::string& mine) const {
    const int64_t world_size = collectives().world_size();
    if (world_size < 2) return mine;
    const int64_t rank = collectives().rank();
    std::vector<int64_t> first_bad_rank{mine.empty() ? world_size : rank};
    collectives().all_reduce(first_bad_rank, GRAPNEL_REDUCE_MIN);
    if (first_bad_rank[0] == world_size) return "";
    if (!mine.empty()) return mine + " on rank " + std::to_string(rank);
    return "a value that is not finite on rank " + std::to_string(first_bad_rank[0]) + " (this is rank " +
           std::to_string(rank) + ")";
  }

  int64_t interval_;
  int64_t iterations_ = 0;  // finished when after_train_iter was last called
  int64_t checks_ = 0;
  std::string pending_failure_;
};

}  // namespace

GRAPNEL_HOOK(CheckInvalidLossHook, "1.0.0", "Ends the run when a loss is not finite; vetoes bad checkpoints",
             grapnel::int_option("interval", "50", "train iterations between two looks at the loss", 1));
