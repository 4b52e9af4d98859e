#include "harness/record.h"

#include <fmt/format.h>
#include <poll.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "faults/base/nearest.h"
#include "faults/persistence/materialise.h"
#include "faults/trace/snapshot_mark.h"
#include "faults/trace/trace_file.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"
#include "harness/channel.h"
#include "harness/child.h"
#include "harness/child_process.h"
#include "harness/reader_finding.h"
#include "harness/record_program.h"
#include "harness/role_patterns.h"
#include "harness/run_workload.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// A workload that takes longer than this without a fault is stuck.
constexpr int kRecordTimeoutMs = 600'000;

Expected<uint64_t> NumberFact(const Trace& trace, const char* name) {
  const auto fact = trace.facts.find(name);
  uint64_t number = 0;
  if (fact != trace.facts.end()) {
    const char* end = fact->second.data() + fact->second.size();
    const auto [stop, error] = std::from_chars(fact->second.data(), end, number);
    if (error == std::errc() && stop == end) return number;
  }
  return Fail(ErrorCode::kCorrupt,
              fmt::format("the trace does not say its '{}'; record it again", name));
}

uint32_t AcknowledgedIn(const Trace& trace) {
  uint32_t acknowledged = 0;
  for (const Op& op : trace.ops) {
    if (op.kind == OpKind::kAcknowledge) acknowledged = op.transaction;
  }
  return acknowledged;
}

// An engine that is a program of its own cannot work over our file system.
Expected<void> CheckLinked(const Target& target) {
  if (!target.type->is_program()) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is a program of its own, and this needs an engine that is linked: "
                          "cow_tree or sqlite",
                          target.text));
}

class RecorderMarks : public WorkloadMarks {
 public:
  explicit RecorderMarks(RecordingVfs& recorder) : recorder_(recorder) {}
  void Begin(uint32_t transaction) override { recorder_.Begin(transaction); }
  void Acknowledge(uint32_t transaction) override { recorder_.Acknowledge(transaction); }

 private:
  RecordingVfs& recorder_;
};

// Opens the store and runs the transactions of the recorder's trace after `acknowledged`.
Expected<Trace> RunLinked(const Target& target, const RecordSettings& settings,
                          RecordingVfs& recorder, uint32_t acknowledged) {
  Trace& trace = recorder.trace();
  ForgetReaderChange(trace);
  std::vector<Transaction> transactions = trace.transactions;
  transactions.resize(transactions.size() - UndoneCount(trace));
  const std::unique_ptr<Engine> engine = target.Create(recorder);
  RecorderMarks marks(recorder);
  Company company(*engine, settings.company, settings.options, transactions, acknowledged);
  const std::optional<WorkloadFailure> failure =
      RunWorkload(*engine, marks, transactions, acknowledged, &company);
  if (!company.lacks().empty()) {
    const bool is_readers = company.lacks().starts_with("readers");
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has no {}; leave out {}", target.text, company.lacks(),
                            is_readers ? "--readers" : "--rollbacks"));
  }
  // What readers saw comes first: what fails after it may well be the same thing.
  if (failure && !company.change()) {
    return Fail(ErrorCode::kTargetFailed,
                fmt::format("{} failed {} though no fault was injected: {}", target.text,
                            failure->Where(), Describe(failure->error)));
  }
  Trace recorded = trace;  // a copy: the engine still holds the recorder
  if (company.change()) NoteReaderChange(*company.change(), recorded);
  return recorded;
}

