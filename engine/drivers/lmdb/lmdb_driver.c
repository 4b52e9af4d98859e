// The driver for LMDB. See ../README.md for the protocol.
//
// It adds no sync and no recovery to what LMDB does. A fault in LMDB's mapping, or an assertion of
// it, ends this process, as it would end a user's.
#include <errno.h>
#include <lmdb.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct Driver {
  MDB_env* env;  // null: no store is open
  MDB_txn* txn;  // null: no transaction is open
  MDB_dbi dbi;   // of txn
  bool failed;   // txn must not be committed
  char why[512];
};

static char* out;  // answers that wait to be written
static size_t out_size;
static size_t out_room;

static char* Reserve(size_t size) {
  if (out_size + size > out_room) {
    out_room = 2 * (out_size + size) + 65536;
    out = realloc(out, out_room);
    if (out == NULL) abort();
  }
  return out + out_size;
}

static void Say(const char* text) {
  const size_t size = strlen(text);
  memcpy(Reserve(size + 1), text, size);
  out[out_size + size] = '\n';
  out_size += size + 1;
}

static void Flush(void) {
  for (size_t done = 0; done < out_size;) {
    const ssize_t size = write(STDOUT_FILENO, out + done, out_size - done);
    if (size < 0 && errno != EINTR) _exit(0);  // nobody listens
    if (size > 0) done += (size_t)size;
  }
  out_size = 0;
}

// Remembers why a command failed. Returns: false, so that it can be returned at once.
__attribute__((format(printf, 2, 3))) static bool Failed(struct Driver* driver, const char* format,
                                                         ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(driver->why, sizeof driver->why, format, arguments);
  va_end(arguments);
  return false;
}

static bool Succeeded(struct Driver* driver, const char* call, int code) {
  return code == MDB_SUCCESS || Failed(driver, "%s: %s", call, mdb_strerror(code));
}

static int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes in place.
static bool Decode(struct Driver* driver, char* word, MDB_val* bytes) {
  bytes->mv_data = word;
  bytes->mv_size = 0;
  if (word == NULL) return Failed(driver, "a word is missing");
  if (strcmp(word, "-") == 0) return true;
  for (const char* at = word; *at != '\0'; at += 2) {
    const int high = Digit(at[0]);
    const int low = high < 0 ? -1 : Digit(at[1]);
    if (low < 0) return Failed(driver, "this is not hexadecimal: %.40s", at);
    word[bytes->mv_size++] = (char)(high << 4 | low);
  }
  return true;
}

static char* Encode(MDB_val bytes, char* to) {
  static const char kDigits[] = "0123456789abcdef";
  const unsigned char* data = bytes.mv_data;
  if (bytes.mv_size == 0) *to++ = '-';
  for (size_t i = 0; i < bytes.mv_size; ++i) {
    *to++ = kDigits[data[i] >> 4];
    *to++ = kDigits[data[i] & 15];
  }
  return to;
}

static bool ReadOption(struct Driver* driver, const char* word, unsigned* flags, size_t* map_size) {
  static const struct {
    const char* name;
    unsigned flag;
  } kFlags[] = {{"writemap", MDB_WRITEMAP},
                {"nosync", MDB_NOSYNC},
                {"nometasync", MDB_NOMETASYNC},
                {"mapasync", MDB_MAPASYNC},
                {"nosubdir", MDB_NOSUBDIR}};
  const char* equals = strchr(word, '=');
  if (equals == NULL) return Failed(driver, "option '%s' has no value", word);
  const size_t length = (size_t)(equals - word);
  const char* value = equals + 1;
  char* end = NULL;
  const unsigned long number = strtoul(value, &end, 10);
  if (end == value || *end != '\0') return Failed(driver, "option '%s' takes a number", word);
  if (length == strlen("map_kib") && strncmp(word, "map_kib", length) == 0) {
    *map_size = (size_t)number * 1024;
    return true;
  }
  for (size_t i = 0; i < sizeof kFlags / sizeof kFlags[0]; ++i) {
    if (length != strlen(kFlags[i].name) || strncmp(word, kFlags[i].name, length) != 0) continue;
    if (number > 1) return Failed(driver, "option '%s' is 0 or 1", word);
    if (number == 1) *flags |= kFlags[i].flag;
    return true;
  }
  return Failed(driver, "there is no option '%s'", word);
}

static bool Open(struct Driver* driver, char** rest) {
  if (driver->env != NULL) return Failed(driver, "a store is open already");
  const char* directory = strsep(rest, " ");
  if (directory == NULL) return Failed(driver, "open needs a directory");
  unsigned flags = 0;
  size_t map_size = (size_t)1 << 20;
  for (char* word = NULL; (word = strsep(rest, " ")) != NULL;) {
    if (!ReadOption(driver, word, &flags, &map_size)) return false;
  }
  char path[4096];
  const char* file = (flags & MDB_NOSUBDIR) != 0 ? "/data.mdb" : "";
  if (snprintf(path, sizeof path, "%s%s", directory, file) >= (int)sizeof path) {
    return Failed(driver, "the path is too long");
  }
  MDB_env* env = NULL;
  if (!Succeeded(driver, "mdb_env_create", mdb_env_create(&env))) return false;
  if (!Succeeded(driver, "mdb_env_set_mapsize", mdb_env_set_mapsize(env, map_size)) ||
      !Succeeded(driver, "mdb_env_open", mdb_env_open(env, path, flags, 0644))) {
    mdb_env_close(env);
    return false;
  }
  driver->env = env;
  return true;
}

