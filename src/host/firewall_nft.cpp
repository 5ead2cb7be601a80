#include "host/firewall_nft.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include <nftables/libnftables.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"


namespace radial::host {
namespace {

struct FreeContext {
  void operator()(nft_ctx* context) const { ::nft_ctx_free(context); }
};

std::mutex one_context;

// nft's errors are pictures: "PLACE: Error: message", the line of the source,
// and carets under the words meant. The first one's message and line are kept,
// in one line of ours.
std::string first_error(std::string_view text) {
  auto message = text.substr(0, text.find('\n'));
  auto source = text.size() > message.size() ? text.substr(message.size() + 1) : std::string_view{};
  source = source.substr(0, source.find('\n'));
  constexpr std::string_view mark = "Error: ";
  if (const auto at = message.find(mark); at != message.npos) message.remove_prefix(at + mark.size());
  while (!source.empty() && (source.front() == ' ' || source.front() == '\t')) source.remove_prefix(1);
  if (message.empty()) return "refused without a word";
  return source.empty() ? std::string(message) : fmt::format("{}, at '{}'", message, source);
}

// The command as a file in memory: for a buffer nft points its errors at the
// first line, whichever is meant.
Result<Fd> as_file(const std::string& command) {
  Fd file(::memfd_create("nft", MFD_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot make a file in memory");
  for (std::string_view rest = command; !rest.empty();) {
    const auto written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0) return fail_errno(errno, "cannot write a file in memory");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

Errc kind_of(std::string_view message) {
  if (message.find("Operation not permitted") != message.npos) return Errc::permission_denied;
  if (message.find("No such file or directory") != message.npos) return Errc::not_found;
  if (message.find("not supported") != message.npos) return Errc::unsupported;
  return Errc::invalid_argument;
}

}  // namespace

Result<std::string> run_nft(const std::string& command, NftOutput output) {
  RADIAL_ASSIGN(const auto file, as_file(command));
  const std::lock_guard lock(one_context);
  const std::unique_ptr<nft_ctx, FreeContext> context(::nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return fail(Errc::unavailable, "libnftables gives no context");
  if (::nft_ctx_buffer_output(context.get()) != 0 || ::nft_ctx_buffer_error(context.get()) != 0)
    return fail(Errc::io, "libnftables gives no buffer");
  if (output == NftOutput::stateless) ::nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_STATELESS);
  const int code = ::nft_run_cmd_from_filename(context.get(), fmt::format("/proc/self/fd/{}", file.get()).c_str());
  if (code != 0) {
    const auto message = first_error(::nft_ctx_get_error_buffer(context.get()));
    return fail(kind_of(message), "nft: {}", message);
  }
  return std::string(::nft_ctx_get_output_buffer(context.get()));
}

Result<std::string> canonical_table(const std::string& table) {
  Result<std::string> listing;
  // A namespace belongs to a thread and goes with it.
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      listing = fail_errno(errno, "cannot make a network namespace to compare nftables rules in (CAP_SYS_ADMIN)");
      return;
    }
    if (const auto loaded = run_nft(table); !loaded) listing = Unexpected(loaded.error());
    else listing = run_nft("list table inet radial", NftOutput::stateless);
  }).join();
  return listing;
}

}  // namespace radial::host
