// What a search for the symptom of a field report tells: the weakest fault of the storage that
// yields it, and what was searched before that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/console.h"
#include "reports/result.h"

namespace plugpull {

// One fault, searched for on one workload.
struct SymptomSearch {
  FaultLevel level = FaultLevel::kProcessKill;
  std::string fault;     // as it is written: "stale-page(age=1..3)"
  std::string workload;  // "mixed, 40 keys, 200 transactions"
  Coverage coverage = {};
  uint64_t without_symptom = 0;  // violations that do not show it
  bool shows_symptom = false;
  std::string unknown = {};  // why it says nothing, or not enough; empty: it was searched

  bool legal() const { return InfoOf(level).legal; }
};

// A fault that yields the symptom.
struct Explanation {
  Finding finding;
  std::string workload;
  std::vector<std::string> pages;  // that the fault tampered with: "page 7 of store.db"
  std::string image;               // the files as the fault left them, below --out
};

struct Reproduction {
  std::string symptom;
  Result result;  // coverage is the sum of all searches; findings: those of the explanations
  // In their order: the weakest fault first, and for each small workloads first.
  std::vector<SymptomSearch> searches;
  // The weakest fault; where that is many lost writes, then one lost write that is enough.
  std::vector<Explanation> explanations = {};

  const Explanation* weakest() const {
    return explanations.empty() ? nullptr : &explanations.front();
  }
};

// Returns: the answer: the weakest fault of the storage that explains the report, and how far every
// weaker one was searched.
std::string Sentence(const Reproduction& reproduction);

// Returns: what a person reads, and the last line of it.
std::string RenderReproductionConsole(const Reproduction& reproduction, const std::string& out);
std::string RenderReproductionLastLine(const Reproduction& reproduction, const std::string& report);

// Returns: the result as plugpull.result/1, with a field `reproduction` more.
std::string RenderReproductionJson(const Reproduction& reproduction);

}  // namespace plugpull
