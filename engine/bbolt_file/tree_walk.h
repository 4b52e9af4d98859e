// The walk of everything that is reached from one meta: invariants I2 to I7. It keeps its own
// stack, enters no page twice, and ends on every input.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <unordered_set>

#include "engine/bbolt_file/autopsy.h"
#include "engine/bbolt_file/census.h"
#include "engine/bbolt_file/evidence.h"
#include "engine/cow_tree/page_cache.h"

namespace plugpull::bbolt_file {

using cow_tree::PageSet;

// What the walks of one file share. All that it refers to must outlive them.
struct WalkContext {
  const PageFile& file;
  const Census& census;
  const AutopsySettings& settings;
  Evidence& evidence;
  // Of each leaf that a walk found sound: a hash of the bounds that it was found to keep. Another
  // walk that comes with the same bounds need not read it again.
  std::vector<uint64_t> sound_bounds{};
};

class TreeWalk {
 public:
  // `tree` is the position in Autopsy::trees.
  TreeWalk(WalkContext& context, PageId slot, const Meta& meta, uint8_t tree);

  // Errors: the system refused to read; damage is a violation, not an error.
  Expected<void> Run();

  TreeFinding& finding() { return finding_; }

  // The pages that were reached, with overflow. Ids at or beyond limit() are never in it.
  const PageSet& reached() const { return reached_; }
  PageId limit() const { return limit_; }

  // Whether nothing was left out: only then is an unreached page unused.
  bool is_complete() const { return is_complete_; }

  // Returns: the page that was found first to refer to `id`. Requires: reached() has `id`.
  PageId ParentOf(PageId id) const { return parents_[id]; }

 private:
  struct Bounds {
    std::optional<std::string> lower{};
    std::optional<std::string> upper{};
  };

  // A page on the way down: a branch, or a leaf that has buckets.
  struct Frame {
    PageId id = 0;
    PageRun run{};
    Bounds bounds{};
    uint32_t next_index = 0;
  };

  enum class Entry : uint8_t { kFirst, kSecond, kRefused };

  // A page reference that is being followed.
  struct Reference {
    PageId from = 0;
    PageId to = 0;
    uint32_t index = 0;
    const Bounds& bounds;
  };

  struct DepthCount {
    uint64_t leaves = 0;
    std::vector<std::vector<PageId>> stacks{};  // of the first ones
  };

  // A bucket on the way down.
  struct Scope {
    std::string path{};
    size_t first_frame = 0;
    std::map<size_t, DepthCount> leaf_depths{};
  };

  // tree_walk.cpp: the way down
  Expected<void> EnterBucket(PageId from, uint32_t index, PageId root, std::string path);
  void LeaveBucket();
  Expected<void> Step();
  Expected<Bounds> ChildBounds(const Frame& frame, uint32_t index) const;
  Expected<void> Enter(const Reference& reference);
  Expected<void> EnterLeaf(const Reference& reference, PageRun run, bool is_fit, bool has_buckets);
  void NoteLeaf(PageId id, uint64_t keys, uint64_t bytes);
  std::vector<PageId> Stack(std::optional<PageId> last = std::nullopt) const;

  // tree_walk_pages.cpp: may a page be entered, and does it fit there
  Entry MayEnter(const Reference& reference);
  Expected<void> JudgeSecondReference(const Reference& reference);
  bool IsBelowUnfit(PageId id) const;
  bool Claim(PageId id, uint64_t page_count);
  Expected<bool> IsFit(const PageRun& run, const Bounds& bounds) const;
  Expected<bool> CheckFit(const Reference& reference, const PageRun& run);
  Expected<PageLayout> CheckBytes(const Reference& reference, const PageRun& run);
  uint64_t HashOf(const Reference& reference) const;
  void AddMisfit(MisfitKind kind, const Reference& reference, bool blames_from, bool blames_to);
  void AddViolation(std::string rule, std::string text, PageId page, std::string key = "",
                    std::optional<PageId> last = std::nullopt);
  void AddOddElement(const Frame& frame, uint32_t index, std::string text);
  void NoteOddElement(const Frame& frame, std::string text);

  // tree_walk_buckets.cpp: the elements of a leaf that are buckets
  Expected<void> VisitBucketElement(const Frame& frame, uint32_t index);
  bool IsOfAnotherBucket(const Frame& frame, Bytes value_front, uint64_t value_bytes) const;
  Expected<void> VisitInlineBucket(const Frame& frame, uint32_t index, bool is_plain);

  WalkContext& context_;
  Meta meta_;
  uint8_t tree_;
  PageId limit_;
  TreeFinding finding_;
  PageSet reached_;
  std::vector<uint32_t> parents_;
  std::unordered_set<PageId> unfit_;  // those that do not fit the first reference to them
  bool is_complete_ = true;
  std::vector<Frame> frames_;
  std::vector<Scope> scopes_;
  // The bucket that the element just visited leads to.
  std::optional<PageId> pending_bucket_;
  std::string pending_bucket_path_;
};

// Returns: "[1974 1229]".
std::string StackText(const std::vector<PageId>& stack);

}  // namespace plugpull::bbolt_file
