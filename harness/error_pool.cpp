#include "harness/error_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "faults/trace/trace_file.h"
#include "harness/child.h"
#include "harness/child_process.h"
#include "harness/point_explorer.h"

namespace plugpull {
namespace {

using nlohmann::json;

constexpr int kTickMs = 50;

// A run and its crash points take as long as this many recoveries at most.
constexpr uint64_t kRecoveriesInTime = 6;

json ToJson(const RecordSettings& record) {
  return {{"target", record.target},
          {"workload", record.workload},
          {"seed", record.options.seed},
          {"transactions", record.options.transactions},
          {"keys", record.options.keys}};
}

RecordSettings RecordFromJson(const json& message) {
  RecordSettings record;
  record.target = message.at("target").get<std::string>();
  record.workload = message.at("workload").get<std::string>();
  record.options.seed = message.at("seed").get<uint64_t>();
  record.options.transactions = message.at("transactions").get<uint32_t>();
  record.options.keys = message.at("keys").get<uint32_t>();
  return record;
}

PlanResult Died(ViolationClass violation, std::string message, size_t rules) {
  PlanResult result;
  result.outcome = ErrorOutcome::kViolated;
  result.violation = Violation{violation, "while running: " + std::move(message)};
  result.fired.assign(rules, 1);
  return result;
}

}  // namespace

struct ErrorPool::Worker {
  std::optional<ChildProcess> child;
  std::optional<Channel> channel;
  Descriptor complaints;  // the child's standard error
  Descriptor trace_file;
  std::optional<size_t> task;
  FailurePlan plan;
  bool run_only = false;
  uint64_t started_ns = 0;
};

ErrorPool::ErrorPool() = default;
ErrorPool::~ErrorPool() = default;
ErrorPool::ErrorPool(ErrorPool&&) noexcept = default;
ErrorPool& ErrorPool::operator=(ErrorPool&&) noexcept = default;

Expected<ErrorPool> ErrorPool::Create(RecordSettings record, ExploreSettings settings,
                                      uint32_t jobs) {
  ErrorPool pool;
  pool.record_ = std::move(record);
  pool.settings_ = std::move(settings);
  for (uint32_t i = 0; i < jobs; ++i) {
    auto worker = std::make_unique<Worker>();
    Expected<Descriptor> file = MakeMemoryFile("plugpull-trace");
    if (!file) return std::unexpected(file.error());
    worker->trace_file = std::move(*file);
    pool.workers_.push_back(std::move(worker));
  }
  return pool;
}

Expected<void> ErrorPool::Start(Worker& worker) {
  Expected<Descriptor> complaints = MakeMemoryFile("plugpull-stderr");
  if (!complaints) return std::unexpected(complaints.error());
  Expected<std::pair<Descriptor, Descriptor>> ends = Channel::MakePair();
  if (!ends) return std::unexpected(ends.error());
  const int channel = ends->second.number();
  Expected<ChildProcess> child = ChildProcess::Spawn(
      ChildArguments(ChildRole::kErrors, channel, worker.trace_file.number(), -1),
      {channel, worker.trace_file.number()}, complaints->number());
  if (!child) return std::unexpected(child.error());
  worker.child = std::move(*child);
  worker.channel.emplace(std::move(ends->first));
  worker.complaints = std::move(*complaints);
  return worker.channel->Send({{"record", ToJson(record_)}, {"settings", ToJson(settings_)}});
}

Expected<void> ErrorPool::Submit(Worker& worker, const FailurePlan& plan, bool run_only) {
  if (!worker.child) {
    if (const Expected<void> started = Start(worker); !started) return started;
  }
  worker.plan = plan;
  worker.run_only = run_only;
  worker.started_ns = MonotonicNanoseconds();
  const Expected<void> sent = worker.channel->Send({{"plan", Text(plan)}, {"run_only", run_only}});
  // A child that is gone is noticed, and its end explained, when the answer is collected.
  const bool gone =
      !sent && (sent.error().os_errno == EPIPE || sent.error().os_errno == ECONNRESET);
  return gone ? Expected<void>() : sent;
}

Expected<std::optional<PlanResult>> ErrorPool::Bury(Worker& worker, bool is_hung) {
  if (is_hung) worker.child->Kill();
  const ChildExit end = worker.child->Wait();
  const std::string words = LastWords(worker.complaints.number());
  worker.child.reset();
  worker.channel.reset();
  if (words.find(kInternalError) != std::string::npos) {
    return Fail(ErrorCode::kIo, fmt::format("a child {} outside the engine under test, under {}{}",
                                            end.Describe(), Text(worker.plan), words));
  }
  if (end.signaled && end.code == SIGKILL && !is_hung) {
    return Fail(ErrorCode::kIo,
                "a child was killed from outside (out of memory?); free some memory or use fewer "
                "--jobs");
  }
  if (!worker.run_only) return std::nullopt;
  const size_t rules = worker.plan.rules.size();
  if (is_hung) {
    return Died(ViolationClass::kHangOnOpen,
                fmt::format("did not finish within {} ms",
                            kRecoveriesInTime * settings_.recovery_timeout_ms),
                rules);
  }
  return Died(ViolationClass::kCrashOnOpen, end.Describe() + words, rules);
}

Expected<std::optional<PlanResult>> ErrorPool::Collect(Worker& worker) {
  const uint64_t now_ns = MonotonicNanoseconds();
  const bool is_hung =
      (now_ns - worker.started_ns) / 1'000'000 > kRecoveriesInTime * settings_.recovery_timeout_ms;
  pollfd ready{.fd = worker.channel->descriptor(), .events = POLLIN, .revents = 0};
  ::poll(&ready, 1, 0);
  if (ready.revents == 0 && !is_hung) return std::nullopt;
  std::optional<json> answer;
  if (ready.revents != 0) {
    Expected<std::optional<json>> received = worker.channel->Receive();
    if (!received) return std::unexpected(received.error());
    answer = std::move(*received);
  }
  if (answer && answer->contains("error")) {
    return Fail(ErrorCode::kTargetFailed, (*answer)["error"].get<std::string>());
  }
  if (answer) {
    Expected<PlanResult> result = PlanResultFromJson(*answer);
    if (!result) return std::unexpected(result.error());
    return std::optional(std::move(*result));
  }
  Expected<std::optional<PlanResult>> result = Bury(worker, is_hung);
  if (!result || *result) return result;
  // It may have died of a recovery after a crash, which is not the run's fault. Where the run alone
  // ends well, the search in full will find the recovery that kills.
  const FailurePlan plan = worker.plan;
  if (const Expected<void> again = Submit(worker, plan, /*run_only=*/true); !again) {
    return std::unexpected(again.error());
  }
  return std::nullopt;
}

Expected<std::vector<std::optional<PlanResult>>> ErrorPool::Run(std::span<const FailurePlan> plans,
                                                                const OnTick& on_tick) {
  std::vector<std::optional<PlanResult>> results(plans.size());
  size_t next = 0;
  size_t done = 0;
  bool stopping = false;
  uint64_t ticked_ns = MonotonicNanoseconds();
  while (done < next || (next < plans.size() && !stopping)) {
    std::vector<pollfd> ready;
    for (const auto& worker : workers_) {
      if (!worker->task && next < plans.size() && !stopping) {
        const Expected<void> submitted = Submit(*worker, plans[next], /*run_only=*/false);
        if (!submitted) return std::unexpected(submitted.error());
        worker->task = next++;
      }
      if (!worker->task) continue;
      ready.push_back({.fd = worker->channel->descriptor(), .events = POLLIN, .revents = 0});
    }
    ::poll(ready.data(), ready.size(), kTickMs);
    for (const auto& worker : workers_) {
      if (!worker->task) continue;
      const bool was_run_again = worker->run_only;
      Expected<std::optional<PlanResult>> result = Collect(*worker);
      if (!result) return std::unexpected(result.error());
      if (!*result) continue;
      // The run is fine, but something after a crash killed the process: look at it in full.
      if (was_run_again && !(*result)->violation) {
        (*result)->after_crash.push_back({ViolationClass::kCrashOnOpen, kAnyPosition});
      }
      results[*worker->task] = std::move(**result);
      worker->task.reset();
      ++done;
    }
    const uint64_t now_ns = MonotonicNanoseconds();
    if (now_ns - ticked_ns < uint64_t{kTickMs} * 1'000'000) continue;
    ticked_ns = now_ns;
    stopping = stopping || !on_tick(done);
  }
  return results;
}

Expected<PlanResult> ErrorPool::RunOne(const FailurePlan& plan, Trace& trace) {
  Worker& worker = *workers_.front();
  if (const Expected<void> submitted = Submit(worker, plan, /*run_only=*/true); !submitted) {
    return std::unexpected(submitted.error());
  }
  while (true) {
    pollfd ready{.fd = worker.channel->descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, kTickMs);
    Expected<std::optional<PlanResult>> result = Collect(worker);
    if (!result) return std::unexpected(result.error());
    if (!*result) continue;
    trace = {};
    if (!worker.child) return std::move(**result);  // it has died, and no trace was written
    const Expected<std::vector<std::byte>> bytes = ReadAll(worker.trace_file.number());
    if (!bytes) return std::unexpected(bytes.error());
    Expected<Trace> decoded = DecodeTrace(*bytes);
    if (!decoded) return std::unexpected(decoded.error());
    trace = std::move(*decoded);
    return std::move(**result);
  }
}

int ServeErrors(Channel& channel, int output) {
  const Expected<std::optional<json>> first = channel.Receive();
  if (!first || !*first) return 3;
  Expected<ExploreSettings> settings = ExploreSettingsFromJson((**first).at("settings"));
  if (!settings) return 3;
  PlanExplorer explorer(RecordFromJson((**first).at("record")), std::move(*settings));
  while (true) {
    const Expected<std::optional<json>> request = channel.Receive();
    if (!request) return 3;
    if (!*request) return 0;
    const std::string text = (**request).at("plan").get<std::string>();
    const bool run_only = (**request).at("run_only").get<bool>();
    Expected<FailurePlan> plan = FailurePlan{};
    if (!text.empty()) plan = ParseFailurePlan(text);
    if (!plan) return 3;
    ErrorRun run;
    const Expected<PlanResult> result = explorer.Explore(*plan, run_only, run);
    if (result && run_only) {
      const bool emptied = ::ftruncate(output, 0) == 0 && ::lseek(output, 0, SEEK_SET) == 0;
      if (!emptied || !WriteAll(output, EncodeTrace(run.trace))) return 3;
    }
    const json answer = result ? ToJson(*result) : json{{"error", Describe(result.error())}};
    if (!channel.Send(answer)) return 3;
  }
}

}  // namespace plugpull
