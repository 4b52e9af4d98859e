// What happened to a page of the tree that was tampered with. A page has no date; how old its
// contents are is bounded by how bbolt reuses pages: what transaction N writes to was free since
// transaction N-1 at least, and so was written by N-2 or before.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/bbolt_file/diagnosis.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kSectorBytes = 512;
constexpr const char* kNotHonest = "no crash on an honest disk yields this";

class Verdict {
 public:
  Verdict(const Examination& seen, const Culprit& culprit)
      : seen_(seen),
        culprit_(culprit),
        page_(culprit.page),
        facts_(seen.census.At(culprit.page)),
        kind_(KindOf(facts_)),
        is_newest_(seen.IsPreviousWhole() && !seen.IsReached(1, culprit.page)) {
    result_.page = page_;
    result_.confidence = Confidence::kLikely;
    if (culprit.rival_score >= culprit.score) result_.confidence = Confidence::kPossible;
    result_.advice = is_newest_ ? "surgery revert-meta" : "surgery salvage";
  }

  Diagnosis Give() {
    if (facts_.is_zero) {
      Zeroed();
    } else if (facts_.id != page_) {
      Misplaced();
    } else if (culprit_.meant_child) {
      RottenPointer();
    } else if (facts_.flags == kFreelistFlag || facts_.flags == kMetaFlag ||
               culprit_.faults.empty()) {
      Stale();
    } else {
      OwnBytes();
    }
    return std::move(result_);
  }

  std::string Evidence() const {
    if (facts_.is_zero) return "it is all zeros, and a tree page refers to it";
    if (facts_.id != page_) {
      return fmt::format("its header says that it is page {}, as a {} page", facts_.id, kind_);
    }
    if (culprit_.meant_child) {
      return fmt::format("its element {} leads astray, page {} has the key that it says",
                         *culprit_.meant_index, *culprit_.meant_child);
    }
    if (!culprit_.faults.empty()) {
      return fmt::format("{} of its own bytes or elements contradict the others",
                         culprit_.faults.size());
    }
    if (culprit_.bad_children > 0) {
      return fmt::format("{} of the pages that it refers to are not what its keys say",
                         culprit_.bad_children);
    }
    return "its keys are not those that its parent says, and it is in order in itself";
  }

 private:
  void Set(FaultLevel level, std::string fault, std::string sentence) {
    result_.level = level;
    result_.fault = std::move(fault);
    result_.sentence = std::move(sentence);
    result_.possible_on_honest_disk = false;
  }

  // The fault of a page whose last write is not there.
  void Lost(const std::string& what_is_there) {
    const uint64_t transaction = seen_.active_meta().transaction_id;
    Set(FaultLevel::kLyingFlush, "lost page of the newest transaction",
        fmt::format(
            "page {} of the newest transaction ({}) was never written, though its meta was: "
            "{} is there; a flush that lied, a stale page, or an engine that does not sync "
            "its data before the meta; {}",
            page_, transaction, what_is_there, kNotHonest));
  }

  void Zeroed() {
    const bool is_virgin =
        is_newest_ && seen_.metas.slots[1 - *seen_.metas.active()].meta->high_water_mark <= page_;
    if (is_virgin) {
      Lost("the zeros of a file that grew");
      return;
    }
    Set(FaultLevel::kZeroedPage, "zeroed page",
        fmt::format("page {} is all zeros, and it is in use; {}", page_, kNotHonest));
    if (culprit_.rival_score < culprit_.score) result_.confidence = Confidence::kCertain;
  }

