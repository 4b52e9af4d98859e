#include "harness/explain_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "faults/inject/damage.h"
#include "faults/inject/fault_type.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/case_timeline.h"
#include "harness/kept_image.h"
#include "harness/program_notes.h"
#include "harness/recovery_steps.h"

namespace plugpull {
namespace {

constexpr size_t kMostLosses = 4;
constexpr size_t kMostPaths = 4;

std::string ListOf(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string Shortened(std::vector<std::string> words, size_t most) {
  if (words.size() > most) {
    const size_t more = words.size() - most;
    words.resize(most);
    words.push_back(fmt::format("{} more", more));
  }
  return ListOf(words);
}

// Everything that a promise includes, from the weakest on.
std::string PromiseWords(Promise promise) {
  constexpr std::array<const char*, static_cast<size_t>(kLastPromise) + 1> kWords = {
      "after a crash it opens", "is sound", "holds each transaction wholly or not at all",
      "holds none without those before it", "holds every one that was acknowledged"};
  std::vector<std::string> words(kWords.begin(),
                                 kWords.begin() + static_cast<ptrdiff_t>(promise) + 1);
  return ListOf(words);
}

std::string ProgressText(const Window& window) {
  if (window.attempted == 0) return "no transaction had begun";
  const std::string acknowledged =
      window.acknowledged == 0 ? "no transaction had been acknowledged"
      : window.acknowledged == 1
          ? "transaction 1 had been acknowledged"
          : fmt::format("transactions 1 to {} had been acknowledged", window.acknowledged);
  const uint32_t under_way = window.attempted - window.acknowledged;
  if (under_way == 0) return acknowledged + " and none was under way";
  if (under_way == 1) {
    return acknowledged + fmt::format(" and transaction {} was under way", window.attempted);
  }
  return acknowledged + fmt::format(" and transactions {} to {} were under way",
                                    window.acknowledged + 1, window.attempted);
}

bool IsAboutProgram(const Case& saved) { return saved.settings.target.empty(); }

// What a program printed last; its lines are keys of transactions.
std::string LinesText(const Case& saved) {
  const uint32_t count = saved.window.acknowledged;
  if (count == 0) return "it had printed nothing, so it had promised nothing yet";
  const std::vector<Change>& changes = saved.trace.transactions[count - 1].changes;
  const std::string last = changes.empty() ? "" : ShownKey(changes.front().key);
  return fmt::format("it had printed {} line{}, each of them a promise; the last was '{}'", count,
                     count == 1 ? "" : "s", last.substr(0, 60));
}

}  // namespace

std::string PromiseText(const Case& saved) {
  const size_t position = saved.trace.ops.size();
  if (IsAboutProgram(saved)) {
    const auto program = saved.trace.facts.find(kProgramFact);
    const std::string name =
        program == saved.trace.facts.end() ? "a program" : fmt::format("'{}'", program->second);
    return fmt::format("The program is {}. At the crash, after {} operations, {}.", name, position,
                       LinesText(saved));
  }
  const auto errors = saved.trace.facts.find("errors");
  const std::string failures =
      errors == saved.trace.facts.end()
          ? ""
          : fmt::format(" While it ran, calls failed by the plan '{}'.", errors->second);
  return fmt::format("{} is held to the promise '{}': {}.{} At the crash, after {} operations, {}.",
                     saved.settings.target, Name(saved.settings.promise),
                     PromiseWords(saved.settings.promise), failures, position,
                     ProgressText(saved.window));
}

std::string NounOf(const Trace& trace, const OperationWords& words, size_t operation) {
  const Op& op = trace.ops[operation];
  const std::string& path = words.PathOf(operation);
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kCreateUnnamed:
    case OpKind::kMakeDirectory:
    case OpKind::kSymlink:
      return "the creation of " + path;
    case OpKind::kWrite:
      return fmt::format("the write of {} bytes at {} of {}", op.size_bytes, op.offset_bytes, path);
    case OpKind::kTruncate:
      return fmt::format("the setting of the size of {} to {}", path, op.size_bytes);
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      return fmt::format("the {} of {}",
                         op.kind == OpKind::kUnlink ? "unlink" : "removal of the directory", path);
    case OpKind::kRename:
      return "the rename of " + words.Of(operation).substr(std::string_view("rename ").size());
    case OpKind::kLink:
    case OpKind::kExchange:
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
    case OpKind::kSyncWrite:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
    case OpKind::kUnmodelled:
      return fmt::format("the operation '{}'", words.Of(operation));
  }
  return words.Of(operation);
}

std::string LossText(const Trace& trace, const OperationWords& words,
                     const std::vector<FateOfOperation>& fates, const std::string& which,
                     size_t begin, bool lies) {
  std::vector<std::string> losses;
  bool is_partial = false;
  for (size_t i = begin; i < fates.size(); ++i) {
    const FateOfOperation& fate = fates[i];
    if (fate.lost.empty()) continue;
    const uint32_t transaction = TransactionAt(trace, i);
    const std::string place =
        transaction == 0 ? fmt::format("operation {}", i - begin)
                         : fmt::format("operation {}, transaction {}", i - begin, transaction);
    std::string loss = fmt::format("{} ({})", NounOf(trace, words, i), place);
    if (fate.fate == OperationFate::kTorn) {
      loss = fmt::format("{} of {}", RangesText(fate.lost_ranges), loss);
      is_partial = true;
    } else if (fate.fate == OperationFate::kPartly) {
      loss = fmt::format("{} of {}", fate.lost_part, loss);
      is_partial = true;
    }
    losses.push_back(std::move(loss));
  }
  if (losses.empty()) return which + " lost nothing that had been issued.";
  const std::string why = fmt::format("No {}sync had made {} durable yet.", lies ? "honest " : "",
                                      losses.size() == 1 ? "it" : "them");
  return fmt::format("{} lost {}{}. {}", which, is_partial && losses.size() == 1 ? "only " : "",
                     Shortened(losses, kMostLosses), why);
}

std::string FaultText(const Case& saved) {
  const Expected<FaultCalls> calls = ParseFaults(saved.fault, FaultForm::kInstance);
  if (!calls) return fmt::format("Beyond a disk's contract happened: {}.", saved.fault);
  std::string text;
  for (const FaultCall& call : *calls) {
    const FaultInfo& info = InfoOf(call.level);
    if (!text.empty()) text += " ";
    text += fmt::format("The disk broke its contract: {}, {} ({}).", info.name, info.description,
                        FaultText(call, FaultForm::kInstance));
    if (TypeOf(call).scope != FaultScope::kSyncs) continue;
    DamageReader reader(saved.trace);
    const Expected<Damage> damage = reader.Read(saved.fault, saved.trace.ops.size());
    if (damage && damage->lies_from) {
      text += fmt::format(" The syncs from operation {} on were lies.", *damage->lies_from);
    }
  }
  return text;
}

std::string FoundText(const RecoveryStory& story, const RecoverySteps* steps) {
  std::string text;
  const std::vector<std::string> back = PathsOnlyIn(story.found, story.issued);
  const std::vector<std::string> gone = PathsOnlyIn(story.issued, story.found);
  if (!back.empty()) {
    text += fmt::format("On reopening, {} {} there again, because what took {} away was lost.",
                        Shortened(back, kMostPaths), back.size() == 1 ? "is" : "are",
                        back.size() == 1 ? "it" : "them");
  }
  if (!gone.empty()) {
    if (!text.empty()) text += " ";
    text += fmt::format("On reopening, {} {} not there, because what gave {} was lost.",
                        Shortened(gone, kMostPaths), gone.size() == 1 ? "is" : "are",
                        gone.size() == 1 ? "it its name" : "them their names");
  }
  std::vector<std::string> unlike;
  for (const auto& [path, ranges] : DifferingBytesOf(story.issued, story.found)) {
    unlike.push_back(fmt::format("{} of {}", RangesText(ranges), path));
  }
  if (!unlike.empty()) {
    if (!text.empty()) text += " ";
    text += fmt::format("On reopening, {} are not as the program had left them.",
                        Shortened(unlike, kMostPaths));
  }
  if (text.empty()) text = "On reopening, all files are as the program had left them.";
  if (steps == nullptr) return text + " What it reads of that nobody sees: it is a program.";
  for (const std::string* sentence : {&steps->first_read, &steps->changed}) {
    if (!sentence->empty()) text += " " + *sentence;
  }
  return text;
}

std::string OutcomeText(const Case& saved, const RecoveryWatch& watch) {
  if (!watch.violation) return "It recovered, and nothing was wrong.";
  const std::string& message = watch.violation->message;
  switch (watch.violation->violation) {
    case ViolationClass::kRefusesToOpen:
      return fmt::format("It then refuses to open: {}.", message);
    case ViolationClass::kCrashOnOpen:
      return fmt::format("It then dies: the process {}.", message);
    case ViolationClass::kHangOnOpen:
      return fmt::format("It then hangs: the process {}.", message);
    case ViolationClass::kCheckFailed:
      return fmt::format("The check says: {}.", message);
    case ViolationClass::kCheckExit:
      return fmt::format("The check did not come to a verdict: {}.", message);
    case ViolationClass::kStructure:
    case ViolationClass::kWrongValue:
    case ViolationClass::kNotIdempotent:
    case ViolationClass::kUnusableAfter:
    case ViolationClass::kLeak:
    case ViolationClass::kPartialCommit:
    case ViolationClass::kReaderChanged:
    case ViolationClass::kHole:
    case ViolationClass::kResurrected:
    case ViolationClass::kLostCommit:
    case ViolationClass::kNeverConverges:
    case ViolationClass::kAcknowledgedAfterError:
      break;
  }
  if (watch.shows) {
    return fmt::format("It then shows the contents after transaction {}.", *watch.shows);
  }
  if (watch.difference) return "It then shows contents that no transaction left.";
  return saved.in_use ? "It then opens, and is used." : "";
}

std::string WrongText(const Case& saved) {
  const ViolationClass violation = saved.violation.violation;
  const Promise broken = BrokenPromise(violation);
  return fmt::format("What is wrong: {} ({}, which breaks the promise '{}').",
                     saved.violation.message, Name(violation), Name(broken));
}

std::string MissingText(const Case& saved, const Trace& trace, const OperationWords& words,
                        const SyncAdvice& advice) {
  if (!advice.was_searched) {
    if (!saved.fault.empty()) {
      return "No sync of the program's helps against a disk that breaks its contract.";
    }
    if (!saved.further.empty()) {
      return "Which sync would help is not looked for where a crash has hit recovery, too.";
    }
    return saved.lost.empty() ? "No sync helps: nothing was lost." : "";
  }
  if (!advice.turned_by) {
    return "No added sync helps: what was lost does harm as soon as it is lost, before anything "
           "that came later.";
  }
  const size_t turn = *advice.turned_by;
  const Op& op = trace.ops[turn];
  const bool is_acknowledgement = op.kind == OpKind::kAcknowledge;
  std::string harm =
      is_acknowledgement
          ? fmt::format(
                "The loss does harm from operation {} on, where transaction {} is "
                "acknowledged",
                turn, op.transaction)
          : fmt::format(
                "The loss does harm from operation {} on: {} survives without what it "
                "needs",
                turn, NounOf(trace, words, turn));
  if (advice.syncs.empty()) {
    return harm + "; but no sync before it is certain to help.";
  }
  std::vector<std::string> syncs;
  for (const SavingSync& sync : advice.syncs) syncs.push_back(WordsOf(sync, words));
  const std::string which =
      syncs.size() == 1 ? syncs.front()
                        : fmt::format("{}: {}", advice.needs_all ? "all of these" : "one of these",
                                      fmt::join(syncs, "; "));
  return fmt::format(
      "{}. The missing sync belongs right before it: {}. With it, the crash could not have left "
      "this.",
      harm, which);
}

}  // namespace plugpull
