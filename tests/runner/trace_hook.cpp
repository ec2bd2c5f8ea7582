// The plugin around trace_hook.hpp.
#include "trace_hook.hpp"

using grapnel::test::TraceHook;

GRAPNEL_HOOK(TraceHook, "1.0.0", "Hands every point to the test that loaded it",
             grapnel::int_option("listener", nullptr, "address of the test's Listener"));
