#include "harness/company.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "faults/vfs/call_stack.h"

namespace plugpull {
namespace {

// A short reader sees a transaction or a few go by: enough for pages that are released one
// transaction too early. A long one sees the allocator come back to the same pages many times.
uint32_t Lifetime(Random& random) {
  if (random.OneIn(1, 2)) return static_cast<uint32_t>(1 + random.Below(4));
  return static_cast<uint32_t>(8 + random.Below(25));
}

}  // namespace

Company::Company(Engine& engine, const CompanySettings& settings, const WorkloadOptions& workload,
                 std::span<const Transaction> transactions, uint32_t acknowledged)
    : engine_(engine),
      workload_(workload),
      transactions_(transactions),
      random_(Mix64(workload.seed) + acknowledged, "company"),
      seats_(settings.readers),
      rollbacks_(settings.rollbacks) {
  const uint32_t first = acknowledged + 1;
  for (size_t i = 0; i < seats_.size(); ++i) {
    // The first reader is there from the beginning; the others do not all come together.
    seats_[i].changes_before = first + (i == 0 ? 0 : static_cast<uint32_t>(random_.Below(4)));
  }
  const uint64_t places = transactions.size() - acknowledged + 1;
  for (uint32_t& before : rollbacks_) {
    before = first + static_cast<uint32_t>(random_.Below(places));
  }
  std::ranges::sort(rollbacks_);
  for (uint32_t i = 0; i < acknowledged && !seats_.empty(); ++i) ApplyTo(content_, transactions[i]);
}

Expected<void> Company::Before(uint32_t transaction) {
  for (Seat& seat : seats_) {
    if (seat.changes_before > transaction) continue;
    const bool was_taken = seat.reader.has_value();
    seat.reader.reset();
    // Not every seat is taken again at once: what is released while fewer look on is a case, too.
    if (was_taken && random_.OneIn(1, 2)) {
      seat.changes_before = transaction + 1;
      continue;
    }
    if (const Expected<void> taken = Take(seat, transaction); !taken) return taken;
  }
  while (rolled_back_ < rollbacks_.size() && rollbacks_[rolled_back_] <= transaction) {
    if (const Expected<void> done = RollBack(transaction); !done) return done;
  }
  return {};
}

Expected<void> Company::Take(Seat& seat, uint32_t transaction) {
  Expected<std::optional<Reader>> reader = Reader::Open(engine_);
  if (!reader) return std::unexpected(reader.error());
  if (!*reader) {
    lacks_ = "readers beside its writer";
    return Fail(ErrorCode::kUnsupported, "it has no " + lacks_);
  }
  seat.reader = std::move(*reader);
  seat.opened_after = transaction - 1;
  seat.changes_before = transaction + Lifetime(random_);
  if (const std::optional<std::string> wrong = seat.reader->DifferenceFrom(content_)) {
    Note(seat.opened_after,
         fmt::format("a reader that was opened after transaction {} does not show what that left: "
                     "{}",
                     seat.opened_after, *wrong));
  }
  return {};
}

Expected<void> Company::RollBack(uint32_t before) {
  const CallBorder border;
  const auto number = static_cast<uint32_t>(++rolled_back_);
  const Expected<bool> done = engine_.Rollback(RolledBack(workload_.seed, workload_.keys, number));
  if (!done) return std::unexpected(done.error());
  if (!*done) {
    lacks_ = "way to roll a transaction back";
    return Fail(ErrorCode::kUnsupported, "it has no " + lacks_);
  }
  LookAgain(before - 1, fmt::format("after a rollback behind transaction {}", before - 1));
  return {};
}

void Company::After(uint32_t transaction) {
  if (seats_.empty()) return;
  ApplyTo(content_, transactions_[transaction - 1]);
  LookAgain(transaction, fmt::format("after transaction {}", transaction));
}

void Company::LookAgain(uint32_t transaction, const std::string& when) {
  for (Seat& seat : seats_) {
    if (!seat.reader || change_) continue;
    const std::optional<std::string> wrong = seat.reader->Change();
    if (!wrong) continue;
    Note(transaction, fmt::format("a reader that was opened after transaction {} changed {}: {}",
                                  seat.opened_after, when, *wrong));
  }
}

void Company::Note(uint32_t transaction, std::string message) {
  if (!change_) change_ = {.transaction = transaction, .message = std::move(message)};
}

}  // namespace plugpull
