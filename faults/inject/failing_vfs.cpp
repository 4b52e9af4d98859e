#include "faults/inject/failing_vfs.h"

#include "faults/base/assert.h"
#include "faults/inject/failing_file.h"

namespace plugpull {
namespace {

// Returns: the error of a call on names that was made to fail.
std::optional<Error> FailureOf(FailurePoint point, std::string_view path) {
  const FailureQuestion question{point, path, 0, 0};
  const auto failure = AskWhetherToFail(question);
  if (!failure) return std::nullopt;
  return InjectedError(question, *failure).error();
}

}  // namespace

Expected<std::unique_ptr<VfsFile>> FailingVfs::Open(std::string_view path, OpenOptions options) {
  if (auto error = FailureOf(FailurePoint::kOpen, path)) return std::unexpected(*error);
  Expected<std::unique_ptr<VfsFile>> file = inner_.Open(path, options);
  if (!file) return file;
  const Expected<InodeId> inode = inner_.image().names.Resolve(path);
  Assert(inode.has_value(), "a file that was opened has its name");
  SyncedFile& state = files_[*inode];
  if (options.truncate) {
    state.blocks.Truncate(0);
    state.dirty.clear();
    state.dropped.clear();
  }
  return std::make_unique<FailingFile>(std::string(path), std::move(*file), state, report_,
                                       options.synchronous_writes.has_value());
}

Expected<void> FailingVfs::Unlink(std::string_view path) {
  if (auto error = FailureOf(FailurePoint::kUnlink, path)) return std::unexpected(*error);
  return inner_.Unlink(path);
}

Expected<void> FailingVfs::Rename(std::string_view from, std::string_view to) {
  if (auto error = FailureOf(FailurePoint::kRename, from)) return std::unexpected(*error);
  return inner_.Rename(from, to);
}

Expected<void> FailingVfs::Link(std::string_view existing, std::string_view added) {
  if (auto error = FailureOf(FailurePoint::kLink, existing)) return std::unexpected(*error);
  return inner_.Link(existing, added);
}

Expected<void> FailingVfs::MakeDirectory(std::string_view path) {
  if (auto error = FailureOf(FailurePoint::kMakeDirectory, path)) return std::unexpected(*error);
  return inner_.MakeDirectory(path);
}

Expected<void> FailingVfs::RemoveDirectory(std::string_view path) {
  if (auto error = FailureOf(FailurePoint::kRemoveDirectory, path)) return std::unexpected(*error);
  return inner_.RemoveDirectory(path);
}

Expected<void> FailingVfs::SyncDirectory(std::string_view path) {
  if (auto error = FailureOf(FailurePoint::kSyncDirectory, path)) return std::unexpected(*error);
  return inner_.SyncDirectory(path);
}

Expected<bool> FailingVfs::Exists(std::string_view path) {
  if (auto error = FailureOf(FailurePoint::kExists, path)) return std::unexpected(*error);
  return inner_.Exists(path);
}

Expected<std::vector<std::string>> FailingVfs::List(std::string_view path) {
  if (auto error = FailureOf(FailurePoint::kList, path)) return std::unexpected(*error);
  return inner_.List(path);
}

}  // namespace plugpull
