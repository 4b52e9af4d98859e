#include "engine/engine.h"

#include "engine/drivers/driver.h"
#include "faults/base/assert.h"

namespace plugpull {

Expected<DriverProgram> EngineType::Program(const EngineOptions& /*options*/) const {
  Assert(false, "only an engine that is a program of its own is started as one");
  return DriverProgram();
}

}  // namespace plugpull
