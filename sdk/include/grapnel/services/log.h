/* Log lines, through the host's logger: console and log file, each with the hook's instance key.
 *
 * A hook never writes to stdout or stderr itself.
 */
#ifndef GRAPNEL_SERVICES_LOG_H
#define GRAPNEL_SERVICES_LOG_H

#include <stdint.h>

#include "../host.h"

#define GRAPNEL_SERVICE_LOG "grapnel.log/1"

enum { GRAPNEL_LOG_DEBUG = 0, GRAPNEL_LOG_INFO = 1, GRAPNEL_LOG_WARNING = 2, GRAPNEL_LOG_ERROR = 3 };

typedef struct grapnel_log_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Writes one UTF-8 line, given without its line end; copied. An unknown level counts as INFO.
   * [any-thread] */
  void (*write)(const grapnel_host *host, int32_t level, const char *text);
  /* 1 if a line of that level would be written. [any-thread] */
  int32_t (*is_enabled)(const grapnel_host *host, int32_t level);
} grapnel_log_service;

#endif
