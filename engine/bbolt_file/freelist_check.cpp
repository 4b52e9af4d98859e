#include "engine/bbolt_file/freelist_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kIdsShownMax = 100;
constexpr size_t kViolationsMax = 100;
constexpr uint64_t kIdBytes = 8;

class Check {
 public:
  Check(const PageFile& file, const Census& census, const Meta& meta, const TreeWalk& walk,
        Evidence& evidence)
      : file_(file), census_(census), meta_(meta), walk_(walk), evidence_(evidence) {
    freed_.Reset(walk.limit());
  }

  Expected<FreelistCheck> Run() {
    result_.finding.page = meta_.freelist;
    result_.finding.is_persisted = meta_.freelist != kNoFreelist;
    if (!result_.finding.is_persisted) return std::move(result_);
    if (!ReadHeader()) {
      result_.is_page_sick = true;
      return std::move(result_);
    }
    if (Expected<void> read = ReadIds(); !read) return std::unexpected(read.error());
    if (walk_.is_complete()) FindUnused();
    return std::move(result_);
  }

 private:
  void Add(PageId page, std::string text) {
    if (result_.violations.size() < kViolationsMax) {
      result_.violations.push_back({.rule = "I8", .text = std::move(text), .page = page});
    }
  }

  // Something that cannot be but by damage to the freelist page itself.
  void AddSick(PageId page, std::string text) {
    result_.is_page_sick = true;
    Add(page, std::move(text));
  }

  // Returns: whether there are ids to be read.
  bool ReadHeader() {
    const PageId id = meta_.freelist;
    if (id < kFirstDataPage || id >= meta_.high_water_mark || id >= walk_.limit()) {
      Add(id, fmt::format("invalid freelist page: {}, out of bounds: {}", id, walk_.limit()));
      return false;
    }
    const PageFacts& facts = census_.At(id);
    if ((facts.flags & kFreelistFlag) == 0) {
      Add(id,
          fmt::format("invalid freelist page: {}, page type is {}", id, PageTypeName(facts.flags)));
      return false;
    }
    if (facts.flags != kFreelistFlag) {
      AddSick(id, fmt::format("page {}: has unexpected type/flags: {:x}", id, facts.flags));
    }
    if (facts.id != id) {
      AddSick(id,
              fmt::format("assertion failed: Page expected to be: {}, but self identifies as {}",
                          id, facts.id));
    }
    run_pages_ = std::min<uint64_t>(facts.overflow + 1ULL, walk_.limit() - id);
    ids_begin_ = id * file_.page_size_bytes() + kPageHeaderBytes;
    ids_end_ = (id + run_pages_) * file_.page_size_bytes();
    count_ = facts.count;
    return true;
  }

  Expected<void> ReadIds() {
    const PageId id = meta_.freelist;
    uint64_t slots = (ids_end_ - ids_begin_) / kIdBytes;
    if (count_ == kFreelistCountEscape) {
      std::array<std::byte, kIdBytes> bytes;
      if (Expected<void> read = file_.Read(ids_begin_, bytes); !read) return read;
      count_ = Load<uint64_t>(bytes.data());
      ids_begin_ += kIdBytes;
      --slots;
      if (count_ < kFreelistCountEscape) {
        AddSick(id,
                fmt::format("page {}: {} free ids are too few to be counted apart", id, count_));
      }
    }
    if (count_ > slots) {
      AddSick(id, fmt::format("invalid freelist page: {}, {} ids do not fit", id, count_));
      count_ = 0;
      return {};
    }
    result_.finding.ids = count_;
    CheckRunLength();
    for (PageId part = id; part < id + run_pages_; ++part) {
      if (walk_.reached().Contains(part)) {
        Add(part, fmt::format("page {}: multiple references: freelist and tree", part));
      }
    }
    return ReadSlots(slots);
  }

