// Two engines whose every step a script of bytes decides: what is sent, when,
// and what the network does to it; messages with a right mac1 and arbitrary
// contents besides. Whatever happens, only what was sent may be delivered.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "../engine/noise/world.h"
#include "engine/noise/cookie.h"

namespace {

using namespace radial::engine;
using namespace radial::engine::world;

class Script {
 public:
  explicit Script(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t next() {
    if (bytes_.empty()) return 0;
    const auto value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::size_t next16() {
    const std::size_t high = next();
    return high << 8U | next();
  }
  Buffer take(std::size_t count) {
    count = std::min(count, bytes_.size());
    Buffer taken(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(count));
    bytes_ = bytes_.subspan(count);
    return taken;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

void check(World& w) {
  for (std::size_t i = 0; i < 2; ++i) {
    for (const auto& packet : w[i].packets) {
      if (packet != make_packet(w[1 - i].inner(), w[i].inner(), number_of(packet), packet.size())) std::abort();
    }
    w[i].packets.clear();
  }
}

// A message whose mac1 is right for the receiver, so that it gets past it.
Buffer with_mac1(Node& receiver, std::uint8_t type, Buffer body) {
  body.resize(type == 1 ? initiation::size : response::size);
  store_u32(body.data(), type);
  CookieJar jar(receiver.key());
  jar.sign(body, Instant(seconds(1)), ProtocolLimits{});
  return body;
}

void run(Script script) {
  World w(2);
  w.introduce_all();
  enum class Fate { pass, drop, damage, twice } fate = Fate::pass;
  std::size_t where = 0;
  w.network = [&](Wire& wire) -> std::vector<std::chrono::nanoseconds> {
    switch (std::exchange(fate, Fate::pass)) {
      case Fate::drop: return {};
      case Fate::damage: wire.bytes[where % wire.bytes.size()] ^= static_cast<std::uint8_t>(1U << where % 7); break;
      case Fate::twice: return {milliseconds(5), milliseconds(500)};
      case Fate::pass: break;
    }
    return {milliseconds(10)};
  };
  std::uint32_t number = 0;
  for (int steps = 0; steps < 200 && !script.empty(); ++steps) {
    const auto op = script.next();
    const std::size_t side = op >> 7U;
    auto& self = w[side];
    auto& other = w[1 - side];
    switch (op % 14) {
      case 0:
      case 1: self.send(other, number++, 24 + script.next16() % 1397); break;
      case 2: w.run(milliseconds(script.next())); break;
      case 3: w.run(seconds(script.next())); break;
      case 4: fate = Fate::drop; break;
      case 5:
        fate = Fate::damage;
        where = script.next16();
        break;
      case 6: fate = Fate::twice; break;
      case 7:
        if (!w.log.empty()) w.inject(w.log[script.next16() % w.log.size()]);
        break;
      case 8: {
        Wire wire{1 - side, other.address(), self.address(), script.take(script.next()), 0};
        if (!wire.bytes.empty()) self.receive(wire);
        break;
      }
      case 9: {
        const auto type = static_cast<std::uint8_t>(1 + script.next() % 2);
        self.receive({1 - side, other.address(), self.address(), with_mac1(self, type, script.take(script.next())), 0});
        break;
      }
      case 10: self.busy = !self.busy; break;
      case 11:
        self.restart();
        self.add(other);
        break;
      case 12: self.wall_offset += seconds(static_cast<int>(script.next()) - 128); break;
      default: self.add(other, true, static_cast<std::uint16_t>(script.next())); break;
    }
    check(w);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(Script({data, size}));
  return 0;
}
