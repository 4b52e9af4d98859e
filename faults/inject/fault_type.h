// The kinds of faults beyond the disk's contract. Adding one is a file that defines a FaultType and
// a line in fault_types.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "faults/base/error.h"
#include "faults/base/random.h"
#include "faults/inject/fault_call.h"
#include "faults/inject/page_site.h"
#include "faults/vfs/byte_patch.h"

namespace plugpull {

// What a fault does its damage to.
enum class FaultScope : uint8_t {
  kCrash,  // nothing but what survives the crash; the legal ones
  kSyncs,  // syncs that lie
  kTear,   // how writes are cut
  kPages,  // pages that were written and synced
};

struct FaultType {
  FaultLevel level;
  FaultScope scope = FaultScope::kCrash;
  std::vector<FaultArgument> arguments = {};  // of a specification
  std::vector<FaultArgument> place = {};      // of an instance

  // kPages: chooses what to try at a site, all if that is not too much, else at random. Appends to
  // `chosen`. Returns: how many there are to choose from.
  uint64_t (*choose)(const PageSite& site, const FaultCall& specification, Random& random,
                     FaultCalls& chosen) = nullptr;

  // kPages: what an instance changes. Errors: kCorrupt when the site does not have that place.
  Expected<std::vector<BytePatch>> (*patches)(const PageSite& site,
                                              const FaultCall& instance) = nullptr;
};

// Returns: the type of each FaultLevel, in that order.
const std::vector<FaultType>& FaultTypes();

inline const FaultType& TypeOf(const FaultCall& call) {
  return FaultTypes()[static_cast<size_t>(call.level)];
}

// The types beyond the contract, each in a file of its own.
FaultType LyingFlush();
FaultType StalePage();
FaultType MisdirectedWrite();
FaultType ZeroedPage();
FaultType SubSectorTear();
FaultType BitRot();

}  // namespace plugpull
