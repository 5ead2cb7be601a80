// A QR code read back from what the terminal would show.
#include "cli/qr.h"

#include <vector>

#include <gtest/gtest.h>

namespace radial::cli {
namespace {

// Dark modules, row by row, from the half blocks.
std::vector<std::vector<bool>> dark_modules(const std::string& picture) {
  std::vector<std::vector<bool>> rows;
  std::vector<bool> upper;
  std::vector<bool> lower;
  for (std::size_t at = 0; at < picture.size();) {
    const auto rest = std::string_view(picture).substr(at);
    if (rest.front() == '\n') {
      rows.push_back(upper);
      rows.push_back(lower);
      upper.clear();
      lower.clear();
      ++at;
      continue;
    }
    upper.push_back(rest.front() == ' ' || rest.starts_with("\u2584"));
    lower.push_back(rest.front() == ' ' || rest.starts_with("\u2580"));
    at += rest.front() == ' ' ? 1 : 3;
  }
  return rows;
}

TEST(QrCode, ShowsASymbolWithItsFindersAndQuietZone) {
  const auto picture = qr_text("radial1." + std::string(380, 'x'), false);
  ASSERT_TRUE(picture);
  const auto rows = dark_modules(*picture);
  const auto width = rows.front().size();
  EXPECT_LE(width, 80U);  // it fits a terminal
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      EXPECT_FALSE(rows[y][x]);
      EXPECT_FALSE(rows[x][y]);
    }
  // The finder pattern, 7 by 7, in three corners.
  const auto finder = [&](std::size_t left, std::size_t top) {
    for (std::size_t y = 0; y < 7; ++y)
      for (std::size_t x = 0; x < 7; ++x) {
        const bool ring = x == 0 || y == 0 || x == 6 || y == 6;
        const bool heart = x >= 2 && x <= 4 && y >= 2 && y <= 4;
        EXPECT_EQ(rows[top + y][left + x], ring || heart) << x << " " << y;
      }
  };
  finder(4, 4);
  finder(width - 11, 4);
  finder(4, width - 11);
}

TEST(QrCode, RefusesWhatNoSymbolHolds) { EXPECT_FALSE(qr_text(std::string(5000, 'x'), true)); }

}  // namespace
}  // namespace radial::cli
