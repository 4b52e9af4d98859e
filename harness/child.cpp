#include "harness/child.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "faults/inject/damage.h"
#include "faults/persistence/materialise.h"
#include "faults/trace/snapshot_mark.h"
#include "faults/trace/trace_file.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/watching_vfs.h"
#include "harness/channel.h"
#include "harness/child_process.h"
#include "harness/convergence.h"
#include "harness/error_pool.h"
#include "harness/messages.h"
#include "harness/record.h"
#include "harness/recovery_watch.h"
#include "harness/stretch.h"

namespace plugpull {
namespace {

using nlohmann::json;

constexpr const char* kChildFlag = "--serve-as-child";

// More than any recovery of a test-sized store needs, and little enough that an engine that
// believes a damaged length fails alone instead of taking the machine along.
constexpr rlim_t kMemoryLimitBytes = rlim_t{16} << 30;

int NumberArgument(const char* text) {
  int number = -1;
  std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
}

void LimitResources() {
  rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__)  // its shadow memory alone is larger than any limit
  rlimit memory{.rlim_cur = kMemoryLimitBytes, .rlim_max = kMemoryLimitBytes};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
}

// Returns: the recording that `request` asks for. One that goes on finds where in `input`, and one
// of given transactions finds them there.
Expected<Trace> RecordAsAsked(const json& request, int input) {
  Expected<Trace> start;
  if (request.contains("continue") || request.value("given", false)) {
    const Expected<std::vector<std::byte>> bytes = ReadAll(input);
    if (!bytes) return std::unexpected(bytes.error());
    start = DecodeTrace(*bytes);
    if (!start) return start;
  }
  if (request.contains("continue")) {
    return ContinueHere(request["target"].get<std::string>(), *start);
  }
  RecordSettings settings;
  if (request.value("given", false)) settings.given = std::move(start->transactions);
  settings.target = request["target"].get<std::string>();
  settings.workload = request["workload"].get<std::string>();
  settings.options.seed = request["seed"].get<uint64_t>();
  settings.options.transactions = request["transactions"].get<uint32_t>();
  settings.options.keys = request["keys"].get<uint32_t>();
  settings.company.readers = request["readers"].get<uint32_t>();
  settings.company.rollbacks = request["rollbacks"].get<uint32_t>();
  return RecordHere(settings);
}

int ServeRecord(Channel& channel, int output, int input) {
  const Expected<std::optional<json>> request = channel.Receive();
  if (!request || !*request) return 3;
  const Expected<Trace> trace = RecordAsAsked(**request, input);
  if (!trace) {
    json answer = {{"error", Describe(trace.error())}};
    if (trace.error().code == ErrorCode::kInvalidArgument) answer["is_usage"] = true;
    return channel.Send(answer) ? 0 : 3;
  }
  if (const Expected<void> written = WriteAll(output, EncodeTrace(*trace)); !written) {
    return channel.Send({{"error", Describe(written.error())}}) ? 0 : 3;
  }
  return channel.Send({{"ok", true}}) ? 0 : 3;
}

// Serves recoveries. Explorers are kept between requests, one for each way of exploring, because
// their cursors only walk forward.
class RecoveryServer {
 public:
  RecoveryServer(Trace trace, SharedState& shared)
      : trace_(std::move(trace)),
        model_(trace_.transactions, UndoneCount(trace_)),
        shared_(shared) {}

