#include "faults/persistence/crash_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "faults/base/assert.h"

namespace plugpull {

// A handle on a file of the view. The view outlives it.
class CrashViewFile final : public VfsFile {
 public:
  CrashViewFile(CrashView& view, CrashView::File& file) : view_(view), file_(file) {}
  ~CrashViewFile() override { file_.lock.Move(held_, LockLevel::kNone); }

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    return view_.Read(file_, offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    view_.Write(file_, offset_bytes, data);
    return {};
  }
  Expected<void> Truncate(uint64_t size_bytes) override {
    view_.Truncate(file_, size_bytes);
    return {};
  }
  Expected<void> Sync(SyncKind /*kind*/) override { return {}; }
  Expected<uint64_t> Size() override {
    return view_.SizeWithin(file_, 0, OverlayFile::kNothingForgotten);
  }
  Expected<bool> Lock(LockLevel level) override { return file_.lock.Move(held_, level); }

 private:
  CrashView& view_;
  CrashView::File& file_;
  LockLevel held_ = LockLevel::kNone;
};

void CrashView::Restart() {
  choices_.Restart(graph_.constraints());
  for (size_t i = 0; i < file_count_; ++i) files_[i].overlay.Clear();
  file_count_ = 0;
  overrides_.clear();
  new_directories_.clear();
  next_inode_ = kFirstNewInode;
  pool_.Reset();
  modified_ = false;
}

bool CrashView::Kept(VariableId variable) {
  if (graph_.constraints().fate(variable) == Fate::kOpen) choices_.Choose(variable);
  return graph_.constraints().fate(variable) == Fate::kKept;
}

// --- Names ---

InodeId CrashView::ChosenTarget(const OpenCell& cell) {
  const Constraints& constraints = graph_.constraints();
  // The entries are a chain (E3): the kept ones come first. Ask about the newest entry that changes
  // what the name stands for, until only entries that do not are open.
  for (size_t i = cell.entries.size(); i-- > 0;) {
    const OpenCell::Entry& entry = cell.entries[i];
    const InodeId before = i == 0 ? cell.base : cell.entries[i - 1].target;
    if (constraints.fate(entry.variable) == Fate::kLost) continue;
    if (constraints.fate(entry.variable) == Fate::kKept) return entry.target;
    if (entry.target == before) continue;
    if (Kept(entry.variable)) return entry.target;
  }
  return cell.base;
}

InodeId CrashView::Lookup(InodeId directory, std::string_view name) {
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) return cell.target;
  }
  if (const OpenCell* cell = graph_.FindCell(directory, name)) return ChosenTarget(*cell);
  return graph_.cursor().durable().names.At(directory, name);
}

void CrashView::SetCell(InodeId directory, std::string_view name, InodeId target) {
  modified_ = true;
  for (CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) {
      cell.target = target;
      return;
    }
  }
  overrides_.push_back({directory, std::string(name), target});
}

bool CrashView::IsDirectory(InodeId inode) const {
  if (std::ranges::find(new_directories_, inode) != new_directories_.end()) return true;
  if (graph_.cursor().durable().names.IsDirectory(inode)) return true;
  for (const Effect& effect : graph_.cursor().pending()) {
    if (effect.kind == EffectKind::kInode && effect.inode == inode) return effect.is_directory;
  }
  return false;
}

Expected<CrashView::Place> CrashView::Locate(std::string_view path) {
  InodeId directory = kRootInode;
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("empty path component in '{}'", path));
    }
    if (slash == std::string_view::npos) return Place{directory, component};
    directory = Lookup(directory, component);
    if (directory == kNoInode || !IsDirectory(directory)) {
      return Fail(ErrorCode::kNotFound, fmt::format("no directory '{}'", component), ENOENT);
    }
    path.remove_prefix(slash + 1);
  }
}

CrashView::File& CrashView::FileOf(InodeId inode) {
  for (size_t i = 0; i < file_count_; ++i) {
    if (files_[i].inode == inode) return files_[i];
  }
  if (file_count_ == files_.size()) files_.emplace_back();
  File& file = files_[file_count_++];
  file.inode = inode;
  file.lock = FileLock();
  file.open = graph_.FindFile(inode);
  const auto& durable = graph_.cursor().durable().files;
  const auto base = durable.find(inode);
  file.base = base == durable.end() ? nullptr : &base->second;
  return file;
}

