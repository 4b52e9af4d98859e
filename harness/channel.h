// What the harness and its children share: a channel of small JSON messages, blocks of shared
// memory.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "faults/base/descriptor.h"
#include "faults/base/error.h"

namespace plugpull {

// Returns: an anonymous file in memory, close-on-exec.
Expected<Descriptor> MakeMemoryFile(const char* name);

Expected<void> WriteAll(int descriptor, std::span<const std::byte> bytes);

// Returns: the whole content of a memory file.
Expected<std::vector<std::byte>> ReadAll(int descriptor);

// Memory that several processes see. Unmapped at the end.
class SharedMemory {
 public:
  SharedMemory() = default;
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept { Swap(other); }
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    Swap(other);
    return *this;
  }

  // Maps `size_bytes` of a memory file, growing it when it is shorter.
  static Expected<SharedMemory> Map(int descriptor, size_t size_bytes);

  void* data() const { return data_; }

 private:
  void Swap(SharedMemory& other) {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
  }

  void* data_ = nullptr;
  size_t size_bytes_ = 0;
};

// One end of a channel. Messages arrive whole and in order.
class Channel {
 public:
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  // Returns: both ends of a new channel, close-on-exec.
  static Expected<std::pair<Descriptor, Descriptor>> MakePair();

  int descriptor() const { return socket_.number(); }

  // Errors: the other end is gone.
  Expected<void> Send(const nlohmann::json& message);

  // Waits for a message. Returns: nothing when the other end is gone.
  Expected<std::optional<nlohmann::json>> Receive();

 private:
  Descriptor socket_;
};

}  // namespace plugpull
