// The operations of a litmus file as a trace. Every write fills its bytes with one letter, so that
// a question can say what it found by naming the letter.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/litmus/moved_paths.h"
#include "faults/litmus/words.h"
#include "faults/trace/trace.h"
#include "faults/vfs/name_tree.h"

namespace plugpull {

// One kind of line: its first word, and what follows it.
struct LitmusOperation {
  std::string_view name;
  std::string_view takes;
};
const std::vector<LitmusOperation>& LitmusOperations();

// No file of a litmus program grows beyond this.
inline constexpr uint64_t kMostLitmusBytes = uint64_t{1} << 20;

class ProgramBuilder {
 public:
  ProgramBuilder();

  // Adds the operation that a line says. Errors: kInvalidArgument: an unknown word, a path that is
  // not there or taken, a number that is not one; the trace is then of no use any more.
  Expected<void> Add(Words words);

  // Makes everything so far durable.
  void SyncAll();

  const Trace& trace() const { return trace_; }

  // Returns: the paths that operations name, and those that what is in a folder has before and
  // after the folder moves.
  std::set<std::string> paths() const { return WithMoved(paths_, moves_); }

  // The letters that writes have filled files with.
  const std::string& letters() const { return letters_; }

 private:
  struct Table;
  friend struct Table;
  friend const std::vector<LitmusOperation>& LitmusOperations();

  struct Node {
    OpKind made_by = OpKind::kCreate;
    std::string content;  // of a file, as the program sees it
  };
  Expected<std::string> TakePath(Words& words);
  Expected<InodeId> TakeExisting(Words& words);
  Expected<InodeId> TakeFile(Words& words);
  Expected<NameCell> TakeCell(Words& words, bool taken);
  Expected<Op> TakeNewNode(Words& words, OpKind kind);
  void Push(Op op, std::string_view payload = {});
  void StoreContent(InodeId inode, uint64_t offset_bytes, std::string_view bytes);

  Expected<void> Create(Words& words);
  Expected<void> CreateUnnamed(Words& words);
  Expected<void> MakeDirectory(Words& words);
  Expected<void> Symlink(Words& words);
  Expected<void> Write(Words& words);
  Expected<void> Append(Words& words);
  Expected<void> WriteAt(InodeId inode, uint64_t offset_bytes, Words& words);
  Expected<void> Truncate(Words& words);
  Expected<void> Allocate(Words& words);
  Expected<void> Clone(Words& words);
  Expected<void> Rename(Words& words);
  Expected<void> Exchange(Words& words);
  Expected<void> Link(Words& words);
  Expected<void> Unlink(Words& words);
  Expected<void> RemoveDirectory(Words& words);
  Expected<void> Remove(Words& words, OpKind kind);
  Expected<void> SetAttribute(Words& words, const char* key);
  Expected<void> SetXattr(Words& words);
  Expected<void> RemoveXattr(Words& words);
  Expected<void> Sync(Words& words, OpKind kind);
  Expected<void> SyncMapped(Words& words);
  Expected<void> SyncRange(Words& words);

  Trace trace_;
  NameTree names_;
  std::map<InodeId, Node> nodes_;
  std::map<std::string, InodeId> unnamed_;
  std::set<std::string> paths_;
  std::vector<MovedFolder> moves_;
  std::string letters_;
  InodeId next_inode_ = kRootInode + 1;
};

}  // namespace plugpull