// Lets a child do what `request` says, from where `start` ends if it is not null.
Expected<Trace> RecordInChild(const std::string& target, const nlohmann::json& request,
                              const Trace* start) {
  Expected<Descriptor> output = MakeMemoryFile("plugpull-trace");
  if (!output) return std::unexpected(output.error());
  Expected<Descriptor> input = MakeMemoryFile("plugpull-start");
  if (!input) return std::unexpected(input.error());
  if (start != nullptr) {
    const Expected<void> written = WriteAll(input->number(), EncodeTrace(*start));
    if (!written) return std::unexpected(written.error());
  }
  Expected<Descriptor> complaints = MakeMemoryFile("plugpull-stderr");
  if (!complaints) return std::unexpected(complaints.error());
  Expected<std::pair<Descriptor, Descriptor>> ends = Channel::MakePair();
  if (!ends) return std::unexpected(ends.error());
  Expected<ChildProcess> child = ChildProcess::Spawn(
      ChildArguments(ChildRole::kRecord, ends->second.number(), output->number(), input->number()),
      {ends->second.number(), output->number(), input->number()}, complaints->number());
  if (!child) return std::unexpected(child.error());
  ends->second.Close();
  Channel channel(std::move(ends->first));
  const Expected<void> sent = channel.Send(request);
  pollfd ready{.fd = channel.descriptor(), .events = POLLIN, .revents = 0};
  while (sent && ::poll(&ready, 1, kRecordTimeoutMs) < 0 && errno == EINTR) {
  }
  if (sent && ready.revents == 0) {
    return Fail(ErrorCode::kTargetFailed,
                fmt::format("{} did not finish its workload within {} s though no fault was "
                            "injected",
                            target, kRecordTimeoutMs / 1000));
  }
  const Expected<std::optional<nlohmann::json>> answer = channel.Receive();
  if (!answer) return std::unexpected(answer.error());
  if (!*answer) {
    const ChildExit end = child->Wait();
    return Fail(ErrorCode::kTargetFailed,
                fmt::format("{} {} while running its workload, though no fault was injected{}",
                            target, end.Describe(), LastWords(complaints->number())));
  }
  if ((*answer)->contains("error")) {
    const bool is_usage = (*answer)->contains("is_usage");
    return Fail(is_usage ? ErrorCode::kInvalidArgument : ErrorCode::kTargetFailed,
                (**answer)["error"].get<std::string>());
  }
  Expected<std::vector<std::byte>> bytes = ReadAll(output->number());
  if (!bytes) return std::unexpected(bytes.error());
  return DecodeTrace(*bytes);
}

}  // namespace

Expected<const Workload*> WorkloadOf(const RecordSettings& settings) {
  const Workload* workload = FindWorkload(settings.workload);
  if (workload != nullptr) return workload;
  std::vector<std::string> names;
  for (const Workload& known : Workloads()) names.emplace_back(known.name);
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no workload '{}'{}", settings.workload,
                          NearestHint(settings.workload, names)));
}

Expected<std::vector<Transaction>> TransactionsOf(const RecordSettings& settings) {
  if (settings.given) return *settings.given;
  const Expected<const Workload*> workload = WorkloadOf(settings);
  if (!workload) return std::unexpected(workload.error());
  return (*workload)->generate(settings.options);
}

std::map<std::string, std::string> FactsOf(const RecordSettings& settings) {
  std::map<std::string, std::string> facts = {
      {"target", settings.target},
      {"workload", settings.given ? std::string(kGivenWorkload) : settings.workload},
      {"generator", std::to_string(kGeneratorVersion)},
      {"seed", std::to_string(settings.options.seed)},
      {"transactions",
       std::to_string(settings.given ? settings.given->size() : settings.options.transactions)},
      {"keys", std::to_string(settings.options.keys)},
      {"version", kVersion},
      {"door", "linked"},
  };
  const CompanySettings& company = settings.company;
  if (company.readers > 0) facts["readers"] = std::to_string(company.readers);
  if (company.rollbacks > 0) facts["rollbacks"] = std::to_string(company.rollbacks);
  if (!settings.roles.empty()) facts[kRolesFact] = settings.roles;
  return facts;
}

