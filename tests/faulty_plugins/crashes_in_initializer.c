/* Writes through a null pointer while it is loaded. */
#include "plain_hook.h"

__attribute__((constructor)) static void crash(void) {
  volatile int* volatile nowhere = 0;
  *nowhere = 1;
}
PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("CrashesInInitializer");
GRAPNEL_PLUGIN_NOTE("CrashesInInitializer", "")
