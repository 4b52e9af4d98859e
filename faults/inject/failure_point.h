// Named failure points: the places where a call can be made to fail while a program runs. Whoever
// stands at one asks whether it fails this time; libfiu carries the question to the plan that is
// armed (failure_injector.h).
//
// Recoveries pass here millions of times with nothing armed: that costs one branch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace plugpull {

enum class FailurePoint : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kSyncRange,
  kAllocate,
  kSize,
  kLock,
  kUnlink,
  kRename,
  kLink,
  kMakeDirectory,
  kRemoveDirectory,
  kSyncDirectory,
  kExists,
  kList,
  kSqliteMemory,
  kCowTreeAllocate,
  kCowTreeWritePages,
  kCowTreeWriteMeta,
  kCowTreeSyncData,
  kCowTreeSyncMeta,
};
inline constexpr size_t kFailurePoints = static_cast<size_t>(FailurePoint::kCowTreeSyncMeta) + 1;

// What a file system leaves of a file when the write-back of a sync fails.
enum class Aftermath : uint8_t {
  kKeep,       // pages are clean with their new content; no later sync writes them (ext4, xfs)
  kKeepEvict,  // the same, and they leave the cache at once: reads show what is on disk
  kLate,       // this sync returns success; the next one of the file reports it (ext4 data=journal)
  kRevert,     // the file is again as it is on disk, size and all (btrfs)
};
inline constexpr size_t kAftermaths = static_cast<size_t>(Aftermath::kRevert) + 1;

struct FailurePointInfo {
  std::string_view name;
  std::vector<int> errnos;  // what the call can return
  bool is_short = false;    // the call can also do less than it was asked for
  bool has_aftermath = false;
  std::string_view description;
};

// How one call fails.
struct Failure {
  int os_errno = 0;         // 0: it is cut short
  uint64_t done_bytes = 0;  // then, what it does
  Aftermath aftermath = Aftermath::kKeep;
};

// What is asked for. Fields that a call does not have are empty or zero.
struct FailureQuestion {
  FailurePoint point = FailurePoint::kOpen;
  std::string_view path{};
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
};

const FailurePointInfo& InfoOf(FailurePoint point);
std::string_view Name(Aftermath aftermath);

// Returns: "EIO" for EIO; only of errnos that some point can return.
std::string_view ErrnoName(int os_errno);
std::optional<int> ParseErrno(std::string_view word);
const std::vector<std::string_view>& ErrnoNames();

class FailureInjector;

namespace internal {
extern constinit thread_local FailureInjector* armed_injector;
std::optional<Failure> AskLibfiu(const FailureQuestion& question);
}  // namespace internal

inline bool FailuresArmed() { return internal::armed_injector != nullptr; }

// Returns: how the call fails, if it does.
inline std::optional<Failure> AskWhetherToFail(const FailureQuestion& question) {
  if (!FailuresArmed()) [[likely]] {
    return std::nullopt;
  }
  return internal::AskLibfiu(question);
}

}  // namespace plugpull
