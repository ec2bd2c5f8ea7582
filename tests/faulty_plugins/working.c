/* No defect: the control. */
#include "plain_hook.h"

PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("Working");
GRAPNEL_PLUGIN_NOTE("Working", "")
