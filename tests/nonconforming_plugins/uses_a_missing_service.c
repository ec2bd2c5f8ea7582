/* Takes it for granted that there is a log. */
#include "plain_hook.h"

PLAIN_POINT(before_run) {
  const grapnel_host* host = ((plain_hook*)self)->host;
  const grapnel_log_service* log = (const grapnel_log_service*)host->get_service(host, GRAPNEL_SERVICE_LOG);
  log->write(host, GRAPNEL_LOG_INFO, "the run begins");
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_run = before_run};
PLAIN_PLUGIN("UsesAMissingService", vtable);
