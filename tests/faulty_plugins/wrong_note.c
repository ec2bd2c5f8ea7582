/* Note and descriptor name different types. */
#include "plain_hook.h"

PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("SomethingElse");
GRAPNEL_PLUGIN_NOTE("WrongNote", "")
