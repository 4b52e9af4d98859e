#include "harness/read_set_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "faults/doors/fuse_view.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/image_judge.h"
#include "harness/image_pool.h"
#include "harness/messages.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

constexpr std::chrono::milliseconds kTick{50};

// Has a program judge a view, through a mount.
class MountJudge final : public ViewJudge, private Stage {
 public:
  explicit MountJudge(std::unique_ptr<FuseView> mount) : mount_(std::move(mount)) {}
  ~MountJudge() override {
    mount_->Serve();  // a process that ends may have pages to write first
    program_.reset();
  }

  Expected<void> Start(const Trace& trace, const ReferenceModel& model,
                       const ExploreSettings& settings) {
    Expected<std::unique_ptr<ProgramJudge>> judge = MakeProgramJudge(trace, model, settings, *this);
    if (!judge) return std::unexpected(judge.error());
    program_ = std::move(*judge);
    return {};
  }

  Judgement Judge(CrashView& view, Window window) override {
    view_ = &view;
    is_shown_ = false;
    return Conclude(program_->Judge(window));
  }

  Judgement Use(Judgement judgement) override {
    mount_->Serve();
    return Conclude(program_->Use(std::move(judgement)));
  }

  void Drop() override {
    if (view_ == nullptr) return;
    mount_->Serve();  // closing reads and writes, too
    program_->LetGo();
    mount_->End();
    view_ = nullptr;
  }

  // Returns: what made the judgements since worthless, if anything did.
  std::optional<Error> TakeTrouble() { return std::exchange(trouble_, std::nullopt); }
  std::string TakeRefused() { return mount_->TakeRefused(); }

 private:
  Judgement Conclude(Expected<Judgement> judgement) {
    mount_->Hold();
    if (judgement) return std::move(*judgement);
    trouble_ = judgement.error();
    return {};
  }

  Expected<void> Show() override {
    if (is_shown_) {  // once more, from the start
      mount_->End();
      view_->Restart();
    }
    is_shown_ = true;
    mount_->Begin(*view_);
    return {};
  }
  const std::string& path() const override { return mount_->path(); }

  std::unique_ptr<FuseView> mount_;
  std::unique_ptr<ProgramJudge> program_;  // ends before its directory does
  CrashView* view_ = nullptr;              // of the execution under way
  bool is_shown_ = false;
  std::optional<Error> trouble_;
};

// What a thread needs to explore points with the same settings.
class Explorer {
 public:
  Explorer(const Trace& trace, const ReferenceModel& model, ExploreSettings settings)
      : trace_(trace), model_(model), settings_(std::move(settings)), path_(kLongestPath) {
    settings_.depth = 1;
  }

  Expected<void> Start(std::atomic<uint64_t>& recoveries, const std::atomic<bool>& stop) {
    Expected<const EngineType*> type = TypeOfTarget(settings_);
    if (!type) return std::unexpected(type.error());
    target_.type = *type;
    Expected<std::unique_ptr<FuseView>> mount = FuseView::Mount();
    if (!mount) return std::unexpected(mount.error());
    judge_ = std::make_unique<MountJudge>(std::move(*mount));
    if (Expected<void> started = judge_->Start(trace_, model_, settings_); !started) return started;
    const SearchState state{.path = path_,
                            .path_length = &path_length_,
                            .phase = &phase_,
                            .probe = &probe_,
                            .recoveries = &recoveries,
                            .started_ns = nullptr,
                            .stop = &stop};
    explorer_ =
        std::make_unique<PointExplorer>(trace_, target_, model_, settings_, state, judge_.get());
    return {};
  }

  Expected<PointResult> Explore(const PointTask& task) {
    PointResult result;
    if (task.fault.empty()) {
      result = explorer_->Explore(task.position, {});
    } else {
      if (damage_ == nullptr) damage_ = std::make_unique<DamageReader>(trace_);
      const Expected<Damage> damage = damage_->Read(task.fault, task.position);
      if (!damage) return std::unexpected(damage.error());
      result = explorer_->ExploreDamaged(task.position, *damage, {});
      result.fault = task.fault;
    }
    if (std::optional<Error> trouble = judge_->TakeTrouble()) return std::unexpected(*trouble);
    if (const std::string refused = judge_->TakeRefused(); !refused.empty()) {
      result.unknown.push_back("the program asked for " + refused +
                               ", which --read-set cannot show: explore without it");
    }
    return result;
  }

