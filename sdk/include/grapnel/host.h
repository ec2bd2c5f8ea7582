/* The host as one hook instance sees it: who is asking, and the way to the services.
 *
 * Services are found by an id that carries a revision ("grapnel.runner/1"). A published table never
 * changes; new abilities come under new ids. NULL means that this host hasn't got the service.
 *
 * Every function's comment ends with a tag. [train-thread]: only on the thread that calls the points, from
 * create's beginning to destroy's end. [any-thread]: on any thread in that time.
 */
#ifndef GRAPNEL_HOST_H
#define GRAPNEL_HOST_H

#include <stdint.h>

typedef struct grapnel_host grapnel_host;

struct grapnel_host {
  uint32_t struct_size;
  uint32_t abi_minor;       /* the host's ABI minor */
  const char *name;         /* "grapnel" */
  const char *version;      /* "0.1.0" */
  const char *instance_key; /* names this instance among the config's hooks, in log and checkpoints; unique */
  void *data;               /* the host's own; pass the grapnel_host itself to every service function */

  /* The service's table, the host's own and valid until destroy returned, or NULL; an id of NULL gives NULL.
   * Ask in create and keep the answer. [any-thread] */
  const void *(*get_service)(const grapnel_host *host, const char *id);
};

#endif
