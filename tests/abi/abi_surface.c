/* Makes every public type of the SDK visible to abidw: a pointer to each struct is an exported object.
 * Function types come along with the tables that hold them. A new struct gets a line here. */
#include <grapnel/grapnel.h>

#define SHOWN(type)                           \
  extern const type* const surface_of_##type; \
  const type* const surface_of_##type = 0;

SHOWN(grapnel_error)

SHOWN(grapnel_device)
SHOWN(grapnel_dtype)
SHOWN(grapnel_tensor)

SHOWN(grapnel_option)
SHOWN(grapnel_value)

SHOWN(grapnel_host)
SHOWN(grapnel_point_args)

SHOWN(grapnel_state_writer)
SHOWN(grapnel_state_reader)

SHOWN(grapnel_hook_vtable)
SHOWN(grapnel_plugin)
SHOWN(grapnel_note)

SHOWN(grapnel_checkpoint_info)
SHOWN(grapnel_checkpoint_service)
SHOWN(grapnel_collectives_service)
SHOWN(grapnel_dataset_info)
SHOWN(grapnel_transform_info)
SHOWN(grapnel_data_service)
SHOWN(grapnel_log_service)
SHOWN(grapnel_message_hub_service)
SHOWN(grapnel_model_entry)
SHOWN(grapnel_module)
SHOWN(grapnel_model_service)
SHOWN(grapnel_param_group)
SHOWN(grapnel_optimizer_service)
SHOWN(grapnel_run_state)
SHOWN(grapnel_runner_service)
SHOWN(grapnel_named_value)
SHOWN(grapnel_values_service)
