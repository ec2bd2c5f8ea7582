/* Exports the entry object but has no note. */
#include "plain_hook.h"

PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("no_note");
