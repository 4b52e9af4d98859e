// Falcon's serial log (MySQL 6.0) as an engine: commits go to a log of two files, a gopher applies
// them to pages, checkpoints write those, and recovery has three phases. See README.md.
#pragma once

#include "engine/engine.h"

namespace plugpull {

const EngineType& SerialLogType();

}  // namespace plugpull