  Expected<json> Serve(const json& request) {
    const Expected<ExploreSettings> settings = ExploreSettingsFromJson(request.at("settings"));
    if (!settings) return std::unexpected(settings.error());
    if (request.contains("lost")) return Replay(request, *settings);
    const std::string key = request.at("settings").dump();
    std::unique_ptr<Exploration>& exploration = explorations_[key];
    if (exploration == nullptr) {
      Expected<Target> target = ParseTarget(settings->target);
      if (!target) return std::unexpected(target.error());
      exploration = std::make_unique<Exploration>(*settings, std::move(*target));
      const SearchState state{.path = shared_.path,
                              .path_length = &shared_.path_length,
                              .phase = &shared_.phase,
                              .probe = &shared_.probe,
                              .recoveries = &shared_.recoveries,
                              .started_ns = &shared_.started_ns,
                              .stop = &shared_.stop};
      exploration->explorer = std::make_unique<PointExplorer>(trace_, exploration->target, model_,
                                                              exploration->settings, state);
    }
    std::vector<DeadlyPath> deadly;
    for (const json& entry : request.at("deadly")) {
      Expected<DeadlyPath> path = DeadlyPathFromJson(entry);
      if (!path) return std::unexpected(path.error());
      deadly.push_back(std::move(*path));
    }
    const size_t position = request.at("position").get<size_t>();
    const std::string fault = request.value("fault", std::string());
    if (fault.empty()) return ToJson(exploration->explorer->Explore(position, deadly));
    const Expected<Damage> damage = DamageOf(fault, position);
    if (!damage) return std::unexpected(damage.error());
    return ToJson(exploration->explorer->ExploreDamaged(position, *damage, deadly));
  }

 private:
  struct Exploration {
    Exploration(ExploreSettings with, Target on)
        : settings(std::move(with)), target(std::move(on)) {}
    ExploreSettings settings;
    Target target;
    std::unique_ptr<PointExplorer> explorer;
  };

  Expected<Damage> DamageOf(const std::string& fault, size_t position) {
    if (damage_reader_ == nullptr) damage_reader_ = std::make_unique<DamageReader>(trace_);
    return damage_reader_->Read(fault, position);
  }

  Expected<json> Replay(const json& request, const ExploreSettings& settings) {
    const Expected<Target> target = ParseTarget(settings.target);
    if (!target) return std::unexpected(target.error());
    std::vector<AtomId> lost;
    for (const json& entry : request.at("lost")) {
      const Expected<AtomId> atom = AtomIdFromJson(entry);
      if (!atom) return std::unexpected(atom.error());
      lost.push_back(*atom);
    }
    std::sort(lost.begin(), lost.end());
    const size_t position = request.at("position").get<size_t>();
    const Window window{request.at("acknowledged").get<uint32_t>(),
                        request.at("attempted").get<uint32_t>(),
                        AcknowledgedAfterFailure(trace_, position)};
    Image image = Materialise(trace_, position, lost, settings.tear);
    if (const std::string fault = request.value("fault", std::string()); !fault.empty()) {
      const Expected<Damage> damage = DamageOf(fault, position);
      if (!damage) return std::unexpected(damage.error());
      Apply(damage->patches, image);
    }
    if (request.contains("repair")) {
      // Repairs are numbered from 1; 0 is none.
      const size_t number = request.at("repair").get<size_t>();
      const Repair* repair = number == 0 ? nullptr : &target->type->repairs()[number - 1];
      shared_.started_ns = MonotonicNanoseconds();
      const MendedState state =
          TryRepair(image, repair, *target, model_, window,
                    UseAfterRecovery(settings.seed, settings.keys), shared_.phase);
      shared_.started_ns = 0;
      return ToJson(state);
    }
    MemoryVfs disk(image);
    const bool is_watched = request.value("watch", false);
    CallLog log(shared_.call_log, shared_.call_log_used_bytes, shared_.is_call_log_cut);
    WatchingVfs watching(disk, [&](const VfsCall& call) {
      log.Add({.call = call, .is_opening = shared_.phase == Phase::kOpen});
    });
    Vfs& vfs = is_watched ? static_cast<Vfs&>(watching) : disk;
    if (request.value("in_use", false)) return UseOn(vfs, *target, window, settings);
    Recovery recovery(*target, model_, settings.promise,
                      UseAfterRecovery(settings.seed, settings.keys), shared_.phase,
                      settings.readers > 0);
    recovery.LookFor(settings.symptom);
    shared_.started_ns = MonotonicNanoseconds();
    Judgement judgement = recovery.Judge(vfs, window);
    if (!judgement.violation && judgement.known_state) {
      judgement = recovery.Use(vfs, std::move(judgement));
    }
    recovery.Drop();
    if (!judgement.violation &&
        settings.promise >= BrokenPromise(ViolationClass::kNeverConverges)) {
      judgement.violation = CheckConvergence(image, *target);
    }
    shared_.started_ns = 0;
    json answer = {{"held", !judgement.violation.has_value()}};
    if (judgement.known_state) answer["recovered_transaction"] = judgement.recovered_transaction;
    if (judgement.violation) answer["violation"] = ToJson(*judgement.violation);
    if (is_watched) AddContents(image, *target, window, answer);
    return answer;
  }

