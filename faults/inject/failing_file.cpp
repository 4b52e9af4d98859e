#include "faults/inject/failing_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "faults/base/assert.h"
#include "faults/inject/failure_injector.h"

namespace plugpull {
namespace {

uint64_t FirstPage(uint64_t offset_bytes) { return offset_bytes / kPageBytes; }
uint64_t EndPage(uint64_t end_bytes) { return (end_bytes + kPageBytes - 1) / kPageBytes; }

// Copies the bytes [begin, end) of what is open as `from` into `to`.
void CopyBytes(VfsFile& from, uint64_t begin, uint64_t end, FileContent& to) {
  std::vector<std::byte> bytes(end - begin);
  const Expected<size_t> read = from.Read(begin, bytes);
  Assert(read.has_value(), "a disk in memory can be read");
  to.Store(begin, std::span(bytes).first(*read));
}

// Puts the bytes [begin, end) of `from` into what is open as `to`.
void PutBytes(const FileContent& from, uint64_t begin, uint64_t end, VfsFile& to) {
  if (begin >= end) return;
  std::vector<std::byte> bytes(end - begin);
  from.ReadStored(begin, bytes);
  const Expected<void> written = to.Write(begin, bytes);
  Assert(written.has_value(), "a disk in memory can be written");
}

}  // namespace

std::unexpected<Error> InjectedError(const FailureQuestion& question, const Failure& failure) {
  return FailErrno(
      fmt::format("{} '{}' was made to fail", InfoOf(question.point).name, question.path),
      failure.os_errno);
}

Expected<size_t> FailingFile::Read(uint64_t offset_bytes, std::span<std::byte> out) {
  const FailureQuestion question{FailurePoint::kRead, path_, offset_bytes, out.size()};
  if (const auto failure = AskWhetherToFail(question)) {
    if (failure->os_errno != 0) return InjectedError(question, *failure);
    return inner_->Read(offset_bytes, out.first(failure->done_bytes));
  }
  return inner_->Read(offset_bytes, out);
}

Expected<void> FailingFile::Write(uint64_t offset_bytes, std::span<const std::byte> data) {
  const FailureQuestion question{FailurePoint::kWrite, path_, offset_bytes, data.size()};
  if (const auto failure = AskWhetherToFail(question)) {
    if (failure->os_errno != 0) return InjectedError(question, *failure);
    if (Expected<void> put = Put(offset_bytes, data.first(failure->done_bytes)); !put) return put;
    Error cut{ErrorCode::kIo, fmt::format("the write to '{}' was cut short", path_)};
    cut.done_bytes = failure->done_bytes;
    return std::unexpected(std::move(cut));
  }
  return Put(offset_bytes, data);
}

Expected<void> FailingFile::Put(uint64_t offset_bytes, std::span<const std::byte> data) {
  if (data.empty()) return inner_->Write(offset_bytes, data);
  const uint64_t end_bytes = offset_bytes + data.size();
  Redirty(offset_bytes, end_bytes);
  if (Expected<void> written = inner_->Write(offset_bytes, data); !written) return written;
  MarkDirty(offset_bytes, end_bytes);
  if (is_synchronous_) WriteBack();
  return {};
}

uint64_t FailingFile::SizeNow() {
  const Expected<uint64_t> size = inner_->Size();
  Assert(size.has_value(), "a disk in memory knows the sizes of its files");
  return *size;
}

void FailingFile::Redirty(uint64_t begin_bytes, uint64_t end_bytes) {
  if (state_.dropped.empty()) return;
  const uint64_t size_bytes = SizeNow();
  const auto first = state_.dropped.lower_bound(FirstPage(begin_bytes));
  const auto last = state_.dropped.lower_bound(EndPage(end_bytes));
  for (auto page = first; page != last; ++page) {
    const uint64_t begin = *page * kPageBytes;
    const uint64_t end = std::min(begin + kPageBytes, size_bytes);
    if (begin >= end) continue;
    CallReport::Rewritten rewritten{begin, std::vector<std::byte>(end - begin)};
    const Expected<size_t> read = inner_->Read(begin, rewritten.bytes);
    Assert(read.has_value() && *read == end - begin, "a disk in memory can be read");
    report_.rewritten.push_back(std::move(rewritten));
    state_.dirty.insert(*page);
  }
  state_.dropped.erase(first, last);
}

void FailingFile::MarkDirty(uint64_t begin_bytes, uint64_t end_bytes) {
  for (uint64_t page = FirstPage(begin_bytes); page < EndPage(end_bytes); ++page) {
    state_.dirty.insert(page);
  }
}

// What a sync does that works.
void FailingFile::WriteBack() {
  const uint64_t size_bytes = SizeNow();
  for (const uint64_t page : state_.dirty) {
    const uint64_t begin = page * kPageBytes;
    const uint64_t end = std::min(begin + kPageBytes, size_bytes);
    if (begin < end) CopyBytes(*inner_, begin, end, state_.blocks);
  }
  state_.dirty.clear();
  state_.blocks.RaiseSize(size_bytes);
  state_.synced = state_.blocks;
}

// A truncate takes pages and their blocks away, and changes the page that it ends in.
void FailingFile::Forget(uint64_t size_bytes) {
  state_.dirty.erase(state_.dirty.lower_bound(EndPage(size_bytes)), state_.dirty.end());
  state_.dropped.erase(state_.dropped.lower_bound(EndPage(size_bytes)), state_.dropped.end());
  state_.blocks.Truncate(size_bytes);
}

Expected<void> FailingFile::Truncate(uint64_t size_bytes) {
  const FailureQuestion question{FailurePoint::kTruncate, path_, size_bytes, 0};
  if (const auto failure = AskWhetherToFail(question)) return InjectedError(question, *failure);
  const bool cuts_page = size_bytes % kPageBytes != 0 && size_bytes < SizeNow();
  if (cuts_page) Redirty(size_bytes - 1, size_bytes);
  if (Expected<void> done = inner_->Truncate(size_bytes); !done) return done;
  Forget(size_bytes);
  return {};
}

Expected<void> FailingFile::Sync(SyncKind kind) {
  const FailureQuestion question{FailurePoint::kSync, path_, 0, 0};
  const auto failure = AskWhetherToFail(question);
  if (state_.late_errno != 0) {  // one failure at a time: the older one first
    const Failure late{.os_errno = std::exchange(state_.late_errno, 0)};
    FailureInjector::NoteLateFailure();
    report_.sync_flags = kNothingDropped;
    return InjectedError(question, late);
  }
  if (failure) return FailSync(question, *failure);
  if (Expected<void> synced = inner_->Sync(kind); !synced) return synced;
  WriteBack();
  return {};
}

Expected<void> FailingFile::FailSync(const FailureQuestion& question, const Failure& failure) {
  if (failure.os_errno == EINTR) {
    report_.sync_flags = kNothingDropped;
    return InjectedError(question, failure);
  }
  switch (failure.aftermath) {
    case Aftermath::kKeep:
      GiveUpPages();
      break;
    case Aftermath::kKeepEvict:
      EvictPages();
      report_.sync_flags = kBytesLost;
      break;
    case Aftermath::kLate:
      GiveUpPages();
      state_.late_errno = failure.os_errno;
      report_.sync_flags = kDroppedLate;
      return {};
    case Aftermath::kRevert:
      TakeBack();
      report_.sync_flags = kTakenBack;
      break;
  }
  return InjectedError(question, failure);
}

void FailingFile::GiveUpPages() {
  state_.dropped.insert(state_.dirty.begin(), state_.dirty.end());
  state_.dirty.clear();
}

void FailingFile::EvictPages() {
  const uint64_t size_bytes = SizeNow();
  for (const uint64_t page : state_.dirty) {
    const uint64_t begin = page * kPageBytes;
    PutBytes(state_.blocks, begin, std::min(begin + kPageBytes, size_bytes), *inner_);
  }
  state_.dirty.clear();
}

void FailingFile::TakeBack() {
  const uint64_t before_bytes = SizeNow();
  const uint64_t size_bytes = state_.synced.size_bytes();
  const Expected<void> cut = inner_->Truncate(0);
  const Expected<void> grown = inner_->Truncate(size_bytes);
  Assert(cut.has_value() && grown.has_value(), "a disk in memory can be written");
  PutBytes(state_.synced, 0, size_bytes, *inner_);
  if (size_bytes != before_bytes) report_.size_bytes = size_bytes;
  state_.blocks = state_.synced;
  state_.dirty.clear();
  state_.dropped.clear();
}

Expected<void> FailingFile::SyncRange(uint64_t offset_bytes, uint64_t size_bytes) {
  const FailureQuestion question{FailurePoint::kSyncRange, path_, offset_bytes, size_bytes};
  if (const auto failure = AskWhetherToFail(question)) return InjectedError(question, *failure);
  return inner_->SyncRange(offset_bytes, size_bytes);
}

Expected<void> FailingFile::Allocate(uint64_t offset_bytes, uint64_t size_bytes) {
  const FailureQuestion question{FailurePoint::kAllocate, path_, offset_bytes, size_bytes};
  if (const auto failure = AskWhetherToFail(question)) return InjectedError(question, *failure);
  return inner_->Allocate(offset_bytes, size_bytes);
}

Expected<uint64_t> FailingFile::Size() {
  const FailureQuestion question{FailurePoint::kSize, path_, 0, 0};
  if (const auto failure = AskWhetherToFail(question)) return InjectedError(question, *failure);
  return inner_->Size();
}

Expected<bool> FailingFile::Lock(LockLevel level) {
  const FailureQuestion question{FailurePoint::kLock, path_, 0, 0};
  if (const auto failure = AskWhetherToFail(question)) return InjectedError(question, *failure);
  return inner_->Lock(level);
}

}  // namespace plugpull
