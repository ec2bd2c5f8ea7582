// What a dispatch costs: nanoseconds for 0, 1, 8 and 64 subscribed hooks, timed and untimed, beside a bare
// call through a function pointer in the same run. The hooks are instances of a real plugin, loaded as any.
//
//   dispatch_bench [google-benchmark's options]
//   dispatch_bench --repeat bare|untimed|timed HOOKS COUNT     for callgrind: COUNT dispatches, nothing else
#include <benchmark/benchmark.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/config_text.hpp"
#include "core/hook_config.hpp"
#include "core/hook_host.hpp"
#include "core/plugin_loader.hpp"

namespace {

using grapnel::HookHost;

grapnel_point_args at_train_iter() {
  grapnel_point_args args{};
  args.struct_size = sizeof args;
  args.point = GRAPNEL_POINT_BEFORE_TRAIN_ITER;
  args.mode = GRAPNEL_MODE_TRAIN;
  return args;
}

const grapnel::PluginCatalog& catalog() {
  static const auto scanned = grapnel::PluginCatalog::scan({GRAPNEL_BENCH_PLUGINS});
  return scanned;
}

std::unique_ptr<HookHost> host_with(int64_t hooks, bool times_calls) {
  std::string toml = "[default_hooks]\n";
  for (const char* name : {"runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint"}) {
    toml += std::string(name) + " = false\n";
  }
  for (int64_t i = 0; i < hooks; ++i) toml += "[[custom_hooks]]\ntype = \"CountingHook\"\n";
  auto host = std::make_unique<HookHost>(grapnel::ServiceTable{}, nullptr, times_calls);
  host->load(catalog(), grapnel::read_hook_configs(grapnel::parse_toml(toml, "bench.toml")));
  return host;
}

// The plugin's own function and its instance, as a caller without a host would hold them.
struct BareCall {
  grapnel_point_fn function = nullptr;
  void* self = nullptr;
};

BareCall bare_call() {
  const auto* plugin = grapnel::load_plugins({{catalog().find("CountingHook"), "", "bench"}}).front();
  BareCall call;
  grapnel_error error{sizeof(grapnel_error), 0, nullptr, 0};
  plugin->vtable.create(nullptr, nullptr, 0, sizeof(grapnel_value), &call.self, &error);
  call.function = plugin->vtable.before_train_iter;
  return call;
}

void call_bare(const BareCall& call, const grapnel_point_args& args, grapnel_error& error) {
  benchmark::DoNotOptimize(call.function(call.self, &args, &error));
}

void bare(benchmark::State& state) {
  BareCall call = bare_call();
  const auto args = at_train_iter();
  grapnel_error error{sizeof(grapnel_error), 0, nullptr, 0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(call);
    call_bare(call, args, error);
  }
}

void dispatch(benchmark::State& state, bool times_calls) {
  const auto host = host_with(state.range(0), times_calls);
  const auto args = at_train_iter();
  for (auto _ : state) {
    benchmark::DoNotOptimize(host.get());
    host->dispatch(args);
    benchmark::ClobberMemory();
  }
}
void untimed(benchmark::State& state) { dispatch(state, false); }
void timed(benchmark::State& state) { dispatch(state, true); }

BENCHMARK(bare);
BENCHMARK(untimed)->Arg(0)->Arg(1)->Arg(8)->Arg(64);
BENCHMARK(timed)->Arg(0)->Arg(1)->Arg(8)->Arg(64);

int repeat(const std::string& kind, int64_t hooks, int64_t count) {
  const auto args = at_train_iter();
  if (kind == "bare") {
    const BareCall call = bare_call();
    grapnel_error error{sizeof(grapnel_error), 0, nullptr, 0};
    for (int64_t i = 0; i < count; ++i) call_bare(call, args, error);
  } else if (kind == "untimed" || kind == "timed") {
    const auto host = host_with(hooks, kind == "timed");
    for (int64_t i = 0; i < count; ++i) {
      host->dispatch(args);
      benchmark::ClobberMemory();
    }
  } else {
    std::fprintf(stderr, "dispatch_bench: bare, untimed or timed, not \"%s\"\n", kind.c_str());
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::err);
  if (argc == 5 && std::strcmp(argv[1], "--repeat") == 0) {
    return repeat(argv[2], std::atoll(argv[3]), std::atoll(argv[4]));
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
