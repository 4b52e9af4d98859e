#include "faults/trace/trace_file.h"

#include <fmt/format.h>

#include <limits>
#include <new>
#include <utility>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

constexpr uint64_t kMaxU32 = std::numeric_limits<uint32_t>::max();

// Bits of the fields that follow an op's kind, in the order of Op.
enum Field : uint64_t {
  kResultErrno = 1 << 0,
  kInode = 1 << 1,
  kDirectory = 1 << 2,
  kName = 1 << 3,
  kOtherDirectory = 1 << 4,
  kOtherName = 1 << 5,
  kOffset = 1 << 6,
  kSize = 1 << 7,
  kPayloadOffset = 1 << 8,
  kTransaction = 1 << 9,
  kOtherInode = 1 << 10,
  kFlags = 1 << 11,
  kSite = 1 << 12,
};

// What a version of the format can say of an operation.
struct Vocabulary {
  OpKind last_kind;
  uint64_t fields;
};

Vocabulary VocabularyOf(uint32_t version) {
  if (version <= 1) return {OpKind::kAcknowledge, (kTransaction << 1) - 1};
  if (version == 2) return {OpKind::kUnmodelled, (kFlags << 1) - 1};
  return {kLastOpKind, (kSite << 1) - 1};
}

std::vector<std::byte> EncodeFacts(const Trace& trace) {
  ByteWriter writer;
  writer.PutVarint(trace.facts.size());
  for (const auto& [key, value] : trace.facts) {
    writer.PutString(key);
    writer.PutString(value);
  }
  return writer.Take();
}

std::vector<std::byte> EncodeTransactions(const Trace& trace) {
  ByteWriter writer;
  writer.PutVarint(trace.transactions.size());
  for (const Transaction& transaction : trace.transactions) {
    writer.PutVarint(transaction.changes.size());
    for (const Change& change : transaction.changes) {
      writer.PutString(change.key);
      writer.PutU8(change.value ? 1 : 0);
      if (change.value) writer.PutString(*change.value);
    }
  }
  return writer.Take();
}

void PutOp(ByteWriter& writer, const Op& op) {
  uint64_t fields = 0;
  ByteWriter values;
  const auto put_number = [&](Field field, uint64_t value) {
    if (value == 0) return;
    fields |= field;
    values.PutVarint(value);
  };
  const auto put_name = [&](Field field, const std::string& name) {
    if (name.empty()) return;
    fields |= field;
    values.PutString(name);
  };
  put_number(kResultErrno, static_cast<uint32_t>(op.result_errno));
  put_number(kInode, op.inode);
  put_number(kDirectory, op.directory);
  put_name(kName, op.name);
  put_number(kOtherDirectory, op.other_directory);
  put_name(kOtherName, op.other_name);
  put_number(kOffset, op.offset_bytes);
  put_number(kSize, op.size_bytes);
  put_number(kPayloadOffset, op.payload_offset);
  put_number(kTransaction, op.transaction);
  put_number(kOtherInode, op.other_inode);
  put_number(kFlags, op.flags);
  put_number(kSite, op.site);
  writer.PutU8(static_cast<uint8_t>(op.kind));
  writer.PutVarint(fields);
  writer.PutBytes(values.bytes());
}

std::vector<std::byte> EncodeOps(const Trace& trace) {
  ByteWriter writer;
  writer.PutVarint(trace.ops.size());
  for (const Op& op : trace.ops) PutOp(writer, op);
  return writer.Take();
}

std::vector<std::byte> EncodeSites(const Trace& trace) {
  ByteWriter writer;
  writer.PutVarint(trace.sites.size());
  for (const CallSite& site : trace.sites) {
    writer.PutVarint(site.frames.size());
    for (const std::string& frame : site.frames) writer.PutString(frame);
  }
  return writer.Take();
}

std::vector<Section> EncodeSections(const Trace& trace) {
  return {{"facts", EncodeFacts(trace)},
          {"transactions", EncodeTransactions(trace)},
          {"ops", EncodeOps(trace)},
          {"payload", trace.payload},
          {"sites", EncodeSites(trace)}};
}

