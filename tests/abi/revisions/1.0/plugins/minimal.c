/* The least that is a hook: it is made and let go. */
#include <grapnel/grapnel.h>

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  const grapnel_log_service* log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  (void)values, (void)value_size, (void)error;
  if (log != NULL)
    log->write(host, GRAPNEL_LOG_INFO, count == 0 ? "made" : "made with options that it has not");
  *self = NULL;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { (void)self; }

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = destroy};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "OldMinimal",
    .version = "1.0.0",
    .author = "",
    .license = "",
    .summary = "Is there",
    .torch_version = "",
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("OldMinimal", "")
