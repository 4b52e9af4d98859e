// A real directory, mounted by FUSE, in which programs see a CrashView: what they read is decided
// as they read it, as for an engine in this process.
//
// The mount is in a mount namespace of the thread that makes it: only what that thread starts from
// then on sees it, and it goes with the thread, however this process ends.
#pragma once

#include <memory>
#include <string>

#include "faults/base/error.h"
#include "faults/persistence/crash_view.h"

namespace plugpull {

// Thread-safety: one thread at a time, which is not to touch the directory itself.
class FuseView {
 public:
  // Errors: kUnsupported where the machine does not let us: no /dev/fuse, no right to mount, or a
  // kernel that cannot map files whose reads are seen (6.6 can).
  static Expected<std::unique_ptr<FuseView>> Mount();

  // Requires: nobody waits for an answer about the directory but processes that may be killed.
  virtual ~FuseView() = default;
  FuseView(const FuseView&) = delete;
  FuseView& operator=(const FuseView&) = delete;

  // The directory, the same for all executions.
  virtual const std::string& path() const = 0;

  // Begins an execution, and lets programs at it. From here to Hold, nobody else may touch the
  // view; who asks about the directory before Begin or Serve, waits.
  virtual void Begin(CrashView& view) = 0;
  virtual void Serve() = 0;
  virtual void Hold() = 0;

  // Ends the execution: its files are gone, and none is open in the view. Programs wait.
  virtual void End() = 0;

  // Returns: the first thing since the last call that a program wanted and cannot have here, so
  // that what it did says nothing; or "". Requires: programs wait.
  virtual std::string TakeRefused() = 0;

 protected:
  FuseView() = default;
};

}  // namespace plugpull
