#include "reports/sync_report_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "reports/console.h"

namespace plugpull {
namespace {

// So many models are told by those that are not among them.
constexpr size_t kManyModels = 5;

std::vector<std::string> NamesWith(const std::vector<SyncVerdict>& verdicts, Verdict verdict) {
  std::vector<std::string> names;
  for (const SyncVerdict& each : verdicts) {
    if (each.verdict == verdict) names.push_back(each.model);
  }
  return names;
}

// Returns: the names, of all those that the verdicts are about.
std::string NamesText(const std::vector<std::string>& names, const std::vector<SyncVerdict>& all) {
  if (names.size() == all.size() && all.size() > 1) return "every model";
  if (names.size() < kManyModels) return fmt::format("{}", fmt::join(names, ", "));
  std::vector<std::string> others;
  for (const SyncVerdict& each : all) {
    if (std::ranges::find(names, each.model) == names.end()) others.push_back(each.model);
  }
  return fmt::format("every model but {}", fmt::join(others, ", "));
}

std::string Count(uint64_t number, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", Grouped(number), number == 1 ? one : more);
}

// Returns: the first bound or reason among those with the verdict.
std::string FirstBound(const std::vector<SyncVerdict>& verdicts, Verdict verdict) {
  const auto found = std::ranges::find_if(verdicts, [&](const SyncVerdict& each) {
    return each.verdict == verdict && !each.bound.empty();
  });
  return found == verdicts.end() ? "" : found->bound;
}

// Returns: what holds under which models: "held under xfs; violated under btrfs".
std::string Verdicts(const std::vector<SyncVerdict>& verdicts) {
  std::string text;
  for (const Verdict verdict : {Verdict::kHeld, Verdict::kViolated, Verdict::kUnknown}) {
    if (NamesWith(verdicts, verdict).empty()) continue;
    text += fmt::format("{}{} under {}", text.empty() ? "" : "; ", Name(verdict),
                        ModelsWith(verdicts, verdict));
    const std::string bound = FirstBound(verdicts, verdict);
    if (verdict == Verdict::kHeld) {
      text += bound.empty() ? " (exhaustive)" : fmt::format(" (bounded: {})", bound);
    }
    if (verdict == Verdict::kUnknown && !bound.empty()) text += fmt::format(" ({})", bound);
  }
  return text;
}

}  // namespace

std::string_view Name(SyncUse use) {
  switch (use) {
    case SyncUse::kLoadBearing:
      return "load-bearing";
    case SyncUse::kRedundant:
      return "redundant";
    case SyncUse::kNotFound:
      return "unknown";
  }
  return "";
}

std::vector<std::string> HeldSurely(const std::vector<SyncVerdict>& verdicts) {
  std::vector<std::string> names;
  for (const SyncVerdict& each : verdicts) {
    if (each.verdict == Verdict::kHeld && each.bound.empty()) names.push_back(each.model);
  }
  return names;
}

std::string ModelsWith(const std::vector<SyncVerdict>& verdicts, Verdict verdict) {
  return NamesText(NamesWith(verdicts, verdict), verdicts);
}

std::string PlaceName(const SyncPlaceReport& place) {
  std::string name = place.call;
  if (!place.role.empty()) name += " " + place.role;  // sync(2) is about everything
  if (!place.place.empty()) name += ", " + place.place;
  return name;
}

std::string LostText(const SyncDamage& damage) {
  const size_t colon = damage.signature.find(": ");
  if (colon == std::string::npos) return "";
  return damage.signature.substr(colon + 2);
}

std::string ProtectsText(const SyncPlaceReport& place) {
  if (place.breaks.empty()) return "";
  const SyncDamage& worst = place.breaks.front();
  // What is promised there is for a check of the user's to say.
  const bool is_checked = worst.violation == ViolationClass::kCheckFailed ||
                          worst.violation == ViolationClass::kCheckExit;
  const std::string_view what = is_checked ? "the check" : Name(BrokenPromise(worst.violation));
  std::string text = fmt::format("{}: without it {}", what, worst.message);
  if (const std::string lost = LostText(worst); !lost.empty()) {
    text += fmt::format(" (lost: {})", lost);
  }
  return text;
}

std::string UseText(const SyncPlaceReport& place) {
  const std::string spare = NamesText(HeldSurely(place.without), place.without);
  std::string text;
  switch (place.use) {
    case SyncUse::kLoadBearing:
      text = "load-bearing under " + ModelsWith(place.without, Verdict::kViolated);
      if (!spare.empty()) text += fmt::format("; redundant under {} (exhaustive)", spare);
      break;
    case SyncUse::kRedundant:
      text = fmt::format("redundant under {} (exhaustive)", spare);
      break;
    case SyncUse::kNotFound:
      if (place.without.empty()) return "not judged: no model holds with it";
      if (!spare.empty()) text = fmt::format("redundant under {} (exhaustive)", spare);
      break;
  }
  std::vector<std::string> unsure;
  std::string why;
  for (const SyncVerdict& each : place.without) {
    if (each.verdict == Verdict::kViolated ||
        (each.verdict == Verdict::kHeld && each.bound.empty()))
      continue;
    unsure.push_back(each.model);
    if (why.empty()) why = each.bound;
  }
  if (unsure.empty()) return text;
  return fmt::format("{}{}nothing found to break under {}, but not all was looked at ({})", text,
                     text.empty() ? "" : "; ", NamesText(unsure, place.without), why);
}

std::string ExecutionsText(const SyncPlaceReport& place) {
  std::string text = Count(place.executions, "time", "times");
  if (place.in_transactions > 0) {
    text += fmt::format(" in {}", Count(place.in_transactions, "transaction", "transactions"));
  }
  if (place.idle == place.executions) return text + ", never with anything to make durable";
  if (place.idle > 0) {
    text += fmt::format(", {} of them with nothing to make durable", Grouped(place.idle));
  }
  return text;
}

std::string SpareText(const SyncReport& report, const SpareSyncs& spare) {
  std::vector<std::string> numbers;
  for (const size_t place : spare.places) numbers.push_back(fmt::format("{}", place + 1));
  const std::string who = fmt::format("{}", fmt::join(numbers, ", "));
  const std::string models = NamesText(spare.models, report.models);
  const std::string broken = ModelsWith(spare.without, Verdict::kViolated);
  if (!broken.empty()) {
    const std::string first =
        spare.breaks.empty() ? "" : fmt::format(": {}", spare.breaks.front().message);
    return fmt::format(
        "{}: each alone is redundant under {}, not all together: that breaks under "
        "{}{}",
        who, models, broken, first);
  }
  const bool is_sure = HeldSurely(spare.without).size() == spare.without.size();
  return fmt::format("{}: redundant under {}, also all together{}", who, models,
                     is_sure ? " (exhaustive)" : ", as far as was looked");
}

std::string AsItIsText(const SyncReport& report) { return Verdicts(report.models); }

std::string NeededText(const SyncReport& report, const MissingSync& missing) {
  return NamesText(missing.models, report.models);
}

std::string WithMissingText(const SyncReport& report) { return Verdicts(report.with_missing); }

std::string JudgedText(const SyncReport& report) {
  std::string text;
  if (report.judged_with_missing) text = "Each sync below is judged in the run with what it lacks.";
  if (report.judged_from == 0) return text;
  if (text.empty()) text = "Each sync below is judged in the run as it is.";
  return fmt::format(
      "{} Before operation {}, where the first transaction begins, crashes\n"
      "leave damage that no sync removes; from there on it is {}.",
      text, report.judged_from, Verdicts(report.with_missing_from_there));
}

std::string SyncsLastLine(const SyncReport& report) {
  const auto count = [&](SyncUse use) {
    return std::ranges::count(report.places, use, &SyncPlaceReport::use);
  };
  std::string text = fmt::format(
      "{}: {}, {} by {}: {} load-bearing, {} redundant", Printable(report.target),
      Count(report.transactions, "transaction", "transactions"),
      Count(report.syncs, "sync", "syncs"), Count(report.places.size(), "place", "places"),
      count(SyncUse::kLoadBearing), count(SyncUse::kRedundant));
  if (const auto unknown = count(SyncUse::kNotFound); unknown > 0) {
    text += fmt::format(", {} unknown", unknown);
  }
  text += fmt::format("; {} missing", report.missing.size());
  if (!report.unhelped.empty()) text += "; some damage no sync removes";
  text += fmt::format("; {} in {} in {:.1f} s", Count(report.recoveries, "recovery", "recoveries"),
                      Count(report.explorations, "exploration", "explorations"), report.elapsed_s);
  if (report.interrupted) text += " (stopped by a signal)";
  if (report.out_of_budget) text += " (stopped by its budget)";
  return text;
}

}  // namespace plugpull
