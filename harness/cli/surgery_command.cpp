#include "harness/cli/surgery_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "engine/bbolt_file/surgery.h"
#include "faults/base/bytes.h"
#include "faults/base/nearest.h"
#include "faults/vfs/real_file.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/mended_copy.h"
#include "harness/cli/options.h"
#include "harness/cli/say.h"
#include "reports/console.h"

namespace plugpull {
namespace {

using bbolt_file::LostRange;
using bbolt_file::SalvageReport;
using bbolt_file::SurgeryReport;

constexpr size_t kLostShownMax = 20;
constexpr size_t kKeyBytesShownMax = 32;

// Which options a verb needs; it takes no others, but --to-index, which has a default.
struct Verb {
  std::string_view name;
  bool takes_page = false;
  bool takes_indexes = false;
  bool takes_two_pages = false;
  Expected<SurgeryReport> (*run)(VfsFile& file, const SurgeryLine& line) = nullptr;  // not salvage
};

constexpr std::array<Verb, 7> kVerbs = {
    Verb{.name = "revert-meta",
         .run = [](VfsFile& file, const SurgeryLine&) { return bbolt_file::RevertMeta(file); }},
    Verb{
        .name = "freelist-abandon",
        .run = [](VfsFile& file, const SurgeryLine&) { return bbolt_file::FreelistAbandon(file); }},
    Verb{
        .name = "freelist-rebuild",
        .run = [](VfsFile& file, const SurgeryLine&) { return bbolt_file::FreelistRebuild(file); }},
    Verb{.name = "clear-page",
         .takes_page = true,
         .run = [](VfsFile& file,
                   const SurgeryLine& line) { return bbolt_file::ClearPage(file, *line.page); }},
    Verb{.name = "clear-page-elements",
         .takes_page = true,
         .takes_indexes = true,
         .run =
             [](VfsFile& file, const SurgeryLine& line) {
               return bbolt_file::ClearPageElements(file, *line.page, *line.from_index,
                                                    line.to_index.value_or(-1));
             }},
    Verb{.name = "copy-page",
         .takes_two_pages = true,
         .run =
             [](VfsFile& file, const SurgeryLine& line) {
               return bbolt_file::CopyPage(file, *line.from_page, *line.to_page);
             }},
    Verb{.name = "salvage"}};

constexpr const char* kFooter =
    "Verbs, the gentlest first (FILE is never written to; F is a new file):\n"
    "  revert-meta          go back to the older meta: undoes the newest transaction\n"
    "  freelist-abandon     forget the stored list of free pages; the next open finds them\n"
    "  freelist-rebuild     store one again, made from the tree\n"
    "  clear-page           --page N: drop all elements of a page\n"
    "  clear-page-elements  --page N --from-index I [--to-index J]: drop elements I to before J\n"
    "  copy-page            --from-page N --to-page M: put a copy of N in the place of M\n"
    "  salvage              write a new file with every key that either meta's tree proves\n"
    "Exit codes: 0 done, 1 done and keys are lost (salvage), 2 usage error or no bbolt file,\n"
    "3 cannot read or write. plugpull autopsy FILE says which verb fits.";

Expected<void> CheckOption(const Verb& verb, std::string_view option, bool is_given,
                           bool is_needed) {
  if (is_given == is_needed) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("surgery {} {} {}", verb.name, is_needed ? "needs" : "takes no", option));
}

Expected<void> CheckOptions(const Verb& verb, const SurgeryLine& line) {
  const std::array<Expected<void>, 5> checks = {
      CheckOption(verb, "--page", line.page.has_value(), verb.takes_page),
      CheckOption(verb, "--from-index", line.from_index.has_value(), verb.takes_indexes),
      CheckOption(verb, "--to-index", line.to_index.has_value(),
                  verb.takes_indexes && line.to_index.has_value()),
      CheckOption(verb, "--from-page", line.from_page.has_value(), verb.takes_two_pages),
      CheckOption(verb, "--to-page", line.to_page.has_value(), verb.takes_two_pages)};
  const auto wrong = std::ranges::find_if(checks, [](const auto& check) { return !check; });
  return wrong == checks.end() ? Expected<void>() : *wrong;
}

// Returns: the error, with the file that it is about in front unless it is named.
Error About(const std::string& path, Error error) {
  if (error.context.find('\'') == std::string::npos) {
    error.context = fmt::format("{}: {}", path, error.context);
  }
  return error;
}

std::string Plural(uint64_t count, std::string_view word) {
  return fmt::format("{} {}{}", Grouped(count), word, count == 1 ? "" : "s");
}

std::string KeyText(const std::string& key) {
  std::string text = "(hex)";
  for (const char c : key.substr(0, kKeyBytesShownMax)) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return key.size() > kKeyBytesShownMax ? text + ".." : text;
}

void PrintLost(const LostRange& lost) {
  const std::string first =
      lost.first_key.empty() ? "the start" : fmt::format("key {}", KeyText(lost.first_key));
  const std::string end =
      lost.end_key.empty() ? "the end" : fmt::format("before {}", KeyText(lost.end_key));
  Print("lost: {}, from {} to {}: {}\n",
        lost.bucket.empty() ? "top level" : "bucket " + Printable(lost.bucket), first, end,
        Printable(lost.reason));
}

int PrintSalvaged(const SalvageReport& report) {
  Print("brought over {} in {}, {} of them from the older tree alone\n", Plural(report.keys, "key"),
        Plural(report.buckets, "bucket"), Grouped(report.from_previous));
  const size_t shown = std::min(report.lost.size(), kLostShownMax);
  for (size_t index = 0; index < shown; ++index) PrintLost(report.lost[index]);
  const uint64_t more = report.lost.size() - shown + report.more_lost;
  if (more > 0) Print("lost: {} more\n", Plural(more, "range"));
  const bool is_whole = report.lost.empty() && report.from_previous == 0 && !report.has_one_root;
  if (is_whole) Print("no key is known to be lost\n");
  if (report.has_one_root) {
    Print(
        "warning: one meta only can be used; if the other one was newer, its transaction is "
        "lost\n");
  }
  if (report.from_previous > 0) {
    Print(
        "warning: keys of the older tree are as they were before the newest transaction; what it\n"
        "added there is lost, and what it deleted is back, without a trace\n");
  }
  return is_whole ? kExitHeld : kExitFound;
}

// Does the verb on the copy. Returns: the exit code.
Expected<int> Operate(const Verb& verb, const SurgeryLine& line, VfsFile& from, MendedCopy& copy) {
  if (verb.run == nullptr) {
    const Expected<SalvageReport> report = bbolt_file::Salvage(from, copy.file());
    if (!report) return std::unexpected(report.error());
    if (Expected<void> done = copy.Publish(); !done) return std::unexpected(done.error());
    return PrintSalvaged(*report);
  }
  if (Expected<void> copied = copy.CopyFrom(from); !copied) return std::unexpected(copied.error());
  const Expected<SurgeryReport> report = verb.run(copy.file(), line);
  if (!report) return std::unexpected(report.error());
  if (Expected<void> done = copy.Publish(); !done) return std::unexpected(done.error());
  for (const std::string& text : report->done) Print("{}\n", text);
  for (const std::string& text : report->warnings) Print("warning: {}\n", text);
  return kExitHeld;
}

}  // namespace

