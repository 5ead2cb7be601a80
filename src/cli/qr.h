// A text as a QR code (ISO/IEC 18004) for a terminal: two modules a character,
// in half blocks, with the quiet zone of four modules around. Made here, by
// libqrencode: a token never goes to another program.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace radial::cli {

// `coloured`: black on white whatever the terminal's colours; else light
// modules are the blocks, as on a dark terminal. The text may be a secret; so is
// the picture.
[[nodiscard]] Result<std::string> qr_text(std::string_view text, bool coloured);

}  // namespace radial::cli
