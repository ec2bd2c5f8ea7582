// SIGINT and SIGTERM as a flag that the loops look at between two iterations.
#pragma once

namespace grapnel::runner {

// The signal that came since the handlers were installed or the flag was last cleared; 0: none.
int caught_termination_signal();
void clear_termination_signal();
// True once catch_termination_signals() was called: only then can a run be interrupted.
bool termination_signals_are_caught();
// "SIGINT" or "SIGTERM"; for any other number a text that says so.
const char* signal_name(int signal_number);

}  // namespace grapnel::runner
