#include "harness/recovery_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "faults/trace/trace_file.h"
#include "harness/child.h"
#include "harness/child_process.h"
#include "harness/messages.h"

namespace plugpull {
namespace {

using nlohmann::json;

constexpr int kTickMs = 50;
// A stretch of a workload may take as long as this many recoveries.
constexpr uint64_t kRecoveriesInUse = 60;
// A repair, a recovery with its use, and a look at the contents.
constexpr uint64_t kRecoveriesToRepair = 3;
constexpr uint64_t kSuspensionNs = 2'000'000'000;

json ReplayRequest(const ReplayTask& task) {
  json lost = json::array();
  for (const AtomId& atom : task.lost) lost.push_back(ToJson(atom));
  return {{"position", task.position},
          {"acknowledged", task.window.acknowledged},
          {"attempted", task.window.attempted},
          {"lost", lost},
          {"in_use", task.in_use},
          {"settings", ToJson(task.settings)},
          {"fault", task.fault}};
}

}  // namespace

// What one child was asked, so that it can be asked again.
struct RecoveryPool::Job {
  json request;
  uint64_t timeout_ms = 0;
  size_t task = 0;
};

struct RecoveryPool::Worker {
  std::optional<ChildProcess> child;
  std::optional<Channel> channel;
  Descriptor complaints;  // the child's standard error
  Descriptor shared_file;
  SharedMemory shared;
  std::optional<Job> job;

  SharedState& state() const { return *static_cast<SharedState*>(shared.data()); }
};

RecoveryPool::RecoveryPool() = default;
RecoveryPool::~RecoveryPool() = default;
RecoveryPool::RecoveryPool(RecoveryPool&&) noexcept = default;
RecoveryPool& RecoveryPool::operator=(RecoveryPool&&) noexcept = default;

Expected<RecoveryPool> RecoveryPool::Create(const Trace& trace, uint32_t jobs) {
  RecoveryPool pool;
  Expected<Descriptor> file = MakeMemoryFile("plugpull-trace");
  if (!file) return std::unexpected(file.error());
  pool.trace_file_ = std::move(*file);
  const Expected<void> written = WriteAll(pool.trace_file_.number(), EncodeTrace(trace));
  if (!written) return std::unexpected(written.error());
  for (uint32_t i = 0; i < jobs; ++i) {
    auto worker = std::make_unique<Worker>();
    Expected<Descriptor> shared_file = MakeMemoryFile("plugpull-shared");
    if (!shared_file) return std::unexpected(shared_file.error());
    worker->shared_file = std::move(*shared_file);
    Expected<SharedMemory> shared =
        SharedMemory::Map(worker->shared_file.number(), sizeof(SharedState));
    if (!shared) return std::unexpected(shared.error());
    worker->shared = std::move(*shared);
    pool.workers_.push_back(std::move(worker));
  }
  return pool;
}

uint64_t RecoveryPool::recoveries() const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->state().recoveries;
  return sum;
}

Expected<void> RecoveryPool::Start(Worker& worker) {
  Expected<Descriptor> complaints = MakeMemoryFile("plugpull-stderr");
  if (!complaints) return std::unexpected(complaints.error());
  Expected<std::pair<Descriptor, Descriptor>> ends = Channel::MakePair();
  if (!ends) return std::unexpected(ends.error());
  const int channel = ends->second.number();
  worker.state().started_ns = 0;
  Expected<ChildProcess> child = ChildProcess::Spawn(
      ChildArguments(ChildRole::kRecover, channel, trace_file_.number(),
                     worker.shared_file.number()),
      {channel, trace_file_.number(), worker.shared_file.number()}, complaints->number());
  if (!child) return std::unexpected(child.error());
  worker.child = std::move(*child);
  worker.channel.emplace(std::move(ends->first));
  worker.complaints = std::move(*complaints);
  return {};
}

Expected<void> RecoveryPool::Submit(Worker& worker, Job job) {
  if (!worker.child) {
    if (const Expected<void> started = Start(worker); !started) return started;
  }
  const Expected<void> sent = worker.channel->Send(job.request);
  worker.job = std::move(job);
  // A child that is gone is noticed, and its end explained, when the answer is collected.
  const bool gone =
      !sent && (sent.error().os_errno == EPIPE || sent.error().os_errno == ECONNRESET);
  return gone ? Expected<void>() : sent;
}

uint64_t RecoveryPool::Overdue(const Worker& worker) const {
  const uint64_t started_ns = worker.state().started_ns;
  if (started_ns == 0 || !worker.job) return 0;
  const uint64_t since_ns = std::max(started_ns, resumed_ns_);
  const uint64_t now_ns = MonotonicNanoseconds();
  const bool overdue =
      now_ns > since_ns && (now_ns - since_ns) / 1'000'000 > worker.job->timeout_ms;
  return overdue ? started_ns : 0;
}

