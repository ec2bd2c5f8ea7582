/* The optimiser's parameter groups.
 *
 * Exists in a train run only: elsewhere group_count is 0. A change may be made at every point, holds from the
 * next step on and is kept over a resume. An index >= group_count is NOT_FOUND.
 */
#ifndef GRAPNEL_SERVICES_OPTIMIZER_H
#define GRAPNEL_SERVICES_OPTIMIZER_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"

#define GRAPNEL_SERVICE_OPTIMIZER "grapnel.optimizer/1"

typedef struct grapnel_param_group {
  uint32_t struct_size;
  int32_t has_momentum; /* 1: `momentum` means something (SGD's momentum, Adam's beta1) */
  const char *name;     /* valid as long as the host */
  uint64_t parameter_count;
  double lr;         /* learning rate of the next step */
  double initial_lr; /* the config's, times the group's multiplier: what schedules multiply */
  double momentum;
  double initial_momentum; /* the config's */
  double weight_decay;     /* L2 penalty (AdamW: decoupled) */
} grapnel_param_group;

typedef struct grapnel_optimizer_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Groups; as many for the whole run. [train-thread] */
  uint64_t (*group_count)(const grapnel_host *host);
  /* NOT_FOUND: index >= group_count. [train-thread] */
  grapnel_status (*get_group)(const grapnel_host *host, uint64_t index, grapnel_param_group *group,
                              grapnel_error *error);
  /* lr >= 0 and finite, else INVALID_ARGUMENT. [train-thread] */
  grapnel_status (*set_lr)(const grapnel_host *host, uint64_t index, double lr, grapnel_error *error);
  /* 0 <= momentum < 1, else INVALID_ARGUMENT; UNSUPPORTED: the optimiser has none. [train-thread] */
  grapnel_status (*set_momentum)(const grapnel_host *host, uint64_t index, double momentum,
                                 grapnel_error *error);
  /* weight_decay >= 0 and finite, else INVALID_ARGUMENT. [train-thread] */
  grapnel_status (*set_weight_decay)(const grapnel_host *host, uint64_t index, double weight_decay,
                                     grapnel_error *error);
} grapnel_optimizer_service;

#endif
