#include "engine/registry.h"

#include "engine/cow_tree/cow_tree.h"
#include "engine/drivers/program_type.h"
#include "engine/revision_tree/revision_tree.h"
#include "engine/serial_log/serial_log.h"
#include "engine/sqlite/sqlite_engine.h"

namespace plugpull {
namespace {

std::vector<const EngineType*>& Types() {
  static std::vector<const EngineType*> types = {
      &CowTreeType(), &RevisionTreeType(), &SerialLogType(), &SqliteType(), &BboltType(),
      &LmdbType(),    &PythonType(),       &MavibotType(),   &DriverType(),
  };
  return types;
}

}  // namespace

const std::vector<const EngineType*>& EngineTypes() { return Types(); }

void AddEngineType(const EngineType& type) { Types().push_back(&type); }

const EngineType* FindEngineType(std::string_view name) {
  for (const EngineType* type : EngineTypes()) {
    if (type->name() == name) return type;
  }
  return nullptr;
}

}  // namespace plugpull
