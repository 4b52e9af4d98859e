// How to explore: one value that travels from the command line to the recovery children and into
// case files, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "faults/base/error.h"
#include "faults/persistence/model.h"
#include "faults/persistence/tear.h"
#include "reports/verdict.h"

namespace plugpull {

inline constexpr uint32_t kMostDepth = 7;

struct ExploreSettings {
  std::string target = "cow_tree";  // empty: a program of the user's, judged by `check`
  // A command of the user's that says whether an image is consistent; empty: the target says.
  std::string check = {};
  const Model* model = &Models().front();
  Tear tear = Tear::kSectorsContiguous;
  Promise promise = Promise::kDurable;
  uint64_t seed = 1;
  uint32_t keys = 40;                 // of the workload; the use after recovery draws from them
  uint32_t per_class = 3;             // violations of a class at one crash point, then it ends
  uint64_t recoveries_per_point = 0;  // 0: no bound
  // Once a class is full at a point, the search goes on for this many recoveries in case another
  // class shows; each new class gives it as many again. A broken protocol fails in most of its
  // states, so this is enough to see its kinds of damage and little enough to end fast.
  uint32_t patience = 256;
  // Crashes in a row: from the second on, each hits the recovery from the one before. 1: none does.
  uint32_t depth = 2;
  uint64_t recovery_timeout_ms = 10'000;  // of one recovery
  uint32_t readers = 0;   // the run had some; if any, one is open in the use after recovery
  bool read_set = false;  // of a program: see what it reads (read_set_pool.h)
  // What is searched for (symptom.h). Violations that do not show it are counted, and the search of
  // a point goes on behind them. Empty: every violation counts. Requires: Symptom::Parse takes it.
  std::string symptom = {};
};

nlohmann::json ToJson(const ExploreSettings& settings);
Expected<ExploreSettings> ExploreSettingsFromJson(const nlohmann::json& json);

}  // namespace plugpull
