// Goal: going back to the previous meta cures what the newest transaction lost, and never what was
// lost silently before it. Prints the first table of engine/cow_tree/POLICIES.md.
// Method: a run is recorded; after each acknowledgement pages show what they held before, one at a
// time; each image that is violated is mended with each repair, and judged like a recovery.
#include <gtest/gtest.h>

#include <set>

#include "engine/repair.h"
#include "faults/inject/damage.h"
#include "faults/inject/fault_type.h"
#include "faults/persistence/materialise.h"
#include "harness/recoverability.h"
#include "harness/testing.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

constexpr uint32_t kTransactions = 60;
constexpr uint32_t kKeys = 300;
constexpr uint64_t kPage = 4096;

struct Tally {
  uint64_t images = 0;    // violated ones, but for those with a lost meta
  uint64_t reverted = 0;  // of them, those that show the state before after revert-meta
  std::map<std::string, uint64_t> classes;
  uint64_t metas = 0;  // violated images with a lost meta
};

class Losses {
 public:
  explicit Losses(const std::string& target)
      : target_(*ParseTarget(target)),
        trace_(TraceOf(target, FindWorkload("mixed")->generate(
                                   {.seed = 1, .transactions = kTransactions, .keys = kKeys}))),
        model_(trace_.transactions),
        damage_(trace_) {}

  Tally Count(const char* specification) {
    const FaultCall call = ParseFaults(specification, FaultForm::kSpecification)->front();
    Tally tally;
    for (size_t i = 0; i < trace_.ops.size(); ++i) {
      if (trace_.ops[i].kind != OpKind::kAcknowledge) continue;
      // A page that the newest transaction wrote with the bytes that were there is no older loss.
      std::set<uint64_t> written;
      for (size_t op = i; op-- > 0 && trace_.ops[op].kind != OpKind::kAcknowledge;) {
        if (trace_.ops[op].kind != OpKind::kWrite) continue;
        for (uint64_t at = 0; at < trace_.ops[op].size_bytes; at += kPage) {
          written.insert((trace_.ops[op].offset_bytes + at) / kPage);
        }
      }
      const bool is_newest = TextOf(call, FaultForm::kSpecification, "lost") == "newest";
      PageSite site = damage_.SiteAt(i + 1);
      for (SiteFile& file : site.files) {
        for (uint64_t page = 0; page * kPage < file.size_bytes; ++page) {
          if (is_newest == written.contains(page)) file.pages.push_back(page);
        }
      }
      Random random(i);
      FaultCalls chosen;
      TypeOf(call).choose(site, call, random, chosen);
      for (const FaultCall& instance : chosen) {
        Add(FaultText({instance}, FaultForm::kInstance), i + 1, trace_.ops[i].transaction, tally);
      }
    }
    return tally;
  }

 private:
  void Add(const std::string& fault, size_t position, uint32_t newest, Tally& tally) {
    const std::span<const Repair> repairs = target_.type->repairs();
    Image image = Materialise(trace_, position, {}, Tear::kNone);
    const Expected<Damage> damage = damage_.Read(fault, position);
    ASSERT_TRUE(damage.has_value()) << Describe(damage.error());
    Apply(damage->patches, image);
    const Window window{newest, newest};
    std::vector<MendedState> states;
    const auto look = [&](const Repair* repair) {
      states.push_back(
          TryRepair(image, repair, target_, model_, window, UseAfterRecovery(1, kKeys), phase_));
    };
    look(nullptr);
    if (states.front().transaction == newest) return;  // nobody needs the page
    if (damage->patches.front().offset_bytes < 2 * kPage) {
      ++tally.metas;
      return;
    }
    for (const Repair& repair : repairs) look(&repair);
    const Recoverability found = ConcludeRecoverability(repairs, states, window);
    ++tally.images;
    ++tally.classes[found.name];
    // Where the image by itself shows the state before, going back there is no cure.
    tally.reverted += states[1].transaction >= newest - 1 ? 1 : 0;
  }

  const Target target_;
  const Trace trace_;
  const ReferenceModel model_;
  DamageReader damage_;
  std::atomic<Phase> phase_ = Phase::kOpen;
};

TEST(RevertMeta, CuresLossesOfTheNewestTransactionAndNeverOlderOnes) {
  for (const char* target : {"cow_tree:freelist=none", "cow_tree"}) {
    Losses losses(target);
    for (const char* fault :
         {"stale-page(age=1,lost=newest)", "stale-page(age=2..12,count=4,lost=older)"}) {
      const bool is_newest = std::string_view(fault).contains("newest");
      Tally tally = losses.Count(fault);
      fmt::print("| {} | {} | {} of {} |", target, is_newest ? "newest" : "older", tally.reverted,
                 tally.images);
      for (const auto& [name, images] : tally.classes) fmt::print(" {} {};", images, name);
      fmt::print(" | {} |\n", tally.metas);
      EXPECT_GT(tally.images, 50U) << target;
      EXPECT_EQ(tally.reverted, is_newest ? tally.images : 0U) << target << " " << fault;
    }
  }
}

}  // namespace
}  // namespace plugpull
