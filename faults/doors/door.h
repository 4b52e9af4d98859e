// What all stopped calls of a traced program share: the recorded directory, the trace so far, and
// the helpers by which a call is recognised as one on a recorded file.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "faults/base/error.h"
#include "faults/doors/call_failures.h"
#include "faults/doors/call_stop.h"
#include "faults/doors/call_table.h"
#include "faults/doors/directory_image.h"
#include "faults/doors/mapped_files.h"
#include "faults/doors/output_lines.h"
#include "faults/doors/recorder.h"
#include "faults/doors/watched_tree.h"

namespace plugpull {

struct Door {
  Door(const LoadedDirectory& loaded, FailurePlan plan, const struct stat& output_pipe)
      : tree(loaded), failures(std::move(plan)), output(output_pipe) {}

  WatchedTree tree;
  Recorder recorder;
  MappedFiles mapped{recorder};
  CallFailures failures;
  OutputLines output;
  std::set<std::string> outside;  // files that were opened for writing elsewhere
  dev_t device = 0;               // of the recorded directory
  mode_t own_umask = 0;           // of this process
  bool real_sync = false;
  bool has_size_limits = false;  // some process may have a limit on the size of files
  uint64_t calls_performed = 0;
  std::set<InodeId> dropped_late = {};  // a sync of them kept quiet about its failure
};

// A call on an open file of the recorded directory.
struct FileOnCall {
  ProgramFile file{};
  InodeId inode = kNoInode;
};

// Returns: the file behind a descriptor of the caller, with kNoInode when it is not recorded;
// nothing when the number is not open: the call fails with EBADF.
Expected<std::optional<FileOnCall>> FindOpenFile(Door& door, CallStop& call, int number);

// Called once it is clear that a call is on a recorded file, before it is executed: what was stored
// to mappings until now comes before it.
Expected<void> Approach(Door& door, MappedFiles::Moment moment = MappedFiles::Moment::kCall);

// Returns: how this call is to fail, if the plan says so.
std::optional<Failure> AskPlan(Door& door, const CallStop& call, InodeId inode,
                               uint64_t offset_bytes = 0, uint64_t size_bytes = 0);
std::optional<Failure> AskPlan(Door& door, const CallStop& call, const std::string& path);

// Returns: `result`, or the errno of a system call of ours, as the kernel returns it.
inline int64_t ResultOf(int64_t result) { return result < 0 ? -int64_t{errno} : result; }

// Records a call that no model knows, on a file or on kNoInode.
void RecordUnmodelled(Door& door, InodeId inode, std::string what);

// Notes a file outside the recorded directory that is about to be written to, if it is one that
// counts: a regular file on a file system that keeps files.
void NoteOutside(Door& door, const struct stat& status, int descriptor);

// The same for a file that is about to be made in the directory open as `directory`.
void NoteOutside(Door& door, int directory, const std::string& name);

// The calling thread acts with somebody else's rights while this lives: what it may open, and who
// owns what it makes. Costs nothing where the rights are ours.
class ActingAs {
 public:
  explicit ActingAs(const Rights& rights);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  bool changed_ = false;
};

}  // namespace plugpull
