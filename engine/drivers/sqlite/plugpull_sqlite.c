// A driver for the SQLite library as it is shipped, over its own unix VFS. It runs the statements
// that plugpull's linked target `sqlite` runs, in the same order, so that what the two doors record
// can be compared, and so that a linked finding can be seen again without plugpull in the process.
//
//   driver:PATH/plugpull-sqlite,journal=wal,sync=full,page_size=4096,checkpoint=32,locking=normal
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3* database;
static sqlite3_stmt *scan, *begin, *upsert, *erase, *commit;
static char journal[16], synchronous[16], page_size[16], checkpoint[16], locking[16];

static void answer_ok(void) { puts("ok"); }

static void answer_error(const char* text) {
  fputs("err ", stdout);
  for (const char* c = text; *c != 0; ++c) putchar(*c == '\n' ? ' ' : *c);
  putchar('\n');
}

// Answers "ok", or what SQLite says is wrong.
static void answer(bool done) {
  if (done) {
    answer_ok();
  } else {
    answer_error(database != NULL ? sqlite3_errmsg(database) : "no store is open");
  }
}

// Runs one statement with one word put into it.
static bool run(const char* format, const char* word) {
  char* sql = sqlite3_mprintf(format, word);
  const int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
  sqlite3_free(sql);
  return code == SQLITE_OK;
}

static bool prepare(sqlite3_stmt** statement, const char* sql) {
  return sqlite3_prepare_v2(database, sql, -1, statement, NULL) == SQLITE_OK;
}

// The scan stays null while there is no table.
static bool prepare_scan(void) {
  return prepare(&scan, "SELECT k,v FROM kv") || sqlite3_errcode(database) == SQLITE_ERROR;
}

// What an application sets up before it writes.
static bool prepare_writing(void) {
  if (commit != NULL) return true;
  if (scan == NULL && !run("PRAGMA page_size=%s", page_size)) return false;
  if (!run("PRAGMA synchronous=%s", synchronous)) return false;
  sqlite3_wal_autocheckpoint(database, atoi(checkpoint));
  if (!run("PRAGMA journal_mode=%s", journal)) return false;
  if (scan == NULL) {
    const char* const table =
        "CREATE TABLE IF NOT EXISTS kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID";
    if (!run("%s", table) || !prepare_scan()) return false;
  }
  return prepare(&begin, "BEGIN IMMEDIATE") &&
         prepare(&upsert,
                 "INSERT INTO kv(k,v) VALUES(?1,?2) ON CONFLICT(k) DO UPDATE SET v=excluded.v") &&
         prepare(&erase, "DELETE FROM kv WHERE k=?1") && prepare(&commit, "COMMIT");
}

static bool step_to_end(sqlite3_stmt* statement) {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE;
}

// Binds a word in hex, in place. "-" is the empty one.
static bool bind(sqlite3_stmt* statement, int column, char* hex) {
  if (hex == NULL) return false;
  size_t size = 0;
  for (; strcmp(hex, "-") != 0 && hex[2 * size] != 0; ++size) {
    const char digits[3] = {hex[2 * size], hex[2 * size + 1], 0};
    char* end = NULL;
    hex[size] = (char)strtoul(digits, &end, 16);
    if (end != digits + 2) return false;
  }
  return sqlite3_bind_blob64(statement, column, hex, size, SQLITE_STATIC) == SQLITE_OK;
}

static void change(sqlite3_stmt* statement, char* key, char* value, bool has_value) {
  if (statement == NULL) {
    answer_error("no transaction is open");
  } else if (!bind(statement, 1, key) || (has_value && !bind(statement, 2, value))) {
    answer_error("a key or a value is not in hex");
  } else {
    answer(step_to_end(statement));
    sqlite3_clear_bindings(statement);
  }
}

