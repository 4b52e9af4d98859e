// Bug: a new file is synced, but not the directory that names it.
#include "protocol.h"

static const char* name_of(int version) {
  static char name[16];
  snprintf(name, sizeof name, "item-%d", version);
  return name;
}

int main(int argc, char** argv) {
  if (is_check(argc, argv)) {
    const int promised = acknowledged();
    for (int version = 1; version <= promised; ++version) {
      const int file = open(name_of(version), O_RDONLY);
      if (file < 0) return broken("a promised file is missing", version);
      if (!shows(file, 0, 300, version)) return broken("a promised file has other bytes", version);
      close(file);
    }
    return 0;
  }
  for (int version = 1; version <= kVersions; ++version) {
    const int file = create(name_of(version));
    put(file, 0, 300, version);
    sync_file(file);
    close(file);
    acknowledge(version);
  }
  return 0;
}
