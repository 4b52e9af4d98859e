// A small report on syncs, made by hand, for the tests of its formats.
#pragma once

#include "reports/sync_report.h"

namespace plugpull {

inline SyncDamage LostUnlink(std::vector<std::string> models) {
  return {.id = "lost-commit-cabc0e67",
          .violation = ViolationClass::kLostCommit,
          .fault_level = FaultLevel::kPowerCutOrdered,
          .models = std::move(models),
          .message = "recovered the state after transaction 4, but transaction 5 was acknowledged",
          .signature = "lost-commit: unlink(journal)",
          .lost = {"#95 unlink test.db-journal"},
          .case_path = "findings/lost-commit-cabc0e67.case"};
}

// One sync is missing, one is needed under one of two models, two are spare but not together, and
// of one not all is known.
inline SyncReport SmallSyncReport() {
  const SyncVerdict held{.model = "posix-minimal", .verdict = Verdict::kHeld, .bound = {}};
  const SyncVerdict held_too{.model = "xfs", .verdict = Verdict::kHeld, .bound = {}};
  const SyncVerdict violated{.model = "posix-minimal", .verdict = Verdict::kViolated, .bound = {}};
  SyncReport report;
  report.version = "1.2.3";
  report.commit = "0123456789ab";
  report.target = "engine:mode=fast";
  report.seed = 18446744073709551615ULL;
  report.transactions = 12;
  report.syncs = 1200;
  report.tear = "512";
  report.models = {violated, held_too};
  report.findings = {LostUnlink({"posix-minimal"})};
  report.missing = {{.call = "fsync of directory",
                     .thing = "fsync of the directory of journal",
                     .place = "after unlink(journal), before the commit returns",
                     .executions = 12,
                     .first_operation = 96,
                     .models = {"posix-minimal"},
                     .removes = {"lost-commit-cabc0e67"}}};
  report.with_missing = {held, held_too};
  report.judged_with_missing = true;
  report.unhelped = {{.damage = LostUnlink({"xfs"}), .models = {"xfs"}, .why = "nothing was lost"}};
  report.places = {
      {.call = "fdatasync",
       .role = "journal",
       .frames = {"Sync (pager.cpp:88)", "Commit (pager.cpp:7)"},
       .place = {},
       .executions = 24,
       .in_transactions = 12,
       .use = SyncUse::kLoadBearing,
       .without = {violated, held_too},
       .breaks = {LostUnlink({"posix-minimal"})}},
      {.call = "fsync",
       .role = "store|x",
       .frames = {},
       .place = "the 1st of a transaction",
       .executions = 1,
       .in_transactions = 1,
       .idle = 1,
       .use = SyncUse::kRedundant,
       .without = {held, held_too},
       .breaks = {}},
      {.call = "fsync",
       .role = "log",
       .frames = {},
       .place = "the 1st before any transaction",
       .executions = 3,
       .idle = 2,
       .use = SyncUse::kNotFound,
       .without = {{.model = "posix-minimal", .verdict = Verdict::kHeld, .bound = "sampled"},
                   {.model = "xfs", .verdict = Verdict::kUnknown, .bound = "out of budget"}},
       .breaks = {}}};
  report.spare = {{.places = {1, 2},
                   .models = {"posix-minimal", "xfs"},
                   .without = {violated, held_too},
                   .breaks = {LostUnlink({"posix-minimal"})}},
                  {.places = {0, 1}, .models = {"xfs"}, .without = {held_too}, .breaks = {}}};
  report.explorations = 9;
  report.recoveries = 12345;
  report.elapsed_s = 2.5;
  return report;
}

}  // namespace plugpull
