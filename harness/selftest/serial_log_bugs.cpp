// The bugs of serial_log: Falcon's own, and those that logs with logical redo are known for.
#include "harness/selftest/planted_bug.h"
#include "workloads/falcon_report.h"

namespace plugpull {
namespace {

using enum ViolationClass;
using enum FaultLevel;
using enum Expectation;

constexpr Attack kReportAttack = {.workload = "falcon",
                                  .transactions = kReportTransactions,
                                  .keys = 40,
                                  .depth = 1,
                                  .crashes_from = kReportInsert};

// Pages of one sector are never torn: few crash states, so that all of them are visited.
constexpr Attack kMixed = {.transactions = 24, .depth = 1};
constexpr Attack kManyKeys = {.transactions = 40, .keys = 20, .depth = 1};

// In the order of the serial log's list of mutants.
void AddReportMutants(std::vector<PlantedBug>& bugs) {
  bugs.push_back({.name = "MF1",
                  .bug = "redo takes leftover bytes for a line (Falcon #44744)",
                  .target = "serial_log:mutant=MF1",
                  .attack = kReportAttack,
                  .classes = {kRefusesToOpen},
                  .symptom = "page 16858751",
                  .level = kProcessKill});
  bugs.push_back({.name = "MF2",
                  .bug = "the Checkpoint record is written before the pages are synced",
                  .target = "serial_log:mutant=MF2,page_size=512,window=8192",
                  .attack = {.transactions = 60, .keys = 20, .rollbacks = 4, .depth = 1},
                  .classes = {kPartialCommit, kHole, kLostCommit},
                  .level = kPowerCut});
  bugs.push_back({.name = "MF3",
                  .bug = "structural records are not durable before the page (Falcon #45301)",
                  .target = "serial_log:mutant=MF3,page_images=off,page_size=512,window=8192",
                  .expectation = kEquivalent,
                  .attack = {.transactions = 60, .keys = 20, .rollbacks = 4, .depth = 1},
                  .why =
                      "what a lost record spoke of was applied since the last checkpoint, so the "
                      "log still has the transaction: redo stores the record again, its old "
                      "chain ends where a page is missing, and the sweep after redo makes the "
                      "inventory anew (reconcile=on). Falcon had none of that"});
  bugs.push_back({.name = "MF4",
                  .bug = "the read block passes a transaction that is not applied",
                  .target = "serial_log:mutant=MF4,page_size=512,window=8192",
                  .attack = {.transactions = 60, .keys = 20, .rollbacks = 4, .depth = 1},
                  .classes = {kPartialCommit},
                  .level = kProcessKill});
  bugs.push_back({.name = "MF5",
                  .bug = "phase 2 makes pages afresh that the checkpoint has",
                  .target = "serial_log:mutant=MF5,page_size=512,window=8192,"
                            "schedule=-/gopher1+begin+finish",
                  .attack = {.transactions = 40, .keys = 12, .depth = 1},
                  .classes = {kStructure, kPartialCommit, kHole},
                  .level = kProcessKill});
  bugs.push_back({.name = "MF6",
                  .bug = "transactions without a commit are redone",
                  .target = "serial_log:mutant=MF6,page_size=512,window=8192",
                  .attack = {.transactions = 24, .rollbacks = 4, .depth = 1},
                  .classes = {kPartialCommit, kWrongValue, kResurrected},
                  .level = kProcessKill});
  // The data page has lost the line and the locator page has not: the higher page is written first.
  bugs.push_back({.name = "MF7",
                  .bug = "the delete of a missing line lowers max line",
                  .target = "serial_log:mutant=MF7,flush_order=descending,window=8192,"
                            "schedule=gopher+begin+write1/write1/write2/finish",
                  .attack = kManyKeys,
                  .classes = {kStructure},
                  .symptom = "F-I1.* which is not there",
                  .level = kProcessKill});
}

void AddLogMutants(std::vector<PlantedBug>& bugs) {
  // Each transaction is followed by a complete checkpoint: no redo, whose sweep would find the
  // page.
  bugs.push_back({.name = "MF8",
                  .bug = "an update does not free overflow pages",
                  .target = "serial_log:mutant=MF8,page_size=512,schedule=gopher+begin+finish",
                  .attack = kMixed,
                  .classes = {kLeak},
                  .symptom = "in use in the inventory, and nothing refers to it",
                  .level = kProcessKill});
  bugs.push_back({.name = "MF9",
                  .bug = "neither end marker nor number of a block is tested",
                  .target = "serial_log:mutant=MF9,page_size=512,window=8192",
                  .attack = {.transactions = 60, .keys = 20, .rollbacks = 4, .depth = 1},
                  .classes = {kPartialCommit, kHole},
                  .level = kProcessKill});
  bugs.push_back({.name = "MF10",
                  .bug = "the space of a data page is not reduced",
                  .target = "serial_log:mutant=MF10,page_size=2048,window=8192",
                  .attack = {.transactions = 24, .seed = 2, .depth = 1},
                  .classes = {kStructure},
                  .symptom = "F-I2",
                  .level = kProcessKill});
  bugs.push_back({.name = "MF11",
                  .bug = "recovery resets the log before its pages are synced",
                  .target = "serial_log:mutant=MF11,page_size=512,window=8192",
                  .attack = {.transactions = 4},
                  .classes = {kLostCommit, kStructure, kRefusesToOpen},
                  .level = kProcessKill});
  bugs.push_back({.name = "MF12",
                  .bug = "a commit is acknowledged before the sync of the log",
                  .target = "serial_log:mutant=MF12,page_size=512,window=8192",
                  .attack = kMixed,
                  .classes = {kLostCommit},
                  .symptom = "was acknowledged",
                  .level = kPowerCutOrdered});
  bugs.push_back({.name = "MF13",
                  .bug = "2b leaves the locator element as it was",
                  .target = "serial_log:mutant=MF13,page_size=512,window=8192",
                  .attack = {.transactions = 30, .keys = 20, .rollbacks = 4, .depth = 1},
                  .classes = {kStructure},
                  .symptom = "F-I[13]",
                  .level = kProcessKill});
  bugs.push_back({.name = "MF14",
                  .bug = "2a makes the line without those before it",
                  .target =
                      "serial_log:mutant=MF14,page_size=2048,window=8192,fill=60,"
                      "schedule=gopher/gopher/gopher/gopher/gopher+begin/write2/write1/write1/"
                      "gopher/write1/finish",
                  .attack = {.transactions = 30, .keys = 60, .seed = 3, .depth = 1},
                  .classes = {kStructure},
                  .symptom = "F-I1.* which is not there",
                  .level = kProcessKill});
}

void AddGoodLogs(std::vector<PlantedBug>& bugs) {
  const auto add = [&bugs](std::string_view name, std::string_view what, std::string_view target,
                           const Attack& attack) {
    bugs.push_back(
        {.name = name, .bug = what, .target = target, .expectation = kHeld, .attack = attack});
  };
  add("log-good", "no bug, 2b, under all models", "serial_log:page_size=512,window=8192",
      {.transactions = 24, .depth = 1, .model = "all"});
  add("log-good-2a", "no bug, 2a, under all models", "serial_log:fix=2a,page_size=512,window=8192",
      {.transactions = 24, .depth = 1, .model = "all"});
  add("log-good-large", "no bug, pages that can be torn", "serial_log",
      {.transactions = 40, .keys = 20, .rollbacks = 4, .depth = 1});
  add("log-good-again", "no bug, recoveries are cut short too",
      "serial_log:page_size=512,window=8192", {.transactions = 4});
  add("log-good-descending", "no bug, the highest page is written first (the control of MF7)",
      "serial_log:flush_order=descending,window=8192,"
      "schedule=gopher+begin+write1/write1/write2/finish",
      kManyKeys);
  add("log-good-careful", "no bug, careful writes", "serial_log:flush_order=careful", kManyKeys);
  add("log-good-lag", "no bug, the gopher lags behind the checkpoints (the control of MF5)",
      "serial_log:page_size=512,window=8192,schedule=-/gopher1+begin+finish",
      {.transactions = 40, .keys = 12, .depth = 1});
  add("log-good-gaps", "no bug, 2a, lines are redone out of order (the control of MF14)",
      "serial_log:fix=2a,page_size=2048,window=8192,fill=60,"
      "schedule=gopher/gopher/gopher/gopher/gopher+begin/write2/write1/write1/gopher/write1/finish",
      {.transactions = 30, .keys = 60, .seed = 3, .depth = 1});
  add("log-good-report", "no bug, the report with 2b (the control of MF1)", "serial_log",
      kReportAttack);
  add("log-good-report-2a", "no bug, the report with 2a", "serial_log:fix=2a", kReportAttack);
  add("log-good-prepared", "no bug, each commit is prepared first",
      "serial_log:two_phase=on,page_size=512", {.transactions = 16, .rollbacks = 3, .depth = 1});
  add("log-good-small", "no bug, small windows: log files take turns",
      "serial_log:page_size=512,window=2048", kMixed);
  add("log-good-both-files", "no bug, one transaction fills a log file and goes on in the other",
      "serial_log:page_size=512,window=1024",
      {.workload = "roles", .transactions = 1, .keys = 60, .depth = 1});
  add("log-good-errors", "no bug, every call fails in turn", "serial_log:page_size=512",
      {.transactions = 3, .depth = 1, .errors = "each"});
  add("log-good-cycles", "no bug, used on after crashes", "serial_log:page_size=512",
      {.transactions = 8, .cycles = 2, .depth = 1});
}

}  // namespace

std::vector<PlantedBug> SerialLogBugs() {
  std::vector<PlantedBug> bugs;
  AddReportMutants(bugs);
  AddLogMutants(bugs);
  AddGoodLogs(bugs);
  return bugs;
}

}  // namespace plugpull