// While the harness stands still (Ctrl-Z, a frozen virtual machine) its children mostly do, too:
// that time must not make a recovery look hung.
void RecoveryPool::NoticeSuspension() {
  const uint64_t now_ns = MonotonicNanoseconds();
  if (last_tick_ns_ != 0 && now_ns - last_tick_ns_ > kSuspensionNs) resumed_ns_ = now_ns;
  last_tick_ns_ = now_ns;
}

Expected<std::optional<Violation>> RecoveryPool::Autopsy(Worker& worker, uint64_t overdue_ns) {
  const bool hung = overdue_ns != 0;
  if (hung) worker.child->Kill();
  const ChildExit end = worker.child->Wait();
  const std::string words = LastWords(worker.complaints.number());
  worker.child.reset();
  worker.channel.reset();
  const uint64_t started_ns = worker.state().started_ns;
  // What it was in when it was looked at was over before the kill came: it was slow, not hung.
  if (hung && started_ns != overdue_ns) return std::nullopt;
  const bool ours = words.find(kInternalError) != std::string::npos;
  if (end.signaled && end.code == SIGKILL && !hung) {
    return Fail(ErrorCode::kIo,
                "a recovery child was killed from outside (out of memory?); free some memory or "
                "use fewer --jobs");
  }
  if (started_ns == 0 || ours) {
    return Fail(ErrorCode::kIo, fmt::format("a recovery child {} outside the engine under test{}",
                                            end.Describe(), words));
  }
  const Phase phase = worker.state().phase;
  Violation violation;
  violation.violation = hung ? ViolationClass::kHangOnOpen : ViolationClass::kCrashOnOpen;
  if (phase == Phase::kUse) violation.violation = ViolationClass::kUnusableAfter;
  violation.message =
      hung ? fmt::format("did not finish within {} ms {}", worker.job->timeout_ms, Describe(phase))
           : fmt::format("{} {}{}", end.Describe(), Describe(phase), words);
  return violation;
}

Expected<void> RecoveryPool::GoOnBehind(Worker& worker, uint64_t overdue_ns) {
  Expected<std::optional<Violation>> violation = Autopsy(worker, overdue_ns);
  if (!violation) return std::unexpected(violation.error());
  Job job = std::move(*worker.job);
  worker.job.reset();
  if (*violation) {
    // The path that the child was on outlived it. It is read now, when nobody writes any more; an
    // engine that wrote all over its memory may have left any length.
    const SharedState& state = worker.state();
    const size_t length = std::min<size_t>(state.path_length, kLongestPath);
    const DeadlyPath deadly{.path = {state.path, state.path + length},
                            .probe = state.probe,
                            .is_unwinding = state.phase == Phase::kUnwinding,
                            .violation = std::move(**violation)};
    job.request["deadly"].push_back(ToJson(deadly));
  }
  return Submit(worker, std::move(job));
}

Expected<std::optional<json>> RecoveryPool::Collect(Worker& worker) {
  Expected<std::optional<json>> answer = worker.channel->Receive();
  if (!answer || !*answer) return answer;
  if ((*answer)->contains("error")) {
    return Fail(ErrorCode::kCorrupt, (**answer)["error"].get<std::string>());
  }
  return answer;
}

Expected<void> RecoveryPool::Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                                     const OnTick& on_tick) {
  last_tick_ns_ = 0;
  size_t next = 0;
  size_t busy = 0;
  bool stopping = false;
  for (const auto& worker : workers_) worker->state().stop = false;
  while (busy > 0 || (next < tasks.size() && !stopping)) {
    std::vector<pollfd> ready;
    std::vector<Worker*> listening;
    for (const auto& worker : workers_) {
      if (!worker->job && next < tasks.size() && !stopping) {
        const PointTask& task = tasks[next];
        const Expected<void> submitted =
            Submit(*worker, {.request = {{"position", task.position},
                                         {"settings", ToJson(task.settings)},
                                         {"fault", task.fault},
                                         {"deadly", json::array()}},
                             .timeout_ms = task.settings.recovery_timeout_ms,
                             .task = next});
        if (!submitted) return submitted;
        ++next;
        ++busy;
      }
      if (!worker->job) continue;
      ready.push_back({.fd = worker->channel->descriptor(), .events = POLLIN, .revents = 0});
      listening.push_back(worker.get());
    }
    ::poll(ready.data(), ready.size(), kTickMs);
    NoticeSuspension();
    for (size_t i = 0; i < listening.size(); ++i) {
      Worker& worker = *listening[i];
      const uint64_t overdue_ns = ready[i].revents == 0 ? Overdue(worker) : 0;
      if (ready[i].revents == 0 && overdue_ns == 0) continue;
      Expected<std::optional<json>> answer = std::optional<json>();
      if (overdue_ns == 0) answer = Collect(worker);
      if (!answer) return std::unexpected(answer.error());
      if (!*answer) {
        if (const Expected<void> resumed = GoOnBehind(worker, overdue_ns); !resumed) {
          return resumed;
        }
        continue;
      }
      Expected<PointResult> result = PointResultFromJson(**answer);
      if (!result) return std::unexpected(result.error());
      const size_t task = worker.job->task;
      worker.job.reset();
      result->fault = tasks[task].fault;
      --busy;
      on_done(task, std::move(*result));
    }
    if (!stopping && !on_tick(recoveries())) {
      stopping = true;
      for (const auto& worker : workers_) worker->state().stop = true;
    }
  }
  return {};
}

