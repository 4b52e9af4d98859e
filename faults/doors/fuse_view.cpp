#include "faults/doors/fuse_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "faults/base/descriptor.h"
#include "faults/doors/fuse_files.h"

namespace plugpull {
namespace {

constexpr uint32_t kMostBytes = 1U << 20;  // of one read or write
constexpr size_t kBufferBytes = kMostBytes + (1U << 16);
constexpr uint32_t kMinorVersion = 38;

// FUSE_DIRECT_IO_ALLOW_MMAP of Linux 6.6, in the upper half of the flags: a shared mapping of a
// file whose reads are all seen.
constexpr uint32_t kDirectIoAllowMmap = 1U << (36 - 32);

std::unexpected<Error> Unavailable(std::string_view what, int os_errno) {
  return Fail(ErrorCode::kUnsupported,
              fmt::format("{}; what programs read is seen through a FUSE mount, which takes "
                          "/dev/fuse and root: go on without --read-set",
                          what),
              os_errno);
}

// Lets the kernel go through directories of a path that is only ours: see FuseView.
Expected<void> EnterNamespace() {
  if (::unshare(CLONE_NEWNS) != 0) return Unavailable("no mount namespace of our own", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return Unavailable("cannot keep mounts to ourselves", errno);
  }
  return {};
}

class MountedView final : public FuseView {
 public:
  ~MountedView() override {
    {
      const std::scoped_lock lock(mutex_);
      is_over_ = true;
    }
    wake_.notify_all();
    const uint64_t one = 1;
    static_cast<void>(::write(stop_.number(), &one, sizeof one));
    if (thread_.joinable()) thread_.join();
    device_.Close();  // whoever still waits gets ENOTCONN
    if (is_mounted_) ::umount2(mount_point_.c_str(), MNT_DETACH);
    if (!mount_point_.empty()) ::rmdir(mount_point_.c_str());
  }

  Expected<void> Start() {
    device_ = Descriptor(::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!device_.is_open()) return Unavailable("cannot open /dev/fuse", errno);
    stop_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
    if (!stop_.is_open()) return FailErrno("eventfd");
    if (Expected<void> entered = EnterNamespace(); !entered) return entered;
    const char* parent = std::getenv("TMPDIR");
    std::string place = fmt::format("{}/plugpull-view-XXXXXX", parent != nullptr ? parent : "/tmp");
    if (::mkdtemp(place.data()) == nullptr) return FailErrno(fmt::format("cannot make {}", place));
    mount_point_ = place;
    path_ = fmt::format("{}/{}", mount_point_, FuseFiles::kTree);
    const std::string options =
        fmt::format("fd={},rootmode=40755,user_id={},group_id={},allow_other", device_.number(),
                    ::getuid(), ::getgid());
    if (::mount("plugpull", mount_point_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) !=
        0) {
      return Unavailable("cannot mount", errno);
    }
    is_mounted_ = true;
    std::vector<std::byte> buffer(kBufferBytes);
    size_t length = 0;
    while (length == 0) {
      if (!Await()) return Unavailable("the kernel says nothing", 0);
      length = Receive(buffer);
    }
    if (Expected<void> agreed = Agree(buffer); !agreed) return agreed;
    thread_ = std::thread([this] { Run(); });
    return {};
  }

  const std::string& path() const override { return path_; }

  void Begin(CrashView& view) override {
    const std::scoped_lock lock(mutex_);
    files_.Begin(view);
    is_serving_ = true;
    wake_.notify_all();
  }
  void Serve() override {
    const std::scoped_lock lock(mutex_);
    is_serving_ = true;
    wake_.notify_all();
  }
  void Hold() override {
    const std::scoped_lock lock(mutex_);
    is_serving_ = false;
  }
  void End() override {
    const std::scoped_lock lock(mutex_);
    is_serving_ = false;
    files_.End();
  }
  std::string TakeRefused() override {
    const std::scoped_lock lock(mutex_);
    std::string refused = files_.refused();
    files_.ForgetRefused();
    return refused;
  }

 private:
  // Returns: false when it is over.
  bool Await() {
    std::array<pollfd, 2> sources = {{{device_.number(), POLLIN, 0}, {stop_.number(), POLLIN, 0}}};
    while (::poll(sources.data(), sources.size(), -1) < 0) {
      if (errno != EINTR) return false;
    }
    return sources[1].revents == 0 && (sources[0].revents & POLLERR) == 0;
  }

  // Returns: the length of a request, 0 for none.
  size_t Receive(std::vector<std::byte>& buffer) {
    const ssize_t length = ::read(device_.number(), buffer.data(), buffer.size());
    return length < static_cast<ssize_t>(sizeof(fuse_in_header)) ? 0 : static_cast<size_t>(length);
  }

  void Send(uint64_t unique, const FuseFiles::Answer& answer) {
    if (answer.is_none) return;
    fuse_out_header header{};
    header.unique = unique;
    header.error = -answer.error_number;
    const bool has_bytes = answer.error_number == 0 && !answer.bytes.empty();
    header.len = static_cast<uint32_t>(sizeof header + (has_bytes ? answer.bytes.size() : 0));
    std::array<iovec, 2> parts = {
        {{&header, sizeof header},
         {const_cast<std::byte*>(answer.bytes.data()), answer.bytes.size()}}};
    // Who asked may have been killed: then there is nobody to answer.
    static_cast<void>(::writev(device_.number(), parts.data(), has_bytes ? 2 : 1));
  }

  // The first request: which protocol.
  Expected<void> Agree(const std::vector<std::byte>& buffer) {
    fuse_in_header header{};
    fuse_init_in in{};
    std::memcpy(&header, buffer.data(), sizeof header);
    std::memcpy(&in, buffer.data() + sizeof header, sizeof in);
    if (header.opcode != FUSE_INIT || (in.flags & FUSE_INIT_EXT) == 0 ||
        (in.flags2 & kDirectIoAllowMmap) == 0) {
      return Unavailable("this kernel cannot map files whose reads are seen (6.6 can)", 0);
    }
    fuse_init_out out{};
    out.major = FUSE_KERNEL_VERSION;
    out.minor = kMinorVersion;
    out.max_readahead = 0;  // what nobody reads is not to be asked for
    out.flags = FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_MAX_PAGES | FUSE_INIT_EXT;
    out.flags2 = kDirectIoAllowMmap;
    out.max_write = kMostBytes;
    out.max_pages = kMostBytes / 4096;
    out.time_gran = 1;
    Send(header.unique, {.bytes = std::as_bytes(std::span(&out, 1))});
    return {};
  }

  void Run() {
    std::vector<std::byte> buffer(kBufferBytes);
    fuse_in_header header{};
    while (Await()) {
      const size_t length = Receive(buffer);
      if (length == 0) continue;
      std::memcpy(&header, buffer.data(), sizeof header);
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_serving_ || is_over_; });
      if (is_over_) return;
      const auto body = std::span<const std::byte>(buffer).first(length).subspan(sizeof header);
      Send(header.unique, files_.Serve(header, body));
    }
  }

  Descriptor device_;
  Descriptor stop_;
  std::string mount_point_;
  std::string path_;
  bool is_mounted_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_serving_ = false;
  bool is_over_ = false;
  FuseFiles files_;
  std::thread thread_;
};

}  // namespace

Expected<std::unique_ptr<FuseView>> FuseView::Mount() {
  auto view = std::make_unique<MountedView>();
  if (const Expected<void> started = view->Start(); !started) {
    return std::unexpected(started.error());
  }
  return view;
}

}  // namespace plugpull
