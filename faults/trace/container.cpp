#include "faults/trace/container.h"

#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <set>
#include <utility>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull {
namespace {

constexpr size_t kMagicBytes = 8;
constexpr uint32_t kClosingFlag = 1;
constexpr size_t kMaxNameBytes = 255;

// The default of the zstd tool: traces are mostly pages that differ little, and recording waits.
constexpr int kCompressionLevel = 3;

struct SectionHeader {
  std::string name;
  uint32_t flags = 0;
  uint64_t uncompressed_bytes = 0;
  uint64_t compressed_bytes = 0;
  uint64_t checksum = 0;
};

uint64_t Checksum(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

void PutHeader(ByteWriter& writer, const SectionHeader& header) {
  const size_t start = writer.bytes().size();
  writer.PutU8(static_cast<uint8_t>(header.name.size()));
  writer.PutBytes(AsBytes(header.name));
  writer.PutU32(header.flags);
  writer.PutU64(header.uncompressed_bytes);
  writer.PutU64(header.compressed_bytes);
  writer.PutU64(header.checksum);
  writer.PutU64(Checksum(std::span(writer.bytes()).subspan(start)));
}

std::vector<std::byte> Compress(std::span<const std::byte> bytes) {
  std::vector<std::byte> compressed(ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compress(compressed.data(), compressed.size(), bytes.data(),
                                    bytes.size(), kCompressionLevel);
  Assert(!ZSTD_isError(size), "zstd compresses any bytes into a buffer of its own bound");
  compressed.resize(size);
  return compressed;
}

// Reads one container. The methods follow the order of the file.
class Decoder {
 public:
  Decoder(const ContainerFormat& format, std::span<const std::byte> bytes, uint64_t most_bytes)
      : format_(format), bytes_(bytes), reader_(bytes), most_bytes_(most_bytes) {}

  Expected<Container> Run() {
    Container container;
    auto version = TakeVersion();
    if (!version) return std::unexpected(version.error());
    container.version = *version;
    while (true) {
      const size_t start = reader_.position();
      auto header = TakeHeader();
      if (!header) return std::unexpected(header.error());
      if (header->name.empty()) {
        if (auto closed = CheckClosing(*header, start); !closed) {
          return std::unexpected(closed.error());
        }
        return container;
      }
      auto section = TakeSection(*header);
      if (!section) return std::unexpected(section.error());
      container.sections.push_back(std::move(*section));
    }
  }

 private:
  Expected<uint32_t> TakeVersion() {
    if (bytes_.empty()) return FailCut("it is empty");
    const auto magic = reader_.TakeBytes(std::min(bytes_.size(), kMagicBytes)).value();
    if (!format_.magic.starts_with(AsText(magic))) {
      return Fail(ErrorCode::kCorrupt, fmt::format("this is not a plugpull {}", format_.what));
    }
    const uint32_t version = reader_.TakeU32().value_or(0);
    const auto covered = bytes_.first(reader_.position());
    const uint64_t checksum = reader_.TakeU64().value_or(0);
    if (!reader_.Status()) return FailCut("in its header");
    if (checksum != Checksum(covered)) return FailMismatch("its header");
    if (version > format_.version) {
      return Fail(ErrorCode::kTooNew,
                  fmt::format("this {} was written by a newer plugpull (format {}, this one reads "
                              "up to {}); upgrade plugpull",
                              format_.what, version, format_.version));
    }
    return version;
  }

  Expected<SectionHeader> TakeHeader() {
    const size_t start = reader_.position();
    SectionHeader header;
    const uint8_t name_bytes = reader_.TakeU8().value_or(0);
    header.name = AsText(reader_.TakeBytes(name_bytes).value_or(std::span<const std::byte>()));
    header.flags = reader_.TakeU32().value_or(0);
    header.uncompressed_bytes = reader_.TakeU64().value_or(0);
    header.compressed_bytes = reader_.TakeU64().value_or(0);
    header.checksum = reader_.TakeU64().value_or(0);
    const auto covered = bytes_.subspan(start, reader_.position() - start);
    const uint64_t checksum = reader_.TakeU64().value_or(0);
    if (!reader_.Status()) {
      return FailCut(fmt::format("after {} sections", names_.size()));
    }
    if (checksum != Checksum(covered)) {
      return FailMismatch(fmt::format("the header at byte {}", start));
    }
    if (header.flags != (header.name.empty() ? kClosingFlag : 0)) {
      return FailDamaged(format_, fmt::format("the header at byte {} has unknown flags", start));
    }
    return header;
  }

  Expected<void> CheckClosing(const SectionHeader& header, size_t start) {
    if (header.uncompressed_bytes != names_.size() || header.compressed_bytes != 0) {
      return FailDamaged(format_, fmt::format("{} of {} sections are there", names_.size(),
                                              header.uncompressed_bytes));
    }
    if (header.checksum != Checksum(bytes_.first(start))) return FailMismatch("the whole");
    if (reader_.remaining() > 0) {
      return FailDamaged(format_, fmt::format("{} bytes follow its end", reader_.remaining()));
    }
    return {};
  }

  Expected<Section> TakeSection(const SectionHeader& header) {
    if (!names_.insert(header.name).second) {
      return FailDamaged(format_, fmt::format("section '{}' is there twice", header.name));
    }
    auto compressed = reader_.TakeBytes(header.compressed_bytes);
    if (!compressed) {
      return FailCut(fmt::format("section '{}' needs {} bytes, {} are there", header.name,
                                 header.compressed_bytes, reader_.remaining()));
    }
    if (header.checksum != Checksum(*compressed)) {
      return FailMismatch(fmt::format("section '{}'", header.name));
    }
    if (header.uncompressed_bytes > most_bytes_ - used_bytes_) {
      return FailDamaged(format_, fmt::format("section '{}' says that it holds {} bytes",
                                              header.name, header.uncompressed_bytes));
    }
    used_bytes_ += header.uncompressed_bytes;
    auto bytes = Decompress(*compressed, header.uncompressed_bytes);
    if (!bytes) {
      return FailDamaged(format_,
                         fmt::format("section '{}' {}", header.name, bytes.error().context));
    }
    return Section{header.name, std::move(*bytes)};
  }

  // Unpacks exactly one frame of exactly `announced_bytes`. The buffer follows the data that really
  // comes out: a small file that announces gigabytes costs what it holds, not what it says.
  static Expected<std::vector<std::byte>> Decompress(std::span<const std::byte> compressed,
                                                     uint64_t announced_bytes) {
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                       &ZSTD_freeDCtx);
    if (context == nullptr) throw std::bad_alloc();
    ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
    // One byte more than announced, so that a frame that holds more is noticed.
    const uint64_t limit_bytes = announced_bytes + 1;
    std::vector<std::byte> bytes(std::min<uint64_t>(limit_bytes, 64 << 10));
    size_t used_bytes = 0;
    while (true) {
      ZSTD_outBuffer output{bytes.data(), bytes.size(), used_bytes};
      const size_t left = ZSTD_decompressStream(context.get(), &output, &input);
      if (ZSTD_isError(left)) {
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("does not unpack ({})", ZSTD_getErrorName(left)));
      }
      const bool stuck = output.pos == used_bytes && input.pos == input.size;
      used_bytes = output.pos;
      if (left == 0 || used_bytes > announced_bytes) break;
      if (used_bytes == bytes.size()) {
        bytes.resize(std::min<uint64_t>(limit_bytes, bytes.size() * 2));
      } else if (stuck) {
        break;
      }
    }
    if (used_bytes != announced_bytes || input.pos != input.size) {
      return Fail(ErrorCode::kCorrupt, "does not unpack to the size that it announces");
    }
    bytes.resize(used_bytes);
    return bytes;
  }

  std::unexpected<Error> FailCut(std::string_view where) const {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("this {} is cut short ({}); {}", format_.what, where, format_.cure));
  }