void AddSurgeryCommand(CLI::App& app, SurgeryLine& line) {
  CLI::App& surgery = *app.add_subcommand("surgery", "Mend a copy of a damaged bbolt file");
  const auto check = [](const std::string& word) {
    std::vector<std::string> names(std::size(kVerbs));
    std::ranges::transform(kVerbs, names.begin(),
                           [](const Verb& verb) { return std::string(verb.name); });
    if (std::ranges::find(names, word) != names.end()) return std::string();
    return fmt::format("there is no verb '{}'{} (one of {})", word, NearestHint(word, names),
                       fmt::join(names, " "));
  };
  surgery.add_option("verb", line.verb, "What to do, see below")
      ->required()
      ->check(CLI::Validator(check, "", "verb"));
  surgery.add_option("file", line.path, "The damaged file; only read")->required();
  surgery.add_option("-o,--output", line.output, "The mended copy, a new file")->required();
  surgery.add_flag("--force", line.force, "Replace the output when it is there already");
  const auto add_page = [&](const char* name, std::optional<uint64_t>& page, const char* help) {
    TakesNumber(surgery.add_option(name, page, help), 0, UINT64_MAX);
  };
  add_page("--page", line.page, "The page to clear, or whose elements to clear");
  add_page("--from-page", line.from_page, "The page to copy");
  add_page("--to-page", line.to_page, "The page to overwrite");
  surgery.add_option("--from-index", line.from_index, "The first element to drop");
  surgery.add_option("--to-index", line.to_index,
                     "The first element to keep again; -1 or not given: none");
  surgery.footer(kFooter);
}

int SurgeryCommand(const SurgeryLine& line) {
  const auto verb = std::ranges::find(kVerbs, line.verb, &Verb::name);
  if (const Expected<void> fits = CheckOptions(*verb, line); !fits) return Complain(fits.error());
  const Expected<std::unique_ptr<VfsFile>> from = OpenRealFile(line.path, RealFileMode::kRead);
  if (!from) return Complain(from.error());
  // As bbolt's own tools: a file that somebody writes to would be copied in the middle of it.
  const Expected<bool> locked = (*from)->Lock(LockLevel::kShared);
  if (locked && !*locked) {
    return Complain({ErrorCode::kBusy, fmt::format("'{}' is in use: stop the program that has it "
                                                   "open, then try again",
                                                   line.path)});
  }
  Expected<MendedCopy> copy = MendedCopy::Create(line.path, line.output, line.force);
  if (!copy) return Complain(copy.error());
  const Expected<int> status = Operate(*verb, line, **from, *copy);
  if (!status) return Complain(About(line.path, status.error()));
  Print("{}: written; {} is as it was\n", Printable(line.output), Printable(line.path));
  return *status;
}

}  // namespace plugpull
