#include "faults/doors/image_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "faults/base/descriptor.h"
#include "faults/doors/remove_tree.h"
#include "faults/doors/shown_tree.h"

namespace plugpull {
namespace {

constexpr long kTmpfsMagic = 0x01021994;
constexpr uint64_t kLeastFreeBytes = uint64_t{256} << 20;

// Returns: where images are put unless somebody says otherwise.
std::string DefaultParent() {
  struct statfs status = {};
  const std::string memory = "/dev/shm";
  if (statfs(memory.c_str(), &status) == 0 && status.f_type == kTmpfsMagic &&
      static_cast<uint64_t>(status.f_bavail) * static_cast<uint64_t>(status.f_bsize) >=
          kLeastFreeBytes &&
      access(memory.c_str(), W_OK | X_OK) == 0) {
    return memory;
  }
  const char* temporary = getenv("TMPDIR");
  return temporary != nullptr && temporary[0] != '\0' ? temporary : "/tmp";
}

// Returns: whether making a mapping moves the access time of a file in `directory`.
bool MappingMovesTime(int directory) {
  const char* name = "probe";
  const Descriptor file(openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return false;
  struct stat status = {};
  bool moves = false;
  if (ftruncate(file.number(), 1) == 0 && futimens(file.number(), kShownTimes.data()) == 0) {
    void* mapping = mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (mapping != MAP_FAILED) {
      moves = fstat(file.number(), &status) == 0 && !SameTime(status.st_atim, kShownTimes[0]);
      munmap(mapping, 1);
    }
  }
  unlinkat(directory, name, 0);
  return moves;
}

}  // namespace

class ImageDirectory::State {
 public:
  State(std::string base, Descriptor descriptor)
      : base_(std::move(base)),
        path_(base_ + "/image"),
        descriptor_(std::move(descriptor)),
        mapping_moves_time_(MappingMovesTime(descriptor_.number())) {}

  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    // Whatever cannot be removed stays; nobody is there to be told.
    (void)RemoveTree(AT_FDCWD, base_);
  }

  const std::string& path() const { return path_; }

  Expected<void> Begin() {
    tree_.reset();
    for (const char* name : {"image", "spare"}) {
      if (auto done = RemoveTree(descriptor_.number(), name); !done) return done;
      if (mkdirat(descriptor_.number(), name, 0755) != 0) return Advise(FailErrno("cannot create"));
    }
    tree_ = std::make_unique<ShownTree>(descriptor_.number(), mapping_moves_time_);
    return {};
  }

  Expected<void> Show(const Image& image) {
    if (tree_ == nullptr) {
      if (auto done = Begin(); !done) return done;
    }
    Expected<bool> shown = tree_->Show(image);
    if (shown && !*shown) {
      // The directory itself was replaced: there is nothing to go on from.
      if (auto done = Begin(); !done) return done;
      shown = tree_->Show(image);
    }
    if (shown && *shown) return {};
    tree_.reset();
    if (shown) return Fail(ErrorCode::kBusy, fmt::format("'{}' does not stay where it is", path_));
    return Advise(std::unexpected(shown.error()));
  }

 private:
  Expected<void> Advise(std::unexpected<Error> failure) const {
    Error error = std::move(failure.error());
    error.context = fmt::format("{} in '{}'{}", error.context, path_,
                                error.code == ErrorCode::kNoSpace
                                    ? ", where images are shown (make room there, or set TMPDIR)"
                                    : ", where images are shown");
    return std::unexpected(std::move(error));
  }

  std::string base_;
  std::string path_;
  Descriptor descriptor_;
  bool mapping_moves_time_;
  std::unique_ptr<ShownTree> tree_;
};

ImageDirectory::ImageDirectory(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImageDirectory::~ImageDirectory() = default;
ImageDirectory::ImageDirectory(ImageDirectory&&) noexcept = default;
ImageDirectory& ImageDirectory::operator=(ImageDirectory&&) noexcept = default;

Expected<ImageDirectory> ImageDirectory::Create(const std::string& parent) {
  std::string base = (parent.empty() ? DefaultParent() : parent) + "/plugpull-image-XXXXXX";
  if (mkdtemp(base.data()) == nullptr) {
    return FailErrno(
        fmt::format("cannot create '{}' for images (set TMPDIR to a directory that "
                    "you may write to)",
                    base));
  }
  // A check may run as somebody else. Nobody needs to list it.
  Descriptor descriptor(open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open() || fchmod(descriptor.number(), 0711) != 0) {
    return FailErrno(fmt::format("cannot open '{}', just created", base));
  }
  auto state = std::make_unique<State>(std::move(base), std::move(descriptor));
  if (auto done = state->Begin(); !done) return std::unexpected(done.error());
  return ImageDirectory(std::move(state));
}

const std::string& ImageDirectory::path() const { return state_->path(); }

Expected<void> ImageDirectory::Show(const Image& image) { return state_->Show(image); }

}  // namespace plugpull
