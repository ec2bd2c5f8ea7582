/* Keeps an address in its code, which has to be rewritten when the file is loaded. */
#include "plain_hook.h"

__asm__(
    ".pushsection .text\n"
    ".balign 8\n"
    "address_in_the_code: .quad plain_counter\n"
    ".popsection\n");
__attribute__((used)) static int64_t counter __asm__("plain_counter") = 0;

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("TextRelocation", vtable);
