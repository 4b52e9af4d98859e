#include "harness/image_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "faults/trace/snapshot_mark.h"
#include "harness/image_explorer.h"
#include "harness/judged_images.h"

namespace plugpull {
namespace {

constexpr std::chrono::milliseconds kTick{50};

// Threads that each own an explorer. They live as long as the pool, because a driver ends with the
// thread that started it.
class ImagePool final : public PointSearch {
 public:
  ImagePool(const Trace& trace, uint32_t jobs)
      : trace_(trace), model_(trace.transactions, UndoneCount(trace)) {
    for (uint32_t i = 0; i < jobs; ++i) {
      threads_.emplace_back([this] { Serve(); });
    }
  }
  ~ImagePool() override {
    {
      const std::scoped_lock lock(mutex_);
      is_over_ = true;
    }
    wake_workers_.notify_all();
  }

  Expected<void> Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                         const OnTick& on_tick) override;
  Expected<std::optional<Violation>> Replay(const ReplayTask& task,
                                            std::optional<uint32_t>* recovered) override;
  using PointSearch::Replay;
  uint64_t recoveries() const override { return recoveries_; }

 private:
  using Work = std::function<void(ImageExplorer&)>;

  void Serve();
  void Post(Work work);
  // Fills in what the result is the first to tell of.
  PointResult Attribute(ExploredPoint point);

  const Trace& trace_;
  ReferenceModel model_;
  JudgedImages judged_;
  std::atomic<uint64_t> recoveries_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable wake_workers_;
  std::condition_variable wake_owner_;
  std::deque<Work> work_;
  bool is_over_ = false;
  std::vector<std::jthread> threads_;  // joined before all else goes
};

void ImagePool::Serve() {
  ImageExplorer explorer(trace_, model_, judged_, recoveries_, stop_);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_workers_.wait(lock, [this] { return is_over_ || !work_.empty(); });
    if (is_over_) return;
    const Work work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work(explorer);
    lock.lock();
    wake_owner_.notify_all();
  }
}

void ImagePool::Post(Work work) {
  {
    const std::scoped_lock lock(mutex_);
    work_.push_back(std::move(work));
  }
  wake_workers_.notify_one();
}

PointResult ImagePool::Attribute(ExploredPoint point) {
  const auto count = [this](const std::vector<ImageKey>& keys) {
    return static_cast<uint64_t>(std::ranges::count_if(
        keys, [this](const ImageKey& key) { return judged_.Attribute(key); }));
  };
  // A rerun is one of an image that is counted here, too.
  std::vector<ImageKey> first;
  for (const ImageKey& key : point.recovered) {
    if (judged_.Attribute(key)) first.push_back(key);
  }
  PointResult result = std::move(point.result);
  result.recoveries = first.size();
  result.reruns = static_cast<uint64_t>(std::ranges::count_if(
      point.rerun, [&](const auto& key) { return std::ranges::find(first, key) != first.end(); }));
  result.uses = count(point.used);
  return result;
}

Expected<void> ImagePool::Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                                  const OnTick& on_tick) {
  stop_ = false;
  std::vector<std::optional<Expected<ExploredPoint>>> done(tasks.size());
  size_t next = 0;  // task to begin
  size_t serving = threads_.size();
  for (size_t i = 0; i < threads_.size(); ++i) {
    Post([&](ImageExplorer& explorer) {
      std::unique_lock lock(mutex_);
      while (next < tasks.size() && !stop_) {
        const size_t task = next++;
        lock.unlock();
        Expected<ExploredPoint> explored = explorer.Explore(tasks[task]);
        lock.lock();
        if (!explored) stop_ = true;
        done[task] = std::move(explored);
        wake_owner_.notify_all();
      }
      --serving;
    });
  }
  // Results are told in the order of the tasks, so that what each is the first to tell of does not
  // depend on who was fast.
  size_t told = 0;
  std::optional<Error> trouble;
  std::unique_lock lock(mutex_);
  while (true) {
    const bool is_last_look = serving == 0;
    while (told < done.size() && done[told] && !trouble) {
      Expected<ExploredPoint> explored = std::move(*done[told]);
      if (!explored) {
        trouble = explored.error();
        break;
      }
      lock.unlock();
      on_done(told, Attribute(std::move(*explored)));
      lock.lock();
      ++told;
    }
    if (is_last_look) break;
    lock.unlock();
    if (!stop_ && !on_tick(recoveries_)) stop_ = true;
    lock.lock();
    if (serving > 0) wake_owner_.wait_for(lock, kTick);
  }
  if (trouble) return std::unexpected(*trouble);
  return {};
}

Expected<std::optional<Violation>> ImagePool::Replay(const ReplayTask& task,
                                                     std::optional<uint32_t>* recovered) {
  std::optional<Expected<std::optional<Violation>>> outcome;
  Post([&](ImageExplorer& explorer) {
    Expected<std::optional<Violation>> found = explorer.Replay(task, recovered);
    const std::scoped_lock lock(mutex_);
    outcome = std::move(found);
  });
  std::unique_lock lock(mutex_);
  wake_owner_.wait(lock, [&] { return outcome.has_value(); });
  return std::move(*outcome);
}

}  // namespace

Expected<std::unique_ptr<PointSearch>> MakeImagePool(const Trace& trace, uint32_t jobs) {
  return std::make_unique<ImagePool>(trace, std::max<uint32_t>(jobs, 1));
}

}  // namespace plugpull
