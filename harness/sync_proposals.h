// Lines of code that a program could have: a sync at a place that is named by the calls around it,
// so that it runs each time the program comes by.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/trace/trace.h"
#include "harness/sync_edits.h"
#include "harness/sync_sites.h"

namespace plugpull {

// What it syncs, of what was in use last where it stands.
enum class SyncedThing : uint8_t {
  kFile,             // the file with the role
  kDirectory,        // the directory in which a file of the role got or lost a name
  kTargetDirectory,  // that of its new name, after a rename or link
};

// How much of what stands around a place it takes to be that place.
enum class PlaceWidth : uint8_t {
  kCallBefore,     // after every such call
  kCallsAround,    // after such a call and before such another one
  kTwoCallsAfter,  // and the call after that is such a one
};

struct SyncProposal {
  OpKind kind = OpKind::kSync;  // kSync, kDataSync, kSyncDirectory
  SyncedThing thing = SyncedThing::kFile;
  std::string role;
  PlaceWidth width = PlaceWidth::kCallBefore;
  // The calls that name the place: the one before it, then as many after it as the width says.
  std::vector<std::string> calls;
  std::vector<AddedSync> added;  // where that is in the trace

  // Where its first execution is, as an operation that it comes before.
  size_t first() const { return added.front().before; }
};

// Finds places in one trace.
class SyncPlaces {
 public:
  // Requires: both outlive it.
  SyncPlaces(const Trace& trace, const EngineType& type);

  // Returns: the syncs of the thing with the role right before the operation `before`, one for each
  // width; of those that run at the same operations, one that names both calls around stands for
  // all. None where the thing is not there yet.
  std::vector<SyncProposal> At(size_t before, SyncedThing thing, const std::string& role) const;

  const FileRoles& roles() const { return roles_; }

  // Returns: the call in words: "write(journal)", "begin", "acknowledge", and "end" for the end of
  // the trace; with its frames, so that the same call from elsewhere is another one.
  const std::string& CallAt(size_t op) const { return calls_[op]; }

 private:
  std::vector<std::string> Around(size_t before, PlaceWidth width) const;
  InodeId ThingAt(size_t before, SyncedThing thing, const std::string& role) const;

  const Trace& trace_;
  FileRoles roles_;
  std::vector<std::string> calls_;
};

// Returns: "fsync of store", "fsync of the directory of journal".
std::string ThingText(const SyncProposal& proposal);

// Returns: "after unlink(journal), before the commit returns".
std::string PlaceText(const SyncProposal& proposal);

}  // namespace plugpull
