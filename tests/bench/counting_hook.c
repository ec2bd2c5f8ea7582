/* The cheapest hook there can be: what is left of a dispatch is the host's own cost. It subscribes to
 * before_train_iter and to nothing else. Each instance counts for itself: one counter for all would make each
 * call wait for the one before. */
#include <grapnel/grapnel.h>

#include <stdlib.h>

static grapnel_status create(const grapnel_host *host, const grapnel_value *values, uint64_t count,
                             uint64_t value_size, void **self, grapnel_error *error) {
  (void)host, (void)values, (void)count, (void)value_size, (void)error;
  *self = calloc(1, sizeof(uint64_t));
  return *self != NULL ? GRAPNEL_STATUS_OK : GRAPNEL_STATUS_FAILED;
}

static void destroy(void *self) { free(self); }

static grapnel_status before_train_iter(void *self, const grapnel_point_args *args, grapnel_error *error) {
  (void)args, (void)error;
  ++*(uint64_t *)self;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .before_train_iter = before_train_iter};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {.struct_size = sizeof(grapnel_plugin),
                                                         .abi_major = GRAPNEL_ABI_MAJOR,
                                                         .abi_minor = GRAPNEL_REQUIRED_ABI_MINOR,
                                                         .default_priority = GRAPNEL_PRIORITY_NORMAL,
                                                         .type = "CountingHook",
                                                         .version = "1.0.0",
                                                         .author = "",
                                                         .license = "Apache-2.0",
                                                         .summary = "Counts train iterations",
                                                         .torch_version = "",
                                                         .options = NULL,
                                                         .option_count = 0,
                                                         .option_size = sizeof(grapnel_option),
                                                         .vtable = &vtable};
GRAPNEL_PLUGIN_NOTE("CountingHook", "")
