/* Linked with -ffast-math: loading it makes the processor flush small numbers to zero, in all of the program.
 */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("LinkedWithFastMath", vtable);
