// grapnel hooks check.
#include "cli/verbs.hpp"

namespace grapnel::cli {

void add_hooks_check_verb(CLI::App&, Verb&) {}

}  // namespace grapnel::cli
