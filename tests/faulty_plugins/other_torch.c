/* Says that it was built against a LibTorch that nobody runs. */
#include "plain_hook.h"

PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("OtherTorch");
GRAPNEL_PLUGIN_NOTE("OtherTorch", "9.8.7")
