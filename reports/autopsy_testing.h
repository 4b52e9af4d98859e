// An autopsy made by hand, for the tests of its formats: a branch that leads back to its parent.
#pragma once

#include "reports/autopsy_report.h"

namespace plugpull::bbolt_file {

inline Autopsy SmallAutopsy() {
  Autopsy autopsy;
  autopsy.path = "damaged.db";
  autopsy.file_bytes = 245760;
  autopsy.page_size_bytes = 4096;
  autopsy.file_pages = 60;
  autopsy.metas[0] = {.slot = 0,
                      .fault = "",
                      .meta = Meta{.page_size_bytes = 4096,
                                   .root = {.root = 12, .sequence = 5},
                                   .freelist = 9,
                                   .high_water_mark = 58,
                                   .transaction_id = 42},
                      .is_active = true};
  autopsy.metas[1] = {.slot = 1, .fault = "checksum error", .meta = std::nullopt};
  autopsy.active_reason = "meta 1 is not valid, so it is meta 0";
  autopsy.trees = {{.slot = 0,
                    .is_active = true,
                    .pages = 40,
                    .buckets = 2,
                    .keys = 1234,
                    .bytes = 99999,
                    .depth = 3,
                    .is_whole = false,
                    .violations = {{.rule = "I4",
                                    .text = "PAGE_CYCLE path=[20 21 20]",
                                    .page = 20,
                                    .stack = {20, 21},
                                    .key = "6b6579",
                                    .bucket = "kv"}},
                    .more_violations = 7}};
  autopsy.freelist = {.is_persisted = true,
                      .page = 9,
                      .ids = 4,
                      .reachable_freed = {30},
                      .unreachable_unfreed = {31, 32},
                      .reachable_freed_count = 1,
                      .unreachable_unfreed_count = 50};
  autopsy.duplicates = {{.pages = {25, 33}, .kind = "leaf", .elements = 17}};
  autopsy.duplicate_count = 3;
  autopsy.suspects = {
      {.page = 21, .kind = "branch", .evidence = "it is older than its parent", .stack = {20, 21}}};
  autopsy.comparison = {.is_possible = true,
                        .shared_pages = 30,
                        .only_active = 10,
                        .only_previous = 8,
                        .previous_is_whole = false};
  autopsy.diagnoses = {{.level = FaultLevel::kStalePage,
                        .fault = "stale branch page",
                        .page = 21,
                        .confidence = Confidence::kLikely,
                        .possible_on_honest_disk = false,
                        .sentence = "a stale branch page about 3 transactions old at page 21",
                        .advice = "look at the host's write cache"},
                       {.level = std::nullopt,
                        .fault = "bug",
                        .confidence = Confidence::kPossible,
                        .sentence = "a bug of the writer"}};
  autopsy.recoverability = Recoverability::kPageSurgery;
  autopsy.graph = {.pages = {{.page = 20,
                              .kind = "branch",
                              .elements = 3,
                              .first_key = "61",
                              .last_key = "7a",
                              .in_active = true,
                              .in_previous = true},
                             {.page = 21,
                              .kind = "unknown<9f>",
                              .elements = 2,
                              .first_key = "6b",
                              .last_key = "6c",
                              .is_damaged = true,
                              .in_active = true},
                             {.page = 22, .kind = "leaf", .in_previous = true}},
                   .edges = {{.from = 20, .to = 21, .in_active = true},
                             {.from = 20, .to = 22, .in_previous = true},
                             {.from = 21, .to = 20, .is_damaged = true, .in_active = true}},
                   .is_cut = true};
  return autopsy;
}

inline Autopsy SoundAutopsy() {
  Autopsy autopsy = SmallAutopsy();
  autopsy.trees[0].is_whole = true;
  autopsy.trees[0].violations.clear();
  autopsy.trees[0].more_violations = 0;
  autopsy.suspects.clear();
  autopsy.diagnoses.clear();
  autopsy.graph = {};
  autopsy.recoverability = Recoverability::kSound;
  return autopsy;
}

}  // namespace plugpull::bbolt_file
