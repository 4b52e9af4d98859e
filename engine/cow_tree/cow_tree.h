// The engine "cow_tree": a key-value store in bbolt's file format, in one top-level bucket "kv" of
// the file "store.db". See README.md for the commit protocol and the bugs that can be switched on.
#pragma once

#include "engine/engine.h"

namespace plugpull {

const EngineType& CowTreeType();

}  // namespace plugpull
