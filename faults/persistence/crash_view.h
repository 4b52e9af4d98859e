// A Vfs on which a recovering engine sees what a crash left, decided as it is read (lazy_disk.h),
// with what the engine itself has written on top. One execution stands for all crash states that
// agree with its choices.
//
// Only what a question depends on is asked: not "which version is this sector?", but "is the newest
// write that changes these bytes here?"; not "how long is the file?", but "is it at least this
// long?". See lazy-exploration in the measurements of README.md for what that saves.
//
// The power may fail again while the engine is at it. A view that is watched writes down what the
// engine does (recovery_log.h) and asks at each point where a crash would leave something new
// whether it comes now. From then on every call fails, as the process is gone.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "faults/persistence/choices.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/epoch_rule.h"
#include "faults/persistence/lazy_disk.h"
#include "faults/persistence/overlay.h"
#include "faults/persistence/recovery_log.h"
#include "faults/vfs/file_lock.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

class CrashView final : public Vfs {
 public:
  // Requires: `graph` and `choices` outlive the view.
  CrashView(CrashGraph& graph, Choices& choices) : disk_(graph, choices) {}

  // A view of what is left when the power fails in a recovery that began on `below`.
  CrashView(CrashGraph& graph, Choices& choices, LazyDisk& below) : disk_(graph, choices, below) {}

  LazyDisk& disk() { return disk_; }
  const LazyDisk& disk() const { return disk_; }

  // Starts an execution, with all choices open that belong to the first crash.
  // Requires: no file of this view is open.
  void Restart();

  // Lets go of what the engine before has written. Requires: no file of this view is open.
  void Clear();

  // Writes what the engine does into `log`, which it clears, and lets the power fail where the
  // path says so. Until Restart, Clear or StopWatching. Requires: `log` outlives that.
  void Watch(RecoveryLog& log);
  void StopWatching() { log_ = nullptr; }

  // Asks whether the power fails now, if that would leave anything new. For the end of a recovery;
  // calls ask by themselves. Returns: true when the power has failed, now or before.
  bool PowerFails();

  // Returns: true when the power has failed.
  bool is_dead() const { return is_dead_; }

  // What to call at the moment when the power fails.
  void OnDeath(std::function<void()> on_death) { on_death_ = std::move(on_death); }

  // Returns: true when the execution has changed anything.
  bool modified() const { return modified_; }

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override;
  Expected<void> Unlink(std::string_view path) override;
  Expected<void> Rename(std::string_view from, std::string_view to) override;
  Expected<void> Link(std::string_view existing, std::string_view added) override;
  Expected<void> MakeDirectory(std::string_view path) override;
  Expected<void> RemoveDirectory(std::string_view path) override;
  Expected<void> SyncDirectory(std::string_view path) override;
  Expected<bool> Exists(std::string_view path) override;
  Expected<std::vector<std::string>> List(std::string_view path) override;

  // What a path names.
  struct Entry {
    enum class Kind : uint8_t { kFile, kDirectory, kLink };
    InodeId inode = kNoInode;
    Kind kind = Kind::kFile;
  };

  // Errors: kNotFound, where a directory on the way is missing, too.
  Expected<Entry> Find(std::string_view path);

  // Returns: the text of a symbolic link. Links are not followed by any other call.
  Expected<std::string> ReadLink(std::string_view path);

  // Returns: an attribute by its key in Image::attributes; nothing when it was never set.
  // Requires: the view is of a first crash.
  Expected<std::optional<std::string>> Attribute(std::string_view path, std::string_view key);

 private:
  friend class CrashViewFile;

  // A file as this execution sees it.
  struct File {
    LazyDisk::File on_disk;
    OverlayFile overlay;
    FileLock lock;
  };
  struct CellOverride {
    InodeId directory;
    std::string name;
    InodeId target;
  };
  struct Place {
    InodeId directory;
    std::string_view name;
  };

  bool AskPower();
  // The steps of an operation: the power may fail before it, what it changes is looked at, it is
  // written down. Announce and Issue return an error when the power fails, or has failed.
  Expected<void> Announce(const Op& op);
  void NoteName(InodeId directory, std::string_view name);
  void NoteSize(File& file, uint64_t size_bytes, bool is_exact);
  void Append(Op op, std::span<const std::byte> payload = {});
  // An operation that changes nothing here.
  Expected<void> Issue(const Op& op);
  Expected<void> ChangeName(Op op, const Place& place, InodeId target);

  Expected<Place> Locate(std::string_view path);
  InodeId Lookup(InodeId directory, std::string_view name);
  void SetCell(InodeId directory, std::string_view name, InodeId target);
  bool IsDirectory(InodeId inode) const;
  bool MayHinderRename(InodeId directory, std::string_view name, InodeId moved);
  Expected<InodeId> ResolveDirectory(std::string_view path);
  std::vector<std::string> NamesIn(InodeId directory);
  File& FileOf(InodeId inode);

  size_t Read(File& file, uint64_t offset_bytes, std::span<std::byte> out);
  void ReadCrashState(File& file, uint64_t offset_bytes, std::span<std::byte> out);
  uint64_t SizeWithin(File& file, uint64_t low_bytes, uint64_t high_bytes);
  Expected<void> Write(File& file, uint64_t offset_bytes, std::span<const std::byte> data);
  Expected<void> Truncate(File& file, uint64_t size_bytes);
  void Cut(File& file, uint64_t size_bytes);
  Expected<void> Allocate(File& file, uint64_t offset_bytes, uint64_t size_bytes);

  LazyDisk disk_;
  bool modified_ = false;
  std::deque<File> files_;  // the first file_count_ are in use; addresses are stable
  size_t file_count_ = 0;
  std::vector<CellOverride> overrides_;
  std::vector<InodeId> new_directories_;
  InodeId next_inode_ = kNoInode;
  OverlayPool pool_;
  RecoveryLog* log_ = nullptr;
  std::optional<EpochRule> epochs_;
  std::function<void()> on_death_;
  bool is_dead_ = false;
};

}  // namespace plugpull
