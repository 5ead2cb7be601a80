#include "exchange/wg_quick.h"

#include <charconv>

#include "exchange/hooks.h"
#include "exchange/text_lines.h"

namespace radial::exchange {
namespace {

constexpr std::size_t longest_title = 40;
constexpr std::size_t most_words = 5;

// A comment that reads as a name: "Spoke 1", "### Client bob", "Name = bob".
// Anything else with a '=' is a setting that was commented out, perhaps a key.
std::string title_of(std::string_view comment) {
  while (!comment.empty() && (comment.front() == '#' || comment.front() == ' ' || comment.front() == '\t'))
    comment.remove_prefix(1);
  comment = trimmed(comment);
  const auto equals = comment.find_first_of("=:");
  if (equals != std::string_view::npos) {
    const auto key = lower(trimmed(comment.substr(0, equals)));
    if (key != "name" && key != "friendly_name" && key != "site" && key != "peer" && key != "client") return {};
    comment = trimmed(comment.substr(equals + 1));
  }
  if (comment.find('=') != std::string_view::npos || comment.size() > longest_title ||
      split(comment, " \t").size() > most_words)
    return {};
  for (const std::string_view word : {"BEGIN_PEER ", "Client ", "client "})
    if (comment.starts_with(word)) comment = trimmed(comment.substr(word.size()));
  return std::string(comment);
}

bool explicit_title(std::string_view comment) { return comment.find_first_of("=:") != std::string_view::npos; }

template <class Integer>
std::optional<Integer> number(std::string_view text, Integer least, Integer most) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_name_(file) {}

  void line(int number, std::string_view text) {
    line_ = number;
    const auto hash = text.find('#');
    const auto words = trimmed(text.substr(0, hash));
    if (hash != std::string_view::npos) comment(text.substr(hash), words.empty());
    if (words.empty()) {
      if (hash == std::string_view::npos) {  // a blank line parts what belongs to which section
        before_peer_.clear();
        after_blank_ = true;
      }
      return;
    }
    if (words.front() == '[') return section(lower(words));
    const auto equals = words.find('=');
    if (equals == std::string_view::npos) return note(Weight::error, "neither a section nor 'key = value'");
    const auto key = lower(trimmed(words.substr(0, equals)));
    const auto value = trimmed(words.substr(equals + 1));
    before_peer_.clear();
    first_key_seen_ = true;
    if (in_ == In::interface) interface_key(key, value);
    else if (in_ == In::peer) peer_key(key, value);
    else if (in_ == In::nothing) note(Weight::error, "a setting before any section");
  }

  WgQuickFile finish() {
    if (!seen_interface_) note_at(Weight::error, 0, "no [Interface] section: not a WireGuard configuration");
    else if (file_.private_key.is_zero() && !bad_private_key_)
      note_at(Weight::error, 0, "no PrivateKey: without it the hub cannot be taken over under its own key");
    return std::move(file_);
  }

 private:
  enum class In : std::uint8_t { nothing, interface, peer, unknown };

  void note(Weight weight, std::string text) { note_at(weight, line_, std::move(text)); }
  void note_at(Weight weight, int line, std::string text) {
    file_.notes.push_back({weight, file_name_, line, std::move(text)});
  }

  void comment(std::string_view text, bool alone) {
    auto title = title_of(text);
    if (title.empty()) return;
    if (in_ == In::peer && alone && (!first_key_seen_ || (explicit_title(text) && !after_blank_)) && !titled_) {
      file_.peers.back().title = title;
      titled_ = true;
    } else if (alone) {
      before_peer_ = title;
    }
  }

  void section(const std::string& name) {
    if (name == "[interface]") {
      if (seen_interface_) note(Weight::error, "a second [Interface] section");
      seen_interface_ = true;
      in_ = In::interface;
    } else if (name == "[peer]") {
      in_ = In::peer;
      file_.peers.push_back({});
      file_.peers.back().line = line_;
      file_.peers.back().title = before_peer_;
    } else {
      in_ = In::unknown;
      note(Weight::error, "an unknown section; left out");
    }
    titled_ = first_key_seen_ = after_blank_ = false;
    before_peer_.clear();
  }

