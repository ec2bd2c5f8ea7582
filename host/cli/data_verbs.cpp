// grapnel data fashion-scenes.
#include <cstdio>
#include <memory>

#include "cli/verbs.hpp"
#include "core/progress.hpp"
#include "tasks/detection/data/fashion_scenes.hpp"

namespace grapnel::cli {
