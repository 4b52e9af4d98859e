// Searches crash points for programs as recovery_pool.h does for engines in this process: a driver
// or a check command works on a FUSE mount (faults/doors/fuse_view.h) of a lazy view, so that what
// it reads is seen, and one execution stands for every crash state that agrees with what it read.
//
// The power fails once, not in recovery. A program that asks for the same bytes in another order
// when it is run again (threads that race) makes a point `unknown`, not held.
//
// A replay shows its one state in a real directory, as image_pool.h does: what a mount has found is
// confirmed without one.
#pragma once

#include <memory>

#include "faults/trace/trace.h"
#include "harness/point_search.h"

namespace plugpull {

// Requires: as MakeImagePool. Errors: kUnsupported when this machine lets nobody mount FUSE.
Expected<std::unique_ptr<PointSearch>> MakeReadSetPool(const Trace& trace, uint32_t jobs);

}  // namespace plugpull
