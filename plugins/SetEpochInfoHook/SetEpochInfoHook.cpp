// Tells model, sampler and dataset which epoch begins, and how many there will be.
#include <string>

#include <grapnel/hook.hpp>

namespace {

class SetEpochInfoHook : public grapnel::Hook {
 public:
  explicit SetEpochInfoHook(const grapnel::Setup& setup) : Hook(setup) {}

  void before_train_epoch(const grapnel::Point& at) override {
    model().set_epoch(at.epoch, at.max_epochs);
    data().set_epoch(GRAPNEL_MODE_TRAIN, at.epoch, at.max_epochs);
    log().info("model, sampler and dataset know: epoch " + std::to_string(at.epoch + 1) + " of " +
               std::to_string(at.max_epochs));
  }
};

}  // namespace

GRAPNEL_HOOK(SetEpochInfoHook, "1.0.0", "Tells model, sampler and dataset which epoch begins");
