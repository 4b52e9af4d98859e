#include "engine/bbolt_file/tree_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/bytes.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kDepthStacksMax = 4;

}  // namespace

std::string StackText(const std::vector<PageId>& stack) {
  return fmt::format("[{}]", fmt::join(stack, " "));
}

TreeWalk::TreeWalk(WalkContext& context, PageId slot, const Meta& meta, uint8_t tree)
    : context_(context),
      meta_(meta),
      tree_(tree),
      limit_(std::min<PageId>(meta.high_water_mark, context.census.page_count())),
      parents_(limit_) {
  finding_.slot = slot;
  finding_.is_active = tree == 0;
  reached_.Reset(limit_);
}

Expected<void> TreeWalk::Run() {
  if (meta_.high_water_mark > context_.census.page_count()) {
    AddViolation("I2",
                 fmt::format("file size too small: {} pages below the high water mark, {} in the "
                             "file",
                             meta_.high_water_mark, context_.census.page_count()),
                 finding_.slot);
  }
  if (meta_.root.root >= meta_.high_water_mark) {
    AddViolation("I2",
                 fmt::format("root bucket pgid ({}) above high water mark ({})", meta_.root.root,
                             meta_.high_water_mark),
                 finding_.slot);
  }
  if (meta_.freelist != kNoFreelist && meta_.root.root == meta_.freelist) {
    AddViolation(
        "I4",
        fmt::format("page {}: multiple references: root bucket and freelist", meta_.root.root),
        meta_.root.root);
  }
  Expected<void> done = EnterBucket(kMetaParent, 0, meta_.root.root, "");
  while (done && !scopes_.empty()) done = Step();
  finding_.is_whole = finding_.violations.empty() && is_complete_;
  return done;
}

Expected<void> TreeWalk::EnterBucket(PageId from, uint32_t index, PageId root, std::string path) {
  scopes_.push_back(Scope{.path = std::move(path), .first_frame = frames_.size()});
  const Bounds none;
  return Enter(Reference{.from = from, .to = root, .index = index, .bounds = none});
}

// The leaves of a bucket are equally deep. Where they are not, most are right.
void TreeWalk::LeaveBucket() {
  const auto& depths = scopes_.back().leaf_depths;
  const auto usual = std::max_element(depths.begin(), depths.end(), [](auto& left, auto& right) {
    return left.second.leaves < right.second.leaves;
  });
  for (const auto& [depth, count] : depths) {
    if (depth == usual->first) continue;
    for (const std::vector<PageId>& stack : count.stacks) {
      const PageId leaf = stack.back();
      AddViolation("I4",
                   fmt::format("page {}: leaf at depth {} instead of {} (stack: {})", leaf, depth,
                               usual->first, StackText(stack)),
                   leaf);
      if (finding_.violations.back().page == leaf) finding_.violations.back().stack = stack;
      context_.evidence.Add(Misfit{.kind = MisfitKind::kDepth,
                                   .from = stack.size() > 1 ? stack[stack.size() - 2] : 0,
                                   .to = leaf,
                                   .tree = tree_,
                                   .stack = stack});
    }
  }
  scopes_.pop_back();
}

Expected<void> TreeWalk::Step() {
  if (frames_.size() == scopes_.back().first_frame) {
    LeaveBucket();
    return {};
  }
  Frame& frame = frames_.back();
  if (frame.next_index == frame.run.count()) {
    frames_.pop_back();
    return {};
  }
  const uint32_t index = frame.next_index++;
  if (frame.run.is_leaf()) {
    pending_bucket_.reset();
    if (Expected<void> visited = VisitBucketElement(frame, index); !visited) return visited;
    if (!pending_bucket_) return {};
    return EnterBucket(frame.id, index, *pending_bucket_, std::move(pending_bucket_path_));
  }
  const Expected<Bounds> bounds = ChildBounds(frame, index);
  if (!bounds) return std::unexpected(bounds.error());
  return Enter(Reference{
      .from = frame.id, .to = frame.run.Element(index).child, .index = index, .bounds = *bounds});
}

Expected<TreeWalk::Bounds> TreeWalk::ChildBounds(const Frame& frame, uint32_t index) const {
  std::vector<std::byte> scratch;
  const Expected<Bytes> lower = frame.run.Key(index, scratch);
  if (!lower) return std::unexpected(lower.error());
  Bounds bounds{.lower = std::string(AsText(*lower)), .upper = frame.bounds.upper};
  if (index + 1 < frame.run.count()) {
    const Expected<Bytes> upper = frame.run.Key(index + 1, scratch);
    if (!upper) return std::unexpected(upper.error());
    bounds.upper = std::string(AsText(*upper));
  }
  return bounds;
}

