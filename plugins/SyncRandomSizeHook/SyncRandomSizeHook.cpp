// Draws a new size for the training images now and then, the same on every rank: YOLOX's multi-scale
// training.
//
// The n-th draw depends on (seed, n) alone. So a run that is resumed finds the size it had by counting the
// draws of before, and nothing has to be saved.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <grapnel/hook.hpp>

namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
// 2014).
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

class SyncRandomSizeHook : public grapnel::Hook {
 public:
  explicit SyncRandomSizeHook(const grapnel::Setup& setup)
      : Hook(setup),
        ratio_range_(setup.integers("ratio_range")),
        img_scale_(setup.integers("img_scale")),
        interval_(setup.integer("interval")),
        by_epoch_(setup.boolean("by_epoch")) {
    if (ratio_range_[0] > ratio_range_[1]) {
      throw grapnel::Error("ratio_range: got [" + std::to_string(ratio_range_[0]) + ", " +
                               std::to_string(ratio_range_[1]) + "], expected the smaller number first",
                           GRAPNEL_STATUS_INVALID_ARGUMENT);
    }
  }

  // A run that goes on takes up the size of its last draw.
  void before_train(const grapnel::Point& at) override {
    const int64_t draws = (by_epoch_ ? at.epoch : at.iter) / interval_;
    if (draws > 0) apply_draw(draws);
  }

  void after_train_epoch(const grapnel::Point& at) override {
    if (by_epoch_ && every_n_epochs(at, interval_)) apply_draw((at.epoch + 1) / interval_);
  }

  void after_train_iter(const grapnel::Point& at) override {
    if (!by_epoch_ && every_n_train_iters(at, interval_)) apply_draw((at.iter + 1) / interval_);
  }

 private:
  // The `number`-th draw of the run, counted from 1. Rank 0 draws, the others follow.
  void apply_draw(int64_t number) {
    std::vector<int64_t> height_width{0, 0};
    if (collectives().rank() == 0) {
      const uint64_t random = mix(runner().state().seed ^ mix(static_cast<uint64_t>(number)));
      // The range is tiny against 2^64: the modulo's bias is below 2^-50.
      const auto choices = static_cast<uint64_t>(ratio_range_[1] - ratio_range_[0] + 1);
      const int64_t factor = ratio_range_[0] + static_cast<int64_t>(random % choices);
      height_width = {32 * factor, 32 * std::max<int64_t>(1, factor * img_scale_[1] / img_scale_[0])};
    }
    collectives().broadcast(height_width, 0);
    data().set_image_size(height_width[0], height_width[1]);
    const std::string text = "training images are now " + std::to_string(height_width[0]) + " x " +
                             std::to_string(height_width[1]) + " px (height x width)";
    if (by_epoch_)
      log().info(text);
    else
      log().debug(text);
  }

  std::vector<int64_t> ratio_range_;
  std::vector<int64_t> img_scale_;  // {height, width}
  int64_t interval_;
  bool by_epoch_;
};

}  // namespace

GRAPNEL_HOOK(SyncRandomSizeHook, "1.0.0",
             "Changes the size of the training images at random, alike on all ranks",
             grapnel::int_list_option("ratio_range", "[14, 26]",
                                      "smallest and largest height, in multiples of 32 px", 2, 2, 1, 1024),
             grapnel::int_list_option("img_scale", "[640, 640]",
                                      "height and width whose aspect the sizes keep", 2, 2, 1, 32768),
             grapnel::int_option("interval", "1", "epochs (or iterations) between two draws", 1),
             grapnel::bool_option("by_epoch", "true", "true: count epochs; false: count train iterations"));
