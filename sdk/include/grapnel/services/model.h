/* The model: parameters, buffers, modules and their attributes.
 *
 * Names are those of the module tree ("backbone.stem.conv.weight").
 * PARAMETERS and BUFFERS may be written at every point: no point lies between a forward pass and its
 * backward.
 * GRADIENTS are there from a backward pass until the step drops them: at after_backward, where they are this
 * rank's own sum over the accumulated batches, at before_optimizer_step, where they are the mean over ranks
 * and not clipped yet, and at the points between accumulating batches. They may be written at after_backward
 * and before_optimizer_step, and only read elsewhere.
 */
#ifndef GRAPNEL_SERVICES_MODEL_H
#define GRAPNEL_SERVICES_MODEL_H

#include <stdint.h>

#include "../host.h"
#include "../options.h"
#include "../status.h"
#include "../tensor.h"

#define GRAPNEL_SERVICE_MODEL "grapnel.model/1"

enum { GRAPNEL_MODEL_PARAMETERS = 0, GRAPNEL_MODEL_BUFFERS = 1, GRAPNEL_MODEL_GRADIENTS = 2 };

/* One parameter, buffer or gradient. Entries stay in one order for the whole run; a parameter that has no
 * gradient now is given with tensor.data NULL. Valid until the callback returns; the name as long as the
 * host. */
typedef struct grapnel_model_entry {
  uint32_t struct_size;
  int32_t requires_grad; /* 1: training changes it; 0 for buffers and frozen parameters */
  const char *name;
  uint64_t module_index; /* the module that owns it */
  grapnel_tensor tensor;
} grapnel_model_entry;

/* One module of the tree, in registration order; 0 is the model itself. Valid as long as the host. */
typedef struct grapnel_module {
  uint32_t struct_size;
  int32_t is_norm;         /* 1: a normalisation layer (batch, instance, group, layer) */
  int32_t is_synchronized; /* 1: a norm layer whose statistics are already shared over ranks */
  int32_t reserved;
  const char *name; /* "" for the model itself */
  const char *type; /* "BatchNorm2d", "YOLOXHead" */
  uint64_t attribute_count;
} grapnel_module;

typedef struct grapnel_model_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Entries of a kind; GRADIENTS has as many as PARAMETERS, in the same order. [train-thread] */
  uint64_t (*count)(const grapnel_host *host, int32_t kind);
  /* NOT_FOUND: index >= count; INVALID_ARGUMENT: no such kind. [train-thread] */
  grapnel_status (*get)(const grapnel_host *host, int32_t kind, uint64_t index, grapnel_model_entry *entry,
                        grapnel_error *error);

  /* Modules, and one of them. NOT_FOUND: index >= module_count. [train-thread] */
  uint64_t (*module_count)(const grapnel_host *host);
  grapnel_status (*get_module)(const grapnel_host *host, uint64_t index, grapnel_module *module,
                               grapnel_error *error);
  /* Attribute `attribute` (< attribute_count) of a module: BOOL, INT, FLOAT or STRING with its name.
   * NOT_FOUND: no such module or attribute. Valid until the callback returns. [train-thread] */
  grapnel_status (*get_attribute)(const grapnel_host *host, uint64_t module_index, uint64_t attribute,
                                  grapnel_value *value, grapnel_error *error);
  /* Sets value->name of the module; holds from the next forward pass on. NOT_FOUND: no such module or
   * attribute; UNSUPPORTED: read-only; INVALID_ARGUMENT: another kind. [train-thread] */
  grapnel_status (*set_attribute)(const grapnel_host *host, uint64_t module_index, const grapnel_value *value,
                                  grapnel_error *error);
  /* Tells every module that cares which epoch begins (0-based) of how many: MMDetection's model.set_epoch.
   * [train-thread] */
  grapnel_status (*set_epoch)(const grapnel_host *host, int64_t epoch, int64_t max_epochs,
                              grapnel_error *error);
} grapnel_model_service;

#endif
