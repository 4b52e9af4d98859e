// The bugs of revision_tree: what goes wrong around its header, its free list and its readers.
#include "harness/selftest/planted_bug.h"

namespace plugpull {
namespace {

using enum ViolationClass;
using enum FaultLevel;
using enum Expectation;

void AddCommitBugs(std::vector<PlantedBug>& bugs) {
  bugs.push_back({.name = "MV1",
                  .bug = "no sync between the pages and the header that names them",
                  .target = "revision_tree:mutant=MV1",
                  .classes = {kStructure, kRefusesToOpen},
                  .symptom = "wrong size|Bad Offset|bad offset|ends too early|end of file",
                  .level = kPowerCut});
  bugs.push_back({.name = "MV2",
                  .bug = "the header says current before the pages are written",
                  .target = "revision_tree:mutant=MV2",
                  .classes = {kStructure, kRefusesToOpen},
                  .level = kProcessKill});
  bugs.push_back({.name = "MV3",
                  .bug = "recovery takes every store for clean: it never scans",
                  .target = "revision_tree:mutant=MV3",
                  .classes = {kLeak},
                  .symptom = "leak",
                  .level = kProcessKill});
  bugs.push_back({.name = "MV4",
                  .bug = "pages of N are free before the header of N+1 is durable",
                  .target = "revision_tree:mutant=MV4",
                  .classes = {kStructure, kRefusesToOpen},
                  .level = kProcessKill});
  bugs.push_back({.name = "MV5",
                  .bug = "freed pages are written whatever readers there are",
                  .target = "revision_tree:mutant=MV5",
                  .attack = {.readers = 2},
                  .classes = {kReaderChanged},
                  .level = kProcessKill});
  bugs.push_back({.name = "MV6",
                  .bug = "a reclaim frees a page twice",
                  .target = "revision_tree:mutant=MV6",
                  .classes = {kStructure},
                  .symptom = "cycle",
                  .level = kProcessKill});
}

void AddRecoveryBugs(std::vector<PlantedBug>& bugs) {
  bugs.push_back({.name = "MV7",
                  .bug = "one header slot without a checksum, written in place",
                  .target = "revision_tree:mutant=MV7",
                  .expectation = kEquivalent,
                  .beyond = Attack{.faults = "sub-sector-tear(unit=8)"},
                  .classes = {kRefusesToOpen, kStructure, kLostCommit, kPartialCommit},
                  .level = kSubSectorTear,
                  .why = "a header lies within its first sector, which a correct disk writes as a "
                         "whole"});
  bugs.push_back({.name = "MV8",
                  .bug = "recovery discards by revision alone: shared pages are not marked",
                  .target = "revision_tree:mutant=MV8",
                  .classes = {kStructure},
                  .level = kProcessKill});
  bugs.push_back({.name = "MV9",
                  .bug = "the free head is not persisted after a reclaim",
                  .target = "revision_tree:mutant=MV9",
                  .classes = {kLeak},
                  .symptom = "leak",
                  .level = kProcessKill});
  bugs.push_back({.name = "MV10",
                  .bug = "a compaction renames a file that was never synced",
                  .target = "revision_tree:mutant=MV10,compact_every=3",
                  .classes = {kRefusesToOpen, kLostCommit},
                  .level = kPowerCut});
  bugs.push_back({.name = "MV11",
                  .bug = "recovery trusts the free list of a store that crashed",
                  .target = "revision_tree:mutant=MV11",
                  .attack = {.transactions = 12, .keys = 40},
                  .classes = {kRefusesToOpen, kStructure},
                  .symptom = "free list|free chain",
                  .level = kProcessKill});
  bugs.push_back({.name = "MV12",
                  .bug = "recovery does not sync its free chain before the header that names it",
                  .target = "revision_tree:mutant=MV12",
                  .classes = {kStructure},
                  .symptom = "free chain",
                  .level = kPowerCut});
}

void AddGood(std::vector<PlantedBug>& bugs) {
  const auto add = [&bugs](std::string_view name, std::string_view what, std::string_view target,
                           const Attack& attack) {
    bugs.push_back(
        {.name = name, .bug = what, .target = target, .expectation = kHeld, .attack = attack});
  };
  add("good-E", "no bug, proposal E, under all models", "revision_tree",
      {.transactions = 12, .model = "all"});
  add("good-K", "no bug, proposal K, under all models", "revision_tree:proposal=K",
      {.transactions = 12, .model = "all"});
  add("good-E-slot", "no bug, E with one header slot", "revision_tree:slots=1",
      {.transactions = 8, .model = "all"});
  add("good-K-slot", "no bug, K with one header slot, no checksum",
      "revision_tree:proposal=K,slots=1,checksum=off", {.transactions = 8, .model = "all"});
  add("good-E-readers", "no bug, E, readers and rollbacks", "revision_tree",
      {.transactions = 16, .keys = 20, .readers = 3, .rollbacks = 8});
  add("good-K-readers", "no bug, K, readers and rollbacks", "revision_tree:proposal=K",
      {.transactions = 16, .keys = 20, .readers = 3, .rollbacks = 8});
  add("good-copied", "no bug, copied pages are listed, and reclaimed, with readers",
      "revision_tree:bookkeeping=copied_pages,reclaim_every=3", {.transactions = 12, .readers = 2});
  add("good-copied-scan", "no bug, the same by a scan, stepped in the background",
      "revision_tree:reclaim=scan,reclaim_every=3,reclaim_step=2",
      {.transactions = 12, .readers = 2});
  add("good-compact", "no bug, compacted into a new file now and then",
      "revision_tree:compact_every=3", {.transactions = 10});
  add("good-E-cycles", "no bug, E, used on after crashes, with readers", "revision_tree",
      {.transactions = 8, .readers = 2, .rollbacks = 4, .cycles = 3});
  add("good-K-cycles", "no bug, K, used on after crashes", "revision_tree:proposal=K",
      {.transactions = 8, .cycles = 3});
  add("good-E-errors", "no bug, E, every call fails in turn", "revision_tree",
      {.transactions = 4, .errors = "each"});
  add("good-K-errors", "no bug, K, every call fails in turn", "revision_tree:proposal=K",
      {.transactions = 4, .errors = "each"});
  add("good-E-tear", "no bug, a disk that cuts sectors: headers are sealed, in two slots",
      "revision_tree", {.transactions = 8, .faults = "sub-sector-tear(unit=8)"});
}

}  // namespace

std::vector<PlantedBug> RevisionTreeBugs() {
  std::vector<PlantedBug> bugs;
  AddCommitBugs(bugs);
  AddRecoveryBugs(bugs);
  AddGood(bugs);
  return bugs;
}

}  // namespace plugpull
