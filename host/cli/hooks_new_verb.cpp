// grapnel hooks new.
#include "cli/verbs.hpp"

namespace grapnel::cli {

void add_hooks_new_verb(CLI::App&, Verb&) {}

}  // namespace grapnel::cli
