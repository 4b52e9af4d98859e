// The bugs of cow_tree: those that copy-on-write stores of its kind are known for.
#include "harness/selftest/planted_bug.h"

namespace plugpull {
namespace {

using enum ViolationClass;
using enum FaultLevel;
using enum Expectation;

constexpr std::string_view kSectorAtomic =
    "a meta lies within its first sector, which a correct disk writes as a whole";

// Short of the pages that readers hold back, and of rollbacks.
void AddMutants(std::vector<PlantedBug>& bugs) {
  bugs.push_back({.name = "M1",
                  .bug = "no sync between pages and meta",
                  .target = "cow_tree:mutant=M1",
                  .classes = {kStructure},
                  .symptom = "self identifies|multiple references|key|type",
                  .level = kPowerCut});
  bugs.push_back({.name = "M2",
                  .bug = "the meta is written before the pages",
                  .target = "cow_tree:mutant=M2",
                  .classes = {kRefusesToOpen},
                  .symptom = "invalid freelist page",
                  .level = kProcessKill});
  bugs.push_back({.name = "M3",
                  .bug = "the meta is always in slot 0",
                  .target = "cow_tree:mutant=M3",
                  .expectation = kEquivalent,
                  .beyond = Attack{.faults = "sub-sector-tear"},
                  .classes = {kRefusesToOpen},
                  .symptom = "checksum error",
                  .level = kSubSectorTear,
                  .why = kSectorAtomic});
  bugs.push_back({.name = "M4",
                  .bug = "the checksum of a meta is not verified",
                  .target = "cow_tree:mutant=M4",
                  .expectation = kEquivalent,
                  .beyond = Attack{.faults = "sub-sector-tear(unit=8)"},
                  .classes = {kRefusesToOpen, kStructure, kLostCommit, kPartialCommit},
                  .level = kSubSectorTear,
                  .why = kSectorAtomic});
  bugs.push_back({.name = "M5",
                  .bug = "freed pages are reusable in the same transaction",
                  .target = "cow_tree:mutant=M5",
                  .classes = {kStructure},
                  .level = kProcessKill});
  bugs.push_back({.name = "M7a",
                  .bug = "the freelist omits pending pages",
                  .target = "cow_tree:mutant=M7a",
                  .classes = {kLeak},
                  .symptom = "unreachable unfreed",
                  .level = kProcessKill});
  bugs.push_back({.name = "M7b",
                  .bug = "the old freelist page is not freed",
                  .target = "cow_tree:mutant=M7b",
                  .classes = {kLeak},
                  .symptom = "unreachable unfreed",
                  .level = kProcessKill});
  bugs.push_back({.name = "M8",
                  .bug = "the freelist includes a live page",
                  .target = "cow_tree:mutant=M8",
                  .classes = {kStructure},
                  .symptom = "reachable freed",
                  .level = kProcessKill});
  bugs.push_back(
      {.name = "M9",
       .bug = "the file grows without a sync",
       .target = "cow_tree:mutant=M9",
       .expectation = kEquivalent,
       .attack = {.transactions = 16, .keys = 40, .model = "all"},
       .why = "fdatasync makes durable the size that its data needs, in every model that "
              "there is (litmus L37): nothing here reaches it; it takes a file system whose "
              "fdatasync leaves the size behind (boltdb #284)"});
  bugs.push_back({.name = "M10a",
                  .bug = "opens the meta with the lower txid",
                  .target = "cow_tree:mutant=M10a",
                  .classes = {kLostCommit},
                  .symptom = "was acknowledged",
                  .level = kProcessKill});
  bugs.push_back({.name = "M10b",
                  .bug = "no fallback to the other meta",
                  .target = "cow_tree:mutant=M10b",
                  .expectation = kEquivalent,
                  .beyond = Attack{.faults = "sub-sector-tear"},
                  .classes = {kRefusesToOpen},
                  .level = kSubSectorTear,
                  .why = kSectorAtomic});
  bugs.push_back({.name = "M11",
                  .bug = "a leaf that still fits is updated in place",
                  .target = "cow_tree:mutant=M11",
                  .classes = {kStructure, kWrongValue, kPartialCommit},
                  .level = kProcessKill});
  bugs.push_back({.name = "M13",
                  .bug = "a split gives the parent a stale first key",
                  .target = "cow_tree:mutant=M13",
                  .attack = {.transactions = 16, .keys = 60},
                  .classes = {kStructure},
                  .symptom = "ancestor",
                  .level = kProcessKill});
  bugs.push_back({.name = "M14",
                  .bug = "the overflow count is written as 0",
                  .target = "cow_tree:mutant=M14",
                  .attack = {.transactions = 4},
                  .classes = {kStructure, kWrongValue, kUnusableAfter, kLeak},
                  .level = kProcessKill});
  bugs.push_back({.name = "M15",
                  .bug = "a new store is used with nothing synced, neither content nor name",
                  .target = "cow_tree:mutant=M15",
                  .classes = {kRefusesToOpen, kLostCommit},
                  .level = kPowerCut});
  bugs.push_back({.name = "M16",
                  .bug = "the error of a sync is ignored",
                  .target = "cow_tree:mutant=M16",
                  .attack = {.transactions = 4, .errors = "each"},
                  .classes = {kAcknowledgedAfterError},
                  .level = kProcessKill});
  bugs.push_back({.name = "M17",
                  .bug = "the high-water mark is stored before the last allocation",
                  .target = "cow_tree:mutant=M17",
                  .classes = {kStructure, kRefusesToOpen},
                  .symptom = "out of bounds|above high water mark",
                  .level = kProcessKill});
  bugs.push_back({.name = "M18",
                  .bug = "the freelist is written after the sync of the data",
                  .target = "cow_tree:mutant=M18",
                  .classes = {kRefusesToOpen},
                  .symptom = "invalid freelist page",
                  .level = kPowerCut});
  bugs.push_back({.name = "M19",
                  .bug = "no sync after the meta",
                  .target = "cow_tree:mutant=M19",
                  .classes = {kLostCommit},
                  .symptom = "was acknowledged",
                  .level = kPowerCutOrdered});
  bugs.push_back({.name = "M20",
                  .bug = "the checksum of a meta covers all but the root",
                  .target = "cow_tree:mutant=M20",
                  .expectation = kEquivalent,
                  .beyond = Attack{.faults = "sub-sector-tear(unit=8)"},
                  .classes = {kStructure, kRefusesToOpen, kLostCommit, kLeak, kPartialCommit},
                  .level = kSubSectorTear,
                  .why = kSectorAtomic});
}

// What takes readers, rollbacks, crashes of recovery, or use after crashes.
void AddFurther(std::vector<PlantedBug>& bugs) {
  bugs.push_back({.name = "M6",
                  .bug = "pending pages are released whatever readers there are",
                  .target = "cow_tree:mutant=M6",
                  .attack = {.readers = 2},
                  .classes = {kReaderChanged},
                  .level = kProcessKill});
  bugs.push_back({.name = "M12",
                  .bug = "a rollback leaves the allocation map as it was (bbolt #797)",
                  .target = "cow_tree:mutant=M12",
                  .attack = {.transactions = 16, .readers = 3, .rollbacks = 8},
                  .classes = {kReaderChanged},
                  .level = kProcessKill});
  bugs.push_back({.name = "R1",
                  .bug = "opening rewrites both metas in place",
                  .target = "cow_tree:mutant=R1",
                  .classes = {kRefusesToOpen},
                  .level = kProcessKill});
  bugs.push_back({.name = "R2",
                  .bug = "opening writes down that it was opened, before anything else",
                  .target = "cow_tree:mutant=R2",
                  .classes = {kNeverConverges},
                  .level = kProcessKill});
  bugs.push_back({.name = "C1",
                  .bug = "an audit after an open frees live pages, a few commits later",
                  .target = "cow_tree:mutant=C1",
                  .attack = {.transactions = 12, .cycles = 3},
                  .classes = {kUnusableAfter, kStructure},
                  .level = kProcessKill});
  bugs.push_back({.name = "C2",
                  .bug = "commits of a store that was there before do not sync",
                  .target = "cow_tree:mutant=C2",
                  .attack = {.transactions = 12, .cycles = 2},
                  .classes = {kLostCommit},
                  .level = kPowerCutOrdered});
}

// Each fault that a disk beyond its contract may show must bite: a knob that does nothing would
// go unnoticed otherwise. No store holds against these.
void AddFaults(std::vector<PlantedBug>& bugs) {
  const auto add = [&bugs](std::string_view name, std::string_view bug, FaultLevel level,
                           std::vector<ViolationClass> classes) {
    bugs.push_back({.name = name,
                    .bug = bug,
                    .target = "cow_tree",
                    .attack = {.transactions = 6, .faults = name},
                    .classes = std::move(classes),
                    .level = level});
  };
  add("lying-flush", "no bug: the disk lies about syncs", kLyingFlush, {kLostCommit});
  add("stale-page", "no bug: the disk loses an old write", kStalePage, {kStructure, kLostCommit});
  add("misdirected-write", "no bug: the disk writes a page to the place of another",
      kMisdirectedWrite, {kStructure});
  add("zeroed-page", "no bug: the disk shows a page as zeros", kZeroedPage,
      {kStructure, kRefusesToOpen});
  add("bit-rot", "no bug: the disk turns a bit over", kBitRot, {kStructure, kWrongValue});
}

void AddGood(std::vector<PlantedBug>& bugs) {
  const auto add = [&bugs](std::string_view name, std::string_view what, std::string_view target,
                           const Attack& attack) {
    bugs.push_back(
        {.name = name, .bug = what, .target = target, .expectation = kHeld, .attack = attack});
  };
  add("good", "no bug, under all models", "cow_tree", {.transactions = 16, .model = "all"});
  add("good-readers", "no bug, readers and rollbacks", "cow_tree",
      {.transactions = 24, .keys = 20, .readers = 3, .rollbacks = 12});
  add("good-scan", "no bug, freelist not persisted, with readers", "cow_tree:freelist=none",
      {.transactions = 16, .readers = 2, .rollbacks = 6});
  add("good-growth", "no bug, a file that grows, small pages", "cow_tree:page_size=1024",
      {.transactions = 30, .keys = 60, .readers = 1});
  add("good-delayed", "no bug, old pages are freed after the commit (bbolt #834)",
      "cow_tree:free_policy=delayed_free", {.transactions = 16, .readers = 2, .rollbacks = 6});
  add("good-hold", "no bug, old pages are held for two generations",
      "cow_tree:free_policy=hold_two_generations",
      {.transactions = 16, .readers = 2, .rollbacks = 6});
  add("good-cycles", "no bug, used on after crashes, with readers", "cow_tree",
      {.transactions = 12, .readers = 2, .rollbacks = 4, .cycles = 4});
  add("good-errors", "no bug, every call fails in turn", "cow_tree",
      {.transactions = 4, .errors = "each"});
  add("good-tear", "no bug, a disk that cuts sectors: metas are checksummed", "cow_tree",
      {.transactions = 8, .faults = "sub-sector-tear(unit=8)"});
}

}  // namespace

std::vector<PlantedBug> CowTreeBugs() {
  std::vector<PlantedBug> bugs;
  AddMutants(bugs);
  AddFurther(bugs);
  AddFaults(bugs);
  AddGood(bugs);
  return bugs;
}

}  // namespace plugpull
