// A hook that hands every point to the test that loaded it. The test shares its process, so the option
// `listener` is simply the address of the object to call.
#pragma once

#include <cstdint>
#include <functional>

#include <grapnel/hook.hpp>

namespace grapnel::test {

class TraceHook;

struct Listener {
  std::function<void(TraceHook&, const Point&)> on_point;
  std::function<void(TraceHook&)> on_create;
  int64_t calls = 0;  // points seen; the hook's saved state
  int alive = 0;      // instances created and not destroyed
};

class TraceHook : public Hook {
 public:
  explicit TraceHook(const Setup& setup)
      : Hook(setup), host(setup.host()), listener_(reinterpret_cast<Listener*>(setup.integer("listener"))) {
    ++listener_->alive;
    if (listener_->on_create) listener_->on_create(*this);
  }
  ~TraceHook() override { --listener_->alive; }

  using Hook::checkpoint;
  using Hook::collectives;
  using Hook::data;
  using Hook::instance_key;
  using Hook::log;
  using Hook::message_hub;
  using Hook::model;
  using Hook::optimizer;
  using Hook::runner;
  using Hook::values;
  const grapnel_host* const host;

#define GRAPNEL_TELL(point) \
  void point(const Point& at) override { tell(at); }
  GRAPNEL_TELL(before_run)
  GRAPNEL_TELL(after_run)
  GRAPNEL_TELL(before_train)
  GRAPNEL_TELL(after_train)
  GRAPNEL_TELL(before_train_epoch)
  GRAPNEL_TELL(after_train_epoch)
  GRAPNEL_TELL(before_train_iter)
  GRAPNEL_TELL(after_train_iter)
  GRAPNEL_TELL(before_val)
  GRAPNEL_TELL(after_val)
  GRAPNEL_TELL(before_val_epoch)
  GRAPNEL_TELL(after_val_epoch)
  GRAPNEL_TELL(before_val_iter)
  GRAPNEL_TELL(after_val_iter)
  GRAPNEL_TELL(before_test)
  GRAPNEL_TELL(after_test)
  GRAPNEL_TELL(before_test_epoch)
  GRAPNEL_TELL(after_test_epoch)
  GRAPNEL_TELL(before_test_iter)
  GRAPNEL_TELL(after_test_iter)
  GRAPNEL_TELL(before_save_checkpoint)
  GRAPNEL_TELL(after_load_checkpoint)
  GRAPNEL_TELL(after_save_checkpoint)
  GRAPNEL_TELL(after_backward)
  GRAPNEL_TELL(before_optimizer_step)
  GRAPNEL_TELL(on_exception)
  GRAPNEL_TELL(on_interrupt)
#undef GRAPNEL_TELL

  void save_state(StateWriter& out) override { out.integer(listener_->calls); }
  void load_state(StateReader& in) override { listener_->calls = in.integer(); }

 private:
  void tell(const Point& at) {
    ++listener_->calls;
    if (listener_->on_point) listener_->on_point(*this, at);
  }
  Listener* listener_;
};

}  // namespace grapnel::test
