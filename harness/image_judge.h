// Judges images in a real directory of its own: a driver opens them, checks them, shows what is in
// them and uses them, or a command of the user's says whether they are consistent.
#pragma once

#include <memory>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"
#include "harness/explore_settings.h"
#include "harness/recovery.h"

namespace plugpull {

// Where a program sees what a crash left.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  // Shows what the crash left, without anything that was done to it since. Errors: of this machine.
  virtual Expected<void> Show() = 0;

  // The directory, always the same.
  virtual const std::string& path() const = 0;
};

// Judges what a stage shows. Thread-safety: as of ImageJudge.
class ProgramJudge {
 public:
  ProgramJudge() = default;
  ProgramJudge(const ProgramJudge&) = delete;
  ProgramJudge& operator=(const ProgramJudge&) = delete;
  virtual ~ProgramJudge() = default;

  // As ImageJudge, of what the stage shows when it is told to, maybe twice.
  virtual Expected<Judgement> Judge(const Window& window) = 0;
  virtual Expected<Judgement> Use(Judgement judgement) = 0;

  // Makes a driver close what it has open. Returns when it has.
  virtual void LetGo() = 0;
};

// Returns: the judge that the settings ask for. Requires: as of MakeImageJudge.
Expected<std::unique_ptr<ProgramJudge>> MakeProgramJudge(const Trace& trace,
                                                         const ReferenceModel& model,
                                                         const ExploreSettings& settings,
                                                         Stage& stage);

// Thread-safety: one thread at a time; what it starts ends with the thread that starts it.
class ImageJudge {
 public:
  ImageJudge() = default;
  ImageJudge(const ImageJudge&) = delete;
  ImageJudge& operator=(const ImageJudge&) = delete;
  virtual ~ImageJudge() = default;

  // Shows the image and judges what the crash left. A driver that dies or takes too long is a
  // violation, and is started again. Errors: of this machine.
  virtual Expected<Judgement> Judge(const Image& image, const Window& window) = 0;

  // After a Judge that found a known state, of the same image: opens the store a second time and
  // uses it. Returns: `judgement`, with a violation if there is one now.
  virtual Expected<Judgement> Use(Judgement judgement) = 0;
};

// Returns: the judge that the settings ask for. Requires: they have a check, or their target is a
// program; everything else outlives the judge.
Expected<std::unique_ptr<ImageJudge>> MakeImageJudge(const Trace& trace,
                                                     const ReferenceModel& model,
                                                     const ExploreSettings& settings);

// Returns: true when the settings ask for such a judge.
bool NeedsImages(const ExploreSettings& settings);

}  // namespace plugpull
