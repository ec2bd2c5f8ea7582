// Throws out of its callbacks through the C++ layer, which catches: an exception of its own, one of the
// standard library, and a number.
#include <grapnel/hook.hpp>

#include <stdexcept>
#include <string>
#include <vector>

class LayerThrower : public grapnel::Hook {
 public:
  explicit LayerThrower(const grapnel::Setup& setup) : Hook(setup) {}
  void before_run(const grapnel::Point&) override { throw std::runtime_error("thrown on purpose"); }
  void before_train(const grapnel::Point& at) override {
    log().info(std::to_string(std::vector<int>(3).at(static_cast<size_t>(at.iter))));
  }
  void before_val(const grapnel::Point&) override { throw 7; }
  void after_run(const grapnel::Point&) override { log().info("still here"); }
};
GRAPNEL_HOOK(LayerThrower, "1.0.0", "Throws in its callbacks");
