// The loop of README.md's "In a training loop of your own", as it stands there, made into a program.
// usage: readme_loop (in a folder with hooks.toml)
#include <grapnel/host.hpp>

#include <cstdio>

namespace {

void train() {
  // README: begin
grapnel::HostSettings settings;
settings.config = "hooks.toml";                          // [plugins] and [[custom_hooks]]
grapnel::Host host(settings);
host.load();
host.call(GRAPNEL_POINT_BEFORE_RUN);
for (auto& at = host.position(); at.iter < 1000; ++at.iter) {
  host.call(GRAPNEL_POINT_BEFORE_TRAIN_ITER);
  // the step; then host.set_outputs({{"loss", view}}) shows its loss
  host.call(GRAPNEL_POINT_AFTER_TRAIN_ITER);
  if (!host.take_requests().stops.empty()) break;
}
host.call_all(GRAPNEL_POINT_AFTER_RUN);
  // README: end
  std::printf("%lld iterations, %zu hooks\n", static_cast<long long>(host.position().iter), host.size());
}

}  // namespace

int main() {
  try {
    train();
  } catch (const grapnel::HostError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