static void print_hex(sqlite3_stmt* statement, int column) {
  const unsigned char* bytes = sqlite3_column_blob(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  if (size == 0) putchar('-');
  for (int i = 0; i < size; ++i) {
    putchar("0123456789abcdef"[bytes[i] >> 4]);
    putchar("0123456789abcdef"[bytes[i] & 15]);
  }
}

static void dump(void) {
  if (database == NULL || (scan == NULL && !prepare_scan())) return answer(false);
  int code = scan == NULL ? SQLITE_DONE : sqlite3_step(scan);
  for (; code == SQLITE_ROW; code = sqlite3_step(scan)) {
    print_hex(scan, 0);
    putchar(' ');
    print_hex(scan, 1);
    putchar('\n');
  }
  if (scan != NULL) sqlite3_reset(scan);
  if (code != SQLITE_DONE) return answer(false);
  puts("end");
}

static void check(void) {
  sqlite3_stmt* statement = NULL;
  if (database == NULL || !prepare(&statement, "PRAGMA integrity_check")) return answer(false);
  int code = sqlite3_step(statement);
  const char* text = code == SQLITE_ROW ? (const char*)sqlite3_column_text(statement, 0) : NULL;
  if (text == NULL) {
    answer(false);
  } else if (strcmp(text, "ok") == 0) {
    answer_ok();
  } else {
    answer_error(text);
  }
  sqlite3_finalize(statement);
}

static void close_store(void) {
  sqlite3_stmt** const statements[] = {&scan, &begin, &upsert, &erase, &commit};
  for (size_t i = 0; i < sizeof statements / sizeof *statements; ++i) {
    sqlite3_finalize(*statements[i]);
    *statements[i] = NULL;
  }
  sqlite3_close(database);
  database = NULL;
}

static bool set_option(char* word) {
  static const struct {
    const char* name;
    char* value;
  } options[] = {{"journal", journal},
                 {"sync", synchronous},
                 {"page_size", page_size},
                 {"checkpoint", checkpoint},
                 {"locking", locking}};
  char* equals = strchr(word, '=');
  if (equals == NULL) return false;
  *equals = 0;
  for (size_t i = 0; i < sizeof options / sizeof *options; ++i) {
    if (strcmp(word, options[i].name) != 0) continue;
    return snprintf(options[i].value, sizeof journal, "%s", equals + 1) < (int)sizeof journal;
  }
  return false;
}

static void open_store(const char* directory) {
  strcpy(journal, "delete");
  strcpy(synchronous, "full");
  strcpy(page_size, "4096");
  strcpy(checkpoint, "32");
  strcpy(locking, "normal");
  for (char* word = strtok(NULL, " "); word != NULL; word = strtok(NULL, " ")) {
    if (!set_option(word)) return answer_error("an option is not understood");
  }
  if (directory == NULL) return answer_error("open needs a directory");
  if (database != NULL) return answer_error("a store is open already");
  char* path = sqlite3_mprintf("%s/test.db", directory);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  bool done = sqlite3_open_v2(path, &database, flags, NULL) == SQLITE_OK;
  sqlite3_free(path);
  if (done && strcmp(locking, "exclusive") == 0) done = run("PRAGMA locking_mode=%s", locking);
  done = done && prepare_scan();
  answer(done);
  if (!done) close_store();
}

int main(void) {
  char* line = NULL;
  size_t capacity = 0;
  ssize_t length = 0;
  while ((length = getline(&line, &capacity, stdin)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    const char* command = strtok(line, " ");
    if (command == NULL) command = "";
    if (strcmp(command, "quit") == 0) break;
    if (strcmp(command, "open") == 0) {
      open_store(strtok(NULL, " "));
    } else if (strcmp(command, "put") == 0 || strcmp(command, "del") == 0) {
      char* key = strtok(NULL, " ");
      const bool is_put = *command == 'p';
      change(is_put ? upsert : erase, key, is_put ? strtok(NULL, " ") : NULL, is_put);
    } else if (strcmp(command, "begin") == 0) {
      answer(database != NULL && prepare_writing() && step_to_end(begin));
    } else if (strcmp(command, "commit") == 0) {
      answer(commit != NULL && step_to_end(commit));
    } else if (strcmp(command, "abort") == 0) {
      answer(database != NULL && run("%s", "ROLLBACK"));
    } else if (strcmp(command, "dump") == 0) {
      dump();
    } else if (strcmp(command, "check") == 0) {
      check();
    } else if (strcmp(command, "close") == 0) {
      close_store();
      answer_ok();
    } else {
      answer_error("this command is not known");
    }
    fflush(stdout);
  }
  free(line);
  return 0;
}