Expected<void> TreeWalk::Enter(const Reference& reference) {
  const PageId id = reference.to;
  switch (MayEnter(reference)) {
    case Entry::kRefused:
      is_complete_ = false;
      return {};
    case Entry::kSecond:
      is_complete_ = false;
      return JudgeSecondReference(reference);
    case Entry::kFirst:
      break;
  }
  const PageFacts& facts = context_.census.At(id);
  parents_[id] = static_cast<uint32_t>(reference.from);
  const size_t depth = frames_.size() - scopes_.back().first_frame + 1;
  finding_.depth = std::max(finding_.depth, static_cast<uint32_t>(depth));
  const uint64_t run_pages = std::min<uint64_t>(uint64_t{facts.overflow} + 1, limit_ - id);
  const bool is_sound = facts.state == PageState::kSound && run_pages == facts.overflow + 1ULL;
  const bool is_plain_leaf = facts.flags == kLeafFlag && !facts.has_buckets;
  // The root bucket's leaves are looked into: they hold nothing but buckets.
  const bool is_known =
      is_sound && is_plain_leaf && scopes_.size() > 1 &&
      (context_.sound_bounds[id] == HashOf(reference) ||
       context_.census.IsKnownToFit(id, reference.bounds.lower, reference.bounds.upper));
  if (is_known) {
    Claim(id, run_pages);
    NoteLeaf(id, facts.count, facts.payload_bytes);
    return {};
  }
  PageRun run;
  // Of a sound leaf only the first and the last key matter any more.
  const uint64_t held_bytes = is_sound && is_plain_leaf ? 0 : PageRun::kHeldBytesMax;
  Expected<void> loaded =
      run.Load(context_.file, id, run_pages * context_.file.page_size_bytes(), held_bytes);
  if (!loaded) return loaded;
  bool has_buckets = facts.has_buckets;
  bool is_clean = is_sound && Claim(id, run_pages);
  if (!is_sound) {
    const Expected<PageLayout> layout = CheckBytes(reference, run);
    if (!layout) return std::unexpected(layout.error());
    const bool is_whole = layout->faults.empty();
    // Where the header and the contents disagree, the lesser claim makes less noise.
    is_clean = Claim(id, is_whole ? run_pages : 1) && is_whole;
    if (!layout->is_walkable) {
      is_complete_ = false;
      return {};
    }
    has_buckets = layout->has_buckets;
  }
  const Expected<bool> is_fit = CheckFit(reference, run);
  if (!is_fit) return std::unexpected(is_fit.error());
  if (run.is_leaf()) {
    if (is_clean && *is_fit && !has_buckets && run.count() > 0) {
      context_.sound_bounds[id] = HashOf(reference);
    }
    return EnterLeaf(reference, std::move(run), *is_fit, has_buckets);
  }
  if (run.count() == 0) {
    AddViolation("I6", fmt::format("page {}: branch without elements", id), id, "", id);
  }
  // Below a page that does not fit, the bounds of those above say nothing.
  frames_.push_back(
      Frame{.id = id, .run = std::move(run), .bounds = *is_fit ? reference.bounds : Bounds{}});
  return {};
}

Expected<void> TreeWalk::EnterLeaf(const Reference& reference, PageRun run, bool is_fit,
                                   bool has_buckets) {
  const PageId id = reference.to;
  if (run.count() == 0 && frames_.size() > scopes_.back().first_frame) {
    AddViolation(
        "I6", fmt::format("page {}: empty leaf below a root (stack: {})", id, StackText(Stack(id))),
        id, "", id);
    AddMisfit(MisfitKind::kKeys, reference, false, true);
  }
  // The root bucket holds buckets and nothing else.
  const bool is_root_bucket = scopes_.size() == 1;
  if (!has_buckets && !(is_root_bucket && run.count() > 0)) {
    uint64_t bytes = 0;
    const PageFacts& facts = context_.census.At(id);
    if (facts.state == PageState::kSound) {
      bytes = facts.payload_bytes;
    } else {
      for (uint32_t index = 0; index < run.count(); ++index) {
        bytes += uint64_t{run.Element(index).key_bytes} + run.Element(index).value_bytes;
      }
    }
    NoteLeaf(id, run.count(), bytes);
    return {};
  }
  NoteLeaf(id, 0, 0);
  frames_.push_back(
      Frame{.id = id, .run = std::move(run), .bounds = is_fit ? reference.bounds : Bounds{}});
  return {};
}

void TreeWalk::NoteLeaf(PageId id, uint64_t keys, uint64_t bytes) {
  finding_.keys += keys;
  finding_.bytes += bytes;
  DepthCount& count = scopes_.back().leaf_depths[frames_.size() - scopes_.back().first_frame + 1];
  ++count.leaves;
  if (count.stacks.size() < kDepthStacksMax) count.stacks.push_back(Stack(id));
}

std::vector<PageId> TreeWalk::Stack(std::optional<PageId> last) const {
  std::vector<PageId> stack;
  for (size_t at = scopes_.empty() ? 0 : scopes_.back().first_frame; at < frames_.size(); ++at) {
    stack.push_back(frames_[at].id);
  }
  if (last) stack.push_back(*last);
  return stack;
}

}  // namespace plugpull::bbolt_file
