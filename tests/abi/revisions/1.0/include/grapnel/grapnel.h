/* Everything a hook written in C needs. */
#ifndef GRAPNEL_GRAPNEL_H
#define GRAPNEL_GRAPNEL_H

#include "hook.h"
#include "host.h"
#include "options.h"
#include "plugin.h"
#include "points.h"
#include "services/checkpoint.h"
#include "services/collectives.h"
#include "services/data.h"
#include "services/log.h"
#include "services/message_hub.h"
#include "services/model.h"
#include "services/optimizer.h"
#include "services/runner.h"
#include "services/values.h"
#include "state.h"
#include "status.h"
#include "tensor.h"
#include "version.h"

#endif
