// May a page be entered where a reference leads to it, and does it fit there.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "engine/bbolt_file/tree_walk.h"
#include "faults/base/bytes.h"

namespace plugpull::bbolt_file {

using namespace cow_tree;

namespace {

constexpr size_t kStackMax = 1024;  // no honest tree, however its buckets are nested, comes near

}  // namespace

TreeWalk::Entry TreeWalk::MayEnter(const Reference& reference) {
  const PageId id = reference.to;
  if (frames_.size() >= kStackMax) {
    AddViolation("I4", fmt::format("page {}: deeper than {} pages", id, kStackMax), id, "", id);
    return Entry::kRefused;
  }
  if (id >= limit_ || id < kFirstDataPage) {
    const std::string stack = StackText(Stack(id));
    std::string text = fmt::format("page {}: beyond the end of the file (stack: {})", id, stack);
    if (id >= meta_.high_water_mark) {
      text =
          fmt::format("page {}: out of bounds: {} (stack: {})", id, meta_.high_water_mark, stack);
    } else if (id < kFirstDataPage) {
      text = fmt::format("page {}: invalid type: meta (stack: {})", id, stack);
    }
    AddViolation("I2", std::move(text), id, "", id);
    const bool is_lost = id < meta_.high_water_mark && id >= kFirstDataPage;
    AddMisfit(MisfitKind::kBounds, reference, !is_lost, is_lost);
    return Entry::kRefused;
  }
  if (!reached_.Contains(id)) return Entry::kFirst;
  std::vector<PageId> path(frames_.size());
  std::ranges::transform(frames_, path.begin(), &Frame::id);
  const bool is_cycle = std::find(path.begin(), path.end(), id) != path.end();
  path.push_back(id);
  if (is_cycle) {
    AddViolation("I4", fmt::format("PAGE_CYCLE path={}", StackText(path)), id, "", id);
    AddMisfit(MisfitKind::kCycle, reference, true, false);
    return Entry::kRefused;
  }
  AddViolation("I4",
               fmt::format("page {}: multiple references (stack: {})", id, StackText(Stack(id))),
               id, "", id);
  return Entry::kSecond;
}

// Two pages refer to one: the one whose key it does not have is wrong.
Expected<void> TreeWalk::JudgeSecondReference(const Reference& reference) {
  const PageId id = reference.to;
  const PageFacts& facts = context_.census.At(id);
  bool is_second_fit = false;
  if (facts.state == PageState::kSound) {
    PageRun run;
    Expected<void> loaded =
        run.Load(context_.file, id, (facts.overflow + 1ULL) * context_.file.page_size_bytes());
    if (!loaded) return loaded;
    const Expected<bool> fit = IsFit(run, reference.bounds);
    if (!fit) return std::unexpected(fit.error());
    is_second_fit = *fit;
  }
  const bool is_first_fit = facts.state == PageState::kSound && !unfit_.contains(id);
  if (is_first_fit || is_second_fit) context_.evidence.exonerated.insert(id);
  const bool is_nowhere_fit = !is_first_fit && !is_second_fit;
  bool blames_first = is_second_fit;
  bool blames_second = !is_second_fit || is_first_fit;
  if (is_first_fit && is_second_fit) {
    // What lies below a page that does not fit is wrong itself, however well it fits there.
    const bool is_first_astray = IsBelowUnfit(ParentOf(id));
    const bool is_second_astray = IsBelowUnfit(reference.from);
    blames_first = is_first_astray || !is_second_astray;
    blames_second = is_second_astray || !is_first_astray;
  }
  if (blames_second) AddMisfit(MisfitKind::kMultiple, reference, true, is_nowhere_fit);
  if (blames_first) {
    context_.evidence.Add(Misfit{.kind = MisfitKind::kMultiple,
                                 .from = ParentOf(id),
                                 .to = id,
                                 .tree = tree_,
                                 .blames_to = false});
  }
  return {};
}

bool TreeWalk::IsBelowUnfit(PageId id) const {
  for (size_t step = 0; step < kStackMax && id >= kFirstDataPage && id < limit_; ++step) {
    if (unfit_.contains(id)) return true;
    id = ParentOf(id);
  }
  return false;
}

// Marks the pages of a run as reached. Returns: whether nobody else had them.
bool TreeWalk::Claim(PageId id, uint64_t page_count) {
  bool is_first = true;
  for (PageId part = id; part < id + page_count; ++part) {
    if (reached_.Insert(part)) {
      ++finding_.pages;
      parents_[part] = static_cast<uint32_t>(part == id ? parents_[id] : id);
      continue;
    }
    is_first = false;
    AddViolation(
        "I4", fmt::format("page {}: multiple references (stack: {})", part, StackText(Stack(id))),
        part, "", id);
    context_.evidence.Add(Misfit{.kind = MisfitKind::kMultiple,
                                 .from = id,
                                 .to = part,
                                 .tree = tree_,
                                 .blames_to = false,
                                 .stack = Stack(id)});
  }
  return is_first;
}

Expected<PageLayout> TreeWalk::CheckBytes(const Reference& reference, const PageRun& run) {
  const PageId id = reference.to;
  Expected<PageLayout> layout = CheckLayout(run, id, context_.file.page_size_bytes(), false);
  if (!layout || layout->faults.empty()) return layout;
  const std::vector<PageId> stack = Stack(id);
  for (const LayoutFault& fault : layout->faults) {
    AddViolation(RuleOf(fault.kind), DescribeLayoutFault(fault, run, id, StackText(stack)), id, "",
                 id);
  }
  context_.evidence.Add(SickPage{.page = id,
                                 .parent = reference.from,
                                 .faults = layout->faults,
                                 .stack = stack,
                                 .tree = tree_});
  return layout;
}

Expected<bool> TreeWalk::IsFit(const PageRun& run, const Bounds& bounds) const {
  if (run.count() == 0) return true;
  std::vector<std::byte> scratch;
  if (bounds.lower) {
    const Expected<Bytes> first = run.Key(0, scratch);
    if (!first) return std::unexpected(first.error());
    if (CompareKeys(*first, AsBytes(*bounds.lower)) != 0) return false;
  }
  if (!bounds.upper) return true;
  const Expected<Bytes> last = run.Key(run.count() - 1, scratch);
  if (!last) return std::unexpected(last.error());
  return CompareKeys(*last, AsBytes(*bounds.upper)) < 0;
}

// bbolt asks of the first key only that it is not less than the parent's. It always writes both the
// same, and a page that was lost mostly shows by that alone.
Expected<bool> TreeWalk::CheckFit(const Reference& reference, const PageRun& run) {
  const PageId id = reference.to;
  if (run.count() == 0) return true;
  const bool is_in_order = context_.census.At(id).state == PageState::kSound;
  const Expected<bool> is_fit = IsFit(run, reference.bounds);
  if (!is_fit || (*is_fit && is_in_order)) return is_fit;
  const std::string type = PageTypeName(run.header().flags);
  const std::string stack = StackText(Stack(id));
  std::vector<std::byte> scratch;
  bool fits = true;
  if (reference.bounds.lower) {
    const Bytes lower = AsBytes(*reference.bounds.lower);
    const Expected<Bytes> first = run.Key(0, scratch);
    if (!first) return std::unexpected(first.error());
    const auto order = CompareKeys(*first, lower);
    if (order < 0) {
      AddViolation("I5",
                   fmt::format("the first key[0]=(hex){} on {} page({}) needs to be >= the key in "
                               "the ancestor ({}). Stack: {}",
                               HexKey(*first), type, id, HexKey(lower), stack),
                   id, HexKey(*first), id);
    } else if (order > 0) {
      AddViolation("I5",
                   fmt::format("the first key[0]=(hex){} on {} page({}) is not the key in the "
                               "parent ({}), though bbolt writes the same in both. Stack: {}",
                               HexKey(*first), type, id, HexKey(lower), stack),
                   id, HexKey(*first), id);
    }
    fits = order == 0;
  }
  for (uint32_t index = 0; reference.bounds.upper && index < run.count(); ++index) {
    const Bytes upper = AsBytes(*reference.bounds.upper);
    const Expected<Bytes> key = run.Key(index, scratch);
    if (!key) return std::unexpected(key.error());
    if (CompareKeys(*key, upper) < 0) continue;
    AddViolation("I5",
                 fmt::format("key[{}]=(hex){} on {} page({}) needs to be < than key of the next "
                             "element in ancestor (hex){}. Pages stack: {}",
                             index, HexKey(*key), type, id, HexKey(upper), stack),
                 id, HexKey(*key), id);
    fits = false;
    break;  // in a page in order, all that follow are too great as well
  }
  if (!fits) {
    unfit_.insert(id);
    AddMisfit(MisfitKind::kKeys, reference, true, true);
  }
  return fits;
}

uint64_t TreeWalk::HashOf(const Reference& reference) const {
  const auto hash = [](const std::optional<std::string>& key) {
    return key ? XXH3_64bits(key->data(), key->size()) : 1;
  };
  const uint64_t lower = hash(reference.bounds.lower);
  const uint64_t upper = hash(reference.bounds.upper);
  const bool is_root = scopes_.size() == 1 && frames_.empty();
  return (lower * 0x9e3779b97f4a7c15ULL + upper + (is_root ? 2 : 0)) | 1;
}

void TreeWalk::AddMisfit(MisfitKind kind, const Reference& reference, bool blames_from,
                         bool blames_to) {
  context_.evidence.Add(Misfit{.kind = kind,
                               .from = reference.from,
                               .to = reference.to,
                               .index = reference.index,
                               .tree = tree_,
                               .blames_from = blames_from,
                               .blames_to = blames_to,
                               .wanted_key = reference.bounds.lower.value_or(""),
                               .stack = Stack(reference.to)});
}

void TreeWalk::AddViolation(std::string rule, std::string text, PageId page, std::string key,
                            std::optional<PageId> last) {
  if (finding_.violations.size() >= context_.settings.violations_max) {
    ++finding_.more_violations;
    return;
  }
  finding_.violations.push_back(
      Violation{.rule = std::move(rule),
                .text = std::move(text),
                .page = page,
                .stack = last ? Stack(last) : std::vector<PageId>{},
                .key = std::move(key),
                .bucket = scopes_.empty() ? std::string() : scopes_.back().path});
}

}  // namespace plugpull::bbolt_file
