#include "harness/kept_files.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/target.h"
#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/base/descriptor.h"
#include "faults/doors/image_directory.h"
#include "faults/trace/snapshot_mark.h"
#include "faults/vfs/memory_vfs.h"
#include "harness/image_judge.h"
#include "harness/kept_image.h"
#include "harness/reference_model.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNote = "plugpull-files.txt";

std::unexpected<Error> FailAt(const fs::path& path, std::string_view what,
                              const std::error_code& error) {
  return Fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}", what, path.string(), error.message()),
              error.value());
}

// Makes room for the files in a directory that is empty, new, or ours.
Expected<void> Prepare(const fs::path& directory, const Case& saved) {
  std::error_code error;
  const bool is_there = fs::exists(directory, error);
  if (is_there && !fs::is_directory(directory, error)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no directory; name another one", directory.string()));
  }
  const bool is_ours = fs::exists(directory / kNote, error);
  if (is_there && !is_ours && !fs::is_empty(directory, error)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} holds files that are none of plugpull's; name an empty directory "
                            "or a new one",
                            directory.string()));
  }
  fs::create_directories(directory, error);
  if (error) return FailAt(directory, "create", error);
  const std::string note = fmt::format(
      "before/ holds what a crash left, after/ what recovery left then.\n{}\n{}\n", saved.id,
      saved.settings.target.empty() ? saved.settings.check : saved.settings.target);
  if (auto written = WriteFileAtomically((directory / kNote).string(), AsBytes(note)); !written) {
    return written;
  }
  for (const char* name : {"before", "after"}) {
    fs::remove_all(directory / name, error);
    if (error) return FailAt(directory / name, "remove", error);
  }
  return {};
}

// Writes an image as a new directory.
Expected<void> Put(const Image& image, const fs::path& directory) {
  Expected<ImageDirectory> shown = ImageDirectory::Create(directory.parent_path().string());
  if (!shown) return std::unexpected(shown.error());
  if (auto done = shown->Show(image); !done) return done;
  std::error_code error;
  fs::rename(shown->path(), directory, error);
  if (error) return FailAt(directory, "write", error);
  return {};
}

class NobodyLooks final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> /*key*/, std::span<const std::byte> /*value*/) override {}
};

// In a child: recovers as the engine would after a restart, and writes what that leaves. Some
// engines recover when they are opened, others when they are first read.
[[noreturn]] void RecoverAndPut(const Target& target, const Image& image,
                                const fs::path& directory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  MemoryVfs vfs(image);
  const std::unique_ptr<Engine> engine = target.Create(vfs);
  NobodyLooks visitor;
  if (engine->Open()) static_cast<void>(engine->Scan(visitor));
  const Expected<void> done = Put(vfs.image(), directory);
  ::_exit(done ? 0 : 1);
}

// A store may crash or hang its engine, so a child opens it.
Expected<std::string> RecoverLinked(const Case& saved, const Image& image,
                                    const fs::path& directory) {
  const Expected<Target> target = ParseTarget(saved.settings.target);
  if (!target) return std::unexpected(target.error());
  const pid_t pid = ::fork();
  if (pid < 0) return FailErrno("cannot start a child to recover in");
  if (pid == 0) RecoverAndPut(*target, image, directory);
  const Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  pollfd ended{.fd = process.number(), .events = POLLIN, .revents = 0};
  const auto timeout_ms = std::min<uint64_t>(saved.settings.recovery_timeout_ms, 1'000'000'000);
  const bool in_time = ::poll(&ended, 1, static_cast<int>(timeout_ms)) > 0;
  if (!in_time) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return fmt::format("recovery did not finish within {} ms", timeout_ms);
  if (WIFSIGNALED(status)) {
    return fmt::format("recovery died of signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) == 0) return "";
  return fmt::format("recovery ended with status {}", WEXITSTATUS(status));
}

// Shows one image to a program, which then leaves its traces in the directory.
class OneImage final : public Stage {
 public:
  OneImage(ImageDirectory directory, const Image& image)
      : directory_(std::move(directory)), image_(image) {}

  Expected<void> Show() override { return directory_.Show(image_); }
  const std::string& path() const override { return directory_.path(); }

 private:
  ImageDirectory directory_;
  const Image& image_;
};

Expected<std::string> RecoverProgram(const Case& saved, const Image& image,
                                     const fs::path& directory) {
  Expected<ImageDirectory> made = ImageDirectory::Create();
  if (!made) return std::unexpected(made.error());
  OneImage stage(std::move(*made), image);
  const Trace trace = LastTrace(saved);
  const ReferenceModel model(trace.transactions, UndoneCount(trace));
  const Expected<std::unique_ptr<ProgramJudge>> judge =
      MakeProgramJudge(trace, model, saved.settings, stage);
  if (!judge) return std::unexpected(judge.error());
  const Expected<Judgement> judgement = (*judge)->Judge(saved.window);
  if (!judgement) return std::unexpected(judgement.error());
  // The program still has its store open: what it would write when it closes is not there yet.
  std::error_code error;
  fs::copy(stage.path(), directory, fs::copy_options::recursive | fs::copy_options::copy_symlinks,
           error);
  if (error) return FailAt(directory, "write", error);
  return "";
}

}  // namespace

Expected<KeptFiles> KeepFiles(const std::string& directory, const Case& saved) {
  if (!saved.running_plan.empty() || saved.while_recording) {
    return Fail(ErrorCode::kInvalidArgument,
                "--keep-image: the case has no crash, so there is nothing to recover from");
  }
  const Expected<Image> image = ImageOf(saved);
  if (!image) return std::unexpected(image.error());
  const fs::path folder = fs::absolute(directory);
  if (const auto prepared = Prepare(folder, saved); !prepared) {
    return std::unexpected(prepared.error());
  }
  if (const auto put = Put(*image, folder / "before"); !put) return std::unexpected(put.error());
  Expected<std::string> why = NeedsImages(saved.settings)
                                  ? RecoverProgram(saved, *image, folder / "after")
                                  : RecoverLinked(saved, *image, folder / "after");
  if (!why) return std::unexpected(why.error());
  return KeptFiles{.why_no_after = std::move(*why)};
}

}  // namespace plugpull
