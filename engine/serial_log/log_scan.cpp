#include "engine/serial_log/log_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::serial_log {
namespace {

bool Follows(const BlockHeader& next, const BlockHeader& previous) {
  return next.number == previous.number + 1 && next.creation >= previous.creation;
}

}  // namespace

Bytes LiveBlock::data() const {
  const BlockHeader header = LoadBlockHeader(bytes);
  return bytes.subspan(header.data_offset, header.length - header.data_offset);
}

Expected<void> LogScan::Read(const std::array<VfsFile*, 2>& files, const Options& options) {
  read_block_ = 1;
  last_block_ = 0;
  highest_in_other_file_ = 0;
  creation_ = 0;
  last_file_ = 0;
  end_bytes_ = {};
  blocks_.clear();
  for (uint8_t index = 0; index < 2; ++index) {
    if (Expected<void> walked = WalkHeaders(*files[index], index, options); !walked) return walked;
  }
  return ReadChains(files, options);
}

Expected<void> LogScan::WalkHeaders(VfsFile& file, uint8_t index, const Options& options) {
  std::vector<Candidate>& chain = chains_[index];
  chain.clear();
  const Expected<uint64_t> size = file.Size();
  if (!size) return std::unexpected(size.error());
  size_bytes_[index] = *size;
  uint64_t offset_bytes = 0;
  while (offset_bytes + kSectorBytes <= *size) {
    std::array<std::byte, kBlockHeaderBytes> bytes;
    const Expected<size_t> read = ReadFully(file, offset_bytes, bytes);
    if (!read) return std::unexpected(read.error());
    const BlockHeader header = LoadBlockHeader(bytes);
    if (*read != bytes.size() || !IsPlausible(header)) break;
    if (PaddedBytes(header.length) > *size - offset_bytes) break;
    const bool follows =
        chain.empty() || options.mutations.accept_any_block || Follows(header, chain.back().header);
    if (!follows) break;
    chain.push_back(Candidate{.header = header,
                              .place = {.number = header.number,
                                        .read_block = header.read_block,
                                        .file = index,
                                        .offset_bytes = offset_bytes,
                                        .length = header.length}});
    offset_bytes += PaddedBytes(header.length);
  }
  return {};
}

// Makes one list of the two chains if the newer one goes on where the older one ends; else the
// newer is tried first. The older one counts where a crash left a later block of the newer file and
// not the one in between.
Expected<void> LogScan::ReadChains(const std::array<VfsFile*, 2>& files, const Options& options) {
  const auto number = [&](size_t file, bool first) {
    if (chains_[file].empty()) return BlockNumber{0};
    return first ? chains_[file].front().header.number : chains_[file].back().header.number;
  };
  // With mutant MF9, a stale block at the end has a low number.
  const bool by_first = options.mutations.accept_any_block;
  const size_t newer = number(1, by_first) > number(0, by_first) ? 1 : 0;
  const size_t older = 1 - newer;
  const bool connected = !chains_[older].empty() && !chains_[newer].empty() &&
                         Follows(chains_[newer].front().header, chains_[older].back().header);
  used_bytes_ = 0;
  if (connected || by_first) {
    candidates_ = chains_[older];
    candidates_.insert(candidates_.end(), chains_[newer].begin(), chains_[newer].end());
    return ReadLive(files, options);
  }
  candidates_ = chains_[newer];
  Expected<void> read = ReadLive(files, options);
  const bool is_gap = !read && read.error().code == ErrorCode::kCorrupt;
  if ((read && last_block_ != 0) || (!read && !is_gap) || chains_[older].empty()) return read;
  candidates_ = chains_[older];
  Expected<void> reread = ReadLive(files, options);
  return reread && last_block_ == 0 ? read : reread;
}

// Verifies from the read block of the last block on. Where a block turns out to be none, the one
// before it is the last, with an earlier read block.
Expected<void> LogScan::ReadLive(const std::array<VfsFile*, 2>& files, const Options& options) {
  uint64_t total_bytes = used_bytes_;
  for (const Candidate& candidate : candidates_) total_bytes += PaddedBytes(candidate.place.length);
  if (bodies_.size() < total_bytes) bodies_.resize(total_bytes);
  size_t verified_from = candidates_.size();
  while (!candidates_.empty()) {
    const size_t first = FirstNeeded(options);
    const size_t end = std::min(verified_from, candidates_.size());
    const Expected<size_t> bad = FindBad(files, first, end, options);
    if (!bad) return std::unexpected(bad.error());
    verified_from = std::min(first, end);
    if (*bad == end) break;
    candidates_.resize(*bad);
  }
  if (candidates_.empty()) return {};
  return Adopt(verified_from, options);
}

