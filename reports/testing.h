// A small result, made by hand, for the tests of report formats.
#pragma once

#include "reports/result.h"

namespace plugpull {

inline Finding SmallFinding() {
  return {.id = "lost-commit-1f0c2a44",
          .signature = "lost-commit: write(log)",
          .violation = ViolationClass::kLostCommit,
          .fault_level = FaultLevel::kPowerCut,
          .models = {"posix-minimal", "somc"},
          .contract_models = {"xfs"},
          .crash_point = 17,
          .transactions_attempted = 4,
          .transactions_acknowledged = 3,
          .lost = {"#15 write log 0+4096"},
          .kept = {"#14 create log", "#16 size of log up to 4096"},
          .message = "recovered the state after transaction 2, but transaction 3 was acknowledged",
          .recoverability = "",
          .case_path = "findings/lost-commit-1f0c2a44.case",
          .count = 1234};
}

inline Result SmallResult() {
  Result result;
  result.command = "run";
  result.version = "1.2.3";
  result.commit = "0123456789ab";
  result.target = "sqlite:journal=wal,sync=off";
  result.seed = 18446744073709551615ULL;
  result.model = "posix-minimal";
  result.tear = "512";
  result.faults = {"process-kill", "power-cut"};
  result.promise = Promise::kDurable;
  result.verdict = Verdict::kViolated;
  result.trace = {
      .operations = 120, .syncs = 9, .acknowledgements = 4, .bytes = 65536, .transactions = 4};
  result.coverage = {.mode = "bounded",
                     .crash_points = 12,
                     .states = "123456789012345678901234567890",
                     .states_exact = true,
                     .states_log10 = 29.25,
                     .recoveries = 1500,
                     .distinct_images = 1400,
                     .reruns = 20,
                     .uses = 100,
                     .bounds = {"per-class"},
                     .unknown = {}};
  result.elapsed_s = 2.5;
  result.findings = {SmallFinding()};
  return result;
}

}  // namespace plugpull
