// Tells the train sampler which epoch begins, so that every epoch is shuffled anew and alike on all ranks.
// Semantics: MMEngine 0.10's DistSamplerSeedHook.
#include <grapnel/hook.hpp>

namespace grapnel {

class DistSamplerSeedHook : public Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit DistSamplerSeedHook(const Setup& setup) : Hook(setup) {}

  void before_train_epoch(const Point& at) override {
    // An IterBased loop wraps around its data by itself and shows epoch 0 for ever: saying 0 to it after a
    // resume would throw the sampler back.
    if (at.by_epoch == 0) return;
    data().set_epoch(GRAPNEL_MODE_TRAIN, at.epoch, at.max_epochs);
  }
};

GRAPNEL_HOOK(DistSamplerSeedHook, "1.0.0", "Tells the train sampler which epoch begins");

}  // namespace grapnel