Expected<std::unique_ptr<VfsFile>> CrashView::Open(std::string_view path, OpenOptions options) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode) {
    if (!options.create) {
      return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
    }
    inode = next_inode_++;
    SetCell(place->directory, place->name, inode);
  } else if (options.create && options.exclusive) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  } else if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  } else if (options.truncate) {
    Truncate(FileOf(inode), 0);
  }
  return std::make_unique<CrashViewFile>(*this, FileOf(inode));
}

Expected<void> CrashView::Unlink(std::string_view path) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  }
  SetCell(place->directory, place->name, kNoInode);
  return {};
}

// What the new name stood for is asked only where it could make a difference: else it is
// overwritten unread.
bool CrashView::MayHinderRename(InodeId directory, std::string_view name, InodeId moved) {
  const auto hinders = [this, moved](InodeId target) {
    return target == moved || (target != kNoInode && (IsDirectory(moved) || IsDirectory(target)));
  };
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) return hinders(cell.target);
  }
  const OpenCell* cell = graph_.FindCell(directory, name);
  if (cell == nullptr) return hinders(graph_.cursor().durable().names.At(directory, name));
  return hinders(cell->base) ||
         std::ranges::any_of(cell->entries, hinders, &OpenCell::Entry::target);
}

Expected<void> CrashView::Rename(std::string_view from, std::string_view to) {
  const Expected<Place> source = Locate(from);
  if (!source) return std::unexpected(source.error());
  const Expected<Place> target = Locate(to);
  if (!target) return std::unexpected(target.error());
  const InodeId inode = Lookup(source->directory, source->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", from), ENOENT);
  const bool moves_directory = IsDirectory(inode);
  if (moves_directory && IsInside(to, from)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is inside '{}'", to, from), EINVAL);
  }
  if (MayHinderRename(target->directory, target->name, inode)) {
    const InodeId replaced = Lookup(target->directory, target->name);
    if (replaced == inode) return {};  // two names of one file: both stay
    if (replaced != kNoInode) {
      const Expected<void> same_kind = CheckSameKind(moves_directory, IsDirectory(replaced), to);
      if (!same_kind) return same_kind;
      if (moves_directory && !NamesIn(replaced).empty()) {
        return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", to), ENOTEMPTY);
      }
    }
  }
  SetCell(source->directory, source->name, kNoInode);
  SetCell(target->directory, target->name, inode);
  return {};
}

Expected<void> CrashView::Link(std::string_view existing, std::string_view added) {
  const Expected<Place> source = Locate(existing);
  if (!source) return std::unexpected(source.error());
  const Expected<Place> target = Locate(added);
  if (!target) return std::unexpected(target.error());
  const InodeId inode = Lookup(source->directory, source->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", existing), ENOENT);
  }
  if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", existing), EPERM);
  }
  if (Lookup(target->directory, target->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", added), EEXIST);
  }
  SetCell(target->directory, target->name, inode);
  return {};
}

Expected<void> CrashView::MakeDirectory(std::string_view path) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  if (Lookup(place->directory, place->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  }
  const InodeId inode = next_inode_++;
  new_directories_.push_back(inode);
  SetCell(place->directory, place->name, inode);
  return {};
}

Expected<void> CrashView::RemoveDirectory(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  if (!NamesIn(*directory).empty()) {
    return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", path), ENOTEMPTY);
  }
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  SetCell(place->directory, place->name, kNoInode);
  return {};
}

Expected<void> CrashView::SyncDirectory(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return {};
}

Expected<bool> CrashView::Exists(std::string_view path) {
  if (path.empty()) return true;
  const Expected<Place> place = Locate(path);
  if (!place) return false;
  return Lookup(place->directory, place->name) != kNoInode;
}

Expected<std::vector<std::string>> CrashView::List(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return NamesIn(*directory);
}

Expected<InodeId> CrashView::ResolveDirectory(std::string_view path) {
  if (path.empty()) return kRootInode;
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  if (!IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is not a directory", path), ENOTDIR);
  }
  return inode;
}

std::vector<std::string> CrashView::NamesIn(InodeId directory) {
  std::vector<std::string> names = graph_.cursor().durable().names.Names(directory);
  for (const OpenCell& cell : graph_.cells()) {
    if (cell.directory == directory) names.emplace_back(cell.name);
  }
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory) names.push_back(cell.name);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [this, directory](const std::string& name) {
    return Lookup(directory, name) == kNoInode;
  });
  return names;
}

