#include <fmt/format.h>

#include "engine/serial_log/log_format.h"
#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

template <typename T>
void Put(std::vector<std::byte>& out, T value) {
  const size_t at = out.size();
  out.resize(at + sizeof(T));
  Store(&out[at], value);
}

// Takes fields from the front of bytes that strangers wrote. After the first failure all are 0.
class FieldTaker {
 public:
  explicit FieldTaker(Bytes& rest) : rest_(rest) {}

  template <typename T>
  T Take() {
    if (!TakeBytes(sizeof(T))) return T{};
    return Load<T>(taken_.data());
  }

  Bytes TakeSized(uint64_t size) { return TakeBytes(size) ? taken_ : Bytes(); }

  bool is_good() const { return is_good_; }

 private:
  bool TakeBytes(uint64_t size) {
    if (size > rest_.size()) is_good_ = false;
    if (!is_good_) return false;
    taken_ = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }

  Bytes& rest_;
  Bytes taken_{};
  bool is_good_ = true;
};

void PutBody(std::vector<std::byte>& out, Bytes body) {
  out.insert(out.end(), body.begin(), body.end());
}

void TakeUpdateRecords(FieldTaker& fields, LogRecord& record) {
  record.transaction = fields.Take<TransactionId>();
  fields.Take<uint32_t>();  // tablespace: there is one
  const auto section = fields.Take<int32_t>();
  record.has_earlier_version = section >= 0;
  record.section = section >= 0 ? section : -(section + 1);
  record.body = fields.TakeSized(fields.Take<uint32_t>());
}

bool TakeFields(FieldTaker& fields, LogRecord& record) {
  switch (record.type) {
    case LogRecordType::kUpdateRecords:
      TakeUpdateRecords(fields, record);
      return true;
    case LogRecordType::kCommit:
    case LogRecordType::kRollback:
    case LogRecordType::kPrepare:
      record.transaction = fields.Take<TransactionId>();
      return true;
    case LogRecordType::kDataPage:
      record.section = fields.Take<int32_t>();
      record.locator = fields.Take<PageNumber>();
      record.page = fields.Take<PageNumber>();
      return true;
    case LogRecordType::kRecordLocator:
      record.section = fields.Take<int32_t>();
      record.sequence = fields.Take<int32_t>();
      record.page = fields.Take<PageNumber>();
      return true;
    case LogRecordType::kSectionPage:
      record.parent = fields.Take<PageNumber>();
      record.page = fields.Take<PageNumber>();
      record.slot = fields.Take<int32_t>();
      return true;
    case LogRecordType::kOverflowPages:
      record.section = fields.Take<int32_t>();
      record.body = fields.TakeSized(uint64_t{fields.Take<uint32_t>()} * sizeof(PageNumber));
      return true;
    case LogRecordType::kFreePage:
      record.page = fields.Take<PageNumber>();
      return true;
    case LogRecordType::kCheckpoint:
    case LogRecordType::kRecovered:
      record.block = fields.Take<BlockNumber>();
      return true;
    case LogRecordType::kPageImage:
    case LogRecordType::kRecoveredPage:
      record.page = fields.Take<PageNumber>();
      record.body = fields.TakeSized(fields.Take<uint32_t>());
      return true;
  }
  return false;
}

}  // namespace

void PutLogRecord(std::vector<std::byte>& out, const LogRecord& record) {
  Put(out, static_cast<uint8_t>(record.type));
  const auto body_bytes = static_cast<uint32_t>(record.body.size());
  switch (record.type) {
    case LogRecordType::kUpdateRecords:
      Put(out, record.transaction);
      Put(out, kTablespaceId);
      Put(out, record.has_earlier_version ? record.section : -record.section - 1);
      Put(out, body_bytes);
      return PutBody(out, record.body);
    case LogRecordType::kCommit:
    case LogRecordType::kRollback:
    case LogRecordType::kPrepare:
      return Put(out, record.transaction);
    case LogRecordType::kDataPage:
      Put(out, record.section);
      Put(out, record.locator);
      return Put(out, record.page);
    case LogRecordType::kRecordLocator:
      Put(out, record.section);
      Put(out, record.sequence);
      return Put(out, record.page);
    case LogRecordType::kSectionPage:
      Put(out, record.parent);
      Put(out, record.page);
      return Put(out, record.slot);
    case LogRecordType::kOverflowPages:
      Put(out, record.section);
      Put(out, static_cast<uint32_t>(body_bytes / sizeof(PageNumber)));
      return PutBody(out, record.body);
    case LogRecordType::kFreePage:
      return Put(out, record.page);
    case LogRecordType::kCheckpoint:
    case LogRecordType::kRecovered:
      return Put(out, record.block);
    case LogRecordType::kPageImage:
    case LogRecordType::kRecoveredPage:
      Put(out, record.page);
      Put(out, body_bytes);
      return PutBody(out, record.body);
  }
}

void PutRecordChange(std::vector<std::byte>& body, const RecordChange& change) {
  Put(body, change.record);
  Put(body, static_cast<uint32_t>(change.bytes.size()));
  PutBody(body, change.bytes);
}

Expected<LogRecord> LogRecordReader::Take() {
  Assert(!is_at_end(), "there is a record");
  const auto type = std::to_integer<uint8_t>(rest_.front());
  rest_ = rest_.subspan(1);
  LogRecord record{.type = LogRecordType{type}};
  FieldTaker fields(rest_);
  if (!TakeFields(fields, record) || !fields.is_good()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("corrupted log: a record of type {}", type));
  }
  return record;
}

Expected<RecordChange> RecordChangeReader::Take() {
  Assert(!is_at_end(), "there is a change");
  FieldTaker fields(rest_);
  RecordChange change{.record = fields.Take<int32_t>()};
  change.bytes = fields.TakeSized(fields.Take<uint32_t>());
  if (!fields.is_good()) return Fail(ErrorCode::kCorrupt, "corrupted log: a record is cut off");
  return change;
}

}  // namespace plugpull::serial_log