Expected<void> DecodeFacts(std::span<const std::byte> bytes, uint32_t /*version*/, Trace& trace) {
  ByteReader reader(bytes);
  const size_t count = reader.TakeCount(2).value_or(0);
  for (size_t i = 0; i < count && reader.Status(); ++i) {
    std::string key = reader.TakeString().value_or("");
    std::string value = reader.TakeString().value_or("");
    if (!trace.facts.empty() && key <= trace.facts.rbegin()->first) {
      return Fail(ErrorCode::kCorrupt, "its facts are out of order");
    }
    trace.facts.emplace_hint(trace.facts.end(), std::move(key), std::move(value));
  }
  return reader.ExpectEnd();
}

Expected<Change> TakeChange(ByteReader& reader) {
  Change change;
  change.key = reader.TakeString().value_or("");
  const uint8_t has_value = reader.TakeU8().value_or(0);
  if (has_value > 1) return Fail(ErrorCode::kCorrupt, "a change is neither a value nor a deletion");
  if (has_value == 1) change.value = reader.TakeString().value_or("");
  if (auto status = reader.Status(); !status) return std::unexpected(status.error());
  return change;
}

Expected<void> DecodeTransactions(std::span<const std::byte> bytes, uint32_t /*version*/,
                                  Trace& trace) {
  ByteReader reader(bytes);
  const size_t count = reader.TakeCount(1).value_or(0);
  size_t total_changes = 0;
  if (count > kMaxChanges) return Fail(ErrorCode::kCorrupt, "its transactions are too many");
  for (size_t i = 0; i < count && reader.Status(); ++i) {
    const size_t changes = reader.TakeCount(2).value_or(0);
    total_changes += changes;
    if (total_changes > kMaxChanges) return Fail(ErrorCode::kCorrupt, "its changes are too many");
    Transaction& transaction = trace.transactions.emplace_back();
    for (size_t k = 0; k < changes; ++k) {
      auto change = TakeChange(reader);
      if (!change) return std::unexpected(change.error());
      transaction.changes.push_back(std::move(*change));
    }
  }
  return reader.ExpectEnd();
}

Expected<Op> TakeOp(ByteReader& reader, const Vocabulary& vocabulary) {
  Op op;
  const uint8_t kind = reader.TakeU8().value_or(0);
  if (kind > static_cast<uint8_t>(vocabulary.last_kind)) {
    return Fail(ErrorCode::kCorrupt, fmt::format("operations of kind {} are unknown", kind));
  }
  op.kind = static_cast<OpKind>(kind);
  const uint64_t fields = reader.TakeVarint(vocabulary.fields).value_or(0);
  const auto take_number = [&](Field field, uint64_t limit) -> uint64_t {
    return (fields & field) != 0 ? reader.TakeVarint(limit).value_or(0) : 0;
  };
  const auto take_u32 = [&](Field field) {
    return static_cast<uint32_t>(take_number(field, kMaxU32));
  };
  const auto take_u64 = [&](Field field) {
    return take_number(field, std::numeric_limits<uint64_t>::max());
  };
  const auto take_name = [&](Field field) -> std::string {
    return (fields & field) != 0 ? reader.TakeString().value_or("") : "";
  };
  op.result_errno = static_cast<int32_t>(take_u32(kResultErrno));
  op.inode = take_u32(kInode);
  op.directory = take_u32(kDirectory);
  op.name = take_name(kName);
  op.other_directory = take_u32(kOtherDirectory);
  op.other_name = take_name(kOtherName);
  op.offset_bytes = take_u64(kOffset);
  op.size_bytes = take_u64(kSize);
  op.payload_offset = take_u64(kPayloadOffset);
  op.transaction = take_u32(kTransaction);
  op.other_inode = take_u32(kOtherInode);
  op.flags = take_u32(kFlags);
  op.site = take_u32(kSite);
  if (auto status = reader.Status(); !status) return std::unexpected(status.error());
  return op;
}

