#include "engine/bbolt_file/culprits.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "faults/base/bytes.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kCulpritsMax = 8;
constexpr size_t kPointersTriedMax = 16;

// A page whose bytes contradict each other is to blame, whoever refers to it.
constexpr uint32_t kOwnBytesScore = 1000;

// One thing that is wrong, and who may have done it.
struct Charge {
  PageId from = 0;
  PageId to = 0;
  uint32_t from_score = 0;
  uint32_t to_score = 0;
  std::vector<PageId> stack;
};

bool IsInStack(const Charge& charge, PageId page) {
  return std::find(charge.stack.begin(), charge.stack.end(), page) != charge.stack.end();
}

class Inquiry {
 public:
  explicit Inquiry(const Examination& examination) : seen_(examination) {}

  Expected<std::vector<Culprit>> Run() {
    for (const SickPage& sick : seen_.evidence.sick) {
      if (IsRelevant(sick.tree, sick.page)) AddCharge(sick);
    }
    if (Expected<void> found = FindDamagedPointers(); !found) return std::unexpected(found.error());
    for (const Misfit& misfit : seen_.evidence.misfits) {
      if (IsRelevant(misfit.tree, misfit.to)) AddCharge(misfit);
    }
    std::vector<Culprit> culprits;
    while (!charges_.empty() && culprits.size() < kCulpritsMax) {
      std::optional<Culprit> culprit = Convict();
      if (!culprit) break;
      std::erase_if(charges_, [&](const Charge& charge) {
        return charge.from == culprit->page || charge.to == culprit->page ||
               IsInStack(charge, culprit->page);
      });
      culprits.push_back(*std::move(culprit));
    }
    return culprits;
  }

 private:
  // Pages of the older tree alone may have been written over since, as they are free.
  bool IsRelevant(uint8_t tree, PageId page) const { return tree == 0 || seen_.IsReached(0, page); }

  bool MayBlame(PageId page) const {
    return page >= kFirstDataPage && page < seen_.census.page_count() && !seen_.IsProven(page);
  }

  void Add(Charge charge) {
    if (!MayBlame(charge.from)) charge.from_score = 0;
    if (!MayBlame(charge.to)) charge.to_score = 0;
    if (charge.from_score + charge.to_score > 0) charges_.push_back(std::move(charge));
  }

  bool IsFreelistPage(PageId page) const {
    if (!seen_.freelist.finding.is_persisted || seen_.freelist.is_page_sick) return false;
    const PageId first = seen_.freelist.finding.page;
    if (first >= seen_.census.page_count()) return false;
    return page >= first && page <= first + seen_.census.At(first).overflow;
  }

  // Returns: the pages from the root of all to `page`.
  std::vector<PageId> LineOf(PageId page) const {
    constexpr size_t kLineMax = 1024;
    std::vector<PageId> line;
    while (line.size() < kLineMax && page >= kFirstDataPage && seen_.IsReached(0, page)) {
      line.push_back(page);
      page = seen_.walks[0].ParentOf(page);
    }
    std::reverse(line.begin(), line.end());
    return line;
  }

  void AddCharge(const SickPage& sick) {
    if (!known_.insert({sick.parent, sick.page, -1}).second) return;
    Charge charge{.from = sick.parent, .to = sick.page, .stack = LineOf(sick.parent)};
    charge.stack.push_back(sick.page);
    const bool knows_place =
        std::none_of(sick.faults.begin(), sick.faults.end(), [](const LayoutFault& fault) {
          return fault.kind == LayoutFaultKind::kId || fault.kind == LayoutFaultKind::kFlags ||
                 fault.kind == LayoutFaultKind::kType;
        });
    if (knows_place) {
      charge.to_score = kOwnBytesScore;
    } else if (IsFreelistPage(sick.page)) {
      charge.from_score = 2;
    } else {
      charge.to_score = 2;
      charge.from_score = 1;
    }
    faults_[sick.page] = sick.faults;
    Add(std::move(charge));
  }

  void AddCharge(const Misfit& misfit) {
    if (!known_.insert({misfit.from, misfit.to, static_cast<int>(misfit.kind)}).second) return;
    std::vector<PageId> line = LineOf(misfit.from);
    line.push_back(misfit.to);
    const bool is_decisive = !misfit.blames_to && misfit.kind != MisfitKind::kFreed;
    Add(Charge{
        .from = misfit.from,
        .to = misfit.to,
        .from_score = misfit.blames_from ? (is_decisive ? 2u : 1u) : 0u,
        .to_score = misfit.blames_to && !seen_.evidence.exonerated.contains(misfit.to) ? 1u : 0u,
        .stack = misfit.stack});
  }

