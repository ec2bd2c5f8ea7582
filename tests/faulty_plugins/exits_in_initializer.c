/* Ends the process while it is loaded. */
#include <stdio.h>
#include <unistd.h>

#include "plain_hook.h"

__attribute__((constructor)) static void leave(void) {
  fputs("evaluation period is over\n", stderr);
  _exit(7);
}
PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("ExitsInInitializer");
GRAPNEL_PLUGIN_NOTE("ExitsInInitializer", "")
