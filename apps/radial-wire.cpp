// radial-wire: WireGuard in userspace, a drop-in for wireguard-go.
//
//   radial-wire [-f|--foreground] INTERFACE
//
// Makes the TUN device and serves /var/run/wireguard/INTERFACE.sock, so that
// wg(8) works on it. In the background from the moment that it serves, not
// before. Ends on SIGTERM or SIGINT, when the device is deleted, and when the
// socket is removed.
//
// Environment, as wireguard-go's: LOG_LEVEL (verbose, debug, error, silent),
// WG_TUN_FD and WG_UAPI_FD (descriptors to take over), and
// WG_PROCESS_FOREGROUND=1. Of our own: RADIAL_WIRE_QUEUES, the number of data
// threads (default: one for every two processors, at most 8; the kernel's half
// of the work and the applications need the others, and on two processors one
// thread was measured to be faster than two), and RADIAL_WIRE_NO_OFFLOAD=1.
// docs/radial-wire.md says the rest.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <sodium.h>

#include "base/log.h"
#include "base/version.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/primitives.h"
#include "engine/process/confine.h"
#include "engine/process/daemon.h"
#include "engine/process/janitor.h"
#include "engine/tunnel/wire.h"

namespace {

using namespace radial;
using namespace radial::engine;

constexpr const char* help = R"(radial-wire: WireGuard in userspace, a drop-in for wireguard-go

Usage: radial-wire [-f|--foreground] INTERFACE-NAME
       radial-wire --help | --version

Makes the TUN device and serves /var/run/wireguard/INTERFACE-NAME.sock, on which
wg(8) works. Goes into the background when it serves. Ends on SIGTERM or SIGINT,
when the device is deleted, and when the socket is removed. Drops to the user
radial-wire, or nobody, once its device and socket are open.

Environment:
  LOG_LEVEL=verbose|error|silent   what it says on standard output (default: errors)
  WG_PROCESS_FOREGROUND=1          as --foreground
  WG_TUN_FD=N, WG_UAPI_FD=N        descriptors to take over: TUN device, listening socket
  RADIAL_WIRE_QUEUES=N             data threads (default: one for every two processors, at most 8)
  RADIAL_WIRE_NO_OFFLOAD=1         no segmentation offloads of TUN and UDP
)";

struct Arguments {
  std::string interface_name;
  bool foreground = false;
};

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::optional<int> number_in(const char* name) {
  const auto text = environment(name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "-f" || argument == "--foreground") arguments.foreground = true;
    else if (argument.empty() || argument.front() == '-' || !arguments.interface_name.empty()) return std::nullopt;
    else arguments.interface_name = argument;
  }
  if (arguments.interface_name.empty()) return std::nullopt;
  if (environment("WG_PROCESS_FOREGROUND") == "1") arguments.foreground = true;
  return arguments;
}

spdlog::level::level_enum log_level() {
  const auto level = environment("LOG_LEVEL");
  if (level == "verbose" || level == "debug") return spdlog::level::debug;
  if (level == "silent") return spdlog::level::off;
  return spdlog::level::err;
}

std::size_t queue_count() {
  if (const auto wanted = number_in("RADIAL_WIRE_QUEUES"); wanted && *wanted >= 1)
    return std::min<std::size_t>(static_cast<std::size_t>(*wanted), 64);
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8);
}

// A descriptor that whoever started us hands over by this name.
Result<std::optional<int>> descriptor_in(const char* name) {
  if (environment(name).empty()) return std::nullopt;
  const auto fd = number_in(name);
  if (!fd) return fail(Errc::invalid_argument, "{}={} is no descriptor", name, environment(name));
  return fd;
}

Result<std::unique_ptr<TunDevice>> open_device(const std::string& name, bool offload) {
  const TunDevice::Options options{name, queue_count(), offload};
  RADIAL_ASSIGN(const auto fd, descriptor_in("WG_TUN_FD"));
  if (fd) return TunDevice::adopt(Fd(*fd), options);
  // To attach to a device with several queues is to take packets from whoever serves it.
  if (environment("WG_UAPI_FD").empty()) RADIAL_TRY(uapi::require_unserved(uapi::socket_path(name)));
  return TunDevice::create(options);
}