  void Misplaced() {
    const bool is_page =
        facts_.flags == kBranchFlag || facts_.flags == kLeafFlag || facts_.flags == kFreelistFlag;
    const bool has_twin = is_page && facts_.id < seen_.census.page_count() &&
                          seen_.census.At(facts_.id).content_hash == facts_.content_hash;
    const bool is_bit = std::popcount(facts_.id ^ page_) == 1;
    if (has_twin) result_.confidence = Confidence::kCertain;
    if (is_page && is_bit && !has_twin) {
      Set(FaultLevel::kBitRot, "bit rot",
          fmt::format("one bit of the id in the header of page {} changed, to {}; {}", page_,
                      facts_.id, kNotHonest));
    } else if (is_page && facts_.id < seen_.census.page_count()) {
      Set(FaultLevel::kMisdirectedWrite, "misdirected write",
          fmt::format("what belongs to page {} was written to page {}; {}", facts_.id, page_,
                      kNotHonest));
    } else if (is_newest_) {
      Lost("what was there before");
    } else {
      Set(FaultLevel::kStalePage, "stale page",
          fmt::format(
              "page {} holds bytes that are no page, as the middle of a large value is: {}; "
              "or a write to a wrong place; {}",
              page_, Age(), kNotHonest));
      result_.confidence = Confidence::kPossible;
    }
  }

  // Returns: how old the contents of a stale page are, as far as that is known.
  std::string Age() const {
    const bool is_in_previous = seen_.IsReached(1, page_);
    return fmt::format("at least {} transactions old", is_in_previous ? 3 : 2);
  }

  void Stale() {
    if (is_newest_) {
      Lost(fmt::format("a {} page at least 2 transactions old", kind_));
      return;
    }
    Set(FaultLevel::kStalePage, fmt::format("stale {} page", kind_),
        fmt::format("a stale {} page {} at page {}; {}", kind_, Age(), page_, kNotHonest));
  }

  void RottenPointer() {
    Set(FaultLevel::kBitRot, "bit rot",
        fmt::format("the page id in element {} of page {} changed, it was {}; {}",
                    *culprit_.meant_index, page_, *culprit_.meant_child, kNotHonest));
  }

  // Few bytes are rot; all from a sector border on are a torn write.
  void OwnBytes() {
    constexpr size_t kRotFaultsMax = 2;
    uint64_t first = ~uint64_t{0};
    bool has_tail = false;
    for (const LayoutFault& fault : culprit_.faults) {
      first = std::min(first, fault.at);
      has_tail = has_tail || fault.kind == LayoutFaultKind::kTail;
    }
    const bool is_torn = culprit_.faults.size() > kRotFaultsMax ||
                         (has_tail && culprit_.faults.size() > 1) || AreTwoRowsOfKeys();
    if (!is_torn) {
      Set(FaultLevel::kBitRot, "bit rot",
          fmt::format("few bytes of page {} changed, near byte {}; {}", page_, first, kNotHonest));
      return;
    }
    const uint64_t border = std::max<uint64_t>(first / kSectorBytes, 1) * kSectorBytes;
    Set(is_newest_ ? FaultLevel::kLyingFlush : FaultLevel::kStalePage, "torn page",
        fmt::format("page {} is two pages, the second from about byte {} on: sectors of a write "
                    "are missing although it was synced; {}",
                    page_, border, kNotHonest));
  }

  // Returns: whether the keys fall back where the first fault is, and not because of one key alone.
  bool AreTwoRowsOfKeys() const {
    const auto fault =
        std::ranges::find(culprit_.faults, LayoutFaultKind::kOrder, &LayoutFault::kind);
    if (fault == culprit_.faults.end()) return false;
    PageRun run;
    const uint64_t pages =
        std::min<uint64_t>(facts_.overflow + 1ULL, seen_.census.page_count() - page_);
    if (!run.Load(seen_.file, page_, pages * seen_.file.page_size_bytes())) return false;
    const auto ascend = [&](uint32_t left, uint32_t right) {
      std::vector<std::byte> left_scratch;
      std::vector<std::byte> right_scratch;
      const Expected<Bytes> left_key = run.Key(left, left_scratch);
      const Expected<Bytes> right_key = run.Key(right, right_scratch);
      return left_key && right_key && CompareKeys(*left_key, *right_key) < 0;
    };
    const uint32_t at = fault->index;
    if (at < 2 || at + 1 >= run.count()) return false;
    return !ascend(at - 1, at + 1) && !ascend(at - 2, at);
  }

