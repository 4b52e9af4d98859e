// What the types of engines that are programs have in common, and where their programs are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/drivers/driver.h"
#include "engine/engine.h"

namespace plugpull {

// Returns: the path of a driver that is built with plugpull: in $PLUGPULL_DRIVERS when that is set,
// else in `drivers` beside this program's file, or beside the folder of that.
// Errors: kUnsupported, with the Debian packages without which it is not built.
Expected<std::string> FindDriver(std::string_view file_name, std::string_view packages);

// Returns: the full path of a program that is named as in a shell: a name is looked for in PATH,
// a path starts from the working directory. Errors: kUnsupported: there is no such executable.
Expected<std::string> FindExecutable(std::string_view name);

// A kind of engine that is a program. Its options reach `open` as they are.
class ProgramType : public EngineType {
 public:
  bool is_program() const final { return true; }
  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const final;
};

const EngineType& BboltType();    // engine/drivers/bbolt
const EngineType& LmdbType();     // engine/drivers/lmdb
const EngineType& PythonType();   // engine/drivers/python
const EngineType& MavibotType();  // engine/drivers/mavibot
const EngineType& DriverType();   // any executable that speaks the protocol

}  // namespace plugpull