Result<Fd> open_socket(const std::filesystem::path& path) {
  RADIAL_ASSIGN(const auto fd, descriptor_in("WG_UAPI_FD"));
  if (fd) return Fd(*fd);
  return uapi::listen_on(path);
}

Wire* signalled = nullptr;

void on_signal(int) { signalled->stop(); }

void end_on_signals(Wire& wire) {
  signalled = &wire;
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
}

// Lets libraries open now what they open at their first use: afterwards no
// file can be opened.
void warm_up() {
  ::tzset();
  static_cast<void>(blake2s({}));
  static_cast<void>(make_best_aead());
}

Wire::Options wire_options() {
  Wire::Options options;
#ifdef RADIAL_WIRE_TEST_LIMITS  // radial-wire-short, a test's build
  if (const auto limit = number_in("RADIAL_TEST_REKEY_MS")) {
    options.device.limits.rekey_after_time = std::chrono::milliseconds(*limit);
    options.device.limits.rekey_timeout = std::chrono::milliseconds(*limit);
  }
  if (const auto limit = number_in("RADIAL_TEST_REKEY_MESSAGES"))
    options.device.limits.rekey_after_messages = static_cast<std::uint64_t>(*limit);
  options.assume_load = environment("RADIAL_TEST_LOAD") == "1";
#endif
  return options;
}

Status serve(const Arguments& arguments, Readiness& readiness) {
  const bool offload = environment("RADIAL_WIRE_NO_OFFLOAD") != "1";
  RADIAL_ASSIGN(auto tun, open_device(arguments.interface_name, offload));
  const auto link = tun->link();
  if (!link) return fail(Errc::not_found, "the TUN device is gone before it was used");
  const auto path = uapi::socket_path(link->name);
  RADIAL_ASSIGN(auto listener, open_socket(path));
  RADIAL_ASSIGN(auto watch, uapi::SocketWatch::start(path));
  RADIAL_ASSIGN(auto janitor, Janitor::start(path));

  RADIAL_TRY(drop_privileges());
  auto options = wire_options();
  options.offload = offload;
  RADIAL_ASSIGN(auto wire, Wire::make(std::move(tun), options));
  RADIAL_TRY(wire->serve(std::move(listener), std::move(watch), [&](const std::string& name) {
    const auto renamed = uapi::socket_path(name);
    if (const auto status = janitor.rename_to(renamed); !status) {
      spdlog::error("{}", status.error().message);
      return path;
    }
    return renamed;
  }));
  end_on_signals(*wire);
  warm_up();
  RADIAL_TRY(restrict_calls(wire->routing_socket()));
  readiness.report_ready();
  spdlog::debug("interface {} is served", link->name);
  static_cast<void>(wire->run());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::printf("radial-wire %s\n", std::string(version()).c_str());
    return EXIT_SUCCESS;
  }
  if (argc == 2 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
    std::fputs(help, stdout);
    return EXIT_SUCCESS;
  }
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    std::fprintf(stderr, "Usage: %s [-f|--foreground] INTERFACE-NAME\n       %s --help | --version\n", argv[0], argv[0]);
    return EXIT_FAILURE;
  }
  forbid_dumps();
  start_log("radial-wire", log_level());
  Readiness readiness;
  if (!arguments->foreground) {
    const auto level = environment("LOG_LEVEL");
    auto daemon = daemonize(!level.empty() && level != "silent");
    if (!daemon) {
      std::fprintf(stderr, "radial-wire: %s\n", daemon.error().message.c_str());
      return EXIT_FAILURE;
    }
    readiness = std::move(*daemon);
  }
  Status status;
  if (sodium_init() < 0) status = fail(Errc::internal, "libsodium does not start");
  else status = serve(*arguments, readiness);
  if (!status) {
    readiness.report_failure(status.error().message);
    if (arguments->foreground) std::fprintf(stderr, "radial-wire: %s\n", status.error().message.c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