  const Examination& seen_;
  const Culprit& culprit_;
  PageId page_;
  const PageFacts& facts_;
  std::string kind_;
  bool is_newest_;  // written by the newest transaction, while the tree before it is whole
  Diagnosis result_;
};

}  // namespace

void DiagnosePages(const Examination& seen, const std::vector<Culprit>& culprits,
                   Findings& findings) {
  size_t lost = 0;
  for (const Culprit& culprit : culprits) {
    Verdict verdict(seen, culprit);
    findings.suspects.push_back(Suspect{.page = culprit.page,
                                        .kind = KindOf(seen.census.At(culprit.page)),
                                        .evidence = verdict.Evidence(),
                                        .stack = culprit.stack});
    Diagnosis diagnosis = verdict.Give();
    const bool is_newest = seen.IsPreviousWhole() && !seen.IsReached(1, culprit.page);
    // Pages of one transaction that are all lost are one fault.
    if (is_newest && diagnosis.level == FaultLevel::kLyingFlush && lost++ > 0) continue;
    findings.diagnoses.push_back(std::move(diagnosis));
  }
  if (lost > 1) {
    for (Diagnosis& diagnosis : findings.diagnoses) {
      if (diagnosis.level != FaultLevel::kLyingFlush) continue;
      diagnosis.sentence =
          fmt::format("{} pages of the newest transaction were lost; {}", lost, diagnosis.sentence);
      break;
    }
  }
}

void DiagnoseFreelist(const Examination& seen, std::vector<Diagnosis>& diagnoses) {
  if (seen.freelist.violations.empty() || !seen.IsActiveWhole()) return;
  const FreelistFinding& found = seen.freelist.finding;
  Diagnosis diagnosis{
      .page = found.page, .confidence = Confidence::kLikely, .advice = "surgery freelist-abandon"};
  const uint64_t wrong = found.reachable_freed_count + found.unreachable_unfreed_count;
  const bool is_zero = found.page < seen.census.page_count() && seen.census.At(found.page).is_zero;
  const bool is_leak = found.reachable_freed_count == 0 && found.unreachable_unfreed_count > 0 &&
                       found.ids > 0 && !seen.freelist.is_page_sick;
  if (is_zero) {
    diagnosis.level = FaultLevel::kZeroedPage;
    diagnosis.fault = "zeroed freelist page";
    diagnosis.sentence = fmt::format("freelist page {} is all zeros; {}", found.page, kNotHonest);
  } else if (seen.HasLostItsWay()) {
    diagnosis.level = FaultLevel::kStalePage;
    diagnosis.page = 0;
    diagnosis.fault = "replaced tree page";
    diagnosis.confidence = Confidence::kPossible;
    diagnosis.advice = "surgery revert-meta";
    diagnosis.sentence = fmt::format(
        "{} pages are neither used nor free, and the newer tree has fewer keys than the older one: "
        "as if a page above them had been replaced by another that fits; {}",
        found.unreachable_unfreed_count, kNotHonest);
  } else if (seen.freelist.is_page_sick && wrong <= 4) {
    diagnosis.level = FaultLevel::kBitRot;
    diagnosis.fault = "bit rot in the freelist";
    diagnosis.sentence =
        fmt::format("few bytes of freelist page {} changed; {}", found.page, kNotHonest);
  } else if (is_leak && wrong <= 4) {
    diagnosis.fault = "leaked pages";
    diagnosis.confidence = Confidence::kPossible;
    diagnosis.sentence = fmt::format(
        "{} pages are neither used nor free, and all else is right: a bug of the software that "
        "wrote the file, or a stale freelist page {}",
        wrong, found.page);
  } else {
    diagnosis.level = FaultLevel::kLyingFlush;
    diagnosis.fault = "stale freelist page";
    diagnosis.sentence = fmt::format(
        "freelist page {} is not that of the newest transaction ({}), whose meta is durable: a "
        "flush that lied, a stale page, or an engine that does not sync its data before the meta; "
        "{}",
        found.page, seen.active_meta().transaction_id, kNotHonest);
  }
  diagnoses.push_back(std::move(diagnosis));
}

}  // namespace plugpull::bbolt_file
