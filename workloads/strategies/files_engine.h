// `files`: a key-value store in plain files, kept through one of several update protocols. The
// protocols are what programs without a storage engine do, right and wrong, so that persistence
// models meet something real.
#pragma once

#include "engine/engine.h"

namespace plugpull {

const EngineType& FilesType();

}  // namespace plugpull