  // Says what a store shows that opens on the image, if it can be read at all.
  void AddContents(const Image& image, const Target& target, Window window, json& answer) {
    MemoryVfs vfs(image);
    const std::unique_ptr<Engine> engine = target.Create(vfs);
    ContentVisitor visitor;
    shared_.phase = Phase::kScan;
    shared_.started_ns = MonotonicNanoseconds();
    const bool is_read = engine->Open().has_value() && engine->Scan(visitor).has_value();
    shared_.started_ns = 0;
    if (!is_read) return;
    const ContentDigest digest = DigestOf(visitor.content());
    if (const auto shows = model_.Find(digest, 0, window.attempted)) answer["shows"] = *shows;
    answer["difference"] =
        ToJson(DifferenceOf(visitor.content(), model_, trace_.transactions, window));
  }

  json UseOn(Vfs& vfs, const Target& target, Window window, const ExploreSettings& settings) {
    Stretch stretch(target, trace_.transactions, model_, settings.promise, shared_.phase);
    shared_.started_ns = MonotonicNanoseconds();
    const std::optional<Violation> violation = stretch.Judge(vfs, window.acknowledged);
    shared_.started_ns = 0;
    json answer = {{"held", !violation.has_value()}};
    if (violation) answer["violation"] = ToJson(*violation);
    return answer;
  }

  Trace trace_;
  ReferenceModel model_;
  SharedState& shared_;
  std::unique_ptr<DamageReader> damage_reader_;  // made when first needed
  std::map<std::string, std::unique_ptr<Exploration>> explorations_;
};

int ServeRecover(Channel& channel, int trace_file, int shared_file) {
  const Expected<std::vector<std::byte>> bytes = ReadAll(trace_file);
  if (!bytes) return 3;
  Expected<Trace> trace = DecodeTrace(*bytes);
  if (!trace) return 3;
  Expected<SharedMemory> memory = SharedMemory::Map(shared_file, sizeof(SharedState));
  if (!memory) return 3;
  RecoveryServer server(std::move(*trace), *static_cast<SharedState*>(memory->data()));
  while (true) {
    const Expected<std::optional<json>> request = channel.Receive();
    if (!request) return 3;
    if (!*request) return 0;
    const Expected<json> answer = server.Serve(**request);
    const json message = answer ? *answer : json{{"error", Describe(answer.error())}};
    if (!channel.Send(message)) return 3;
  }
}

}  // namespace

std::vector<std::string> ChildArguments(ChildRole role, int channel, int file, int shared) {
  return {kChildFlag,
          role == ChildRole::kRecord   ? "record"
          : role == ChildRole::kErrors ? "errors"
                                       : "recover",
          std::to_string(::getpid()),
          std::to_string(channel),
          std::to_string(file),
          std::to_string(shared)};
}

bool IsChild(int argc, char** argv) { return argc == 7 && std::string_view(argv[1]) == kChildFlag; }

int ServeChild(int /*argc*/, char** argv) {
  DieWithParent(NumberArgument(argv[3]));
  LimitResources();
  Channel channel{Descriptor(NumberArgument(argv[4]))};
  const int file = NumberArgument(argv[5]);
  if (std::string_view(argv[2]) == "record") {
    return ServeRecord(channel, file, NumberArgument(argv[6]));
  }
  if (std::string_view(argv[2]) == "errors") return ServeErrors(channel, file);
  return ServeRecover(channel, file, NumberArgument(argv[6]));
}

std::string LastWords(int stderr_descriptor) {
  const Expected<std::vector<std::byte>> bytes = ReadAll(stderr_descriptor);
  if (!bytes || bytes->empty()) return "";
  std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  while (text.ends_with('\n')) text.remove_suffix(1);
  const size_t line = text.rfind('\n');
  if (line != std::string_view::npos) text = text.substr(line + 1);
  return fmt::format(": {}", text.substr(0, 400));
}

}  // namespace plugpull
