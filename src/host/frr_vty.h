// One kept connection to one FRR daemon's vty socket. Private to the room.
//
// Protocol (FRR lib/vty.c, vtysh_read and vtysh_write): the client sends a
// command and a NUL; the daemon answers with text, three NULs and a status
// byte. Commands may be sent ahead of their answers, which spares a busy
// machine the turns between two processes (20 ms each at a load of 10), but
// never to mgmtd (FRR 9 and later): it drops what it has read behind a command
// that it answers late, and would leave us waiting.
//
// Threading: one object, one thread. Blocking, at most the deadline given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace radial::host::frr {

// Status bytes of lib/command.h that we tell apart.
enum class VtyStatus : std::uint8_t {
  success = 0,
  warning = 1,   // shown, not refused: some `show` commands of an idle daemon
  no_match = 2,  // unknown command
  ambiguous = 3,
  config_failed = 13,   // understood and refused
  commit_failed = 255,  // mgmtd refused, for a lock held by another session or a bad value
};

struct VtyAnswer {
  std::string text;
  std::uint8_t status = 0;

  [[nodiscard]] bool ok() const { return status == static_cast<std::uint8_t>(VtyStatus::success); }
  [[nodiscard]] bool is(VtyStatus wanted) const { return status == static_cast<std::uint8_t>(wanted); }
  // mgmtd lets one session change a datastore at a time; another one's turn
  // ends by itself (a commit, or the synchronisation of a daemon that started).
  [[nodiscard]] bool locked() const;
  // FRR's words on one line.
  [[nodiscard]] std::string words() const;
};

class VtySession {
 public:
  using Clock = std::chrono::steady_clock;

  // Connects and enters the enable node. unavailable: nobody listens there.
  [[nodiscard]] static Result<VtySession> open(const std::string& path, Clock::time_point deadline);

  // The answer, whatever its status. After an error the session is unusable.
  // `command` must hold neither NUL nor newline.
  [[nodiscard]] Result<VtyAnswer> ask(std::string_view command, Clock::time_point deadline);

  // The same for several commands, sent ahead of their answers. `patience`
  // bounds the wait for each answer.
  [[nodiscard]] Result<std::vector<VtyAnswer>> ask_ahead(const std::vector<std::string>& commands,
                                                         std::chrono::milliseconds patience);

  // The daemon at the other end: its process id from the socket's credentials
  // and when that process started. nothing when the kernel cannot tell.
  [[nodiscard]] std::optional<std::int64_t> incarnation() const;
  // That process id alone.
  [[nodiscard]] std::optional<pid_t> process() const;

  // True when the other end is gone. Costs one system call, never blocks.
  [[nodiscard]] bool hung_up() const;

 private:
  explicit VtySession(Fd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Status send(std::string_view command, Clock::time_point deadline);
  [[nodiscard]] Result<VtyAnswer> receive(std::string_view command, Clock::time_point deadline);

  Fd socket_;
  std::string received_;  // of the next answer
};

}  // namespace radial::host::frr
