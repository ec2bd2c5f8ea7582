// The lifecycle points as the host walks them: name and vtable slot of each, by number.
#pragma once

#include <grapnel/hook.h>

#include <array>

namespace grapnel {

struct PointEntry {
  const char* name;
  grapnel_point_fn grapnel_hook_vtable::*slot;
};

#define GRAPNEL_POINT_ENTRY(name) PointEntry{#name, &grapnel_hook_vtable::name}
inline constexpr std::array<PointEntry, GRAPNEL_POINT_COUNT> kPoints = {
    GRAPNEL_POINT_ENTRY(before_run),
    GRAPNEL_POINT_ENTRY(after_run),
    GRAPNEL_POINT_ENTRY(before_train),
    GRAPNEL_POINT_ENTRY(after_train),
    GRAPNEL_POINT_ENTRY(before_train_epoch),
    GRAPNEL_POINT_ENTRY(after_train_epoch),
    GRAPNEL_POINT_ENTRY(before_train_iter),
    GRAPNEL_POINT_ENTRY(after_train_iter),
    GRAPNEL_POINT_ENTRY(before_val),
    GRAPNEL_POINT_ENTRY(after_val),
    GRAPNEL_POINT_ENTRY(before_val_epoch),
    GRAPNEL_POINT_ENTRY(after_val_epoch),
    GRAPNEL_POINT_ENTRY(before_val_iter),
    GRAPNEL_POINT_ENTRY(after_val_iter),
    GRAPNEL_POINT_ENTRY(before_test),
    GRAPNEL_POINT_ENTRY(after_test),
    GRAPNEL_POINT_ENTRY(before_test_epoch),
    GRAPNEL_POINT_ENTRY(after_test_epoch),
    GRAPNEL_POINT_ENTRY(before_test_iter),
    GRAPNEL_POINT_ENTRY(after_test_iter),
    GRAPNEL_POINT_ENTRY(before_save_checkpoint),
    GRAPNEL_POINT_ENTRY(after_load_checkpoint),
    GRAPNEL_POINT_ENTRY(after_save_checkpoint),
    GRAPNEL_POINT_ENTRY(after_backward),
    GRAPNEL_POINT_ENTRY(before_optimizer_step),
    GRAPNEL_POINT_ENTRY(on_exception),
    GRAPNEL_POINT_ENTRY(on_interrupt),
};
#undef GRAPNEL_POINT_ENTRY

}  // namespace grapnel
