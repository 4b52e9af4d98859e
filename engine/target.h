// A target is an engine with options, written `sqlite:journal=wal,sync=full`.
#pragma once

#include <string>
#include <string_view>

#include "engine/drivers/driver.h"
#include "engine/engine.h"

namespace plugpull {

struct Target {
  const EngineType* type = nullptr;
  EngineOptions options;  // complete: defaults filled in
  std::string text;       // as it was written

  bool is_program() const { return type->is_program(); }

  // Requires: not is_program().
  std::unique_ptr<Engine> Create(Vfs& vfs) const { return type->Create(vfs, options); }

  // Returns: how to start the engine. Errors: kUnsupported: this machine has not got it.
  // Requires: is_program().
  Expected<DriverProgram> Program() const { return type->Program(options); }
};

// Returns: the target that `text` names. Errors: kInvalidArgument, with the nearest valid word.
Expected<Target> ParseTarget(std::string_view text);

}  // namespace plugpull
