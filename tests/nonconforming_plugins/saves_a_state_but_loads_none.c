/* Has save_state and no load_state: what it writes can never be read. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state};
PLAIN_PLUGIN("SavesAStateButLoadsNone", vtable);
