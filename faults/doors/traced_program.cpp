#include "faults/doors/traced_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "faults/doors/directory_image.h"
#include "faults/doors/launch.h"
#include "faults/doors/supervisor.h"

namespace plugpull {
namespace {

// Returns: whether descriptors of programs can be had at all: of ourselves, it is the system that
// forbids it. Containers do.
bool CanDuplicate() {
  const Descriptor self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  const Descriptor root(::open("/", O_PATH | O_CLOEXEC));
  const Descriptor copy(
      static_cast<int>(::syscall(SYS_pidfd_getfd, self.number(), root.number(), 0)));
  return copy.is_open();
}

}  // namespace

std::string ProgramExit::Describe() const {
  if (!signaled) return fmt::format("exited with status {}", code);
  return fmt::format("died of signal {} ({})", code, ::strsignal(code));
}

Expected<std::unique_ptr<TracedProgram>> TracedProgram::Start(const TracedSettings& settings) {
  TracedSettings complete = settings;
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(settings.directory.c_str(), nullptr),
                                                    std::free);
  if (real == nullptr) {
    return FailErrno(fmt::format("cannot record '{}'", settings.directory));
  }
  complete.directory = real.get();
  if (complete.work_directory.empty()) complete.work_directory = complete.directory;
  if (complete.backend == Backend::kAutomatic) {
    complete.backend = CanDuplicate() ? Backend::kNotification : Backend::kPtrace;
  }
  for (const FailureRule& rule : settings.failures.rules) {
    if (complete.backend == Backend::kPtrace && rule.os_errno == 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  "short writes need seccomp notification; leave them out, or the backend");
    }
    if (rule.aftermath == Aftermath::kKeepEvict || rule.aftermath == Aftermath::kRevert) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("aftermath={} needs the linked door; for programs there are keep and "
                              "late",
                              Name(rule.aftermath)));
    }
  }
  const Expected<LoadedDirectory> found = LoadDirectory(complete.directory);
  if (!found) return std::unexpected(found.error());
  Expected<Launched> launched = Launch(complete);
  if (!launched) return std::unexpected(launched.error());
  return std::make_unique<Supervisor>(complete, *found, std::move(*launched));
}

}  // namespace plugpull
