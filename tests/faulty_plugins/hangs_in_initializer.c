/* Never comes back from being loaded. */
#include <unistd.h>

#include "plain_hook.h"

__attribute__((constructor)) static void hang(void) {
  for (;;) pause();
}
PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("HangsInInitializer");
GRAPNEL_PLUGIN_NOTE("HangsInInitializer", "")
