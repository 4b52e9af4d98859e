// Every kind of engine. To add one: write its EngineType, and add one line to registry.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace plugpull {

const std::vector<const EngineType*>& EngineTypes();

// Adds a kind of engine that only this program has, such as one of its tests that crashes on
// purpose. Requires: `type` lives as long as the program; nobody reads EngineTypes() meanwhile.
void AddEngineType(const EngineType& type);

// Returns: the type of that name, or null.
const EngineType* FindEngineType(std::string_view name);

}  // namespace plugpull
