// Every kind of engine. To add one: write its EngineType, and add one line to registry.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace plugpull {

const std::vector<const EngineType*>& EngineTypes();

// Returns: the type of that name, or null.
const EngineType* FindEngineType(std::string_view name);

}  // namespace plugpull