// Returns: which candidate is the first that recovery reads if the last one is good.
size_t LogScan::FirstNeeded(const Options& options) const {
  if (options.mutations.accept_any_block) return 0;
  const BlockNumber read_block = candidates_.back().header.read_block;
  size_t first = candidates_.size() - 1;
  while (first > 0 && candidates_[first - 1].header.number >= read_block) --first;
  return first;
}

// Returns: the first of the candidates that is no block; `end` when all are.
Expected<size_t> LogScan::FindBad(const std::array<VfsFile*, 2>& files, size_t first, size_t end,
                                  const Options& options) {
  for (size_t at = first; at < end; ++at) {
    Candidate& candidate = candidates_[at];
    candidate.body_at = used_bytes_;
    used_bytes_ += PaddedBytes(candidate.place.length);
    const Expected<bool> good = ReadBody(*files[candidate.place.file], candidate, options);
    if (!good) return std::unexpected(good.error());
    if (!*good) return at;
  }
  return end;
}

Expected<void> LogScan::Adopt(size_t first, const Options& options) {
  const BlockNumber first_block = candidates_[first].header.number;
  const BlockNumber read_block = candidates_.back().header.read_block;
  if (first_block > read_block && !options.mutations.accept_any_block) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("possible gap in the log: block {} is needed, the first is {}",
                            read_block, first_block));
  }
  for (size_t at = first; at < candidates_.size(); ++at) {
    const Candidate& candidate = candidates_[at];
    blocks_.push_back(
        {.place = candidate.place,
         .bytes = Bytes(bodies_).subspan(candidate.body_at, PaddedBytes(candidate.place.length))});
  }
  SetLast();
  return {};
}

// Makes the last candidate the last block.
void LogScan::SetLast() {
  const Candidate& last = candidates_.back();
  last_block_ = last.header.number;
  read_block_ = last.header.read_block;
  creation_ = std::max(creation_, last.header.creation);
  last_file_ = last.place.file;
  end_bytes_ = {};
  highest_in_other_file_ = 0;
  for (const Candidate& candidate : candidates_) {
    const LogBlockPlace& place = candidate.place;
    end_bytes_[place.file] = place.offset_bytes + PaddedBytes(place.length);
    if (place.file == last_file_) continue;
    highest_in_other_file_ = std::max(highest_in_other_file_, place.number);
  }
}

void LogScan::ForgetLast() {
  Assert(blocks_.size() > 1, "a block before it is left");
  blocks_.pop_back();
  candidates_.pop_back();
  SetLast();
}

// Returns: whether the block is what its header says.
Expected<bool> LogScan::ReadBody(VfsFile& file, const Candidate& candidate,
                                 const Options& options) {
  const LogBlockPlace& place = candidate.place;
  const MutableBytes block(&bodies_[candidate.body_at], PaddedBytes(place.length));
  if (!options.log_checksum) {
    const Expected<size_t> read = ReadFully(file, place.offset_bytes, block);
    if (!read) return std::unexpected(read.error());
    if (*read != block.size()) return false;
  } else {
    for (uint32_t sector = 0; sector < SectorsOf(place.length); ++sector) {
      const MutableBytes bytes = block.subspan(size_t{sector} * kSectorBytes, kSectorBytes);
      const Expected<size_t> read =
          ReadFully(file, place.offset_bytes + uint64_t{sector} * kSectorBytes, bytes);
      if (!read) return std::unexpected(read.error());
      if (*read != bytes.size()) return false;
      const uint32_t stored =
          sector == 0 ? candidate.header.checksum
                      : Load<uint32_t>(&block[kBlockHeaderBytes + (sector - 1) * sizeof(uint32_t)]);
      const uint32_t sum = sector == 0 ? ChecksumOfFirstSector(bytes) : ChecksumOfSector(bytes);
      if (stored != sum) return false;
    }
  }
  if (LoadBlockHeader(block) != candidate.header) return false;
  return block[place.length - 1] == kEndMarker || options.mutations.accept_any_block;
}

}  // namespace plugpull::serial_log
