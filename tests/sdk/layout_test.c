/* The frozen layout as a C compiler sees it. */
#include "frozen_constants.h"
#include "frozen_offsets.h"

int grapnel_layout_in_c(void);
int grapnel_layout_in_c(void) { return (int)sizeof(grapnel_hook_vtable); }
