/* Lets a second symbol out of the file. */
#include "plain_hook.h"

GRAPNEL_EXPORT const int a_symbol_of_its_own = 1;
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("ExportsASecondSymbol", vtable);
