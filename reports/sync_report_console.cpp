// What a person reads of `plugpull syncs`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/console.h"
#include "reports/sync_report.h"
#include "reports/sync_report_text.h"

namespace plugpull {
namespace {

// Frames that are shown of a place; the report file has them all.
constexpr size_t kMostFrames = 3;

std::string Row(std::string_view name, std::string_view text) {
  return fmt::format("     {:<9} {}\n", name, Printable(text));
}

std::string Replay(const SyncDamage& damage, const std::string& out_directory) {
  if (damage.case_path.empty()) return "";
  return Row("case",
             fmt::format("plugpull replay {}", Quoted(out_directory + "/" + damage.case_path)));
}

std::string RenderMissing(const SyncReport& report) {
  std::string text;
  for (const MissingSync& missing : report.missing) {
    text += fmt::format("missing  {}\n", Printable(missing.thing));
    text += Row("where", missing.place);
    text += Row("first", fmt::format("before operation {}; {} in this run", missing.first_operation,
                                     missing.executions));
    text += Row("needed", "under " + NeededText(report, missing));
    if (!missing.removes.empty()) {
      text += Row("removes", fmt::format("{}", fmt::join(missing.removes, ", ")));
    }
  }
  if (!report.missing.empty()) text += "with that  " + Printable(WithMissingText(report)) + "\n";
  for (const UnhelpedDamage& unhelped : report.unhelped) {
    text += fmt::format("no sync helps against {} under {}: {}\n", Printable(unhelped.damage.id),
                        fmt::join(unhelped.models, ", "), unhelped.why);
    text += Row("", unhelped.damage.message);
  }
  return text;
}

std::string RenderPlace(size_t number, const SyncPlaceReport& place,
                        const std::string& out_directory) {
  std::string text = fmt::format("{:>3}  {}\n", number, Printable(PlaceName(place)));
  for (size_t i = 0; i < place.frames.size() && i < kMostFrames; ++i) {
    text += Row(i == 0 ? "from" : "", place.frames[i]);
  }
  text += Row("ran", ExecutionsText(place));
  text += Row("use", UseText(place));
  if (const std::string protects = ProtectsText(place); !protects.empty()) {
    text += Row("protects", protects);
  }
  if (!place.breaks.empty()) text += Replay(place.breaks.front(), out_directory);
  return text;
}

}  // namespace

std::string RenderSyncsConsole(const SyncReport& report, const std::string& out_directory) {
  std::string text = fmt::format("as it is   {}\n", Printable(AsItIsText(report)));
  for (const SyncDamage& damage : report.findings) {
    text += fmt::format("  {}  {}\n", damage.id, Printable(damage.message));
  }
  text += "\n";
  if (const std::string missing = RenderMissing(report); !missing.empty()) text += missing + "\n";
  if (const std::string judged = JudgedText(report); !judged.empty()) text += judged + "\n\n";
  for (size_t i = 0; i < report.places.size(); ++i) {
    text += RenderPlace(i + 1, report.places[i], out_directory);
  }
  if (report.places.empty()) text += "It never syncs.\n";
  text += "\n";
  for (const SpareSyncs& spare : report.spare) text += Printable(SpareText(report, spare)) + "\n";
  if (!report.spare.empty()) text += "\n";
  return text;
}

}  // namespace plugpull
