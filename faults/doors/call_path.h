// Paths of a stopped call, walked by us as the program would walk them: from its working directory
// or descriptor, with its rights.
#pragma once

#include <sys/stat.h>

#include <string>

#include "faults/base/descriptor.h"
#include "faults/base/error.h"
#include "faults/doors/call_stop.h"
#include "faults/doors/door.h"

namespace plugpull {

// The place of a name, whether there is something or not.
struct Place {
  int os_errno = 0;              // why there is no such place: what the call fails with
  Descriptor parent{};           // O_PATH
  std::string last{};            // as it was given, with slashes at its end
  std::string name{};            // without them
  InodeId directory = kNoInode;  // kNoInode: outside the recorded directory

  // Returns: the status of what is there, not followed; nothing when there is nothing.
  std::optional<struct stat> Status() const;
};

// Something that a path leads to.
struct CallTarget {
  int os_errno = 0;   // why there is nothing
  Descriptor file{};  // O_PATH
  struct stat status = {};
  InodeId inode = kNoInode;

  // Returns: a path of ours that leads to it.
  std::string Path() const;
};

// How a path is walked.
struct Walk {
  int directory = 0;  // of the caller; AT_FDCWD
  std::string path{};
  uint64_t resolve = 0;  // of openat2(2)
};

// Returns: a path argument of a call, read and rewritten where it means something of the caller's
// own, such as /proc/self. os_errno: what the call fails with.
Expected<Walk> ReadWalk(CallStop& call, int directory, uint64_t address, int& os_errno);

// Returns: the place that the path names; its last component is not followed.
Expected<Place> FindPlace(Door& door, CallStop& call, const Rights& rights, const Walk& walk);

// The same for a path argument.
Expected<Place> FindPlace(Door& door, CallStop& call, const Rights& rights, int directory,
                          uint64_t address);

// Follows symbolic links at `place` to where a file is or would be made.
Expected<Place> FollowLinks(Door& door, CallStop& call, const Rights& rights, Place place);

// Returns: what a path argument leads to; flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH.
Expected<CallTarget> FindTarget(Door& door, CallStop& call, const Rights& rights, int directory,
                                uint64_t address, int flags);

// Returns: the path of a place relative to the recorded directory. Requires: it is inside.
std::string PathOf(const Door& door, const Place& place);

}  // namespace plugpull
