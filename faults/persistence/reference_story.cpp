#include "faults/persistence/reference_story.h"

#include <algorithm>
#include <vector>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"

namespace plugpull {

InodeId Look::At(std::string_view path) const {
  return image_.names.Resolve(path).value_or(kNoInode);
}

bool Look::Has(std::string_view path) const { return At(path) != kNoInode; }

uint64_t Look::Size(std::string_view path) const {
  const auto file = image_.files.find(At(path));
  return file == image_.files.end() ? 0 : file->second.size_bytes();
}

std::string Look::Bytes(std::string_view path, uint64_t offset_bytes, size_t length) const {
  const auto file = image_.files.find(At(path));
  if (file == image_.files.end()) return "";
  std::string text(length, '\0');
  text.resize(file->second.Read(offset_bytes, std::as_writable_bytes(std::span(text))));
  return text;
}

bool Look::Is(std::string_view path, uint64_t offset_bytes, size_t length, char byte) const {
  return Bytes(path, offset_bytes, length) == std::string(length, byte);
}

std::string Look::LinkText(std::string_view path) const {
  const auto link = image_.links.find(At(path));
  return link == image_.links.end() ? "" : link->second;
}

std::string Look::Attribute(std::string_view path, std::string_view key) const {
  const auto attributes = image_.attributes.find(At(path));
  if (attributes == image_.attributes.end()) return "";
  const auto found = attributes->second.find(key);
  return found == attributes->second.end() ? "" : found->second;
}

Story::Place Story::Locate(std::string_view path) const {
  const Expected<NameCell> cell = names_.Locate(path);
  Assert(cell.has_value(), "a story names existing directories");
  return {cell->directory, cell->name};
}

InodeId Story::At(std::string_view path) const {
  const Expected<InodeId> inode = names_.Resolve(path);
  Assert(inode.has_value(), "a story names existing files");
  return *inode;
}

Op& Story::Add(OpKind kind, std::string_view payload) {
  Op& op = trace_.ops.emplace_back();
  op.kind = kind;
  op.payload_offset = trace_.payload.size();
  op.size_bytes = payload.size();
  const auto bytes = AsBytes(payload);
  trace_.payload.insert(trace_.payload.end(), bytes.begin(), bytes.end());
  return op;
}

void Story::Make(OpKind kind, std::string_view path, std::string_view text) {
  const Place place = Locate(path);
  Op& op = Add(kind, text);
  op.inode = ++last_inode_;
  op.directory = place.directory;
  op.name = place.name;
  if (kind == OpKind::kMakeDirectory) names_.AddDirectory(op.inode);
  names_.Set(place.directory, place.name, op.inode);
}

void Story::Write(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes, char byte,
                  uint32_t flags) {
  Op& op = Add(OpKind::kWrite, std::string(size_bytes, byte));
  op.inode = At(path);
  op.offset_bytes = offset_bytes;
  op.flags = flags;
}

void Story::WriteSynchronously(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes,
                               char byte, uint32_t flags) {
  Write(path, offset_bytes, size_bytes, byte);
  SyncOf(OpKind::kSyncWrite, path, offset_bytes, size_bytes, flags);
}

void Story::Clone(std::string_view source, std::string_view path, uint64_t offset_bytes,
                  uint64_t size_bytes, char byte) {
  Op& op = Add(OpKind::kClone, std::string(size_bytes, byte));
  op.inode = At(path);
  op.other_inode = At(source);
  op.offset_bytes = offset_bytes;
}

void Story::Truncate(std::string_view path, uint64_t size_bytes) {
  Op& op = Add(OpKind::kTruncate, "");
  op.inode = At(path);
  op.size_bytes = size_bytes;
}

void Story::Allocate(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes,
                     uint32_t flags) {
  SyncOf(OpKind::kAllocate, path, offset_bytes, size_bytes, flags);
}

void Story::Move(OpKind kind, std::string_view from, std::string_view to) {
  const Place old_place = Locate(from);
  const Place new_place = Locate(to);
  Op& op = Add(kind, "");
  op.inode = At(from);
  op.directory = old_place.directory;
  op.name = old_place.name;
  op.other_directory = new_place.directory;
  op.other_name = new_place.name;
  if (kind == OpKind::kExchange) op.other_inode = At(to);
  names_.Set(old_place.directory, old_place.name, op.other_inode);
  names_.Set(new_place.directory, new_place.name, op.inode);
}

void Story::Link(std::string_view existing, std::string_view added) {
  const Place place = Locate(added);
  Op& op = Add(OpKind::kLink, "");
  op.inode = At(existing);
  op.other_directory = place.directory;
  op.other_name = place.name;
  names_.Set(place.directory, place.name, op.inode);
}

void Story::Unlink(std::string_view path) {
  const Place place = Locate(path);
  Op& op = Add(OpKind::kUnlink, "");
  op.inode = At(path);
  op.directory = place.directory;
  op.name = place.name;
  names_.Set(place.directory, place.name, kNoInode);
}

void Story::SetAttribute(std::string_view path, std::string_view key, std::string_view value) {
  Op& op = Add(OpKind::kSetAttribute, value);
  op.inode = At(path);
  op.name = key;
}

void Story::SetXattr(std::string_view path, std::string_view key, std::string_view value) {
  Op& op = Add(OpKind::kSetXattr, value);
  op.inode = At(path);
  op.name = key;
}

void Story::RemoveXattr(std::string_view path, std::string_view key) {
  Op& op = Add(OpKind::kRemoveXattr, "");
  op.inode = At(path);
  op.name = key;
}

Op& Story::SyncOf(OpKind kind, std::string_view path, uint64_t offset_bytes, uint64_t size_bytes,
                  uint32_t flags) {
  Op& op = Add(kind, "");
  op.inode = At(path);
  op.offset_bytes = offset_bytes;
  op.size_bytes = size_bytes;
  op.flags = flags;
  return op;
}

void Story::SyncInVain(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes) {
  SyncOf(OpKind::kSync, path, offset_bytes, size_bytes, 0).result_errno = EIO;
}

bool Story::May(const Model& model, Tear tear,
                const std::function<bool(const Look&)>& outcome) const {
  constexpr size_t kMostStates = 100'000;
  const size_t position = trace_.ops.size();
  const auto states = ReferenceStates(trace_, position, model, tear, kMostStates);
  Assert(states.has_value() && !states->empty(), "a story has few crash states, and some");
  return std::ranges::any_of(*states, [&](const std::vector<AtomId>& lost) {
    const Image image = Materialise(trace_, position, lost, EffectiveTear(model, tear));
    return outcome(Look(image));
  });
}

}  // namespace plugpull
