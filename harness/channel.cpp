#include "harness/channel.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

// No message of ours comes near; a longer one is a broken peer.
constexpr uint32_t kLongestMessageBytes = 1U << 30;

// Returns: false when the other end is gone.
Expected<bool> Fill(int descriptor, char* out, size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(descriptor, out, size);
    if (count == 0) return false;
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == ECONNRESET) return false;
      return FailErrno("cannot read from a child process");
    }
    out += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

}  // namespace

Expected<Descriptor> MakeMemoryFile(const char* name) {
  const int descriptor = ::memfd_create(name, MFD_CLOEXEC);
  if (descriptor < 0) return FailErrno("cannot create a file in memory");
  return Descriptor(descriptor);
}

Expected<void> WriteAll(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return FailErrno("cannot write to a file in memory");
    }
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Expected<std::vector<std::byte>> ReadAll(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return FailErrno("cannot size a file in memory");
  std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return FailErrno("cannot read a file in memory");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_bytes_);
}

Expected<SharedMemory> SharedMemory::Map(int descriptor, size_t size_bytes) {
  if (::ftruncate(descriptor, static_cast<off_t>(size_bytes)) != 0) {
    return FailErrno("cannot size shared memory");
  }
  void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) return FailErrno("cannot map shared memory");
  SharedMemory memory;
  memory.data_ = data;
  memory.size_bytes_ = size_bytes;
  return memory;
}

Expected<std::pair<Descriptor, Descriptor>> Channel::MakePair() {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return FailErrno("cannot create a channel to a child process");
  }
  return std::pair(Descriptor(sockets[0]), Descriptor(sockets[1]));
}

Expected<void> Channel::Send(const nlohmann::json& message) {
  // Messages of engines may hold bytes that are not UTF-8; they must not stop a report.
  const std::string text = message.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  const uint32_t size = static_cast<uint32_t>(text.size());
  std::string frame(sizeof size, '\0');
  std::memcpy(frame.data(), &size, sizeof size);
  frame += text;
  size_t done = 0;
  while (done < frame.size()) {
    const ssize_t count =
        ::send(socket_.number(), frame.data() + done, frame.size() - done, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      return FailErrno("cannot send to a child process");
    }
    done += static_cast<size_t>(count);
  }
  return {};
}

Expected<std::optional<nlohmann::json>> Channel::Receive() {
  uint32_t size = 0;
  Expected<bool> filled = Fill(socket_.number(), reinterpret_cast<char*>(&size), sizeof size);
  if (!filled) return std::unexpected(filled.error());
  if (!*filled) return std::nullopt;
  if (size > kLongestMessageBytes) return Fail(ErrorCode::kCorrupt, "a child sent nonsense");
  std::string text(size, '\0');
  filled = Fill(socket_.number(), text.data(), size);
  if (!filled) return std::unexpected(filled.error());
  if (!*filled) return std::nullopt;
  nlohmann::json message = nlohmann::json::parse(text, nullptr, false);
  if (message.is_discarded()) return Fail(ErrorCode::kCorrupt, "a child sent nonsense");
  return message;
}

}  // namespace plugpull
