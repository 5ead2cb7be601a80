// init, join: this machine becomes a node. invite, invitations, uninvite,
// revoke, log, revisions: the controller, on its hub.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agent/setup.h"
#include "base/key.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/qr.h"
#include "cli/table.h"

namespace radial::cli {
namespace {

using Json = nlohmann::ordered_json;

int failed(const Error& error) {
  print_error(error.message);
  return 1;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string moment(std::int64_t at) {
  const std::time_t time = at;
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local);
  return text.data();
}

std::string own_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "hub";
  const std::string whole(name.data());
  return whole.substr(0, whole.find('.'));
}

void tell(const std::string& line) { fmt::print("  {}\n", line); }

// "30m", "24h", "7d" to seconds.
std::optional<std::int64_t> seconds_of(const std::string& text) {
  if (text.size() < 2 || text.size() > 6) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  switch (text.back()) {
    case 's': return number;
    case 'm': return number * 60;
    case 'h': return number * 3600;
    case 'd': return number * 86400;
    default: return std::nullopt;
  }
}

// Prints the named list of an answer: one row an item.
int print_list(const std::string& socket, const std::string& path, const char* key, bool json,
               const std::function<void(const Json&)>& print) {
  auto body = api_body(socket, "GET", path);
  if (!body) return failed(body.error());
  if (json) {
    fmt::print("{}", *body);
    return 0;
  }
  const auto answer = Json::parse(*body, nullptr, false);
  if (!answer.is_object() || !answer.contains(key) || !answer[key].is_array()) {
    print_error("radiald's answer is not understood");
    return 1;
  }
  print(answer[key]);
  return 0;
}

struct InviteOptions {
  std::string site;
  bool hub = false;
  bool qr = false;
  std::vector<std::string> endpoints;
  std::vector<std::string> lans;
  std::vector<std::string> grants;
  std::string lasts = "24h";
  std::string key;  // of a router that runs no agent
};

int print_qr(const std::string& token) {
  auto picture = qr_text(token, ::isatty(STDOUT_FILENO) != 0);
  if (!picture) return failed(picture.error());
  fmt::print("\n{}", *picture);
  wipe(*picture);
  return 0;
}

int invite(const std::string& socket, const InviteOptions& wish) {
  const auto& site = wish.site;
  const auto seconds = seconds_of(wish.lasts);
  if (!seconds) {
    print_error(fmt::format("--expires '{}' is no time: write 30m, 24h or 7d", wish.lasts));
    return 2;
  }
  std::vector<std::string> endpoints;
  for (const auto& one : wish.endpoints) {
    auto text = agent::endpoint_text(one);
    if (!text) return failed(text.error());
    endpoints.push_back(std::move(*text));
  }
  Json request{{"site", site}, {"hub", wish.hub}, {"endpoints", endpoints}, {"lans", wish.lans}, {"grants", wish.grants}, {"seconds", *seconds}};
  if (!wish.key.empty()) request["public_key"] = wish.key;
  auto body = api_body(socket, "POST", "/v1/invitations", dumped(request));
  if (!body) return failed(body.error());
  if (!wish.key.empty()) {
    fmt::print("{0} is a peer of its hubs by that key, and has a preshared key with each. What its router needs: radial export {0} "
               "--with-preshared-keys --as wg (vyos, mikrotik, opnsense), and --as frr\n", site);
    return 0;
  }
  auto answer = Json::parse(*body, nullptr, false);
  wipe(*body);
  if (!answer.is_object() || !answer.contains("token") || !answer["token"].is_string()) {
    print_error("radiald's answer is not understood");
    return 1;
  }
  fmt::print(stderr, "On {}, as root; until {}, once:\n\n", site, moment(answer.value("expires", std::int64_t{0})));
  fmt::print("radial join {}\n", answer["token"].get_ref<const std::string&>());
  const int code = wish.qr ? print_qr(answer["token"].get_ref<const std::string&>()) : 0;
  wipe(answer["token"].get_ref<std::string&>());
  return code;
}

int post_site(const std::string& socket, const std::string& path, const std::string& site, std::string_view done) {
  auto body = api_body(socket, "POST", path, dumped({{"site", site}}));
  if (!body) return failed(body.error());
  fmt::print("{} {}\n", site, done);
  return 0;
}

std::optional<Json> members(const std::string& socket) {
  auto body = api_body(socket, "GET", "/v1/members");
  if (!body) {
    print_error(body.error().message);
    return std::nullopt;
  }
  auto answer = Json::parse(*body, nullptr, false);
  if (answer.is_object() && answer.contains("members") && answer["members"].is_array() && answer["revocations"].is_array()) return answer;
  print_error("radiald's answer is not understood");
  return std::nullopt;
}

// Asks until `done`, at most `patience`. The last answer.
std::optional<Json> members_when(const std::string& socket, std::chrono::milliseconds patience, const std::function<bool(const Json&)>& done) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto answer = members(socket);
    if (!answer || done(*answer) || std::chrono::steady_clock::now() > end) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::string joined_words(const Json& words) {
  std::vector<std::string> all;
  for (const auto& word : words)
    if (word.is_string()) all.push_back(word.get<std::string>());
  return fmt::format("{}", fmt::join(all, ", "));
}

// What a rotation is at, in the operator's words.
std::string rotation_text(const Json& member) {
  const auto step = member.value("rotation", "");
  if (step == "make") return "waits for the site to make its key";
  if (step == "wait" && member.contains("awaited")) return "waits for " + joined_words(member["awaited"]) + " to learn the new key";
  if (step == "switch" || step == "wait") return "waits for the site to change to its new key";
  return step;
}

int revoke(const std::string& socket, const std::string& site) {
  auto body = api_body(socket, "POST", "/v1/revoke", dumped({{"site", site}}));
  if (!body) return failed(body.error());
  const auto of_site = [&](const Json& one) { return one.value("node", "") == site; };
  const auto none = [&](const Json& answer) {
    return std::none_of(answer["revocations"].begin(), answer["revocations"].end(), of_site);
  };
  const auto answer = members_when(socket, std::chrono::seconds(2), none);
  if (!answer) return 1;
  fmt::print("{} is revoked; 'radial invite' lets it, or another machine, join again\n", site);
  if (none(*answer)) {
    fmt::print("cut off at every hub\n");
    return 0;
  }
  for (const auto& one : (*answer)["revocations"])
    if (of_site(one)) fmt::print("pending: {} has not answered and may still serve it; it cuts it off when it is back\n", one.value("hub", ""));
  return 0;
}

int rotate(const std::string& socket, const std::string& site, bool all) {
  if (all == !site.empty()) {
    print_error("name one SITE, or --all");
    return 2;
  }
  auto body = api_body(socket, "POST", "/v1/rotate", dumped(all ? Json{{"all", true}} : Json{{"site", site}}));
  if (!body) return failed(body.error());
  const auto asked = Json::parse(*body, nullptr, false);
  if (!asked.is_object() || !asked.contains("sites")) {
    print_error("radiald's answer is not understood");
    return 1;
  }
  const auto among = [&](const Json& member) {
    return std::find(asked["sites"].begin(), asked["sites"].end(), member["node"]) != asked["sites"].end();
  };
  const auto answer = members_when(socket, std::chrono::seconds(20), [&](const Json& now) {
    return std::none_of(now["members"].begin(), now["members"].end(), [&](const Json& one) { return among(one) && one.contains("rotation"); });
  });
  if (!answer) return 1;
  int pending = 0;
  for (const auto& one : (*answer)["members"]) {
    if (!among(one)) continue;
    pending += one.contains("rotation") ? 1 : 0;
    fmt::print("{}: {}\n", one.value("node", ""),
               one.contains("rotation") ? rotation_text(one) : "has the new key " + one.value("public_key", ""));
  }
  if (pending > 0) fmt::print("{} pending: it goes on by itself; see 'radial members'\n", pending);
  return 0;
}

std::string how_long(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

std::string configuration_text(const nlohmann::json& member) {
  if (!member.value("agent", true)) return "no radiald";
  if (member.contains("held_back")) return fmt::format("holds {} back", member.value("held_back", std::int64_t{0}));
  return member.value("current", false) ? "newest" : "pending";
}

int list_members(const std::string& socket, bool json) {
  const auto answer = members(socket);
  if (!answer) return 1;
  if (json) {
    fmt::print("{}\n", answer->dump(2));
    return 0;
  }
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  Table table({"NODE", "ROLE", "KEY AGE", "SEEN", "CONFIG", "RADIAL", "FRR", "WIREGUARD", "ROTATION"});
  for (const auto& one : (*answer)["members"]) {
    const bool in = one.value("joined", false);
    table.add({one.value("node", ""), one.value("role", ""), one.contains("key_since") ? how_long(now - one.value("key_since", now)) : "-",
               one.contains("seen") ? how_long(now - one.value("seen", now)) + " ago" : "-",
               !in ? "not joined" : configuration_text(one), one.value("radial", "-"), one.value("frr", "-"), one.value("wireguard", "-"),
               one.contains("rotation") ? rotation_text(one) : "-"});
  }
  fmt::print("{}", table.to_string());
  for (const auto& one : (*answer)["revocations"])
    fmt::print("pending: {} may still serve {}, which was revoked {}\n", one.value("hub", ""), one.value("node", ""),
               moment(one.value("since", std::int64_t{0})));
  return 0;
}

int join(std::string token) {
  if (token.empty() || token == "-") {
    if (::isatty(STDIN_FILENO) != 0) fmt::print(stderr, "token: ");
    std::getline(std::cin, token);
  }
  const auto done = agent::join({}, token, tell);
  wipe(token);
  return done ? 0 : failed(done.error());
}

void print_invitations(const Json& all) {
  Table table({"SITE", "STATE", "INVITED", "EXPIRES", "BY"});
  for (const auto& one : all)
    table.add({one.value("site", ""), one.value("state", ""), moment(one.value("created", std::int64_t{0})),
               moment(one.value("expires", std::int64_t{0})), one.value("by", "")});
  fmt::print("{}", all.empty() ? std::string("no invitations\n") : table.to_string());
}

void print_log(const Json& all) {
  for (auto line = all.rbegin(); line != all.rend(); ++line)
    fmt::print("{}  {:<12}  {}\n", moment(line->value("at", std::int64_t{0})), line->value("who", ""), line->value("what", ""));
}

void print_revisions(const Json& all) {
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    fmt::print("revision {}  {}  {}  {}\n", one->value("revision", 0), moment(one->value("at", std::int64_t{0})),
               one->value("by", ""), one->value("reason", ""));
    if (one->value("state", "active") != "active") fmt::print("    {}: {}\n", one->value("state", ""), one->value("why", ""));
    const auto diff = one->value("diff", "");
    for (std::size_t at = 0; at < diff.size();) {
      const auto end = std::min(diff.find('\n', at), diff.size());
      fmt::print("    {}\n", diff.substr(at, end - at));
      at = end + 1;
    }
  }
}

void add_setup(CLI::App& app, int& exit_code) {
  auto* init = app.add_subcommand("init", "Make this machine the first hub, and the controller, of a new fabric");
  auto wish = std::make_shared<agent::InitOptions>();
  wish->name = own_name();
  wish->fabric = "radial";
  auto* endpoint = init->add_option("--endpoint", wish->endpoints, "where sites reach this hub: vpn.example.com or with :PORT; may be repeated");
  auto* lan = init->add_option("--lan", wish->lans, "a prefix behind this hub; may be repeated");
  init->add_option("--name", wish->name, "of this hub")->capture_default_str();
  auto* fabric = init->add_option("--fabric", wish->fabric, "the fabric's name")->capture_default_str();
  auto* from = init->add_option("--from", wish->from, "a fabric file that is there, as of 'radial import', in place of --endpoint, --lan and --fabric; "
                                                      "its sites' keys are in facts.json beside it")
                   ->excludes(endpoint)->excludes(lan)->excludes(fabric);
  init->add_option("--facts", wish->facts, "where the keys are instead")->needs(from);
  init->callback([&exit_code, wish] {
    if (wish->endpoints.empty() && wish->from.empty())
      throw CLI::RequiredError("--endpoint (or --from)");
    const auto done = agent::initialise({}, *wish, tell);
    exit_code = done ? 0 : failed(done.error());
  });

  auto* join_command = app.add_subcommand("join", "Make this machine the node that a token of 'radial invite' is for");
  auto token = std::make_shared<std::string>();
  join_command->add_option("TOKEN", *token, "the token; without it, or with '-', it is read from standard input");
  join_command->callback([&exit_code, token] { exit_code = join(std::move(*token)); });
}

}  // namespace

