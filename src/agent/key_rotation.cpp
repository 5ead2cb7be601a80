#include "agent/key_rotation.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/settings.h"
#include "base/fd.h"
#include "base/file.h"

namespace radial::agent {

Result<PublicKey> waiting_key(const Paths& paths) {
  if (!std::filesystem::exists(paths.next_private_key())) {
    auto text = PrivateKey::generate().reveal_base64() + "\n";
    auto written = write_file_atomically(paths.next_private_key(), text, 0600);
    wipe(text);
    RADIAL_TRY(std::move(written));
  }
  auto key = load_private_key(paths.next_private_key());
  if (!key) return forward_error(std::move(key.error()));
  return key->public_key();
}

Result<PrivateKey> take_waiting_key(const Paths& paths) {
  RADIAL_ASSIGN(auto key, load_private_key(paths.next_private_key()));
  if (::rename(paths.next_private_key().c_str(), paths.private_key().c_str()) != 0)
    return fail_errno(errno, fmt::format("cannot replace {}", paths.private_key().string()));
  const Fd folder(::open(paths.config.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder && ::fsync(folder.get()) != 0) return fail_errno(errno, fmt::format("cannot keep {}", paths.private_key().string()));
  return key;
}

}  // namespace radial::agent
