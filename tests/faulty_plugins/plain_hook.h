/* What the plugins of this folder share: a hook that does nothing and is right in every way, so that each
 * file shows its one defect and nothing else. */
#ifndef GRAPNEL_TESTS_PLAIN_HOOK_H
#define GRAPNEL_TESTS_PLAIN_HOOK_H

#include <grapnel/grapnel.h>

#define PLAIN_UNUSED __attribute__((unused))

PLAIN_UNUSED static grapnel_status plain_create(const grapnel_host* host, const grapnel_value* values,
                                                uint64_t count, uint64_t value_size, void** self,
                                                grapnel_error* error) {
  (void)host, (void)values, (void)count, (void)value_size, (void)error;
  *self = 0;
  return GRAPNEL_STATUS_OK;
}

PLAIN_UNUSED static void plain_destroy(void* self) { (void)self; }

/* A vtable with create and destroy, then the slots from save_state on as given. */
#define PLAIN_VTABLE(create, ...)                                                                         \
  static const grapnel_hook_vtable plain_vtable = {sizeof(grapnel_hook_vtable), 0, create, plain_destroy, \
                                                   __VA_ARGS__}

#define PLAIN_PLUGIN(type_name)                                                     \
  GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),  \
                                                           GRAPNEL_ABI_MAJOR,       \
                                                           GRAPNEL_ABI_MINOR,       \
                                                           GRAPNEL_PRIORITY_NORMAL, \
                                                           type_name,               \
                                                           "1.0.0",                 \
                                                           "",                      \
                                                           "",                      \
                                                           "for the tests",         \
                                                           "",                      \
                                                           0,                       \
                                                           0,                       \
                                                           0,                       \
                                                           &plain_vtable}

#endif