  // bbolt takes size / page size + 1 pages, for the ids that there were before it took them.
  void CheckRunLength() {
    const uint64_t stored_pages = census_.At(meta_.freelist).overflow + 1ULL;
    const auto pages_for = [&](uint64_t count) {
      const uint64_t slots = count + (count >= kFreelistCountEscape ? 1 : 0);
      return (kPageHeaderBytes + kIdBytes * slots) / file_.page_size_bytes() + 1;
    };
    if (stored_pages == pages_for(count_) || stored_pages == pages_for(count_ + stored_pages)) {
      return;
    }
    AddSick(meta_.freelist, fmt::format("page {}: freelist of {} ids on {} pages", meta_.freelist,
                                        count_, stored_pages));
  }

  Expected<void> ReadSlots(uint64_t slots) {
    constexpr uint64_t kChunkSlots = 8192;
    std::vector<std::byte> chunk(std::min(slots, kChunkSlots) * kIdBytes);
    bool is_tail_clean = true;
    for (uint64_t index = 0; index < slots; ++index) {
      const uint64_t in_chunk = index % kChunkSlots;
      if (in_chunk == 0) {
        const auto part = std::span(chunk).first(std::min(slots - index, kChunkSlots) * kIdBytes);
        Expected<void> read = file_.Read(ids_begin_ + index * kIdBytes, part);
        if (!read) return read;
      }
      const PageId id = Load<uint64_t>(chunk.data() + in_chunk * kIdBytes);
      if (index < count_) {
        CheckId(id);
      } else if (id != 0 && is_tail_clean) {
        is_tail_clean = false;
        AddSick(meta_.freelist,
                fmt::format("page {}: bytes after the last free id are not zero", meta_.freelist));
      }
    }
    return {};
  }

  void CheckId(PageId id) {
    if (id < previous_) {
      AddSick(meta_.freelist, fmt::format("page {}: freelist is not sorted: {} after {}",
                                          meta_.freelist, id, previous_));
    }
    previous_ = id;
    if (id < kFirstDataPage) {
      AddSick(id, fmt::format("cannot free page 0 or 1: {}", id));
    } else if (id >= meta_.high_water_mark) {
      AddSick(id, fmt::format("page {}: out of bounds: {}", id, meta_.high_water_mark));
    } else if (id < walk_.limit() && !freed_.Insert(id)) {
      AddSick(id, fmt::format("page {}: already freed", id));
    } else if (id < walk_.limit() && walk_.reached().Contains(id)) {
      Add(id, fmt::format("page {}: reachable freed", id));
      if (++result_.finding.reachable_freed_count <= kIdsShownMax) {
        result_.finding.reachable_freed.push_back(id);
      }
      evidence_.Add(Misfit{
          .kind = MisfitKind::kFreed, .from = walk_.ParentOf(id), .to = id, .blames_to = false});
    }
  }

  void FindUnused() {
    for (PageId id = kFirstDataPage; id < walk_.limit(); ++id) {
      const bool is_freelist = id >= meta_.freelist && id < meta_.freelist + run_pages_;
      if (is_freelist || freed_.Contains(id) || walk_.reached().Contains(id)) continue;
      Add(id, fmt::format("page {}: unreachable unfreed", id));
      if (++result_.finding.unreachable_unfreed_count <= kIdsShownMax) {
        result_.finding.unreachable_unfreed.push_back(id);
      }
    }
    for (PageId id = meta_.freelist; id < meta_.freelist + run_pages_; ++id) {
      if (freed_.Contains(id)) AddSick(id, fmt::format("page {}: reachable freed", id));
    }
  }

  const PageFile& file_;
  const Census& census_;
  const Meta& meta_;
  const TreeWalk& walk_;
  Evidence& evidence_;
  FreelistCheck result_;
  PageSet freed_;
  uint64_t run_pages_ = 0;
  uint64_t ids_begin_ = 0;  // byte offsets in the file
  uint64_t ids_end_ = 0;
  uint64_t count_ = 0;
  PageId previous_ = 0;
};

}  // namespace

Expected<FreelistCheck> CheckFreelist(const PageFile& file, const Census& census, const Meta& meta,
                                      const TreeWalk& walk, Evidence& evidence) {
  return Check(file, census, meta, walk, evidence).Run();
}

}  // namespace plugpull::bbolt_file