// --- Sizes ---

// Returns: the size, clamped to [low, high]. Asks only as much as that needs.
uint64_t CrashView::SizeWithin(File& file, uint64_t low_bytes, uint64_t high_bytes) {
  if (file.overlay.size_bytes) return std::clamp(*file.overlay.size_bytes, low_bytes, high_bytes);
  const uint64_t base = file.base == nullptr ? 0 : file.base->size_bytes();
  if (file.open == nullptr) return std::clamp(base, low_bytes, high_bytes);
  const Constraints& constraints = graph_.constraints();
  const std::vector<SizeEntry>& sizes = file.open->sizes;
  for (size_t i = sizes.size(); i-- > 0;) {
    const uint64_t size = std::clamp(sizes[i].size_bytes, low_bytes, high_bytes);
    const uint64_t before =
        std::clamp(i == 0 ? base : sizes[i - 1].size_bytes, low_bytes, high_bytes);
    if (constraints.fate(sizes[i].variable) == Fate::kLost) continue;
    if (constraints.fate(sizes[i].variable) == Fate::kKept) return size;
    if (size == before) continue;
    if (Kept(sizes[i].variable)) return size;
  }
  return std::clamp(base, low_bytes, high_bytes);
}

// --- Bytes ---

size_t CrashView::Read(File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (out.empty()) return 0;
  const uint64_t end_bytes = SizeWithin(file, offset_bytes, offset_bytes + out.size());
  const size_t length = end_bytes - offset_bytes;
  size_t done = 0;
  while (done < length) {
    const uint64_t position = offset_bytes + done;
    const size_t in_page = position % kPageBytes;
    const size_t count = std::min(length - done, kPageBytes - in_page);
    const OverlayPage* page = file.overlay.PageAt(position / kPageBytes);
    if (page == nullptr) {
      ReadCrashState(file, position, out.subspan(done, count));
      done += count;
      continue;
    }
    bool written = false;
    const size_t run_end = page->RunEnd(in_page, in_page + count, written);
    const size_t run = run_end - in_page;
    if (written) {
      std::memcpy(out.data() + done, page->bytes() + in_page, run);
    } else {
      ReadCrashState(file, position, out.subspan(done, run));
    }
    done += run;
  }
  return length;
}

// Reads what the crash left, within one page.
void CrashView::ReadCrashState(File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (offset_bytes + out.size() > file.overlay.forgotten_from_bytes) {
    const size_t remembered = file.overlay.forgotten_from_bytes > offset_bytes
                                  ? file.overlay.forgotten_from_bytes - offset_bytes
                                  : 0;
    std::ranges::fill(out.subspan(remembered), std::byte{0});
    out = out.first(remembered);
    if (out.empty()) return;
  }
  if (file.base != nullptr) {
    file.base->ReadStored(offset_bytes, out);
  } else {
    std::memset(out.data(), 0, out.size());
  }
  if (file.open == nullptr) return;
  const uint64_t unit_bytes = graph_.unit_bytes();
  const uint64_t end_bytes = offset_bytes + out.size();
  if (file.open->has_truncate) {
    for (uint64_t position = offset_bytes; position < end_bytes;) {
      const uint64_t unit = position / unit_bytes;
      const uint64_t piece_end = std::min(end_bytes, (unit + 1) * unit_bytes);
      const auto chain = std::ranges::lower_bound(file.open->chains, unit, {}, &UnitChain::unit);
      const bool found = chain != file.open->chains.end() && chain->unit == unit;
      ReadWithTruncates(*file.open, found ? &*chain : nullptr, position,
                        out.subspan(position - offset_bytes, piece_end - position));
      position = piece_end;
    }
    return;
  }
  auto chain =
      std::ranges::lower_bound(file.open->chains, offset_bytes / unit_bytes, {}, &UnitChain::unit);
  for (; chain != file.open->chains.end() && chain->unit * unit_bytes < end_bytes; ++chain) {
    const uint64_t unit_start = chain->unit * unit_bytes;
    const uint64_t begin = std::max(unit_start, offset_bytes);
    const uint64_t end = std::min(unit_start + unit_bytes, end_bytes);
    ReadChain(*chain, begin - unit_start, out.subspan(begin - offset_bytes, end - begin));
  }
}

