#include "cli/qr.h"

#include <memory>

#include <qrencode.h>
#include <sodium.h>

namespace radial::cli {
namespace {

constexpr int quiet = 4;  // modules around the symbol

struct Free {
  void operator()(QRcode* code) const {
    sodium_memzero(code->data, static_cast<std::size_t>(code->width) * static_cast<std::size_t>(code->width));
    QRcode_free(code);
  }
};

}  // namespace

Result<std::string> qr_text(std::string_view text, bool coloured) {
  const std::unique_ptr<QRcode, Free> code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L));
  if (!code) return fail_errno(errno, "cannot make a QR code of this");
  const auto light = [&](int x, int y) {
    if (x < 0 || y < 0 || x >= code->width || y >= code->width) return true;
    return (code->data[y * code->width + x] & 1U) == 0;
  };
  std::string picture;
  for (int y = -quiet; y < code->width + quiet; y += 2) {
    if (coloured) picture += "\x1b[40;37;1m";
    for (int x = -quiet; x < code->width + quiet; ++x) {
      const bool below = y + 1 >= code->width + quiet || light(x, y + 1);
      picture += light(x, y) ? (below ? "\u2588" : "\u2580") : below ? "\u2584" : " ";
    }
    picture += coloured ? "\x1b[0m\n" : "\n";
  }
  return picture;
}

}  // namespace radial::cli
