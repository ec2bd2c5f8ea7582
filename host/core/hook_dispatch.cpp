// The path that runs at every point somebody subscribed to: a flat array, and a hook costs one indirect call,
// one breadcrumb and, if calls are timed, one clock read. Nothing here allocates unless a hook fails.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "core/hook_host_impl.hpp"

namespace grapnel {
namespace {

grapnel_status do_nothing(void*, const grapnel_point_args*, grapnel_error*) { return GRAPNEL_STATUS_OK; }

bool is_known(int32_t point) { return point >= 0 && point < GRAPNEL_POINT_COUNT; }

// Counters as the log shows them: 1-based inside an iteration.
std::string position_text(const grapnel_point_args& args) {
  const bool in_batch = args.batch_idx >= 0;
  const auto n = [](int64_t value) { return std::to_string(value); };
  switch (args.mode) {
    case GRAPNEL_MODE_TRAIN:
      if (in_batch) return "epoch " + n(args.epoch + 1) + ", iteration " + n(args.iter + 1);
      return "epoch " + n(args.epoch + 1) + ", after iteration " + n(args.iter);
    case GRAPNEL_MODE_VAL:
    case GRAPNEL_MODE_TEST: {
      std::string text = args.mode == GRAPNEL_MODE_VAL ? "validation after epoch " : "test after epoch ";
      text += n(args.epoch) + ", iteration " + n(args.iter);
      return in_batch ? text + ", batch " + n(args.batch_idx + 1) : text;
    }
    default:
      return "epoch " + n(args.epoch) + ", iteration " + n(args.iter);
  }
}

Failure::Parts failure_parts(const std::string& key, const std::string& call, const std::string& position,
                             const std::string& message) {
  return {key + " failed in " + call + (position.empty() ? "" : " (" + position + ")") + ": " + message, "",
          "", "", ""};
}

}  // namespace

HookFailure::HookFailure(std::string instance_key, int32_t point, const grapnel_point_args& args,
                         std::string message)
    : Failure(FailureKind::kRun,
              failure_parts(instance_key, HookHost::point_name(point), position_text(args), message)),
      instance_key_(std::move(instance_key)),
      point_(point) {}

HookFailure::HookFailure(std::string instance_key, const char* call, std::string message)
    : Failure(FailureKind::kRun, failure_parts(instance_key, call, "", message)),
      instance_key_(std::move(instance_key)),
      point_(-1) {}

const char* HookHost::point_name(int32_t point) {
  return is_known(point) ? kPoints[static_cast<size_t>(point)].name : "unknown point";
}

void HookHost::Impl::rebuild_points() {
  subscribed_points = 0;
  for (size_t p = 0; p < kPoints.size(); ++p) {
    points[p].clear();
    for (const auto& instance : instances) {
      const grapnel_point_fn function = instance->plugin->vtable.*kPoints[p].slot;
      if (function == nullptr || !instance->created || instance->disabled) continue;
      points[p].push_back(
          {function, instance->self, instance->key.c_str(), &instance->times[p], instance.get()});
    }
    if (!points[p].empty()) subscribed_points |= uint64_t{1} << p;
  }
  changed = false;
}

void HookHost::Impl::disable(HookInstance& instance) {
  instance.disabled = true;
  changed = true;
  for (auto& calls : points) {
    for (auto& call : calls) {
      if (call.instance == &instance) call.function = &do_nothing;
    }
  }
}

void HookHost::Impl::take_failure(HookInstance& instance, const grapnel_point_args& args, std::string message,
                                  std::vector<HookFailure>* collected) {
  HookFailure failure(instance.key, args.point, args, std::move(message));
  if (instance.config.disable_on_error) {
    spdlog::error("{}; it is disabled for the rest of the run", failure.what());
    disable(instance);
  } else if (collected != nullptr) {
    collected->push_back(std::move(failure));
  } else {
    throw failure;
  }
}

namespace {

// Small and apart from what handles failures, so that the loop keeps everything in registers.
template <bool kTimed, bool kObserved>
[[gnu::noinline]] grapnel_status call_until_failure(const HookCall*& place, const HookCall* end,
                                                    const grapnel_point_args* args, ErrorBuffer& error,
                                                    const CallWatch& watch) {
  const HookCall* call = place;
  struct KeepPlace {
    ~KeepPlace() { place = call; }
    const HookCall*& place;
    const HookCall*& call;
  } keep_place{place, call};
  struct Announcement {
    ~Announcement() {
      if constexpr (kObserved) observer->end();
    }
    HookObserver* observer;
  };
  Breadcrumb& crumb = breadcrumb;
  uint64_t before = kTimed ? watch.clock.now() : 0;
  for (; call != end; ++call) {
    crumb.instance_key = call->key;
    error.text()[0] = '\0';
    if constexpr (kObserved) {
      watch.observer->begin(call->key, crumb.call);
      if constexpr (kTimed) before = watch.clock.now();
    }
    grapnel_status status;
    {
      [[maybe_unused]] const Announcement announcement{watch.observer};
      status = call->function(call->self, args, error.raw());
      if constexpr (kTimed) {
        const uint64_t after = watch.clock.now();
        call->time->calls += 1;
        call->time->ticks += after - before;
        before = after;
      }
    }
    if (__builtin_expect(status != GRAPNEL_STATUS_OK, 0)) return status;
  }
  return GRAPNEL_STATUS_OK;
}

}  // namespace

void HookHost::Impl::choose_call_loop() {
  if (watch.observer != nullptr)
    call_loop = times_calls ? &call_until_failure<true, true> : &call_until_failure<false, true>;
  else
    call_loop = times_calls ? &call_until_failure<true, false> : &call_until_failure<false, false>;
}

void HookHost::set_observer(HookObserver* observer) {
  if (impl_->watch.observer == observer) return;
  impl_->watch.observer = observer;
  impl_->choose_call_loop();
}

void HookHost::Impl::run(const grapnel_point_args& given, std::vector<HookFailure>* collected) {
  const auto point = static_cast<size_t>(given.point);
  struct Running {
    explicit Running(Impl& impl) : impl(impl) { ++impl.depth; }
    ~Running() {
      if (--impl.depth == 0 && impl.changed) impl.rebuild_points();
    }
    Impl& impl;
  } running(*this);
  grapnel_point_args args = given;
  args.struct_size = sizeof args;
  const BreadcrumbScope scope(nullptr, kPoints[point].name);

  const auto& calls = points[point];
  const HookCall* call = calls.data();
  const HookCall* const end = call + calls.size();
  ErrorBuffer error;
  while (true) {
    const grapnel_status status =
        call_guarded(error, [&] { return call_loop(call, end, &args, error, watch); });
    if (call == end) return;
    take_failure(*call->instance, args, error.message(status), collected);
    ++call;
  }
}

void HookHost::dispatch_to_subscribers(const grapnel_point_args& args) { impl_->run(args, nullptr); }

std::vector<HookFailure> HookHost::dispatch_to_all(const grapnel_point_args& args) {
  std::vector<HookFailure> failures;
  if (subscribed(args.point)) impl_->run(args, &failures);
  return failures;
}

}  // namespace grapnel