 private:
  const Trace& trace_;
  const ReferenceModel& model_;
  ExploreSettings settings_;
  Target target_;
  std::vector<Choice> path_;
  uint32_t path_length_ = 0;
  std::atomic<Phase> phase_ = Phase::kOpen;
  std::atomic<uint32_t> probe_ = 0;
  std::unique_ptr<DamageReader> damage_;  // made when first needed
  std::unique_ptr<MountJudge> judge_;
  std::unique_ptr<PointExplorer> explorer_;
};

class ReadSetPool final : public PointSearch {
 public:
  ReadSetPool(const Trace& trace, uint32_t jobs, std::unique_ptr<PointSearch> images)
      : trace_(trace),
        model_(trace.transactions, UndoneCount(trace)),
        jobs_(jobs),
        images_(std::move(images)) {}

  Expected<void> Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                         const OnTick& on_tick) override;
  Expected<std::optional<Violation>> Replay(const ReplayTask& task,
                                            std::optional<uint32_t>* recovered) override {
    return images_->Replay(task, recovered);
  }
  using PointSearch::Replay;
  uint64_t recoveries() const override { return recoveries_ + images_->recoveries(); }

 private:
  struct Round;
  void Work(Round& round);

  const Trace& trace_;
  ReferenceModel model_;
  uint32_t jobs_;
  std::unique_ptr<PointSearch> images_;
  std::atomic<uint64_t> recoveries_ = 0;
  std::atomic<bool> stop_ = false;
};

// The tasks of one call, and how far they are.
struct ReadSetPool::Round {
  std::span<const PointTask> tasks;
  std::mutex mutex;
  std::condition_variable wake;
  size_t next = 0;
  size_t working = 0;  // threads
  std::vector<std::pair<size_t, PointResult>> done;
  std::optional<Error> trouble;
};

void ReadSetPool::Work(Round& round) {
  std::unique_ptr<Explorer> explorer;
  nlohmann::json settings;  // of the explorer
  std::unique_lock lock(round.mutex);
  while (round.next < round.tasks.size() && !stop_ && !round.trouble) {
    const size_t number = round.next++;
    const PointTask& task = round.tasks[number];
    lock.unlock();
    Expected<void> started;
    if (nlohmann::json wanted = ToJson(task.settings); wanted != settings) {
      explorer.reset();
      explorer = std::make_unique<Explorer>(trace_, model_, task.settings);
      started = explorer->Start(recoveries_, stop_);
      settings = std::move(wanted);
    }
    Expected<PointResult> result =
        started ? explorer->Explore(task) : std::unexpected(started.error());
    lock.lock();
    if (result) {
      round.done.emplace_back(number, std::move(*result));
    } else if (!round.trouble) {
      round.trouble = result.error();
    }
    round.wake.notify_all();
  }
  lock.unlock();
  explorer.reset();
  lock.lock();
  --round.working;
  round.wake.notify_all();
}

// The threads end with the call: their mounts and drivers go with them.
Expected<void> ReadSetPool::Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                                    const OnTick& on_tick) {
  stop_ = false;
  Round round;
  round.tasks = tasks;
  round.working = std::min<size_t>(jobs_, tasks.size());
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < round.working; ++i) {
    threads.emplace_back([this, &round] { Work(round); });
  }
  std::unique_lock lock(round.mutex);
  while (true) {
    const bool is_last_look = round.working == 0;
    auto done = std::exchange(round.done, {});
    lock.unlock();
    for (auto& [task, result] : done) on_done(task, std::move(result));
    if (!is_last_look && !on_tick(recoveries())) stop_ = true;
    lock.lock();
    if (is_last_look) break;
    if (round.working > 0 && round.done.empty()) round.wake.wait_for(lock, kTick);
  }
  if (round.trouble) return std::unexpected(*round.trouble);
  return {};
}

}  // namespace

Expected<std::unique_ptr<PointSearch>> MakeReadSetPool(const Trace& trace, uint32_t jobs) {
  // A mount belongs to the thread that makes it.
  Expected<void> can_mount;
  std::jthread([&] {
    const auto mount = FuseView::Mount();
    if (!mount) can_mount = std::unexpected(mount.error());
  }).join();
  if (!can_mount) return std::unexpected(can_mount.error());
  Expected<std::unique_ptr<PointSearch>> images = MakeImagePool(trace, 1);
  if (!images) return std::unexpected(images.error());
  return std::make_unique<ReadSetPool>(trace, std::max<uint32_t>(jobs, 1), std::move(*images));
}

}  // namespace plugpull
