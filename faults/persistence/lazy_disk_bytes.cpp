// The sizes and bytes that a LazyDisk shows. Names are in lazy_disk.cpp.
#include <algorithm>
#include <cstring>

#include "faults/persistence/lazy_disk.h"
#include "faults/persistence/stale.h"

namespace plugpull {

// --- Sizes ---

uint64_t LazyDisk::SizeWithin(const File& file, uint64_t low_bytes, uint64_t high_bytes) {
  uint64_t base = file.base == nullptr ? 0 : file.base->size_bytes();
  if (below_ != nullptr) {
    const CrashCursor& cursor = graph_.cursor();
    if (!cursor.KnowsSize(file.inode)) {
      return below_->SizeWithin(below_->Find(file.inode), low_bytes, high_bytes);
    }
    const auto durable = cursor.durable().files.find(file.inode);
    base = durable == cursor.durable().files.end() ? 0 : durable->second.size_bytes();
  }
  if (file.open == nullptr) return std::clamp(base, low_bytes, high_bytes);
  if (!file.open->sizes_are_chain) return LooseSizeWithin(file, low_bytes, high_bytes);
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

// The general case: the newest truncate that is kept, raised by the writes after it that are.
uint64_t LazyDisk::LooseSizeWithin(const File& file, uint64_t low_bytes, uint64_t high_bytes) {
  const std::vector<SizeEntry>& sizes = file.open->sizes;
  const auto within = [&](uint64_t size) { return std::clamp(size, low_bytes, high_bytes); };
  uint64_t raised = low_bytes;
  for (size_t i = sizes.size(); i-- > 0;) {
    const uint64_t size = std::max(raised, within(sizes[i].step_bytes));
    // What the size can be when this entry is lost.
    uint64_t least = std::max(raised, within(file.open->base_size_bytes));
    uint64_t most = least;
    for (size_t older = 0; older < i; ++older) {
      const uint64_t other = std::max(raised, within(sizes[older].step_bytes));
      if (sizes[older].is_truncate) least = std::min(least, other);
      most = std::max(most, other);
    }
    const bool matters = sizes[i].is_truncate ? least != size || most != size : least < size;
    const Fate fate = graph_.constraints().fate(sizes[i].variable);
    if (fate == Fate::kLost || (fate == Fate::kOpen && !matters)) continue;
    if (!Kept(sizes[i].variable)) continue;
    if (sizes[i].is_truncate) return size;
    raised = size;
  }
  return std::max(raised, within(file.open->base_size_bytes));
}

// --- Bytes ---

bool LazyDisk::ReadCertain(InodeId inode, uint64_t offset_bytes, std::span<std::byte> out) {
  for (LazyDisk* disk = this; disk != nullptr; disk = disk->below_) {
    disk->asks_ = false;
    disk->uncertain_ = false;
  }
  ReadBase(Find(inode), offset_bytes, out);
  bool certain = true;
  for (LazyDisk* disk = this; disk != nullptr; disk = disk->below_) {
    disk->asks_ = true;
    certain = certain && !disk->uncertain_;
  }
  return certain;
}

// Reads what this crash has no say in: what is durable, and what the crash before left.
void LazyDisk::ReadBase(const File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (below_ == nullptr) {
    if (file.base != nullptr) {
      file.base->ReadStored(offset_bytes, out);
    } else {
      std::memset(out.data(), 0, out.size());
    }
    return;
  }
  const CrashCursor& cursor = graph_.cursor();
  // What the crash before left beyond the end that the recovery found does not come back.
  uint64_t forgotten_from = UINT64_MAX;
  if (cursor.KnowsSize(file.inode)) forgotten_from = cursor.FoundSize(file.inode);
  if (file.durable != nullptr) {
    forgotten_from = std::min(forgotten_from, file.durable->forgotten_from_bytes);
  }
  for (size_t done = 0; done < out.size();) {
    const uint64_t position = offset_bytes + done;
    const size_t in_page = position % kPageBytes;
    size_t count = std::min(out.size() - done, kPageBytes - in_page);
    const OverlayPage* page =
        file.durable == nullptr ? nullptr : file.durable->PageAt(position / kPageBytes);
    bool written = false;
    if (page != nullptr) count = page->RunEnd(in_page, in_page + count, written) - in_page;
    const std::span<std::byte> run = out.subspan(done, count);
    done += count;
    if (written) {
      std::memcpy(run.data(), page->bytes() + in_page, count);
      continue;
    }
    const size_t remembered =
        forgotten_from > position ? std::min<uint64_t>(count, forgotten_from - position) : 0;
    std::ranges::fill(run.subspan(remembered), std::byte{0});
    if (remembered == 0) continue;
    below_->Read(below_->Find(file.inode), position, run.first(remembered));
  }
}

void LazyDisk::Read(const File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (file.open == nullptr) {
    ReadBase(file, offset_bytes, out);
    return;
  }
  if (below_ != nullptr || file.open->is_mixed) {
    ReadUnits(file, offset_bytes, out);
    return;
  }
  ReadBase(file, offset_bytes, out);
  const uint64_t unit_bytes = graph_.unit_bytes();
  const uint64_t end_bytes = offset_bytes + out.size();
  auto chain =
      std::ranges::lower_bound(file.open->chains, offset_bytes / unit_bytes, {}, &UnitChain::unit);
  for (; chain != file.open->chains.end() && chain->unit * unit_bytes < end_bytes; ++chain) {
    const uint64_t unit_start = chain->unit * unit_bytes;
    const uint64_t begin = std::max(unit_start, offset_bytes);
    const uint64_t end = std::min(unit_start + unit_bytes, end_bytes);
    ReadChain(*chain, begin - unit_start, out.subspan(begin - offset_bytes, end - begin));
  }
}

// The general case: reads nothing of the base that the pending writes of its unit hide.
void LazyDisk::ReadUnits(const File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  const uint64_t unit_bytes = graph_.unit_bytes();
  const uint64_t end_bytes = offset_bytes + out.size();
  for (uint64_t position = offset_bytes; position < end_bytes;) {
    const uint64_t unit = position / unit_bytes;
    const uint64_t piece_end = std::min(end_bytes, (unit + 1) * unit_bytes);
    const std::span<std::byte> piece = out.subspan(position - offset_bytes, piece_end - position);
    const auto chain = std::ranges::lower_bound(file.open->chains, unit, {}, &UnitChain::unit);
    const bool found = chain != file.open->chains.end() && chain->unit == unit;
    if (file.open->is_mixed || (found && chain->base == nullptr)) {
      ReadMixed(file, found ? &*chain : nullptr, position, piece);
    } else if (found) {
      ReadChain(*chain, position % unit_bytes, piece);
    } else {
      ReadBase(file, position, piece);
    }
    position = piece_end;
  }
}

// The entries are a chain (E1): the kept ones come first. Ask about the newest entry that changes
// the bytes in question.
void LazyDisk::ReadChain(const UnitChain& chain, size_t begin, std::span<std::byte> out) {
  const Constraints& constraints = graph_.constraints();
  for (size_t i = chain.entries.size(); i-- > 0;) {
    const UnitEntry& entry = chain.entries[i];
    const Fate fate = constraints.fate(entry.variable);
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
  if (chain.fill != kNoVariable && ShowsStaleBytes(chain)) {
    FillWithStaleBytes(chain.unit * graph_.unit_bytes() + begin, out);
    return;
  }
  std::memcpy(out.data(), chain.base + begin, out.size());
}

// A new block shows zeros where writes have not reached, or what it held before: that, only where
// no write of the unit is kept, because a page is written as a whole.
bool LazyDisk::ShowsStaleBytes(const UnitChain& chain) {
  if (Kept(chain.fill)) return false;
  return std::ranges::none_of(chain.entries, [this](const UnitEntry& entry) {
    return entry.is_data && Kept(entry.variable);
  });
}

// Where what changes a unit is not a chain, or lies on bytes that are not decided: what a byte says
// is settled newest first, until every byte asked for is known.
void LazyDisk::ReadMixed(const File& file, const UnitChain* chain, uint64_t offset_bytes,
                         std::span<std::byte> out) {
  const std::vector<Erasure>& erasures = file.open->erasures;
  const uint64_t unit_start = offset_bytes / graph_.unit_bytes() * graph_.unit_bytes();
  std::vector<char> known(out.size(), 0);
  size_t unknown = out.size();
  size_t next_write = chain == nullptr ? 0 : chain->entries.size();
  size_t next_erasure = erasures.size();
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
  bool fill_left = chain != nullptr && chain->fill != kNoVariable;
  while (unknown > 0 && (next_write > 0 || next_erasure > 0 || fill_left)) {
    const int64_t write = next_write == 0 ? -1 : int64_t{chain->entries[next_write - 1].sequence};
    const int64_t erasure = next_erasure == 0 ? -1 : int64_t{erasures[next_erasure - 1].sequence};
    if (fill_left && std::max(write, erasure) < int64_t{chain->fill_sequence}) {
      fill_left = false;
      if (!ShowsStaleBytes(*chain)) continue;
      for (size_t i = 0; i < out.size(); ++i) {
        if (known[i] == 0) out[i] = StaleByte(offset_bytes + i);
      }
      return;
    }
    if (erasure > write) {
      const Erasure& newest = erasures[--next_erasure];
      settle(newest.begin_bytes, newest.end_bytes, nullptr, newest.variable);
    } else {
      const UnitEntry& entry = chain->entries[--next_write];
      settle(unit_start + entry.begin, unit_start + entry.end, entry.written, entry.variable);
    }
  }
  for (size_t begin = 0; begin < out.size() && unknown > 0;) {
    size_t end = begin;
    while (end < out.size() && known[end] == known[begin]) ++end;
    if (known[begin] == 0) ReadBase(file, offset_bytes + begin, out.subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace plugpull