Expected<std::optional<json>> RecoveryPool::Await(Worker& worker, uint64_t& overdue_ns) {
  overdue_ns = 0;
  pollfd ready{.fd = worker.channel->descriptor(), .events = POLLIN, .revents = 0};
  while (ready.revents == 0 && overdue_ns == 0) {
    ::poll(&ready, 1, kTickMs);
    NoticeSuspension();
    if (ready.revents == 0) overdue_ns = Overdue(worker);
  }
  if (overdue_ns != 0) return std::nullopt;
  return Collect(worker);
}

Expected<std::variant<json, Violation>> RecoveryPool::Do(Job job) {
  last_tick_ns_ = 0;
  Worker& worker = *workers_.front();
  while (true) {
    if (const Expected<void> submitted = Submit(worker, job); !submitted) {
      return std::unexpected(submitted.error());
    }
    uint64_t overdue_ns = 0;
    Expected<std::optional<json>> answer = Await(worker, overdue_ns);
    if (!answer) return std::unexpected(answer.error());
    if (*answer) {
      worker.job.reset();
      return std::move(**answer);
    }
    Expected<std::optional<Violation>> violation = Autopsy(worker, overdue_ns);
    if (!violation) return std::unexpected(violation.error());
    if (!*violation) continue;
    worker.job.reset();
    return std::move(**violation);
  }
}

Expected<std::optional<Violation>> RecoveryPool::Replay(const ReplayTask& task,
                                                        std::optional<uint32_t>* recovered) {
  const uint64_t recoveries = task.in_use ? kRecoveriesInUse : 1;
  Expected<std::variant<json, Violation>> done =
      Do({.request = ReplayRequest(task),
          .timeout_ms = task.settings.recovery_timeout_ms * recoveries});
  if (!done) return std::unexpected(done.error());
  if (Violation* death = std::get_if<Violation>(&*done)) return std::move(*death);
  const json& answer = std::get<json>(*done);
  if (recovered != nullptr && answer.contains("recovered_transaction")) {
    *recovered = answer["recovered_transaction"].get<uint32_t>();
  }
  if (answer["held"].get<bool>()) return std::nullopt;
  Expected<Violation> violation = ViolationFromJson(answer["violation"]);
  if (!violation) return std::unexpected(violation.error());
  return std::move(*violation);
}

Expected<RecoveryWatch> RecoveryPool::Watch(const ReplayTask& task) {
  SharedState& shared = workers_.front()->state();
  shared.call_log_used_bytes = 0;
  json request = ReplayRequest(task);
  request["watch"] = true;
  const uint64_t recoveries = task.in_use ? kRecoveriesInUse : 1;
  Expected<std::variant<json, Violation>> done =
      Do({.request = std::move(request),
          .timeout_ms = task.settings.recovery_timeout_ms * recoveries});
  if (!done) return std::unexpected(done.error());
  RecoveryWatch watch{.violation = {},
                      .is_seen = true,
                      .is_cut = shared.is_call_log_cut,
                      .calls = ReadCallLog(shared.call_log, shared.call_log_used_bytes)};
  if (Violation* death = std::get_if<Violation>(&*done)) {
    watch.violation = std::move(*death);
    return watch;
  }
  const json& answer = std::get<json>(*done);
  if (!answer["held"].get<bool>()) {
    Expected<Violation> violation = ViolationFromJson(answer["violation"]);
    if (!violation) return std::unexpected(violation.error());
    watch.violation = *std::move(violation);
  }
  if (answer.contains("shows")) watch.shows = answer["shows"].get<uint32_t>();
  if (answer.contains("difference")) {
    Expected<ContentDifference> difference = ContentDifferenceFromJson(answer["difference"]);
    if (!difference) return std::unexpected(difference.error());
    watch.difference = *std::move(difference);
  }
  return watch;
}

Expected<Recoverability> RecoveryPool::Classify(const ReplayTask& task) {
  const Expected<Target> target = ParseTarget(task.settings.target);
  if (!target) return std::unexpected(target.error());
  const std::span<const Repair> repairs = target->type->repairs();
  if (repairs.empty()) return Recoverability{};
  std::vector<MendedState> states;
  for (size_t number = 0; number <= repairs.size(); ++number) {
    json request = ReplayRequest(task);
    request["repair"] = number;
    Expected<std::variant<json, Violation>> done =
        Do({.request = std::move(request),
            .timeout_ms = task.settings.recovery_timeout_ms * kRecoveriesToRepair});
    if (!done) return std::unexpected(done.error());
    Expected<MendedState> state = MendedState{};  // of one that ended the child
    if (const json* answer = std::get_if<json>(&*done)) state = MendedStateFromJson(*answer);
    if (!state) return std::unexpected(state.error());
    states.push_back(*state);
  }
  return ConcludeRecoverability(repairs, states, task.window);
}

}  // namespace plugpull
