/* Grapnel's release version and the version of its hook ABI.
 *
 * A plugin built against ABI MAJOR.x loads in every host of the same MAJOR. MINOR grows when something is
 * appended (a vtable slot, a field, a service); a plugin states the MINOR that it cannot do without.
 */
#ifndef GRAPNEL_VERSION_H
#define GRAPNEL_VERSION_H

#define GRAPNEL_VERSION "0.1.0"

#define GRAPNEL_ABI_MAJOR 1
#define GRAPNEL_ABI_MINOR 0

/* The least host minor that the plugin being built works with: what its note and descriptor say. Define less
 * before the first include if it can do without what is newer (then it asks struct_size, or for NULL, first). */
#ifndef GRAPNEL_REQUIRED_ABI_MINOR
#define GRAPNEL_REQUIRED_ABI_MINOR GRAPNEL_ABI_MINOR
#endif

#endif