  void interface_key(const std::string& key, std::string_view value) {
    if (key == "privatekey") {
      auto parsed = PrivateKey::parse(value);
      if (parsed && !parsed->is_zero()) file_.private_key = std::move(*parsed);
      else note(Weight::error, "PrivateKey is not a key (32 bytes in base64); put the hub's own there");
      bad_private_key_ = file_.private_key.is_zero();
    } else if (key == "address") {
      addresses(value);
    } else if (key == "listenport") {
      file_.listen_port = number<std::uint16_t>(value, 1, 65535);
      if (!file_.listen_port) note(Weight::error, "ListenPort is not a port");
    } else if (key == "mtu") {
      file_.mtu = number(value, 576, 65456);
      if (!file_.mtu) note(Weight::warning, "MTU is not a number from 576 to 65456; left out");
    } else if (key == "table") {
      if (lower(value) != "off")
        note(Weight::warning, "Table is not 'off': wg-quick makes routes of AllowedIPs. Under Radial routes come from FRR");
    } else if (key == "dns") {
      note(Weight::warning, "DNS is left out: Radial does not touch the resolver");
    } else if (key == "saveconfig") {
      if (lower(value) == "true")
        note(Weight::warning, "SaveConfig: wg-quick writes this file anew when it goes down; its comments (the peers' "
                              "names) are lost then. Keep a copy");
    } else if (key == "preup" || key == "postup" || key == "predown" || key == "postdown") {
      const auto hook = classify_hook(value);
      note(hook.covered ? Weight::info : Weight::warning, fmt::format("{}: {}", key, hook.meaning));
    } else if (key == "fwmark") {
      note(Weight::warning, "FwMark is left out: Radial keeps endpoints out of the tunnel without one");
    } else {
      note(Weight::warning, "an unknown key of [Interface]; left out");
    }
  }

  void addresses(std::string_view value) {
    file_.address_line = line_;
    for (const auto word : split(value, ", \t")) {
      auto parsed = InterfaceAddress::parse(word);
      if (!parsed) {
        if (const auto bare = IpAddress::parse(word)) parsed = InterfaceAddress{*bare, bits_of(bare->family())};
      }
      if (parsed) file_.addresses.push_back(*parsed);
      else note(Weight::error, "Address holds something that is not an address");
    }
    if (file_.addresses.empty()) note(Weight::error, "Address is empty");
  }

  void peer_key(const std::string& key, std::string_view value) {
    auto& peer = file_.peers.back();
    if (key == "publickey") {
      const auto parsed = PublicKey::parse(value);
      if (parsed && !parsed->is_zero()) peer.public_key = *parsed;
      else note(Weight::error, "PublicKey is not a key (32 bytes in base64): this site cannot come until it has one");
    } else if (key == "allowedips") {
      allowed_ips(peer, value);
    } else if (key == "endpoint") {
      peer.endpoint_line = line_;
    } else if (key == "presharedkey") {
      auto parsed = PresharedKey::parse(value);
      if (!parsed) note(Weight::error, "PresharedKey is not a key (32 bytes in base64): put the one there that the other end has");
      else if (!parsed->is_zero()) peer.preshared = std::move(*parsed);
    } else if (key == "persistentkeepalive") {
      if (lower(value) != "off") peer.keepalive = number<std::uint16_t>(value, 0, 65535);
    } else {
      note(Weight::warning, "an unknown key of [Peer]; left out");
    }
  }

  void allowed_ips(WgQuickPeer& peer, std::string_view value) {
    for (const auto word : split(value, ", \t")) {
      auto address = InterfaceAddress::parse(word);
      if (!address) {
        if (const auto bare = IpAddress::parse(word)) address = InterfaceAddress{*bare, bits_of(bare->family())};
      }
      if (!address) {
        note(Weight::error, "AllowedIPs holds something that is not a prefix; left out");
        continue;
      }
      const auto prefix = address->network();
      if (prefix.address() != address->address)
        note(Weight::warning, fmt::format("{} has host bits set; WireGuard takes it as {}, and so does the import", *address,
                                          prefix.to_string()));
      peer.allowed_ips.push_back({prefix, line_});
    }
  }

  std::string file_name_;
  WgQuickFile file_;
  In in_ = In::nothing;
  int line_ = 0;
  bool seen_interface_ = false;
  bool bad_private_key_ = false;
  bool titled_ = false;
  bool first_key_seen_ = false;
  bool after_blank_ = false;
  std::string before_peer_;
};

}  // namespace

WgQuickFile read_wg_quick(std::string_view text, const std::string& file) {
  Reader reader(file);
  each_line(text, [&](int number, std::string_view line) { reader.line(number, line); });
  return reader.finish();
}

}  // namespace radial::exchange