// The entries are a chain (E1): the kept ones come first. Ask about the newest entry that changes
// the bytes in question.
void CrashView::ReadChain(const UnitChain& chain, size_t begin, std::span<std::byte> out) {
  const Constraints& constraints = graph_.constraints();
  for (size_t i = chain.entries.size(); i-- > 0;) {
    const UnitEntry& entry = chain.entries[i];
    Fate fate = constraints.fate(entry.variable);
    if (fate == Fate::kLost) continue;
    if (fate == Fate::kOpen) {
      const std::byte* before = i == 0 ? chain.base : chain.entries[i - 1].version;
      const size_t from = std::max<size_t>(entry.begin, begin);
      const size_t to = std::min<size_t>(entry.end, begin + out.size());
      const bool matters =
          from < to && std::memcmp(before + from, entry.version + from, to - from) != 0;
      if (!matters) continue;
      if (!Kept(entry.variable)) continue;
    }
    std::memcpy(out.data(), entry.version + begin, out.size());
    return;
  }
  std::memcpy(out.data(), chain.base + begin, out.size());
}

// The general case: truncates of the file are not ordered with its writes, so what a byte says is
// settled newest first, until every byte asked for is known. `out` holds the durable bytes.
void CrashView::ReadWithTruncates(const OpenFile& open, const UnitChain* chain,
                                  uint64_t offset_bytes, std::span<std::byte> out) {
  const uint64_t unit_start = offset_bytes / graph_.unit_bytes() * graph_.unit_bytes();
  std::vector<char> known(out.size(), 0);
  size_t unknown = out.size();
  size_t next_write = chain == nullptr ? 0 : chain->entries.size();
  size_t next_size = open.sizes.size();
  // Settles the bytes [begin, end) of the file with what `source` says, or zeros.
  const auto settle = [&](uint64_t begin, uint64_t end, const std::byte* source,
                          VariableId variable) {
    const uint64_t from = std::max(begin, offset_bytes);
    const uint64_t to = std::min(end, offset_bytes + out.size());
    bool matters = false;
    for (uint64_t at = from; at < to && !matters; ++at) matters = known[at - offset_bytes] == 0;
    if (!matters || !Kept(variable)) return;
    for (uint64_t at = from; at < to; ++at) {
      char& is_known = known[at - offset_bytes];
      if (is_known != 0) continue;
      out[at - offset_bytes] = source == nullptr ? std::byte{0} : source[at - begin];
      is_known = 1;
      --unknown;
    }
  };
  while (unknown > 0 && (next_write > 0 || next_size > 0)) {
    const bool size_is_newer =
        next_size > 0 && (next_write == 0 || open.sizes[next_size - 1].sequence >
                                                 chain->entries[next_write - 1].sequence);
    if (size_is_newer) {
      const SizeEntry& entry = open.sizes[--next_size];
      if (!entry.is_truncate) continue;
      settle(entry.step_bytes, OverlayFile::kNothingForgotten, nullptr, entry.variable);
    } else {
      const UnitEntry& entry = chain->entries[--next_write];
      settle(unit_start + entry.begin, unit_start + entry.end, entry.written, entry.variable);
    }
  }
}

void CrashView::Write(File& file, uint64_t offset_bytes, std::span<const std::byte> data) {
  if (data.empty()) return;
  modified_ = true;
  const uint64_t end_bytes = offset_bytes + data.size();
  const uint64_t old_size = SizeWithin(file, 0, end_bytes);
  if (old_size < end_bytes) {
    // Growing: what the crash left beyond the old end does not come back.
    file.overlay.forgotten_from_bytes = std::min(file.overlay.forgotten_from_bytes, old_size);
    file.overlay.size_bytes = end_bytes;
  }
  file.overlay.Write(pool_, offset_bytes, data);
}

void CrashView::Truncate(File& file, uint64_t size_bytes) {
  modified_ = true;
  const uint64_t old_size = SizeWithin(file, 0, size_bytes);
  file.overlay.Truncate(size_bytes);
  file.overlay.forgotten_from_bytes = std::min(file.overlay.forgotten_from_bytes, old_size);
}

}  // namespace plugpull
