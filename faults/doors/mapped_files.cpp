#include "faults/doors/mapped_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "faults/base/descriptor.h"
#include "faults/vfs/file_content.h"

namespace plugpull {
namespace {

using Page = std::array<std::byte, kPageBytes>;

constexpr Page kZeros{};
constexpr size_t kLeastMappedBytes = size_t{1} << 20;

std::unexpected<Error> FailLook(const char* what) {
  return FailErrno(
      fmt::format("cannot {} a file that the program has mapped, so its stores cannot be seen "
                  "(check its permissions and the limit on open files)",
                  what));
}

// A mapping of ours, of all that a file may hold.
class ReadMapping {
 public:
  ReadMapping() = default;
  ~ReadMapping() { Unmap(); }
  ReadMapping(ReadMapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ReadMapping& operator=(ReadMapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  const std::byte* data() const { return data_; }

  // Returns: false, with errno, when there is no room for `size_bytes`. A mapping may be larger
  // than its file, as long as nobody looks there; so that of a growing file is rarely made anew.
  bool Cover(int file, uint64_t size_bytes) {
    if (size_bytes <= size_) return true;
    const size_t wanted = std::max<uint64_t>(size_bytes + size_bytes / 2, kLeastMappedBytes);
    void* data = mmap(nullptr, wanted, PROT_READ, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (data == MAP_FAILED) return false;
    Unmap();
    data_ = static_cast<const std::byte*>(data);
    size_ = wanted;
    return true;
  }

 private:
  void Unmap() {
    if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
    data_ = nullptr;
  }

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// A file and its shadow.
struct Mapped {
  Descriptor descriptor;  // of an open file description of our own, for reading
  ReadMapping mapping;
  FileContent shadow;
  uint64_t data_bytes = 0;  // that are no holes

  // Calls visit(offset, bytes) for each page that differs from the shadow, with a copy of it that
  // the shadow then holds. Returns: false, with errno, when the file cannot be read.
  template <typename Visit>
  bool VisitChanges(uint64_t size_bytes, Visit visit) {
    data_bytes = 0;
    if (!mapping.Cover(descriptor.number(), size_bytes)) return false;
    // Reading a hole through a mapping would fill it, where files live in memory.
    uint64_t begin = 0;
    while (begin < size_bytes) {
      const off_t data = lseek(descriptor.number(), static_cast<off_t>(begin), SEEK_DATA);
      if (data < 0) return errno == ENXIO;
      const off_t hole = lseek(descriptor.number(), data, SEEK_HOLE);
      if (hole < 0) return false;
      const uint64_t end = std::min(static_cast<uint64_t>(hole), size_bytes);
      begin = static_cast<uint64_t>(data) / kPageBytes * kPageBytes;
      for (; begin < end; begin += kPageBytes) {
        VisitPage(begin, std::min<uint64_t>(kPageBytes, size_bytes - begin), visit);
      }
    }
    return true;
  }

 private:
  template <typename Visit>
  void VisitPage(uint64_t offset_bytes, size_t length, Visit& visit) {
    data_bytes += length;
    const std::span<const std::byte> known = shadow.StoredPage(offset_bytes / kPageBytes);
    const std::byte* known_bytes = known.empty() ? kZeros.data() : known.data();
    if (std::memcmp(mapping.data() + offset_bytes, known_bytes, length) == 0) return;
    // The program may go on storing: what is written down is what the shadow gets.
    Page page;
    std::memcpy(page.data(), mapping.data() + offset_bytes, length);
    const std::span<const std::byte> bytes = std::span(page).first(length);
    shadow.Store(offset_bytes, bytes);
    visit(offset_bytes, bytes);
  }
};

// Returns: true when nobody can store to a file any more: it has no name by which it could be
// opened again, and a lease for reading says that nobody has it open for writing, which whoever has
// mapped it to write still has.
bool IsOver(const Mapped& file, const struct stat& status) {
  if (status.st_nlink != 0) return false;
  if (fcntl(file.descriptor.number(), F_SETLEASE, F_RDLCK) != 0) return false;
  fcntl(file.descriptor.number(), F_SETLEASE, F_UNLCK);
  return true;
}

}  // namespace

struct MappedFiles::State {
  explicit State(Recorder& the_recorder) : recorder(the_recorder) {}

  Mapped* Find(InodeId inode) {
    const auto file = files.find(inode);
    return file == files.end() ? nullptr : &file->second;
  }

  Recorder& recorder;
  std::map<InodeId, Mapped> files;
  uint64_t data_bytes = 0;  // of all files, at the last look
};

MappedFiles::MappedFiles(Recorder& recorder) : state_(std::make_unique<State>(recorder)) {}
MappedFiles::~MappedFiles() = default;

Expected<void> MappedFiles::Add(InodeId inode, int descriptor) {
  if (state_->files.contains(inode)) return {};
  Mapped file;
  const std::string again = fmt::format("/proc/self/fd/{}", descriptor);
  file.descriptor = Descriptor(open(again.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!file.descriptor.is_open() || fstat(file.descriptor.number(), &status) != 0) {
    return FailLook("open");
  }
  const auto ignore = [](uint64_t, std::span<const std::byte>) {};
  if (!file.VisitChanges(static_cast<uint64_t>(status.st_size), ignore)) return FailLook("map");
  state_->data_bytes += file.data_bytes;
  state_->files.emplace(inode, std::move(file));
  any_ = true;
  return {};
}

Expected<void> MappedFiles::Look(Moment moment) {
  if (!any_ || (moment == Moment::kCall && state_->data_bytes > kOftenBytes)) return {};
  state_->data_bytes = 0;
  for (auto entry = state_->files.begin(); entry != state_->files.end();) {
    Mapped& file = entry->second;
    struct stat status = {};
    if (fstat(file.descriptor.number(), &status) != 0) return FailLook("look at");
    // Asked first: whoever ends his mapping after that has made his stores before.
    const bool is_over = IsOver(file, status);
    const auto record = [&](uint64_t offset_bytes, std::span<const std::byte> bytes) {
      state_->recorder.Append({.kind = OpKind::kWrite,
                               .inode = entry->first,
                               .offset_bytes = offset_bytes,
                               .flags = kMapped},
                              bytes);
    };
    if (!file.VisitChanges(static_cast<uint64_t>(status.st_size), record)) return FailLook("read");
    state_->data_bytes += is_over ? 0 : file.data_bytes;
    entry = is_over ? state_->files.erase(entry) : std::next(entry);
  }
  return {};
}

void MappedFiles::Wrote(InodeId inode, uint64_t offset_bytes, std::span<const std::byte> bytes) {
  if (Mapped* file = state_->Find(inode)) file->shadow.Store(offset_bytes, bytes);
}

void MappedFiles::Resized(InodeId inode, uint64_t size_bytes) {
  if (Mapped* file = state_->Find(inode)) file->shadow.Truncate(size_bytes);
}

void MappedFiles::Zeroed(InodeId inode, uint64_t offset_bytes, uint64_t size_bytes) {
  Mapped* file = state_->Find(inode);
  if (file == nullptr) return;
  // What is not stored is zeros already: only pages that are there need any.
  const uint64_t end = offset_bytes + size_bytes;
  auto page = file->shadow.NextStoredPage(offset_bytes / kPageBytes);
  for (; page && *page * kPageBytes < end; page = file->shadow.NextStoredPage(*page + 1)) {
    const uint64_t from = std::max(offset_bytes, *page * kPageBytes);
    const uint64_t to = std::min(end, (*page + 1) * kPageBytes);
    file->shadow.Store(from, std::span(kZeros).first(to - from));
  }
}

}  // namespace plugpull
