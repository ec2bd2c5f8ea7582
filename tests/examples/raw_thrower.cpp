// Does what no plugin may: its exceptions leave the C callbacks and unwind into the host.
#include <grapnel/grapnel.h>

#include <stdexcept>
#include <vector>

static const grapnel_log_service* log_service = nullptr;
static const grapnel_host* the_host = nullptr;

static grapnel_status create(const grapnel_host* host, const grapnel_value*, uint64_t, uint64_t, void** self,
                             grapnel_error*) {
  the_host = host;
  log_service = static_cast<const grapnel_log_service*>(host->get_service(host, GRAPNEL_SERVICE_LOG));
  *self = nullptr;
  return GRAPNEL_STATUS_OK;
}
static void destroy(void*) {}

static grapnel_status throw_own(void*, const grapnel_point_args*, grapnel_error*) {
  throw std::runtime_error("thrown on purpose");
}
static grapnel_status throw_from_the_library(void*, const grapnel_point_args* args, grapnel_error*) {
  return std::vector<int>(3).at(static_cast<size_t>(args->iter));
}
static grapnel_status throw_number(void*, const grapnel_point_args*, grapnel_error*) { throw 7; }
static grapnel_status after_run(void*, const grapnel_point_args*, grapnel_error*) {
  log_service->write(the_host, GRAPNEL_LOG_INFO, "still here");
  return GRAPNEL_STATUS_OK;
}

static constexpr grapnel_hook_vtable make_vtable() {
  grapnel_hook_vtable table{};
  table.struct_size = sizeof table;
  table.create = create;
  table.destroy = destroy;
  table.before_run = throw_own;
  table.before_train = throw_from_the_library;
  table.before_val = throw_number;
  table.after_run = after_run;
  return table;
}
static constexpr grapnel_hook_vtable vtable = make_vtable();

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         0,
                                                         GRAPNEL_PRIORITY_NORMAL,
                                                         "RawThrower",
                                                         "1.0.0",
                                                         "",
                                                         "",
                                                         "Lets exceptions escape",
                                                         "",
                                                         nullptr,
                                                         0,
                                                         0,
                                                         &vtable};
GRAPNEL_PLUGIN_NOTE("RawThrower", "")