Expected<Trace> RecordHere(const RecordSettings& settings) {
  const Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  if (const Expected<void> linked = CheckLinked(*target); !linked) {
    return std::unexpected(linked.error());
  }
  Expected<std::vector<Transaction>> transactions = TransactionsOf(settings);
  if (!transactions) return std::unexpected(transactions.error());
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  recorder.NoteCallSites();
  recorder.trace().facts = FactsOf(settings);
  recorder.trace().transactions = *std::move(transactions);
  return RunLinked(*target, settings, recorder, 0);
}

Expected<Trace> ContinueHere(const std::string& target_text, const Trace& start) {
  const Expected<Target> target = ParseTarget(target_text);
  if (!target) return std::unexpected(target.error());
  if (const Expected<void> linked = CheckLinked(*target); !linked) {
    return std::unexpected(linked.error());
  }
  Expected<RecordSettings> settings = RecordSettings();
  const bool has_company = start.facts.contains("readers") || start.facts.contains("rollbacks");
  if (has_company) settings = RecordSettingsOf(start);
  if (!settings) return std::unexpected(settings.error());
  const Image image = Materialise(start, start.ops.size(), {}, Tear::kNone);
  MemoryVfs memory(image);
  RecordingVfs recorder(memory, start, image.names);
  recorder.NoteCallSites();
  return RunLinked(*target, *settings, recorder, AcknowledgedIn(start));
}

Expected<Trace> Record(const RecordSettings& settings) {
  // Wrong words are found here, before a child is started for them.
  const Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  if (target->type->is_program()) {
    Expected<ProgramRecording> recorded = RecordDriver(settings);
    if (!recorded) return std::unexpected(recorded.error());
    return std::move(recorded->recording.trace);
  }
  Trace given;
  if (settings.given) given.transactions = *settings.given;
  return RecordInChild(settings.target,
                       {{"target", settings.target},
                        {"given", settings.given.has_value()},
                        {"workload", settings.workload},
                        {"seed", settings.options.seed},
                        {"transactions", settings.options.transactions},
                        {"keys", settings.options.keys},
                        {"readers", settings.company.readers},
                        {"rollbacks", settings.company.rollbacks}},
                       settings.given ? &given : nullptr);
}

Expected<Trace> Continue(const std::string& target, const Trace& start) {
  return RecordInChild(target, {{"target", target}, {"continue", true}}, &start);
}

Expected<RecordSettings> RecordSettingsOf(const Trace& trace) {
  RecordSettings settings;
  const auto target = trace.facts.find("target");
  const auto workload = trace.facts.find("workload");
  if (target == trace.facts.end() || workload == trace.facts.end()) {
    return Fail(ErrorCode::kCorrupt, "the trace does not say its target; record it again");
  }
  settings.target = target->second;
  settings.workload = workload->second;
  const Expected<uint64_t> seed = NumberFact(trace, "seed");
  const Expected<uint64_t> keys = NumberFact(trace, "keys");
  if (!seed) return std::unexpected(seed.error());
  if (!keys) return std::unexpected(keys.error());
  settings.options.seed = *seed;
  settings.options.keys = static_cast<uint32_t>(*keys);
  settings.options.transactions = static_cast<uint32_t>(trace.transactions.size());
  if (settings.workload == kGivenWorkload) {
    const auto undone = static_cast<ptrdiff_t>(UndoneCount(trace));
    settings.given.emplace(trace.transactions.begin(), trace.transactions.end() - undone);
  }
  if (trace.facts.contains(kRolesFact)) settings.roles = trace.facts.at(kRolesFact);
  // Traces without company do not say so.
  for (const auto& [name, field] : {std::pair("readers", &settings.company.readers),
                                    std::pair("rollbacks", &settings.company.rollbacks)}) {
    if (!trace.facts.contains(name)) continue;
    const Expected<uint64_t> number = NumberFact(trace, name);
    if (!number) return std::unexpected(number.error());
    *field = static_cast<uint32_t>(*number);
  }
  return settings;
}

}  // namespace plugpull
