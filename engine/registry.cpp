#include "engine/registry.h"

#include "engine/cow_tree/cow_tree.h"
#include "engine/sqlite/sqlite_engine.h"

namespace plugpull {

const std::vector<const EngineType*>& EngineTypes() {
  static const std::vector<const EngineType*> types = {
      &CowTreeType(),
      &SqliteType(),
  };
  return types;
}

const EngineType* FindEngineType(std::string_view name) {
  for (const EngineType* type : EngineTypes()) {
    if (type->name() == name) return type;
  }
  return nullptr;
}

}  // namespace plugpull