  // A reference that leads nowhere sensible, while a page with one bit of its id changed is what
  // the key asks for, and nobody refers to that: the reference has rotted. A page that came back
  // from the past would have more that is wrong.
  Expected<void> FindDamagedPointers() {
    std::map<PageId, size_t> around;
    for (const Misfit& misfit : seen_.evidence.misfits) {
      if (misfit.tree != 0) continue;
      ++around[misfit.from];
      ++around[misfit.to];
    }
    size_t tried = 0;
    for (const Misfit& misfit : seen_.evidence.misfits) {
      if (misfit.tree != 0 || misfit.blames_to || misfit.kind == MisfitKind::kFreed) continue;
      if (!MayBlame(misfit.from) || misfit.wanted_key.empty() || around[misfit.from] > 1) continue;
      if (++tried > kPointersTriedMax) break;
      for (uint32_t bit = 0; bit < 64; ++bit) {
        const PageId meant = misfit.to ^ (PageId{1} << bit);
        const Expected<bool> fits = IsMeant(meant, misfit);
        if (!fits) return std::unexpected(fits.error());
        if (!*fits) continue;
        meant_[misfit.from] = {meant, misfit.index};
        Add(Charge{.from = misfit.from, .from_score = kOwnBytesScore, .stack = misfit.stack});
        break;
      }
    }
    return {};
  }

  Expected<bool> IsMeant(PageId id, const Misfit& misfit) const {
    if (id < kFirstDataPage || id >= seen_.walks[0].limit() || seen_.IsReached(0, id)) return false;
    const PageFacts& facts = seen_.census.At(id);
    if (facts.state != PageState::kSound || facts.count == 0) return false;
    PageRun run;
    Expected<void> loaded =
        run.Load(seen_.file, id, (facts.overflow + 1ULL) * seen_.file.page_size_bytes(), 0);
    if (!loaded) return std::unexpected(loaded.error());
    std::vector<std::byte> scratch;
    const Expected<Bytes> key = run.Key(0, scratch);
    if (!key) return std::unexpected(key.error());
    return AsText(*key) == misfit.wanted_key;
  }

  // Returns: the page that explains most of the charges, be it an end of what is wrong or above it;
  // of equals, the lower one in the tree.
  std::optional<Culprit> Convict() const {
    struct Sum {
      uint32_t score = 0;
      uint32_t depth = 0;
      uint32_t bad_children = 0;
      uint32_t accused = 0;  // as the child of a reference
    };
    std::map<PageId, Sum> sums;
    for (const Charge& charge : charges_) {
      const auto depth = static_cast<uint32_t>(charge.stack.size());
      if (charge.from_score > 0) {
        Sum& sum = sums[charge.from];
        sum.score += charge.from_score;
        sum.depth = std::max(sum.depth, depth > 0 ? depth - 1 : 0);
        ++sum.bad_children;
      }
      if (charge.to_score > 0) {
        Sum& sum = sums[charge.to];
        sum.score += charge.to_score;
        sum.accused += charge.to_score;
        sum.depth = std::max(sum.depth, depth);
      }
    }
    // What lies below a page that is not the one its parent means is all of it wrong.
    for (const Charge& charge : charges_) {
      for (const PageId above : charge.stack) {
        if (above == charge.from || above == charge.to) continue;
        const auto sum = sums.find(above);
        if (sum != sums.end() && sum->second.accused > 0) ++sum->second.score;
      }
    }
    Culprit culprit;
    uint32_t depth = 0;
    for (const auto& [page, sum] : sums) {
      const bool is_worse = std::tuple(sum.score, sum.depth) > std::tuple(culprit.score, depth);
      if (!is_worse) {
        culprit.rival_score = std::max(culprit.rival_score, sum.score);
        continue;
      }
      culprit.rival_score = culprit.score;
      culprit.page = page;
      culprit.score = sum.score;
      culprit.bad_children = sum.bad_children;
      depth = sum.depth;
    }
    if (culprit.score == 0) return std::nullopt;
    Complete(culprit);
    return culprit;
  }

  void Complete(Culprit& culprit) const {
    if (const auto found = faults_.find(culprit.page); found != faults_.end()) {
      culprit.faults = found->second;
    }
    if (const auto found = meant_.find(culprit.page); found != meant_.end()) {
      culprit.meant_child = found->second.first;
      culprit.meant_index = found->second.second;
    }
    for (const Charge& charge : charges_) {
      const auto end = std::find(charge.stack.begin(), charge.stack.end(), culprit.page);
      if (end == charge.stack.end()) continue;
      culprit.stack.assign(charge.stack.begin(), end + 1);
      return;
    }
    culprit.stack = {culprit.page};
  }

  const Examination& seen_;
  std::vector<Charge> charges_;
  std::set<std::tuple<PageId, PageId, int>> known_;
  std::map<PageId, std::vector<LayoutFault>> faults_;
  std::map<PageId, std::pair<PageId, uint32_t>> meant_;
};

}  // namespace

Expected<std::vector<Culprit>> FindCulprits(const Examination& examination) {
  if (examination.walks.empty() || examination.IsActiveWhole()) return std::vector<Culprit>{};
  return Inquiry(examination).Run();
}

}  // namespace plugpull::bbolt_file