Expected<void> DecodeOps(std::span<const std::byte> bytes, uint32_t version, Trace& trace) {
  ByteReader reader(bytes);
  const size_t count = reader.TakeCount(2).value_or(0);
  if (count > kMaxOps) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} operations are too many", count));
  }
  const Vocabulary vocabulary = VocabularyOf(version);
  trace.ops.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto op = TakeOp(reader, vocabulary);
    if (!op) return std::unexpected(op.error());
    trace.ops.push_back(std::move(*op));
  }
  return reader.ExpectEnd();
}

Expected<void> DecodePayload(std::span<const std::byte> bytes, uint32_t /*version*/, Trace& trace) {
  trace.payload.assign(bytes.begin(), bytes.end());
  return {};
}

Expected<void> DecodeSites(std::span<const std::byte> bytes, uint32_t /*version*/, Trace& trace) {
  ByteReader reader(bytes);
  const size_t count = reader.TakeCount(2).value_or(0);
  for (size_t i = 0; i < count && reader.Status(); ++i) {
    CallSite& site = trace.sites.emplace_back();
    const size_t frames = reader.TakeCount(2).value_or(0);
    for (size_t k = 0; k < frames && reader.Status(); ++k) {
      site.frames.push_back(reader.TakeString().value_or(""));
    }
  }
  return reader.ExpectEnd();
}

struct Part {
  std::string_view section;
  Expected<void> (*decode)(std::span<const std::byte> bytes, uint32_t version, Trace& trace);
  uint32_t first_version = 1;
};
constexpr Part kParts[] = {{"facts", &DecodeFacts},
                           {"transactions", &DecodeTransactions},
                           {"ops", &DecodeOps},
                           {"payload", &DecodePayload},
                           {"sites", &DecodeSites, 3}};

Expected<Trace> DecodeSections(const Container& container) {
  Trace trace;
  size_t sections = 0;
  for (const Part& part : kParts) {
    if (container.version < part.first_version) continue;
    ++sections;
    auto bytes = container.Find(part.section);
    if (!bytes) return FailDamaged(kTraceFormat, bytes.error().context);
    if (auto decoded = part.decode(*bytes, container.version, trace); !decoded) {
      return FailDamaged(kTraceFormat,
                         fmt::format("section '{}' {}", part.section, decoded.error().context));
    }
  }
  if (container.sections.size() != sections) {
    return FailDamaged(kTraceFormat, "it has sections that are unknown");
  }
  if (auto valid = ValidateTrace(trace); !valid) {
    return FailDamaged(kTraceFormat, valid.error().context);
  }
  return trace;
}

}  // namespace

std::vector<std::byte> EncodeTrace(const Trace& trace) {
  return EncodeContainer(kTraceFormat, EncodeSections(trace));
}

Expected<Trace> DecodeTrace(std::span<const std::byte> bytes, uint64_t most_bytes) {
  try {
    auto container = DecodeContainer(kTraceFormat, bytes, most_bytes);
    if (!container) return std::unexpected(container.error());
    return DecodeSections(*container);
  } catch (const std::bad_alloc&) {
    return FailDamaged(kTraceFormat, "reading it takes more memory than there is");
  }
}

Expected<void> SaveTrace(const std::string& path, const Trace& trace) {
  const auto refuse = [&](std::string_view reason) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("this trace would not read back and was not written to '{}' ({})", path,
                            reason));
  };
  if (auto valid = ValidateTrace(trace); !valid) return refuse(valid.error().context);
  const std::vector<Section> sections = EncodeSections(trace);
  uint64_t total_bytes = 0;
  for (const Section& section : sections) total_bytes += section.bytes.size();
  if (total_bytes > kMaxContainerBytes) {
    return refuse(fmt::format("it holds {} bytes, {} is the limit; record fewer transactions",
                              total_bytes, kMaxContainerBytes));
  }
  return WriteFileAtomically(path, EncodeContainer(kTraceFormat, sections));
}

Expected<Trace> LoadTrace(const std::string& path) {
  auto bytes = ReadWholeFile(path);
  if (!bytes) return std::unexpected(bytes.error());
  auto trace = DecodeTrace(*bytes);
  if (!trace) {
    return Fail(trace.error().code, fmt::format("{}: {}", path, trace.error().context));
  }
  return trace;
}

}  // namespace plugpull
