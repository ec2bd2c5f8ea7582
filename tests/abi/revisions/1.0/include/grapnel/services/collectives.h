/* Collective operations over all ranks of the run.
 *
 * With one process every call is the identity. All ranks must make the same calls in the same order: a call
 * that some ranks leave out waits for ever. Tensors are the hook's own, dense (contiguous) and on the CPU:
 * float32, float64, int32 or int64; any other is INVALID_ARGUMENT.
 */
#ifndef GRAPNEL_SERVICES_COLLECTIVES_H
#define GRAPNEL_SERVICES_COLLECTIVES_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"
#include "../tensor.h"

#define GRAPNEL_SERVICE_COLLECTIVES "grapnel.collectives/1"

enum { GRAPNEL_REDUCE_SUM = 0, GRAPNEL_REDUCE_MEAN = 1, GRAPNEL_REDUCE_MIN = 2, GRAPNEL_REDUCE_MAX = 3 };

typedef struct grapnel_collectives_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* This process among all (0 <= rank < world_size), and among those of this machine. [any-thread] */
  int32_t (*rank)(const grapnel_host *host);
  int32_t (*world_size)(const grapnel_host *host);
  int32_t (*local_rank)(const grapnel_host *host);

  /* In place, element by element; the same shape and dtype on every rank. MEAN needs a float tensor. IO: a
   * peer is gone. [train-thread] */
  grapnel_status (*all_reduce)(const grapnel_host *host, grapnel_tensor *tensor, int32_t operation,
                               grapnel_error *error);
  /* In place: every rank ends with rank `root`'s values. INVALID_ARGUMENT: no such rank; IO: a peer is gone.
   * [train-thread] */
  grapnel_status (*broadcast)(const grapnel_host *host, grapnel_tensor *tensor, int32_t root,
                              grapnel_error *error);
  /* Returns when every rank has called it. IO: a peer is gone. [train-thread] */
  grapnel_status (*barrier)(const grapnel_host *host, grapnel_error *error);
} grapnel_collectives_service;

#endif
