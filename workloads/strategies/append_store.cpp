// append and preallocated: each transaction is one record at the end of a log, synced. A full log
// gives way to the next one, which starts with a snapshot; log.2 counts once its snapshot is whole.
//
// preallocated gives a new log its size at once, so that a commit changes no size.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "faults/vfs/whole_calls.h"
#include "workloads/strategies/file_steps.h"
#include "workloads/strategies/files_store.h"
#include "workloads/strategies/record_log.h"

namespace plugpull::strategies {
namespace {

constexpr std::string_view kPrefix = "log.";
constexpr uint64_t kAllocationBytes = uint64_t{256} * 1024;

std::string LogName(uint64_t number) { return fmt::format("{}{}", kPrefix, number); }

// Returns: the number of a log's name, 0 for any other name.
uint64_t NumberOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

class AppendStore final : public FilesStore {
 public:
  using FilesStore::FilesStore;

  Expected<void> Open() override {
    const Expected<std::vector<std::string>> names = vfs().List("");
    if (!names) return std::unexpected(names.error());
    std::vector<uint64_t> numbers;
    for (const std::string& name : *names) {
      if (const uint64_t number = NumberOf(name); number != 0) numbers.push_back(number);
    }
    std::ranges::sort(numbers, std::greater());
    if (numbers.empty()) return CreateFirst();
    for (const uint64_t number : numbers) {
      const Expected<bool> loaded = Load(number);
      if (!loaded) return std::unexpected(loaded.error());
      if (!*loaded) continue;
      if (Expected<void> synced = SyncFound(vfs(), *log_, options().sync, options().sync_directory);
          !synced) {
        return synced;
      }
      return RemoveOthers(numbers);
    }
    return Fail(ErrorCode::kCorrupt, "no log starts with a whole snapshot");
  }

 protected:
  Expected<void> Commit(const Transaction& transaction, const Pairs& after) override {
    LogPosition end = end_;
    const std::vector<std::byte> record = EncodeRecord(EncodeTransaction(transaction), end);
    const bool is_full = options().rotate && commits_ >= options().every;
    const bool fits = allocated_bytes_ == 0 || end.offset_bytes <= allocated_bytes_;
    if (is_full || !fits) return Rotate(after);
    if (Expected<void> written = WriteFully(*log_, end_.offset_bytes, record); !written)
      return written;
    const Expected<void> synced =
        SyncWritten(*log_, options().sync, end_.offset_bytes, record.size());
    if (!synced) return synced;
    end_ = end;
    ++commits_;
    return {};
  }

 private:
  bool preallocates() const { return options().protocol == Protocol::kPreallocated; }

  // Returns: the size that a log with this snapshot is given, 0 for none.
  uint64_t AllocationFor(uint64_t snapshot_bytes) const {
    if (!preallocates()) return 0;
    return (snapshot_bytes / kAllocationBytes + 1) * kAllocationBytes;
  }

  Expected<void> CreateFirst() {
    number_ = 1;
    end_ = LogPosition::Start(number_);
    const std::vector<std::byte> snapshot = EncodeRecord(EncodePairs({}), end_);
    allocated_bytes_ = AllocationFor(snapshot.size());
    const std::string name = LogName(number_);
    // By rename, so that a log that is there is never one that was still being made.
    if (Expected<void> created = ReplaceFile(vfs(), name, snapshot, options().sync,
                                             options().sync_directory, allocated_bytes_);
        !created) {
      return created;
    }
    return OpenLog(name);
  }

  Expected<void> OpenLog(const std::string& name) {
    Expected<std::unique_ptr<VfsFile>> log = vfs().Open(name, OpenFor(options().sync, {}));
    if (!log) return std::unexpected(log.error());
    log_ = *std::move(log);
    return {};
  }

  // Returns: false when log `number` has no whole snapshot.
  Expected<bool> Load(uint64_t number) {
    if (Expected<void> opened = OpenLog(LogName(number)); !opened) {
      return std::unexpected(opened.error());
    }
    LogReader reader(*log_, LogPosition::Start(number), options().checksums);
    const Expected<bool> has_snapshot = reader.Next();
    if (!has_snapshot) return std::unexpected(has_snapshot.error());
    if (!*has_snapshot) return false;
    Expected<Pairs> pairs = DecodePairs(reader.payload());
    if (!pairs) return false;
    commits_ = 0;
    while (true) {
      const Expected<bool> next = reader.Next();
      if (!next) return std::unexpected(next.error());
      if (!*next) break;
      ++commits_;
      if (const Expected<void> applied = ApplyEncoded(reader.payload(), *pairs); !applied) {
        ReportDamage(fmt::format("record {} of log.{} makes no sense: {}", commits_, number,
                                 applied.error().context));
        break;
      }
    }
    SetContents(*std::move(pairs));
    number_ = number;
    end_ = reader.position();
    allocated_bytes_ = 0;
    if (!preallocates()) return true;
    const Expected<uint64_t> size = log_->Size();
    if (!size) return std::unexpected(size.error());
    allocated_bytes_ = *size;
    return true;
  }

  // A crash may have come between the start of a log and the end of the one before it.
  Expected<void> RemoveOthers(const std::vector<uint64_t>& numbers) {
    for (const uint64_t number : numbers) {
      if (number == number_) continue;
      if (Expected<void> removed = vfs().Unlink(LogName(number)); !removed) return removed;
    }
    return {};
  }

  Expected<void> Rotate(const Pairs& after) {
    const uint64_t number = number_ + 1;
    LogPosition end = LogPosition::Start(number);
    const std::vector<std::byte> snapshot = EncodeRecord(EncodePairs(after), end);
    const uint64_t allocation = AllocationFor(snapshot.size());
    Expected<std::unique_ptr<VfsFile>> log =
        CreateFile(vfs(), LogName(number), snapshot, options().sync, allocation);
    if (!log) return std::unexpected(log.error());
    if (options().sync_directory) {
      if (Expected<void> synced = vfs().SyncDirectory(""); !synced) return synced;
    }
    if (Expected<void> removed = vfs().Unlink(LogName(number_)); !removed) return removed;
    log_ = *std::move(log);
    number_ = number;
    end_ = end;
    allocated_bytes_ = allocation;
    commits_ = 0;
    return {};
  }

  std::unique_ptr<VfsFile> log_;
  uint64_t number_ = 0;
  LogPosition end_;
  uint64_t allocated_bytes_ = 0;  // 0: the log grows
  uint32_t commits_ = 0;          // records after the snapshot
};

}  // namespace

std::unique_ptr<Engine> MakeAppend(Vfs& vfs, const FilesOptions& options) {
  return std::make_unique<AppendStore>(vfs, options);
}

}  // namespace plugpull::strategies
