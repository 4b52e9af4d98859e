// Goal: how often there is a way back to the transaction before, when the newest one was lost and
// the crash came inside the data phase of the next: for each policy of when freed pages may be
// written again. Prints the table of engine/cow_tree/POLICIES.md.
// Method: a run is recorded; after each data write of a transaction N+1, every page that N wrote is
// lost, one at a time, on an image that holds everything else that was issued. Then the meta of N
// is written over with the one before it, as `surgery revert-meta` does, and the store must show
// the contents after N-1, be sound, and be usable. Where the meta of N itself is lost, opening must
// do the same unasked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/bbolt_file/surgery.h"
#include "faults/inject/damage.h"
#include "faults/persistence/materialise.h"
#include "harness/recoverability.h"
#include "harness/testing.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

constexpr uint32_t kTransactions = 100;
constexpr uint32_t kKeys = 300;
constexpr uint32_t kFirst = 12;  // when the file has free pages to reuse
constexpr uint32_t kStep = 4;
constexpr uint64_t kPage = 4096;

struct Share {
  uint64_t of = 0;
  uint64_t good = 0;

  std::string Text() const {
    return fmt::format("{} of {} ({:.0f} %)", good, of,
                       100.0 * static_cast<double>(good) / static_cast<double>(of));
  }
};

struct WaysBack {
  Share page_lost;     // reverting the meta is a cure
  Share after_first;   // of those, where N+1 had written one page only
  Share after_last;    // where it had written all its pages
  Share meta_lost;     // opening shows N-1 by itself
  uint64_t pages = 0;  // of the file at the end, in use or free
};

// The operations of one transaction.
struct Span {
  size_t begin = 0;          // position after the acknowledgement before
  std::vector<size_t> data;  // indices of its writes but that of the meta
  size_t meta = 0;           // index of that
};

std::vector<Span> SpansOf(const Trace& trace) {
  std::vector<Span> spans(trace.transactions.size() + 1);
  uint32_t current = 0;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kBegin) {
      current = op.transaction;
      spans[current].begin = i;
    }
    if (op.kind != OpKind::kWrite || current == 0) continue;
    if (op.offset_bytes < 2 * kPage) {
      spans[current].meta = i;
    } else {
      spans[current].data.push_back(i);
    }
  }
  return spans;
}

class WaysBackOf {
 public:
  // `judge`: the target that opens the images.
  WaysBackOf(const std::string& writer, const std::string& judge)
      : target_(*ParseTarget(judge)),
        trace_(TraceOf(writer, FindWorkload("mixed")->generate(
                                   {.seed = 1, .transactions = kTransactions, .keys = kKeys}))),
        model_(trace_.transactions),
        damage_(trace_),
        use_(UseAfterRecovery(1, kKeys)) {}

  WaysBack Count() {
    const std::vector<Span> spans = SpansOf(trace_);
    for (uint32_t newest = kFirst; newest + 1 < spans.size(); newest += kStep) {
      const Span& next = spans[newest + 1];
      for (size_t written = 1; written <= next.data.size(); ++written) {
        Look(newest, spans, next.data[written - 1] + 1, written == 1, written == next.data.size());
      }
    }
    for (const Op& op : trace_.ops) {
      if (op.kind != OpKind::kWrite) continue;
      found_.pages = std::max(found_.pages, (op.offset_bytes + op.size_bytes) / kPage);
    }
    return found_;
  }

 private:
  void Look(uint32_t newest, const std::vector<Span>& spans, size_t position, bool is_first,
            bool is_last) {
    const Image issued = Materialise(trace_, position, {}, Tear::kNone);
    const Window window{newest, newest + 1};
    std::set<uint64_t> pages;
    for (const size_t index : spans[newest].data) {
      const Op& op = trace_.ops[index];
      for (uint64_t at = 0; at < op.size_bytes; at += kPage) {
        pages.insert((op.offset_bytes + at) / kPage);
      }
    }
    for (const uint64_t page : pages) {
      const Image image = WithLost(issued, page, position);
      if (StateOf(image, nullptr, window).transaction == newest) continue;  // nobody needs it
      const bool is_cured = StateOf(image, &Revert(), window).transaction == newest - 1;
      for (Share* share : {&found_.page_lost, is_first ? &found_.after_first : nullptr,
                           is_last ? &found_.after_last : nullptr}) {
        if (share == nullptr) continue;
        ++share->of;
        share->good += is_cured ? 1 : 0;
      }
    }
    const uint64_t slot = trace_.ops[spans[newest].meta].offset_bytes / kPage;
    const Image image = WithLost(issued, slot, position);
    ++found_.meta_lost.of;
    found_.meta_lost.good += StateOf(image, nullptr, window).transaction == newest - 1 ? 1 : 0;
  }

  // Returns: the image with a page as it was before the newest acknowledged transaction.
  Image WithLost(const Image& issued, uint64_t page, size_t position) {
    const Expected<Damage> damage =
        damage_.Read(fmt::format("stale-page(file=store.db,page={},age=1)", page), position);
    EXPECT_TRUE(damage.has_value()) << Describe(damage.error());
    Image image = issued;
    Apply(damage->patches, image);
    return image;
  }

  MendedState StateOf(const Image& image, const Repair* repair, Window window) {
    return TryRepair(image, repair, target_, model_, window, use_, phase_);
  }

  static const Repair& Revert() {
    const Repair& first = bbolt_file::Repairs().front();
    EXPECT_EQ(first.name, "revert-meta");
    return first;
  }

  const Target target_;
  const Trace trace_;
  const ReferenceModel model_;
  DamageReader damage_;
  const std::vector<Transaction> use_;
  std::atomic<Phase> phase_ = Phase::kOpen;
  WaysBack found_;
};

class FreePolicies : public testing::TestWithParam<const char*> {};

TEST_P(FreePolicies, LeaveAWayBackAsOftenAsTheyCan) {
  const std::string freelist = GetParam();
  std::map<std::string, WaysBack> found;
  for (const char* policy : {"stock", "delayed_free", "hold_two_generations"}) {
    const std::string writer = fmt::format("cow_tree:free_policy={},freelist={}", policy, freelist);
    // With hold_two_generations, the check also wants the tree of the older meta whole, whichever
    // meta that is once one is lost. That of bbolt, and of stock, does not.
    const bool is_strict = policy == std::string_view("hold_two_generations");
    found[policy] =
        WaysBackOf(writer, is_strict ? "cow_tree:freelist=" + freelist : writer).Count();
    const WaysBack& ways = found[policy];
    fmt::print("| {} | {} | {} | {} | {} | {} | {} |\n", policy, freelist, ways.page_lost.Text(),
               ways.after_first.Text(), ways.after_last.Text(), ways.meta_lost.Text(), ways.pages);
    ASSERT_GT(ways.page_lost.of, 100U);
    ASSERT_GT(ways.meta_lost.of, 100U);
  }
  const WaysBack& stock = found["stock"];
  EXPECT_LT(stock.page_lost.good, stock.page_lost.of);
  EXPECT_LT(stock.meta_lost.good, stock.meta_lost.of);
  const WaysBack& hold = found["hold_two_generations"];
  EXPECT_EQ(hold.page_lost.good, hold.page_lost.of);
  EXPECT_EQ(hold.meta_lost.good, hold.meta_lost.of);
}

INSTANTIATE_TEST_SUITE_P(Freelists, FreePolicies, testing::Values("synced", "none"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace plugpull
