#include "control/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/statvfs.h>

#include "base/fd.h"

namespace radial::control {
namespace {

constexpr int patience_ms = 5000;  // for a lock that a reader in another process holds

bool on_read_only_disk(const std::filesystem::path& file) {
  struct statvfs info{};
  return ::statvfs(file.c_str(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0;
}

}  // namespace

void Statement::Finalise::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

void Statement::bound(int code) {
  if (code != SQLITE_OK && !failure_) failure_ = database_->last_error("binding a value");
  ++next_;
}

Statement& Statement::bind(std::int64_t value) {
  bound(sqlite3_bind_int64(statement_.get(), next_, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  bound(sqlite3_bind_text64(statement_.get(), next_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::span<const std::uint8_t> blob) {
  bound(sqlite3_bind_blob64(statement_.get(), next_, blob.data(), blob.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null() {
  bound(sqlite3_bind_null(statement_.get(), next_));
  return *this;
}

Result<bool> Statement::step() {
  if (failure_) return Unexpected(*failure_);
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return Unexpected(database_->last_error("the controller's store"));
  }
}

Status Statement::run() {
  RADIAL_ASSIGN(const bool row, step());
  if (row) return fail(Errc::internal, "a statement returned a row where none was expected");
  return {};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

Error Database::last_error(std::string_view doing) const {
  const int code = sqlite3_errcode(handle_.get()) & 0xff;
  const auto name = file_.string();
  switch (code) {
    case SQLITE_FULL:
      return {Errc::io, fmt::format("{}: the disk of {} is full: free some space and try again; nothing was changed", doing, name),
              ENOSPC};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::protocol,
              fmt::format("{}: {} is damaged ({}): restore it from a backup; the network runs on without it", doing, name,
                          sqlite3_errmsg(handle_.get())), 0};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:  // the journal beside it
    case SQLITE_IOERR:
      if (on_read_only_disk(file_))
        return {Errc::io,
                fmt::format("{}: the disk of {} is mounted read-only: find out why (dmesg), mount it writable (mount -o remount,rw) and "
                            "try again; nothing was changed", doing, name), EROFS};
      return {Errc::io, fmt::format("{}: cannot write {} ({}); nothing was changed", doing, name, sqlite3_errmsg(handle_.get())),
              sqlite3_system_errno(handle_.get())};
    case SQLITE_BUSY:
      return {Errc::unavailable, fmt::format("{}: {} is locked by another program; nothing was changed", doing, name), 0};
    case SQLITE_CONSTRAINT:
      return {Errc::conflict, fmt::format("{}: {}", doing, sqlite3_errmsg(handle_.get())), 0};
    default:
      return {Errc::internal, fmt::format("{}: {}: {}", doing, name, sqlite3_errmsg(handle_.get())), 0};
  }
}

Result<std::unique_ptr<Database>> Database::open_handle(const std::filesystem::path& file) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  auto database = std::unique_ptr<Database>(new Database(file, handle));
  if (code != SQLITE_OK) {
    if (handle == nullptr) return fail(Errc::internal, "{}: out of memory", file.string());
    return Unexpected(database->last_error("opening the controller's store"));
  }
  sqlite3_busy_timeout(handle, patience_ms);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  RADIAL_TRY(database->execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA"));
  for (const auto* pragma : {"PRAGMA journal_mode = DELETE", "PRAGMA secure_delete = ON"}) {
    RADIAL_ASSIGN(auto statement, database->prepare(pragma));
    RADIAL_ASSIGN(const bool row, statement.step());
    static_cast<void>(row);
  }
  return database;
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return fail(Errc::not_found, "{} is not there", file.string());
  RADIAL_ASSIGN(auto database, open_handle(file));
  // A page that was torn is better found now than in the middle of a change.
  RADIAL_ASSIGN(auto check, database->prepare("PRAGMA quick_check(1)"));
  RADIAL_ASSIGN(const bool row, check.step());
  if (!row || check.text(0) != "ok")
    return fail(Errc::protocol, "{} is damaged ({}): restore it from a backup; the network runs on without it", file.string(),
                row ? check.text(0) : "no answer");
  return database;
}

Result<std::unique_ptr<Database>> Database::create(const std::filesystem::path& file) {
  // Made here, so that its mode is right from its first moment.
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) return fail(Errc::already_exists, "{} exists already", file.string());
  if (!fd) return fail_errno(errno, fmt::format("cannot create {}", file.string()));
  return open_handle(file);
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
    return Unexpected(last_error("the controller's store"));
  return Statement(*this, statement);
}

Status Database::execute(std::string_view sql) {
  if (sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return Unexpected(last_error("the controller's store"));
  return {};
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
int Database::changed_rows() const { return sqlite3_changes(handle_.get()); }

// SQLite opens a file on a read-only disk for reading, and stays so.
void Database::become_writable() {
  if (sqlite3_db_readonly(handle_.get(), "main") != 1 || on_read_only_disk(file_)) return;
  if (auto again = open_handle(file_)) handle_ = std::move((*again)->handle_);
}

Result<Transaction> Transaction::begin(Database& database) {
  database.become_writable();
  RADIAL_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Status Transaction::commit() {
  RADIAL_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

Transaction::~Transaction() {
  // Fails where an error has rolled back already; that is what is wanted.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

}  // namespace radial::control