static bool Begin(struct Driver* driver, MDB_txn** txn, MDB_dbi* dbi, unsigned flags) {
  if (driver->env == NULL) return Failed(driver, "no store is open");
  if (!Succeeded(driver, "mdb_txn_begin", mdb_txn_begin(driver->env, NULL, flags, txn))) {
    *txn = NULL;
    return false;
  }
  if (Succeeded(driver, "mdb_dbi_open", mdb_dbi_open(*txn, NULL, 0, dbi))) return true;
  mdb_txn_abort(*txn);
  *txn = NULL;
  return false;
}

static bool Change(struct Driver* driver, bool is_put, char** rest) {
  if (driver->txn == NULL) return Failed(driver, "no transaction is open");
  if (driver->failed) return false;  // for the reason that `why` still holds
  driver->failed = true;
  MDB_val key;
  MDB_val value;
  if (!Decode(driver, strsep(rest, " "), &key)) return false;
  if (is_put && !Decode(driver, strsep(rest, " "), &value)) return false;
  if (*rest != NULL) return Failed(driver, "there are too many words");
  const int code = is_put ? mdb_put(driver->txn, driver->dbi, &key, &value, 0)
                          : mdb_del(driver->txn, driver->dbi, &key, NULL);
  const bool is_absent = !is_put && code == MDB_NOTFOUND;  // deleting it is no mistake
  driver->failed = !is_absent && !Succeeded(driver, is_put ? "mdb_put" : "mdb_del", code);
  return !driver->failed;
}

static bool Finish(struct Driver* driver, bool commits) {
  MDB_txn* txn = driver->txn;
  driver->txn = NULL;
  if (txn == NULL) return Failed(driver, "no transaction is open");
  if (commits && !driver->failed) return Succeeded(driver, "mdb_txn_commit", mdb_txn_commit(txn));
  mdb_txn_abort(txn);
  return !commits;
}

static bool DumpIn(struct Driver* driver, MDB_txn* txn, MDB_dbi dbi) {
  MDB_cursor* cursor = NULL;
  if (!Succeeded(driver, "mdb_cursor_open", mdb_cursor_open(txn, dbi, &cursor))) return false;
  MDB_val key;
  MDB_val value;
  int code = MDB_SUCCESS;
  while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
    char* start = Reserve(2 * (key.mv_size + value.mv_size) + 4);
    char* end = Encode(key, start);
    *end++ = ' ';
    end = Encode(value, end);
    *end++ = '\n';
    out_size += (size_t)(end - start);
  }
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND || Succeeded(driver, "mdb_cursor_get", code);
}

// Walks a whole database. Returns: false when it does not agree with itself.
static bool Walk(struct Driver* driver, MDB_txn* txn, MDB_dbi dbi, const char* name, size_t* pages,
                 bool (*visit)(struct Driver*, MDB_val value, void* context), void* context) {
  MDB_stat stat;
  MDB_cursor* cursor = NULL;
  if (!Succeeded(driver, "mdb_stat", mdb_stat(txn, dbi, &stat))) return false;
  *pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  if (!Succeeded(driver, "mdb_cursor_open", mdb_cursor_open(txn, dbi, &cursor))) return false;
  MDB_val before = {0, NULL};
  MDB_val key;
  MDB_val value;
  size_t count = 0;
  bool sound = true;
  int code = MDB_SUCCESS;
  while (sound && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
    if (count > 0 && mdb_cmp(txn, dbi, &before, &key) >= 0) {
      sound = Failed(driver, "%s: keys are out of order", name);
    } else if (visit != NULL) {
      sound = visit(driver, value, context);
    }
    before = key;
    if (++count > stat.ms_entries) break;  // a cycle would never end
  }
  mdb_cursor_close(cursor);
  if (!sound) return false;
  if (code != MDB_SUCCESS && code != MDB_NOTFOUND) return Succeeded(driver, "mdb_cursor_get", code);
  if (count == stat.ms_entries) return true;
  return Failed(driver, "%s: it should have %zu entries, a walk finds %s", name, stat.ms_entries,
                count > stat.ms_entries ? "more" : "fewer");
}

struct FreePages {
  unsigned char* seen;  // one a page
  size_t last;
  size_t count;
};

// Reads one entry of the free list: a count and so many page numbers.
static bool VisitFreePages(struct Driver* driver, MDB_val value, void* context) {
  struct FreePages* pages = context;
  size_t count = 0;
  if (value.mv_size < sizeof count) return Failed(driver, "free list: an entry is too short");
  memcpy(&count, value.mv_data, sizeof count);
  if (count > value.mv_size / sizeof count - 1) {
    return Failed(driver, "free list: an entry is too short");
  }
  for (size_t i = 1; i <= count; ++i) {
    size_t page = 0;
    memcpy(&page, (const char*)value.mv_data + i * sizeof page, sizeof page);
    if (page < 2 || page > pages->last)
      return Failed(driver, "free list: no page %zu exists", page);
    if (pages->seen[page] != 0) return Failed(driver, "free list: page %zu is free twice", page);
    pages->seen[page] = 1;
    ++pages->count;
  }
  return true;
}