void add_enrol_commands(CLI::App& app, int& exit_code) {
  add_setup(app, exit_code);

  auto socket = std::make_shared<std::string>(agent::Paths{}.socket().string());
  auto site = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  const auto command = [&](const char* name, const char* what) {
    auto* one = app.add_subcommand(name, what);
    one->add_option("--socket", *socket, "radiald's socket")->capture_default_str();
    return one;
  };
  const auto of_site = [&](const char* name, const char* what) {
    auto* one = command(name, what);
    one->add_option("SITE", *site, "a site's name")->required();
    return one;
  };
  const auto listing = [&](const char* name, const char* what) {
    auto* one = command(name, what);
    one->add_flag("--json", *json, "for programs");
    return one;
  };

  auto* invite_command = command("invite", "On the controller: print a token that lets one machine join as SITE");
  auto wish = std::make_shared<InviteOptions>();
  invite_command->add_option("SITE", wish->site, "its name in the fabric")->required();
  invite_command->add_flag("--hub", wish->hub, "it is to be another hub");
  invite_command->add_option("--endpoint", wish->endpoints, "where others reach that hub: vpn2.example.com or with :PORT; may be repeated");
  invite_command->add_option("--lan", wish->lans, "a prefix behind it; may be repeated");
  invite_command->add_option("--grant", wish->grants, "what a site may announce besides: a prefix, or 'any'; may be repeated");
  invite_command->add_option("--expires", wish->lasts, "how long the token is good: 30m, 24h, 7d")->capture_default_str();
  auto* qr = invite_command->add_flag("--qr", wish->qr, "the token as a QR code too");
  invite_command->add_option("--key", wish->key, "the public key of a router that runs no agent: SITE is a peer at once, and no token is printed")->excludes(qr);
  invite_command->callback([&exit_code, socket, wish] { exit_code = invite(*socket, *wish); });

  of_site("uninvite", "On the controller: withdraw the token of SITE")->callback([&exit_code, socket, site] {
    exit_code = post_site(*socket, "/v1/invitations/withdraw", *site, "is not invited any more");
  });
  of_site("revoke", "On the controller: cut SITE off at every hub and forget its keys")->callback([&exit_code, socket, site] {
    exit_code = revoke(*socket, *site);
  });
  auto* rotate_command = command("rotate", "On the controller: let a site make itself a new key, while everything stays up");
  auto all = std::make_shared<bool>(false);
  rotate_command->add_option("SITE", *site, "a site's name");
  rotate_command->add_flag("--all", *all, "every site");
  rotate_command->callback([&exit_code, socket, site, all] { exit_code = rotate(*socket, *site, *all); });
  listing("members", "On the controller: what nodes report, and what is pending")->callback([&exit_code, socket, json] {
    exit_code = list_members(*socket, *json);
  });
  listing("invitations", "On the controller: who was invited")->callback([&exit_code, socket, json] {
    exit_code = print_list(*socket, "/v1/invitations", "invitations", *json, print_invitations);
  });
  listing("log", "On the controller: who did what")->callback([&exit_code, socket, json] {
    exit_code = print_list(*socket, "/v1/log", "log", *json, print_log);
  });
  listing("revisions", "On the controller: every change of the fabric file, with its diff")->callback([&exit_code, socket, json] {
    exit_code = print_list(*socket, "/v1/revisions", "revisions", *json, print_revisions);
  });
}

// A token given as an argument would stand in every process list until the
// join is done.
void hide_token(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]).starts_with("radial1.")) std::memset(argv[i], 'x', std::strlen(argv[i]));
}

}  // namespace radial::cli
