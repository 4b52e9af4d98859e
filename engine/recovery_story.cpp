#include "engine/recovery_story.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull {

const FileContent* FindFile(const Image& image, std::string_view path) {
  const Expected<InodeId> inode = image.names.Resolve(path);
  if (!inode) return nullptr;
  const auto file = image.files.find(*inode);
  return file == image.files.end() ? nullptr : &file->second;
}

bool HasDone(const RecoveryStory& story, VfsCallKind kind, std::string_view path) {
  return std::ranges::any_of(story.calls, [&](const StoryCall& seen) {
    return seen.is_opening && seen.call.kind == kind && seen.call.done && seen.call.path == path;
  });
}

uint32_t TransactionAt(const Trace& trace, size_t operation) {
  for (size_t i = std::min(operation + 1, trace.ops.size()); i-- > 0;) {
    if (trace.ops[i].kind == OpKind::kBegin) return trace.ops[i].transaction;
  }
  return 0;
}

std::string PlaceOf(const LostOperation& lost) {
  if (lost.transaction == 0) return fmt::format("operation {}", lost.number);
  return fmt::format("operation {} of transaction {}", lost.number, lost.transaction);
}

std::optional<size_t> LastChange(const Trace& trace, InodeId inode, size_t end) {
  for (size_t i = std::min(end, trace.ops.size()); i-- > 0;) {
    const Op& op = trace.ops[i];
    if (op.result_errno != 0 || op.inode != inode) continue;
    if (op.kind == OpKind::kWrite || op.kind == OpKind::kTruncate || op.kind == OpKind::kClone ||
        op.kind == OpKind::kAllocate) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace plugpull
