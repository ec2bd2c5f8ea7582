// A training loop of one's own with one of the shipped hooks: the loss goes wrong at the fourth iteration,
// and CheckInvalidLossHook ends the loop there.
#include <grapnel/host.hpp>

#include <cmath>
#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: own_loop CONFIG\n");
    return 2;
  }
  grapnel::HostSettings settings;
  settings.plugin_folders = {PLUGIN_DIR};
  settings.config = argv[1];
  grapnel::Host host(settings);
  host.position().max_iters = 10;
  host.load();
  if (host.size() != 1) {
    std::fprintf(stderr, "%zu hooks are loaded, expected 1\n", host.size());
    return 1;
  }
  float loss = 0;
  int64_t shape[] = {1}, strides[] = {1};
  grapnel_tensor view{};
  view.data = &loss;
  view.device.type = GRAPNEL_DEVICE_CPU;
  view.ndim = 1;
  view.dtype.code = GRAPNEL_DTYPE_FLOAT;
  view.dtype.bits = 32;
  view.dtype.lanes = 1;
  view.shape = shape;
  view.strides = strides;
  host.set_outputs({{"loss", view}});
  host.call(GRAPNEL_POINT_BEFORE_RUN);
  for (int64_t iter = 0; iter < 10; ++iter) {
    host.position().iter = host.position().batch_idx = iter;
    loss = iter < 3 ? 1.0f : NAN;
    try {
      host.call(GRAPNEL_POINT_AFTER_TRAIN_ITER);
    } catch (const grapnel::HostError& error) {
      std::printf("ended at iteration %d: %s\n", static_cast<int>(iter + 1), error.what());
      const std::string text = error.what();
      const bool right = iter == 3 && text.find("CheckInvalidLossHook") != std::string::npos;
      return right && !error.is_config() ? 0 : 1;
    }
  }
  std::fprintf(stderr, "the hook let an invalid loss pass\n");
  return 1;
}
