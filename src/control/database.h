// SQLite as this room uses it: strict, durable, errors as values.
//
// One file (rollback journal, synchronous=EXTRA: a commit that returned is on
// the disk, its folder entry too), mode 0600; foreign keys on; double-quoted
// strings off; deleted content overwritten, as it may have been a secret. A
// full disk, an I/O error or a torn file is an Error that says what to do, and
// the transaction that met it leaves nothing behind.
//
// Threading: one object, one thread. Other processes may read at the same time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace radial::control {

class Database;

// A prepared statement: bind in order, then step through its rows. The first
// error sticks and is what step() returns.
class Statement {
 public:
  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind(std::span<const std::uint8_t> blob);
  Statement& bind_null();

  // True: a row is there. False: no more.
  [[nodiscard]] Result<bool> step();
  // For statements that return no row.
  [[nodiscard]] Status run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;  // until the next step
  [[nodiscard]] bool null(int column) const;

 private:
  friend class Database;
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  void bound(int code);

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalise> statement_;
  int next_ = 1;
  std::optional<Error> failure_;
};

class Database {
 public:
  // Opens a file that is there; not_found when it is not.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);
  // Makes it; already_exists when it is there.
  [[nodiscard]] static Result<std::unique_ptr<Database>> create(const std::filesystem::path& file);

  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  [[nodiscard]] Status execute(std::string_view sql);  // one or more statements, no rows
  [[nodiscard]] std::int64_t last_row() const;
  [[nodiscard]] int changed_rows() const;  // by the last statement

  // Opened from a disk that was read-only then and is not any more.
  void become_writable();

  // What SQLite said last, as an Error.
  [[nodiscard]] Error last_error(std::string_view doing) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  Database(std::filesystem::path file, sqlite3* handle) : file_(std::move(file)), handle_(handle) {}
  [[nodiscard]] static Result<std::unique_ptr<Database>> open_handle(const std::filesystem::path& file);

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// Everything between begin() and commit() happens or does not. Rolls back when
// it goes out of scope uncommitted.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  [[nodiscard]] Status commit();
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace radial::control
