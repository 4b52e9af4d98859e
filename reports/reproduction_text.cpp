// The answer to a search for a symptom, in words.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "faults/inject/fault_call.h"
#include "reports/reproduction.h"

namespace plugpull {
namespace {

constexpr size_t kMostPages = 8;

std::string LevelText(const SymptomSearch& search) {
  return fmt::format("{} (level {})", search.fault, InfoOf(search.level).number);
}

// The searches of one fault, on all workloads.
struct FaultSearches {
  const SymptomSearch* first = nullptr;
  bool is_exhaustive = true;
  uint64_t without_symptom = 0;
  std::set<std::string> bounds = {};
  std::set<std::string> unknown = {};
};

std::vector<FaultSearches> ByFault(const Reproduction& reproduction) {
  std::vector<FaultSearches> faults;
  for (const SymptomSearch& search : reproduction.searches) {
    if (search.shows_symptom) break;  // what comes after it is no weaker
    if (faults.empty() || faults.back().first->fault != search.fault) {
      faults.push_back({.first = &search});
    }
    FaultSearches& fault = faults.back();
    const bool is_searched = search.unknown.empty();
    fault.is_exhaustive =
        fault.is_exhaustive && is_searched && search.coverage.mode == "exhaustive";
    fault.without_symptom += search.without_symptom;
    fault.bounds.insert(search.coverage.bounds.begin(), search.coverage.bounds.end());
    if (!is_searched) fault.unknown.insert(search.unknown);
  }
  return faults;
}

std::string Workloads(const Reproduction& reproduction) {
  std::vector<std::string> names;
  for (const SymptomSearch& search : reproduction.searches) {
    if (std::ranges::find(names, search.workload) == names.end()) names.push_back(search.workload);
  }
  return fmt::format("{}", fmt::join(names, "; "));
}

// One sentence for the faults that were searched in the same way.
std::string Searched(const Reproduction& reproduction, bool legal) {
  std::vector<std::string> exhaustive;
  std::vector<std::string> others;
  uint64_t without_symptom = 0;
  for (const FaultSearches& fault : ByFault(reproduction)) {
    if (fault.first->legal() != legal) continue;
    without_symptom += fault.without_symptom;
    if (fault.is_exhaustive) {
      exhaustive.push_back(LevelText(*fault.first));
    } else if (!fault.unknown.empty()) {
      others.push_back(fmt::format("{} is not known: {}", LevelText(*fault.first),
                                   fmt::join(fault.unknown, "; ")));
    } else {
      others.push_back(fmt::format("{} was searched to a bound ({})", LevelText(*fault.first),
                                   fmt::join(fault.bounds, "; ")));
    }
  }
  std::string text;
  if (!exhaustive.empty()) {
    text = fmt::format("{} searched exhaustively", fmt::join(exhaustive, ", "));
  }
  for (const std::string& other : others) text += (text.empty() ? "" : "; ") + other;
  if (text.empty()) return text;
  if (without_symptom > 0) {
    return text + fmt::format(", with {} violations, none of which shows it", without_symptom);
  }
  if (!legal) return text + ", without it";
  return text + (others.empty() ? ", and the engine is correct under each"
                                : ", and no violation was seen");
}

// Whether every fault before the first that yields the symptom was searched whole.
bool AreWeakerOnesExhausted(const Reproduction& reproduction) {
  return std::ranges::all_of(ByFault(reproduction), &FaultSearches::is_exhaustive);
}

std::string PagesText(const std::vector<std::string>& pages) {
  if (pages.size() <= kMostPages) return fmt::format("{}", fmt::join(pages, ", "));
  const std::vector<std::string> first(pages.begin(),
                                       pages.begin() + static_cast<ptrdiff_t>(kMostPages));
  return fmt::format("{} and {} more", fmt::join(first, ", "), pages.size() - kMostPages);
}

// What the fault did, in words.
std::string Deed(const Explanation& explanation) {
  const Finding& finding = explanation.finding;
  const std::vector<std::string>& pages = explanation.pages;
  if (pages.empty()) return finding.fault.empty() ? "" : ": " + finding.fault;
  const std::string where = PagesText(pages);
  const std::string_view are = pages.size() == 1 ? "is" : "are";
  switch (finding.fault_level) {
    case FaultLevel::kProcessKill:
    case FaultLevel::kPowerCutOrdered:
    case FaultLevel::kPowerCut:
    case FaultLevel::kTornWrite:
      return fmt::format(": what was written to {} {} lost", where, are);
    case FaultLevel::kLyingFlush:
      return fmt::format(
          ": what was written to {} {} lost, though flushed, under a meta that is "
          "there",
          where, are);
    case FaultLevel::kStalePage: {
      const Expected<FaultCalls> calls = ParseFaults(finding.fault, FaultForm::kInstance);
      uint64_t age = 0;
      for (const FaultCall& call : calls.value_or(FaultCalls())) {
        if (call.level == FaultLevel::kStalePage) age = NumberOf(call, FaultForm::kInstance, "age");
      }
      return fmt::format(
          ": {} shows what it held {} transaction{} ago, one lost write that the "
          "page cache hid until the crash",
          where, age, age == 1 ? "" : "s");
    }
    case FaultLevel::kMisdirectedWrite:
    case FaultLevel::kZeroedPage:
    case FaultLevel::kSubSectorTear:
    case FaultLevel::kBitRot:
      return fmt::format(": {}, at {}", finding.fault, where);
  }
  return "";
}

std::string Evidence(const Explanation& explanation, const std::string& out) {
  const Finding& finding = explanation.finding;
  const FaultInfo& info = InfoOf(finding.fault_level);
  std::string text = fmt::format("\n{} (level {})  {}  {}\n", info.name, info.number,
                                 Name(finding.violation), Printable(finding.message));
  text += fmt::format(
      "  crash      after operation {}; transaction {} acknowledged, {} attempted\n",
      finding.crash_point, finding.transactions_acknowledged, finding.transactions_attempted);
  text += fmt::format("  workload   {}\n", explanation.workload);
  if (!finding.fault.empty()) text += fmt::format("  fault      {}\n", Printable(finding.fault));
  if (!explanation.pages.empty()) {
    text += fmt::format("  tampered   {}\n", PagesText(explanation.pages));
  }
  if (!finding.recoverability.empty()) {
    text += fmt::format("  mend       {}\n", finding.recoverability);
  }
  if (!explanation.image.empty())
    text += fmt::format("  files      {}/{}\n", out, explanation.image);
  return text + fmt::format("  reproduce  plugpull replay {}/{}\n", out, finding.case_path);
}

}  // namespace

std::string Sentence(const Reproduction& reproduction) {
  const Explanation* weakest = reproduction.weakest();
  const std::string legal = Searched(reproduction, true);
  const std::string beyond = Searched(reproduction, false);
  std::string text;
  if (weakest == nullptr) {
    text = fmt::format("Nothing that was searched explains '{}'.", reproduction.symptom);
  } else {
    const FaultInfo& info = InfoOf(weakest->finding.fault_level);
    // Of faults that were not searched whole nobody knows that they are too weak.
    text = fmt::format("The weakest storage fault{} that explains '{}' is {} (level {}){}.",
                       AreWeakerOnesExhausted(reproduction) ? "" : " found", reproduction.symptom,
                       info.name, info.number, Deed(*weakest));
    text += info.legal ? " An honest disk may do that: the engine is at fault."
                       : " No crash on an honest disk was seen to yield it.";
  }
  for (const Explanation& each : reproduction.explanations) {
    if (&each == weakest) continue;
    const FaultInfo& info = InfoOf(each.finding.fault_level);
    text += fmt::format(" One lost write is enough, too: {} (level {}){}.", info.name, info.number,
                        Deed(each));
  }
  if (!legal.empty()) text += fmt::format(" On an honest disk: {}.", legal);
  if (!beyond.empty()) {
    text += fmt::format(" Beyond its contract{}: {}.", weakest == nullptr ? "" : ", but weaker",
                        beyond);
  }
  return text + fmt::format(" Workloads: {}.", Workloads(reproduction));
}

std::string RenderReproductionConsole(const Reproduction& reproduction, const std::string& out) {
  std::string text;
  for (const SymptomSearch& search : reproduction.searches) {
    std::string outcome = search.coverage.mode;
    if (search.shows_symptom) outcome = "THE SYMPTOM";
    if (!search.unknown.empty()) outcome = "not known: " + search.unknown;
    if (!search.shows_symptom && search.without_symptom > 0) {
      outcome += fmt::format(", {} other violations", search.without_symptom);
    }
    text +=
        fmt::format("  {}  {:<18} {:<36} {:>8} recoveries  {}\n", InfoOf(search.level).number,
                    search.fault, search.workload, search.coverage.recoveries, Printable(outcome));
  }
  text += "\n" + Printable(Sentence(reproduction)) + "\n";
  for (const Explanation& each : reproduction.explanations) text += Evidence(each, out);
  return text + "\n";
}

std::string RenderReproductionLastLine(const Reproduction& reproduction,
                                       const std::string& report) {
  const Explanation* weakest = reproduction.weakest();
  const Result& result = reproduction.result;
  std::string outcome = "not reproduced";
  if (weakest != nullptr) {
    const FaultInfo& info = InfoOf(weakest->finding.fault_level);
    outcome = fmt::format("reproduced at level {}, {}", info.number, info.name);
  }
  return fmt::format("{}: {} ({} searches, {} recoveries, {:.1f} s, {}); report {}",
                     Printable(result.target), outcome, reproduction.searches.size(),
                     result.coverage.recoveries, result.elapsed_s, result.coverage.mode, report);
}

}  // namespace plugpull