// Every page but the two metas belongs to the data, to the free list, or is in the free list.
static bool CheckIn(struct Driver* driver, MDB_txn* txn, MDB_dbi dbi) {
  enum { kFreeList = 0, kMetaPages = 2 };  // handle 0 is what mdb_stat -f reads, too
  MDB_envinfo info;
  if (!Succeeded(driver, "mdb_env_info", mdb_env_info(driver->env, &info))) return false;
  size_t used = kMetaPages;
  if (!Walk(driver, txn, dbi, "data", &used, NULL, NULL)) return false;
  if (info.me_last_pgno > info.me_mapsize) return Failed(driver, "the last page is out of bounds");
  struct FreePages pages = {calloc(info.me_last_pgno + 1, 1), info.me_last_pgno, 0};
  if (pages.seen == NULL) return Failed(driver, "out of memory");
  const bool sound = Walk(driver, txn, kFreeList, "free list", &used, VisitFreePages, &pages);
  free(pages.seen);
  if (!sound) return false;
  const size_t all = info.me_last_pgno + 1;
  const size_t known = used + pages.count;
  if (known > all) {
    return Failed(driver, "%zu pages are both free and in use, or in use twice", known - all);
  }
  return known == all || Failed(driver, "leak: %zu pages are neither free nor in use", all - known);
}

static bool Read(struct Driver* driver, bool (*work)(struct Driver*, MDB_txn*, MDB_dbi)) {
  MDB_txn* txn = NULL;
  MDB_dbi dbi = 0;
  if (!Begin(driver, &txn, &dbi, MDB_RDONLY)) return false;
  const bool done = work(driver, txn, dbi);
  mdb_txn_abort(txn);
  return done;
}

static bool Close(struct Driver* driver) {
  if (driver->env == NULL) return Failed(driver, "no store is open");
  if (driver->txn != NULL) mdb_txn_abort(driver->txn);
  mdb_env_close(driver->env);
  driver->txn = NULL;
  driver->env = NULL;
  return true;
}

static bool Run(struct Driver* driver, const char* command, char* rest) {
  if (strcmp(command, "open") == 0) return Open(driver, &rest);
  if (strcmp(command, "begin") == 0) {
    if (driver->txn != NULL) return Failed(driver, "a transaction is open already");
    driver->failed = false;
    return Begin(driver, &driver->txn, &driver->dbi, 0);
  }
  if (strcmp(command, "put") == 0) return Change(driver, true, &rest);
  if (strcmp(command, "del") == 0) return Change(driver, false, &rest);
  if (strcmp(command, "commit") == 0) return Finish(driver, true);
  if (strcmp(command, "abort") == 0) return Finish(driver, false);
  if (strcmp(command, "dump") == 0) return Read(driver, DumpIn);
  if (strcmp(command, "check") == 0) return Read(driver, CheckIn);
  if (strcmp(command, "repair") == 0) return Failed(driver, "LMDB has no repair");
  if (strcmp(command, "close") == 0) return Close(driver);
  if (strcmp(command, "quit") == 0) return true;
  return Failed(driver, "there is no command '%.40s'", command);
}

// Answers the lines of a buffer, whose end is marked with a zero. Returns: false after `quit`.
static bool RunLines(struct Driver* driver, char* lines) {
  for (char* line = NULL; lines != NULL && *lines != '\0';) {
    line = strsep(&lines, "\n");
    char* rest = line;
    const char* command = strsep(&rest, " ");
    if (Run(driver, command, rest)) {
      Say(strcmp(command, "dump") == 0 ? "end" : "ok");
    } else {
      char answer[sizeof driver->why + 8];
      snprintf(answer, sizeof answer, "err %s", driver->why);
      Say(answer);
    }
    if (strcmp(command, "quit") == 0) return false;
  }
  return true;
}

int main(void) {
  static struct Driver driver;
  // Opening allocates 2 MiB of zeros. The system has them for nothing, as long as malloc does not
  // learn to keep and clear them itself, which is what most of an open would then be spent on.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  size_t room = 65536;
  size_t size = 0;
  char* in = malloc(room);
  while (in != NULL) {
    const ssize_t got = read(STDIN_FILENO, in + size, room - size - 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    size += (size_t)got;
    char* end = memrchr(in, '\n', size);
    if (end != NULL) {
      const size_t whole = (size_t)(end - in) + 1;
      const char first_of_rest = in[whole];
      in[whole] = '\0';
      const bool goes_on = RunLines(&driver, in);
      Flush();
      if (!goes_on) return 0;
      in[whole] = first_of_rest;
      memmove(in, in + whole, size - whole);
      size -= whole;
    }
    if (room - size < 32768) in = realloc(in, room *= 2);
  }
  return 3;
}
