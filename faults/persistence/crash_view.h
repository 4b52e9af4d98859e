// A Vfs on which a recovering engine sees what a power cut may have left, decided as it is read.
// Every undecided atom starts open. A read whose value depends on open atoms makes the few choices
// that it depends on; what is never read stays open, so that one execution stands for all crash
// states that agree with its choices (Jaaru, ASPLOS'21; PerSeVerE, POPL'21).
//
// Only what a question depends on is asked: not "which version is this sector?", but "is the newest
// write that changes these bytes here?"; not "how long is the file?", but "is it at least this
// long?". See lazy-exploration in the measurements of README.md for what that saves.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "faults/persistence/choices.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/overlay.h"
#include "faults/vfs/file_lock.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

class CrashView final : public Vfs {
 public:
  // Requires: `graph` and `choices` outlive the view.
  CrashView(CrashGraph& graph, Choices& choices) : graph_(graph), choices_(choices) {}

  // Starts an execution. Requires: no file of this view is open.
  void Restart();

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

  // Returns: the text of a symbolic link. Links are not followed by any other call.
  Expected<std::string> ReadLink(std::string_view path);

  // Returns: an attribute by its key in Image::attributes; nothing when it was never set.
  Expected<std::optional<std::string>> Attribute(std::string_view path, std::string_view key);

 private:
  friend class CrashViewFile;

  // A file as this execution sees it.
  struct File {
    InodeId inode = kNoInode;
    const OpenFile* open = nullptr;     // null: nothing about it is undecided
    const FileContent* base = nullptr;  // null: nothing durable
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

  // Inodes that the execution itself creates are numbered from here.
  static constexpr InodeId kFirstNewInode = 0x80000000;

  bool Kept(VariableId variable);
  Expected<Place> Locate(std::string_view path);
  InodeId Lookup(InodeId directory, std::string_view name);
  InodeId ChosenTarget(const OpenCell& cell);
  void SetCell(InodeId directory, std::string_view name, InodeId target);
  bool IsDirectory(InodeId inode) const;
  const Effect* FindCreation(InodeId inode) const;
  bool IsLink(InodeId inode) const;
  bool MayHinderRename(InodeId directory, std::string_view name, InodeId moved);
  Expected<InodeId> ResolveDirectory(std::string_view path);
  std::vector<std::string> NamesIn(InodeId directory);
  File& FileOf(InodeId inode);

  size_t Read(File& file, uint64_t offset_bytes, std::span<std::byte> out);
  void ReadCrashState(File& file, uint64_t offset_bytes, std::span<std::byte> out);
  void ReadChain(const UnitChain& chain, size_t begin, std::span<std::byte> out);
  void ReadMixed(const OpenFile& open, const UnitChain* chain, uint64_t offset_bytes,
                 std::span<std::byte> out);
  bool ShowsStaleBytes(const UnitChain& chain);
  uint64_t SizeWithin(File& file, uint64_t low_bytes, uint64_t high_bytes);
  uint64_t LooseSizeWithin(const File& file, uint64_t low_bytes, uint64_t high_bytes);
  void Write(File& file, uint64_t offset_bytes, std::span<const std::byte> data);
  void Truncate(File& file, uint64_t size_bytes);

  CrashGraph& graph_;
  Choices& choices_;
  bool modified_ = false;
  std::deque<File> files_;  // the first file_count_ are in use; addresses are stable
  size_t file_count_ = 0;
  std::vector<CellOverride> overrides_;
  std::vector<InodeId> new_directories_;
  InodeId next_inode_ = kFirstNewInode;
  OverlayPool pool_;
};

}  // namespace plugpull