  std::unexpected<Error> FailMismatch(std::string_view part) const {
    return FailDamaged(format_, fmt::format("{} does not match its checksum", part));
  }

  const ContainerFormat& format_;
  std::span<const std::byte> bytes_;
  ByteReader reader_;
  std::set<std::string> names_;
  uint64_t most_bytes_;
  uint64_t used_bytes_ = 0;
};

}  // namespace

Expected<std::span<const std::byte>> Container::Find(std::string_view name) const {
  for (const Section& section : sections) {
    if (section.name == name) return std::span(section.bytes);
  }
  return Fail(ErrorCode::kNotFound, fmt::format("section '{}' is missing", name));
}

std::vector<std::byte> EncodeContainer(const ContainerFormat& format,
                                       std::span<const Section> sections) {
  Assert(format.magic.size() == kMagicBytes, "a magic has eight characters");
  ByteWriter writer;
  writer.PutBytes(AsBytes(format.magic));
  writer.PutU32(format.version);
  writer.PutU64(Checksum(writer.bytes()));
  uint64_t total_bytes = 0;
  std::set<std::string_view> names;
  for (const Section& section : sections) {
    Assert(!section.name.empty() && section.name.size() <= kMaxNameBytes,
           "a section has a name of at most 255 characters");
    Assert(names.insert(section.name).second, "section names are distinct");
    total_bytes += section.bytes.size();
    const std::vector<std::byte> compressed = Compress(section.bytes);
    PutHeader(writer, {.name = section.name,
                       .uncompressed_bytes = section.bytes.size(),
                       .compressed_bytes = compressed.size(),
                       .checksum = Checksum(compressed)});
    writer.PutBytes(compressed);
  }
  Assert(total_bytes <= kMaxContainerBytes, "a container stays within its limit");
  PutHeader(writer, {.name = "",
                     .flags = kClosingFlag,
                     .uncompressed_bytes = sections.size(),
                     .checksum = Checksum(writer.bytes())});
  return writer.Take();
}

Expected<Container> DecodeContainer(const ContainerFormat& format, std::span<const std::byte> bytes,
                                    uint64_t most_bytes) {
  try {
    return Decoder(format, bytes, most_bytes).Run();
  } catch (const std::bad_alloc&) {
    return FailDamaged(format, "unpacking it takes more memory than there is");
  }
}

std::unexpected<Error> FailDamaged(const ContainerFormat& format, std::string_view reason) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("this {} is damaged ({}); {}", format.what, reason, format.cure));
}

}  // namespace plugpull
