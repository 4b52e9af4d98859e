// The actions of random traces on names: few places, so that they collide.
#include <cerrno>

#include "faults/trace/random_operations.h"
#include "faults/trace/trace_draft.h"

namespace plugpull {
namespace {

using Kind = TraceDraft::Kind;
using Entry = TraceDraft::Entry;
using Place = TraceDraft::Place;

bool Make(TraceDraft& draft, OpKind kind, std::string_view payload = {}) {
  const auto place = draft.AnyFreePlace(kind == OpKind::kMakeDirectory);
  return place && draft.Put({.kind = kind,
                             .inode = draft.NewInode(),
                             .directory = place->first,
                             .name = place->second},
                            payload);
}

bool HasRoomForAFile(const TraceDraft& draft) {
  return draft.disk().Inodes(Kind::kFile).size() < kMaxRandomFiles;
}

bool Create(TraceDraft& draft) { return HasRoomForAFile(draft) && Make(draft, OpKind::kCreate); }

// One beside the root.
bool MakeDirectory(TraceDraft& draft) {
  return draft.disk().Inodes(Kind::kDirectory).size() < 2 && Make(draft, OpKind::kMakeDirectory);
}

bool MakeLink(TraceDraft& draft) {
  return draft.disk().Inodes(Kind::kLink).empty() && Make(draft, OpKind::kSymlink, draft.Fresh(3));
}

bool CreateUnnamed(TraceDraft& draft) {
  return HasRoomForAFile(draft) &&
         draft.Put({.kind = OpKind::kCreateUnnamed, .inode = draft.NewInode()});
}

bool Link(TraceDraft& draft) {
  std::vector<InodeId> files = draft.disk().Inodes(Kind::kFile);
  std::erase_if(files, [&](InodeId file) {
    return !draft.disk().At(file).is_unnamed_new && !draft.disk().IsNamed(file);
  });
  const auto file = draft.AnyOf(files);
  const auto place = draft.AnyFreePlace(/*in_root=*/false);
  return file && place &&
         draft.Put({.kind = OpKind::kLink,
                    .inode = *file,
                    .other_directory = place->first,
                    .other_name = place->second});
}

bool Take(TraceDraft& draft, OpKind kind, const Entry& entry) {
  const auto& [place, inode] = entry;
  draft.Put({.kind = kind, .inode = inode, .directory = place.first, .name = place.second});
  draft.MaybeClose(inode);
  return true;
}

bool Unlink(TraceDraft& draft) {
  const auto entry =
      draft.AnyEntry([&](InodeId inode) { return !draft.Is(inode, Kind::kDirectory); });
  return entry && Take(draft, OpKind::kUnlink, *entry);
}

bool RemoveDirectory(TraceDraft& draft) {
  const auto entry = draft.AnyEntry([&](InodeId inode) {
    return draft.Is(inode, Kind::kDirectory) && draft.disk().IsEmpty(inode);
  });
  return entry && Take(draft, OpKind::kRemoveDirectory, *entry);
}

bool Move(TraceDraft& draft, OpKind kind, const Entry& from, const Place& to, InodeId other) {
  const auto& [place, inode] = from;
  return draft.Put({.kind = kind,
                    .inode = inode,
                    .directory = place.first,
                    .name = place.second,
                    .other_directory = to.first,
                    .other_name = to.second,
                    .other_inode = other});
}

bool RenameToNew(TraceDraft& draft) {
  const auto from = draft.AnyEntry([](InodeId) { return true; });
  if (!from) return false;
  const auto to = draft.AnyFreePlace(/*in_root=*/draft.Is(from->second, Kind::kDirectory));
  return to && Move(draft, OpKind::kRename, *from, *to, kNoInode);
}

bool RenameOver(TraceDraft& draft) {
  const auto from =
      draft.AnyEntry([&](InodeId inode) { return !draft.Is(inode, Kind::kDirectory); });
  if (!from) return false;
  const auto to = draft.AnyEntry(
      [&](InodeId inode) { return !draft.Is(inode, Kind::kDirectory) && inode != from->second; });
  if (!to) return false;
  Move(draft, OpKind::kRename, *from, to->first, kNoInode);
  draft.MaybeClose(to->second);
  return true;
}

bool Exchange(TraceDraft& draft) {
  const auto from = draft.AnyEntry([](InodeId) { return true; });
  if (!from) return false;
  const auto to = draft.AnyEntry([&](InodeId inode) { return inode != from->second; });
  if (!to) return false;
  const bool moves_directory =
      draft.Is(from->second, Kind::kDirectory) || draft.Is(to->second, Kind::kDirectory);
  const bool in_root = from->first.first == kRootInode && to->first.first == kRootInode;
  if (moves_directory && !in_root) return false;  // it might get into itself
  return Move(draft, OpKind::kExchange, *from, to->first, to->second);
}

bool FailToCreate(TraceDraft& draft) {
  const auto place = draft.AnyFreePlace(/*in_root=*/false);
  return place && draft.Put({.kind = OpKind::kCreate,
                             .result_errno = ENOSPC,
                             .directory = place->first,
                             .name = place->second});
}

bool SetAttribute(TraceDraft& draft) {
  // The root and links among them; of a link, some attributes cannot be set.
  const auto kind = draft.AnyOf({Kind::kFile, Kind::kFile, Kind::kDirectory, Kind::kLink});
  const auto inode = draft.AnyOf(draft.disk().Inodes(kind));
  if (!inode) return false;
  const char* name = kind == Kind::kLink ? draft.AnyOf({"owner", "times"})
                                         : draft.AnyOf({"mode", "owner", "times"});
  return draft.Put({.kind = OpKind::kSetAttribute, .inode = *inode, .name = name}, draft.Fresh(2));
}

bool SetXattr(TraceDraft& draft) {
  const auto kind = draft.AnyOf({Kind::kFile, Kind::kFile, Kind::kDirectory});
  const auto inode = draft.AnyOf(draft.disk().Inodes(kind));
  if (!inode) return false;
  const char* name = draft.AnyOf({"user.x", "user.y"});
  return draft.Put({.kind = OpKind::kSetXattr, .inode = *inode, .name = name}, draft.Fresh(2));
}

bool RemoveXattr(TraceDraft& draft) {
  std::vector<std::pair<InodeId, std::string>> keys;
  for (const auto kind : {Kind::kFile, Kind::kDirectory}) {
    for (const InodeId inode : draft.disk().Inodes(kind)) {
      for (const std::string& key : draft.disk().At(inode).xattrs) keys.emplace_back(inode, key);
    }
  }
  const auto key = draft.AnyOf(keys);
  return key && draft.Put({.kind = OpKind::kRemoveXattr, .inode = key->first, .name = key->second});
}

constexpr RandomAction kActions[] = {{&Create, 2},          {&MakeDirectory, 3}, {&MakeLink, 6},
                                     {&CreateUnnamed, 6},   {&Link, 4},          {&Unlink, 3},
                                     {&RemoveDirectory, 2}, {&RenameToNew, 4},   {&RenameOver, 3},
                                     {&Exchange, 5},        {&FailToCreate, 20}, {&SetAttribute, 6},
                                     {&SetXattr, 6},        {&RemoveXattr, 2}};

}  // namespace

std::span<const RandomAction> NameActions() { return kActions; }

}  // namespace plugpull
